//! Layout `hashed`: a hash table for each order from 2 on, in buckets of 64 bytes, a cache line.
//!
//! The key of an n-gram is (slot of its context, last word), a number of `b` bits. It is scrambled by a bijection of b-bit
//! numbers; scaled by the number of buckets, its upper part is the bucket, and from the lower part as many bits are kept as
//! tell any two keys of a bucket apart. So 26 bits are stored where the key has 40 and more, and still two n-grams are
//! never mistaken for each other, which a hash of 64 bits (KenLM) only makes unlikely.
//!
//! ```text
//! bucket, orders between: 5 tags, 5 × (log₁₀ p, log₁₀ back-off), 4 bytes unused      highest order: 8 tags, 8 × log₁₀ p
//! tag: bit 31, of the first tag only: keys of this bucket or an earlier one have spilled into the next
//!      bit 30: in use   bits 26..30: buckets from home   bits 0..26: the rest of the key
//! ```
//!
//! A full bucket spills into the next; the table is 80 % full. A miss so costs one cache line and seldom two.

use std::io::{self, Write};

use super::bits::{load_u32, width};
use super::header::Header;

const BUCKET: usize = 64;
const REST_BITS: u32 = 26;
const USED: u32 = 1 << 30;
const SPILLED: u32 = 1 << 31;
/// Most buckets that an n-gram may lie away from home.
const FARTHEST: u32 = 15;
/// A slot that no n-gram has.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// Slots of a bucket.
fn slots(is_highest: bool) -> u32 {
    if is_highest { 8 } else { 5 }
}

/// Tells whether a table of so many n-grams may have so many bytes.
pub(crate) fn is_possible(bytes: u64, count: u64) -> bool {
    bytes.is_multiple_of(BUCKET as u64)
        && bytes > 0
        && count <= bytes / BUCKET as u64 * 8
        && bytes >> 6 < 1 << 29
}

/// How keys of an order become places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    buckets: u64,
    slots: u32,
    word_bits: u32,
    key_bits: u32,
    rest_shift: u32,
}

impl Shape {
    /// The shape of an order's table, from the number of its buckets and of the slots of the order below.
    fn new(word_bits: u32, slots_below: u64, buckets: u64, is_highest: bool) -> Self {
        let key_bits = (width(slots_below) + word_bits).clamp(2, 63);
        // The bijection is scaled by 2^(64 − b) and by the number of buckets: keys of a bucket are that far apart.
        let rest_shift = 64 - key_bits + buckets.max(1).ilog2();
        Self { buckets, slots: slots(is_highest), word_bits, key_bits, rest_shift: rest_shift.min(63) }
    }

    /// The shapes of all tables of a file, from order 2 on.
    pub(crate) fn all(header: &Header) -> Vec<Self> {
        let mut slots_below = u64::from(header.words);
        (2..=header.order)
            .map(|order| {
                let bytes = header.range(super::header::Section::Words(order)).len();
                let shape = Self::new(
                    header.word_bits(),
                    slots_below,
                    (bytes / BUCKET) as u64,
                    order == header.order,
                );
                slots_below = shape.buckets * u64::from(shape.slots);
                shape
            })
            .collect()
    }

    fn has_backoff(&self) -> bool {
        self.slots == slots(false)
    }

    /// Home bucket and rest of the key (context, word).
    #[inline]
    fn place(&self, context: u32, word: u32) -> (u64, u32) {
        let (bits, mask) = (self.key_bits, (1_u64 << self.key_bits) - 1);
        let mut key = (u64::from(context) << self.word_bits | u64::from(word)) & mask;
        key = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) & mask;
        key ^= key >> (bits / 2);
        key = key.wrapping_mul(0xd6e8_feb8_6659_fd93) & mask;
        key ^= key >> (bits / 2);
        let scaled = u128::from(key << (64 - bits)) * u128::from(self.buckets);
        ((scaled >> 64) as u64, (scaled as u64 >> self.rest_shift) as u32)
    }

    /// Bits that tell the keys of a bucket apart.
    fn rest_bits(&self) -> u32 {
        64 - self.rest_shift
    }

    /// Where the n-gram's home bucket begins, for fetching it early.
    #[inline]
    pub(crate) fn home(&self, context: u32, word: u32) -> usize {
        self.place(context, word).0 as usize * BUCKET
    }

    /// The slot of an n-gram.
    #[inline]
    pub(crate) fn find(&self, table: &[u8], context: u32, word: u32) -> Option<u32> {
        let (home, rest) = self.place(context, word);
        let mut bucket = home;
        for distance in 0..=FARTHEST {
            let tags = table.get(bucket as usize * BUCKET..)?.first_chunk::<BUCKET>()?;
            let wanted = USED | distance << REST_BITS | rest;
            for slot in 0..self.slots {
                if load_u32(tags, slot as usize * 4) & !SPILLED == wanted {
                    return Some(bucket as u32 * self.slots + slot);
                }
            }
            if load_u32(tags, 0) & SPILLED == 0 {
                return None;
            }
            bucket = if bucket + 1 == self.buckets { 0 } else { bucket + 1 };
        }
        None
    }

    /// Where the numbers of a slot begin.
    #[inline]
    fn values(&self, slot: u32) -> usize {
        let (bucket, slot) = ((slot / self.slots) as usize, (slot % self.slots) as usize);
        let each = if self.has_backoff() { 8 } else { 4 };
        bucket * BUCKET + self.slots as usize * 4 + slot * each
    }

    /// log₁₀ of the probability in a slot.
    #[inline]
    pub(crate) fn log10_probability(&self, table: &[u8], slot: u32) -> f32 {
        f32::from_bits(load_u32(table, self.values(slot)))
    }

    /// log₁₀ of the back-off weight in a slot; not in the highest order. −0.0: zero, and no n-gram goes on from here.
    #[inline]
    pub(crate) fn log10_backoff(&self, table: &[u8], slot: u32) -> f32 {
        f32::from_bits(load_u32(table, self.values(slot) + 4))
    }
}

