//! Softmax and log-softmax of one row, with the row's maximum taken off first so that nothing overflows.

use super::{itself, largest, map, sum};
use crate::math::exp::exp;
use crate::simd::Simd;

/// Replaces scores by `exp(x − max)` and returns their sum; where all are −∞ everything becomes 0 and the sum is 0.
#[inline(always)]
pub(crate) fn exponentials<S: Simd>(simd: S, row: &mut [f32]) -> f32 {
    let max = largest(simd, row);
    if max == f32::NEG_INFINITY {
        row.fill(0.0);
        return 0.0;
    }
    let max = simd.splat(max);
    map(
        simd,
        row,
        #[inline(always)]
        |simd, x| exp(simd, simd.sub(x, max)),
    );
    sum(simd, row, itself)
}

/// Replaces scores by their softmax; a row of −∞ alone becomes zeros.
#[inline(always)]
pub(crate) fn softmax<S: Simd>(simd: S, row: &mut [f32]) {
    let total = exponentials(simd, row);
    if total != 0.0 {
        let scale = simd.splat(1.0 / total);
        map(
            simd,
            row,
            #[inline(always)]
            |simd, x| simd.mul(x, scale),
        );
    }
}

/// Replaces logits by their log-probabilities.
#[inline(always)]
pub(crate) fn log_softmax<S: Simd>(simd: S, row: &mut [f32]) {
    let max = simd.splat(largest(simd, row));
    let total = sum(
        simd,
        row,
        #[inline(always)]
        |simd, x| exp(simd, simd.sub(x, max)),
    );
    let log_total = simd.splat(total.ln());
    map(
        simd,
        row,
        #[inline(always)]
        |simd, x| simd.sub(simd.sub(x, max), log_total),
    );
}
