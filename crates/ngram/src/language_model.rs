//! An n-gram behind `generate`: the logits of all words that may come next.
//!
//! The sources are the beginning of the text: `start` reads `<s>` and each source's tokens. The token of the first step stands
//! for the source and is not read; later steps read theirs.
//!
//! A row of logits is ln p(w | history). It is filled as the back-off recursion reads, from short to long: every word gets ln p(w) plus all
//! back-off weights; then the successors of the last word overwrite theirs, then those of the last two words, and so on. So
//! a step costs one pass over the vocabulary and one visit for each listed successor. A hashed model cannot list successors
//! and looks every word up.
//!
//! `<unk>`, `<s>`, `<pad>` and ids without a word have −∞: they are never generated. So the exponentials of a row add up to
//! 1 − p(`<unk>` | history) − p(`<s>` | history), and softmax gives each word its share of that.

use std::f32::consts::LN_10;

use papo_generate::{LanguageModel, ModelError, Room, TokenId};

use crate::{Model, START, State, UNKNOWN};

/// A model that generates, with the logits that need no context prepared.
#[derive(Debug)]
pub struct Generator<B> {
    model: Model<B>,
    /// ln p(w) of each word, −∞ of what is never generated.
    unigrams: Vec<f32>,
}

/// Where each row of a batch is.
#[derive(Clone, Debug)]
pub struct Rows {
    states: Vec<State>,
    steps: usize,
}

impl<B: AsRef<[u8]>> Generator<B> {
    /// Prepares a model, in one pass over its words. Rows of logits have `vocab_size` numbers, or as many as the model has words
    /// where that is more.
    pub fn new(model: Model<B>, vocab_size: usize) -> Self {
        let pad = model.find("<pad>");
        let never = |id: u32| id == UNKNOWN || id == START || Some(id) == pad;
        let words = 0..model.vocab_size() as u32;
        let ln_p =
            |id: u32| model.unigram(id).filter(|_| !never(id)).map_or(f32::NEG_INFINITY, |p| p * LN_10);
        let mut unigrams: Vec<f32> = words.map(ln_p).collect();
        unigrams.resize(unigrams.len().max(vocab_size), f32::NEG_INFINITY);
        Self { model, unigrams }
    }

    /// The model.
    pub fn model(&self) -> &Model<B> {
        &self.model
    }

    /// log₁₀ p(word | `<s>` and these tokens) for every id, as queries give it: the model's own numbers, that of `<unk>` among them.
    /// `<s>`, which stands only before texts, and ids that are no words have −∞.
    pub fn log10_probabilities(&self, tokens: &[TokenId]) -> Vec<f32> {
        let (mut state, mut after) = (self.model.start_state(), State::default());
        for &token in tokens {
            self.model.score(&state, token, &mut after);
            state = after;
        }
        let is_predicted = |id: u32| id != START && self.model.is_word(id);
        (0..self.vocab_size() as u32)
            .map(|id| match is_predicted(id) {
                true => self.model.score(&state, id, &mut after).log10_probability,
                false => f32::NEG_INFINITY,
            })
            .collect()
    }

    /// Writes the logits that follow a state.
    fn fill(&self, state: &State, logits: &mut [f32]) {
        let backoff: f32 = state.contexts().iter().map(|context| context.log10_backoff).sum();
        let backoff = backoff * LN_10;
        for (logit, ln_p) in logits.iter_mut().zip(&self.unigrams) {
            *logit = ln_p + backoff;
        }
        let is_generated =
            |word: usize| self.unigrams.get(word).is_some_and(|ln_p| *ln_p != f32::NEG_INFINITY);
        let listed = self.model.successors(state, |word, log10_p| {
            if is_generated(word as usize) {
                logits[word as usize] = log10_p * LN_10;
            }
        });
        if listed.is_none() && state.length() > 0 {
            let mut after = State::default();
            for (word, logit) in logits.iter_mut().enumerate().filter(|(word, _)| is_generated(*word)) {
                *logit = self.model.score(state, word as u32, &mut after).log10_probability * LN_10;
            }
        }
    }
}

impl<B: AsRef<[u8]>> LanguageModel for Generator<B> {
    type State = Rows;

    fn vocab_size(&self) -> usize {
        self.unigrams.len()
    }

    fn start(&self, sources: &[Vec<TokenId>], room: Room) -> Result<Rows, ModelError> {
        let mut states = Vec::with_capacity(room.rows.clamp(sources.len(), 1 << 16));
        let start = self.model.start_state();
        states.extend(sources.iter().map(|source| {
            let (mut state, mut after) = (start, State::default());
            for &token in source {
                self.model.score(&state, token, &mut after);
                state = after;
            }
            state
        }));
        Ok(Rows { states, steps: 0 })
    }

    fn step(&self, rows: &mut Rows, last: &[TokenId], logits: &mut [f32]) -> Result<(), ModelError> {
        let width = self.vocab_size();
        for ((state, &token), logits) in rows.states.iter_mut().zip(last).zip(logits.chunks_exact_mut(width))
        {
            if rows.steps > 0 {
                let mut after = State::default();
                self.model.score(state, token, &mut after);
                *state = after;
            }
            self.fill(state, logits);
        }
        rows.steps += 1;
        Ok(())
    }

    fn select(&self, rows: &mut Rows, selected: &[usize]) {
        rows.states = selected.iter().map(|&row| rows.states[row]).collect();
    }
}
