//! Layer norm (Ba et al., 2016) and root-mean-square norm (Zhang & Sennrich, 2019).
//!
//! The variance is summed over differences from the mean, in a second pass: the row is in the L1 cache, and the one-pass formula loses
//! digits where the mean is large.

use super::{sum, zip};
use crate::simd::{Simd, load_slice, load_start, store_slice, store_start};

/// `y = (x − mean) / √(variance + eps) · gain + bias`, row by row; all rows are as wide as `gain`.
#[inline(always)]
pub(crate) fn layer_norm<S: Simd>(simd: S, x: &[f32], gain: &[f32], bias: &[f32], eps: f32, y: &mut [f32]) {
    let width = gain.len();
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        let mean = simd.splat(sum(simd, x, |x| x) / width as f32);
        let variance = sum(simd, x, |x| {
            let difference = simd.sub(x, mean);
            simd.mul(difference, difference)
        }) / width as f32;
        let scale = simd.splat(1.0 / (variance + eps).sqrt());
        let norm = |x, gain, bias| simd.mul_add(simd.mul(simd.sub(x, mean), scale), gain, bias);
        let mut at = 0;
        while at + S::LANES <= width {
            let (x, gain, bias) = (&x[at..], &gain[at..], &bias[at..]);
            let value = norm(load_slice(simd, x), load_slice(simd, gain), load_slice(simd, bias));
            store_slice(simd, value, &mut y[at..]);
            at += S::LANES;
        }
        let (x, gain, bias) = (&x[at..], &gain[at..], &bias[at..]);
        let value = norm(load_start(simd, x), load_start(simd, gain), load_start(simd, bias));
        store_start(simd, value, &mut y[at..]);
    }
}

/// `y = x / √(mean(x²) + eps) · gain`, row by row; all rows are as wide as `gain`.
#[inline(always)]
pub(crate) fn rms_norm<S: Simd>(simd: S, x: &[f32], gain: &[f32], eps: f32, y: &mut [f32]) {
    let width = gain.len();
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        let mean = sum(simd, x, |x| simd.mul(x, x)) / width as f32;
        let scale = simd.splat(1.0 / (mean + eps).sqrt());
        y.copy_from_slice(gain);
        zip(simd, x, y, |x, gain| simd.mul(simd.mul(x, scale), gain));
    }
}
