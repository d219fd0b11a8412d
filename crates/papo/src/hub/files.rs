//! Which files of a repository a model needs.
//!
//! A repository holds the same weights several times over, for other programs; the whole of it can be ten times what is needed.

use std::collections::BTreeMap;
use std::path::Path;

use papo_checkpoint::Index;

use super::is_file;
use crate::tokenizer::TokenizerClass;

/// Configuration and tokenizer files: all that are there are wanted.
const SMALL: [&str; 13] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "source.spm",
    "target.spm",
];

/// Weights, the first that is there is wanted; the order is that in which a checkpoint is opened.
const WEIGHTS: [&str; 4] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
];

/// What a model is fetched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Everything, to run it.
    Model,
    /// Configuration and tokenizer, a few hundred kilobytes.
    Tokenizer,
}

/// The files to fetch, in order: weights last. An index stands for its shards too. `None` when there are no weights to be had.
pub(super) fn plan<'a>(listed: &'a BTreeMap<String, Option<u64>>, want: Want) -> Option<Vec<&'a str>> {
    let listed = |name: &&str| listed.get_key_value(*name).map(|(name, _)| name.as_str());
    let mut plan: Vec<&'a str> = SMALL.iter().filter_map(listed).collect();
    if want == Want::Model {
        plan.push(WEIGHTS.iter().find_map(listed)?);
    }
    Some(plan)
}

/// Every file that could be wanted, for a hub that does not list what it has.
pub(super) fn candidates() -> impl Iterator<Item = &'static str> {
    SMALL.into_iter().chain(WEIGHTS)
}

/// Whether the file names the shards that hold the weights.
pub(super) fn is_index(file: &str) -> bool {
    file.ends_with(".index.json")
}

/// Whether a snapshot has what is wanted, as far as can be told without asking the hub. A network runs without a tokenizer too:
/// Python's library fetches just what a program asks it for.
pub(super) fn can_be_used(snapshot: &Path, want: Want) -> bool {
    let lacking = lacking(snapshot, want);
    lacking.is_none() || (want == Want::Model && lacking.as_deref() == Some(TOKENIZER))
}

const TOKENIZER: &str = "the tokenizer";

/// What a snapshot lacks of what is wanted, in words; the tokenizer comes last.
pub(super) fn lacking(snapshot: &Path, want: Want) -> Option<String> {
    let has = |name: &str| is_file(&snapshot.join(name));
    if !has("config.json") {
        return Some("config.json".into());
    }
    if want == Want::Model {
        match WEIGHTS.iter().find(|name| has(name)) {
            None => return Some("the file of its weights".into()),
            Some(name) if is_index(name) => {
                let Ok(index) = Index::open(&snapshot.join(name)) else {
                    return Some(format!("a whole {name}"));
                };
                if let Some(shard) = index.shards().into_iter().find(|shard| !has(shard)) {
                    return Some(shard.to_string());
                }
            }
            Some(_) => {}
        }
    }
    let vocabularies = [
        "tokenizer.json",
        "vocab.json",
        "vocab.txt",
        "spiece.model",
        "sentencepiece.bpe.model",
        "source.spm",
    ];
    if vocabularies.iter().any(|name| has(name)) || has_class_without_files(snapshot) {
        return None;
    }
    Some(TOKENIZER.into())
}

/// Whether the configuration names a tokenizer that has no files (ByT5's).
fn has_class_without_files(snapshot: &Path) -> bool {
    ["tokenizer_config.json", "config.json"].iter().any(|name| {
        let bytes = std::fs::read(snapshot.join(name)).unwrap_or_default();
        let config: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
        config
            .get("tokenizer_class")
            .and_then(serde_json::Value::as_str)
            .is_some_and(TokenizerClass::needs_no_files)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(names: &[&str]) -> BTreeMap<String, Option<u64>> {
        names.iter().map(|name| (name.to_string(), None)).collect()
    }

    #[test]
    fn safetensors_are_preferred_and_other_weights_left_out() {
        let files = listed(&[
            "README.md",
            "pytorch_model.bin",
            "tf_model.h5",
            "model.safetensors",
            "config.json",
            "vocab.json",
        ]);
        assert_eq!(plan(&files, Want::Model).unwrap(), ["config.json", "vocab.json", "model.safetensors"]);
        assert_eq!(plan(&files, Want::Tokenizer).unwrap(), ["config.json", "vocab.json"]);
    }

    #[test]
    fn an_index_of_safetensors_comes_before_a_bin() {
        let files = listed(&["model.safetensors.index.json", "pytorch_model.bin"]);
        assert_eq!(plan(&files, Want::Model).unwrap(), ["model.safetensors.index.json"]);
    }

    #[test]
    fn a_tokenizer_without_files_is_complete_with_its_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let put = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).unwrap();
        put("config.json", r#"{"model_type": "t5"}"#);
        assert_eq!(lacking(folder.path(), Want::Tokenizer).as_deref(), Some(TOKENIZER));
        put("tokenizer_config.json", r#"{"tokenizer_class": "ByT5Tokenizer"}"#);
        assert_eq!(lacking(folder.path(), Want::Tokenizer), None);
        assert!(!can_be_used(folder.path(), Want::Model));
    }

    #[test]
    fn without_weights_there_is_no_plan() {
        let files = listed(&["config.json", "tf_model.h5", "flax_model.msgpack"]);
        assert_eq!(plan(&files, Want::Model), None);
    }
}
