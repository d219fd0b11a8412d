//! `y = x Wᵀ + bias` with quantised weights: rows are rounded, then the product is cut into pieces as in `matrix/linear.rs`.

use std::cell::Cell;

use super::activations::Rounding;
use super::tile::{Onto, QuantizedJob, QuantizedTiles};
use super::{DEPTH, EIGHTS, GROUP, Precision, QuantizedMatrix, WIDTH};
use crate::Kernels;
use crate::matrix::Blocks;
use crate::memory::{Ahead, Numbers, Shared};
use crate::pool::Pool;

/// Rows of a group at most: each panel comes from far once for so many rows.
const GROUP_ROWS: usize = 128;
/// Activations of a group's slice: 256 KiB, for an L2 cache of 512 KiB.
const SLICE: usize = 256 << 10;
/// Bytes of weights that are worth a task of their own when few rows stream through them: about 4 µs.
const STREAM_TASK: usize = 64 << 10;
/// How far ahead of what is read weights are asked for where one pass is all that reads them.
const STREAM_AHEAD: Ahead = Ahead::by(8 << 10);
/// Multiplications that are worth a task of their own when many rows share the weights: about 10 µs.
const BLOCK_TASK: usize = 2 << 20;
/// Numbers to round that are worth a task of their own: about 2 µs.
const ROUND_TASK: usize = 16 << 10;

thread_local! {
    /// Rounded activations, kept from call to call.
    static ROUNDED: Cell<Numbers> = const { Cell::new(Numbers::new()) };
}

/// `y = x Wᵀ + bias`; the caller has checked all lengths.
pub(crate) fn linear(
    kernels: &Kernels,
    pool: &Pool,
    x: &[f32],
    weights: &QuantizedMatrix,
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    let (inputs, outputs) = (weights.inputs, weights.outputs);
    let rows = x.len() / inputs;
    if rows == 0 || outputs == 0 {
        return;
    }
    let tiles = kernels.quantized();
    let blocks = Blocks { rows, count: rows.div_ceil(tiles.rows) };
    let widths = Widths::of(weights);
    let mut buffer = ROUNDED.take();
    let rounded = widths.cut(rows, buffer.at_least(widths.numbers(rows)));
    round(pool, x, weights, &blocks, tiles, &rounded, &widths);
    let product = Product {
        tiles,
        weights,
        rounded,
        widths,
        bias: bias.map(|bias| Shared(bias.as_ptr().cast_mut())),
        y: Shared(y.as_mut_ptr()),
    };
    if blocks.count == 1 {
        product.stream(pool, rows);
    } else {
        product.multiply(pool, &blocks);
    }
    ROUNDED.set(buffer);
}

/// Numbers of 32 bits that a rounded row takes in each array.
#[derive(Clone, Copy)]
struct Widths {
    quads: usize,
    scales: usize,
    starts: usize,
}

impl Widths {
    fn of(weights: &QuantizedMatrix) -> Self {
        let depth = weights.depth();
        let sum_over = match weights.precision {
            Precision::Int8 => DEPTH,
            Precision::Int4 => GROUP,
        };
        Self { quads: depth / EIGHTS, scales: depth.div_ceil(DEPTH), starts: depth.div_ceil(sum_over) }
    }

    fn numbers(&self, rows: usize) -> usize {
        rows * (self.quads + self.scales + self.starts)
    }

    /// The arrays of so many rows in one buffer.
    fn cut(&self, rows: usize, buffer: &mut [f32]) -> Rounded {
        let (quads, rest) = buffer.split_at_mut(rows * self.quads);
        let (scales, starts) = rest.split_at_mut(rows * self.scales);
        Rounded {
            quads: Shared(quads.as_mut_ptr().cast()),
            scales: Shared(scales.as_mut_ptr()),
            starts: Shared(starts.as_mut_ptr().cast()),
        }
    }
}

/// Rounded rows: in each array one row block after another.
#[derive(Clone, Copy)]
struct Rounded {
    quads: Shared<u8>,
    scales: Shared<f32>,
    starts: Shared<i32>,
}

/// Rounds the rows of all blocks.
fn round(
    pool: &Pool,
    x: &[f32],
    weights: &QuantizedMatrix,
    blocks: &Blocks,
    tiles: &QuantizedTiles,
    rounded: &Rounded,
    widths: &Widths,
) {
    let tasks = pool.tasks(x.len() / ROUND_TASK, blocks.count);
    pool.run(tasks, &|task| {
        for block in blocks.count * task / tasks..blocks.count * (task + 1) / tasks {
            let rows = blocks.range(block);
            let job = Rounding {
                x: &x[rows.start * weights.inputs..rows.end * weights.inputs],
                rows: rows.len(),
                inputs: weights.inputs,
                precision: weights.precision,
                quads: rounded.quads.get().wrapping_add(4 * rows.start * widths.quads),
                scales: rounded.scales.get().wrapping_add(rows.start * widths.scales),
                starts: rounded.starts.get().wrapping_add(rows.start * widths.starts),
            };
            // SAFETY: the table was handed out for this CPU; the arrays have room for every row of the widths, and those of different blocks do
            // not overlap.
            unsafe { (tiles.round)(&job) }
        }
    });
}

