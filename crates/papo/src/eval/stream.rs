//! A running text, scored as a model of running text learnt it: the line feeds are text, no line ends in `</s>`, and the state is carried
//! on from the first token to the last, from file to file. A file begins with the start token, which all but the first has to be
//! guessed, as in training.

use papo_generate::{LanguageModel, Room, TokenId};

use super::forced::failed;
use super::likelihood::{Likelihood, surprise};
use crate::Error;

/// A text on its way through a network.
pub(super) struct Stream<'a, M: LanguageModel> {
    model: &'a M,
    start: TokenId,
    unknown: Option<TokenId>,
    /// The state and the token that it has not read; `None` before the first file.
    state: Option<(M::State, TokenId)>,
    logits: Vec<f32>,
    sum: Likelihood,
}

impl<'a, M: LanguageModel> Stream<'a, M> {
    /// Nothing so far; every file begins with `start`.
    pub fn new(model: &'a M, start: TokenId, unknown: Option<TokenId>) -> Self {
        let logits = vec![0.0; model.vocab_size()];
        Self { model, start, unknown, state: None, logits, sum: Likelihood::default() }
    }

    /// Begins a file.
    pub fn begin(&mut self) -> Result<(), Error> {
        self.sum.texts += 1;
        if self.state.is_some() {
            return self.guess(self.start);
        }
        let room = Room { rows: 1, steps: usize::MAX };
        // The start token is what a state without a source has read.
        let state = self.model.start(&[Vec::new()], room).map_err(failed)?;
        self.state = Some((state, self.start));
        Ok(())
    }

    /// Scores a part of the text, whose tokens these are.
    pub fn text(&mut self, text: &str, ids: &[TokenId]) -> Result<(), Error> {
        self.sum.characters += text.chars().count();
        // Parts end before spaces or behind line feeds, so that no word is counted twice.
        self.sum.words += text.split_whitespace().count();
        ids.iter().try_for_each(|&id| self.guess(id))
    }

    /// What it comes to.
    pub fn finish(self) -> Likelihood {
        self.sum
    }

    fn guess(&mut self, token: TokenId) -> Result<(), Error> {
        let Some((state, last)) = &mut self.state else { return Ok(()) };
        self.model.step(state, &[*last], &mut self.logits).map_err(failed)?;
        *last = token;
        let nats = surprise(&self.logits, token);
        self.sum.nats += nats;
        self.sum.tokens += 1;
        if self.unknown == Some(token) {
            self.sum.oov += 1;
            self.sum.oov_nats += nats;
        }
        Ok(())
    }
}
