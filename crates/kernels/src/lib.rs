#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! The arithmetic of text generation on a CPU: matrix products over packed weights, attention, norms,
//! softmax, and the threads that share the work.
//!
//! Everything here works on plain slices of `f32` activations; models, files and tokens are unknown at
//! this level. [`Compute`] is the one entry: it pairs a [`Kernels`] table (one per instruction set, chosen
//! when the program runs) with a thread pool. Start reading at `compute.rs`, then `matrix.rs`; the slow
//! truth that every kernel is tested against is `reference.rs`.

#![deny(unsafe_op_in_unsafe_fn)]

mod activation;
mod attention;
mod compute;
mod kernels;
mod math;
mod matrix;
mod memory;
mod pool;
mod quantized;
pub mod reference;
mod rows;
mod simd;
mod vectorized;

pub use activation::Activation;
pub use attention::{
    Alignment, Bias, CachedSteps, Group, Heads, Keep, KeyValues, SourceVectors, StepCache, Strided,
};
pub use compute::Compute;
pub use kernels::Kernels;
pub use matrix::{Dtype, Factor, Format, Onto, PackedMatrix, WeightView};
pub use memory::Numbers;
pub use quantized::{Precision, QuantizedRows, QuantizedView};
pub use vectorized::vectorized;
