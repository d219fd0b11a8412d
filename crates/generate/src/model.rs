//! The one interface: what decoding asks of a model, be it an n-gram or Blenderbot.

use papo_kernels::Kernels;

/// Index of a token in a model's vocabulary.
pub type TokenId = u32;

/// What a model reports when it cannot go on; the sentence is the model's own.
pub type ModelError = Box<dyn std::error::Error + Send + Sync>;

/// How large a state may become, so that it is allocated once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Most rows alive at once: sources × beams or sources × returned samples.
    pub rows: usize,
    /// Most calls of [`LanguageModel::step`].
    pub steps: usize,
}

/// What the padding token is where it stands in a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// It fills up short rows and is masked: in ids as a caller gives them, `generate(ids)` of the reference.
    #[default]
    Masked,
    /// It is read like any other token: a text spelled it, `generate(**tokenizer(text))`.
    Read,
}

/// A model that gives, for each row of a batch, the logits of the next token.
///
/// The model is immutable and shared between conversations; a conversation owns the [`State`](Self::State): the
/// last words of an n-gram, `(h, c)` of an LSTM, the caches of a decoder and the memory of what was encoded.
pub trait LanguageModel {
    /// Everything that changes from step to step.
    type State;

    /// Number of logits in a row.
    fn vocab_size(&self) -> usize;

    /// Most tokens that one row can be fed, where the model has such an end (a table of positions); decoding stops there.
    fn max_positions(&self) -> Option<usize> {
        None
    }

    /// Reads the sources (encodes them, once) and returns a state with one row for each, in order.
    ///
    /// Sources may differ in length and are never padded.
    fn start(&self, sources: &[Vec<TokenId>], room: Room) -> Result<Self::State, ModelError>;

    /// [`start`](Self::start) for sources that are texts, in which nothing is padding. Only a model that masks padding has to tell the two
    /// apart.
    fn start_texts(&self, sources: &[Vec<TokenId>], room: Room) -> Result<Self::State, ModelError> {
        self.start(sources, room)
    }

    /// Appends token `last[r]` to each row `r` and writes the logits that follow, `[rows, vocab_size]`.
    fn step(&self, state: &mut Self::State, last: &[TokenId], logits: &mut [f32]) -> Result<(), ModelError>;

    /// Turns logits, `[rows, vocab_size]`, into log-probabilities. A model that has threads shares the rows among them.
    fn log_softmax(&self, logits: &mut [f32]) {
        let kernels = Kernels::best();
        logits.chunks_exact_mut(self.vocab_size()).for_each(|row| kernels.log_softmax(row));
    }

    /// Makes row `rows[r]` the new row `r`: beams are re-ordered, repeated or dropped this way.
    ///
    /// Rows that stem from the same source stay next to each other.
    fn select(&self, state: &mut Self::State, rows: &[usize]);
}
