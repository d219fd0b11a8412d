//! Attention over whole sources: `softmax(scale · q Kᵀ + bias) V`, head by head.
//!
//! Both products run on the tiles of `matrix/tile.rs`, a block of query rows at a time, with the softmax between them while the scores
//! are in the L1 or L2 cache:
//!
//! ```text
//! unit = (group, head, block of at most tile_rows rows)
//!   q, scaled and interleaved [size][R]
//!   scores [R][tokens]    = tile(q, keys), starting from the bias: its line moves one number to the left from row to row
//!   scores                = exp(scores − max), their sums set aside
//!   p, interleaved [tokens][R]
//!   y [R][size]           = tile(p, values) / sums
//! ```
//!
//! Units are independent of each other, and a row's numbers of the other rows in its block, so neither the number of rows nor of threads
//! changes a bit. Beams of one source are one group: its keys and values are loaded once for all of them.

use std::cell::Cell;

use super::stored::{Keep, Kept, Pair, Stored};
use super::{Bias, Group, KeyValues, Strided};
use crate::Kernels;
use crate::matrix::interleave;
use crate::matrix::tile::{Job, MOST_ROWS, Start, Tiles};
use crate::memory::{Ahead, Numbers, Shared};
use crate::pool::Pool;

/// Multiplications that are worth a task of their own: about 10 µs.
const TASK: usize = 256 << 10;

thread_local! {
    /// Scores and interleaved operands of one unit, kept from call to call.
    static SCRATCH: Cell<Numbers> = const { Cell::new(Numbers::new()) };
}

/// What all units share.
struct Attention<'a> {
    kernels: &'a Kernels,
    queries: Strided<'a>,
    groups: &'a [Group],
    memory: &'a KeyValues,
    scale: f32,
    bias: Option<Bias<'a>>,
    y: Shared<f32>,
    weights: Option<Shared<f32>>,
    /// For whole panels, and for those of half the width.
    tiles: [&'a Tiles; 2],
}

/// One block of rows of one group and head.
#[derive(Clone, Copy)]
struct Unit {
    group: Group,
    /// Where the group's softmax weights begin.
    weights: usize,
    head: usize,
    /// Rows of the group.
    first: usize,
    rows: usize,
}

/// Attention of query rows over whole sources; the caller has checked all lengths.
#[allow(clippy::too_many_arguments)]
pub(crate) fn attend(
    kernels: &Kernels,
    pool: &Pool,
    queries: Strided<'_>,
    groups: &[Group],
    memory: &KeyValues,
    scale: f32,
    bias: Option<Bias<'_>>,
    y: &mut [f32],
    weights: Option<&mut [f32]>,
) {
    assert_eq!(
        memory.width,
        kernels.panel_width(),
        "keys and values are read by the kernels that packed them"
    );
    let y = Shared(y.as_mut_ptr());
    let weights = weights.map(|weights| Shared(weights.as_mut_ptr()));
    let attention = |keep| {
        let tiles = kernels.kept_tiles(keep);
        Attention { kernels, queries, groups, memory, scale, bias, y, weights, tiles }
    };
    match &memory.stored {
        Stored::Exact(pair) => attention(Keep::Exact).over(pair, pool),
        Stored::Rounded(pair) => attention(Keep::Rounded).over(pair, pool),
    }
}

