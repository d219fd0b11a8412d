//! Discounts of modified Kneser–Ney smoothing, an order at a time.
//!
//! With tᵢ the number of n-grams whose adjusted count is i (Chen & Goodman 1998, equation 26):
//!
//! ```text
//! Y = t₁ / (t₁ + 2 t₂)      D(i) = i − (i + 1) Y tᵢ₊₁ / tᵢ   for i = 1, 2 and 3 (which stands for 3 and more)
//! ```
//!
//! In natural text the counts of counts fall so fast that 0 ≤ D(i) ≤ i. In tiny or artificial ones they need not.

use crate::Error;

/// How many n-grams of an order have the adjusted counts 1 to 4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CountsOfCounts {
    /// `t[i]` n-grams have the adjusted count i; `t[0]` is not used.
    pub t: [u64; 5],
}

impl CountsOfCounts {
    /// Takes an n-gram with this adjusted count.
    #[inline]
    pub fn add(&mut self, adjusted: u64) {
        if adjusted < 5 {
            self.t[adjusted as usize] += 1;
        }
    }
}

/// What is taken from an adjusted count of 1, of 2, and of 3 or more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Discounts(pub [f64; 3]);

impl Discounts {
    /// What is taken from this adjusted count.
    #[inline]
    pub fn of(&self, adjusted: u64) -> f64 {
        match adjusted {
            0 => 0.0,
            1 => self.0[0],
            2 => self.0[1],
            _ => self.0[2],
        }
    }

    /// The discounts of an order, or an error that shows why they make no sense.
    pub fn from_statistics(order: usize, statistics: &CountsOfCounts) -> Result<Self, Error> {
        let t = statistics.t;
        let refuse =
            |reason: String| Err(Error::Discounts { order, reason, statistics: [t[1], t[2], t[3], t[4]] });
        if let Some(none) = (1..=3).find(|&i| t[i] == 0) {
            return refuse(format!("no {order}-gram has the adjusted count {none}"));
        }
        let y = t[1] as f64 / (t[1] as f64 + 2.0 * t[2] as f64);
        let mut discounts = [0.0; 3];
        for i in 1..=3 {
            let discount = i as f64 - (i + 1) as f64 * y * t[i + 1] as f64 / t[i] as f64;
            if !(0.0..=i as f64).contains(&discount) {
                return refuse(format!(
                    "the discount for the adjusted count {i} would be {discount:.3}, not 0 to {i}"
                ));
            }
            discounts[i - 1] = discount;
        }
        Ok(Self(discounts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discounts_follow_the_formula() {
        let statistics = CountsOfCounts { t: [0, 100, 50, 25, 10] };
        let Discounts([one, two, more]) = Discounts::from_statistics(2, &statistics).unwrap();
        assert!((one - (1.0 - 2.0 * 0.5 * 0.5)).abs() < 1e-12);
        assert!((two - (2.0 - 3.0 * 0.5 * 0.5)).abs() < 1e-12);
        assert!((more - (3.0 - 4.0 * 0.5 * 0.4)).abs() < 1e-12);
    }

    #[test]
    fn statistics_that_give_no_discounts_are_shown_with_the_way_out() {
        for (t, word) in [([0, 5, 0, 1, 1], "adjusted count 2"), ([0, 10, 20, 30, 400], "would be")] {
            let message = Discounts::from_statistics(3, &CountsOfCounts { t }).unwrap_err().to_string();
            assert!(message.contains(word) && message.contains("3-grams"), "{message}");
            assert!(message.contains("--discount-fallback"), "{message}");
        }
    }
}