struct Product<'a> {
    tiles: &'a QuantizedTiles,
    weights: &'a QuantizedMatrix,
    rounded: Rounded,
    widths: Widths,
    bias: Option<Shared<f32>>,
    y: Shared<f32>,
}

impl Product<'_> {
    /// Few rows: every task streams a run of panels once, for all of them.
    fn stream(&self, pool: &Pool, rows: usize) {
        let panels = self.weights.outputs.div_ceil(WIDTH);
        let tasks = pool.tasks(self.weights.bytes() / STREAM_TASK, panels);
        pool.run(tasks, &|task| {
            let run = panels * task / tasks..panels * (task + 1) / tasks;
            self.tile(0..rows, run, 0..self.weights.depth(), STREAM_AHEAD);
        });
    }

    /// Many rows: every task multiplies a group of row blocks by a run of panels, a slice of the inputs at a time.
    fn multiply(&self, pool: &Pool, blocks: &Blocks) {
        let depth = self.weights.depth();
        let panels = self.weights.outputs.div_ceil(WIDTH);
        let groups = blocks.rows.div_ceil(GROUP_ROWS);
        let slice = (SLICE / (blocks.rows / groups) / DEPTH).max(1) * DEPTH;
        let work = blocks.rows * depth * panels * WIDTH / BLOCK_TASK;
        let runs = pool.tasks(work, panels * groups).div_ceil(groups);
        pool.run(runs * groups, &|task| {
            let (run, group) = (task / groups, task % groups);
            let run = panels * run / runs..panels * (run + 1) / runs;
            let group = blocks.count * group / groups..blocks.count * (group + 1) / groups;
            for first in (0..depth).step_by(slice) {
                for panel in run.clone() {
                    for block in group.clone() {
                        let depth = first..(first + slice).min(depth);
                        // While a panel meets all rows, the next one comes from memory.
                        let bytes = self.weights.offset(depth.end) - self.weights.offset(depth.start);
                        let (pass, passes) = (block - group.start, group.len());
                        let ahead = Ahead::share(pass, passes, bytes, self.weights.panel_bytes());
                        self.tile(blocks.range(block), panel..panel + 1, depth, ahead);
                    }
                }
            }
        });
    }

    /// One call of a tile: a block of rows against a run of panels over a slice of the inputs, which begins with a scale of the activations.
    fn tile(
        &self,
        rows: std::ops::Range<usize>,
        panels: std::ops::Range<usize>,
        depth: std::ops::Range<usize>,
        ahead: Ahead,
    ) {
        let (weights, widths) = (self.weights, &self.widths);
        let outputs = weights.outputs;
        let first = panels.start * WIDTH;
        let columns = (panels.end * WIDTH).min(outputs).saturating_sub(first);
        if columns == 0 {
            return;
        }
        let (tile, starts_of_slice) = match weights.precision {
            Precision::Int8 => (self.tiles.eight_bits[rows.len() - 1], depth.start / DEPTH),
            Precision::Int4 => (self.tiles.four_bits[rows.len() - 1], depth.start / GROUP),
        };
        let offset = weights.offset(depth.start);
        let quads = rows.start * widths.quads * size_of::<f32>()
            + depth.start / EIGHTS * rows.len() * size_of::<[i8; EIGHTS]>();
        let job = QuantizedJob {
            quads: self.rounded.quads.get().wrapping_add(quads),
            scales: self
                .rounded
                .scales
                .get()
                .wrapping_add(rows.start * widths.scales + depth.start / DEPTH * rows.len()),
            starts: self
                .rounded
                .starts
                .get()
                .wrapping_add(rows.start * widths.starts + starts_of_slice * rows.len()),
            panel: weights.block.start().wrapping_add(panels.start * weights.panel_bytes() + offset),
            scales_offset: weights.offset(weights.depth()) - offset,
            panel_bytes: weights.panel_bytes(),
            ahead,
            depth: depth.len(),
            y: self.y.get().wrapping_add(rows.start * outputs + first),
            y_stride: outputs,
            columns,
            onto: match (depth.start, self.bias) {
                (0, None) => Onto::Zero,
                (0, Some(bias)) => Onto::Bias(bias.get().wrapping_add(first)),
                _ => Onto::Sums,
            },
        };
        // SAFETY: the table was handed out for this CPU; `round` filled the arrays of these rows; the panels are in the matrix; the rows of `y` and the
        // bias are `outputs` wide (checked by the caller), and no other task has these outputs of these rows.
        unsafe { tile(&job) }
    }
}
