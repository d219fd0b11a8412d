//! The K best of beams × vocabulary, by one scan against a rising threshold.
//!
//! Almost no score of half a million survives the comparison with the K-th best so far, so whole chunks are passed over
//! at the speed of memory; survivors collect in a small buffer that is cut back to K when it is full.
//!
//! Order: the larger score first, NaN before everything as `torch.topk` has it, and of equals the lower beam, then the
//! lower token. Where equals matter, `largest.rs` has PyTorch's own order.

use std::cmp::Ordering;

use crate::TokenId;

/// A token after a beam.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub score: f32,
    /// Index of the beam among those of its source.
    pub beam: u32,
    pub token: TokenId,
}

/// Scores compared against the threshold at once.
const CHUNK: usize = 64;

/// Collects the best candidates.
#[derive(Debug, Default)]
pub(crate) struct Best {
    most: usize,
    /// Unordered; more than `most` between two cuts.
    kept: Vec<Candidate>,
    /// The worst of the best, once there are enough.
    threshold: Option<f32>,
}

impl Best {
    /// Forgets everything and begins to collect the `most` best, at least one.
    pub fn begin(&mut self, most: usize) {
        self.most = most.max(1);
        self.kept.clear();
        self.threshold = None;
    }

    /// Offers every token of a beam, with `add` added to its score.
    pub fn offer_row(&mut self, beam: usize, scores: &[f32], add: f32) {
        for (number, chunk) in scores.chunks(CHUNK).enumerate() {
            if let Some(threshold) = self.threshold {
                let passes = |score: f32| (score > threshold) | score.is_nan();
                if !chunk.iter().fold(false, |any, &score| any | passes(score + add)) {
                    continue;
                }
            }
            for (offset, &score) in chunk.iter().enumerate() {
                let token = (number * CHUNK + offset) as TokenId;
                self.offer(Candidate { score: score + add, beam: beam as u32, token });
            }
        }
    }

    /// Offers one candidate; those of one beam must come by rising token, beams in rising order.
    pub fn offer(&mut self, candidate: Candidate) {
        if self.threshold.is_some_and(|threshold| candidate.score <= threshold) {
            return;
        }
        self.kept.push(candidate);
        if self.kept.len() >= 2 * self.most + CHUNK {
            self.cut();
        }
    }

    /// The best, best first.
    pub fn sorted(&mut self) -> &[Candidate] {
        if self.kept.len() > self.most {
            self.cut();
        }
        self.kept.sort_unstable_by(better);
        &self.kept
    }

    fn cut(&mut self) {
        let (_, worst, _) = self.kept.select_nth_unstable_by(self.most - 1, better);
        self.threshold = Some(worst.score);
        self.kept.truncate(self.most);
    }
}

/// Which candidate comes first.
fn better(a: &Candidate, b: &Candidate) -> Ordering {
    descending(a.score, b.score).then_with(|| (a.beam, a.token).cmp(&(b.beam, b.token)))
}

/// The larger first, NaN before everything.
fn descending(a: f32, b: f32) -> Ordering {
    b.partial_cmp(&a).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(rows: &[Vec<f32>], adds: &[f32], most: usize) -> Vec<Candidate> {
        let mut all = Vec::new();
        for (beam, row) in rows.iter().enumerate() {
            for (token, score) in row.iter().enumerate() {
                all.push(Candidate { score: score + adds[beam], beam: beam as u32, token: token as TokenId });
            }
        }
        all.sort_by(better);
        all.truncate(most);
        all
    }

    #[test]
    fn the_scan_finds_what_a_sort_finds() {
        let mut seed = 7u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) % below
        };
        let mut best = Best::default();
        for round in 0..500 {
            let (beams, width, most) = (1 + next(5) as usize, 1 + next(400) as usize, 1 + next(30) as usize);
            let levels = if round % 2 == 0 { 8 } else { 100_000 };
            let mut rows = vec![vec![0.0; width]; beams];
            for score in rows.iter_mut().flatten() {
                *score = match next(40) {
                    0 => f32::NEG_INFINITY,
                    1 if round % 5 == 0 => f32::NAN,
                    _ => next(levels) as f32 / -7.0,
                };
            }
            let adds: Vec<f32> = (0..beams).map(|_| next(3) as f32).collect();
            best.begin(most);
            for (beam, row) in rows.iter().enumerate() {
                best.offer_row(beam, row, adds[beam]);
            }
            let same = |a: &Candidate, b: &Candidate| {
                (a.beam, a.token) == (b.beam, b.token) && descending(a.score, b.score).is_eq()
            };
            let (found, expected) = (best.sorted(), naive(&rows, &adds, most));
            assert_eq!(found.len(), expected.len());
            assert!(
                found.iter().zip(&expected).all(|(a, b)| same(a, b)),
                "round {round}: {found:?} {expected:?}"
            );
        }
    }
}
