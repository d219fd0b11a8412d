//! What cannot be loaded or run is refused in one sentence that says where and what to do.

mod support;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use papo_checkpoint::{Checkpoint, Dtype};
use papo_generate::{LanguageModel, Room};
use papo_models::{EncoderDecoder, Error, LoadOptions, WeightDtype, families, read_config};
use serde_json::{Value, json};
use support::{config, load, rebuild, start, tensors};

/// The configuration of a tiny checkpoint with some fields changed; null takes one away.
fn changed(name: &str, changes: Value) -> Value {
    let mut config = config(name);
    for (field, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => config.as_object_mut().unwrap().remove(field),
            value => config.as_object_mut().unwrap().insert(field.clone(), value.clone()),
        };
    }
    config
}

/// The sentence with which a changed configuration is refused before any weight is read.
fn refusal(name: &str, changes: Value) -> String {
    read_config(&changed(name, changes), Path::new("some/config.json")).unwrap_err().to_string()
}

/// The sentence with which a changed configuration is refused against its unchanged weights.
fn refusal_of_weights(name: &str, changes: Value) -> String {
    rebuild(&changed(name, changes), &tensors(name), WeightDtype::Auto).unwrap_err().to_string()
}

#[test]
fn an_unknown_family_is_told_which_there_are() {
    let sentence = refusal("bart-full", json!({ "model_type": "gpt2" }));
    assert_eq!(
        sentence,
        "some/config.json: the model type `gpt2` is not supported; use a checkpoint of type bart, blenderbot, marian, mt5, papo_gru, papo_lstm, papo_rnn, papo_seq2seq, t5."
    );
    assert!(refusal("bart-full", json!({ "model_type": null })).contains("`model_type` is missing"));
    assert!(
        refusal("bart-full", json!({ "model_type": 7 }))
            .contains("`model_type` is 7, but it must be a string")
    );
    assert_eq!(families().len(), 9);
}

#[test]
fn a_configuration_that_is_no_object_is_refused() {
    for value in [json!(null), json!([]), json!("bart"), json!(7), json!(true)] {
        let sentence = read_config(&value, Path::new("c.json")).unwrap_err().to_string();
        assert!(
            sentence.starts_with("c.json: the configuration must be a JSON object, but it is"),
            "{sentence}"
        );
    }
}

#[test]
fn sizes_that_cannot_be_are_refused_by_name() {
    let bart = ["d_model", "vocab_size", "max_position_embeddings", "encoder_layers", "decoder_layers"];
    let bart =
        bart.iter().chain(&["encoder_attention_heads", "decoder_ffn_dim"]).map(|&field| ("bart-full", field));
    let t5 = ["d_model", "d_kv", "d_ff", "num_layers", "num_decoder_layers", "num_heads", "vocab_size"];
    let t5 = t5.iter().chain(&["relative_attention_num_buckets"]).map(|&field| ("t5-flan", field));
    for (name, field) in bart.chain(t5) {
        for value in [
            json!(0),
            json!(-3),
            json!(2.5),
            json!("32"),
            json!(1_000_000_000_000_u64),
            json!(1e300),
            json!({}),
        ] {
            let sentence = refusal(name, json!({ field: value }));
            assert!(
                sentence.starts_with(&format!("some/config.json: the field `{field}` is ")),
                "{sentence}"
            );
        }
    }
}

#[test]
fn a_width_that_heads_do_not_divide_is_refused() {
    let sentence = refusal("bart-full", json!({ "encoder_attention_heads": 5 }));
    assert!(
        sentence
            .contains("`encoder_attention_heads` is 5, but it must be a divisor of `d_model`, which is 32")
    );
}

#[test]
fn an_activation_that_is_not_there_is_refused_by_name() {
    let sentence = refusal("marian", json!({ "activation_function": "mish" }));
    assert!(sentence.contains("`activation_function` is `mish`, but it must be an activation"), "{sentence}");
    assert!(refusal("t5-flan", json!({ "feed_forward_proj": "gated-mish" })).contains("`mish`"));
    assert!(refusal("t5-flan", json!({ "feed_forward_proj": "open-gelu" })).contains("`open-gelu`"));
    assert!(refusal("t5-flan", json!({ "feed_forward_proj": "gated-gelu-new" })).contains("`gelu-new`"));
    assert!(refusal("t5-flan", json!({ "dense_act_fn": "mish" })).contains("`dense_act_fn` is `mish`"));
}

