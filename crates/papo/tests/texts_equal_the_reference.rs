//! Texts answered as the reference's `generate(**tokenizer(text))` answers them: a literal padding token is read, and stop strings end an answer.
//!
//! `tools/make_text_goldens.py` makes the cases.

use std::path::{Path, PathBuf};

use papo::generate::{Origin, Padding};
use papo::{ChatModel, GenerationConfig, Hooks, LoadOptions, TokenId};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Case {
    checkpoint: String,
    text: String,
    generation_config: Value,
    sequences: Vec<Vec<TokenId>>,
    masked: Option<Vec<Vec<TokenId>>>,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn load(name: &str) -> ChatModel {
    let folder = fixtures().join("checkpoints").join(name);
    ChatModel::load(folder.to_str().unwrap(), &LoadOptions::default()).unwrap()
}

#[test]
fn texts_and_ids_and_stop_strings_answer_as_the_reference_does() {
    let text = std::fs::read_to_string(fixtures().join("goldens/texts.jsonl")).unwrap();
    let cases: Vec<Case> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut model = load(&cases[0].checkpoint);
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        if number > 0 && case.checkpoint != cases[number - 1].checkpoint {
            model = load(&case.checkpoint);
        }
        let config = GenerationConfig::from_json(&case.generation_config, Origin::Request).unwrap();
        let ids = model.tokenizer().encode(&case.text).unwrap();
        let mut check = |padding: Padding, right: &Vec<Vec<TokenId>>| {
            let hooks = Hooks::default().padding(padding);
            let generated = model.generate_with(std::slice::from_ref(&ids), &config, hooks).unwrap();
            let found: Vec<Vec<TokenId>> = generated.sequences.into_iter().map(|it| it.tokens).collect();
            if found != *right {
                let Case { checkpoint, text, generation_config, .. } = case;
                wrong.push(format!(
                    "{checkpoint}, {text:?}, {padding:?}, {generation_config}: {found:?}, not {right:?}"
                ));
            }
        };
        check(Padding::Read, &case.sequences);
        if let Some(masked) = &case.masked {
            check(Padding::Masked, masked);
        }
    }
    assert!(cases.len() > 100, "only {} cases found", cases.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn an_empty_list_of_stop_strings_stops_nothing() {
    let model = load("t5-flan");
    let ids = model.tokenizer().encode("the fox ran").unwrap();
    let answer = |config: Value| {
        let config = GenerationConfig::from_json(&config, Origin::Request).unwrap();
        model.generate(std::slice::from_ref(&ids), &config).unwrap().sequences[0].tokens.clone()
    };
    let plain = serde_json::json!({ "max_new_tokens": 9 });
    let none = serde_json::json!({ "max_new_tokens": 9, "stop_strings": [] });
    assert_eq!(answer(none.clone()), answer(plain));
    let network = model.model();
    let config = GenerationConfig::from_json(&none, Origin::Request).unwrap();
    assert!(network.generate(&ids, &config).is_ok());
}
