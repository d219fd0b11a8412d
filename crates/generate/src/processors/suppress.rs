//! Tokens that never come (`SuppressTokensLogitsProcessor`), or not first (`SuppressTokensAtBeginLogitsProcessor`).

use super::{Processor, Row, ban};
use crate::{Error, TokenId};

pub(crate) struct Suppress {
    pub tokens: Vec<TokenId>,
}

impl Processor for Suppress {
    fn apply(&mut self, _: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        ban(&self.tokens, scores);
        Ok(())
    }
}

pub(crate) struct SuppressFirst {
    /// Length of the row, prompt included, after which the tokens may not come.
    pub at_length: usize,
    pub tokens: Vec<TokenId>,
}

impl Processor for SuppressFirst {
    fn apply(&mut self, row: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        if row.tokens.len() == self.at_length {
            ban(&self.tokens, scores);
        }
        Ok(())
    }
}
