//! Long short-term memory: Hochreiter & Schmidhuber, Neural Computation 9 (1997), with the forget gate of Gers, Schmidhuber & Cummins (2000).
//!
//! ```text
//! i_t = σ(W_ii x_t + b_ii + W_hi h_{t-1} + b_hi)      input gate: what is let in
//! f_t = σ(W_if x_t + b_if + W_hf h_{t-1} + b_hf)      forget gate: what is kept
//! g_t = tanh(W_ig x_t + b_ig + W_hg h_{t-1} + b_hg)   what is new
//! o_t = σ(W_io x_t + b_io + W_ho h_{t-1} + b_ho)      output gate: what is shown
//! c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
//! h_t = o_t ∘ tanh(c_t)
//! ```
//!
//! The cell `c` is changed by addition alone, so where `f` is near 1 its gradient passes unchanged through any number of steps. Training starts
//! with a forget bias of 1 for that reason (Jozefowicz, Zaremba & Sutskever, 2015). The gates stand in one matrix in the order i, f, g, o, as in
//! PyTorch. Next to read: `gru.rs`, which does with two gates.

use burn::tensor::{Tensor, activation::sigmoid};

/// One step. `x` is `W_i x_t + b_i`, `[rows, 4H]`; `h` and `c` are those of the step before, `[rows, H]`. Gives h_t and c_t.
pub(crate) fn step(x: Tensor<2>, [h, c]: [Tensor<2>; 2], w_hh: Tensor<2>, b_hh: Tensor<1>) -> [Tensor<2>; 2] {
    let gates = x + h.matmul(w_hh.transpose()) + b_hh.unsqueeze(); // [rows, 4H]
    let [i, f, g, o] = gates.chunk(4, 1).try_into().expect("four gates");
    let c = sigmoid(f) * c + sigmoid(i) * g.tanh();
    let h = sigmoid(o) * c.clone().tanh();
    [h, c]
}
