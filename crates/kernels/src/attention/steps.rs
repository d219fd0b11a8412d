//! The keys and values that a decoder appends step by step.

use super::Strided;
use super::stored::{Keep, Kept, Pair, Stored};
use crate::Kernels;

/// Keys and values of a decoder's steps, a slot for each row and step.
///
/// Slots are only appended. Which of them a row sees is its history: see [`CachedSteps`].
#[derive(Debug)]
pub struct StepCache {
    pub(crate) stored: Stored,
    /// Numbers in a slot's key, and in its value.
    width: usize,
    slots: usize,
}

impl StepCache {
    /// An empty cache of keys and values of `width` numbers each.
    pub fn new(keep: Keep, width: usize) -> Self {
        Self { stored: Stored::new(keep), width, slots: 0 }
    }

    /// Empties the cache, and keeps its room.
    pub fn clear(&mut self) {
        self.slots = 0;
    }

    /// Makes room for so many slots in all. Room that is not used takes no memory.
    pub fn reserve(&mut self, slots: usize) {
        let (filled, count) = (self.slots * self.width, slots * self.width);
        match &mut self.stored {
            Stored::Exact(pair) => pair.grow_to(count, filled),
            Stored::Rounded(pair) => pair.grow_to(count, filled),
        }
    }

    /// Numbers in a slot's key, and in its value.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Slots filled.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Fills the next slots, one for each of `rows` rows.
    pub(crate) fn append(&mut self, kernels: &Kernels, keys: Strided<'_>, values: Strided<'_>, rows: usize) {
        let (first, width) = (self.slots, self.width);
        self.slots += rows;
        match &mut self.stored {
            Stored::Exact(pair) => pair.append(kernels, keys, values, rows, first, width),
            Stored::Rounded(pair) => pair.append(kernels, keys, values, rows, first, width),
        }
    }
}

impl<T: Kept> Pair<T> {
    /// Room for `count` numbers, of which the first `filled` stay.
    fn grow_to(&mut self, count: usize, filled: usize) {
        self.keys.grown_to(count, filled);
        self.values.grown_to(count, filled);
    }

    fn append(
        &mut self,
        kernels: &Kernels,
        keys: Strided<'_>,
        values: Strided<'_>,
        rows: usize,
        first: usize,
        width: usize,
    ) {
        for (numbers, x) in [(&mut self.keys, keys), (&mut self.values, values)] {
            let target = &mut numbers.grown_to((first + rows) * width, first * width)[first * width..];
            for (row, target) in target.chunks_exact_mut(width).enumerate() {
                T::round(kernels, &x.data[row * x.stride..][..width], target);
            }
        }
    }
}

/// A cache, and which of its slots each row sees.
///
/// Rows never move: a beam that is re-ordered only copies its line of slot numbers.
#[derive(Clone, Copy, Debug)]
pub struct CachedSteps<'a> {
    /// The keys and values of all rows.
    pub cache: &'a StepCache,
    /// The slots of row `r` are `history[r * stride..][..len]`, oldest first.
    pub history: &'a [u32],
    /// Numbers in a row's line of `history`.
    pub stride: usize,
    /// Steps cached, the same for all rows.
    pub len: usize,
}
