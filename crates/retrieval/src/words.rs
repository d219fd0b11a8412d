//! What of a text is looked at: its words, and not how they are typed.
//!
//! A word is a run of letters and digits in lower case, without accents and apostrophes, so that "Não, what’s up?" and "nao whats
//! up" are the same four words. Marks between words say little and are left out: with question marks as words, or with pairs of neighbouring
//! words besides, held-out conversations were answered no better, and the index was up to twice as large.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The words of a text, in order.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let letters = text.nfkd().filter(|&letter| !is_combining_mark(letter) && !matches!(letter, '\'' | '’'));
    for letter in letters.chain([' ']) {
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        } else if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_word_is_typed_makes_no_difference() {
        assert_eq!(words("Não, what’s UP?"), ["nao", "whats", "up"]);
        assert_eq!(words("nao what's up"), words("NÃO... whats  up!!"));
        assert_eq!(words("a1-b2 №3"), ["a1", "b2", "no3"]);
        assert!(words(" ?! … ’ ").is_empty());
    }
}
