//! What a conversation owns: the decoder's caches, the memory of what was encoded, and scratch buffers.
//!
//! Keys and values are only ever appended, a slot for each row and step. Which slots a row sees stands in one
//! table of numbers that all layers share, so re-ordering beams copies a few numbers and no cache. Rows that
//! leave the batch leave their slots behind.
//!
//! Everything is reserved when the state is made, as far as the [`Room`] asked for is reasonable; a state that
//! outgrows it grows by doubling. Its buffers outlive it, for the model's next conversation: the system clears fresh memory page
//! by page, which took 3 to 5 % of the time of sixteen sources.

use std::sync::{Arc, Mutex, PoisonError};

use papo_generate::Room;
use papo_kernels::{CachedSteps, Group, Keep, KeyValues, Numbers, StepCache};

use crate::attention::AttentionBuffers;
use crate::feed_forward::FeedForwardBuffers;
use crate::norm::ResidualBuffers;
use crate::relative_bias::BiasLines;
use crate::spec::Spec;

/// Steps reserved at most; longer targets grow by doubling.
const MOST_STEPS: usize = 4096;

/// Numbers reserved at most for the keys of one layer (64 MiB); memory that is not written costs nothing.
const MOST_NUMBERS: usize = 1 << 24;

/// A batch in the middle of being decoded.
#[derive(Debug)]
pub struct State {
    /// The source of each row.
    pub(crate) row_source: Vec<usize>,
    spare_source: Vec<usize>,
    /// Consecutive rows of the same source.
    pub(crate) groups: Vec<Group>,
    pub(crate) history: History,
    pub(crate) bias: BiasLines,
    pub(crate) buffers: Buffers,
    /// Where the buffers go in the end.
    spare: SpareBuffers,
}

impl Drop for State {
    fn drop(&mut self) {
        self.spare.put(std::mem::take(&mut self.buffers));
    }
}

/// All that is large.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    /// The decoder's keys and values, one for each layer.
    pub(crate) caches: Vec<StepCache>,
    /// Keys and values of the sources, one for each layer.
    pub(crate) memory: Vec<KeyValues>,
    /// The encoder's keys and values, of one layer at a time.
    pub(crate) encoder_memory: KeyValues,
    pub(crate) scratch: Scratch,
}

/// Buffers that no conversation has: one set at most, that of the last one to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct SpareBuffers(Arc<Mutex<Option<Buffers>>>);

impl SpareBuffers {
    /// The spare set, or an empty one.
    pub(crate) fn take(&self) -> Buffers {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }

    fn put(&self, buffers: Buffers) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(buffers);
    }
}

/// Buffers for the layers of either stack.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// The residual stream, `[rows, d_model]`; what was encoded, `[tokens, d_model]`.
    pub(crate) x: Numbers,
    pub(crate) spare: Numbers,
    /// Keys and values before they are packed, `[tokens, key | value]`.
    pub(crate) projected: Numbers,
    pub(crate) residual: ResidualBuffers,
    pub(crate) attention: AttentionBuffers,
    pub(crate) feed_forward: FeedForwardBuffers,
}

/// The slots that each row sees, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// `[rows, stride]`, of which the first `len` of a line count.
    slots: Vec<u32>,
    spare: Vec<u32>,
    stride: usize,
    len: usize,
    next_slot: u32,
}

impl History {
    fn new(rows: usize, steps: usize) -> Self {
        let stride = steps.max(1);
        Self { slots: vec![0; rows * stride], spare: vec![0; rows * stride], stride, len: 0, next_slot: 0 }
    }

    /// Steps cached.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Steps that fit without growing.
    pub(crate) fn capacity(&self) -> usize {
        self.stride
    }

    /// Gives each of `rows` rows its next slot.
    fn append(&mut self, rows: usize) {
        if self.len == self.stride {
            self.widen();
        }
        if self.slots.len() < rows * self.stride {
            self.slots.resize(rows * self.stride, 0);
        }
        for line in self.slots.chunks_exact_mut(self.stride).take(rows) {
            line[self.len] = self.next_slot;
            self.next_slot += 1;
        }
        self.len += 1;
    }

