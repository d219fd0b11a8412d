//! Layout `trie`: the n-grams of an order stand sorted by context, then word, so a context's successors are neighbours.
//!
//! For each order from 2 on: the last words, packed (`Words`); probability and back-off weight, packed, as they are or as codes
//! into a book (`Values`); and where the children of each begin, in unary (`Unary`, `bits.rs`). A context is known by the range of its
//! successors, so looking a word up is one binary search in a packed array.

use std::ops::Range;

use super::bits::{bits_at, load_u32, unary_range};
use super::header::{Header, Section};

/// The part of a trie that belongs to an order from 2 on; borrowed from the file for a query.
pub(crate) struct Level<'a> {
    words: &'a [u8],
    values: &'a [u8],
    probability_book: &'a [u8],
    backoff_book: &'a [u8],
    unary: &'a [u8],
    samples: &'a [u8],
    count: u32,
    /// n-grams of the next order.
    children: u32,
    word_bits: u32,
    probability_bits: u32,
    /// 0 in the highest order.
    backoff_bits: u32,
}

impl<'a> Level<'a> {
    #[inline]
    pub(crate) fn new(file: &'a [u8], header: &Header, order: usize) -> Self {
        let section = |section| &file[header.range(section)];
        let is_highest = order == header.order;
        Self {
            words: section(Section::Words(order)),
            values: section(Section::Values(order)),
            probability_book: section(Section::ProbabilityBook(order)),
            backoff_book: section(Section::BackoffBook(order)),
            unary: section(Section::Unary(order)),
            samples: section(Section::Samples(order)),
            count: header.counts[order - 1] as u32,
            children: if is_highest { 0 } else { header.counts[order] as u32 },
            word_bits: header.word_bits(),
            probability_bits: u32::from(header.probability_bits[order - 1]),
            backoff_bits: if is_highest { 0 } else { u32::from(header.backoff_bits[order - 1]) },
        }
    }

    /// A range without what lies behind the last n-gram; only a damaged file has such.
    pub(crate) fn within(&self, range: Range<u32>) -> Range<u32> {
        range.start..range.end.min(self.count)
    }

    /// The last word of n-gram `at`.
    #[inline]
    pub(crate) fn word(&self, at: u32) -> u32 {
        bits_at(self.words, u64::from(at) * u64::from(self.word_bits), self.word_bits) as u32
    }

    /// Which of the n-grams in a range, whose last words ascend, ends with this word.
    #[inline]
    pub(crate) fn find(&self, range: Range<u32>, word: u32) -> Option<u32> {
        let range = self.within(range);
        let (mut begin, mut left) = (range.start, range.end.saturating_sub(range.start));
        // The number of rounds depends on the length only, and what a round decides moves data, not the program.
        while left > 1 {
            let half = left / 2;
            begin = if self.word(begin + half) <= word { begin + half } else { begin };
            left -= half;
        }
        (left == 1 && self.word(begin) == word).then_some(begin)
    }

    /// log₁₀ of the probability of n-gram `at`.
    #[inline]
    pub(crate) fn log10_probability(&self, at: u32) -> f32 {
        let bit = u64::from(at) * u64::from(self.probability_bits + self.backoff_bits);
        value(self.values, bit, self.probability_bits, self.probability_book)
    }

    /// log₁₀ of the back-off weight of n-gram `at`; not in the highest order.
    #[inline]
    pub(crate) fn log10_backoff(&self, at: u32) -> f32 {
        let bit = u64::from(at) * u64::from(self.probability_bits + self.backoff_bits);
        value(self.values, bit + u64::from(self.probability_bits), self.backoff_bits, self.backoff_book)
    }

    /// The n-grams of the next order that begin with n-gram `at`.
    #[inline]
    pub(crate) fn children(&self, at: u32) -> Range<u32> {
        unary_range(self.unary, self.samples, at, self.children)
    }
}

#[inline]
fn value(values: &[u8], bit: u64, bits: u32, book: &[u8]) -> f32 {
    let code = bits_at(values, bit, bits) as u32;
    f32::from_bits(if bits == 32 { code } else { load_u32(book, code as usize * 4) })
}
