//! chrF: the F-score of character n-grams. Popović, "chrF: character n-gram F-score for automatic MT evaluation", WMT 2015; with
//! word n-grams besides, chrF++: Popović, "chrF++: words helping character n-grams", WMT 2017.
//!
//! ```text
//! chrP, chrR = means over n = 1..6 of the matched share of the hypothesis' and the reference's n-grams
//! chrF_β     = (1 + β²) · chrP · chrR / (β² · chrP + chrR)          β = 2: recall weighs twice as much
//! ```
//!
//! White space is left out of character n-grams, orders that one side lacks are left out of the means, and of several references the
//! best one counts for each sentence: all as in sacreBLEU, to whose figures the tests hold these to 1e-9.

use std::collections::HashMap;
use std::hash::Hash;

use super::spaces::{is_space, words};
use crate::tokenizer::LetterCase;

/// How chrF is counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChrfOptions {
    /// The longest character n-grams.
    pub character_order: usize,
    /// The longest word n-grams; 0 for chrF, 2 for chrF++.
    pub word_order: usize,
    /// How much more recall weighs than precision.
    pub beta: f64,
    /// Whether capitals count.
    pub case: LetterCase,
}

impl Default for ChrfOptions {
    /// chrF2.
    fn default() -> Self {
        Self { character_order: 6, word_order: 0, beta: 2.0, case: LetterCase::Keep }
    }
}

impl ChrfOptions {
    /// chrF++.
    pub fn plus_plus() -> Self {
        Self { word_order: 2, ..Self::default() }
    }
}

/// N-grams of one order: in the hypothesis, in the reference, in both.
#[derive(Clone, Copy, Default)]
struct Order {
    hypothesis: u64,
    reference: u64,
    matches: u64,
}

/// Counts chrF of a corpus, from 0 to 100: `references[i]` holds the answers that `hypotheses[i]` is held against.
///
/// # Panics
///
/// If there are not as many lists of references as hypotheses, or one of them is empty.
pub fn corpus_chrf<S: AsRef<str>, R: AsRef<str>>(
    hypotheses: &[S],
    references: &[Vec<R>],
    options: &ChrfOptions,
) -> f64 {
    assert_eq!(hypotheses.len(), references.len(), "each hypothesis has references");
    let mut sums = vec![Order::default(); options.character_order + options.word_order];
    for (hypothesis, references) in hypotheses.iter().zip(references) {
        let hypothesis = cased(hypothesis.as_ref(), options.case);
        let mut best: Option<(f64, Vec<Order>)> = None;
        for reference in references {
            let orders = compared(&hypothesis, &cased(reference.as_ref(), options.case), options);
            let score = f_score(&orders, options.beta);
            if best.as_ref().is_none_or(|(highest, _)| score > *highest) {
                best = Some((score, orders));
            }
        }
        let (_, orders) = best.expect("a sentence has a reference");
        for (sum, order) in sums.iter_mut().zip(orders) {
            sum.hypothesis += order.hypothesis;
            sum.reference += order.reference;
            sum.matches += order.matches;
        }
    }
    f_score(&sums, options.beta)
}

fn cased(text: &str, case: LetterCase) -> String {
    match case {
        LetterCase::Keep => text.to_owned(),
        LetterCase::Lower => text.to_lowercase(),
    }
}

fn compared(hypothesis: &str, reference: &str, options: &ChrfOptions) -> Vec<Order> {
    let letters = |text: &str| text.chars().filter(|letter| !is_space(*letter)).collect::<Vec<char>>();
    let (ours, theirs) = (letters(hypothesis), letters(reference));
    let mut orders: Vec<Order> = (1..=options.character_order).map(|n| order(&ours, &theirs, n)).collect();
    if options.word_order > 0 {
        let (ours, theirs) = (punctuated(hypothesis), punctuated(reference));
        orders.extend((1..=options.word_order).map(|n| order(&ours, &theirs, n)));
    }
    orders
}

fn order<T: Eq + Hash>(hypothesis: &[T], reference: &[T], n: usize) -> Order {
    let (ours, theirs) = (ngrams(hypothesis, n), ngrams(reference, n));
    Order {
        // What no reference could match is not held against the hypothesis.
        hypothesis: if theirs.is_empty() { 0 } else { ours.values().sum() },
        reference: theirs.values().sum(),
        matches: ours.iter().map(|(ngram, count)| count.min(theirs.get(ngram).unwrap_or(&0))).sum(),
    }
}

fn ngrams<T: Eq + Hash>(units: &[T], n: usize) -> HashMap<&[T], u64> {
    let mut counts = HashMap::new();
    for ngram in units.windows(n) {
        *counts.entry(ngram).or_default() += 1;
    }
    counts
}

/// Words with one mark at their end, or else at their beginning, as a word of its own.
fn punctuated(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for word in words(text) {
        let first = word.chars().next().map_or(0, char::len_utf8);
        let last = word.chars().next_back().map_or(0, char::len_utf8);
        if first == word.len() {
            found.push(word);
        } else if word.ends_with(|mark: char| mark.is_ascii_punctuation()) {
            found.extend([&word[..word.len() - last], &word[word.len() - last..]]);
        } else if word.starts_with(|mark: char| mark.is_ascii_punctuation()) {
            found.extend([&word[..first], &word[first..]]);
        } else {
            found.push(word);
        }
    }
    found
}

fn f_score(orders: &[Order], beta: f64) -> f64 {
    let both = orders.iter().filter(|order| order.hypothesis > 0 && order.reference > 0);
    let (mut precision, mut recall, mut count) = (0.0, 0.0, 0.0);
    for order in both {
        precision += order.matches as f64 / order.hypothesis as f64;
        recall += order.matches as f64 / order.reference as f64;
        count += 1.0;
    }
    if precision + recall == 0.0 {
        return 0.0;
    }
    let (precision, recall, factor) = (precision / count, recall / count, beta * beta);
    100.0 * (1.0 + factor) * precision * recall / (factor * precision + recall)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mark_leaves_a_word() {
        assert_eq!(punctuated("(hi) -x a!! ! é."), ["(hi", ")", "-", "x", "a!", "!", "!", "é", "."]);
    }

    #[test]
    fn equal_strings_have_100_and_strange_ones_0() {
        let options = ChrfOptions::default();
        assert!((corpus_chrf(&["abc def"], &[vec!["abc def"]], &options) - 100.0).abs() < 1e-9);
        assert_eq!(corpus_chrf(&["abc"], &[vec!["xyz"]], &options), 0.0);
    }
}