    /// Doubles the length of every line.
    fn widen(&mut self) {
        let stride = 2 * self.stride;
        let mut slots = vec![0; self.slots.len() * 2];
        for (old, new) in self.slots.chunks_exact(self.stride).zip(slots.chunks_exact_mut(stride)) {
            new[..self.stride].copy_from_slice(old);
        }
        (self.slots, self.stride) = (slots, stride);
    }

    /// Makes line `rows[r]` the new line `r`.
    fn select(&mut self, rows: &[usize]) {
        let needed = rows.len() * self.stride;
        if self.spare.len() < needed {
            self.spare.resize(needed, 0);
        }
        for (&row, line) in rows.iter().zip(self.spare.chunks_exact_mut(self.stride)) {
            line[..self.len].copy_from_slice(&self.slots[row * self.stride..][..self.len]);
        }
        std::mem::swap(&mut self.slots, &mut self.spare);
    }

    /// A layer's keys and values as the rows see them.
    pub(crate) fn of<'a>(&'a self, cache: &'a StepCache) -> CachedSteps<'a> {
        CachedSteps { cache, history: &self.slots, stride: self.stride, len: self.len }
    }
}

impl State {
    /// One row for each source, nothing decoded; the memory among the buffers holds the sources' keys and values for each layer.
    pub(crate) fn new(
        spec: &Spec,
        keep: Keep,
        sources: usize,
        mut buffers: Buffers,
        spare: SpareBuffers,
        room: Room,
    ) -> Self {
        let rows = room.rows.max(sources);
        let steps = room.steps.min(spec.max_positions().unwrap_or(usize::MAX)).min(MOST_STEPS);
        let width = spec.decoder.heads.width();
        let slots = rows.saturating_mul(steps).min(MOST_NUMBERS / width);
        let Buffers { caches, scratch, .. } = &mut buffers;
        caches.resize_with(spec.decoder.layers, || StepCache::new(keep, width));
        caches.iter_mut().for_each(|cache| {
            cache.clear();
            cache.reserve(slots);
        });
        scratch.x.at_least(rows * spec.d_model);
        scratch.spare.at_least(rows * spec.d_model);
        scratch.residual.reserve(rows * spec.d_model);
        scratch.attention.reserve(rows, width);
        scratch.feed_forward.reserve(rows, spec.decoder.d_ff);
        let mut state = Self {
            row_source: Vec::with_capacity(rows),
            spare_source: Vec::with_capacity(rows),
            groups: Vec::with_capacity(rows),
            history: History::new(rows, steps),
            bias: BiasLines::default(),
            buffers,
            spare,
        };
        state.row_source.extend(0..sources);
        state.group_rows();
        state
    }

    /// Rows alive.
    pub fn rows(&self) -> usize {
        self.row_source.len()
    }

    /// Steps taken.
    pub fn steps(&self) -> usize {
        self.history.len()
    }

    /// Gives each row its slot for the step that begins.
    pub(crate) fn begin_step(&mut self) {
        self.history.append(self.row_source.len());
    }

    /// Makes row `rows[r]` the new row `r`.
    pub(crate) fn select(&mut self, rows: &[usize]) {
        self.history.select(rows);
        self.spare_source.clear();
        self.spare_source.extend(rows.iter().map(|&row| self.row_source[row]));
        std::mem::swap(&mut self.row_source, &mut self.spare_source);
        self.group_rows();
    }

    fn group_rows(&mut self) {
        self.groups.clear();
        for (row, &source) in self.row_source.iter().enumerate() {
            match self.groups.last_mut() {
                Some(group) if group.source == source => group.rows += 1,
                _ => self.groups.push(Group { first_row: row, rows: 1, source }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selecting_moves_lines_of_slots() {
        let mut history = History::new(2, 4);
        history.append(2);
        history.append(2);
        history.select(&[1, 1, 0]);
        history.append(3);
        let line = |row: usize| &history.slots[row * 4..][..3];
        assert_eq!((line(0), line(1), line(2)), (&[1, 3, 4][..], &[1, 3, 5][..], &[0, 2, 6][..]));
    }

    #[test]
    fn a_history_that_outgrows_its_room_keeps_its_slots() {
        let mut history = History::new(2, 1);
        for _ in 0..5 {
            history.append(2);
        }
        assert_eq!(history.stride, 8);
        assert_eq!(history.slots[8..][..5], [1, 3, 5, 7, 9]);
    }
}
