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

/// The record of a word; that of `<unk>` where the id is no word of the model.
#[inline]
pub(crate) fn unigram(file: &[u8], header: &Header, id: u32) -> Unigram {
    let record = read(file, header, id);
    if record.log10_probability == ABSENT { read(file, header, crate::UNKNOWN) } else { record }
}

/// The probability of a word, [`ABSENT`] where the id is none.
pub(crate) fn log10_probability(file: &[u8], header: &Header, id: u32) -> f32 {
    read(file, header, id).log10_probability
}

#[inline]
fn read(file: &[u8], header: &Header, id: u32) -> Unigram {
    let records = &file[header.range(Section::Unigrams)];
    let at = if id < header.words { id as usize * RECORD } else { 0 };
    // The header was checked: there is a record for each word and one more.
    let number = |field: usize| load_u32(records, at + 4 * field);
    Unigram {
        log10_probability: f32::from_bits(number(0)),
        log10_backoff: f32::from_bits(number(1)),
        begin: number(2),
        end: number(5),
    }
}
