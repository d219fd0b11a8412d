//! The networks of Papo's own lineage against what PyTorch made of them.

mod support;

use papo_checkpoint::{Checkpoint, Tensor};
use papo_generate::{GenerationConfig, LanguageModel, Origin, TokenId, generate};
use serde_json::Value;
use support::{CAUSAL, causal, fixtures, folder, forced, read_json};

/// Largest difference of a logit.
const TOLERANCE: f32 = 1e-4;

/// What a training batch was and became.
struct Golden {
    sources: Vec<Vec<TokenId>>,
    /// The decoder start first.
    targets: Vec<Vec<TokenId>>,
    more: Vec<Vec<TokenId>>,
    logits: Vec<f32>,
    carried_logits: Vec<f32>,
}

impl Golden {
    fn read(name: &str) -> Self {
        let path = fixtures().join("goldens").join(name).join("training.safetensors");
        let file = Checkpoint::open_file(&path).unwrap();
        let get = |key: &str| file.get(key).unwrap();
        let rows = |key: &str, lengths: &str| match (get(key), get(lengths)) {
            (Some(ids), Some(lengths)) => cut(&whole(&ids), ids.shape[1], &whole(&lengths)),
            (Some(ids), None) => {
                cut(&whole(&ids), ids.shape[1], &vec![ids.shape[1] as TokenId; ids.shape[0]])
            }
            _ => Vec::new(),
        };
        let floats = |key: &str| get(key).map(|tensor| floats(&tensor)).unwrap_or_default();
        Self {
            sources: rows("source_ids", "source_lengths"),
            targets: rows("target_ids", "target_lengths"),
            more: rows("target_ids_2", ""),
            logits: floats("logits"),
            carried_logits: floats("carried_logits"),
        }
    }
}

fn whole(tensor: &Tensor<'_>) -> Vec<TokenId> {
    tensor.bytes.as_chunks().0.iter().map(|b| TokenId::try_from(i64::from_le_bytes(*b)).unwrap()).collect()
}

fn floats(tensor: &Tensor<'_>) -> Vec<f32> {
    tensor.bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

fn cut(ids: &[TokenId], columns: usize, lengths: &[TokenId]) -> Vec<Vec<TokenId>> {
    ids.chunks_exact(columns).zip(lengths).map(|(row, &length)| row[..length as usize].to_vec()).collect()
}

/// The logits of a row that is alone, `[tokens, vocabulary]`.
fn alone<M: LanguageModel>(model: &M, source: &[TokenId], tokens: &[TokenId]) -> Vec<f32> {
    forced(model, &[source.to_vec()], &[tokens.to_vec()]).concat()
}

#[track_caller]
fn assert_close(what: &str, actual: &[f32], expected: &[f32]) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
        assert!((a - e).abs() <= TOLERANCE, "{what}: number {i} is {a}, not {e}");
    }
}

#[test]
fn every_logit_is_the_references() {
    fn check<M: LanguageModel>(name: &str, model: &M) {
        let golden = Golden::read(name);
        let steps = golden.logits.len() / golden.targets.len();
        for (row, (target, expected)) in golden.targets.iter().zip(golden.logits.chunks(steps)).enumerate() {
            let source = golden.sources.get(row).map_or(&[][..], |source| source);
            let logits = alone(model, source, &target[..target.len() - 1]);
            assert_close(&format!("{name}, row {row}"), &logits, &expected[..logits.len()]);
        }
    }
    for_each_of_the_lineage!(check);
}

#[test]
fn a_state_that_is_carried_over_goes_on_as_the_references() {
    for name in CAUSAL {
        let model = causal(name);
        let golden = Golden::read(name);
        let steps = golden.carried_logits.len() / golden.more.len();
        let rows = golden.targets.iter().zip(&golden.more).zip(golden.carried_logits.chunks(steps));
        for (row, ((first, second), expected)) in rows.enumerate() {
            // The first batch is the source, less the start token, which the model feeds itself, and the last target.
            let (source, fed) = (&first[1..first.len() - 1], &second[..second.len() - 1]);
            let logits = alone(&model, source, &[&[1], fed].concat());
            assert_close(&format!("{name}, row {row}"), &logits[model.vocab_size()..], expected);
        }
    }
}

#[test]
fn every_generated_token_is_the_references() {
    fn check<M: LanguageModel>(name: &str, model: &M) {
        let own = read_json(&folder(name).join("generation_config.json"));
        let own = GenerationConfig::from_json(&own, Origin::Checkpoint).unwrap();
        let path = fixtures().join("goldens").join(name).join("generate.jsonl");
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            let overrides = GenerationConfig::from_json(&case["generation_config"], Origin::Request).unwrap();
            let sources: Vec<Vec<TokenId>> = serde_json::from_value(case["input_ids"].clone()).unwrap();
            let expected: Vec<Vec<TokenId>> = serde_json::from_value(case["sequences"].clone()).unwrap();
            let generated = generate(model, &sources, &own.merged(&overrides)).unwrap();
            let tokens: Vec<_> = generated.sequences.into_iter().map(|sequence| sequence.tokens).collect();
            assert_eq!(tokens, expected, "{name}, {}", case["name"]);
        }
    }
    for_each_of_the_lineage!(check);
}
