//! The inner loop of every matrix product: a few rows of `x` against panels of packed weights.
//!
//! ```text
//! y[r][o] = start[r][o] + Σ_k x[r][k] · w[o][k]            r < ROWS, o over the outputs of the panels
//!
//! x, interleaved            w, panels of WIDTH = VECTORS · LANES outputs, k-major, tail outputs zero
//! k=0: x00 x10 x20 …        panel 0: k=0: w00 w10 w20 … w(WIDTH-1)0     one or two cache lines
//! k=1: x01 x11 x21 …                 k=1: w01 w11 w21 …
//! …                         panel 1: k=0: …
//! ```
//!
//! **Contract.** Element `(r, o)` is summed by one accumulator in order of `k`, afresh for every [`DEPTH_BLOCK`] inputs,
//! and the block sums are added to `y` one after another. Nothing in this order depends on the number of rows, on the
//! panel's neighbours or on the thread, so a row's result is the same to the last bit alone, in a batch, and on any number of threads.
//!
//! Tricks, with what each bought on a Zen 4 core (AVX-512, 115 GFLOP/s at most; `docs/kernels.md` has the commands):
//! 1. *ROWS × VECTORS sums stay in registers* over a whole block of inputs; each register of weights is used ROWS times, each broadcast
//!    of `x` VECTORS times: 115 GFLOP/s from the cache with 4 to 12 rows, that is all of it.
//! 2. *Interleaved `x`*: one pointer with constant offsets instead of ROWS pointers, and no two rows on the same set of the L1 cache
//!    (rows of 1024 · n numbers would all fall on one). Not measured against rows as they come.
//! 3. *Fresh sums per block* cost one addition in [`DEPTH_BLOCK`] and keep rounding errors those of a short sum.
//! 4. *Results are written in a loop without branches* where a panel is whole; a `break` on the last column sent all sums through the
//!    stack at the end of every block.
//! 5. *Four panels side by side* for one row at eight lanes: 65 → 86 GB/s from the cache for f32, 32 → 86 GB/s for f16.
//!
//! Tried and dropped: prefetching the weights 1 to 8 KiB ahead. The CPU sees a contiguous stream by itself; the extra instructions took one
//! row from 95 to 77 GB/s in the cache, and from 29 to 26 GB/s out of memory. Two or four panels side by side at sixteen
//! lanes: nothing from the cache, 5 to 10 % slower from memory.
//!
//! `linear.rs` says who cuts a product into these pieces.

// Loops over constant ranges with indices: iterators made the compiler keep the sums in memory.
#![allow(clippy::needless_range_loop)]

use crate::memory::{Ahead, Asking, CACHE_LINE};
use crate::simd::Simd;

/// Inputs that are summed before the sum is added to `y`. Part of the numerical contract: changing it changes last bits.
pub(crate) const DEPTH_BLOCK: usize = 256;

/// The most rows that a tile function exists for, at any level.
pub(crate) const MOST_ROWS: usize = 12;

/// Panels that a single row takes side by side where registers are short: two sums of eight or four numbers wait for each other's
/// latency, two of sixteen load weights faster than any cache delivers them.
const SIDE_BY_SIDE: usize = 4;

/// Rows from which on a tile asks for weights ahead of time: fewer are as fast as memory, and the CPU sees the stream by itself.
const PREFETCHING_ROWS: usize = 4;

/// A stored weight that widens to `f32` in registers.
pub(crate) trait Weight: Copy {
    /// Loads a register of weights.
    ///
    /// # Safety
    /// `LANES` weights must be readable at `source`.
    unsafe fn load<S: Simd>(simd: S, source: *const Self) -> S::F;
}

/// The bits of an IEEE 16-bit float.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct HalfBits(pub(crate) u16);

/// The bits of a bfloat16.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct BrainBits(pub(crate) u16);

impl Weight for f32 {
    #[inline(always)]
    unsafe fn load<S: Simd>(simd: S, source: *const f32) -> S::F {
        // SAFETY: as the caller promises.
        unsafe { simd.load(source) }
    }
}

impl Weight for HalfBits {
    #[inline(always)]
    unsafe fn load<S: Simd>(simd: S, source: *const Self) -> S::F {
        // SAFETY: as the caller promises.
        unsafe { simd.load_f16(source.cast()) }
    }
}

