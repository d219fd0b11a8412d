//! The activations of feed-forward layers and recurrent cells, over a slice at a time.

use super::map;
use crate::Activation;
use crate::math::gelu::{gelu, gelu_tanh};
use crate::math::sigmoid::{sigmoid, silu};
use crate::math::tanh::tanh;
use crate::simd::Simd;

/// Applies `activation` to every number.
#[inline(always)]
pub(crate) fn activate<S: Simd>(simd: S, activation: Activation, x: &mut [f32]) {
    // A closure marked for inlining: a function passed by name is called through a shim that is not.
    macro_rules! each {
        ($function:ident) => {
            map(
                simd,
                x,
                #[inline(always)]
                |simd, x| $function(simd, x),
            )
        };
    }
    match activation {
        Activation::Relu => each!(relu),
        Activation::Gelu => each!(gelu),
        Activation::GeluTanh => each!(gelu_tanh),
        Activation::Silu => each!(silu),
        Activation::Tanh => each!(tanh),
        Activation::Sigmoid => each!(sigmoid),
    }
}

/// `max(0, x)`; NaN stays NaN.
#[inline(always)]
fn relu<S: Simd>(simd: S, x: S::F) -> S::F {
    simd.max(simd.splat(0.0), x)
}
