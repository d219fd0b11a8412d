//! Tokens that must stand at one place: the first (`ForcedBOSTokenLogitsProcessor`) and the last
//! (`ForcedEOSTokenLogitsProcessor`).

use super::{Processor, Row};
use crate::{Error, TokenId};

pub(crate) struct Forced {
    /// Length of the row, prompt included, after which one of the tokens must come.
    pub at_length: usize,
    pub tokens: Vec<TokenId>,
}

impl Processor for Forced {
    fn apply(&mut self, row: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        if row.tokens.len() == self.at_length {
            scores.fill(f32::NEG_INFINITY);
            for &token in &self.tokens {
                scores[token as usize] = 0.0;
            }
        }
        Ok(())
    }
}