impl Weight for BrainBits {
    #[inline(always)]
    unsafe fn load<S: Simd>(simd: S, source: *const Self) -> S::F {
        // SAFETY: as the caller promises.
        unsafe { simd.load_bf16(source.cast()) }
    }
}

/// What the sum over the inputs is added to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    /// Nothing.
    Zero,
    /// A line of numbers for each row, one for each output of the job.
    At {
        /// The first row's line.
        first: *const f32,
        /// Numbers from one row's line to the next row's: 0 for a bias that all rows share, −1 for one that depends on the
        /// distance between row and output.
        row_step: isize,
    },
}

/// A product of a few rows with consecutive panels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    /// `[depth, ROWS]`, interleaved.
    pub(crate) x: *const f32,
    /// The first panel, at the first input.
    pub(crate) weights: *const u8,
    /// Weights (not bytes) from one panel's start to the next.
    pub(crate) panel_stride: usize,
    /// What is to come from memory meanwhile.
    pub(crate) ahead: Ahead,
    /// Inputs.
    pub(crate) depth: usize,
    /// Where the first row's first output goes.
    pub(crate) y: *mut f32,
    /// Numbers from one row of `y` to the next.
    pub(crate) y_stride: usize,
    /// Outputs; the last panel may be cut off.
    pub(crate) columns: usize,
    /// What the sums are added to.
    pub(crate) start: Start,
}

/// A compiled tile function.
///
/// # Safety
/// The CPU must have the level's instruction set; `x` must hold `depth · ROWS` numbers, every panel that
/// `columns` reaches `depth · WIDTH` weights, `y` and the start `columns` numbers in each of ROWS rows.
pub(crate) type TileFn = unsafe fn(&Job);

/// Products of one number format: the function for `rows` rows is `by_rows[rows - 1]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiles {
    pub(crate) by_rows: [TileFn; MOST_ROWS],
}

impl Tiles {
    /// The functions of one instruction set, weight format and panel width, for up to `ROWS` rows. Those for more would run out of
    /// registers; they are not compiled, and never called.
    pub(crate) const fn of<S: Simd, W: Weight, const VECTORS: usize, const ROWS: usize>() -> Self {
        macro_rules! up_to_rows {
            ($($rows:literal)*) => {
                [$(if $rows <= ROWS { product::<S, W, $rows, VECTORS> as TileFn } else { too_many_rows }),*]
            };
        }
        Self { by_rows: up_to_rows!(1 2 3 4 5 6 7 8 9 10 11 12) }
    }
}

unsafe fn too_many_rows(_: &Job) {
    unreachable!("a tile of more rows than the level has registers for");
}

/// The body of a [`TileFn`].
unsafe fn product<S: Simd, W: Weight, const ROWS: usize, const VECTORS: usize>(job: &Job) {
    // SAFETY: the caller promises the instruction set.
    let simd = unsafe { S::assume() };
    simd.vectorize(
        #[inline(always)]
        || {
            let width = VECTORS * S::LANES;
            let panels = job.columns.div_ceil(width);
            let mut panel = 0;
            // SAFETY: as the caller promises, with panels that `columns` reaches.
            unsafe {
                if ROWS == 1 && S::LANES < 16 {
                    while panel + SIDE_BY_SIDE <= panels {
                        some_panels::<S, W, ROWS, VECTORS, SIDE_BY_SIDE>(simd, job, panel);
                        panel += SIDE_BY_SIDE;
                    }
                }
                while panel < panels {
                    some_panels::<S, W, ROWS, VECTORS, 1>(simd, job, panel);
                    panel += 1;
                }
            }
        },
    );
}

