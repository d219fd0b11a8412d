//! The words alone: a record of twelve bytes for each, one more at the end.
//!
//! `[log₁₀ p: f32][log₁₀ back-off: f32][first child: u32]`. Trie: the bigrams that a word begins are those from its first child to the
//! first child of the next record. Hashed: the last field is zero, and a back-off of −0.0 says, as KenLM does it, that it is zero
//! and that no bigram begins with the word.

use super::bits::load_u32;
use super::header::{Header, Section};

/// Bytes of a record.
pub(crate) const RECORD: usize = 12;
/// Stands for the probability of an id that is no word of the model, such as `<pad>`.
pub(crate) const ABSENT: f32 = f32::INFINITY;

/// A record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unigram {
    pub log10_probability: f32,
    pub log10_backoff: f32,
    pub begin: u32,
    pub end: u32,
}

/// Where the records lie in a file, and how many words they are of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unigrams {
    records: usize,
    words: u32,
}

impl Unigrams {
    pub(crate) fn new(header: &Header) -> Self {
        Self { records: header.range(Section::Unigrams).start, words: header.words }
    }

    /// The record of an id, and the id; `<unk>` and its record where the id is no word of the model.
    #[inline]
    pub(crate) fn known(&self, file: &[u8], id: u32) -> (u32, Unigram) {
        if id < self.words {
            let record = self.read(file, id);
            if record.log10_probability != ABSENT {
                return (id, record);
            }
        }
        self.unknown(file)
    }

    /// Kept apart, so that the processor guesses the way and does not wait for the record before it goes on.
    #[cold]
    #[inline(never)]
    fn unknown(&self, file: &[u8]) -> (u32, Unigram) {
        (crate::UNKNOWN, self.read(file, crate::UNKNOWN))
    }

    /// The probability of a word; `None` where the id is none.
    pub(crate) fn log10_probability(&self, file: &[u8], id: u32) -> Option<f32> {
        let known = id < self.words;
        known.then(|| self.read(file, id).log10_probability).filter(|log10_p| *log10_p != ABSENT)
    }

    #[inline]
    fn read(&self, file: &[u8], id: u32) -> Unigram {
        // The header was checked: there is a record for each word and one more.
        let number = |field: usize| load_u32(file, self.records + id as usize * RECORD + 4 * field);
        Unigram {
            log10_probability: f32::from_bits(number(0)),
            log10_backoff: f32::from_bits(number(1)),
            begin: number(2),
            end: number(5),
        }
    }
}
