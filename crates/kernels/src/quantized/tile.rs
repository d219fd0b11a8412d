//! The inner loop of the products with quantised weights: a few rounded rows against panels of 16 outputs.
//!
//! Sums of whole numbers may be taken in any order, so a few rows keep several sums for each output, which do not wait for each other.

// Loops over constant ranges with indices: iterators, and `map` of arrays of more than ten sums, made the compiler keep them in memory.
#![allow(clippy::needless_range_loop)]

use super::activations::{self, Rounding};
use super::{DEPTH, EIGHTS, FOUR_BIT_BLOCK, FOURS, GROUP, LINE, WIDTH, scale_bytes};
use crate::memory::{Ahead, Asking};
use crate::simd::Simd;
use crate::simd::dots::Dots;

/// The most rows that a tile function exists for, at any level.
pub(crate) const MOST_ROWS: usize = 16;

/// Rows from which on a tile asks for weights ahead of time: fewer are as fast as memory, and the CPU sees the stream by itself.
const PREFETCHING_ROWS: usize = 4;

/// What the sums over the inputs are added to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Onto {
    /// Nothing.
    Zero,
    /// The bias, a number for each output of the job.
    Bias(*const f32),
    /// What `y` holds.
    Sums,
}

/// A product of a few rows with consecutive panels, over the inputs of a slice: a whole number of [`DEPTH`]s, or what is left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuantizedJob {
    /// `[depth / 4, ROWS]` activations, four at a time.
    pub quads: *const u8,
    /// `[depth / 256, ROWS]`.
    pub scales: *const f32,
    /// `[sums, ROWS]`.
    pub starts: *const i32,
    /// The first panel, at the first input of the slice.
    pub panel: *const u8,
    /// Bytes from there to the scales of the panel, where it has them in one place.
    pub scales_offset: usize,
    /// Bytes from one panel to the next.
    pub panel_bytes: usize,
    /// What is to come from memory meanwhile.
    pub ahead: Ahead,
    /// Inputs of the slice, filled up to whole lines or groups.
    pub depth: usize,
    /// Where the first row's first output goes.
    pub y: *mut f32,
    /// Numbers from one row of `y` to the next.
    pub y_stride: usize,
    /// Outputs; the last panel may be cut off.
    pub columns: usize,
    pub onto: Onto,
}

/// A compiled tile function.
///
/// # Safety
/// The CPU must have the level's instruction set; all arrays must hold what the job says, for as many rows as the function is for.
pub(crate) type QuantizedTileFn = unsafe fn(&QuantizedJob);

