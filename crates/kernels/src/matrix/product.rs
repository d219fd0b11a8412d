//! `y = x Wᵀ` where neither factor is kept: the products of training.
//!
//! A training step multiplies with every weight three times, and each time one of the factors stands the wrong way around:
//!
//! ```text
//! forward      y  [rows, outputs]  = x  [rows, inputs] · W [outputs, inputs]ᵀ
//! backward     dx [rows, inputs]   = dy [rows, outputs] · W
//!              dW [outputs, inputs] = dyᵀ · x
//! ```
//!
//! All three are the product of `linear.rs`, with [`Factor`] saying how a factor is stored. Both are copied into the order that the tiles read
//! (`x` interleaved by row blocks, `w` in panels), into buffers of the calling thread that are kept for the next call; that costs a
//! few percent of a product with some hundred rows, and nothing has to be packed beforehand.

use std::cell::Cell;

use super::FloatMatrix;
use super::interleave;
use super::linear::{Blocks, GROUP_ROWS, SLICE};
use super::tile::{DEPTH_BLOCK, Job, Start};
use crate::attention::Strided;
use crate::memory::{Ahead, Block, Numbers, Shared};
use crate::pool::Pool;
use crate::{Dtype, Kernels};

/// Multiplications that are worth a task of their own.
const TASK: usize = 512 << 10;
/// Numbers to copy that are worth a task of their own.
const COPY_TASK: usize = 64 << 10;

/// A factor of a product: `count` lines of `depth` numbers, over which the product sums.
#[derive(Clone, Copy, Debug)]
pub enum Factor<'a> {
    /// Stored line by line: `[count, depth]`.
    Lines(&'a [f32]),
    /// Stored the other way around: `[depth, count]`.
    Across(&'a [f32]),
}

impl Factor<'_> {
    /// The numbers that are stored.
    pub(crate) fn len(&self) -> usize {
        let (Self::Lines(data) | Self::Across(data)) = self;
        data.len()
    }

    /// Writes the lines `first .. first + lines` as `[depth, width]`; what fills up the width is zero.
    fn interleave(
        &self,
        count: usize,
        depth: usize,
        first: usize,
        lines: usize,
        width: usize,
        y: &mut [f32],
    ) {
        match *self {
            Factor::Lines(data) if lines == width => {
                interleave(Strided { data: &data[first * depth..], stride: depth }, lines, depth, y);
            }
            Factor::Lines(data) => {
                for (k, y) in y.chunks_exact_mut(width).enumerate() {
                    y[lines..].fill(0.0);
                    (0..lines).for_each(|line| y[line] = data[(first + line) * depth + k]);
                }
            }
            Factor::Across(data) => {
                for (x, y) in data.chunks_exact(count).zip(y.chunks_exact_mut(width)) {
                    y[..lines].copy_from_slice(&x[first..first + lines]);
                    y[lines..].fill(0.0);
                }
            }
        }
    }
}

/// What a product is added to.
#[derive(Clone, Copy, Debug)]
pub enum Onto<'a> {
    /// Nothing: `y` is written.
    Nothing,
    /// A number for each output, the same in every row.
    Bias(&'a [f32]),
    /// What `y` holds.
    Itself,
}

thread_local! {
    static LEFT: Cell<Numbers> = const { Cell::new(Numbers::new()) };
    static RIGHT: Cell<Numbers> = const { Cell::new(Numbers::new()) };
}

/// Panels of a factor, in memory of their own.
pub(crate) fn pack_factor(
    kernels: &Kernels,
    pool: &Pool,
    w: Factor<'_>,
    outputs: usize,
    depth: usize,
) -> FloatMatrix {
    let width = kernels.panel_width();
    let numbers = outputs.div_ceil(width) * width * depth;
    let block = Block::new(numbers * size_of::<f32>());
    // SAFETY: the block holds as many numbers, and `panels` writes every one of them before it is read.
    let target = unsafe {
        let start = block.start().cast::<f32>();
        start.write_bytes(0, numbers);
        std::slice::from_raw_parts_mut(start, numbers)
    };
    panels(pool, w, outputs, depth, width, target);
    FloatMatrix { outputs, inputs: depth, dtype: Dtype::F32, width, block }
}