#[test]
fn relative_buckets_need_room_for_their_logarithm() {
    assert!(refusal("t5-flan", json!({ "relative_attention_num_buckets": 3 })).contains("4 or more"));
    let sentence = refusal("t5-flan", json!({ "relative_attention_max_distance": 16 }));
    assert!(sentence.contains("more than half of the 32 buckets"), "{sentence}");
}

#[test]
fn flags_and_norms_of_the_wrong_kind_are_refused_by_name() {
    assert!(refusal("bart-full", json!({ "tie_word_embeddings": "yes" })).contains("must be true or false"));
    assert!(refusal("bart-full", json!({ "scale_embedding": "1" })).contains("`scale_embedding` is \"1\""));
    assert!(refusal("t5-flan", json!({ "layer_norm_epsilon": -1 })).contains("a number from 0 to 1"));
    assert!(refusal("t5-flan", json!({ "pad_token_id": "pad" })).contains("`pad_token_id` is \"pad\""));
    assert!(refusal("t5-flan", json!({ "eos_token_id": ["a"] })).contains("`eos_token_id` is a list"));
}

#[test]
fn absent_fields_take_the_references_defaults() {
    let spec = |model_type| read_config(&json!({ "model_type": model_type }), Path::new("c")).unwrap();
    let summary = |model_type| {
        let spec = spec(model_type);
        let (encoder, decoder) = (spec.encoder, spec.decoder);
        (
            spec.d_model,
            spec.target_vocabulary,
            encoder.layers,
            decoder.layers,
            encoder.heads.size,
            decoder.d_ff,
        )
    };
    assert_eq!(summary("bart"), (1024, 50265, 12, 12, 64, 4096));
    assert_eq!(summary("blenderbot"), (2560, 8008, 2, 24, 80, 10240));
    assert_eq!(summary("marian"), (1024, 58101, 12, 12, 64, 4096));
    assert_eq!(summary("t5"), (512, 32128, 6, 6, 64, 2048));
    assert_eq!(summary("mt5"), (512, 250112, 8, 8, 64, 1024));
    assert!(spec("t5").to_string().contains("feed-forward: relu"));
    assert!(spec("mt5").to_string().contains("feed-forward: gated gelu (tanh form)"));
}

#[test]
fn a_missing_tensor_is_named_with_its_file() {
    for (name, key) in [
        ("bart-bare", "decoder.layers.0.encoder_attn.k_proj.bias"),
        ("bart-full", "model.encoder.layernorm_embedding.weight"),
        ("blenderbot-bin", "model.decoder.layer_norm.bias"),
        ("t5-flan", "lm_head.weight"),
        ("t5-v1_0", "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"),
        ("marian", "model.shared.weight"),
    ] {
        let mut stored = tensors(name);
        stored.remove(key).unwrap_or_else(|| panic!("{name} has no {key}"));
        let sentence = rebuild(&config(name), &stored, WeightDtype::Auto).unwrap_err().to_string();
        assert!(sentence.contains("model.safetensors: the tensor `"), "{sentence}");
        assert!(sentence.contains(key) && sentence.contains("is missing"), "{sentence}");
    }
}

#[test]
fn a_tensor_of_another_shape_is_refused_with_both_shapes() {
    let sentence = refusal_of_weights("bart-full", json!({ "vocab_size": 331 }));
    assert!(sentence.contains("has shape [330, 32], but config.json asks for [331, 32]"), "{sentence}");
    let sentence = refusal_of_weights("t5-flan", json!({ "d_kv": 4 }));
    assert!(
        sentence.contains("SelfAttention.q.weight` has shape [24, 32], but config.json asks for [12, 32]")
    );
    let sentence = refusal_of_weights("bart-full", json!({ "max_position_embeddings": 63 }));
    assert!(sentence.contains("embed_positions.weight` has shape [66, 32]"), "{sentence}");
    assert!(refusal_of_weights("marian", json!({ "decoder_ffn_dim": 32 })).contains("fc"));
}

/// What a configuration claims is never allocated: the checkpoint is looked at first.
#[test]
fn the_largest_sizes_are_refused_at_once() {
    let largest = i32::MAX;
    for (name, field) in [
        ("bart-full", "vocab_size"),
        ("bart-full", "encoder_layers"),
        ("bart-full", "max_position_embeddings"),
        ("bart-full", "decoder_ffn_dim"),
        ("marian", "decoder_layers"),
        ("t5-flan", "d_kv"),
        ("t5-flan", "num_heads"),
        ("t5-flan", "d_ff"),
        ("t5-flan", "relative_attention_num_buckets"),
    ] {
        let changes = json!({ field: largest, "relative_attention_max_distance": largest });
        let sentence = refusal_of_weights(name, changes);
        assert!(
            sentence.contains("is missing") || sentence.contains("has shape"),
            "{name}, {field}: {sentence}"
        );
    }
}

