//! The reference's own `generate`, run over the same toy model with hundreds of random option sets
//! (`fixtures/goldens/toy.jsonl`, from `tools/make_toy_cases.py`), against ours: every token, and scores to 1e-4.

mod toy;

use papo_generate::{GenerationConfig, Origin, TokenId, generate};
use serde_json::Value;
use toy::Toy;

struct Case {
    line: Value,
    toy: Toy,
    sources: Vec<Vec<TokenId>>,
    config: GenerationConfig,
}

fn cases() -> Vec<Case> {
    let text = include_str!("../../../fixtures/goldens/toy.jsonl");
    let case = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let own = GenerationConfig::from_json(&line["own"], Origin::Checkpoint).unwrap();
        let asked = GenerationConfig::from_json(&line["asked"], Origin::Request).unwrap();
        let number = |name: &str| line[name].as_u64();
        let toy = Toy::new(number("vocabulary").unwrap() as usize, number("seed").unwrap());
        Case {
            toy: Toy { max_positions: number("positions").map(|most| most as usize), ..toy },
            sources: serde_json::from_value(line["sources"].clone()).unwrap(),
            config: own.merged(&asked),
            line,
        }
    };
    text.lines().map(case).collect()
}

fn check(case: &Case, sources: &[Vec<TokenId>], first: usize) {
    let generated = generate(&case.toy, sources, &case.config).unwrap();
    for (number, found) in generated.sequences.iter().enumerate() {
        let expected: Vec<TokenId> =
            serde_json::from_value(case.line["sequences"][first + number].clone()).unwrap();
        let about = format!("answer {} of {}", first + number, case.line);
        assert_eq!(found.tokens, expected, "{about}");
        let expected = &case.line["scores"][first + number];
        match (found.score, expected.as_f64()) {
            (None, None) => {}
            (Some(score), None) if expected == "nan" => assert!(score.is_nan(), "{score}, {about}"),
            (Some(score), Some(expected)) => {
                assert!(
                    (f64::from(score) - expected).abs() <= 1e-4 * expected.abs().max(1.0),
                    "{score}, {about}"
                );
            }
            (score, expected) => panic!("score {score:?}, expected {expected:?}, {about}"),
        }
    }
}

#[test]
fn every_token_equals_the_reference() {
    let cases = cases();
    assert!(cases.len() >= 400);
    for case in &cases {
        check(case, &case.sources, 0);
    }
}

#[test]
fn a_batch_gives_what_its_sources_give_alone() {
    for case in &cases() {
        let each = case.line["sequences"].as_array().unwrap().len() / case.sources.len();
        for (number, source) in case.sources.iter().enumerate() {
            check(case, std::slice::from_ref(source), number * each);
        }
    }
}
