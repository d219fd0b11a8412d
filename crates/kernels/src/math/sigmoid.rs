//! `x σ(k)`: the form that the logistic function, SiLU and the tanh approximation of GELU share.

use super::exp::exp;
use crate::simd::Simd;

/// `x / (1 + exp(−k))`, relative error below `(2 + |k| / 2) · 1.2e-7`: the exponential magnifies the rounding of `k`.
#[inline(always)]
pub(crate) fn times_sigmoid<S: Simd>(simd: S, x: S::F, k: S::F) -> S::F {
    let e = exp(simd, simd.sub(simd.splat(0.0), k));
    simd.div(x, simd.add(simd.splat(1.0), e))
}

/// `x σ(x)`.
#[inline(always)]
pub(crate) fn silu<S: Simd>(simd: S, x: S::F) -> S::F {
    times_sigmoid(simd, x, x)
}

/// `σ(x)`.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(simd: S, x: S::F) -> S::F {
    times_sigmoid(simd, simd.splat(1.0), x)
}
