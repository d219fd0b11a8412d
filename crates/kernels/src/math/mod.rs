//! Elementary functions over registers, one a file, each with its error bound and the origin of its constants.
//!
//! The polynomials are minimax fits by Remez exchange in 40-digit arithmetic, made by `tools/minimax.py`, which prints them again.

pub(crate) mod exp;
pub(crate) mod gelu;
pub(crate) mod sigmoid;
pub(crate) mod tanh;

use crate::simd::Simd;

/// `c[0] + c[1] x + c[2] x² + …` by Horner's rule.
#[inline(always)]
pub(crate) fn polynomial<S: Simd, const N: usize>(simd: S, x: S::F, c: [f32; N]) -> S::F {
    let mut sum = simd.splat(c[N - 1]);
    for i in (0..N - 1).rev() {
        sum = simd.mul_add(sum, x, simd.splat(c[i]));
    }
    sum
}