impl Attention<'_> {
    fn over<T: Kept>(&self, pair: &Pair<T>, pool: &Pool) {
        let (groups, memory) = (self.groups, self.memory);
        let units = groups.iter().map(|group| self.units(group)).sum::<usize>();
        let work = groups.iter().map(|group| group.rows * memory.source_len(group.source)).sum::<usize>();
        let tasks = pool.tasks(2 * work * memory.heads * memory.size / TASK, units);
        pool.run(tasks, &|task| {
            let mut scratch = SCRATCH.take();
            self.run(pair, units * task / tasks..units * (task + 1) / tasks, &mut scratch);
            SCRATCH.set(scratch);
        });
    }

    fn blocks(&self, group: &Group) -> usize {
        group.rows.div_ceil(self.kernels.tile_rows())
    }

    fn units(&self, group: &Group) -> usize {
        self.blocks(group) * self.memory.heads
    }

    /// Runs a range of units, counted through groups, heads and blocks.
    fn run<T: Kept>(&self, pair: &Pair<T>, range: std::ops::Range<usize>, scratch: &mut Numbers) {
        let (mut first_unit, mut weights) = (0, 0);
        for group in self.groups {
            let (units, blocks) = (self.units(group), self.blocks(group));
            let mine = range.start.max(first_unit)..range.end.min(first_unit + units);
            for unit in mine {
                let (head, block) = ((unit - first_unit) / blocks, (unit - first_unit) % blocks);
                let rows = group.rows * block / blocks..group.rows * (block + 1) / blocks;
                let unit = Unit { group: *group, weights, head, first: rows.start, rows: rows.len() };
                self.unit(pair, unit, scratch);
            }
            first_unit += units;
            weights += self.memory.heads * group.rows * self.memory.source_len(group.source);
        }
    }

    fn unit<T: Kept>(&self, pair: &Pair<T>, unit: Unit, scratch: &mut Numbers) {
        let (size, width) = (self.memory.size, self.memory.heads().width());
        let source = self.memory.sources[unit.group.source];
        let (rows, tokens) = (unit.rows, source.tokens);
        let first_row = unit.group.first_row + unit.first;
        // SAFETY: the caller checked that y is as wide as the heads and has the group's rows, and no other unit has this head of these.
        let y = |r: usize| unsafe {
            std::slice::from_raw_parts_mut(self.y.get().add((first_row + r) * width + unit.head * size), size)
        };
        if tokens == 0 {
            (0..rows).for_each(|r| y(r).fill(0.0));
            return;
        }
        // Rows of scores stand an odd number of cache lines apart, so that they do not compete for the same set of the L1 cache.
        let stride = tokens.div_ceil(32) * 32 + 16;
        let (scores, operand) =
            scratch.at_least(rows * stride + rows * size.max(tokens)).split_at_mut(rows * stride);

        let first_query = &self.queries.data[first_row * self.queries.stride + unit.head * size..];
        interleave(Strided { data: first_query, stride: self.queries.stride }, rows, size, operand);
        if self.scale != 1.0 {
            operand[..rows * size].iter_mut().for_each(|x| *x *= self.scale);
        }
        let keys = &pair.keys.as_slice()[source.first_key + unit.head * source.keys_per_head..];
        let start = match self.bias {
            None => Start::Zero,
            Some(bias) => {
                let line = &bias.values[unit.head * bias.stride..][..bias.stride];
                // The first row's line; rows further down start further to the left (checked by the caller).
                Start::At { first: line[bias.origin - unit.first..].as_ptr(), row_step: -1 }
            }
        };
        let [tile, narrow_tile] = self.tiles.map(|tiles| tiles.by_rows[rows - 1]);
        let job = Job {
            x: operand.as_ptr(),
            weights: keys[..source.keys_per_head].as_ptr().cast(),
            panel_stride: self.memory.width * size,
            ahead: Ahead::NOTHING,
            depth: size,
            y: scores.as_mut_ptr(),
            y_stride: stride,
            columns: tokens,
            start,
        };
        // SAFETY: this CPU has the kernels; the operand holds `rows * size` numbers, the keys all panels of `tokens` outputs,
        // each row of scores `stride >= tokens` numbers, and the bias line `tokens` numbers from each row's start.
        unsafe { tile(&job) };

        let mut sums = [0.0; MOST_ROWS];
        for (r, sum) in sums.iter_mut().enumerate().take(rows) {
            let row = &mut scores[r * stride..][..tokens];
            if !self.memory.mask.is_empty() {
                self.kernels.add(&self.memory.mask[source.first_token..][..tokens], row);
            }
            *sum = self.kernels.exponentials(row);
            let scale = if *sum == 0.0 { 0.0 } else { 1.0 / *sum };
            *sum = scale;
            if let Some(weights) = self.weights {
                let row_in_group = unit.head * unit.group.rows + unit.first + r;
                // SAFETY: the caller checked the length, and no other unit has this row.
                let target = unsafe {
                    std::slice::from_raw_parts_mut(
                        weights.get().add(unit.weights + row_in_group * tokens),
                        tokens,
                    )
                };
                target.iter_mut().zip(&*row).for_each(|(y, x)| *y = x * scale);
            }
        }
        interleave(Strided { data: scores, stride }, rows, tokens, operand);

        let values = &pair.values.as_slice()[source.first_value + unit.head * source.values_per_head..];
        // Whole panels, and what is left over in a narrower one.
        let whole = size / self.memory.width * self.memory.width;
        let last = size - whole;
        let last_tile = if last <= self.kernels.narrow_width() { narrow_tile } else { tile };
        for (first, columns, tile) in [(0, whole, tile), (whole, last, last_tile)] {
            if columns > 0 {
                let job = Job {
                    x: operand.as_ptr(),
                    weights: values[first * tokens..source.values_per_head].as_ptr().cast(),
                    panel_stride: self.memory.width * tokens,
                    ahead: Ahead::NOTHING,
                    depth: tokens,
                    y: y(0)[first..].as_mut_ptr(),
                    y_stride: width,
                    columns,
                    start: Start::Zero,
                };
                // SAFETY: as above; y has `columns` numbers from here in each of `rows` rows, `width` apart.
                unsafe { tile(&job) };
            }
        }
        for (r, scale) in sums.into_iter().enumerate().take(rows) {
            y(r).iter_mut().for_each(|y| *y *= scale);
        }
    }
}
