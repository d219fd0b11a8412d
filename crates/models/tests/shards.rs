//! The index of a sharded checkpoint is a list of files: what it says of single tensors is checked against nothing, because
//! published ones name tensors that no shard holds, or the wrong shard.

mod support;

use std::fs;
use std::path::Path;

use papo_checkpoint::Checkpoint;
use papo_generate::Room;
use papo_models::{EncoderDecoder, Error, LoadOptions};
use serde_json::{Value, json};
use support::{compute, config, folder, load, start, step};
use tempfile::TempDir;

/// A copy of a sharded checkpoint with another `weight_map`.
fn with_map(name: &str, change: impl Fn(&mut Value)) -> TempDir {
    let copy = TempDir::new().unwrap();
    for entry in fs::read_dir(folder(name)).unwrap() {
        let entry = entry.unwrap();
        let to = copy.path().join(entry.file_name());
        if entry.file_name().to_string_lossy().ends_with(".index.json") {
            let mut index: Value = serde_json::from_slice(&fs::read(entry.path()).unwrap()).unwrap();
            change(&mut index["weight_map"]);
            fs::write(to, index.to_string()).unwrap();
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
    copy
}

fn load_from(folder: &Path, config: &Value) -> Result<EncoderDecoder, Error> {
    let checkpoint = Checkpoint::open(folder)?;
    EncoderDecoder::load(config, Path::new("c.json"), &checkpoint, &LoadOptions::new(compute()))
}

fn logits(model: &EncoderDecoder) -> Vec<f32> {
    let mut state = start(model, &[vec![5, 6, 1]], Room { rows: 1, steps: 1 });
    step(model, &mut state, &[0])
}

const BOTH: [&str; 2] = ["t5-sharded", "t5-sharded-bin"];

#[test]
fn names_of_tied_tensors_that_no_shard_holds_do_no_harm() {
    for name in BOTH {
        let copy = with_map(name, |map| {
            let home = map["shared.weight"].clone();
            for tied in ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "never.heard.of"] {
                map[tied] = home.clone();
            }
        });
        let model = load_from(copy.path(), &config(name)).unwrap();
        assert_eq!(logits(&model), logits(&load(name)), "{name}");
    }
}

#[test]
fn tensors_filed_under_the_wrong_shard_are_found() {
    for name in BOTH {
        let copy = with_map(name, |map| {
            let map = map.as_object_mut().unwrap();
            let shards: Vec<Value> = map.values().rev().cloned().collect();
            map.values_mut().zip(shards).for_each(|(home, other)| *home = other);
        });
        let model = load_from(copy.path(), &config(name)).unwrap();
        assert_eq!(logits(&model), logits(&load(name)), "{name}");
    }
}

#[test]
fn a_tensor_that_the_network_needs_is_named_with_the_shard_that_lacks_it() {
    for name in BOTH {
        let copy = with_map(name, |map| {
            map["encoder.block.2.layer.0.SelfAttention.q.weight"] = map["shared.weight"].clone();
        });
        let mut config = config(name);
        config["num_layers"] = json!(3);
        let sentence = load_from(copy.path(), &config).unwrap_err().to_string();
        assert!(sentence.contains("lacks the tensor") && sentence.contains("block.2"), "{sentence}");
    }
}

#[test]
fn a_missing_shard_is_an_error_at_once() {
    for name in BOTH {
        let copy = with_map(name, |map| map["never.heard.of"] = json!("not-there.bin"));
        let sentence = load_from(copy.path(), &config(name)).unwrap_err().to_string();
        assert!(sentence.contains("not-there.bin") && sentence.contains("missing"), "{sentence}");
    }
}
