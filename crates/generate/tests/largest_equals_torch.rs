//! `largest` against `torch.topk` on a CPU, equals, infinities and NaN included (`fixtures/goldens/topk.jsonl`, from `tools/make_topk_cases.py`).

#[path = "toy/hash.rs"]
mod hash;

use hash::mix;
use papo_generate::largest;
use serde_json::Value;

fn score(seed: u64, index: u64, levels: u64, impossible: u64) -> f32 {
    if mix(seed + 1, index) % 100 < impossible {
        return if mix(seed + 2, index).is_multiple_of(200) { f32::NAN } else { f32::NEG_INFINITY };
    }
    -((mix(seed, index) % levels) as f32)
}

#[test]
fn equals_come_in_the_order_of_torch() {
    let cases = include_str!("../../../fixtures/goldens/topk.jsonl");
    assert_eq!(cases.lines().count(), 400);
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let number = |name: &str| case[name].as_u64().unwrap();
        let seed = number("seed");
        let scores: Vec<f32> =
            (0..number("n")).map(|i| score(seed, i, number("levels"), number("impossible"))).collect();
        let expected: Vec<usize> = serde_json::from_value(case["order"].clone()).unwrap();
        assert_eq!(largest(&scores, number("k") as usize), expected, "{line}");
    }
}
