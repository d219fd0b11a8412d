//! What cannot be a recurrent network, or be read by one, is refused in one sentence that says where and what to do.

mod support;

use std::path::Path;

use papo_checkpoint::Dtype;
use papo_generate::{LanguageModel, Room};
use papo_models::{
    Architecture, Error, RecurrentLm, RecurrentSeq2Seq, WeightDtype, families, read_architecture, read_config,
};
use serde_json::{Value, json};
use support::{causal, config, rebuild_by, seq2seq, start, step, tensors};

const LUONG: &str = "lineage-seq2seq-luong-lstm";
const BAHDANAU: &str = "lineage-seq2seq-bahdanau-gru";

/// The configuration of a tiny checkpoint with some fields changed; null takes one away.
fn changed(name: &str, changes: &Value) -> Value {
    let mut config = config(name);
    for (field, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => config.as_object_mut().unwrap().remove(field),
            value => config.as_object_mut().unwrap().insert(field.clone(), value.clone()),
        };
    }
    config
}

/// The sentence with which a changed configuration is refused, weights or not.
#[track_caller]
fn refusal(name: &str, changes: Value) -> String {
    let config = changed(name, &changes);
    let sentence = read_architecture(&config, Path::new("config.json")).unwrap_err().to_string();
    assert_eq!(weights_refusal(name, &changes), sentence);
    sentence
}

/// The sentence with which a changed configuration is refused against its unchanged weights.
#[track_caller]
fn weights_refusal(name: &str, changes: &Value) -> String {
    let (config, stored) = (changed(name, changes), tensors(name));
    let error: Option<Error> = if name.contains("seq2seq") {
        rebuild_by(RecurrentSeq2Seq::load, &config, &stored, WeightDtype::Auto).err()
    } else {
        rebuild_by(RecurrentLm::load, &config, &stored, WeightDtype::Auto).err()
    };
    error.unwrap().to_string()
}

#[test]
fn sizes_that_are_missing_or_cannot_be_are_named() {
    for name in ["lineage-gru", BAHDANAU] {
        for field in ["vocab_size", "d_embedding", "d_hidden", "n_layers"] {
            let expected =
                format!("config.json: the field `{field}` is missing, but it must be a whole number");
            assert!(refusal(name, json!({ field: null })).starts_with(&expected), "{name}, {field}");
            let expected = format!("config.json: the field `{field}` is 0, but");
            assert!(refusal(name, json!({ field: 0 })).starts_with(&expected), "{name}, {field}");
        }
    }
    assert!(refusal(BAHDANAU, json!({ "d_attention": null })).contains("`d_attention` is missing"));
    let sentence = refusal("lineage-rnn", json!({ "bos_token_id": 37 }));
    assert!(sentence.contains("`bos_token_id` is 37, but it must be a token id below 37"), "{sentence}");
}

#[test]
fn an_unknown_cell_or_attention_is_told_which_there_are() {
    assert_eq!(
        refusal(LUONG, json!({ "cell": "sru" })),
        "config.json: the field `cell` is `sru`, but it must be rnn, lstm or gru."
    );
    assert_eq!(
        refusal(LUONG, json!({ "attention": "self" })),
        "config.json: the field `attention` is `self`, but it must be none, bahdanau or luong."
    );
    assert!(refusal(LUONG, json!({ "attention": null })).contains("`attention` is missing"));
    assert!(refusal(LUONG, json!({ "cell": 3 })).contains("`cell` is 3, but it must be a string"));
}

#[test]
fn an_embedding_is_tied_to_what_is_as_wide_alone() {
    assert_eq!(
        refusal("lineage-lstm", json!({ "tie_embeddings": true })),
        "config.json: the field `tie_embeddings` is true, but it must be false, for the output reads 14 numbers (`d_hidden`) \
         and an embedding has 10 (`d_embedding`)."
    );
    assert!(refusal(LUONG, json!({ "tie_embeddings": true })).contains("reads 8 numbers (`d_hidden`)"));
}

#[test]
fn a_model_of_another_kind_is_told_what_is_wanted() {
    let path = Path::new("c.json");
    let sentence = read_config(&config("lineage-lstm"), path).unwrap_err().to_string();
    let expected = "c.json: the field `model_type` is `papo_lstm`, but it must be one of bart, blenderbot, marian, mt5, t5 here.";
    assert_eq!(sentence, expected);
    let load =
        |name| rebuild_by(RecurrentLm::load, &config(name), &tensors("lineage-rnn"), WeightDtype::Auto);
    let sentence = load(LUONG).unwrap_err().to_string();
    assert!(sentence.contains("`papo_seq2seq`, but it must be one of papo_gru, papo_lstm, papo_rnn here"));
    let config = config("lineage-transformer");
    let sentence =
        rebuild_by(RecurrentSeq2Seq::load, &config, &tensors(LUONG), WeightDtype::Auto).unwrap_err();
    assert!(sentence.to_string().contains("`marian`, but it must be one of papo_seq2seq here"));
}

