//! Special tokens that stand in a text as words of their own.
//!
//! To what Papo trains, `<s>` in `<s>10</s>` is three letters like any others: a page of HTML is full of such words, and a network that
//! read an end of text in the middle of one would learn nonsense. Between white space, `</s>` is the token. White space is KenLM's, which has
//! the same rule.

use papo_generate::TokenId;

/// A stretch of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Ordinary text, white space included; never empty.
    Text(&'a str),
    /// A special token.
    Special(TokenId),
}

/// What separates words.
fn is_space(c: char) -> bool {
    matches!(c, '\0' | '\t' | '\n' | '\r' | ' ')
}

/// The words of a text, with where each begins.
pub(super) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let start = text.as_ptr() as usize;
    text.split(is_space)
        .filter(|word| !word.is_empty())
        .map(move |word| (word.as_ptr() as usize - start, word))
}

/// Cuts a text at the words for which `special` has an id.
pub(super) fn parts<'a>(text: &'a str, special: impl Fn(&str) -> Option<TokenId>) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    let mut done = 0;
    for (at, word) in words(text) {
        if let Some(id) = special(word) {
            if at > done {
                parts.push(Part::Text(&text[done..at]));
            }
            parts.push(Part::Special(id));
            done = at + word.len();
        }
    }
    if done < text.len() {
        parts.push(Part::Text(&text[done..]));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_their_own_are_tokens() {
        let special = |word: &str| (word == "<s>").then_some(1);
        assert_eq!(parts("<s>10</s> (<s>)", special), [Part::Text("<s>10</s> (<s>)")]);
        assert_eq!(
            parts(" a <s>\tb\u{a0}<s> <s>", special),
            [Part::Text(" a "), Part::Special(1), Part::Text("\tb\u{a0}<s> "), Part::Special(1)]
        );
        assert!(parts("", special).is_empty());
    }
}
