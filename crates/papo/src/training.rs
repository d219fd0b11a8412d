//! What `config.json` tells of models that Papo trained.

use papo_data::TextUnit;
use serde_json::Value;

/// What a model that Papo trained was trained on: the object `papo` of its `config.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Training {
    /// The kind of data; `None` for models from elsewhere.
    pub task: Option<Task>,
    /// Of text: whether it was one that goes on, or each line a text of its own.
    pub unit: Option<TextUnit>,
    /// The most turns of a conversation that the model reads, the last one included.
    pub context_turns: usize,
    /// The most ids of a conversation that the model reads.
    pub context_tokens: usize,
    /// The most ids of a reply that the model was taught.
    pub target_tokens: usize,
}

/// The kinds of data that Papo trains on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Running text, a sentence or paragraph a line.
    Text,
    /// Conversations, a turn after the other.
    Dialogue,
    /// Sources with their targets: translations, questions with answers.
    Pairs,
}

impl Training {
    pub(crate) fn of(config: &Value) -> Self {
        let papo = config.get("papo");
        let task = match papo.and_then(|papo| papo.get("task")).and_then(Value::as_str) {
            Some("text") => Some(Task::Text),
            Some("dialogue") => Some(Task::Dialogue),
            Some("pairs") => Some(Task::Pairs),
            _ => None,
        };
        let unit = match papo.and_then(|papo| papo.get("unit")).and_then(Value::as_str) {
            Some("stream") => Some(TextUnit::Stream),
            Some("line") => Some(TextUnit::Line),
            _ => None,
        };
        let limit = |name: &str| {
            let number = papo.and_then(|papo| papo.get(name)).and_then(Value::as_u64);
            number.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX))
        };
        Self {
            task,
            unit,
            context_turns: limit("context_turns"),
            context_tokens: limit("context_tokens"),
            target_tokens: limit("target_tokens"),
        }
    }
}
