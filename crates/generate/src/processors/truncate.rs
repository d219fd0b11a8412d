//! Sampling from the head of the distribution: unlikely tokens are ruled out (the reference's `…LogitsWarper`s).
//!
//! Sums run in f64 and are rounded to f32 at each token, as PyTorch's `cumsum` does. Only scores that matter are sorted. At least `keep` tokens survive. Of equal scores the lower token counts as the
//! lower one where a stable ascending sort decides.

use papo_kernels::Kernels;

use super::{Processor, Row};
use crate::topk::Best;
use crate::{Error, TokenId};

const OUT: f32 = f32::NEG_INFINITY;

/// The k likeliest; equals of the k-th stay.
pub(crate) struct TopK {
    k: usize,
    best: Best,
}

impl TopK {
    pub fn new(k: usize) -> Self {
        Self { k, best: Best::default() }
    }
}

impl Processor for TopK {
    fn apply(&mut self, _: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        let least = kth_largest(&mut self.best, self.k, scores);
        rule_out(scores, |score| score < least);
        Ok(())
    }
}

/// The fewest likeliest tokens that together reach a probability.
pub(crate) struct TopP {
    /// What the ruled out may weigh together.
    rest: f32,
    keep: usize,
    probabilities: Vec<f32>,
    tokens: Vec<TokenId>,
}

impl TopP {
    pub fn new(mass: f64, keep: usize) -> Self {
        Self { rest: (1.0 - mass) as f32, keep, probabilities: Vec::new(), tokens: Vec::new() }
    }
}

impl Processor for TopP {
    fn apply(&mut self, _: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        let Self { rest, keep, probabilities, tokens } = self;
        softmax(scores, probabilities);
        // Tokens below an equal share of the rest cannot exceed it even together, so they need no sorting.
        let share = *rest / scores.len() as f32;
        collect(tokens, probabilities.iter().map(|&p| p >= share));
        if tokens.len() < *keep {
            collect(tokens, scores.iter().map(|&score| score != OUT));
        }
        tokens.sort_unstable_by(|&a, &b| scores[a as usize].total_cmp(&scores[b as usize]).then(a.cmp(&b)));
        let weight = |&token: &TokenId| f64::from(probabilities[token as usize]);
        let all: f64 = probabilities.iter().map(|&p| f64::from(p)).sum();
        let mut sum = (all - tokens.iter().map(weight).sum::<f64>()).max(0.0);
        let removable = tokens.len().saturating_sub(*keep);
        let out = tokens[..removable].iter().take_while(|&token| {
            sum += weight(token);
            sum as f32 <= *rest
        });
        let first_kept = out.count();
        tokens.drain(..first_kept);
        // The kept swap places with their scores: all others are out.
        probabilities.clear();
        probabilities.extend(tokens.iter().map(|&token| scores[token as usize]));
        scores.fill(OUT);
        for (&token, &score) in tokens.iter().zip(probabilities.iter()) {
            scores[token as usize] = score;
        }
        Ok(())
    }
}

/// Tokens at least a share as likely as the likeliest.
pub(crate) struct MinP {
    share: f32,
    keep: usize,
    probabilities: Vec<f32>,
    best: Best,
}

impl MinP {
    pub fn new(share: f64, keep: usize) -> Self {
        Self { share: share as f32, keep, probabilities: Vec::new(), best: Best::default() }
    }
}

impl Processor for MinP {
    fn apply(&mut self, _: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        softmax(scores, &mut self.probabilities);
        let top = self.probabilities.iter().copied().fold(0.0, f32::max);
        let least = self.share * top;
        self.best.begin(self.keep);
        self.best.offer_row(0, scores, 0.0);
        for kept in self.best.sorted() {
            self.probabilities[kept.token as usize] = f32::INFINITY;
        }
        for (score, &p) in scores.iter_mut().zip(&self.probabilities) {
            if p < least {
                *score = OUT;
            }
        }
        Ok(())
    }
}

/// The tokens whose information is closest to the expected, up to a probability.
pub(crate) struct Typical {
    mass: f32,
    keep: usize,
    log_probabilities: Vec<f32>,
    sorted: Sorted,
}

