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
    let packed_keys = Shared(memory.keys.at_least(first_key).as_mut_ptr());
    let packed_values = Shared(memory.values.at_least(first_value).as_mut_ptr());
    let sources = &memory.sources;
    let units = sources.len() * heads.count;
    let tasks = pool.tasks((first_key + first_value) / TASK, units);
    pool.run(tasks, &|task| {
        for unit in units * task / tasks..units * (task + 1) / tasks {
            let (source, head) = (sources[unit / heads.count], unit % heads.count);
            // SAFETY: the buffers are as long as all sources together, and this task alone has this source and head.
            let (packed_keys, packed_values) = unsafe {
                let keys = packed_keys.get().add(source.first_key + head * source.keys_per_head);
                let values = packed_values.get().add(source.first_value + head * source.values_per_head);
                (
                    std::slice::from_raw_parts_mut(keys, source.keys_per_head),
                    std::slice::from_raw_parts_mut(values, source.values_per_head),
                )
            };
            pack_head(keys, source, head, heads.size, width, packed_keys);
            for token in 0..source.tokens {
                let row = &values.data[(source.first_token + token) * values.stride + head * heads.size..];
                for (panel, columns) in row[..heads.size].chunks(width).enumerate() {
                    // Only the last panel may be narrower.
                    let own_width = kernels.value_width(columns.len());
                    let target =
                        &mut packed_values[panel * source.tokens * width + token * own_width..][..own_width];
                    target[..columns.len()].copy_from_slice(columns);
                    target[columns.len()..].fill(0.0);
                }
            }
        }
    });
}

/// Transposes one head's keys into panels.
fn pack_head(keys: Strided<'_>, source: Source, head: usize, size: usize, width: usize, packed: &mut [f32]) {
    for (panel, packed) in packed.chunks_exact_mut(width * size).enumerate() {
        for lane in 0..width {
            let token = panel * width + lane;
            let lanes = packed[lane..].iter_mut().step_by(width);
            if token < source.tokens {
                let row = &keys.data[(source.first_token + token) * keys.stride + head * size..][..size];
                lanes.zip(row).for_each(|(y, x)| *y = *x);
            } else {
                lanes.for_each(|y| *y = 0.0);
            }
        }
    }
}
