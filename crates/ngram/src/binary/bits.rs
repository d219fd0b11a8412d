//! Numbers of a fixed width in bits, one after the other, and ranges written in unary.
//!
//! Number `i` of `w` bits lies at the bits `w·i …` of the section, lowest bit first. Each section ends with eight bytes
//! more than the numbers need, so that every number is read by one load of eight bytes.
//!
//! Children are counted in unary: a 1 for each parent and a 0 for each of its children, parents in order. The 1 of
//! parent `i` stands at `i + first child of i`, so finding the `i`-th 1 finds the children. That costs a bit for each
//! parent and a bit for each child, where a pointer would cost about 20; every eighth 1 has its place in a table, which costs four more.

use std::io::{self, Write};
use std::ops::Range;

/// Every so many ones of a unary list have their place written down.
pub(crate) const SAMPLED: u32 = 8;
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

/// The `width` bits from bit `bit` behind byte `base` on; at most 56.
#[inline]
pub(crate) fn bits_at(bytes: &[u8], base: usize, bit: u64, width: u32) -> u64 {
    load_u64(bytes, base + (bit >> 3) as usize) >> (bit & 7) & ((1 << width) - 1)
}

/// Where a unary list and its table of places lie in a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unary {
    /// First byte of the list, and the byte behind it.
    pub list: usize,
    pub end: usize,
    /// First byte of the table.
    pub samples: usize,
    /// Children of all parents together.
    pub children: u32,
}

impl Unary {
    /// Byte at which the table is read for a parent.
    #[inline]
    pub(crate) fn sample(&self, parent: u32) -> usize {
        self.samples + (parent / SAMPLED) as usize * 4
    }

    /// Children of a parent; at most as many as there are.
    ///
    /// Eight parents and their children nearly always lie within the 57 bits that one load gives; then nothing here
    /// branches on them, so that nothing waits for a wrong guess.
    #[inline]
    pub(crate) fn range(&self, file: &[u8], parent: u32) -> Range<u32> {
        let sampled = load_u32(file, self.sample(parent));
        let mut ones = load_u64(file, self.list + (sampled >> 3) as usize) >> (sampled & 7);
        let left = parent % SAMPLED;
        for before in 0..SAMPLED - 1 {
            let next = ones & ones.wrapping_sub(1);
            ones = if before < left { next } else { ones };
        }
        let after = ones & ones.wrapping_sub(1);
        if after == 0 {
            return self.far_range(file, parent, sampled);
        }
        self.between(
            parent,
            sampled.wrapping_add(ones.trailing_zeros()),
            sampled.wrapping_add(after.trailing_zeros()),
        )
    }

    /// The same, word by word over as many children as there are.
    #[cold]
    fn far_range(&self, file: &[u8], parent: u32, sampled: u32) -> Range<u32> {
        let mut at = self.list + (sampled / 64) as usize * 8;
        let mut left = parent % SAMPLED;
        let mut ones = load_u64(file, at) & (u64::MAX << (sampled % 64));
        // A damaged list may have too few ones; its end stops the search.
        while ones.count_ones() <= left {
            left -= ones.count_ones();
            at += 8;
            if at >= self.end {
                return 0..0;
            }
            ones = load_u64(file, at);
        }
        for _ in 0..left {
            ones &= ones - 1;
        }
        let first = ((at - self.list) * 8) as u32 + ones.trailing_zeros();
        ones &= ones - 1;
        while ones == 0 {
            at += 8;
            if at >= self.end {
                return 0..0;
            }
            ones = load_u64(file, at);
        }
        self.between(parent, first, ((at - self.list) * 8) as u32 + ones.trailing_zeros())
    }

    /// Children between the 1 of a parent and the next 1.
    #[inline]
    fn between(&self, parent: u32, first: u32, next: u32) -> Range<u32> {
        let begin = first.saturating_sub(parent).min(self.children);
        begin..next.saturating_sub(parent).saturating_sub(1).clamp(begin, self.children)
    }
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
                    bits_at(&bytes, 0, index * u64::from(width), width),
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
        let (list, samples) = writer.finish().unwrap();
        let children = counts.iter().sum();
        let unary = Unary { list: 0, end: list.len(), samples: list.len(), children };
        let file = [&list[..], &samples].concat();
        let mut begin = 0;
        for (parent, &count) in counts.iter().enumerate() {
            assert_eq!(unary.range(&file, parent as u32), begin..begin + count);
            begin += count;
        }
        assert!(unary.range(&file, 5_000_000).end <= children);
        assert_eq!(unary.range(&[], 3), 0..0);
        let damaged = [&vec![0; list.len()][..], &samples].concat();
        assert_eq!(unary.range(&damaged, 77), 0..0);
    }

    #[test]
    fn widths_hold_every_smaller_number() {
        assert_eq!([0, 1, 2, 3, 4, 5, 256, 257].map(width), [0, 0, 1, 2, 2, 3, 8, 9]);
    }
}