impl Typical {
    pub fn new(mass: f64, keep: usize) -> Self {
        Self { mass: mass as f32, keep, log_probabilities: Vec::new(), sorted: Sorted::default() }
    }
}

impl Processor for Typical {
    fn apply(&mut self, _: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        self.log_probabilities.clear();
        self.log_probabilities.extend_from_slice(scores);
        Kernels::best().log_softmax(&mut self.log_probabilities);
        let information = |log_p: &f32| f64::from(-log_p.exp() * log_p);
        let entropy: f64 = self.log_probabilities.iter().filter(|x| x.is_finite()).map(information).sum();
        let entropy = entropy as f32;
        // Distance from the expected information; the same order holds for the finite scores alone.
        let distances = &mut self.log_probabilities;
        distances.iter_mut().for_each(|x| *x = (-*x - entropy).abs());
        self.sorted.sort_by_key(scores, distances);
        let mut sum = 0.0f64;
        let below = self.sorted.probabilities.iter().take_while(|&&p| {
            sum += f64::from(p);
            (sum as f32) < self.mass
        });
        let last = below.count();
        if let Some(&last) = self.sorted.tokens.get(last) {
            let most = distances[last as usize];
            for &token in self.sorted.tokens.iter().skip(self.keep) {
                if distances[token as usize] > most {
                    scores[token as usize] = OUT;
                }
            }
        }
        Ok(())
    }
}

/// Tokens at least so likely.
pub(crate) struct Epsilon {
    least: f32,
    keep: usize,
    probabilities: Vec<f32>,
    best: Best,
}

impl Epsilon {
    pub fn new(least: f64, keep: usize) -> Self {
        Self { least: least as f32, keep, probabilities: Vec::new(), best: Best::default() }
    }
}

impl Processor for Epsilon {
    fn apply(&mut self, _: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        softmax(scores, &mut self.probabilities);
        rule_out_below(
            scores,
            &self.probabilities,
            self.least,
            kth_largest(&mut self.best, self.keep, scores),
        );
        Ok(())
    }
}

/// Tokens above `min(η, √η · exp(−entropy))`.
pub(crate) struct Eta {
    eta: f32,
    keep: usize,
    probabilities: Vec<f32>,
    best: Best,
}

impl Eta {
    pub fn new(eta: f64, keep: usize) -> Self {
        Self { eta: eta as f32, keep, probabilities: Vec::new(), best: Best::default() }
    }
}

impl Processor for Eta {
    fn apply(&mut self, _: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        self.probabilities.clear();
        self.probabilities.extend_from_slice(scores);
        Kernels::best().log_softmax(&mut self.probabilities);
        let information = |log_p: &f32| f64::from(-log_p.exp() * log_p);
        let entropy: f64 = self.probabilities.iter().filter(|x| x.is_finite()).map(information).sum();
        let least = self.eta.min(self.eta.sqrt() * (-entropy as f32).exp());
        softmax(scores, &mut self.probabilities);
        rule_out_below(scores, &self.probabilities, least, kth_largest(&mut self.best, self.keep, scores));
        Ok(())
    }
}

/// Finite scores in order, with their probabilities.
#[derive(Default)]
struct Sorted {
    tokens: Vec<TokenId>,
    probabilities: Vec<f32>,
}

impl Sorted {
    /// Sorts by each token's key, ascending.
    fn sort_by_key(&mut self, scores: &[f32], keys: &[f32]) {
        collect(&mut self.tokens, scores.iter().map(|&score| score != OUT));
        self.tokens.sort_unstable_by(|&a, &b| keys[a as usize].total_cmp(&keys[b as usize]).then(a.cmp(&b)));
        self.probabilities.clear();
        self.probabilities.extend(self.tokens.iter().map(|&token| scores[token as usize]));
        Kernels::best().softmax(&mut self.probabilities);
    }
}

