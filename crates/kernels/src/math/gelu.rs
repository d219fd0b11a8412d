//! The Gaussian error linear unit `x Φ(x)`, exact and in its tanh approximation (Hendrycks & Gimpel, 2016).
//!
//! Both are computed without the subtraction of nearly equal numbers, so the tail towards −∞ keeps its digits: relative
//! error below 1e-6 for x > −5, and below 4e-6 down to −9, where the result is 1e-18.
//!
//! Exact: with `z = |x| / √2`, `Φ(−|x|) = erfc(z) / 2` and `erfc(z) = exp(−z²) · t P(t)`, `t = 1 / (1 + 0.4 z)`; `P` is the minimax
//! polynomial of degree 8 for the relative error on z in 0 … 9.5, which is 6e-8. (The substitution is that of Abramowitz & Stegun 7.1.26;
//! the 0.4 was chosen because it leaves the coefficients without large ones that cancel.)
//!
//! Approximate: `½ x (1 + tanh u) = x σ(2u)`, `u = √(2/π) (x + 0.044715 x³)`.

use super::exp::exp;
use super::polynomial;
use super::sigmoid::times_sigmoid;
use crate::simd::Simd;

/// `x Φ(x)`.
#[inline(always)]
pub(crate) fn gelu<S: Simd>(simd: S, x: S::F) -> S::F {
    let one = simd.splat(1.0);
    let half = simd.splat(0.5);
    let z = simd.mul(simd.abs(x), simd.splat(std::f32::consts::FRAC_1_SQRT_2));
    let t = simd.div(one, simd.mul_add(simd.splat(0.4), z, one));
    let p = polynomial(
        simd,
        t,
        [
            0.225_626_3,
            0.226_575_72,
            0.200_958_55,
            0.196_963_18,
            0.071_507_95,
            0.099_730_09,
            0.073_841_71,
            -0.135_470_88,
            0.040_267_456,
        ],
    );
    let e = exp(simd, simd.mul(simd.mul(x, simd.splat(-0.5)), x));
    let tail = simd.mul(half, simd.mul(simd.mul(t, p), e));
    let distribution = simd.select(simd.less(x, simd.splat(0.0)), tail, simd.sub(one, tail));
    simd.mul(x, distribution)
}

/// `½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))`.
#[inline(always)]
pub(crate) fn gelu_tanh<S: Simd>(simd: S, x: S::F) -> S::F {
    /// `2 √(2/π)`.
    const SLOPE: f32 = 1.595_769;
    let square = simd.mul(x, x);
    let factor = simd.mul_add(simd.splat(SLOPE * 0.044_715), square, simd.splat(SLOPE));
    times_sigmoid(simd, x, simd.mul(x, factor))
}
