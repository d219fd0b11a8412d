//! Layout `trie`: the n-grams of an order stand sorted by context, then word, so a context's successors are neighbours.
//!
//! For each order from 2 on: the last words, packed (`Words`); probability and back-off weight, packed, as they are or as codes
//! into a book (`Values`); and where the children of each begin, in unary (`Unary`, `bits.rs`). A context is known by the range of its
//! successors, so looking a word up is one binary search in a packed array.

use std::ops::Range;

use super::bits::{Unary, bits_at, load_u32};
use super::header::{Header, Section};

/// The part of a trie that belongs to an order from 2 on: where its sections lie in the file.
///
/// Reads are checked against the whole file only: a damaged place gives a wrong number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    words: usize,
    values: usize,
    probability_book: usize,
    backoff_book: usize,
    unary: Unary,
    count: u32,
    word_bits: u32,
    probability_bits: u32,
    /// 0 in the highest order.
    backoff_bits: u32,
}

impl Level {
    fn new(header: &Header, order: usize) -> Self {
        let section = |section| header.range(section).start;
        let is_highest = order == header.order;
        Self {
            words: section(Section::Words(order)),
            values: section(Section::Values(order)),
            probability_book: section(Section::ProbabilityBook(order)),
            backoff_book: section(Section::BackoffBook(order)),
            unary: Unary {
                list: section(Section::Unary(order)),
                end: header.range(Section::Unary(order)).end,
                samples: section(Section::Samples(order)),
                children: if is_highest { 0 } else { header.counts[order] as u32 },
            },
            count: header.counts[order - 1] as u32,
            word_bits: header.word_bits(),
            probability_bits: u32::from(header.probability_bits[order - 1]),
            backoff_bits: if is_highest { 0 } else { u32::from(header.backoff_bits[order - 1]) },
        }
    }

    /// All levels of a file, from order 2 on.
    pub(crate) fn all(header: &Header) -> Vec<Self> {
        (2..=header.order).map(|order| Self::new(header, order)).collect()
    }

    /// A range without what lies behind the last n-gram; only a damaged file has such.
    pub(crate) fn within(&self, range: Range<u32>) -> Range<u32> {
        range.start..range.end.min(self.count)
    }

    /// Reads a byte of each cache line that a search from `begin` on most often needs, so that they come together.
    #[inline]
    pub(crate) fn touch(&self, file: &[u8], begin: u32) -> u8 {
        let byte = |at: usize| file.get(at).copied().unwrap_or_default();
        let bit = u64::from(begin);
        let word = (bit * u64::from(self.word_bits)) >> 3;
        let value = (bit * u64::from(self.probability_bits + self.backoff_bits)) >> 3;
        byte(self.words + word as usize) ^ byte(self.values + value as usize) ^ byte(self.unary.sample(begin))
    }

    /// The last word of n-gram `at`.
    #[inline]
    pub(crate) fn word(&self, file: &[u8], at: u32) -> u32 {
        bits_at(file, self.words, u64::from(at) * u64::from(self.word_bits), self.word_bits) as u32
    }

    /// Which of the n-grams in a range, whose last words ascend, ends with this word.
    #[inline]
    pub(crate) fn find(&self, file: &[u8], range: Range<u32>, word: u32) -> Option<u32> {
        let range = self.within(range);
        let (mut begin, mut left) = (range.start, range.end.saturating_sub(range.start));
        // The number of rounds depends on the length only, and what a round decides moves data, not the program.
        while left > 1 {
            let half = left / 2;
            begin = if self.word(file, begin + half) <= word { begin + half } else { begin };
            left -= half;
        }
        (left == 1 && self.word(file, begin) == word).then_some(begin)
    }

    /// log₁₀ of the probability of n-gram `at`.
    #[inline]
    pub(crate) fn log10_probability(&self, file: &[u8], at: u32) -> f32 {
        let bit = u64::from(at) * u64::from(self.probability_bits + self.backoff_bits);
        self.value(file, bit, self.probability_bits, self.probability_book)
    }

    /// log₁₀ of the back-off weight of n-gram `at`; not in the highest order.
    #[inline]
    pub(crate) fn log10_backoff(&self, file: &[u8], at: u32) -> f32 {
        let bit = u64::from(at) * u64::from(self.probability_bits + self.backoff_bits);
        self.value(file, bit + u64::from(self.probability_bits), self.backoff_bits, self.backoff_book)
    }

    /// The same, and 0 in the highest order.
    pub(crate) fn backoff_or_none(&self, file: &[u8], at: u32) -> f32 {
        if self.backoff_bits == 0 { 0.0 } else { self.log10_backoff(file, at) }
    }

    /// The n-grams of the next order that begin with n-gram `at`.
    #[inline]
    pub(crate) fn children(&self, file: &[u8], at: u32) -> Range<u32> {
        self.unary.range(file, at)
    }

    #[inline]
    fn value(&self, file: &[u8], bit: u64, bits: u32, book: usize) -> f32 {
        let code = bits_at(file, self.values, bit, bits) as u32;
        f32::from_bits(if bits == 32 { code } else { load_u32(file, book + code as usize * 4) })
    }
}
