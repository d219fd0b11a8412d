//! Layout `hashed`: a hash table for each order from 2 on, in buckets of 64 bytes, a cache line.
//!
//! An n-gram is known by its context and its last word. Its *home* is the bucket where it should lie; its *offset* says how far
//! from there it lies, and in which slot. The home follows from (home of the context, last word), a number of `b` bits: a bijection of
//! b-bit numbers scrambles it; scaled by the number of buckets, its upper part is the home, and from the lower part as many
//! bits are kept as tell any two keys of a bucket apart. Contexts of one home differ in their offset, which is kept too.
//! So 26 bits or so are stored where the key has 40 and more, and still two n-grams are never mistaken for
//! each other, which a hash of 64 bits (KenLM) only makes unlikely.
//!
//! Homes depend on words alone, never on what the tables hold: the processor can fetch the buckets of all orders, and those of
//! the next query, before the first has come.
//!
//! ```text
//! bucket, orders between: 5 tags, 5 × (log₁₀ p, log₁₀ back-off), 4 bytes unused      highest order: 8 tags, 8 × log₁₀ p
//! tag: bit 31, of the first tag only: keys of this bucket or an earlier one have spilled into the next
//!      bits 28..31: 1 + buckets from home, 0: empty   bits 22..28: offset of the context   bits 0..22: the rest of the key
//! ```
//!
//! A full bucket spills into the next; what has come three buckets far takes the place of what is nearer to its home, so that nothing ends
//! far away; the table is four sevenths full. A miss so costs one cache line and seldom two.

use std::io::{self, Write};

use super::bits::{load_u32, width};
use super::header::{Header, Section};

const BUCKET: usize = 64;
/// Slots of a bucket, in orders between and in the highest.
pub(crate) const BETWEEN: usize = 5;
pub(crate) const HIGHEST: usize = 8;
const REST_BITS: u32 = 22;
const OFFSET_SHIFT: u32 = REST_BITS;
const DISTANCE_SHIFT: u32 = 28;
const SPILLED: u32 = 1 << 31;
/// Most buckets that an n-gram may lie away from home.
const FARTHEST: u32 = 6;
/// From so far on, an n-gram takes the place of one that is nearer to its home; sooner would send too many away from home.
const FAR: u32 = 3;

/// Odd numbers, whose products scramble keys.
const FACTORS: [u64; 3] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93, 0xff51_afd7_ed55_8ccd];

/// What an odd number's product with is 1, modulo 2⁶⁴ and so modulo every smaller power of 2 (Newton's method: each round doubles the
/// bits that are right).
const fn inverse(odd: u64) -> u64 {
    let mut inverse = odd;
    let mut round = 0;
    while round < 5 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
        round += 1;
    }
    inverse
}

/// A context as the key of what follows it: its home, and buckets from there × 8 + slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub home: u32,
    pub offset: u32,
}

impl Spot {
    /// The offset of a context that the model does not have: farther from home than any.
    pub(crate) const NOWHERE: u32 = (FARTHEST + 1) << 3;

    /// That of a word alone.
    pub(crate) fn of_word(id: u32) -> Self {
        Self { home: id, offset: 0 }
    }
}

/// An n-gram that was found: its offset, and the byte where its numbers begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub offset: u32,
    values: usize,
}

impl Hit {
    /// log₁₀ of the probability.
    #[inline]
    pub(crate) fn log10_probability(&self, file: &[u8]) -> f32 {
        f32::from_bits(load_u32(file, self.values))
    }

    /// log₁₀ of the back-off weight; not in the highest order. −0.0: zero, and no n-gram goes on from here.
    #[inline]
    pub(crate) fn log10_backoff(&self, file: &[u8]) -> f32 {
        f32::from_bits(load_u32(file, self.values + 4))
    }
}

/// What a slot holds, without its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Occupant {
    pub context: Spot,
    pub word: u32,
}

/// Tells whether a table of so many n-grams may have so many bytes.
pub(crate) fn is_possible(bytes: u64, count: u64) -> bool {
    bytes.is_multiple_of(BUCKET as u64)
        && bytes > 0
        && count <= bytes / BUCKET as u64 * HIGHEST as u64
        && bytes >> 6 < 1 << 29
}

/// Where the table of an order lies, and how keys become places in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    table: usize,
    buckets: u64,
    word_bits: u32,
    key_bits: u32,
    rest_shift: u32,
}

impl Shape {
    /// The shape of an order's table, from the number of its buckets and of the homes of the order below.
    fn new(table: usize, word_bits: u32, homes_below: u64, buckets: u64) -> Self {
        let key_bits = (width(homes_below) + word_bits).clamp(2, 63);
        // The bijection is scaled by 2^(64 − b) and by the number of buckets: keys of a bucket are that far apart.
        let rest_shift = 64 - key_bits + buckets.max(1).ilog2();
        Self { table, buckets, word_bits, key_bits, rest_shift: rest_shift.min(63) }
    }

