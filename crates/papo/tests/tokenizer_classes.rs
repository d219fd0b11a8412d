//! Each class of tokenizers, each age of settings and each flag of an added token against the reference, from small folders.
//!
//! `tools/make_tokenizer_cases.py` makes them.

use std::collections::BTreeMap;
use std::path::Path;

use papo::{AutoTokenizer, SpecialTokens, TokenId};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    files: BTreeMap<String, String>,
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    text: String,
    /// None where the reference itself fails.
    ids: Option<Vec<TokenId>>,
    decoded: Option<String>,
    skipped: Option<String>,
}

fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tokenizers/cases.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn folder(case: &Case) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in &case.files {
        match name.strip_suffix(".base64") {
            Some(name) => std::fs::write(folder.path().join(name), from_base64(text)).unwrap(),
            None => std::fs::write(folder.path().join(name), text).unwrap(),
        }
    }
    folder
}

fn from_base64(text: &str) -> Vec<u8> {
    let digit = |c| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|c| *c != b'=').map(digit).collect();
    let bits = |four: &[u8]| four.iter().fold(0u32, |word, six| word << 6 | u32::from(*six));
    digits
        .chunks(4)
        .flat_map(|four| {
            let word = bits(four) << (6 * (4 - four.len()));
            word.to_be_bytes()[1..four.len()].to_vec()
        })
        .collect()
}

#[test]
fn every_class_gives_the_ids_and_texts_of_the_reference() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for case in cases() {
        let folder = folder(&case);
        let tokenizer = match AutoTokenizer::from_folder(folder.path()) {
            Ok(tokenizer) => tokenizer,
            Err(error) => {
                wrong.push(format!("{}: {error}", case.name));
                continue;
            }
        };
        for line in &case.lines {
            checked += 1;
            let ids = tokenizer.encode(&line.text).ok();
            let Some(right) = &line.ids else { continue };
            if ids.as_ref() != Some(right) {
                wrong.push(format!("{}: ids of {:?} are {ids:?}, not {right:?}", case.name, line.text));
                continue;
            }
            for (special, right) in
                [(SpecialTokens::Keep, &line.decoded), (SpecialTokens::Skip, &line.skipped)]
            {
                let text = tokenizer.decode(line.ids.as_deref().unwrap_or_default(), special).unwrap();
                if Some(&text) != right.as_ref() {
                    wrong.push(format!("{}: {:?} decodes as {text:?}, not {right:?}", case.name, line.text));
                }
            }
        }
    }
    assert!(checked > 1500, "only {checked} lines found");
    assert!(wrong.is_empty(), "{} of {checked}:\n{}", wrong.len(), wrong.join("\n"));
}
