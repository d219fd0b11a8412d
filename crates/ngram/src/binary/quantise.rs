//! Quantisation: the numbers of an order become codes into a book of 2^bits values.
//!
//! The values are the means of bins that each hold an equal share of the numbers (Federico and Bertoldi 2006, as KenLM
//! does it). Shares are taken from a histogram over the upper 20 bits of the f32, so that memory does not depend on how many
//! numbers there are; a bin's edges are so known to one part in 2000, far finer than a bin is wide. Zero, which
//! says of a back-off weight that there is none, keeps a code of its own.

/// Upper bits of a number that the histogram looks at.
const SEEN: u32 = 20;

/// A book in the making: a histogram.
pub(crate) struct Histogram {
    counts: Vec<u64>,
    sums: Vec<f64>,
    zeros: bool,
}

/// Values that codes stand for, ascending.
pub(crate) struct Book {
    values: Vec<f32>,
}

/// Numbers in the order of their size: a larger f32 has a larger key.
fn key(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; 1 << SEEN], sums: vec![0.0; 1 << SEEN], zeros: false }
    }

    pub(crate) fn add(&mut self, value: f32) {
        if value == 0.0 {
            self.zeros = true;
            return;
        }
        let at = (key(value) >> (32 - SEEN)) as usize;
        self.counts[at] += 1;
        self.sums[at] += f64::from(value);
    }

    /// The book of at most 2^bits values.
    pub(crate) fn into_book(self, bits: u32) -> Book {
        let mut bins = (1_u64 << bits) - u64::from(self.zeros);
        let mut left: u64 = self.counts.iter().sum();
        let mut values = Vec::new();
        let (mut count, mut sum) = (0_u64, 0.0);
        for (more, sums) in self.counts.iter().zip(&self.sums).filter(|(count, _)| **count > 0) {
            count += more;
            sum += sums;
            if bins > 0 && count * bins >= left {
                values.push((sum / count as f64) as f32);
                left -= count;
                bins -= 1;
                (count, sum) = (0, 0.0);
            }
        }
        if self.zeros {
            values.push(0.0);
        }
        values.sort_by(f32::total_cmp);
        Book { values }
    }
}

impl Book {
    /// The code of the nearest value; zero has its own.
    pub(crate) fn code(&self, value: f32) -> u32 {
        let after = self.values.partition_point(|other| *other < value);
        let nearest = [after.checked_sub(1), Some(after)]
            .into_iter()
            .flatten()
            .filter(|&code| code < self.values.len() && (self.values[code] != 0.0 || value == 0.0))
            .min_by(|a, b| (self.values[*a] - value).abs().total_cmp(&(self.values[*b] - value).abs()));
        // Only the code of zero lies next to the value when it is the one that was left out.
        let other = if after + 1 < self.values.len() { after + 1 } else { after.saturating_sub(2) };
        nearest.unwrap_or(other.min(self.values.len().saturating_sub(1))) as u32
    }

    /// The values, filled up to 2^bits.
    pub(crate) fn padded(&self, bits: u32) -> impl Iterator<Item = f32> {
        self.values.iter().copied().chain(std::iter::repeat(0.0)).take(1 << bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_equal_shares_and_codes_name_the_nearest() {
        let mut histogram = Histogram::new();
        let value = |n: u32| -(n as f32 / 100.0).powi(2) - 0.01;
        (0..1000).for_each(|n| histogram.add(value(n)));
        histogram.add(0.0);
        let book = histogram.into_book(4);
        assert_eq!(book.values.len(), 16);
        assert_eq!(book.values[book.code(0.0) as usize], 0.0);
        let mut shares = [0; 16];
        for n in 0..1000 {
            let code = book.code(value(n));
            shares[code as usize] += 1;
            let nearest =
                book.values[..15].iter().map(|other| (other - value(n)).abs()).fold(f32::MAX, f32::min);
            assert_eq!((book.values[code as usize] - value(n)).abs(), nearest);
        }
        assert!(shares[..15].iter().all(|share| (45..95).contains(share)), "{shares:?}");
    }

    #[test]
    fn few_different_numbers_are_kept_as_they_are() {
        let mut histogram = Histogram::new();
        for value in [-0.5, -2.25, -2.25, -0.5, 0.75] {
            histogram.add(value);
        }
        let book = histogram.into_book(8);
        for value in [-0.5, -2.25, 0.75] {
            assert_eq!(book.values[book.code(value) as usize], value);
        }
        assert_eq!(book.padded(8).count(), 256);
    }
}
