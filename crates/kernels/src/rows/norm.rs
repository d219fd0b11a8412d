//! Layer norm (Ba et al., 2016) and root-mean-square norm (Zhang & Sennrich, 2019).
//!
//! The variance is summed over differences from the mean, in a second pass: the row is in the L1 cache, and the one-pass formula loses
//! digits where the mean is large.

use super::{itself, sum, zip};
use crate::simd::{Simd, load_slice, load_start, store_slice, store_start};

/// `y = (x − mean) / √(variance + eps) · gain + bias`, row by row; all rows are as wide as `gain`.
#[inline(always)]
pub(crate) fn layer_norm<S: Simd>(simd: S, x: &[f32], gain: &[f32], bias: &[f32], eps: f32, y: &mut [f32]) {
    let width = gain.len();
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        let mean = simd.splat(sum(simd, x, itself) / width as f32);
        let squares = sum(
            simd,
            x,
            #[inline(always)]
            |simd, x| {
                let difference = simd.sub(x, mean);
                simd.mul(difference, difference)
            },
        );
        let scale = simd.splat(1.0 / (squares / width as f32 + eps).sqrt());
        let mut at = 0;
        while at + S::LANES <= width {
            let (gain, bias) = (load_slice(simd, &gain[at..]), load_slice(simd, &bias[at..]));
            let centred = simd.sub(load_slice(simd, &x[at..]), mean);
            store_slice(simd, simd.mul_add(simd.mul(centred, scale), gain, bias), &mut y[at..]);
            at += S::LANES;
        }
        let (gain, bias) = (load_start(simd, &gain[at..]), load_start(simd, &bias[at..]));
        let centred = simd.sub(load_start(simd, &x[at..]), mean);
        store_start(simd, simd.mul_add(simd.mul(centred, scale), gain, bias), &mut y[at..]);
    }
}

/// `y = x / √(mean(x²) + eps) · gain`, row by row; all rows are as wide as `gain`.
#[inline(always)]
pub(crate) fn rms_norm<S: Simd>(simd: S, x: &[f32], gain: &[f32], eps: f32, y: &mut [f32]) {
    let width = gain.len();
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        let squares = sum(simd, x, square);
        let scale = simd.splat(1.0 / (squares / width as f32 + eps).sqrt());
        y.copy_from_slice(gain);
        zip(
            simd,
            x,
            y,
            #[inline(always)]
            |simd, x, gain| simd.mul(simd.mul(x, scale), gain),
        );
    }
}

#[inline(always)]
fn square<S: Simd>(simd: S, x: S::F) -> S::F {
    simd.mul(x, x)
}
