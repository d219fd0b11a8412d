//! distinct-n: how much a chatbot repeats itself. Li, Galley, Brockett, Gao and Dolan, "A Diversity-Promoting Objective Function for
//! Neural Conversation Models", NAACL 2016.
//!
//! ```text
//! distinct-n = different n-grams in all replies / words in all replies
//! ```
//!
//! Words are `13a`'s, in small letters, so that tokenizers can be compared; n-grams do not reach over the end of a reply. The figure
//! falls with the number of replies: compare only replies to the same prompts.

use std::collections::HashSet;

use super::bleu_words::BleuWords;
use super::spaces::words;

/// Different n-grams for each word of the replies; 0 if there is no word.
pub fn distinct<S: AsRef<str>>(replies: &[S], n: usize) -> f64 {
    let mut found: HashSet<Vec<String>> = HashSet::new();
    let mut total = 0;
    for reply in replies {
        let separated = BleuWords::V13a.separated(&reply.as_ref().to_lowercase());
        let reply: Vec<&str> = words(&separated).collect();
        total += reply.len();
        found
            .extend(reply.windows(n.max(1)).map(|ngram| ngram.iter().map(|&word| word.to_owned()).collect()));
    }
    if total == 0 { 0.0 } else { found.len() as f64 / total as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_words_count_once() {
        let replies = ["I like it.", "I like you."];
        // i like it you . | i like, like it, it ., like you, you .
        assert_eq!((distinct(&replies, 1), distinct(&replies, 2)), (5.0 / 8.0, 5.0 / 8.0));
        assert_eq!(distinct::<&str>(&[], 1), 0.0);
    }
}
