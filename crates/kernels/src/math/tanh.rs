//! `tanh(x)`, relative error below 3e-7.
//!
//! Near zero `1 − 2 / (exp(2x) + 1)` loses its digits, so below 0.625 it is `x · P(x²)` with the minimax polynomial of degree 5 in `x²`
//! (relative error 4e-9).

use super::exp::exp;
use super::polynomial;
use crate::simd::Simd;

/// `tanh(x)`; NaN for NaN.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(simd: S, x: S::F) -> S::F {
    let magnitude = simd.abs(x);
    let square = simd.mul(x, x);
    let small = polynomial(
        simd,
        square,
        [1.0, -0.333_332_6, 0.133_311_27, -0.053_721_067, 0.020_590_989, -0.005_659_989],
    );
    let small = simd.mul(x, small);
    let e = exp(simd, simd.add(magnitude, magnitude));
    let one = simd.splat(1.0);
    let large = simd.sub(one, simd.div(simd.splat(2.0), simd.add(e, one)));
    simd.select(simd.less(magnitude, simd.splat(0.625)), small, simd.copy_sign(large, x))
}
