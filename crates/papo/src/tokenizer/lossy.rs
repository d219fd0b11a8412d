//! What a tokenizer cannot carry: told to the user once, instead of silently changing a text.

use papo_generate::TokenId;

use super::{SpecialTokens, Tokenizer};

/// What will not survive the way from text to ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LossyNote {
    /// White space other than single spaces is replaced by single spaces.
    pub spaces: bool,
    /// Characters that have no token and become "unknown", each once, in the order of the text.
    pub unknown: Vec<char>,
    /// What stands for them, where anything does.
    pub unknown_token: Option<String>,
}

impl std::fmt::Display for LossyNote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.spaces {
            f.write_str(
                "this model's tokenizer turns line breaks, tabs and repeated spaces into single spaces",
            )?;
        }
        if !self.unknown.is_empty() {
            f.write_str(if self.spaces { ", and it has " } else { "this model's tokenizer has " })?;
            f.write_str("no token for ")?;
            for (i, c) in self.unknown.iter().take(10).enumerate() {
                write!(f, "{}{}", if i > 0 { " " } else { "" }, c.escape_debug())?;
            }
            if self.unknown.len() > 10 {
                f.write_str(" …")?;
            }
            if let Some(token) = &self.unknown_token {
                write!(f, ", which it reads as {token}")?;
            }
        }
        Ok(())
    }
}

impl Tokenizer {
    /// Tells what of this text the tokenizer will lose, or `None` if it carries everything.
    ///
    /// SentencePiece tokenizers (T5, Marian) lose some texts; byte-level ones (BART, Blenderbot) carry every text. What a vocabulary of whole
    /// words makes of a text is not told.
    pub fn lossy_note(&self, text: &str) -> Option<LossyNote> {
        if self.backend.joins_by_spaces() {
            return None;
        }
        let ids = self.encode_plain(text).ok()?;
        let unknown = self.backend.lost_characters(text, self.unk_id());
        let spaces = self.loses_spaces(text, &ids);
        let unknown_token =
            self.unk_id().filter(|unk| ids.contains(unk)).map(|unk| self.tokens(&[unk]).concat());
        (spaces || !unknown.is_empty()).then_some(LossyNote { spaces, unknown, unknown_token })
    }

    /// Whether white space other than single spaces is gone when the ids are text again. That more comes back (a space behind a token for a line
    /// break) loses nothing.
    fn loses_spaces(&self, text: &str, ids: &[TokenId]) -> bool {
        let text = text.trim();
        let spaces = |text: &str| text.chars().filter(|c| c.is_whitespace()).collect::<Vec<char>>();
        let mut previous = 'a';
        let special = text.chars().any(|c| {
            let twice = c == ' ' && previous.is_whitespace();
            previous = c;
            twice || (c.is_whitespace() && c != ' ')
        });
        if !special {
            return false;
        }
        let Ok(decoded) = self.decode(ids, SpecialTokens::Keep) else { return false };
        let mut left = spaces(&decoded).into_iter();
        spaces(text).into_iter().any(|space| !left.any(|kept| kept == space))
    }
}
