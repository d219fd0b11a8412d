//! One document: a line or a block of text, a pair, a dialogue; and how the latter two are written.

use serde::Deserialize;

/// What is learnt from, counted or measured at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// A line of a text, without its end; may be empty.
    Line(String),
    /// A block of running text; blocks of a file follow one another, and joined they are the file.
    Block {
        /// The text, line feeds included.
        text: String,
        /// Whether a file begins here.
        first: bool,
    },
    /// A source and what it may become.
    Pair {
        /// What a model reads.
        source: String,
        /// What it should write: at least one; the first is what a model learns.
        references: Vec<String>,
    },
    /// A conversation.
    Dialogue {
        /// What was said, in order; at least one turn.
        turns: Vec<String>,
        /// Whether each turn is worth learning to say. A model that reads all turns as one text learns all of them.
        targets: Vec<bool>,
    },
}

impl Document {
    /// The texts that a model learns from: a line, a block, a source and its first reference, turns.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Document::Line(text) | Document::Block { text, .. } => vec![text],
            Document::Pair { source, references } => {
                std::iter::once(source).chain(references.first()).map(String::as_str).collect()
            }
            Document::Dialogue { turns, .. } => turns.iter().map(String::as_str).collect(),
        }
    }

    /// For each of the texts, whether it is worth learning to say.
    pub fn targets(&self) -> Vec<bool> {
        match self {
            Document::Dialogue { targets, .. } => targets.clone(),
            other => vec![true; other.texts().len()],
        }
    }
}

/// Reads a pair: source, tab, reference, and further references behind further tabs.
pub(crate) fn pair(line: &str) -> Result<Document, String> {
    let mut sides = line.split('\t').map(str::trim);
    let source = sides.next().unwrap_or_default().to_owned();
    let Some(first) = sides.next() else {
        return Err("there is no tab; a pair is written as source, tab, target, and running text belongs into a .txt file".into());
    };
    if source.is_empty() || first.is_empty() {
        return Err("one side of the pair is empty; complete it or remove the line".into());
    }
    let references = std::iter::once(first).chain(sides.filter(|side| !side.is_empty()));
    Ok(Document::Pair { source, references: references.map(str::to_owned).collect() })
}

/// Reads a dialogue: an object with `turns`, and perhaps `targets`, the places, from 0, of the turns that are worth learning to say.
/// Turns without a word are none; `None` where all are so.
pub(crate) fn dialogue(line: &str) -> Result<Option<Document>, String> {
    #[derive(Deserialize)]
    struct Line {
        turns: Vec<String>,
        targets: Option<Vec<usize>>,
    }
    let parsed: Line = serde_json::from_str(line).map_err(|error| not_a_dialogue(line, &error))?;
    let is_target = |place: usize| parsed.targets.as_ref().is_none_or(|targets| targets.contains(&place));
    let (turns, targets): (Vec<String>, Vec<bool>) = parsed
        .turns
        .iter()
        .map(|turn| turn.trim())
        .enumerate()
        .filter(|(_, turn)| !turn.is_empty())
        .map(|(place, turn)| (turn.to_owned(), is_target(place)))
        .unzip();
    Ok((!turns.is_empty()).then_some(Document::Dialogue { turns, targets }))
}

fn not_a_dialogue(line: &str, error: &serde_json::Error) -> String {
    let line = line.trim_start();
    if line.starts_with('[') {
        return "a JSON array begins here, and dialogues are read from JSON Lines, an object {\"turns\": [\"Hi!\", \"Hello!\"]} on \
                each line; convert the file, for example with jq -c '.[]'"
            .into();
    }
    if line.starts_with('{') && error.is_eof() {
        return "a JSON object goes on over several lines here, and dialogues are read from JSON Lines, an object {\"turns\": [\"Hi!\", \
                \"Hello!\"]} on each line; convert the file, for example with jq -c ."
            .into();
    }
    format!(
        "not a dialogue ({error}); each line is a JSON object with a list of strings: {{\"turns\": [\"Hi!\", \"Hello!\"]}}"
    )
}
