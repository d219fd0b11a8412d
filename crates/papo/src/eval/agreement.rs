//! How far two networks agree, token by token: what rounding the weights of one has cost.
//!
//! ```text
//! divergence = Σ_v p(v) ln (p(v) / q(v))       of what p, the first network, expects next, from what q, the second, does
//! ```
//!
//! Both read the same texts, so one mistake does not make the rest of a text another one.

use papo_generate::{LanguageModel, TokenId};

use super::forced::Forced;
use super::likelihood::Sample;
use crate::Error;

/// How far two networks agree on some texts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Agreement {
    /// Places at which both were asked for the next token.
    pub tokens: usize,
    /// Those at which the likeliest token was the same.
    pub same: usize,
    /// The sum of the divergences, in nats.
    pub divergence: f64,
}

impl Agreement {
    /// The share of places at which the likeliest token was the same.
    pub fn same_share(&self) -> f64 {
        self.same as f64 / self.tokens as f64
    }

    /// The Kullback–Leibler divergence at a place, in nats.
    pub fn mean_divergence(&self) -> f64 {
        self.divergence / self.tokens as f64
    }
}

impl std::ops::AddAssign for Agreement {
    fn add_assign(&mut self, other: Self) {
        self.tokens += other.tokens;
        self.same += other.same;
        self.divergence += other.divergence;
    }
}

/// Asks two networks of one vocabulary about the same texts; `start` is the token that every target begins after.
///
/// # Panics
/// Where the vocabularies differ in size: a caller's error.
pub fn agreement<P: LanguageModel, Q: LanguageModel>(
    first: &P,
    second: &Q,
    start: TokenId,
    samples: &[Sample],
) -> Result<Agreement, Error> {
    assert_eq!(first.vocab_size(), second.vocab_size(), "networks of one vocabulary");
    let (mut first, mut second) =
        (Forced::begin(first, start, samples)?, Forced::begin(second, start, samples)?);
    let mut sum = Agreement::default();
    while first.advance()? && second.advance()? {
        for ((token, p), (_, q)) in first.guesses().zip(second.guesses()) {
            if token.is_some() {
                sum.tokens += 1;
                sum.same += usize::from(likeliest(p) == likeliest(q));
                sum.divergence += divergence(p, q);
            }
        }
    }
    Ok(sum)
}

fn likeliest(logits: &[f32]) -> usize {
    let mut best = 0;
    for (token, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = token;
        }
    }
    best
}

/// Of the distributions behind two rows of logits.
fn divergence(p: &[f32], q: &[f32]) -> f64 {
    let total = |logits: &[f32]| {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = logits.iter().map(|logit| f64::from(logit - largest).exp()).sum();
        sum.ln() + f64::from(largest)
    };
    let (all_p, all_q) = (total(p), total(q));
    let terms = p.iter().zip(q).map(|(&p, &q)| {
        let (ln_p, ln_q) = (f64::from(p) - all_p, f64::from(q) - all_q);
        // What is impossible to both, or to the first, adds nothing.
        if ln_p == f64::NEG_INFINITY { 0.0 } else { ln_p.exp() * (ln_p - ln_q) }
    });
    terms.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divergence_is_what_its_definition_says() {
        // p = (1/2, 1/2), q = (1/4, 3/4), whatever is added to all logits.
        let p = [3.0, 3.0];
        let q = [0.25_f32.ln() - 7.0, 0.75_f32.ln() - 7.0];
        let expected = 0.5 * (2.0_f64).ln() + 0.5 * (2.0_f64 / 3.0).ln();
        assert!((divergence(&p, &q) - expected).abs() < 1e-6);
        assert!(divergence(&q, &q).abs() < 1e-12);
        let impossible = [f32::NEG_INFINITY, 0.0];
        assert!(divergence(&impossible, &impossible).abs() < 1e-12);
        assert_eq!(divergence(&p, &impossible), f64::INFINITY);
    }
}