#[test]
fn every_kind_of_model_is_described_without_its_weights() {
    let read = |name| read_architecture(&config(name), Path::new("c")).unwrap();
    let title = |name| {
        let config = config(name);
        let of = |family: &&papo_models::Family| Some(family.model_type) == config["model_type"].as_str();
        families().iter().find(of).unwrap().title
    };
    assert!(matches!(read("lineage-rnn"), Architecture::RecurrentLm(_)));
    assert!(matches!(read("lineage-transformer"), Architecture::EncoderDecoder(_)));
    assert_eq!(title("lineage-rnn"), "Elman network");
    assert_eq!(title(BAHDANAU), "Recurrent encoder-decoder");
    assert_eq!(
        read("lineage-gru").to_string(),
        "vocabulary: 37\nembedding: 12\nlayers: 2 × GRU, 12 wide\nhead: tied to the token table"
    );
    let lines = read(BAHDANAU).to_string();
    assert!(lines.contains("encoder: 2 × GRU in both directions, 2 · 8 wide"), "{lines}");
    assert!(lines.contains("attention: Bahdanau (additive), 9 wide"), "{lines}");
}

#[test]
fn a_missing_tensor_is_named_with_its_file() {
    for (name, key) in [
        ("lineage-lstm", "rnn.weight_hh_l1"),
        ("lineage-gru", "embedding.weight"),
        ("lineage-rnn", "output.weight"),
        (LUONG, "encoder.bias_ih_l1_reverse"),
        (LUONG, "bridge_cell.weight_l1"),
        (LUONG, "attention.weight"),
        (BAHDANAU, "attention.score.weight"),
        (BAHDANAU, "readout.bias"),
    ] {
        let mut stored = tensors(name);
        stored.remove(key).unwrap_or_else(|| panic!("{name} has no {key}"));
        let seq2seq = rebuild_by(RecurrentSeq2Seq::load, &config(name), &stored, WeightDtype::Auto).err();
        let causal = rebuild_by(RecurrentLm::load, &config(name), &stored, WeightDtype::Auto).err();
        let sentence = if name.contains("seq2seq") { seq2seq } else { causal }.unwrap().to_string();
        assert!(
            sentence.contains(&format!("model.safetensors: the tensor `{key}` is missing")),
            "{sentence}"
        );
    }
}

#[test]
fn a_tensor_of_another_shape_is_refused_with_both_shapes() {
    let sentence = weights_refusal("lineage-lstm", &json!({ "d_hidden": 13 }));
    let expected = "`rnn.weight_ih_l0` has shape [56, 10], but config.json asks for [52, 10]";
    assert!(sentence.contains(expected), "{sentence}");
    assert!(
        weights_refusal("lineage-lstm", &json!({ "model_type": "papo_gru" })).contains("asks for [42, 10]")
    );
    let sentence = weights_refusal(BAHDANAU, &json!({ "d_attention": 7 }));
    assert!(sentence.contains("`attention.query.weight` has shape [9, 8]"), "{sentence}");
    let sentence = weights_refusal(LUONG, &json!({ "attention": "none" }));
    assert!(sentence.contains("`decoder.weight_ih_l0` has shape [32, 18]"), "{sentence}");
}

/// What a configuration claims is never allocated: the checkpoint is looked at first.
#[test]
fn the_largest_sizes_are_refused_at_once() {
    for name in ["lineage-lstm", LUONG] {
        for field in ["vocab_size", "d_embedding", "d_hidden", "n_layers"] {
            let sentence = weights_refusal(name, &json!({ field: i32::MAX }));
            let refused = sentence.contains("is missing") || sentence.contains("has shape");
            assert!(refused, "{name}, {field}: {sentence}");
        }
    }
}

#[test]
fn weights_that_are_no_floats_are_refused() {
    let mut stored = tensors("lineage-rnn");
    stored.get_mut("output.bias").unwrap().0 = Dtype::I32;
    let error =
        rebuild_by(RecurrentLm::load, &config("lineage-rnn"), &stored, WeightDtype::Auto).unwrap_err();
    assert!(error.to_string().contains("`output.bias` holds I32 numbers"), "{error}");
}

#[test]
fn tokens_and_sources_that_a_model_cannot_read_are_refused() {
    fn check<M: LanguageModel>(model: &M) {
        let room = Room { rows: 1, steps: 1 };
        let refused = |sources: &[Vec<u32>]| model.start(sources, room).err().unwrap().to_string();
        assert_eq!(refused(&[]), "There are no sources to read; give at least one.");
        assert!(refused(&[vec![5, 37]]).contains("Token 37 is not in the source vocabulary of 37 tokens"));
        let mut state = start(model, &[vec![5]], room);
        let mut logits = vec![0.0; 37];
        step(model, &mut state, &[1]);
        let sentence = model.step(&mut state, &[4_000_000_000], &mut logits).unwrap_err().to_string();
        assert!(sentence.contains("Token 4000000000 is not in the target vocabulary"), "{sentence}");
    }
    check(&causal("lineage-gru"));
    check(&seq2seq(LUONG));
}

#[test]
fn an_empty_source_is_a_beginning_for_a_causal_model_and_nothing_to_an_encoder() {
    let room = Room { rows: 2, steps: 1 };
    let sentence = seq2seq(LUONG).start(&[vec![5], vec![]], room).unwrap_err().to_string();
    assert!(sentence.starts_with("Source 1 has no tokens"), "{sentence}");
    let model = causal("lineage-lstm");
    let mut state = start(&model, &[vec![], vec![7]], room);
    let logits = step(&model, &mut state, &[1, 1]);
    assert!(logits.iter().all(|logit| logit.is_finite()));
    assert_ne!(logits[..37], logits[37..]);
}