    /// The shapes of all tables of a file, from order 2 on.
    pub(crate) fn all(header: &Header) -> Vec<Self> {
        let mut homes_below = u64::from(header.words);
        (2..=header.order)
            .map(|order| {
                let bytes = header.range(Section::Words(order));
                let shape =
                    Self::new(bytes.start, header.word_bits(), homes_below, (bytes.len() / BUCKET) as u64);
                homes_below = shape.buckets;
                shape
            })
            .collect()
    }

    /// Home and rest of the key (home of the context, word).
    #[inline]
    pub(crate) fn place(&self, home_below: u32, word: u32) -> (u32, u32) {
        let (bits, mask) = (self.key_bits, (1_u64 << self.key_bits) - 1);
        let mut key = (u64::from(home_below) << self.word_bits | u64::from(word)) & mask;
        key = key.wrapping_mul(FACTORS[0]) & mask;
        key ^= key >> (bits / 2);
        key = key.wrapping_mul(FACTORS[1]) & mask;
        key ^= key >> (bits / 2);
        // With two products queries were a quarter slower, and tables a little larger.
        key = key.wrapping_mul(FACTORS[2]) << (64 - bits);
        let scaled = u128::from(key) * u128::from(self.buckets);
        ((scaled >> 64) as u32, (scaled as u64 >> self.rest_shift) as u32)
    }

    /// The key (home of the context, word) of a home and a rest: `place` the other way round.
    fn key(&self, home: u32, rest: u32) -> (u32, u32) {
        let (bits, mask) = (self.key_bits, (1_u64 << self.key_bits) - 1);
        let least = (u128::from(home) << 64) + (u128::from(rest) << self.rest_shift);
        // Keys of a bucket are so far apart that only one of them was scaled to here: the first from `least` on.
        let scrambled = least.div_ceil(u128::from(self.buckets.max(1))).div_ceil(1 << (64 - bits)) as u64;
        let unshifted = |key: u64| key ^ key >> (bits / 2) ^ key >> (bits / 2 * 2);
        let mut key = scrambled.wrapping_mul(inverse(FACTORS[2])) & mask;
        key = unshifted(key).wrapping_mul(inverse(FACTORS[1])) & mask;
        key = unshifted(key).wrapping_mul(inverse(FACTORS[0])) & mask;
        ((key >> self.word_bits) as u32, (key & ((1 << self.word_bits) - 1)) as u32)
    }

    /// Number of homes.
    pub(crate) fn homes(&self) -> u32 {
        self.buckets as u32
    }

    /// What a slot of a bucket holds.
    pub(crate) fn occupant(&self, file: &[u8], bucket: u32, slot: usize) -> Option<Occupant> {
        let tag = load_u32(file, self.table + bucket as usize * BUCKET + slot * 4)
            & if slot == 0 { !SPILLED } else { u32::MAX };
        let distance = (tag >> DISTANCE_SHIFT).checked_sub(1)?;
        let buckets = self.buckets.max(1);
        let home = (u64::from(bucket) + buckets * u64::from(FARTHEST + 1) - u64::from(distance)) % buckets;
        let (home_below, word) = self.key(home as u32, tag & ((1 << REST_BITS) - 1));
        let offset = tag >> OFFSET_SHIFT & ((1 << (DISTANCE_SHIFT - OFFSET_SHIFT)) - 1);
        Some(Occupant { context: Spot { home: home_below, offset }, word })
    }

    /// What lies at a spot.
    pub(crate) fn occupant_at(&self, file: &[u8], spot: Spot) -> Option<Occupant> {
        self.occupant(file, self.after(spot.home, spot.offset >> 3), (spot.offset & 7) as usize)
    }

    /// log₁₀ p and log₁₀ of the back-off weight of what a slot holds.
    pub(crate) fn numbers(&self, file: &[u8], bucket: u32, slot: usize, is_highest: bool) -> (f32, f32) {
        if is_highest {
            return (self.hit::<HIGHEST>(bucket, 0, slot as u32).log10_probability(file), 0.0);
        }
        let hit = self.hit::<BETWEEN>(bucket, 0, slot as u32);
        (hit.log10_probability(file), hit.log10_backoff(file))
    }

    /// Bits that tell the keys of a bucket apart.
    fn rest_bits(&self) -> u32 {
        64 - self.rest_shift
    }

