//! `exp(x)`, relative error below 2e-7 (3 units in the last place), over the whole range.
//!
//! ```text
//! n = round(x / ln 2)      r = x − n ln 2  in ±0.347      exp(x) = 2^n · P(r)
//! ```
//!
//! `ln 2` is subtracted in two parts, the first with so few bits that `n · LN2_HIGH` is exact. `P` is the minimax polynomial of degree 6
//! for the relative error, which is 2e-9; what remains is rounding. `2^n` is multiplied in two halves, so that results
//! below the normal range lose digits gradually, and those above become infinite.

use super::polynomial;
use crate::simd::Simd;

/// The upper 12 bits of ln 2, and the rest.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;

/// `exp(x)`: 0 for −∞ and below −104, ∞ above 88.73, NaN for NaN.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::F) -> S::F {
    // The order of arguments lets a NaN through.
    let x = simd.max(simd.splat(-104.0), simd.min(simd.splat(89.0), x));
    // Adding and subtracting 1.5 · 2^23 rounds to a whole number.
    let round = simd.splat(12_582_912.0);
    let n = simd.sub(simd.mul_add(x, simd.splat(std::f32::consts::LOG2_E), round), round);
    let r = simd.mul_add(n, simd.splat(-LN2_HIGH), x);
    let r = simd.mul_add(n, simd.splat(-LN2_LOW), r);
    let p = polynomial(
        simd,
        r,
        [1.0, 1.0, 0.499_999_9, 0.166_664_2, 0.041_668_233, 0.008_374_899, 0.001_383_674_2],
    );
    let half = simd.sub(simd.mul_add(n, simd.splat(0.5), round), round);
    let rest = simd.sub(n, half);
    simd.mul(simd.mul(p, simd.exp2_whole(half)), simd.exp2_whole(rest))
}
