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

/// One step. `x` is `W_ih x_t + b_ih`, `[rows, H]`; `h` is h_{t-1}, `[rows, H]`.
pub(crate) fn step(x: Tensor<2>, h: Tensor<2>, w_hh: Tensor<2>, b_hh: Tensor<1>) -> Tensor<2> {
    (x + h.matmul(w_hh.transpose()) + b_hh.unsqueeze()).tanh()
}
