//! The first kilobyte of `model.ngram`: what the file is, and where everything in it lies.
//!
//! All numbers are little-endian.
//!
//! ```text
//!    0  16  magic
//!   16   4  version                       20   4  layout: 0 trie, 1 hashed
//!   24   4  order                         28   4  words in the vocabulary
//!   32   8  length of the file            40   4  CRC-32 of everything after the header
//!   44   4  CRC-32 of the header with these four bytes zero
//!   48  64  number of n-grams of each order, 1 to 8
//!  112  16  bits of a probability and of a back-off weight of each order; 32: not quantised
//!  128 800  50 sections: offset and length in bytes
//! ```

use std::ops::Range;

use super::bits::{SAMPLED, load_u32, load_u64, packed_bytes, width};
use super::hashed;
use crate::MAX_ORDER;

/// Bytes of the header.
pub(crate) const HEADER: usize = 1024;
const MAGIC: [u8; 16] = *b"papo n-gram\r\n\x1a\n\0";
const VERSION: u32 = 2;
const SECTIONS: usize = 50;
const TABLE: usize = 128;
/// Most n-grams of an order, so that a place in a unary list fits into 32 bits.
pub(crate) const MOST_ENTRIES: u64 = 1 << 31;

/// How n-grams are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// Sorted and packed: small, and lists what may follow.
    #[default]
    Trie,
    /// Hash tables: faster to query, larger, slow to generate from.
    Hashed,
}

/// A part of the file; those with a number belong to an order from 2 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    WordEnds,
    WordText,
    WordTable,
    Unigrams,
    /// Trie: last words, packed. Hashed: the table.
    Words(usize),
    /// Trie: probabilities and back-off weights, packed.
    Values(usize),
    /// Trie: how many children each n-gram has, in unary; not of the highest order.
    Unary(usize),
    Samples(usize),
    /// The probabilities that codes stand for.
    ProbabilityBook(usize),
    BackoffBook(usize),
}

impl Section {
    fn index(self) -> usize {
        let of_order = |order: usize, which: usize| 4 + (order - 2) * 6 + which;
        match self {
            Self::WordEnds => 0,
            Self::WordText => 1,
            Self::WordTable => 2,
            Self::Unigrams => 3,
            Self::Words(order) => of_order(order, 0),
            Self::Values(order) => of_order(order, 1),
            Self::Unary(order) => of_order(order, 2),
            Self::Samples(order) => of_order(order, 3),
            Self::ProbabilityBook(order) => of_order(order, 4),
            Self::BackoffBook(order) => of_order(order, 5),
        }
    }
}

/// A header as it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub layout: Layout,
    pub order: usize,
    pub words: u32,
    pub file_bytes: u64,
    pub body_crc: u32,
    pub counts: [u64; MAX_ORDER],
    pub probability_bits: [u8; MAX_ORDER],
    pub backoff_bits: [u8; MAX_ORDER],
    sections: [(u64, u64); SECTIONS],
}

impl Header {
    pub(crate) fn new(layout: Layout, order: usize, words: u32) -> Self {
        Self {
            layout,
            order,
            words,
            file_bytes: 0,
            body_crc: 0,
            counts: [0; MAX_ORDER],
            probability_bits: [32; MAX_ORDER],
            backoff_bits: [32; MAX_ORDER],
            sections: [(0, 0); SECTIONS],
        }
    }

    /// Says where a section lies.
    pub(crate) fn place(&mut self, section: Section, offset: u64, bytes: u64) {
        self.sections[section.index()] = (offset, bytes);
    }

    /// Where a section lies; within the file, as [`parse`](Self::parse) has checked.
    pub(crate) fn range(&self, section: Section) -> Range<usize> {
        let (offset, bytes) = self.sections[section.index()];
        offset as usize..(offset + bytes) as usize
    }

    /// Bits of a word id.
    pub(crate) fn word_bits(&self) -> u32 {
        width(u64::from(self.words))
    }