#[test]
fn a_deeper_or_gated_configuration_misses_its_tensors() {
    let sentence = refusal_of_weights("t5-flan", json!({ "num_layers": 3 }));
    assert!(sentence.contains("`encoder.block.2."), "{sentence}");
    let sentence = refusal_of_weights("t5-v1_0", json!({ "feed_forward_proj": "gated-gelu" }));
    assert!(sentence.contains("DenseReluDense.wi_0.weight` is missing"), "{sentence}");
    let sentence = refusal_of_weights("t5-flan", json!({ "feed_forward_proj": "relu" }));
    assert!(sentence.contains("DenseReluDense.wi.weight` is missing"), "{sentence}");
}

#[test]
fn weights_that_are_no_floats_are_refused() {
    let mut stored = tensors("bart-full");
    let (dtype, _, bytes) = stored.get_mut("model.encoder.layers.0.fc1.weight").unwrap();
    (*dtype, *bytes) = (Dtype::I32, bytes.clone());
    let sentence = rebuild(&config("bart-full"), &stored, WeightDtype::Auto).unwrap_err().to_string();
    assert!(sentence.contains("`model.encoder.layers.0.fc1.weight` holds I32 numbers"), "{sentence}");
}

#[test]
fn sources_and_targets_beyond_the_positions_are_refused_with_the_limit() {
    let model = load("bart-full");
    assert_eq!((model.max_source_tokens(), model.max_target_tokens()), (Some(64), Some(64)));
    let room = Room { rows: 1, steps: 100 };
    let sentence = model.start(&[vec![5; 65]], room).unwrap_err().to_string();
    assert_eq!(sentence, "Source 0 has 65 tokens, but the model has 64 positions; keep at most 64.");

    let mut state = start(&model, &[vec![5; 64]], room);
    let mut logits = vec![0.0; model.vocab_size()];
    for _ in 0..64 {
        model.step(&mut state, &[7], &mut logits).unwrap();
    }
    let sentence = model.step(&mut state, &[7], &mut logits).unwrap_err().to_string();
    assert!(sentence.contains("64 positions for the tokens that it writes"), "{sentence}");
    assert_eq!(load("t5-flan").max_source_tokens(), None);
}

#[test]
fn tokens_and_sources_that_a_model_cannot_read_are_refused() {
    let model = load("t5-flan");
    let room = Room { rows: 1, steps: 1 };
    let sentence = |sources: &[Vec<u32>]| model.start(sources, room).unwrap_err().to_string();
    assert_eq!(sentence(&[]), "There are no sources to read; give at least one.");
    assert_eq!(sentence(&[vec![5], vec![]]), "Source 1 has no tokens besides padding; give it at least one.");
    assert!(sentence(&[vec![288]]).contains("Token 288 is not in the source vocabulary of 288 tokens"));

    let mut state = start(&model, &[vec![5]], room);
    let mut logits = vec![0.0; 288];
    let sentence = model.step(&mut state, &[4_000_000_000], &mut logits).unwrap_err().to_string();
    assert!(sentence.contains("Token 4000000000 is not in the target vocabulary"), "{sentence}");
}

#[test]
fn an_interrupt_ends_loading_between_two_tensors() {
    let interrupt = AtomicBool::new(false);
    let stop = |_| interrupt.store(true, Ordering::Relaxed);
    let folder = support::folder("bart-full");
    let options = LoadOptions {
        progress: Some(&stop),
        interrupt: Some(&interrupt),
        ..LoadOptions::new(support::compute())
    };
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let loaded = EncoderDecoder::load(&config("bart-full"), Path::new("c.json"), &checkpoint, &options);
    assert!(matches!(loaded, Err(Error::Interrupted)));
}

#[test]
fn names_with_a_wrappers_prefix_are_told_for_what_they_are() {
    for (name, prefix, word) in [
        ("bart-full", "module.", "DataParallel"),
        ("t5-flan", "_orig_mod.", "torch.compile"),
        ("marian", "base_model.model.", "merge_and_unload"),
        ("t5-flan", "net.", "a wrapper around the model"),
    ] {
        let prefixed: support::Tensors =
            tensors(name).into_iter().map(|(key, tensor)| (format!("{prefix}{key}"), tensor)).collect();
        let sentence = rebuild(&config(name), &prefixed, WeightDtype::Auto).unwrap_err().to_string();
        assert!(sentence.contains(&format!("`{prefix}`")) && sentence.contains(word), "{sentence}");
    }
}
