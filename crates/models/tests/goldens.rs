//! Every tiny checkpoint against what the reference made of it: each named intermediate, then each generated token.

mod support;

use papo_checkpoint::{Checkpoint, Tensor};
use papo_generate::{GenerationConfig, Origin, Room, TokenId, generate};
use serde_json::Value;
use support::{Kept, fixtures, folder, load, names, read_json};

/// Largest error of an intermediate, relative to the largest number in it.
const TOLERANCE: f32 = 1e-4;

#[test]
fn every_intermediate_is_the_references() {
    for name in names() {
        check(&name);
    }
}

/// Walks the taps of one checkpoint in the order of the network, and names the first that differs.
fn check(name: &str) {
    let goldens =
        Checkpoint::open_file(&fixtures().join("goldens").join(name).join("taps.safetensors")).unwrap();
    let tokens = |key: &str| tokens(&goldens.get(key).unwrap().unwrap());
    let (source, target) = (tokens("input_ids"), tokens("decoder_input_ids"));

    let model = load(name);
    let mut kept = Kept::default();
    let mut state = model.start_tapped(&[source], Room { rows: 1, steps: target.len() }, &mut kept).unwrap();
    let mut logits = vec![0.0; model.spec().target_vocabulary];
    for token in target {
        model.step_tapped(&mut state, &[token], &mut logits, &mut kept).unwrap();
    }

    let kept = kept.joined();
    let mut expected: Vec<&str> = goldens.names().filter(|key| !key.ends_with("input_ids")).collect();
    assert_eq!(kept.keys().map(String::as_str).collect::<Vec<_>>(), expected, "{name}: names of the taps");
    expected.sort_by_key(|key| order(key));
    for key in expected {
        let golden = goldens.get(key).unwrap().unwrap();
        let (shape, values) = &kept[key];
        assert_eq!(shape, golden.shape, "{name}: shape of {key}");
        let golden: Vec<f32> = golden.bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let scale = golden.iter().fold(0.0, |max: f32, x| max.max(x.abs()));
        let error = golden.iter().zip(values).fold(0.0, |max: f32, (a, b)| max.max((a - b).abs())) / scale;
        assert!(
            error <= TOLERANCE,
            "{name}: {key} is the first that differs, by {error} of its largest number"
        );
    }
}

/// Where an intermediate comes in the network.
fn order(key: &str) -> (usize, usize, usize) {
    let (stack, rest) = key.split_once('.').unwrap_or(("logits", ""));
    let stack = ["encoder", "decoder", "logits"].iter().position(|&s| s == stack).unwrap();
    let Some((layer, rest)) = rest.split_once('.') else {
        return (stack, if rest == "embeddings" { 0 } else { usize::MAX }, 0);
    };
    let places = ["self_attention.weights", "self_attention.output", "cross_attention.weights"];
    let place = places.iter().chain(&["cross_attention.output", "feed_forward.output", "output"]);
    (stack, layer.parse::<usize>().unwrap() + 1, place.into_iter().position(|&p| p == rest).unwrap())
}

fn tokens(tensor: &Tensor<'_>) -> Vec<TokenId> {
    tensor.bytes.as_chunks().0.iter().map(|b| TokenId::try_from(i64::from_le_bytes(*b)).unwrap()).collect()
}

#[test]
fn every_generated_token_is_the_references() {
    let mut failures = Vec::new();
    for name in names() {
        let model = load(&name);
        let own = match folder(&name).join("generation_config.json") {
            path if path.exists() => read_json(&path),
            _ => read_json(&folder(&name).join("config.json")),
        };
        let own = GenerationConfig::from_json(&own, Origin::Checkpoint).unwrap();
        let path = fixtures().join("goldens").join(&name).join("generate.jsonl");
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            if let Err(difference) = check_case(&model, &own, &case) {
                failures.push(format!("{name}, {}: {difference}", case["name"]));
            }
        }
    }
    assert!(failures.is_empty(), "{} cases differ:\n{}", failures.len(), failures.join("\n"));
}

fn check_case(
    model: &papo_models::EncoderDecoder,
    own: &GenerationConfig,
    case: &Value,
) -> Result<(), String> {
    let overrides = GenerationConfig::from_json(&case["generation_config"], Origin::Request)
        .map_err(|e| e.to_string())?;
    let sources: Vec<Vec<TokenId>> = serde_json::from_value(case["input_ids"].clone()).unwrap();
    let expected: Vec<Vec<TokenId>> = serde_json::from_value(case["sequences"].clone()).unwrap();
    let scores: Option<Vec<f32>> = serde_json::from_value(case["scores"].clone()).unwrap();

    let config = own.merged(&overrides);
    let generated = generate(model, &sources, &config).map_err(|e| e.to_string())?.sequences;
    if generated.len() != expected.len() {
        return Err(format!("{} sequences, not {}", generated.len(), expected.len()));
    }
    for (row, (sequence, expected)) in generated.iter().zip(&expected).enumerate() {
        if sequence.tokens != *expected {
            return Err(format!("row {row} is {:?}, not {expected:?}", sequence.tokens));
        }
        if let Some(expected) = scores.as_ref().map(|scores| scores[row]) {
            match sequence.score {
                Some(score) if (score - expected).abs() <= 1e-4 * expected.abs().max(1.0) => {}
                score => return Err(format!("row {row} has the score {score:?}, not {expected}")),
            }
        }
    }
    Ok(())
}
