//! Only the tokens that a callback allows (`PrefixConstrainedLogitsProcessor`).

use super::{Processor, Row};
use crate::{Error, TokenId};

pub(crate) type Allow<'a> = &'a dyn Fn(usize, &[TokenId]) -> Vec<TokenId>;

pub(crate) struct Allowed<'a> {
    allow: Allow<'a>,
    kept: Vec<f32>,
}

impl<'a> Allowed<'a> {
    pub fn new(allow: Allow<'a>) -> Self {
        Self { allow, kept: Vec::new() }
    }
}

impl Processor for Allowed<'_> {
    fn apply(&mut self, row: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        let mut tokens = (self.allow)(row.source, row.tokens);
        tokens.retain(|&token| (token as usize) < scores.len());
        if tokens.is_empty() {
            return Err(Error::NothingAllowed { source_index: row.source, length: row.tokens.len() });
        }
        self.kept.clear();
        self.kept.extend(tokens.iter().map(|&token| scores[token as usize]));
        scores.fill(f32::NEG_INFINITY);
        for (&token, &score) in tokens.iter().zip(&self.kept) {
            scores[token as usize] = score;
        }
        Ok(())
    }
}
