//! Tokenizer files that are missing, cut short or wrong are refused in a sentence, and never end the program.

use std::fs;
use std::path::{Path, PathBuf};

use papo::AutoTokenizer;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/checkpoints").join(name)
}

/// A copy of a tiny checkpoint without its weights.
fn copy(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(fixture(name)).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !file.contains("model.safetensors") && !file.contains("pytorch_model") {
            fs::copy(&path, folder.path().join(file)).unwrap();
        }
    }
    folder
}

fn refusal(folder: &tempfile::TempDir) -> String {
    match AutoTokenizer::from_folder(folder.path()) {
        Ok(_) => panic!("the tokenizer was taken"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_missing_file_is_named() {
    for (name, file) in [("blenderbot-bin", "merges.txt"), ("marian", "target.spm"), ("marian", "vocab.json")]
    {
        let folder = copy(name);
        fs::remove_file(folder.path().join(file)).unwrap();
        let said = refusal(&folder);
        assert!(said.contains(&format!("missing {file}")), "{name}: {said}");
    }
    let bare = copy("t5-flan");
    for file in fs::read_dir(bare.path()).unwrap().map(|entry| entry.unwrap().path()) {
        if !file.ends_with("config.json") && !file.ends_with("model.safetensors") {
            fs::remove_file(file).unwrap();
        }
    }
    assert!(refusal(&bare).contains("has no tokenizer"), "{}", refusal(&bare));
    assert!(refusal(&tempfile::tempdir().unwrap()).contains("it is empty"));
}

#[test]
fn vocabulary_and_merges_alone_ask_for_the_family() {
    let folder = copy("blenderbot-bin");
    for file in ["config.json", "tokenizer_config.json"] {
        fs::remove_file(folder.path().join(file)).unwrap();
    }
    assert!(refusal(&folder).contains("missing config.json"), "{}", refusal(&folder));
}

#[test]
fn a_file_of_the_wrong_kind_is_named_with_what_was_expected() {
    let wrong = [
        ("blenderbot-bin", "vocab.json", "[1, 2]", "vocab.json"),
        ("blenderbot-bin", "vocab.json", r#"{"a": -1}"#, "from tokens to ids"),
        ("blenderbot-bin", "merges.txt", "#version\na b c\nx\n", "expected two tokens"),
        ("blenderbot-bin", "merges.txt", "#version\nnot there\n", "do not fit vocab.json"),
        (
            "blenderbot-bin",
            "tokenizer_config.json",
            r#"{"add_prefix_space": "yes"}"#,
            "add_prefix_space: expected true or false",
        ),
        (
            "blenderbot-bin",
            "special_tokens_map.json",
            r#"{"mask_token": 3}"#,
            "mask_token: expected a token, found a number",
        ),
        ("blenderbot-bin", "added_tokens.json", r#"{"<mask>": "x"}"#, "expected a token id"),
        ("blenderbot-bin", "config.json", "{", "not valid JSON"),
        ("bart-bare", "tokenizer.json", r#"{"version": "1.0"}"#, "not a tokenizer that can be read"),
        ("mt5", "spiece.model", "", "no pieces found"),
        (
            "mt5",
            "config.json",
            r#"{"model_type": "t5", "tokenizer_class": "LlamaTokenizer"}"#,
            "LlamaTokenizer",
        ),
    ];
    for (name, file, text, said) in wrong {
        let folder = copy(name);
        fs::write(folder.path().join(file), text).unwrap();
        let error = refusal(&folder);
        assert!(error.contains(said), "{name}/{file}: {error}");
    }
}

#[test]
fn absurd_numbers_of_extra_ids_are_refused() {
    let folder = copy("mt5");
    fs::write(folder.path().join("tokenizer_config.json"), r#"{"extra_ids": 4000000000}"#).unwrap();
    assert!(refusal(&folder).contains("at most"), "{}", refusal(&folder));
}

#[test]
fn every_truncation_of_every_tokenizer_file_is_survived() {
    let files = [
        ("mt5", "spiece.model"),
        ("marian", "source.spm"),
        ("t5-flan", "tokenizer.json"),
        ("blenderbot-bin", "vocab.json"),
        ("blenderbot-bin", "merges.txt"),
    ];
    for (name, file) in files {
        let folder = copy(name);
        let path = folder.path().join(file);
        let whole = fs::read(&path).unwrap();
        for end in (0..whole.len()).step_by(whole.len() / 60 + 1) {
            fs::write(&path, &whole[..end]).unwrap();
            if let Ok(tokenizer) = AutoTokenizer::from_folder(folder.path()) {
                tokenizer.encode("Hi Chat, how are you?").unwrap();
            }
        }
    }
}

#[test]
fn flipped_bytes_of_sentencepiece_models_are_survived() {
    for (name, file) in [("mt5", "spiece.model"), ("marian", "source.spm")] {
        let folder = copy(name);
        let path = folder.path().join(file);
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(whole.len() / 200 + 1) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x55;
            fs::write(&path, &bytes).unwrap();
            if let Ok(tokenizer) = AutoTokenizer::from_folder(folder.path()) {
                let ids = tokenizer.encode("Olá, how are you? \u{fb01}\u{2460}").unwrap();
                tokenizer.decode(&ids, papo::SpecialTokens::Skip).unwrap();
            }
        }
    }
}
