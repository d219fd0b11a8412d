//! Text as it grows, a token at a time, without ever showing half a character.
//!
//! Each new id is decoded together with all that came before, and what is new and certain is handed out. An unfinished UTF-8
//! sequence shows as a replacement character at the end and is held back; so is the last word where spaces are cleaned up,
//! because the next piece may pull it to the left.

use papo_generate::TokenId;

use super::{SpecialTokens, Tokenizer};
use crate::Error;

/// Decodes one sequence bit by bit; made by [`Tokenizer::stream`].
#[derive(Debug)]
pub struct DecodeStream<'a> {
    tokenizer: &'a Tokenizer,
    ids: Vec<TokenId>,
    shown: String,
}

impl<'a> DecodeStream<'a> {
    pub(super) fn new(tokenizer: &'a Tokenizer) -> Self {
        Self { tokenizer, ids: Vec::new(), shown: String::new() }
    }

    /// Takes the next id and returns the text that became certain by it, if any.
    ///
    /// Special tokens are skipped. An error is [`Error::Decode`].
    pub fn push(&mut self, id: TokenId) -> Result<Option<String>, Error> {
        self.ids.push(id);
        let text = self.tokenizer.decode(&self.ids, SpecialTokens::Skip)?;
        let mut certain = text.trim_end_matches('\u{fffd}');
        if self.tokenizer.cleans_up_spaces() {
            certain = &certain[..certain.rfind(' ').unwrap_or(0)];
        }
        Ok(self.advance(certain))
    }

    /// Ends the sequence and returns what was held back, if anything.
    ///
    /// An error is [`Error::Decode`].
    pub fn finish(&mut self) -> Result<Option<String>, Error> {
        let text = self.tokenizer.decode(&self.ids, SpecialTokens::Skip)?;
        Ok(self.advance(&text))
    }

    fn advance(&mut self, text: &str) -> Option<String> {
        let new = text.strip_prefix(self.shown.as_str()).filter(|new| !new.is_empty())?.to_owned();
        self.shown.push_str(&new);
        Some(new)
    }
}