/// The products with `PANELS` panels, side by side, from `panel` on.
#[inline(always)]
unsafe fn some_panels<S: Simd, W: Weight, const ROWS: usize, const VECTORS: usize, const PANELS: usize>(
    simd: S,
    job: &Job,
    panel: usize,
) {
    let width = VECTORS * S::LANES;
    let mut start = job.start;
    if let Start::At { first, .. } = &mut start {
        *first = first.wrapping_add(panel * width);
    }
    let mut depth = 0;
    while depth < job.depth {
        let block = (job.depth - depth).min(DEPTH_BLOCK);
        // SAFETY: everything stays inside what the caller promises: `depth < job.depth`, and the panels are ones that
        // `columns` reaches.
        unsafe {
            let x = job.x.add(depth * ROWS);
            let weights = job.weights.cast::<W>().add(panel * job.panel_stride + depth * width);
            let asking = job.ahead.from(job.weights.add(panel * job.panel_stride * size_of::<W>()));
            let sums =
                sum_block::<S, W, ROWS, VECTORS, PANELS>(simd, x, weights, job.panel_stride, block, asking);
            let y = job.y.add(panel * width);
            for p in 0..PANELS {
                let columns = (job.columns - (panel + p) * width).min(width);
                let start = match start {
                    Start::Zero => Start::Zero,
                    Start::At { first, row_step } => Start::At { first: first.add(p * width), row_step },
                };
                write::<S, ROWS, VECTORS>(simd, sums[p], start, y.add(p * width), job.y_stride, columns);
            }
            start = Start::At { first: y, row_step: job.y_stride as isize };
        }
        depth += block;
    }
}

/// `Σ_k x[r][k] · w[o][k]` over one block of inputs of some panels.
#[inline(always)]
unsafe fn sum_block<S: Simd, W: Weight, const ROWS: usize, const VECTORS: usize, const PANELS: usize>(
    simd: S,
    x: *const f32,
    weights: *const W,
    panel_stride: usize,
    depth: usize,
    asking: Asking,
) -> [[[S::F; VECTORS]; ROWS]; PANELS] {
    let width = VECTORS * S::LANES;
    let mut sums = [[[simd.splat(0.0); VECTORS]; ROWS]; PANELS];
    for k in 0..depth {
        for p in 0..PANELS {
            // SAFETY: `k < depth`, and the caller promises `depth` lines of weights in each panel and of x.
            unsafe {
                let line = weights.add(p * panel_stride + k * width);
                if ROWS >= PREFETCHING_ROWS {
                    for at in (0..width * size_of::<W>()).step_by(CACHE_LINE) {
                        asking.at(simd, line.cast::<u8>().wrapping_add(at));
                    }
                }
                let mut w = [simd.splat(0.0); VECTORS];
                for v in 0..VECTORS {
                    w[v] = W::load(simd, line.add(v * S::LANES));
                }
                for r in 0..ROWS {
                    let x = simd.splat(*x.add(k * ROWS + r));
                    for v in 0..VECTORS {
                        sums[p][r][v] = simd.mul_add(x, w[v], sums[p][r][v]);
                    }
                }
            }
        }
    }
    sums
}

/// Adds block sums to what they start from and writes the first `columns` of each row.
#[inline(always)]
unsafe fn write<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    sums: [[S::F; VECTORS]; ROWS],
    start: Start,
    y: *mut f32,
    y_stride: usize,
    columns: usize,
) {
    // The common case apart, without branches between the rows, so that the sums never leave the registers.
    if columns == VECTORS * S::LANES {
        for r in 0..ROWS {
            for v in 0..VECTORS {
                // SAFETY: the caller promises `columns` numbers in each row of y and in each line of the start.
                unsafe {
                    let sum = match start {
                        Start::Zero => sums[r][v],
                        Start::At { first, row_step } => {
                            let line = first.offset(r as isize * row_step).add(v * S::LANES);
                            simd.add(simd.load(line), sums[r][v])
                        }
                    };
                    simd.store(sum, y.add(r * y_stride + v * S::LANES));
                }
            }
        }
        return;
    }
    for r in 0..ROWS {
        for v in 0..VECTORS {
            let count = columns.saturating_sub(v * S::LANES).min(S::LANES);
            if count > 0 {
                // SAFETY: as above, and no more than `columns` numbers are touched.
                unsafe {
                    let sum = match start {
                        Start::Zero => sums[r][v],
                        Start::At { first, row_step } => {
                            let line = first.offset(r as isize * row_step).add(v * S::LANES);
                            simd.add(simd.load_first(line, count), sums[r][v])
                        }
                    };
                    simd.store_first(sum, y.add(r * y_stride + v * S::LANES), count);
                }
            }
        }
    }
}