    /// The n-gram of this place whose context has this offset.
    #[inline]
    pub(crate) fn find<const SLOTS: usize>(
        &self,
        file: &[u8],
        (home, rest): (u32, u32),
        offset: u32,
    ) -> Option<Hit> {
        let tag = offset << OFFSET_SHIFT | rest;
        let bytes = file.get(self.table + home as usize * BUCKET..)?.first_chunk::<BUCKET>()?;
        let equal = equal_tags::<SLOTS>(bytes, 1 << DISTANCE_SHIFT | tag);
        if equal != 0 {
            let slot = equal.trailing_zeros();
            return Some(self.hit::<SLOTS>(home, 0, slot));
        }
        if load_u32(bytes, 0) & SPILLED == 0 { None } else { self.find_far::<SLOTS>(file, home, tag) }
    }

    /// Goes on from a home that has spilled.
    #[inline(never)]
    fn find_far<const SLOTS: usize>(&self, file: &[u8], home: u32, tag: u32) -> Option<Hit> {
        for distance in 1..=FARTHEST {
            let bucket = self.after(home, distance);
            let bytes = file.get(self.table + bucket as usize * BUCKET..)?.first_chunk::<BUCKET>()?;
            let equal = equal_tags::<SLOTS>(bytes, (distance + 1) << DISTANCE_SHIFT | tag);
            if equal != 0 {
                return Some(self.hit::<SLOTS>(bucket, distance, equal.trailing_zeros()));
            }
            if load_u32(bytes, 0) & SPILLED == 0 {
                return None;
            }
        }
        None
    }

    /// The bucket so many after `home`.
    fn after(&self, home: u32, distance: u32) -> u32 {
        ((u64::from(home) + u64::from(distance)) % self.buckets.max(1)) as u32
    }

    #[inline]
    fn hit<const SLOTS: usize>(&self, bucket: u32, distance: u32, slot: u32) -> Hit {
        let each = if SLOTS == HIGHEST { 4 } else { 8 };
        let values = self.table + bucket as usize * BUCKET + SLOTS * 4 + slot as usize * each;
        Hit { offset: distance << 3 | slot, values }
    }
}

/// A bit for each slot whose tag is this one; without branches, since which slot it is cannot be guessed.
#[inline]
fn equal_tags<const SLOTS: usize>(bucket: &[u8; BUCKET], tag: u32) -> u32 {
    let mut equal = 0;
    for slot in 0..SLOTS {
        let found = load_u32(bucket, slot * 4) & if slot == 0 { !SPILLED } else { u32::MAX };
        equal |= u32::from(found == tag) << slot;
    }
    equal
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
    shape: Shape,
    is_highest: bool,
    bytes: Vec<u8>,
}

impl Table {
    /// An empty table for `count` n-grams; `attempt` makes it an eighth larger each time.
    pub(crate) fn new(count: u64, word_bits: u32, homes_below: u64, is_highest: bool, attempt: u32) -> Self {
        let slots = if is_highest { HIGHEST } else { BETWEEN };
        let mut buckets = (count * 7 / 4 + 1).div_ceil(slots as u64);
        buckets += buckets * u64::from(attempt) / 8 + u64::from(attempt);
        let shape = loop {
            let shape = Shape::new(0, word_bits, homes_below, buckets);
            if shape.rest_bits() <= REST_BITS {
                break shape;
            }
            // Few n-grams over a large vocabulary: more buckets leave fewer bits to be stored.
            buckets = (buckets + 1).next_power_of_two();
        };
        Self { shape, is_highest, bytes: vec![0; buckets as usize * BUCKET] }
    }

    /// Number of homes.
    pub(crate) fn homes(&self) -> u64 {
        self.shape.buckets
    }

    fn hit(&self, context: Spot, word: u32) -> Option<Hit> {
        let place = self.shape.place(context.home, word);
        if self.is_highest {
            self.shape.find::<HIGHEST>(&self.bytes, place, context.offset)
        } else {
            self.shape.find::<BETWEEN>(&self.bytes, place, context.offset)
        }
    }

    /// The n-gram as the context of longer ones.
    pub(crate) fn find(&self, context: Spot, word: u32) -> Option<Spot> {
        let offset = self.hit(context, word)?.offset;
        Some(Spot { home: self.shape.place(context.home, word).0, offset })
    }

