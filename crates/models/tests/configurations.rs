//! What a `config.json` means where the reference's own classes have it in the code: second names, nulls, numbers, and the age
//! of the program that wrote it. Expected values are those of `transformers` 4.57.6, and of 5.24.0 for what that one saved.

mod support;

use std::path::Path;

use papo_generate::Room;
use papo_models::{EncoderDecoder, Head, Spec, WeightDtype, read_config};
use serde_json::{Value, json};
use support::{config, load, rebuild, start, step, tensors};

fn spec(config: Value) -> Spec {
    read_config(&config, Path::new("config.json")).unwrap()
}

/// A configuration with some fields set and, where the value is "absent", taken away.
fn with(mut config: Value, changes: Value) -> Value {
    for (field, value) in changes.as_object().unwrap() {
        let fields = config.as_object_mut().unwrap();
        match value.as_str() {
            Some("absent") => fields.remove(field),
            _ => fields.insert(field.clone(), value.clone()),
        };
    }
    config
}

fn logits(model: &EncoderDecoder) -> Vec<f32> {
    let mut state = start(model, &[vec![5, 6, 1]], Room { rows: 1, steps: 1 });
    step(model, &mut state, &[0])
}

#[test]
fn fields_are_read_under_their_second_names() {
    let t5 = config("t5-flan");
    let renamed = json!({
        "hidden_size": t5["d_model"], "d_model": "absent", "num_attention_heads": t5["num_heads"], "num_heads": "absent",
        "num_hidden_layers": t5["num_layers"], "num_layers": "absent", "head_dim": t5["d_kv"], "d_kv": "absent",
    });
    assert_eq!(spec(with(t5.clone(), renamed)), spec(t5));
    for name in ["bart-full", "blenderbot-bin", "marian"] {
        let config = config(name);
        let renamed = json!({
            "hidden_size": config["d_model"], "d_model": "absent",
            "num_attention_heads": config["encoder_attention_heads"], "encoder_attention_heads": "absent",
        });
        assert_eq!(spec(with(config.clone(), renamed)), spec(config), "{name}");
    }
}

#[test]
fn a_second_name_wins_and_a_depth_under_it_is_not_the_decoders() {
    let t5 = spec(
        json!({ "model_type": "t5", "num_hidden_layers": 2, "hidden_size": 32, "d_model": 16, "head_dim": 8 }),
    );
    assert_eq!((t5.d_model, t5.encoder.layers, t5.decoder.layers, t5.encoder.heads.size), (32, 2, 6, 8));
    let bart = spec(json!({ "model_type": "bart", "num_attention_heads": 2, "hidden_size": 32 }));
    assert_eq!((bart.d_model, bart.encoder.heads.count, bart.decoder.heads.count), (32, 2, 16));
    assert_eq!(
        bart.encoder.layers,
        spec(json!({ "model_type": "bart", "num_hidden_layers": 3 })).encoder.layers
    );
}

#[test]
fn a_null_is_no_switch_that_is_on() {
    let null = |name: &str, field: &str| spec(with(config(name), json!({ field: null })));
    assert_eq!(null("bart-full", "tie_word_embeddings").head, Head::Separate);
    let t5 = null("t5-v1_0", "tie_word_embeddings");
    assert_eq!((t5.head, t5.scale.output), (Head::Separate, 1.0));
    let ungated = spec(with(config("t5-flan"), json!({ "is_gated_act": null, "dense_act_fn": "relu" })));
    assert!(format!("{:?}", ungated.feed_forward).contains("Plain"), "{:?}", ungated.feed_forward);
    assert_eq!(null("t5-flan", "pad_token_id").padding, None);
}

#[test]
fn whole_numbers_may_be_written_with_a_point() {
    for name in ["bart-full", "blenderbot-bin", "marian", "mt5", "t5-flan"] {
        let mut pointed = config(name);
        for value in pointed.as_object_mut().unwrap().values_mut() {
            if let Some(number) = value.as_u64() {
                *value = json!(number as f64);
            }
        }
        assert_eq!(spec(pointed), spec(config(name)), "{name}");
        let sentence =
            read_config(&with(config(name), json!({ "d_model": 32.5 })), Path::new("c")).unwrap_err();
        assert!(sentence.to_string().contains("`d_model` is 32.5"), "{sentence}");
    }
}

/// Version 5 writes `tie_word_embeddings: true` for every mT5, uses the head that is stored and never scales.
#[test]
fn what_version_5_saved_of_mt5_keeps_its_own_head_unscaled() {
    for version in ["5.24.0", "5.0.0rc1", "5.0.0.dev0"] {
        let saved =
            with(config("mt5"), json!({ "tie_word_embeddings": true, "transformers_version": version }));
        let model = rebuild(&saved, &tensors("mt5"), WeightDtype::Auto).unwrap();
        assert_eq!(logits(&model), logits(&load("mt5")), "{version}");
    }
    // Saved by version 4 the same words mean what they say.
    let tied = with(config("mt5"), json!({ "tie_word_embeddings": true, "transformers_version": "4.57.6" }));
    let model = rebuild(&tied, &tensors("mt5"), WeightDtype::Auto).unwrap();
    assert_ne!(logits(&model), logits(&load("mt5")));
}

#[test]
fn what_version_5_saved_of_mt5_without_a_head_is_tied_and_unscaled() {
    let saved = with(config("mt5"), json!({ "tie_word_embeddings": true, "transformers_version": "5.24.0" }));
    let mut stored = tensors("mt5");
    stored.remove("lm_head.weight").unwrap();
    let model = rebuild(&saved, &stored, WeightDtype::Auto).unwrap();
    stored.insert("lm_head.weight".into(), stored["shared.weight"].clone());
    let separate = rebuild(&config("mt5"), &stored, WeightDtype::Auto).unwrap();
    assert_eq!(logits(&model), logits(&separate));
}

#[test]
fn what_version_5_saved_of_bart_keeps_a_head_that_differs() {
    let mut stored = tensors("bart-full");
    let mut head = stored["model.shared.weight"].clone();
    head.2.rotate_left(64);
    stored.insert("lm_head.weight".into(), head);
    let load = |changes: Value| {
        let config = with(config("bart-full"), changes);
        logits(&rebuild(&config, &stored, WeightDtype::Auto).unwrap())
    };
    let by_5 = load(json!({ "tie_word_embeddings": true, "transformers_version": "5.24.0" }));
    let by_4 = load(json!({ "tie_word_embeddings": true, "transformers_version": "4.57.6" }));
    assert_eq!(by_5, load(json!({ "tie_word_embeddings": false })));
    assert_ne!(by_5, by_4);
    assert_eq!(by_4, logits(&support::load("bart-full")));
}
