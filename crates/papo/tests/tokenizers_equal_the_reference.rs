//! Ids and texts against the reference: every tiny checkpoint on odd lines.
//!
//! `tools/` makes the goldens; tools/README.md says how. The real tokenizers have a test of their own: `tokenizer_parity.rs`.

use std::path::{Path, PathBuf};

use papo::{AutoTokenizer, SpecialTokens, TokenId};
use serde::Deserialize;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

#[derive(Deserialize)]
struct Line {
    text: String,
    ids: Vec<TokenId>,
    decoded: String,
    decoded_skip: String,
}

#[test]
fn every_tiny_checkpoint_gives_the_ids_and_texts_of_the_reference() {
    let mut checked = 0;
    for entry in std::fs::read_dir(fixtures().join("goldens")).unwrap() {
        let golden = entry.unwrap().path();
        let Ok(lines) = std::fs::read_to_string(golden.join("tokenizer.jsonl")) else { continue };
        let name = golden.file_name().unwrap().to_str().unwrap().to_owned();
        let tokenizer = AutoTokenizer::from_folder(&fixtures().join("checkpoints").join(&name)).unwrap();
        for line in lines.lines() {
            let line: Line = serde_json::from_str(line).unwrap();
            let text = &line.text;
            assert_eq!(tokenizer.encode(text).unwrap(), line.ids, "{name}: ids of {text:?}");
            let decoded = |special| tokenizer.decode(&line.ids, special).unwrap();
            assert_eq!(decoded(SpecialTokens::Keep), line.decoded, "{name}: text of {text:?}");
            assert_eq!(
                decoded(SpecialTokens::Skip),
                line.decoded_skip,
                "{name}: text of {text:?} without specials"
            );
            checked += 1;
        }
    }
    assert!(checked > 400, "only {checked} lines found");
}

#[test]
fn streamed_text_is_the_whole_text_and_never_half_a_character() {
    for name in ["blenderbot-bin", "bart-bare", "t5-flan", "mt5", "marian"] {
        let tokenizer = AutoTokenizer::from_folder(&fixtures().join("checkpoints").join(name)).unwrap();
        let lines =
            std::fs::read_to_string(fixtures().join("goldens").join(name).join("tokenizer.jsonl")).unwrap();
        for line in lines.lines() {
            let line: Line = serde_json::from_str(line).unwrap();
            let mut stream = tokenizer.stream();
            let mut shown = String::new();
            for &id in &line.ids {
                if let Some(piece) = stream.push(id).unwrap() {
                    assert!(
                        !piece.ends_with('\u{fffd}') || line.text.contains('\u{fffd}'),
                        "{name}: {piece:?}"
                    );
                    shown.push_str(&piece);
                }
            }
            shown.push_str(&stream.finish().unwrap().unwrap_or_default());
            assert_eq!(shown, line.decoded_skip, "{name}: {:?}", line.text);
        }
    }
}
