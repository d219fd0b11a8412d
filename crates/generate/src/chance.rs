//! Chance that can be repeated: one stream of random numbers for each row.
//!
//! A row's stream is made from the seed, its source and its number among the source's samples, and from nothing else:
//! the same seed and source give the same answer in any batch. (The reference draws from one global generator, so its
//! samples depend on the grouping; samples cannot be equal to its own and are not meant to be.)

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::TokenId;

/// A stream of random numbers.
pub(crate) struct Chance(ChaCha8Rng);

impl Chance {
    /// The stream of one row; without a seed, one that nobody has seen before.
    pub fn new(seed: Option<u64>, source: &[TokenId], sample: usize) -> Self {
        let Some(seed) = seed else {
            return Self(ChaCha8Rng::from_os_rng());
        };
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&fingerprint(source).to_le_bytes());
        key[16..24].copy_from_slice(&(source.len() as u64).to_le_bytes());
        key[24..].copy_from_slice(&(sample as u64).to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number from 0 and below 1, with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// An index drawn by its probability; `None` if no probability is above 0. The probabilities need not sum to 1.
    pub fn draw(&mut self, probabilities: &[f32]) -> Option<usize> {
        let sum: f64 = probabilities.iter().map(|&p| f64::from(p)).sum();
        if sum.is_nan() || sum <= 0.0 {
            return None;
        }
        let goal = self.unit() * sum;
        let mut reached = 0.0;
        for (index, &p) in probabilities.iter().enumerate() {
            reached += f64::from(p);
            if reached > goal {
                return Some(index);
            }
        }
        probabilities.iter().rposition(|&p| p > 0.0)
    }

    /// A number of the standard Gumbel distribution: adding one to each log-probability and taking the K largest draws K
    /// without putting back.
    pub fn gumbel(&mut self) -> f64 {
        // 1 − u is above 0, so both logarithms are finite but for u = 0, whose −ln is 0.
        let exponential = -(1.0 - self.unit()).ln();
        -exponential.max(f64::MIN_POSITIVE).ln()
    }
}

/// FNV-1a over the tokens' bytes.
fn fingerprint(source: &[TokenId]) -> u64 {
    let bytes = source.iter().flat_map(|token| token.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_probabilities() {
        let mut chance = Chance::new(Some(1), &[5], 0);
        let mut counts = [0i32; 4];
        for _ in 0..20_000 {
            counts[chance.draw(&[0.1, 0.0, 0.6, 0.3]).unwrap()] += 1;
        }
        assert_eq!(counts[1], 0);
        for (count, expected) in counts.iter().zip([2000, 0, 12_000, 6000]) {
            assert!((count - expected).abs() < 300, "{counts:?}");
        }
        assert_eq!(chance.draw(&[0.0, 0.0]), None);
        assert_eq!(chance.draw(&[f32::NAN, 0.5]), None);
    }

    #[test]
    fn the_largest_gumbel_follows_the_probabilities() {
        let mut chance = Chance::new(Some(2), &[5], 0);
        let first =
            (0..20_000).filter(|_| 0.75f64.ln() + chance.gumbel() > 0.25f64.ln() + chance.gumbel()).count();
        assert!(first.abs_diff(15_000) < 300, "{first}");
    }

    #[test]
    fn streams_differ_by_seed_source_and_sample() {
        let first = |seed, source: &[TokenId], sample| Chance::new(seed, source, sample).unit().to_bits();
        let own = first(Some(1), &[1, 2], 0);
        assert_eq!(own, first(Some(1), &[1, 2], 0));
        for other in [
            first(Some(2), &[1, 2], 0),
            first(Some(1), &[2, 1], 0),
            first(Some(1), &[1, 2], 1),
            first(None, &[1, 2], 0),
        ] {
            assert_ne!(own, other);
        }
    }
}