fn panels(pool: &Pool, w: Factor<'_>, outputs: usize, depth: usize, width: usize, y: &mut [f32]) {
    let count = outputs.div_ceil(width);
    let tasks = pool.tasks(y.len() / COPY_TASK, count);
    let target = Shared(y.as_mut_ptr());
    pool.run(tasks, &|task| {
        for panel in count * task / tasks..count * (task + 1) / tasks {
            let first = panel * width;
            // SAFETY: each panel is a piece of `y` of its own, inside it.
            let y = unsafe { std::slice::from_raw_parts_mut(target.get().add(first * depth), width * depth) };
            w.interleave(outputs, depth, first, width.min(outputs - first), width, y);
        }
    });
}

/// `y = onto + x wᵀ`: `x` has `rows` lines, `w` `outputs` lines, both `depth` deep; `y` is `[rows, outputs]`. Lengths are checked.
#[allow(clippy::too_many_arguments)]
pub(crate) fn product(
    kernels: &Kernels,
    pool: &Pool,
    x: Factor<'_>,
    w: Factor<'_>,
    [rows, outputs, depth]: [usize; 3],
    onto: Onto<'_>,
    y: &mut [f32],
) {
    if rows == 0 || outputs == 0 {
        return;
    }
    let width = kernels.panel_width();
    let (mut left, mut right) = (LEFT.take(), RIGHT.take());
    let blocks = Blocks { rows, count: rows.div_ceil(kernels.tile_rows()) };
    let interleaved = left.at_least(rows * depth);
    let target = Shared(interleaved.as_mut_ptr());
    let tasks = pool.tasks(rows * depth / COPY_TASK, blocks.count);
    pool.run(tasks, &|task| {
        for block in blocks.count * task / tasks..blocks.count * (task + 1) / tasks {
            let range = blocks.range(block);
            let (first, lines) = (range.start, range.len());
            // SAFETY: each block of rows is a piece of the buffer of its own, inside it.
            let y = unsafe { std::slice::from_raw_parts_mut(target.get().add(first * depth), lines * depth) };
            x.interleave(rows, depth, first, lines, lines, y);
        }
    });
    let count = outputs.div_ceil(width);
    let packed = right.at_least(count * width * depth);
    panels(pool, w, outputs, depth, width, packed);
    multiply(kernels, pool, interleaved, packed, &blocks, [outputs, depth], onto, y);
    LEFT.set(left);
    RIGHT.set(right);
}

/// The product of factors in the tiles' order, cut as in `linear.rs`.
#[allow(clippy::too_many_arguments)]
fn multiply(
    kernels: &Kernels,
    pool: &Pool,
    x: &[f32],
    w: &[f32],
    blocks: &Blocks,
    [outputs, depth]: [usize; 2],
    onto: Onto<'_>,
    y: &mut [f32],
) {
    let (width, tiles) = (kernels.panel_width(), kernels.tiles(Dtype::F32));
    let panels = outputs.div_ceil(width);
    let groups = blocks.rows.div_ceil(GROUP_ROWS);
    let slice = (SLICE / blocks.rows.div_ceil(groups) / DEPTH_BLOCK).max(1) * DEPTH_BLOCK;
    let runs = pool.tasks(blocks.rows * depth * panels * width / TASK, panels * groups).div_ceil(groups);
    let target = Shared(y.as_mut_ptr());
    pool.run(runs * groups, &|task| {
        let (run, group) = (task / groups, task % groups);
        let run = panels * run / runs..panels * (run + 1) / runs;
        let group = blocks.count * group / groups..blocks.count * (group + 1) / groups;
        for first in (0..depth.max(1)).step_by(slice) {
            let deep = slice.min(depth - first);
            for panel in run.clone() {
                for block in group.clone() {
                    let rows = blocks.range(block);
                    let column = panel * width;
                    let y = target.get().wrapping_add(rows.start * outputs + column);
                    let start = match onto {
                        Onto::Nothing if first == 0 => Start::Zero,
                        Onto::Bias(bias) if first == 0 => {
                            Start::At { first: bias.as_ptr().wrapping_add(column), row_step: 0 }
                        }
                        _ => Start::At { first: y, row_step: outputs as isize },
                    };
                    let job = Job {
                        x: x[rows.start * depth + first * rows.len()..].as_ptr(),
                        weights: w[column * depth + first * width..].as_ptr().cast(),
                        panel_stride: width * depth,
                        ahead: Ahead::NOTHING,
                        depth: deep,
                        y,
                        y_stride: outputs,
                        columns: width.min(outputs - column),
                        start,
                    };
                    // SAFETY: the kernels table was handed out for this CPU; block and panel hold `deep` inputs from `first` on in the
                    // tiles' order; `y` and the bias are `outputs` wide, and no other task has these columns of these rows.
                    unsafe { tiles.by_rows[rows.len() - 1](&job) }
                }
            }
        }
    });
}