/// Collects the tokens for which `is_in` holds.
fn collect(tokens: &mut Vec<TokenId>, is_in: impl Iterator<Item = bool>) {
    tokens.clear();
    tokens.extend(is_in.zip(0..).filter_map(|(is_in, token)| is_in.then_some(token)));
}

fn softmax(scores: &[f32], probabilities: &mut Vec<f32>) {
    probabilities.clear();
    probabilities.extend_from_slice(scores);
    Kernels::best().softmax(probabilities);
}

/// The k-th largest score, or the smallest of fewer.
fn kth_largest(best: &mut Best, k: usize, scores: &[f32]) -> f32 {
    best.begin(k.min(scores.len()));
    best.offer_row(0, scores, 0.0);
    best.sorted().last().map_or(OUT, |candidate| candidate.score)
}

fn rule_out(scores: &mut [f32], out: impl Fn(f32) -> bool) {
    for score in scores {
        if out(*score) {
            *score = OUT;
        }
    }
}

/// Rules out what is less likely than `least`, unless its score reaches `kept`.
fn rule_out_below(scores: &mut [f32], probabilities: &[f32], least: f32, kept: f32) {
    for (score, &p) in scores.iter_mut().zip(probabilities) {
        if p < least && *score < kept {
            *score = OUT;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Indices that survive, of tokens with these probabilities.
    fn survivors(processor: &mut dyn Processor, probabilities: &[f32]) -> Vec<usize> {
        let mut scores: Vec<f32> = probabilities.iter().map(|p| p.ln() + 3.0).collect();
        processor.apply(&Row { source: 0, rank: 0, tokens: &[0] }, &mut scores).unwrap();
        (0..scores.len()).filter(|&token| scores[token] != OUT).collect()
    }

    const P: [f32; 5] = [0.05, 0.5, 0.0, 0.3, 0.15];

    #[test]
    fn the_likeliest_few_survive() {
        assert_eq!(survivors(&mut TopK::new(2), &P), [1, 3]);
        assert_eq!(survivors(&mut TopK::new(9), &P), [0, 1, 3, 4]);
        assert_eq!(survivors(&mut TopK::new(1), &[0.4, 0.2, 0.4]), [0, 2]);
    }

    #[test]
    fn the_head_of_the_distribution_survives() {
        assert_eq!(survivors(&mut TopP::new(0.7, 1), &P), [1, 3]);
        assert_eq!(survivors(&mut TopP::new(0.9, 1), &P), [1, 3, 4]);
        assert_eq!(survivors(&mut TopP::new(0.0, 1), &P), [1]);
        assert_eq!(survivors(&mut TopP::new(0.0, 3), &P), [1, 3, 4]);
    }

    #[test]
    fn a_share_of_the_likeliest_survives() {
        assert_eq!(survivors(&mut MinP::new(0.4, 1), &P), [1, 3]);
        assert_eq!(survivors(&mut MinP::new(1.0, 3), &P), [1, 3, 4]);
        assert_eq!(survivors(&mut Epsilon::new(0.1, 1), &P), [1, 3, 4]);
        assert_eq!(survivors(&mut Epsilon::new(0.9, 1), &P), [1]);
        assert_eq!(survivors(&mut Epsilon::new(0.9, 2), &P), [1, 3]);
    }

    #[test]
    fn the_bound_falls_with_the_entropy() {
        // Entropy 1.142: √0.09 · e^−1.142 = 0.0957.
        assert_eq!(survivors(&mut Eta::new(0.09, 1), &P), [1, 3, 4]);
        assert_eq!(survivors(&mut Eta::new(0.64, 1), &P), [1, 3]);
    }

    #[test]
    fn the_typical_survive() {
        // Information 3.00, 0.69, ∞, 1.20, 1.90 against 1.142 expected: 3, then 1, then 4.
        assert_eq!(survivors(&mut Typical::new(0.25, 1), &P), [3]);
        assert_eq!(survivors(&mut Typical::new(0.6, 1), &P), [1, 3]);
        assert_eq!(survivors(&mut Typical::new(0.9, 1), &P), [1, 3, 4]);
        assert_eq!(survivors(&mut Typical::new(0.25, 2), &P), [1, 3]);
    }
}