    pub(crate) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(0, &MAGIC);
        put(16, &VERSION.to_le_bytes());
        put(20, &u32::from(self.layout == Layout::Hashed).to_le_bytes());
        put(24, &(self.order as u32).to_le_bytes());
        put(28, &self.words.to_le_bytes());
        put(32, &self.file_bytes.to_le_bytes());
        put(40, &self.body_crc.to_le_bytes());
        for order in 0..MAX_ORDER {
            put(48 + 8 * order, &self.counts[order].to_le_bytes());
            put(112 + 2 * order, &[self.probability_bits[order], self.backoff_bits[order]]);
        }
        for (index, (offset, length)) in self.sections.iter().enumerate() {
            put(TABLE + 16 * index, &offset.to_le_bytes());
            put(TABLE + 16 * index + 8, &length.to_le_bytes());
        }
        let crc = crc32fast::hash(&bytes);
        bytes[44..48].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads and checks a header against itself and the length of the file; a problem is the end of a sentence.
    pub(crate) fn parse(file: &[u8]) -> Result<Self, String> {
        if !file.starts_with(&MAGIC) {
            return Err(
                "is no n-gram model of Papo: it does not begin as one; give a model.ngram or an ARPA file, \
                        named .arpa or .arpa.gz"
                    .into(),
            );
        }
        let version = load_u32(file, 16);
        if version != VERSION {
            return Err(format!(
                "has version {version} of the format, this program reads version {VERSION}; make it again from its ARPA file"
            ));
        }
        let damaged = |what: String| format!("is damaged or cut off: {what}; fetch it or make it again");
        let Some(header) = file.first_chunk::<HEADER>() else {
            return Err(damaged(format!("it has {} bytes, fewer than its header", file.len())));
        };
        let mut zeroed = *header;
        zeroed[44..48].fill(0);
        if crc32fast::hash(&zeroed) != load_u32(file, 44) {
            return Err(damaged("the check sum of its header is wrong".into()));
        }
        let file_bytes = load_u64(file, 32);
        if file_bytes != file.len() as u64 {
            return Err(damaged(format!("it has {} bytes instead of {file_bytes}", file.len())));
        }
        let layout = match load_u32(file, 20) {
            0 => Layout::Trie,
            1 => Layout::Hashed,
            other => return Err(damaged(format!("it has a layout of number {other}"))),
        };
        let order = load_u32(file, 24) as usize;
        if !(1..=MAX_ORDER).contains(&order) {
            return Err(damaged(format!("it has order {order}, possible are 1 to {MAX_ORDER}")));
        }
        let mut parsed = Self::new(layout, order, load_u32(file, 28));
        (parsed.file_bytes, parsed.body_crc) = (file_bytes, load_u32(file, 40));
        for order in 0..MAX_ORDER {
            parsed.counts[order] = load_u64(file, 48 + 8 * order);
            parsed.probability_bits[order] = file[112 + 2 * order];
            parsed.backoff_bits[order] = file[113 + 2 * order];
        }
        for (index, section) in parsed.sections.iter_mut().enumerate() {
            *section = (load_u64(file, TABLE + 16 * index), load_u64(file, TABLE + 16 * index + 8));
            let end = section.0.checked_add(section.1);
            if end.is_none_or(|end| end > file_bytes) {
                return Err(damaged(format!("section {index} lies outside of it")));
            }
        }
        parsed.check_sizes().map_err(|section| damaged(format!("{section:?} has the wrong size")))?;
        Ok(parsed)
    }

    /// Compares the sizes of sections with the counts; the error is the section that disagrees.
    fn check_sizes(&self) -> Result<(), Section> {
        let is = |section: Section, bytes: Option<u64>| {
            if bytes == Some(self.sections[section.index()].1) { Ok(()) } else { Err(section) }
        };
        let words = u64::from(self.words);
        is(Section::WordEnds, Some(4 * words))?;
        if words < 3 || self.counts[0] > words {
            return Err(Section::WordEnds);
        }
        is(Section::Unigrams, Some(12 * (words + 1)))?;
        // All of them before the first sum of two.
        if let Some(order) = (2..=self.order).find(|order| self.counts[order - 1] >= MOST_ENTRIES) {
            return Err(Section::Values(order));
        }
        for order in 2..=self.order {
            let count = self.counts[order - 1];
            let has_backoff = order < self.order;
            let (p, b) = (self.probability_bits[order - 1], self.backoff_bits[order - 1]);
            let possible = |bits: u8| (1..=16).contains(&bits) || bits == 32;
            if !possible(p) || !possible(b) {
                return Err(Section::Values(order));
            }
            if self.layout == Layout::Hashed {
                let bytes = self.sections[Section::Words(order).index()].1;
                if !hashed::is_possible(bytes, count) {
                    return Err(Section::Words(order));
                }
                continue;
            }
            is(Section::Words(order), packed_bytes(count, self.word_bits()))?;
            let book = |bits: u8| Some(if bits == 32 { 0 } else { 4 << bits });
            is(Section::ProbabilityBook(order), book(p))?;
            is(
                Section::Values(order),
                packed_bytes(count, u32::from(p) + if has_backoff { u32::from(b) } else { 0 }),
            )?;
            if has_backoff {
                is(Section::BackoffBook(order), book(b))?;
                is(Section::Unary(order), packed_bytes(count + self.counts[order] + 1, 1))?;
                is(Section::Samples(order), Some(4 * (count + 1).div_ceil(u64::from(SAMPLED))))?;
            }
        }
        Ok(())
    }
}
