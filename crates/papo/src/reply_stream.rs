//! A reply handed out while it is made: tokens in, pieces of the trimmed text out.
//!
//! White space at the front is dropped; white space at the end of what is known so far is held back until something follows it. So
//! the pieces add up to the text of the reply and nothing else.

use std::ops::ControlFlow;

use papo_generate::TokenId;

use crate::Error;
use crate::tokenizer::{DecodeStream, Tokenizer};

/// Decodes a reply as its tokens become certain, and hands its text on.
pub(crate) struct ReplyStream<'a, F: FnMut(&str)> {
    decoded: DecodeStream<'a>,
    text: TrimmedText,
    tokens: usize,
    on_piece: F,
    /// Why a piece could not be decoded.
    trouble: Option<Error>,
}

impl<'a, F: FnMut(&str)> ReplyStream<'a, F> {
    pub(crate) fn new(tokenizer: &'a Tokenizer, on_piece: F) -> Self {
        let text = TrimmedText::default();
        Self { decoded: tokenizer.stream(), text, tokens: 0, on_piece, trouble: None }
    }

    /// Tokens so far, the start token not counted.
    pub(crate) fn tokens(&self) -> usize {
        self.tokens
    }

    /// Takes the next tokens.
    pub(crate) fn push(&mut self, tokens: &[TokenId]) -> ControlFlow<()> {
        for &token in tokens {
            self.tokens += 1;
            match self.decoded.push(token) {
                Ok(piece) => self.hand_on(piece),
                Err(error) => {
                    self.trouble = Some(error);
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Hands on what is left of the whole reply, its start token not among `tokens`.
    pub(crate) fn finish(mut self, tokens: &[TokenId]) -> Result<(), Error> {
        let rest = tokens.get(self.tokens..).unwrap_or_default();
        if self.trouble.is_none() && self.push(rest).is_continue() {
            let piece = self.decoded.finish()?;
            self.hand_on(piece);
        }
        self.trouble.map_or(Ok(()), Err)
    }

    fn hand_on(&mut self, piece: Option<String>) {
        let shown = self.text.push(&piece.unwrap_or_default());
        if !shown.is_empty() {
            (self.on_piece)(&shown);
        }
    }
}

/// Trims a text that arrives in pieces.
#[derive(Debug, Default)]
pub struct TrimmedText {
    started: bool,
    held: String,
}

impl TrimmedText {
    /// Takes the next piece and returns what is certain to be part of the trimmed text.
    pub fn push(&mut self, piece: &str) -> String {
        let piece = if self.started { piece } else { piece.trim_start() };
        let kept = piece.trim_end();
        if kept.is_empty() {
            if self.started {
                self.held.push_str(piece);
            }
            return String::new();
        }
        self.started = true;
        let mut shown = std::mem::take(&mut self.held);
        shown.push_str(kept);
        self.held.push_str(&piece[kept.len()..]);
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_add_up_to_the_trimmed_whole() {
        let pieces = [" ", " I'm", " ", " fine", ". \n", " You?", " ", "\n"];
        let mut text = TrimmedText::default();
        let shown: String = pieces.iter().map(|piece| text.push(piece)).collect();
        assert_eq!(shown, pieces.concat().trim());
    }

    #[test]
    fn white_space_alone_shows_nothing() {
        let mut text = TrimmedText::default();
        assert_eq!(text.push("  ") + &text.push("\n"), "");
    }
}
