//! Activations rounded to eight bits, in the order in which the tiles read them.
//!
//! ```text
//! quads   [depth / 4][rows]      four inputs of a row side by side
//! scales  [depth / 256][rows]    t of each row: its largest number in these inputs is 127 t
//! starts  [sums][rows]           −bias · Σ x over the inputs of a sum (256 of eight-bit weights, 32 of four-bit ones)
//! ```
//!
//! The loops are plain Rust, which the compiler turns into the level's vectors: no floats are summed or compared, only bits and whole numbers.

use super::rows::TO_WHOLE;
use super::{DEPTH, GROUP, Precision};
use crate::simd::dots::{BIAS_FOUR, Dots};

/// A few rows to round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounding<'a> {
    /// `[rows, inputs]`.
    pub x: &'a [f32],
    pub rows: usize,
    pub inputs: usize,
    /// What the weights are that the rows will meet.
    pub precision: Precision,
    pub quads: *mut u8,
    pub scales: *mut f32,
    pub starts: *mut i32,
}

/// Rounds the rows.
///
/// # Safety
/// There must be room for the depth of the inputs, in `quads` for a byte of each.
#[inline(always)]
pub(crate) unsafe fn round<D: Dots>(job: &Rounding<'_>) {
    let Rounding { rows, inputs, precision, .. } = *job;
    let (sum_over, excess) = match precision {
        Precision::Int8 => (DEPTH, D::EXCESS_EIGHT),
        Precision::Int4 => (GROUP, i32::from(BIAS_FOUR)),
    };
    for (row, x) in job.x.chunks_exact(inputs).enumerate() {
        for (block, x) in x.chunks(DEPTH).enumerate() {
            let mut bytes = [0_i8; DEPTH];
            let scale = round_block(x, &mut bytes);
            let depth = precision.depth(x.len());
            let quads = job.quads.cast::<[i8; 4]>().wrapping_add(block * DEPTH / 4 * rows + row);
            for (i, quad) in bytes[..depth].chunks_exact(4).enumerate() {
                // SAFETY: the caller promises room for the depth of the inputs.
                unsafe { quads.add(i * rows).write_unaligned([quad[0], quad[1], quad[2], quad[3]]) };
            }
            let starts = job.starts.wrapping_add(block * (DEPTH / sum_over) * rows + row);
            for (i, bytes) in bytes[..depth].chunks(sum_over).enumerate() {
                let sum: i32 = bytes.iter().map(|&x| i32::from(x)).sum();
                // SAFETY: as above.
                unsafe { starts.add(i * rows).write(-excess * sum) };
            }
            // SAFETY: as above.
            unsafe { job.scales.add(block * rows + row).write(scale) };
        }
    }
}

/// Rounds numbers that share a scale, and returns it. A block with an infinity or a NaN in it gets NaN for a scale.
#[inline(always)]
fn round_block(x: &[f32], bytes: &mut [i8; DEPTH]) -> f32 {
    // Without their sign, floats are ordered as their bits are.
    let largest = x.iter().map(|x| x.to_bits() & (u32::MAX >> 1)).fold(0, u32::max);
    let largest = f32::from_bits(largest);
    if !largest.is_finite() {
        return f32::NAN;
    }
    // Below this its inverse is infinite; such a block is as good as zero.
    if largest < 1e-36 {
        return 0.0;
    }
    let inverse = 127.0 / largest;
    for (x, byte) in x.iter().zip(bytes) {
        *byte = (x * inverse + TO_WHOLE).to_bits() as i8;
    }
    largest / 127.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_the_nearest() {
        let x: Vec<f32> = (0..200).map(|i| (i as f32 - 77.0) * 0.013).collect();
        let mut bytes = [0; DEPTH];
        let scale = round_block(&x, &mut bytes);
        for (x, &byte) in x.iter().zip(&bytes) {
            assert!((x - f32::from(byte) * scale).abs() <= scale * 0.501, "{x} became {byte}");
        }
        assert_eq!(bytes.iter().map(|b| b.unsigned_abs()).max(), Some(127));
    }

    #[test]
    fn what_is_not_a_number_is_not_hidden() {
        let mut bytes = [0; DEPTH];
        assert!(round_block(&[1.0, f32::NAN], &mut bytes).is_nan());
        assert!(round_block(&[1.0, f32::INFINITY], &mut bytes).is_nan());
        assert_eq!(round_block(&[0.0, -0.0], &mut bytes), 0.0);
        assert_eq!(round_block(&[1e-40], &mut bytes), 0.0);
    }
}
