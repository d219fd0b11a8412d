//! BLEU and chrF are sacreBLEU's figures, on odd strings: `tools/make_metric_goldens.py` asked it.

use papo::eval::{BleuOptions, BleuWords, ChrfOptions, Smoothing, corpus_bleu, corpus_chrf};
use papo::tokenizer::LetterCase;
use serde::Deserialize;

#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    hypotheses: Vec<String>,
    references: Vec<Vec<String>>,
    bleu: Vec<Bleu>,
    chrf: Vec<Chrf>,
}

#[derive(Deserialize)]
struct Bleu {
    tokenize: String,
    lowercase: bool,
    smooth_method: String,
    score: f64,
    precisions: Vec<f64>,
    brevity_penalty: f64,
    hypothesis_words: usize,
    reference_words: usize,
}

#[derive(Deserialize)]
struct Chrf {
    word_order: usize,
    lowercase: bool,
    beta: f64,
    score: f64,
}

fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/goldens/metrics.json");
    let goldens: Goldens = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(goldens.cases.len() > 12);
    goldens.cases
}

fn case_of(lowercase: bool) -> LetterCase {
    if lowercase { LetterCase::Lower } else { LetterCase::Keep }
}

fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= 1e-9
}

#[test]
fn bleu_is_sacrebleus() {
    for case in cases() {
        for golden in &case.bleu {
            let options = BleuOptions {
                words: BleuWords::from_name(&golden.tokenize).unwrap(),
                case: case_of(golden.lowercase),
                smoothing: match golden.smooth_method.as_str() {
                    "exp" => Smoothing::Exponential,
                    "none" => Smoothing::None,
                    "floor" => Smoothing::Floor(0.1),
                    "add-k" => Smoothing::AddK(1.0),
                    other => panic!("{other}"),
                },
            };
            let ours = corpus_bleu(&case.hypotheses, &case.references, &options);
            let place = format!("{}, {options:?}: {ours:?}", case.name);
            assert_eq!(ours.hypothesis_words, golden.hypothesis_words, "{place}");
            assert_eq!(ours.reference_words, golden.reference_words, "{place}");
            assert!(close(ours.brevity_penalty, golden.brevity_penalty), "{place}");
            for (ours, theirs) in ours.precisions.iter().zip(&golden.precisions) {
                assert!(close(*ours, *theirs), "{place}: {:?}", golden.precisions);
            }
            assert!(close(ours.score, golden.score), "{place}: {}", golden.score);
        }
    }
}

#[test]
fn chrf_is_sacrebleus() {
    for case in cases() {
        for golden in &case.chrf {
            let options = ChrfOptions {
                word_order: golden.word_order,
                beta: golden.beta,
                case: case_of(golden.lowercase),
                ..ChrfOptions::default()
            };
            let ours = corpus_chrf(&case.hypotheses, &case.references, &options);
            assert!(close(ours, golden.score), "{}, {options:?}: {ours} and not {}", case.name, golden.score);
        }
    }
}
