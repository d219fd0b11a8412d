//! Everything that decides which weights a training ends with, and what merely decides when it ends.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::NetworkConfig;
use crate::data::{Batching, Budget};
use crate::schedule::Schedule;

/// What a model is for; it stands in `config.json` for those that use it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// `text`, `dialogue` or `pairs`.
    pub task: String,
    /// Of text: whether each line ends with `</s>` and stands by itself (`line`), or all goes on (`stream`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Turns that the model sees at most.
    pub context_turns: usize,
    /// Tokens that the model sees at most.
    pub context_tokens: usize,
}

/// The constants of Adam, or of AdamW where weights decay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimizerSettings {
    /// How slowly the mean of gradients forgets: β₁.
    pub beta1: f64,
    /// How slowly the mean of their squares forgets: β₂.
    pub beta2: f64,
    /// What keeps the division from zero: ε.
    pub epsilon: f64,
    /// What of a matrix fades at each step, times the learning rate; 0 is Adam, more is AdamW.
    pub weight_decay: f64,
    /// The norm that gradients are brought down to; `None`: any norm will do.
    pub clip: Option<f64>,
}

impl Default for OptimizerSettings {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, clip: None }
    }
}

/// Everything that decides which weights come out, the data aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The network.
    pub network: NetworkConfig,
    /// What the model is for.
    pub task: Task,
    /// How its tokenizer was made, as the command line spells it.
    pub tokenizer: String,
    /// The model whose weights it begins with, and a number that tells these weights from others; `None`: new ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins_with: Option<String>,
    /// Where the first weights, the order of the data and the dropout come from.
    pub seed: u64,
    /// The part of the data that is held out; a file of its own counts as 0.
    pub held_out: f64,
    /// Rows of a batch, or
    pub batch_rows: Option<usize>,
    /// tokens of a batch.
    pub batch_tokens: Option<usize>,
    /// Columns of a causal model that are gone through at once.
    pub columns: usize,
    /// Tokens of a target at most.
    pub target_tokens: usize,
    /// Batches whose gradients make one step.
    pub accumulate: usize,
    /// The optimiser.
    pub adam: OptimizerSettings,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// Steps until it is reached.
    pub warm_up: u64,
    /// Its course.
    pub schedule: Schedule,
    /// Part of each target that is spread over the vocabulary.
    pub label_smoothing: f64,
    /// How slowly the mean of weights forgets, if it is them that are kept; `None`: the weights themselves are.
    pub average: Option<f64>,
    /// Steps from validation to validation; `None`: one at the end of each epoch.
    pub validate_every: Option<u64>,
}

/// When a training ends, whichever comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Epochs.
    pub epochs: Option<u64>,
    /// Steps.
    pub steps: Option<u64>,
    /// Time of training, earlier runs included.
    pub time: Option<Duration>,
    /// Validations without a better loss.
    pub patience: Option<u64>,
}

impl Recipe {
    /// How examples become batches.
    pub fn batching(&self) -> Batching {
        let budget = match (self.batch_rows, self.batch_tokens) {
            (Some(rows), _) => Budget::Rows(rows.max(1)),
            (None, Some(tokens)) => Budget::Tokens(tokens.max(1)),
            (None, None) => Budget::Rows(32),
        };
        let (start, pad) = match &self.network {
            NetworkConfig::Rnn(it) | NetworkConfig::Lstm(it) | NetworkConfig::Gru(it) => {
                (it.bos_token_id, it.pad_token_id)
            }
            NetworkConfig::Seq2Seq(it) => (it.decoder_start_token_id, it.pad_token_id),
            NetworkConfig::Transformer(it) => (it.decoder_start_token_id, it.pad_token_id),
        };
        Batching { budget, columns: self.columns.max(1), start, pad }
    }

    /// The first setting that is not as it was, as `--learning-rate was 0.001 and is 0.002`; `None` where all are.
    pub fn difference(&self, earlier: &Value) -> Option<String> {
        // Through text, as the earlier one went: a float may lose its last bit on the way.
        let text = serde_json::to_string(self).unwrap_or_default();
        let now: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        first_difference("", earlier, &now)
    }
}

/// Settings whose flag has another name than they have; the others are called as they are, with dashes.
const FLAGS: [(&str, &str); 23] = [
    ("schedule.end.epochs", "--epochs"),
    ("schedule.end.steps", "--max-steps"),
    ("schedule.end", "the end that --schedule cosine runs to (--epochs, --max-steps or --max-time)"),
    ("schedule.kind", "--schedule"),
    ("schedule.patience", "--schedule"),
    ("network.d_hidden", "--hidden"),
    ("network.d_embedding", "--embedding"),
    ("network.n_layers", "--layers"),
    ("network.encoder_layers", "--layers"),
    ("network.encoder_attention_heads", "--heads"),
    ("network.encoder_ffn_dim", "--feed-forward"),
    ("network.max_position_embeddings", "--max-positions"),
    ("network.model_type", "the kind of network"),
    ("network.vocab_size", "the size of the vocabulary"),
    ("task.task", "--task"),
    ("task.unit", "--unit"),
    ("held_out", "--hold-out (or --valid)"),
    ("batch_rows", "--batch-size"),
    ("columns", "--unroll"),
    ("begins_with", "--init-from"),
    ("adam.beta1", "the optimiser's constant beta1"),
    ("adam.epsilon", "the optimiser's constant epsilon"),
    ("adam.beta2", "the optimiser's constant beta2"),
];

/// What a person calls a setting.
fn flag(name: &str) -> String {
    if let Some((_, flag)) = FLAGS.iter().find(|(setting, _)| *setting == name) {
        return (*flag).to_owned();
    }
    let own = name.rsplit('.').next().unwrap_or(name);
    format!("--{}", own.replace('_', "-"))
}

fn first_difference(name: &str, then: &Value, now: &Value) -> Option<String> {
    if let (Value::Object(then), Value::Object(now)) = (then, now) {
        let names = then.keys().chain(now.keys().filter(|key| !then.contains_key(*key)));
        let inner = |key: &String| if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
        return names
            .filter_map(|key| {
                let of = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
                first_difference(&inner(key), &of(then), &of(now))
            })
            .next();
    }
    let shown = |value: &Value| match value {
        Value::Null => "not given".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    (then != now).then(|| format!("{} was {} and is {}", flag(name), shown(then), shown(now)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_difference_is_named_with_both_values() {
        let then = json!({ "a": 1, "b": { "c": 2.5, "d": null } });
        assert_eq!(first_difference("", &then, &then), None);
        let now = json!({ "a": 1, "b": { "c": 2.5, "d": 7 } });
        assert_eq!(first_difference("", &then, &now).unwrap(), "--d was not given and is 7");
        assert_eq!(
            first_difference("", &json!({}), &json!({ "e": 1 })).unwrap(),
            "--e was not given and is 1"
        );
        let cosine = |epochs: u64| json!({ "schedule": { "kind": "cosine", "end": { "epochs": epochs } } });
        assert_eq!(first_difference("", &cosine(3), &cosine(4)).unwrap(), "--epochs was 3 and is 4");
    }
}
