//! `y = x Wᵀ + bias`: how a product is cut into pieces for the tiles and the threads.
//!
//! **Few rows** (decoding: no more than a tile takes). The product is a walk through the weights, and its speed that of the memory they
//! come from. Each task streams a contiguous run of panels once, for all rows.
//!
//! **Many rows** (encoding). The product is arithmetic, and its speed that of the multipliers if they are fed from near caches:
//!
//! ```text
//! for each task = (row group, run of panels):        W: panels →
//!   for each slice of inputs                        x ┌──────────────┐
//!     for each panel of the run                       │ group of row │   the group's slice of x stays in the L2 cache,
//!       for each row block of the group               │ blocks       │   a panel's slice is read from far once per group,
//!         tile                                        └──────────────┘   the tile's sums stay in registers
//! ```
//!
//! `x` is interleaved beforehand, row block by row block, into a buffer of the calling thread that is kept for the next call.

use std::cell::Cell;

use super::tile::{DEPTH_BLOCK, Job, Start, Tiles};
use super::{FloatMatrix, interleave};
use crate::Kernels;
use crate::attention::Strided;
use crate::memory::{Ahead, Numbers, Shared};
use crate::pool::Pool;

/// Rows of a group at most: each panel comes from far once for so many rows, 48 operations a byte.
pub(crate) const GROUP_ROWS: usize = 96;
/// Numbers of `x` in a group's slice: 288 KiB, which leaves room in an L2 cache of 512 KiB for a panel's slice and the results.
pub(crate) const SLICE: usize = GROUP_ROWS * 768;
/// Bytes of weights that are worth a task of their own when few rows stream through them: about 5 µs.
const STREAM_TASK: usize = 96 << 10;
/// How far ahead of what is read weights are asked for where one pass is all that reads them.
const STREAM_AHEAD: Ahead = Ahead::by(8 << 10);
/// Multiplications that are worth a task of their own when many rows share the weights: about 10 µs.
const BLOCK_TASK: usize = 512 << 10;

thread_local! {
    /// Interleaved `x`, kept from call to call.
    static INTERLEAVED: Cell<Numbers> = const { Cell::new(Numbers::new()) };
}

/// `y = x Wᵀ + bias`; the caller has checked all lengths.
pub(crate) fn linear(
    kernels: &Kernels,
    pool: &Pool,
    x: &[f32],
    weights: &FloatMatrix,
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    let (inputs, outputs) = (weights.inputs, weights.outputs);
    let rows = x.len() / inputs;
    if rows == 0 || outputs == 0 {
        return;
    }
    assert_eq!(weights.width, kernels.panel_width(), "a matrix is multiplied by the kernels that packed it");
    let product = Product {
        tiles: kernels.tiles(weights.dtype),
        most_rows: kernels.tile_rows(),
        weights,
        bias: bias.map(<[f32]>::as_ptr),
        y: Shared(y.as_mut_ptr()),
    };
    if rows == 1 {
        product.stream(pool, x, rows);
        return;
    }
    let mut buffer = INTERLEAVED.take();
    let interleaved = buffer.at_least(rows * inputs);
    let blocks = Blocks { rows, count: rows.div_ceil(product.most_rows) };
    interleave_blocks(pool, x, inputs, &blocks, interleaved);
    if blocks.count == 1 {
        product.stream(pool, interleaved, rows);
    } else {
        product.multiply(pool, interleaved, &blocks);
    }
    INTERLEAVED.set(buffer);
}

struct Product<'a> {
    tiles: &'a Tiles,
    most_rows: usize,
    weights: &'a FloatMatrix,
    bias: Option<*const f32>,
    y: Shared<f32>,
}

// SAFETY: the bias pointer comes from a slice that outlives the product and is only read.
unsafe impl Sync for Product<'_> {}