    /// Puts an n-gram in.
    pub(crate) fn insert(&mut self, context: Spot, word: u32, log10_p: f32, log10_backoff: f32) -> Inserted {
        if self.hit(context, word).is_some() {
            return Inserted::Duplicate;
        }
        let (home, rest) = self.shape.place(context.home, word);
        let nothing_follows = if log10_backoff == 0.0 { -0.0 } else { log10_backoff };
        let numbers = [log10_p.to_bits(), nothing_follows.to_bits()];
        let mut carried = (1 << DISTANCE_SHIFT | context.offset << OFFSET_SHIFT | rest, numbers);
        let mut bucket = home;
        while carried.0 >> DISTANCE_SHIFT <= FARTHEST + 1 {
            // The entry of this bucket that is nearest to its home; an empty slot is nearer still.
            let distance = |slot: &usize| (self.tag(bucket, *slot) & !SPILLED) >> DISTANCE_SHIFT;
            let Some(nearest) = (0..self.slots()).min_by_key(distance) else { break };
            let (there, here) = (distance(&nearest), carried.0 >> DISTANCE_SHIFT);
            if there == 0 || here > FAR && there < here {
                carried = self.exchange(bucket, nearest, carried);
                if carried.0 == 0 {
                    return Inserted::New;
                }
            }
            self.put(bucket as usize * BUCKET, self.tag(bucket, 0) | SPILLED);
            bucket = self.shape.after(bucket, 1);
            carried.0 += 1 << DISTANCE_SHIFT;
            if carried.0 & SPILLED != 0 {
                break;
            }
        }
        Inserted::Crowded
    }

    /// Puts a tag and its numbers into a slot and gives what was there; the mark of spilling stays.
    fn exchange(&mut self, bucket: u32, slot: usize, (tag, numbers): (u32, [u32; 2])) -> (u32, [u32; 2]) {
        let (at, values) = (bucket as usize * BUCKET + slot * 4, self.values(bucket, slot));
        let old = load_u32(&self.bytes, at);
        let old_numbers = [load_u32(&self.bytes, values), load_u32(&self.bytes, values + 4)];
        self.put(at, old & SPILLED | tag);
        self.put(values, numbers[0]);
        if !self.is_highest {
            self.put(values + 4, numbers[1]);
        }
        (old & !SPILLED, old_numbers)
    }

    fn slots(&self) -> usize {
        if self.is_highest { HIGHEST } else { BETWEEN }
    }

    fn tag(&self, bucket: u32, slot: usize) -> u32 {
        load_u32(&self.bytes, bucket as usize * BUCKET + slot * 4)
    }

    /// Notes that an n-gram goes on from this one.
    pub(crate) fn mark_extended(&mut self, spot: Spot) {
        let values = self.values(self.shape.after(spot.home, spot.offset >> 3), (spot.offset & 7) as usize);
        if !self.is_highest && f32::from_bits(load_u32(&self.bytes, values + 4)) == 0.0 {
            self.put(values + 4, 0);
        }
    }

    /// Byte where the numbers of a slot begin.
    fn values(&self, bucket: u32, slot: usize) -> usize {
        let (slots, each) = if self.is_highest { (HIGHEST, 4) } else { (BETWEEN, 8) };
        bucket as usize * BUCKET + slots * 4 + slot * each
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
            let context = |n: u32| Spot { home: n, offset: n % 56 };
            for n in 0..5000_u32 {
                assert_eq!(table.insert(context(n / 2), n % 1000, -(n as f32), n as f32), Inserted::New);
            }
            assert_eq!(table.insert(context(5), 11, 0.0, 0.0), Inserted::Duplicate);
            assert!(table.find(Spot { home: 5, offset: 6 }, 11).is_none());
            assert!(table.find(Spot { home: 5, offset: Spot::NOWHERE }, 11).is_none());
            for home in 0..3000 {
                for word in 0..1000 {
                    let hit = table.hit(context(home), word);
                    let n = [home * 2, home * 2 + 1].into_iter().find(|n| n % 1000 == word && *n < 5000);
                    assert_eq!(hit.is_some(), n.is_some(), "{home} {word}");
                    if let (Some(hit), Some(n)) = (hit, n) {
                        assert_eq!(hit.log10_probability(&table.bytes), -(n as f32));
                    }
                }
            }
        }
    }

    #[test]
    fn places_are_led_back_to_their_keys() {
        for (words, homes_below, count) in
            [(5_u64, 7, 3_u64), (1000, 3000, 5000), (1 << 18, 1 << 20, 40), (300_000, 77_777, 900_000)]
        {
            let table = Table::new(count, width(words), homes_below, false, 0);
            for n in 0..20_000_u64 {
                let key = ((n * 7919 % homes_below) as u32, (n * 104_729 % words) as u32);
                let (home, rest) = table.shape.place(key.0, key.1);
                assert_eq!(table.shape.key(home, rest), key);
            }
        }
    }

    #[test]
    fn few_ngrams_over_a_large_vocabulary_keep_their_keys_apart() {
        let mut table = Table::new(3, 18, 1 << 20, false, 0);
        assert!(table.shape.rest_bits() <= REST_BITS);
        for (home, word) in [(1 << 19, 7), (1 << 19, 8), (5, 1 << 17)] {
            assert_eq!(table.insert(Spot::of_word(home), word, -1.0, 0.0), Inserted::New);
        }
        assert!(table.find(Spot::of_word(1 << 19), 9).is_none());
        assert!(table.find(Spot::of_word(5), 1 << 17).is_some());
    }
}
