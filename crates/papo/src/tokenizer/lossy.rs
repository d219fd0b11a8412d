//! What a tokenizer cannot carry: told to the user once, instead of silently changing a text.

use super::{SpecialTokens, Tokenizer, TokenizerClass};

/// What will not survive the way from text to ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LossyNote {
    /// White space other than single spaces is replaced by single spaces.
    pub spaces: bool,
    /// Characters that have no token and become "unknown", each once, in the order of the text.
    pub unknown: Vec<char>,
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
        }
        Ok(())
    }
}

impl Tokenizer {
    /// Tells what of this text the tokenizer will lose, or `None` if it carries everything.
    ///
    /// Only SentencePiece tokenizers (T5, Marian) lose anything: byte-level ones (BART, Blenderbot) carry every text.
    pub fn lossy_note(&self, text: &str) -> Option<LossyNote> {
        if !matches!(self.class(), TokenizerClass::T5 | TokenizerClass::Marian) {
            return None;
        }
        let mut previous = ' ';
        let mut spaces = false;
        let mut unknown = Vec::new();
        for c in text.trim().chars() {
            spaces |= c.is_whitespace() && (c != ' ' || previous == ' ');
            previous = c;
        }
        let mut seen = std::collections::HashSet::new();
        for c in text.chars().filter(|c| !c.is_whitespace()) {
            if seen.insert(c) && self.is_unknown(c) {
                unknown.push(c);
            }
        }
        (spaces || !unknown.is_empty()).then_some(LossyNote { spaces, unknown })
    }

    fn is_unknown(&self, c: char) -> bool {
        let mut buffer = [0; 4];
        match self.encode_plain(c.encode_utf8(&mut buffer)) {
            Ok(ids) => {
                ids.iter().any(|&id| Some(id) == self.unk_id())
                    || self.decode(&ids, SpecialTokens::Keep).is_ok_and(|text| text.is_empty())
            }
            Err(_) => false,
        }
    }
}
