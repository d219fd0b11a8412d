//! n-grams as integers: sorting words is comparing numbers, changing the order of words is shifting bits.
//!
//! A record is an n-gram and 64 bits that go with it, `R` numbers in all: `R - 1` limbs, the most significant first, then
//! the payload. With words of `width` bits, the n-gram stands at the right end of the limbs, in one of two orders:
//!
//! ```text
//! suffix order    0…0 │ wₙ │ wₙ₋₁ │ … │ w₁      sorted: what shares its last words stands together
//! context order   0…0 │ wₙ₋₁ │ … │ w₁ │ wₙ      sorted: what shares its context stands together
//! ```
//!
//! So, in suffix order, a shift to the right by one word gives the n-gram without its first word, whose probability is
//! interpolated; in context order, it gives the context, itself in suffix order; and a rotation by one word leads from one
//! order to the other. Five words of a vocabulary of a million take two limbs, eight take three. Read `sorter.rs` next.

/// `R - 1` limbs of an n-gram, the most significant first, and a payload.
pub type Record<const R: usize> = [u64; R];

/// How words are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    /// Bits of a word, 1 to 32.
    pub width: u32,
}

impl Packing {
    /// The narrowest packing for ids below `words`.
    pub fn for_vocabulary(words: usize) -> Self {
        Self { width: (usize::BITS - words.saturating_sub(1).leading_zeros()).clamp(2, 32) }
    }

    /// Limbs that an n-gram of this order takes.
    pub fn limbs(self, order: usize) -> usize {
        (order * self.width as usize).div_ceil(64)
    }

    /// The n-gram with another word behind it and without its first, in suffix order.
    #[inline]
    pub fn pushed<const R: usize>(self, record: &Record<R>, order: usize, word: u32) -> Record<R> {
        let mut record = shift_right(record, self.width);
        place(&mut record, (order as u32 - 1) * self.width, word.into());
        record
    }

    /// Word `position` from the right end; in suffix order, 0 is the first word read.
    #[inline]
    pub fn word<const R: usize>(self, record: &Record<R>, position: usize) -> u32 {
        (bits(record, position as u32 * self.width) & ((1 << self.width) - 1)) as u32
    }

    /// Without the word at the right end.
    #[inline]
    pub fn without_last<const R: usize>(self, record: &Record<R>) -> Record<R> {
        shift_right(record, self.width)
    }

    /// From suffix order to context order.
    #[inline]
    pub fn by_context<const R: usize>(self, record: &Record<R>, order: usize) -> Record<R> {
        let last = self.word(record, order - 1);
        let mut record = shift_left(record, self.width);
        truncate(&mut record, order as u32 * self.width);
        record[R - 2] |= u64::from(last);
        record
    }

    /// From context order to suffix order.
    #[inline]
    pub fn by_suffix<const R: usize>(self, record: &Record<R>, order: usize) -> Record<R> {
        let last = self.word(record, 0);
        let mut record = shift_right(record, self.width);
        place(&mut record, (order as u32 - 1) * self.width, last.into());
        record
    }

    /// How many words two n-grams of this order share at the left end: their last words, in suffix order.
    #[inline]
    pub fn shared<const R: usize>(self, one: &Record<R>, other: &Record<R>, order: usize) -> usize {
        let unused = (R as u32 - 1) * 64 - order as u32 * self.width;
        let mut zeros = 0;
        for limb in 0..R - 1 {
            let difference = one[limb] ^ other[limb];
            zeros += difference.leading_zeros();
            if difference != 0 {
                break;
            }
        }
        ((zeros - unused) / self.width) as usize
    }
}

/// Whether two records hold the same n-gram.
#[inline]
pub fn same<const R: usize>(one: &Record<R>, other: &Record<R>) -> bool {
    one[..R - 1] == other[..R - 1]
}

/// Sorts by n-gram.
pub fn sort<const R: usize>(records: &mut [Record<R>]) {
    match R {
        2 => records.sort_unstable_by_key(|record| record[0]),
        // One comparison of 128 bits has no branch in it.
        3 => records.sort_unstable_by_key(|record| u128::from(record[0]) << 64 | u128::from(record[1])),
        _ => records.sort_unstable(),
    }
}