/// What became of an insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    New,
    Duplicate,
    /// The table is too full around here; a larger one is needed.
    Crowded,
}

/// A table in memory, while it is filled.
pub(crate) struct Table {
    pub(crate) shape: Shape,
    bytes: Vec<u8>,
}

impl Table {
    /// An empty table for `count` n-grams; `attempt` makes it an eighth larger each time.
    pub(crate) fn new(count: u64, word_bits: u32, slots_below: u64, is_highest: bool, attempt: u32) -> Self {
        let slots = u64::from(slots(is_highest));
        let mut buckets = (count * 5 / 4 + 1).div_ceil(slots);
        buckets += buckets * u64::from(attempt) / 8 + u64::from(attempt);
        let shape = loop {
            let shape = Shape::new(word_bits, slots_below, buckets, is_highest);
            if shape.rest_bits() <= REST_BITS {
                break shape;
            }
            // Few n-grams over a large vocabulary: more buckets leave fewer bits to be stored.
            buckets = (buckets + 1).next_power_of_two();
        };
        Self { shape, bytes: vec![0; buckets as usize * BUCKET] }
    }

    pub(crate) fn slots(&self) -> u64 {
        self.shape.buckets * u64::from(self.shape.slots)
    }

    pub(crate) fn find(&self, context: u32, word: u32) -> Option<u32> {
        self.shape.find(&self.bytes, context, word)
    }

    /// Puts an n-gram in.
    pub(crate) fn insert(&mut self, context: u32, word: u32, log10_p: f32, log10_backoff: f32) -> Inserted {
        if self.find(context, word).is_some() {
            return Inserted::Duplicate;
        }
        let (home, rest) = self.shape.place(context, word);
        let mut bucket = home;
        for distance in 0..=FARTHEST {
            let begin = bucket as usize * BUCKET;
            for slot in 0..self.shape.slots {
                let at = begin + slot as usize * 4;
                let old = load_u32(&self.bytes, at);
                if old & USED == 0 {
                    self.put(at, old | USED | distance << REST_BITS | rest);
                    let values = self.shape.values(bucket as u32 * self.shape.slots + slot);
                    self.put(values, log10_p.to_bits());
                    if self.shape.has_backoff() {
                        let nothing_follows = if log10_backoff == 0.0 { -0.0 } else { log10_backoff };
                        self.put(values + 4, f32::to_bits(nothing_follows));
                    }
                    return Inserted::New;
                }
            }
            let first = load_u32(&self.bytes, begin);
            self.put(begin, first | SPILLED);
            bucket = if bucket + 1 == self.shape.buckets { 0 } else { bucket + 1 };
        }
        Inserted::Crowded
    }

    /// Notes that an n-gram goes on from the one in this slot.
    pub(crate) fn mark_extended(&mut self, slot: u32) {
        if self.shape.has_backoff() && self.shape.log10_backoff(&self.bytes, slot) == 0.0 {
            self.put(self.shape.values(slot) + 4, 0);
        }
    }

    fn put(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_again_and_no_other() {
        for is_highest in [false, true] {
            let mut table = Table::new(5000, 10, 3000, is_highest, 0);
            for n in 0..5000_u32 {
                assert_eq!(table.insert(n / 2, n % 1000, -(n as f32), n as f32), Inserted::New);
            }
            assert_eq!(table.insert(5, 11, 0.0, 0.0), Inserted::Duplicate);
            for context in 0..3000 {
                for word in 0..1000 {
                    let slot = table.find(context, word);
                    let n =
                        [context * 2, context * 2 + 1].into_iter().find(|n| n % 1000 == word && *n < 5000);
                    assert_eq!(slot.is_some(), n.is_some(), "{context} {word}");
                    if let (Some(slot), Some(n)) = (slot, n) {
                        assert_eq!(table.shape.log10_probability(&table.bytes, slot), -(n as f32));
                    }
                }
            }
        }
    }

    #[test]
    fn few_ngrams_over_a_large_vocabulary_keep_their_keys_apart() {
        let mut table = Table::new(3, 22, 1 << 24, false, 0);
        assert!(table.shape.rest_bits() <= REST_BITS);
        for (context, word) in [(1 << 23, 7), (1 << 23, 8), (5, 1 << 21)] {
            assert_eq!(table.insert(context, word, -1.0, 0.0), Inserted::New);
        }
        assert!(table.find(1 << 23, 9).is_none());
        assert!(table.find(5, 1 << 21).is_some());
    }
}
