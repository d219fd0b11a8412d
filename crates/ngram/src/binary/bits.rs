//! Numbers of a fixed width in bits, one after the other, and ranges written in unary.
//!
//! Number `i` of `w` bits lies at the bits `w·i …` of the section, lowest bit first. Each section ends with eight bytes
//! more than the numbers need, so that every number is read by one load of eight bytes.
//!
//! Children are counted in unary: a 1 for each parent and a 0 for each of its children, parents in order. The 1 of
//! parent `i` stands at `i + first child of i`, so finding the `i`-th 1 finds the children. That costs a bit for each
//! parent and a bit for each child, where a pointer would cost about 20; every 32nd 1 has its place in a table.

use std::io::{self, Write};
use std::ops::Range;

/// Every so many ones of a unary list have their place written down.
pub(crate) const SAMPLED: u32 = 32;
/// Bytes that a packed section has after its numbers.
pub(crate) const TAIL: u64 = 8;

/// Bits that hold every number below `count`.
pub(crate) fn width(count: u64) -> u32 {
    64 - count.saturating_sub(1).leading_zeros()
}

/// Bytes that `count` numbers of `width` bits take, tail included.
pub(crate) fn packed_bytes(count: u64, width: u32) -> Option<u64> {
    Some(count.checked_mul(u64::from(width))?.div_ceil(8) + TAIL)
}

/// Eight bytes at `at` as a number, zero where there are none.
#[inline]
pub(crate) fn load_u64(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        Some(eight) => u64::from_le_bytes(*eight),
        None => 0,
    }
}

/// Four bytes at `at` as a number, zero where there are none.
#[inline]
pub(crate) fn load_u32(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..).and_then(<[u8]>::first_chunk::<4>) {
        Some(four) => u32::from_le_bytes(*four),
        None => 0,
    }
}

/// The `width` bits from bit `bit` on; at most 56.
#[inline]
pub(crate) fn bits_at(bytes: &[u8], bit: u64, width: u32) -> u64 {
    load_u64(bytes, (bit >> 3) as usize) >> (bit & 7) & ((1 << width) - 1)
}

/// Children of parent `parent` in a unary list; at most `children` there are.
#[inline]
pub(crate) fn unary_range(unary: &[u8], samples: &[u8], parent: u32, children: u32) -> Range<u32> {
    let sampled = load_u32(samples, (parent / SAMPLED) as usize * 4);
    let mut at = (sampled / 64) as usize;
    let mut left = parent % SAMPLED;
    let mut ones = load_u64(unary, at * 8) & (u64::MAX << (sampled % 64));
    // A damaged list may have too few ones; the section's end stops the search.
    while ones.count_ones() <= left {
        left -= ones.count_ones();
        at += 1;
        if at * 8 >= unary.len() {
            return 0..0;
        }
        ones = load_u64(unary, at * 8);
    }
    for _ in 0..left {
        ones &= ones - 1;
    }
    let first = (at * 64) as u32 + ones.trailing_zeros();
    ones &= ones - 1;
    while ones == 0 {
        at += 1;
        if at * 8 >= unary.len() {
            return 0..0;
        }
        ones = load_u64(unary, at * 8);
    }
    let next = (at * 64) as u32 + ones.trailing_zeros();
    let begin = first.saturating_sub(parent).min(children);
    begin..next.saturating_sub(parent).saturating_sub(1).clamp(begin, children)
}

/// Writes numbers of some bits each.
pub(crate) struct BitWriter<W> {
    out: W,
    held: u64,
    filled: u32,
}

impl<W: Write> BitWriter<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, held: 0, filled: 0 }
    }

    /// Appends the lowest `width` bits of `value`, which has no others; at most 32.
    pub(crate) fn push(&mut self, value: u32, width: u32) -> io::Result<()> {
        self.held |= u64::from(value) << self.filled;
        self.filled += width;
        if self.filled >= 32 {
            self.out.write_all(&(self.held as u32).to_le_bytes())?;
            self.held >>= 32;
            self.filled -= 32;
        }
        Ok(())
    }

    /// Appends so many zero bits.
    pub(crate) fn push_zeros(&mut self, mut count: u64) -> io::Result<()> {
        while count > 0 {
            let some = count.min(32);
            self.push(0, some as u32)?;
            count -= some;
        }
        Ok(())
    }

    /// Writes what is held, then the tail.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        let bytes = self.filled.div_ceil(8) as usize;
        self.out.write_all(&self.held.to_le_bytes()[..bytes])?;
        self.out.write_all(&[0; TAIL as usize])?;
        Ok(self.out)
    }
}

/// Writes how many children each parent has, in unary, and the table of places.
pub(crate) struct UnaryWriter<W> {
    bits: BitWriter<W>,
    samples: W,
    parents: u64,
    at: u64,
}

impl<W: Write> UnaryWriter<W> {
    pub(crate) fn new(unary: W, samples: W) -> Self {
        Self { bits: BitWriter::new(unary), samples, parents: 0, at: 0 }
    }

    /// Appends a parent with its number of children.
    pub(crate) fn push(&mut self, children: u64) -> io::Result<()> {
        self.one()?;
        self.bits.push_zeros(children)?;
        self.at += children;
        Ok(())
    }

    fn one(&mut self) -> io::Result<()> {
        if self.parents.is_multiple_of(u64::from(SAMPLED)) {
            self.samples.write_all(&(self.at as u32).to_le_bytes())?;
        }
        self.parents += 1;
        self.at += 1;
        self.bits.push(1, 1)
    }

    /// Writes the 1 that ends the children of the last parent; gives the list and the table.
    pub(crate) fn finish(mut self) -> io::Result<(W, W)> {
        self.one()?;
        Ok((self.bits.finish()?, self.samples))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_numbers_are_read_back_at_every_width() {
        for width in 1..=32_u32 {
            let value = |index: u64| {
                (index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) as u32 & (u32::MAX >> (32 - width))
            };
            let mut writer = BitWriter::new(Vec::new());
            (0..100).for_each(|index| writer.push(value(index), width).unwrap());
            let bytes = writer.finish().unwrap();
            assert_eq!(bytes.len() as u64, packed_bytes(100, width).unwrap());
            for index in 0..100 {
                assert_eq!(
                    bits_at(&bytes, index * u64::from(width), width),
                    u64::from(value(index)),
                    "width {width}"
                );
            }
        }
    }

    #[test]
    fn unary_lists_give_each_parents_children() {
        let counts: Vec<u32> = (0..1000).map(|n| if n % 97 == 5 { 700 } else { n * n % 4 }).collect();
        let mut writer = UnaryWriter::new(Vec::new(), Vec::new());
        counts.iter().for_each(|&count| writer.push(u64::from(count)).unwrap());
        let (unary, samples) = writer.finish().unwrap();
        let (mut begin, total) = (0, counts.iter().sum());
        for (parent, &count) in counts.iter().enumerate() {
            assert_eq!(unary_range(&unary, &samples, parent as u32, total), begin..begin + count);
            begin += count;
        }
        assert_eq!(unary_range(&unary, &samples, 5_000_000, total), 0..0);
        assert_eq!(unary_range(&[], &[], 3, total), 0..0);
        let zeros = vec![0; 4000];
        assert_eq!(unary_range(&zeros, &samples, 77, total), 0..0);
    }

    #[test]
    fn widths_hold_every_smaller_number() {
        assert_eq!([0, 1, 2, 3, 4, 5, 256, 257].map(width), [0, 0, 1, 2, 2, 3, 8, 9]);
    }
}
