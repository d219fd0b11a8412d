//! Packing of keys and values: both become the panels of a matrix product.
//!
//! For each source and head,
//!
//! ```text
//! scores = q Kᵀ    K [tokens, size] as weights with a token for an output:   panels of `width` tokens, size-major
//! y      = p V     V [tokens, size] as weights with a token for an input:    panels of `width` columns, token-major
//! ```
//!
//! so that scores are computed for a register of positions at a time, and values for a register of columns, by the same tiles as
//! every other product (`matrix/tile.rs`). Positions and columns that fill up a panel are zero. Where the last columns need no more than half
//! a panel, theirs is half as wide: heads of 40 columns would otherwise be multiplied as if they had 64.

use super::stored::{Kept, Pair, Stored};
use super::{Heads, KeyValues, Source, Strided};
use crate::Kernels;
use crate::memory::Shared;
use crate::pool::Pool;

/// Numbers that are worth a task of their own.
const TASK: usize = 32 << 10;

/// Packs sources that stand one after another; the caller has checked that `keys` and `values` hold as many rows as `lengths` says.
#[allow(clippy::too_many_arguments)]
pub(crate) fn pack_key_values(
    pool: &Pool,
    kernels: &Kernels,
    keys: Strided<'_>,
    values: Strided<'_>,
    lengths: &[usize],
    masked: &[bool],
    heads: Heads,
    memory: &mut KeyValues,
) {
    let width = kernels.panel_width();
    memory.heads = heads.count;
    memory.size = heads.size;
    memory.width = width;
    memory.sources.clear();
    let (mut first_token, mut first_key, mut first_value) = (0, 0, 0);
    for &tokens in lengths {
        let keys_per_head = tokens.next_multiple_of(width) * heads.size;
        let values_per_head = kernels.value_width(heads.size) * tokens;
        memory.sources.push(Source {
            first_token,
            tokens,
            first_key,
            keys_per_head,
            first_value,
            values_per_head,
        });
        first_token += tokens;
        first_key += keys_per_head * heads.count;
        first_value += values_per_head * heads.count;
    }
    memory.mask.clear();
    if masked.contains(&true) {
        memory.mask.extend(masked.iter().map(|&masked| if masked { f32::NEG_INFINITY } else { 0.0 }));
    }
    let packing = Packing { kernels, keys, values, sources: &memory.sources, heads, width };
    match &mut memory.stored {
        Stored::Exact(pair) => packing.run(pool, pair, first_key, first_value),
        Stored::Rounded(pair) => packing.run(pool, pair, first_key, first_value),
    }
}

/// What all heads of all sources share.
struct Packing<'a> {
    kernels: &'a Kernels,
    keys: Strided<'a>,
    values: Strided<'a>,
    sources: &'a [Source],
    heads: Heads,
    /// Of a panel.
    width: usize,
}

impl Packing<'_> {
    fn run<T: Kept>(&self, pool: &Pool, pair: &mut Pair<T>, keys: usize, values: usize) {
        let packed_keys = Shared(pair.keys.at_least(keys).as_mut_ptr());
        let packed_values = Shared(pair.values.at_least(values).as_mut_ptr());
        let units = self.sources.len() * self.heads.count;
        let tasks = pool.tasks((keys + values) / TASK, units);
        pool.run(tasks, &|task| {
            for unit in units * task / tasks..units * (task + 1) / tasks {
                let (source, head) = (self.sources[unit / self.heads.count], unit % self.heads.count);
                // SAFETY: the buffers are as long as all sources together, and this task alone has this source and head.
                let (keys, values) = unsafe {
                    let keys = packed_keys.get().add(source.first_key + head * source.keys_per_head);
                    let values = packed_values.get().add(source.first_value + head * source.values_per_head);
                    (
                        std::slice::from_raw_parts_mut(keys, source.keys_per_head),
                        std::slice::from_raw_parts_mut(values, source.values_per_head),
                    )
                };
                self.pack_keys(source, head, keys);
                self.pack_values(source, head, values);
            }
        });
    }

    /// One head's part of a token's row.
    fn row<'a>(&self, rows: Strided<'a>, token: usize, head: usize) -> &'a [f32] {
        &rows.data[token * rows.stride + head * self.heads.size..][..self.heads.size]
    }

    /// Transposes one head's keys into panels.
    fn pack_keys<T: Kept>(&self, source: Source, head: usize, packed: &mut [T]) {
        const PART: usize = 64;
        let mut rounded = [T::ZERO; PART];
        let width = self.width;
        for (panel, packed) in packed.chunks_exact_mut(width * self.heads.size).enumerate() {
            for lane in 0..width {
                let token = panel * width + lane;
                let mut lanes = packed[lane..].iter_mut().step_by(width);
                if token < source.tokens {
                    for part in self.row(self.keys, source.first_token + token, head).chunks(PART) {
                        let rounded = &mut rounded[..part.len()];
                        T::round(self.kernels, part, rounded);
                        rounded.iter().zip(&mut lanes).for_each(|(x, y)| *y = *x);
                    }
                } else {
                    lanes.for_each(|y| *y = T::ZERO);
                }
            }
        }
    }

    /// Cuts one head's values into panels of columns; only the last may be narrower.
    fn pack_values<T: Kept>(&self, source: Source, head: usize, packed: &mut [T]) {
        let width = self.width;
        for token in 0..source.tokens {
            let row = self.row(self.values, source.first_token + token, head);
            for (panel, columns) in row.chunks(width).enumerate() {
                let own_width = self.kernels.value_width(columns.len());
                let target = &mut packed[panel * source.tokens * width + token * own_width..][..own_width];
                let (target, rest) = target.split_at_mut(columns.len());
                T::round(self.kernels, columns, target);
                rest.fill(T::ZERO);
            }
        }
    }
}