impl Product<'_> {
    /// Few rows: every task streams a run of panels. `x` is interleaved.
    fn stream(&self, pool: &Pool, x: &[f32], rows: usize) {
        let panels = self.weights.outputs.div_ceil(self.weights.width);
        let panel_bytes = self.weights.width * self.weights.inputs * self.weights.dtype.size();
        let tasks = pool.tasks(panels * panel_bytes / STREAM_TASK, panels);
        pool.run(tasks, &|task| {
            let run = panels * task / tasks..panels * (task + 1) / tasks;
            self.tile(x, rows, 0, run, 0..self.weights.inputs, STREAM_AHEAD);
        });
    }

    /// Many rows: every task multiplies a group of row blocks by a run of panels.
    fn multiply(&self, pool: &Pool, x: &[f32], blocks: &Blocks) {
        let (inputs, width) = (self.weights.inputs, self.weights.width);
        let panels = self.weights.outputs.div_ceil(width);
        let panel_bytes = width * inputs * self.weights.dtype.size();
        let groups = blocks.rows.div_ceil(GROUP_ROWS);
        let group_rows = blocks.rows / groups;
        let slice = (SLICE / group_rows / DEPTH_BLOCK).max(1) * DEPTH_BLOCK;
        let work = blocks.rows * inputs * panels * width / BLOCK_TASK;
        let runs = pool.tasks(work, panels * groups).div_ceil(groups);
        // Neighbouring tasks share a run of panels, which then comes from memory once for all threads.
        pool.run(runs * groups, &|task| {
            let (run, group) = (task / groups, task % groups);
            let run = panels * run / runs..panels * (run + 1) / runs;
            let group = blocks.count * group / groups..blocks.count * (group + 1) / groups;
            for first in (0..inputs).step_by(slice) {
                let depth = first..(first + slice).min(inputs);
                for panel in run.clone() {
                    for block in group.clone() {
                        let rows = blocks.range(block);
                        let x = &x[rows.start * inputs..rows.end * inputs];
                        // While a panel meets all rows, the next one comes from memory.
                        let bytes = depth.len() * panel_bytes / inputs;
                        let ahead = Ahead::share(block - group.start, group.len(), bytes, panel_bytes);
                        self.tile(x, rows.len(), rows.start, panel..panel + 1, depth.clone(), ahead);
                    }
                }
            }
        });
    }

    /// One call of a tile: `rows` rows (`x`, interleaved) against a run of panels over a range of inputs.
    fn tile(
        &self,
        x: &[f32],
        rows: usize,
        first_row: usize,
        panels: std::ops::Range<usize>,
        depth: std::ops::Range<usize>,
        ahead: Ahead,
    ) {
        let (inputs, outputs, width) = (self.weights.inputs, self.weights.outputs, self.weights.width);
        let first = panels.start * width;
        let last = (panels.end * width).min(outputs);
        if first >= last {
            return;
        }
        let x = &x[depth.start * rows..depth.end * rows];
        let weight = (first * inputs + depth.start * width) * self.weights.dtype.size();
        let y = self.y.get().wrapping_add(first_row * outputs + first);
        let job = Job {
            x: x.as_ptr(),
            weights: self.weights.block.start().cast_const().wrapping_add(weight),
            panel_stride: width * inputs,
            ahead,
            depth: depth.len(),
            y,
            y_stride: outputs,
            columns: last - first,
            start: match (depth.start, self.bias) {
                (0, None) => Start::Zero,
                (0, Some(bias)) => Start::At { first: bias.wrapping_add(first), row_step: 0 },
                _ => Start::At { first: y, row_step: outputs as isize },
            },
        };
        // SAFETY: the kernels table was handed out for this CPU; `x` was just cut to `rows * depth` numbers; the
        // panels up to output `last` are in the matrix; rows `first_row..first_row + rows` of `y` and the bias are `outputs` wide
        // (checked by the caller), and no other task has this range of outputs of these rows.
        unsafe { self.tiles.by_rows[rows - 1](&job) }
    }
}

/// Rows cut into blocks of nearly equal size, none larger than a tile takes.
pub(crate) struct Blocks {
    pub(crate) rows: usize,
    pub(crate) count: usize,
}

impl Blocks {
    pub(crate) fn range(&self, block: usize) -> std::ops::Range<usize> {
        self.rows * block / self.count..self.rows * (block + 1) / self.count
    }
}

/// Rewrites each block of rows as `[inputs, rows of the block]`.
fn interleave_blocks(pool: &Pool, x: &[f32], inputs: usize, blocks: &Blocks, y: &mut [f32]) {
    const TASK: usize = 64 << 10;
    let y = Shared(y.as_mut_ptr());
    let tasks = pool.tasks(x.len() / TASK, blocks.count);
    pool.run(tasks, &|task| {
        for block in blocks.count * task / tasks..blocks.count * (task + 1) / tasks {
            let rows = blocks.range(block);
            // SAFETY: `y` is as long as `x`, and block ranges do not overlap.
            let y = unsafe {
                std::slice::from_raw_parts_mut(y.get().add(rows.start * inputs), rows.len() * inputs)
            };
            let data = &x[rows.start * inputs..rows.end * inputs];
            interleave(Strided { data, stride: inputs }, rows.len(), inputs, y);
        }
    });
}
