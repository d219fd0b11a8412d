//! Gated recurrent units: Cho et al., "Learning Phrase Representations using RNN Encoder–Decoder for Statistical Machine Translation" (2014).
//!
//! ```text
//! r_t = σ(W_ir x_t + b_ir + W_hr h_{t-1} + b_hr)             reset gate
//! z_t = σ(W_iz x_t + b_iz + W_hz h_{t-1} + b_hz)             update gate
//! n_t = tanh(W_in x_t + b_in + r_t ∘ (W_hn h_{t-1} + b_hn))  what is new
//! h_t = (1 - z_t) ∘ n_t + z_t ∘ h_{t-1}
//! ```
//!
//! An LSTM without a separate cell: `z` decides at once what is kept and what is let in. The reset gate stands after the product, as in PyTorch and
//! cuDNN (the paper has it before), so that all products of a step are one. The gates stand in the order r, z, n. Next to read: `recurrent.rs`, which
//! stacks any of the three into a language model.

use burn::tensor::{Tensor, activation::sigmoid};

/// One step. `x` is `W_i x_t + b_i`, `[rows, 3H]`; `h` is h_{t-1}, `[rows, H]`.
pub(crate) fn step(x: Tensor<2>, h: Tensor<2>, w_hh: Tensor<2>, b_hh: Tensor<1>) -> Tensor<2> {
    let products = h.clone().matmul(w_hh.transpose()) + b_hh.unsqueeze(); // [rows, 3H]
    let [xr, xz, xn] = x.chunk(3, 1).try_into().expect("three gates");
    let [hr, hz, hn] = products.chunk(3, 1).try_into().expect("three gates");
    let r = sigmoid(xr + hr);
    let z = sigmoid(xz + hz);
    let n = (xn + r * hn).tanh();
    n.clone() + z * (h - n)
}
