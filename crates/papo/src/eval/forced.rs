//! Teacher forcing: a network reads texts that are given, all of them a token at a time, and says at each what it expects.

use papo_generate::{LanguageModel, Room, TokenId};

use super::likelihood::Sample;
use crate::Error;

/// Texts on their way through a network, each as it would go alone.
pub(super) struct Forced<'a, M: LanguageModel> {
    model: &'a M,
    /// The longest first: rows that have ended are at the end and fall off.
    rows: Vec<&'a Sample>,
    /// `None` where no text has a token.
    state: Option<M::State>,
    last: Vec<TokenId>,
    logits: Vec<f32>,
    step: usize,
    most: usize,
}

impl<'a, M: LanguageModel> Forced<'a, M> {
    /// Every target begins after `start`.
    pub fn begin(model: &'a M, start: TokenId, samples: &'a [Sample]) -> Result<Self, Error> {
        let most = model.max_positions().unwrap_or(usize::MAX);
        let mut rows: Vec<&Sample> = samples.iter().filter(|sample| !sample.target.is_empty()).collect();
        rows.sort_by_key(|sample| std::cmp::Reverse(sample.target.len()));
        let sources: Vec<Vec<TokenId>> = rows.iter().map(|sample| sample.source.clone()).collect();
        let steps = rows.first().map_or(0, |sample| sample.target.len().min(most));
        let room = Room { rows: rows.len(), steps };
        let state = (steps > 0).then(|| model.start_texts(&sources, room).map_err(failed)).transpose()?;
        let logits = vec![0.0; rows.len() * model.vocab_size()];
        Ok(Self { model, state, last: vec![start; rows.len()], rows, logits, step: 0, most })
    }

    /// Goes one token further. False where all texts have ended, or the model has no more positions.
    pub fn advance(&mut self) -> Result<bool, Error> {
        let Some(state) = &mut self.state else { return Ok(false) };
        if self.step > 0 {
            self.last.iter_mut().zip(&self.rows).for_each(|(last, row)| *last = row.target[self.step - 1]);
        }
        let alive = self.rows.iter().take_while(|row| row.target.len() > self.step).count();
        if alive == 0 || self.step == self.most {
            return Ok(false);
        }
        if alive < self.rows.len() {
            self.model.select(state, &(0..alive).collect::<Vec<_>>());
            self.rows.truncate(alive);
            self.last.truncate(alive);
            self.logits.truncate(alive * self.model.vocab_size());
        }
        self.model.step(state, &self.last, &mut self.logits).map_err(failed)?;
        self.step += 1;
        Ok(true)
    }

    /// After [`advance`](Self::advance): for each text that goes on the token that came, unless it was given, and the logits for it.
    pub fn guesses(&self) -> impl Iterator<Item = (Option<TokenId>, &[f32])> {
        let step = self.step - 1;
        self.rows
            .iter()
            .zip(self.logits.chunks_exact(self.model.vocab_size()))
            .map(move |(row, logits)| ((step >= row.given).then(|| row.target[step]), logits))
    }
}

pub(super) fn failed(source: papo_generate::ModelError) -> Error {
    papo_generate::Error::Model(source).into()
}
