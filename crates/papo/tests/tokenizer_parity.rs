//! The real tokenizers on 20,000 mixed lines against the reference, by a hash for each block of 100 lines.
//!
//! The files are read from `../shared/data` or `PAPO_DATA`; where neither is there, one line says that nothing was checked.
//! This takes a minute without optimisation, so it is not part of `cargo test`:
//! `cargo test --release -p papo --test tokenizer_parity`. tools/README.md has the rule of the hashes.

use std::path::{Path, PathBuf};

use papo::{AutoTokenizer, SpecialTokens, Tokenizer};
use serde::Deserialize;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// What the reference makes of 20,000 lines, a hash for each block of them.
#[derive(Deserialize)]
struct Golden {
    block: usize,
    odd_lines: usize,
    files: Vec<Source>,
    tokens: usize,
    ids: Vec<String>,
    decoded: Vec<String>,
}

#[derive(Deserialize)]
struct Source {
    path: String,
    lines: usize,
}

/// FNV-1a, 64 bits.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn hex(&self) -> String {
        format!("{:016x}", self.0)
    }
}

/// The folder of real tokenizers and texts, or `None` where it is not at hand.
fn data() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = std::env::var_os("PAPO_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// The tokenizer that a golden was made with; some are given less than their whole folder.
fn real_tokenizer(name: &str, data: &Path) -> Option<Tokenizer> {
    let made = tempfile::tempdir().unwrap();
    let put = |file: &str, text: &str| std::fs::write(made.path().join(file), text).unwrap();
    let copy = |from: &str, to: &str| {
        std::fs::copy(data.join("tokenizers").join(from), made.path().join(to)).unwrap();
    };
    let folder = match name {
        "t5-spiece-only" | "ptt5-portuguese" => {
            let from = if name == "ptt5-portuguese" {
                "ptt5-portuguese/spm_32000_pt.model"
            } else {
                "t5/spiece.model"
            };
            copy(from, "spiece.model");
            put("config.json", r#"{"model_type": "t5"}"#);
            made.path().to_owned()
        }
        "bart-vocab-merges" => {
            copy("bart/vocab.json", "vocab.json");
            copy("bart/merges.txt", "merges.txt");
            put("config.json", r#"{"model_type": "bart"}"#);
            made.path().to_owned()
        }
        "blenderbot-400M-distill" => {
            copy("blenderbot-400M-distill/vocab.json", "vocab.json");
            copy("blenderbot-400M-distill/merges.txt", "merges.txt");
            put("config.json", r#"{"model_type": "blenderbot"}"#);
            put("tokenizer_config.json", r#"{"add_prefix_space": true}"#);
            made.path().to_owned()
        }
        "t5" => {
            copy("t5/spiece.model", "spiece.model");
            copy("t5/tokenizer.json", "tokenizer.json");
            copy("t5/tokenizer_config.json", "tokenizer_config.json");
            copy("t5/special_tokens_map.json", "special_tokens_map.json");
            put("config.json", r#"{"model_type": "t5"}"#);
            made.path().to_owned()
        }
        "bart" => data.join("tokenizers/bart"),
        "marian-en-pt" | "marian-en-pt-target" => data.join("tokenizers/marian-en-pt"),
        _ => return None,
    };
    Some(AutoTokenizer::from_folder(&folder).unwrap())
}

fn lines(golden: &Golden, data: &Path) -> Vec<String> {
    let odd = std::fs::read_to_string(fixtures().join("tokenizers/odd_lines.jsonl")).unwrap();
    let mut lines: Vec<String> = odd.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), golden.odd_lines);
    for source in &golden.files {
        let text = std::fs::read_to_string(data.join(&source.path)).unwrap();
        lines.extend(text.split('\n').take(source.lines).map(str::to_owned));
    }
    lines
}

#[test]
fn real_tokenizers_give_the_ids_and_texts_of_the_reference_on_20_000_lines() {
    let Some(data) = data() else {
        return println!("skipped: neither PAPO_DATA nor ../shared/data holds the real tokenizers");
    };
    let mut checked = 0;
    for entry in std::fs::read_dir(fixtures().join("goldens/tokenizers")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let golden: Golden = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let Some(tokenizer) = real_tokenizer(name, &data) else {
            println!("{name}: not one of the tokenizers that can be loaded");
            continue;
        };
        let as_target = name.ends_with("-target");
        let lines = lines(&golden, &data);
        let mut tokens = 0;
        for (block, lines) in lines.chunks(golden.block).enumerate() {
            let (mut ids_hash, mut text_hash) = (Fnv::new(), Fnv::new());
            for line in lines {
                let ids =
                    if as_target { tokenizer.encode_target(line) } else { tokenizer.encode(line) }.unwrap();
                tokens += ids.len();
                ids.iter().for_each(|id| ids_hash.feed(&id.to_le_bytes()));
                ids_hash.feed(&[0xff; 4]);
                text_hash.feed(tokenizer.decode(&ids, SpecialTokens::Skip).unwrap().as_bytes());
                text_hash.feed(&[0xff]);
            }
            let place = format!("{name}: lines {} to {}", block * golden.block, (block + 1) * golden.block);
            assert_eq!(ids_hash.hex(), golden.ids[block], "{place}: other ids than the reference's");
            assert_eq!(text_hash.hex(), golden.decoded[block], "{place}: another text than the reference's");
        }
        assert_eq!(tokens, golden.tokens, "{name}: number of tokens");
        println!("{name}: {} lines, {tokens} tokens, all equal", lines.len());
        checked += 1;
    }
    assert!(checked >= 5, "only {checked} tokenizers checked");
}
