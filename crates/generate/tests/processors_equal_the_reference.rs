//! One row through the processors of one set of options, against what the reference's processors made of it
//! (`fixtures/goldens/processors.jsonl`, from `tools/make_goldens.py`).

use papo_generate::{GenerationConfig, Origin, TokenId, process_scores};
use serde_json::Value;

fn scores(list: &Value) -> Vec<f32> {
    let score = |value: &Value| match value.as_str() {
        Some(word) => word.parse().unwrap(),
        None => value.as_f64().unwrap() as f32,
    };
    list.as_array().unwrap().iter().map(score).collect()
}

#[test]
fn every_score_equals_the_reference() {
    let text = include_str!("../../../fixtures/goldens/processors.jsonl");
    assert!(text.lines().count() > 150);
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let tokens = |name: &str| serde_json::from_value::<Vec<TokenId>>(case[name].clone()).unwrap();
        let config = GenerationConfig::from_json(&case["config"], Origin::Request).unwrap();
        let mut found = scores(&case["input"]);
        process_scores(&config, &tokens("encoder_input_ids"), &tokens("sequence"), &mut found).unwrap();
        for (token, (found, expected)) in found.iter().zip(scores(&case["output"])).enumerate() {
            let close = (found - expected).abs() <= 1e-5 * expected.abs().max(1.0);
            assert!(
                close || *found == expected,
                "{}, token {token}: {found}, expected {expected}",
                case["name"]
            );
        }
    }
}
