//! BLEU: how many n-grams of a translation stand in its references. Papineni, Roukos, Ward and Zhu, "BLEU: a Method for
//! Automatic Evaluation of Machine Translation", ACL 2002.
//!
//! ```text
//! p_n  = Σ min(count in hypothesis, most in any reference) / Σ count in hypothesis     over all n-grams of all sentences
//! BP   = 1 if c > r, else exp(1 − r/c)          c: words of the hypotheses, r: words of the nearest references
//! BLEU = BP · exp(Σ_{n=1..4} ln(p_n) / 4)
//! ```
//!
//! Every choice that the paper leaves open is made as in sacreBLEU (Post, "A Call for Clarity in Reporting BLEU Scores", WMT 2018), so that
//! figures are its figures: the tests hold them to 1e-9. Crates that count BLEU follow other tokenizers, hence our own.
//!
//! Read next: `bleu_words.rs` for what a word is.

use std::collections::HashMap;
use std::fmt;

use super::bleu_words::BleuWords;
use super::spaces::words;
use crate::tokenizer::LetterCase;

/// What becomes of an n-gram order without a single match. Chen and Cherry, "A Systematic Comparison of Smoothing Techniques for
/// Sentence-Level BLEU", WMT 2014.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Smoothing {
    /// The k-th such order counts as 1/2^k matches: the paper's method 3, sacreBLEU's `exp`.
    #[default]
    Exponential,
    /// Nothing: BLEU is 0.
    None,
    /// It counts as this many matches, usually 0.1: method 1, `floor`.
    Floor(f64),
    /// This many, usually 1, are added to the matches and n-grams of each order above the first: method 2, `add-k`.
    AddK(f64),
}

/// How BLEU is counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BleuOptions {
    /// What a word is.
    pub words: BleuWords,
    /// Whether capitals count.
    pub case: LetterCase,
    /// What becomes of an order without a match.
    pub smoothing: Smoothing,
}

impl Default for BleuOptions {
    fn default() -> Self {
        Self { words: BleuWords::default(), case: LetterCase::Keep, smoothing: Smoothing::default() }
    }
}

/// The longest n-grams that are counted.
const ORDER: usize = 4;

/// BLEU of a corpus, with what it is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Bleu {
    /// BLEU, from 0 to 100.
    pub score: f64,
    /// The precision of each order in percent, smoothed.
    pub precisions: [f64; ORDER],
    /// The brevity penalty.
    pub brevity_penalty: f64,
    /// Words of the hypotheses.
    pub hypothesis_words: usize,
    /// Words of the references, of several the ones nearest in length.
    pub reference_words: usize,
}

impl fmt::Display for Bleu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, two, three, four] = self.precisions;
        write!(
            f,
            "{:.2} ({one:.1}/{two:.1}/{three:.1}/{four:.1}, brevity penalty {:.3}, {} words against {})",
            self.score, self.brevity_penalty, self.hypothesis_words, self.reference_words
        )
    }
}

/// Counts BLEU of a corpus: `references[i]` holds the answers that `hypotheses[i]` is held against.
///
/// # Panics
///
/// If there are not as many lists of references as hypotheses, or one of them is empty.
pub fn corpus_bleu<S: AsRef<str>, R: AsRef<str>>(
    hypotheses: &[S],
    references: &[Vec<R>],
    options: &BleuOptions,
) -> Bleu {
    assert_eq!(hypotheses.len(), references.len(), "each hypothesis has references");
    let mut counts = Counts::default();
    for (hypothesis, references) in hypotheses.iter().zip(references) {
        let hypothesis = prepared(hypothesis.as_ref(), options);
        let references: Vec<String> =
            references.iter().map(|reference| prepared(reference.as_ref(), options)).collect();
        counts.add(&hypothesis, &references);
    }
    counts.score(options.smoothing)
}

fn prepared(text: &str, options: &BleuOptions) -> String {
    let text = match options.case {
        LetterCase::Keep => text.to_owned(),
        LetterCase::Lower => text.to_lowercase(),
    };
    options.words.separated(text.trim_end_matches(super::spaces::is_space))
}

/// What the sentences of a corpus add up to.
#[derive(Default)]
struct Counts {
    matches: [u64; ORDER],
    totals: [u64; ORDER],
    hypothesis_words: usize,
    reference_words: usize,
}

impl Counts {
    fn add(&mut self, hypothesis: &str, references: &[String]) {
        let hypothesis: Vec<&str> = words(hypothesis).collect();
        let references: Vec<Vec<&str>> =
            references.iter().map(|reference| words(reference).collect()).collect();
        let nearest = references.iter().map(Vec::len).min_by_key(|&n| (n.abs_diff(hypothesis.len()), n));
        self.reference_words += nearest.expect("a sentence has a reference");
        self.hypothesis_words += hypothesis.len();
        for n in 1..=ORDER {
            let mut most: HashMap<&[&str], u64> = HashMap::new();
            for reference in &references {
                for (ngram, count) in ngrams(reference, n) {
                    let known = most.entry(ngram).or_default();
                    *known = count.max(*known);
                }
            }
            for (ngram, count) in ngrams(&hypothesis, n) {
                self.totals[n - 1] += count;
                self.matches[n - 1] += count.min(most.get(ngram).copied().unwrap_or(0));
            }
        }
    }

    fn score(&self, smoothing: Smoothing) -> Bleu {
        let (c, r) = (self.hypothesis_words as f64, self.reference_words as f64);
        let brevity_penalty = match (c < r, c > 0.0) {
            (false, _) => 1.0,
            (true, true) => (1.0 - r / c).exp(),
            (true, false) => 0.0,
        };
        let mut bleu = Bleu {
            score: 0.0,
            precisions: [0.0; ORDER],
            brevity_penalty,
            hypothesis_words: self.hypothesis_words,
            reference_words: self.reference_words,
        };
        if self.matches == [0; ORDER] {
            return bleu;
        }
        let mut halves = 1.0;
        for n in 0..ORDER {
            let (mut matches, mut total) = (self.matches[n] as f64, self.totals[n] as f64);
            if let Smoothing::AddK(k) = smoothing
                && n > 0
            {
                (matches, total) = (matches + k, total + k);
            }
            if total == 0.0 {
                break;
            }
            bleu.precisions[n] = match smoothing {
                Smoothing::Exponential if matches == 0.0 => {
                    halves *= 2.0;
                    100.0 / (halves * total)
                }
                Smoothing::Floor(least) if matches == 0.0 => 100.0 * least / total,
                _ => 100.0 * matches / total,
            };
        }
        let logarithms: f64 = bleu.precisions.iter().map(|p| p.ln()).sum();
        bleu.score = brevity_penalty * (logarithms / ORDER as f64).exp();
        bleu
    }
}

fn ngrams<'a, 'b>(words: &'b [&'a str], n: usize) -> HashMap<&'b [&'a str], u64> {
    let mut counts = HashMap::new();
    for ngram in words.windows(n) {
        *counts.entry(ngram).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_paper_is_clipped() {
        // "the the the …" against "the cat is on the mat": two of seven, section 2.1.
        let bleu = corpus_bleu(
            &["the the the the the the the"],
            &[vec!["the cat is on the mat"]],
            &BleuOptions::default(),
        );
        assert!((bleu.precisions[0] - 100.0 * 2.0 / 7.0).abs() < 1e-12);
    }

    #[test]
    fn a_perfect_translation_has_100() {
        let text = "a b c d e";
        let bleu = corpus_bleu(&[text], &[vec![text]], &BleuOptions::default());
        assert!((bleu.score - 100.0).abs() < 1e-9, "{bleu}");
    }
}