/// The products of one instruction set with quantised weights: the function for `rows` rows is `…[rows - 1]`.
#[derive(Debug)]
pub(crate) struct QuantizedTiles {
    pub eight_bits: [QuantizedTileFn; MOST_ROWS],
    pub four_bits: [QuantizedTileFn; MOST_ROWS],
    /// Rows that a tile takes at most before it runs out of registers.
    pub rows: usize,
    /// # Safety
    /// As [`activations::round`]; the CPU must have the instruction set.
    pub round: unsafe fn(&Rounding<'_>),
}

impl QuantizedTiles {
    /// The functions for up to `ROWS` rows, with VECTORS registers for a panel's outputs. Those for more are not compiled, and never called.
    pub const fn of<D: Dots, const VECTORS: usize, const ROWS: usize>() -> Self {
        assert!(VECTORS * <D::Simd as Simd>::LANES == WIDTH);
        macro_rules! up_to_rows {
            ($tile:ident: $($rows:literal)*) => {
                [$(if $rows <= ROWS { $tile::<D, $rows, VECTORS> as QuantizedTileFn } else { too_many_rows }),*]
            };
        }
        Self {
            eight_bits: up_to_rows!(eight_bits: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16),
            four_bits: up_to_rows!(four_bits: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16),
            rows: ROWS,
            round: round::<D>,
        }
    }
}

unsafe fn too_many_rows(_: &QuantizedJob) {
    unreachable!("a tile of more rows than the level has registers for");
}

unsafe fn round<D: Dots>(job: &Rounding<'_>) {
    // SAFETY: the caller promises the instruction set.
    let dots = unsafe { D::assume() };
    dots.vectorize(
        #[inline(always)]
        // SAFETY: as the caller promises.
        || unsafe { activations::round::<D>(job) },
    );
}

unsafe fn eight_bits<D: Dots, const ROWS: usize, const VECTORS: usize>(job: &QuantizedJob) {
    // SAFETY: the caller promises the instruction set.
    let dots = unsafe { D::assume() };
    let simd = dots.simd();
    dots.vectorize(
        #[inline(always)]
        || {
            for panel in 0..job.columns.div_ceil(WIDTH) {
                let lines = job.panel.wrapping_add(panel * job.panel_bytes);
                let weight_scales = lines.wrapping_add(job.scales_offset);
                let asking = job.ahead.from(lines);
                for (block, depth) in (0..job.depth).step_by(DEPTH).enumerate() {
                    let quads = job.quads.cast::<[i8; 4]>().wrapping_add(depth / 4 * ROWS);
                    let count = (job.depth - depth).min(DEPTH) / EIGHTS;
                    for v in 0..VECTORS {
                        let at = v * <D::Simd as Simd>::LANES;
                        // SAFETY: the caller promises the lines, activations and scales of `depth` inputs, and `columns` numbers in each row of y.
                        unsafe {
                            let lines = lines.add(depth / EIGHTS * LINE + 4 * at);
                            let starts = job.starts.add(block * ROWS);
                            let sums = sum_eights::<D, ROWS>(dots, lines, quads, starts, count, asking);
                            let scale = simd.load(weight_scales.cast::<f32>().add(at));
                            let mut floats = [simd.splat(0.0); ROWS];
                            for r in 0..ROWS {
                                floats[r] = simd.mul(dots.to_floats(sums[r]), scale);
                            }
                            write::<D, ROWS>(dots, job, panel * WIDTH + at, block, floats);
                        }
                    }
                }
            }
        },
    );
}

/// `start + Σ x · w` over some lines of eight-bit weights.
#[inline(always)]
unsafe fn sum_eights<D: Dots, const ROWS: usize>(
    dots: D,
    lines: *const u8,
    quads: *const [i8; 4],
    starts: *const i32,
    count: usize,
    asking: Asking,
) -> [D::Whole; ROWS] {
    // SAFETY: the caller promises `count` lines, as many quads of each row, and a start for each.
    unsafe {
        let mut sums = [dots.splat(0); ROWS];
        for r in 0..ROWS {
            sums[r] = dots.splat(*starts.add(r));
        }
        let line = |i: usize| lines.add(i * LINE);
        let quad = |i: usize, r: usize| *quads.add(i * ROWS + r);
        let mut i = 0;
        if ROWS < 4 {
            let mut more = [[dots.splat(0); ROWS]; 3];
            while i + 4 <= count {
                let w = [0, 1, 2, 3].map(
                    #[inline(always)]
                    |j| dots.load_eights(line(i + j)),
                );
                for r in 0..ROWS {
                    sums[r] = dots.dot(sums[r], w[0], quad(i, r));
                    for j in 0..3 {
                        more[j][r] = dots.dot(more[j][r], w[j + 1], quad(i + j + 1, r));
                    }
                }
                i += 4;
            }
            for r in 0..ROWS {
                sums[r] = dots.add(dots.add(sums[r], more[0][r]), dots.add(more[1][r], more[2][r]));
            }
        }
        while i < count {
            let w = dots.load_eights(line(i));
            if ROWS >= PREFETCHING_ROWS {
                asking.at(dots.simd(), line(i));
            }
            for r in 0..ROWS {
                sums[r] = dots.dot(sums[r], w, quad(i, r));
            }
            i += 1;
        }
        sums
    }
}

unsafe fn four_bits<D: Dots, const ROWS: usize, const VECTORS: usize>(job: &QuantizedJob) {
    // SAFETY: the caller promises the instruction set.
    let dots = unsafe { D::assume() };
    let simd = dots.simd();
    dots.vectorize(
        #[inline(always)]
        || {
            for panel in 0..job.columns.div_ceil(WIDTH) {
                let start = job.panel.wrapping_add(panel * job.panel_bytes);
                let asking = job.ahead.from(start);
                for (block, depth) in (0..job.depth).step_by(DEPTH).enumerate() {
                    let inputs = (job.depth - depth).min(DEPTH);
                    let weight_scales = start.wrapping_add(block * FOUR_BIT_BLOCK);
                    let lines = weight_scales.wrapping_add(scale_bytes(inputs));
                    let weight_scales = weight_scales.cast::<u16>();
                    for v in 0..VECTORS {
                        let at = v * <D::Simd as Simd>::LANES;
                        let mut floats = [simd.splat(0.0); ROWS];
                        for group in 0..inputs / GROUP {
                            // SAFETY: the caller promises the lines, activations and scales of `depth` inputs, which are whole groups.
                            unsafe {
                                let first = depth + group * GROUP;
                                let lines = lines.add(group * (GROUP / FOURS) * LINE + 4 * at);
                                let quads = job.quads.cast::<[i8; 4]>().add(first / 4 * ROWS);
                                let starts = job.starts.add(first / GROUP * ROWS);
                                let sums = sum_fours::<D, ROWS>(dots, lines, quads, starts, asking);
                                let scale = simd.load_f16(weight_scales.add(group * WIDTH + at));
                                for r in 0..ROWS {
                                    floats[r] = simd.mul_add(dots.to_floats(sums[r]), scale, floats[r]);
                                }
                            }
                        }
                        // SAFETY: the caller promises a scale of each row, and `columns` numbers in each row of y.
                        unsafe { write::<D, ROWS>(dots, job, panel * WIDTH + at, block, floats) };
                    }
                }
            }
        },
    );
}

/// `start + Σ x · w` over a group of four-bit weights.
#[inline(always)]
unsafe fn sum_fours<D: Dots, const ROWS: usize>(
    dots: D,
    lines: *const u8,
    quads: *const [i8; 4],
    starts: *const i32,
    asking: Asking,
) -> [D::Whole; ROWS] {
    // SAFETY: the caller promises the lines of a group, as many quads of each row, and a start for each.
    unsafe {
        let mut sums = [dots.splat(0); ROWS];
        for r in 0..ROWS {
            sums[r] = dots.splat(*starts.add(r));
        }
        for i in 0..GROUP / FOURS {
            let line = lines.add(i * LINE);
            if ROWS >= PREFETCHING_ROWS {
                asking.at(dots.simd(), line);
            }
            let [low, high] = dots.load_fours(line);
            for r in 0..ROWS {
                sums[r] = dots.dot(sums[r], low, *quads.add(2 * i * ROWS + r));
                sums[r] = dots.dot(sums[r], high, *quads.add((2 * i + 1) * ROWS + r));
            }
        }
        sums
    }
}

/// Scales the sums of a block by the activations' scales, and adds them to what they start from.
#[inline(always)]
unsafe fn write<D: Dots, const ROWS: usize>(
    dots: D,
    job: &QuantizedJob,
    column: usize,
    block: usize,
    sums: [<D::Simd as Simd>::F; ROWS],
) {
    let simd = dots.simd();
    let lanes = <D::Simd as Simd>::LANES;
    let y = job.y.wrapping_add(column);
    let onto = match job.onto {
        _ if block > 0 => Some((y.cast_const(), job.y_stride)),
        Onto::Zero => None,
        Onto::Bias(bias) => Some((bias.wrapping_add(column), 0)),
        Onto::Sums => Some((y.cast_const(), job.y_stride)),
    };
    // SAFETY: the caller promises a scale for each row, and `columns` numbers in the bias and in each row of y.
    unsafe {
        let scale = |r: usize| simd.splat(*job.scales.add(block * ROWS + r));
        // The common cases apart, with next to nothing in the loops: one that is not unrolled sends all sums through the stack.
        match (job.columns.saturating_sub(column), onto) {
            (count, None) if count >= lanes => {
                for r in 0..ROWS {
                    simd.store(simd.mul(sums[r], scale(r)), y.add(r * job.y_stride));
                }
            }
            (count, Some((onto, stride))) if count >= lanes => {
                for r in 0..ROWS {
                    let onto = simd.load(onto.add(r * stride));
                    simd.store(simd.mul_add(sums[r], scale(r), onto), y.add(r * job.y_stride));
                }
            }
            (0, _) => {}
            (count, onto) => {
                for r in 0..ROWS {
                    let onto = match onto {
                        None => simd.splat(0.0),
                        Some((onto, stride)) => simd.load_first(onto.add(r * stride), count),
                    };
                    simd.store_first(simd.mul_add(sums[r], scale(r), onto), y.add(r * job.y_stride), count);
                }
            }
        }
    }
}
