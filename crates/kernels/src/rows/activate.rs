//! The activations of feed-forward layers, over a slice at a time.

use super::{map, zip};
use crate::Activation;
use crate::math::gelu::{gelu, gelu_tanh};
use crate::math::sigmoid::silu;
use crate::math::tanh::tanh;
use crate::simd::Simd;

/// Applies `activation` to every number.
#[inline(always)]
pub(crate) fn activate<S: Simd>(simd: S, activation: Activation, x: &mut [f32]) {
    match activation {
        Activation::Relu => map(simd, x, |x| relu(simd, x)),
        Activation::Gelu => map(simd, x, |x| gelu(simd, x)),
        Activation::GeluTanh => map(simd, x, |x| gelu_tanh(simd, x)),
        Activation::Silu => map(simd, x, |x| silu(simd, x)),
        Activation::Tanh => map(simd, x, |x| tanh(simd, x)),
    }
}

/// `up = activation(gate) · up`.
#[inline(always)]
pub(crate) fn gate<S: Simd>(simd: S, activation: Activation, gate: &[f32], up: &mut [f32]) {
    match activation {
        Activation::Relu => zip(simd, gate, up, |g, u| simd.mul(relu(simd, g), u)),
        Activation::Gelu => zip(simd, gate, up, |g, u| simd.mul(gelu(simd, g), u)),
        Activation::GeluTanh => zip(simd, gate, up, |g, u| simd.mul(gelu_tanh(simd, g), u)),
        Activation::Silu => zip(simd, gate, up, |g, u| simd.mul(silu(simd, g), u)),
        Activation::Tanh => zip(simd, gate, up, |g, u| simd.mul(tanh(simd, g), u)),
    }
}

/// `max(0, x)`; NaN stays NaN.
#[inline(always)]
fn relu<S: Simd>(simd: S, x: S::F) -> S::F {
    simd.max(simd.splat(0.0), x)
}