#[inline]
fn shift_right<const R: usize>(record: &Record<R>, by: u32) -> Record<R> {
    let mut shifted = *record;
    for limb in (1..R - 1).rev() {
        shifted[limb] = record[limb] >> by | record[limb - 1] << (64 - by);
    }
    shifted[0] = record[0] >> by;
    shifted
}

#[inline]
fn shift_left<const R: usize>(record: &Record<R>, by: u32) -> Record<R> {
    let mut shifted = *record;
    for limb in 0..R - 2 {
        shifted[limb] = record[limb] << by | record[limb + 1] >> (64 - by);
    }
    shifted[R - 2] = record[R - 2] << by;
    shifted
}

/// 64 bits from `position` bits on, counted from the right end.
#[inline]
fn bits<const R: usize>(record: &Record<R>, position: u32) -> u64 {
    let limb = R - 2 - (position / 64) as usize;
    let offset = position % 64;
    let mut value = record[limb] >> offset;
    if offset > 0 && limb > 0 {
        value |= record[limb - 1] << (64 - offset);
    }
    value
}

/// Sets the bits of `value`, `position` bits from the right end, where there are zeros.
#[inline]
fn place<const R: usize>(record: &mut Record<R>, position: u32, value: u64) {
    let limb = R - 2 - (position / 64) as usize;
    let offset = position % 64;
    record[limb] |= value << offset;
    if offset > 0 && limb > 0 {
        record[limb - 1] |= value >> (64 - offset);
    }
}

/// Keeps the rightmost `kept` bits.
#[inline]
fn truncate<const R: usize>(record: &mut Record<R>, kept: u32) {
    for (below, limb) in record[..R - 1].iter_mut().rev().enumerate() {
        let below = below as u32 * 64;
        if kept < below + 64 {
            *limb &= if kept <= below { 0 } else { (1 << (kept - below)) - 1 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack<const R: usize>(packing: Packing, words: &[u32]) -> Record<R> {
        words.iter().fold([0; R], |record, &word| packing.pushed(&record, words.len(), word))
    }

    fn check<const R: usize>(width: u32, order: usize) {
        let packing = Packing { width };
        let highest = u32::MAX >> (32 - width);
        let words: Vec<u32> = (0..order as u32).map(|i| highest.wrapping_sub(i * 7) & highest).collect();
        let record: Record<R> = pack(packing, &words);
        let unpacked: Vec<u32> = (0..order).map(|i| packing.word(&record, i)).collect();
        assert_eq!(unpacked, words, "width {width}, order {order}");
        let context = packing.by_context(&record, order);
        assert_eq!(packing.word(&context, 0), words[order - 1]);
        assert_eq!(packing.by_suffix(&context, order), record);
        if order > 1 {
            assert_eq!(packing.without_last(&context), pack(packing, &words[..order - 1]), "the context");
            assert_eq!(packing.without_last(&record), pack(packing, &words[1..]), "the suffix");
        }
        for changed in 0..order {
            let mut others = words.clone();
            others[changed] ^= 1;
            assert_eq!(packing.shared(&record, &pack(packing, &others), order), order - 1 - changed);
        }
    }

    #[test]
    fn every_width_and_order_is_packed_and_turned_without_loss() {
        for width in 2..=32 {
            for order in 1..=8 {
                match (Packing { width }).limbs(order) {
                    1 => check::<2>(width, order),
                    2 => check::<3>(width, order),
                    3 => check::<4>(width, order),
                    _ => check::<5>(width, order),
                }
                check::<5>(width, order);
            }
        }
    }

    #[test]
    fn ids_fit_their_width() {
        for (words, width) in [(1, 2), (4, 2), (5, 3), (256, 8), (257, 9), (1 << 20, 20), (1 << 32, 32)] {
            assert_eq!(Packing::for_vocabulary(words).width, width, "{words} words");
        }
    }
}
