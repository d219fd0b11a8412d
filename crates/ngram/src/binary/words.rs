//! The words of a mapped model: from an id to a word, from a word to its id.
//!
//! The hash table has half as many slots again as there are words; a slot holds an id and `u32::MAX` where it is empty, the next
//! slot is tried on a collision. Words are compared letter by letter, so that no two are ever taken for one.

use super::bits::load_u32;
use super::header::{Header, Section};
use crate::Vocabulary;

const EMPTY: u32 = u32::MAX;

/// Slots of the table for so many words.
fn slots(words: u64) -> u64 {
    words + words / 2 + 1
}

/// FNV-1a, then mixed once so that the upper bits depend on everything; part of the format.
fn hash(word: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut chunks = word.chunks_exact(8);
    for eight in &mut chunks {
        let value = load_eight(eight);
        hash = (hash ^ value).wrapping_mul(0x9fb2_1c65_1e98_df25);
        hash ^= hash >> 32;
    }
    for &byte in chunks.remainder() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ word.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ hash >> 32
}

fn load_eight(eight: &[u8]) -> u64 {
    super::bits::load_u64(eight, 0)
}

fn slot(word: &[u8], slots: u64) -> u64 {
    let hash = hash(word).wrapping_mul(0xd6e8_feb8_6659_fd93);
    ((u128::from(hash) * u128::from(slots)) >> 64) as u64
}

/// The table for a vocabulary.
pub(crate) fn table(vocabulary: &Vocabulary) -> Vec<u32> {
    let slots = slots(vocabulary.len() as u64);
    let mut table = vec![EMPTY; slots as usize];
    for (id, word) in vocabulary.words().enumerate() {
        let mut at = slot(word.as_bytes(), slots) as usize;
        while table[at] != EMPTY {
            at = (at + 1) % table.len();
        }
        table[at] = id as u32;
    }
    table
}

/// The bytes of the word with this id; empty where the file is damaged.
pub(crate) fn word<'a>(file: &'a [u8], header: &Header, id: u32) -> &'a [u8] {
    if id >= header.words {
        return &[];
    }
    let ends = &file[header.range(Section::WordEnds)];
    let text = &file[header.range(Section::WordText)];
    let begin = if id == 0 { 0 } else { load_u32(ends, (id as usize - 1) * 4) };
    let end = load_u32(ends, id as usize * 4);
    text.get(begin as usize..end as usize).unwrap_or_default()
}

/// The id of a word.
pub(crate) fn id(file: &[u8], header: &Header, wanted: &[u8]) -> Option<u32> {
    let table = &file[header.range(Section::WordTable)];
    let slots = table.len() as u64 / 4;
    if slots == 0 {
        return None;
    }
    let mut at = slot(wanted, slots);
    // A damaged table may have no empty slot.
    for _ in 0..slots {
        let id = load_u32(table, at as usize * 4);
        if id == EMPTY {
            return None;
        }
        if word(file, header, id) == wanted {
            return Some(id);
        }
        at = if at + 1 == slots { 0 } else { at + 1 };
    }
    None
}
