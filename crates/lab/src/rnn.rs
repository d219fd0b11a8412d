//! Elman's network: Elman, "Finding Structure in Time", Cognitive Science 14 (1990).
//!
//! ```text
//! h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)
//! ```
//!
//! The first network with a memory: the hidden state of the step before is an input beside the word. Its gradient goes
//! through one tanh and one matrix a step, so it fades or explodes within some tens of steps; `lstm.rs`, which is next to read,
//! was made against that.

use burn::tensor::Tensor;

use crate::ops::math::tanh;

/// One step. `x` is `W_ih x_t + b_ih`, `[rows, H]`; `h` is h_{t-1}, `[rows, H]`.
pub(crate) fn step(x: Tensor<2>, h: Tensor<2>, w_hh: Tensor<2>, b_hh: Tensor<1>) -> Tensor<2> {
    (x + h.matmul(w_hh.transpose()) + b_hh.unsqueeze()).tanh()
}

/// One step of one row over slices, `x` and `hidden` being the two products with their biases: h_t.
#[inline(always)]
pub(crate) fn forward(x: &[f32], hidden: &[f32], h: &mut [f32]) {
    for ((h, x), hidden) in h.iter_mut().zip(x).zip(hidden) {
        *h = tanh(x + hidden);
    }
}

/// The way back of one row: from h_t and its gradient `dh` to the gradient `da` of what stands inside the tanh, `da = dh ∘ (1 - h²)`.
#[inline(always)]
pub(crate) fn backward(h: &[f32], dh: &[f32], da: &mut [f32]) {
    for ((da, h), dh) in da.iter_mut().zip(h).zip(dh) {
        *da = dh * (1.0 - h * h);
    }
}
