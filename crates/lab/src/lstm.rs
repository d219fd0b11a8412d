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

use crate::ops::math::{sigmoid as sigmoid_of, tanh};

/// One step. `x` is `W_i x_t + b_i`, `[rows, 4H]`; `h` and `c` are those of the step before, `[rows, H]`. Gives h_t and c_t.
pub(crate) fn step(x: Tensor<2>, [h, c]: [Tensor<2>; 2], w_hh: Tensor<2>, b_hh: Tensor<1>) -> [Tensor<2>; 2] {
    let gates = x + h.matmul(w_hh.transpose()) + b_hh.unsqueeze(); // [rows, 4H]
    let [i, f, g, o] = gates.chunk(4, 1).try_into().expect("four gates");
    let c = sigmoid(f) * c + sigmoid(i) * g.tanh();
    let h = sigmoid(o) * c.clone().tanh();
    [h, c]
}

/// One step of one row over slices. `gates` holds `W_i x_t + b_i` and receives i, f, g, o; `hidden` is `W_h h_{t-1} + b_h`.
#[inline(always)]
pub(crate) fn forward(
    gates: &mut [f32],
    hidden: &[f32],
    c_before: &[f32],
    c: &mut [f32],
    tanh_c: &mut [f32],
    h: &mut [f32],
) {
    let size = h.len();
    let (i, rest) = gates.split_at_mut(size);
    let (f, rest) = rest.split_at_mut(size);
    let (g, o) = rest.split_at_mut(size);
    let (hidden_i, hidden_f) = (&hidden[..size], &hidden[size..][..size]);
    let (hidden_g, hidden_o) = (&hidden[2 * size..][..size], &hidden[3 * size..][..size]);
    let (o, c_before, c, tanh_c) = (&mut o[..size], &c_before[..size], &mut c[..size], &mut tanh_c[..size]);
    for j in 0..size {
        i[j] = sigmoid_of(i[j] + hidden_i[j]);
        f[j] = sigmoid_of(f[j] + hidden_f[j]);
        g[j] = tanh(g[j] + hidden_g[j]);
        o[j] = sigmoid_of(o[j] + hidden_o[j]);
    }
    for j in 0..size {
        c[j] = f[j] * c_before[j] + i[j] * g[j];
        tanh_c[j] = tanh(c[j]);
        h[j] = o[j] * tanh_c[j];
    }
}

/// The way back of one row. `gates` holds i, f, g, o and receives the gradients of what stands inside them; `dc` is the gradient of c_t
/// that comes from later steps and becomes that of c_{t-1}.
///
/// ```text
/// dc += dh ∘ o ∘ (1 - tanh² c)
/// di = dc ∘ g ∘ i(1-i)   df = dc ∘ c_{t-1} ∘ f(1-f)   dg = dc ∘ i ∘ (1-g²)   do = dh ∘ tanh c ∘ o(1-o)
/// dc ← dc ∘ f
/// ```
#[inline(always)]
pub(crate) fn backward(gates: &mut [f32], c_before: &[f32], tanh_c: &[f32], dh: &[f32], dc: &mut [f32]) {
    let size = dh.len();
    let (i, rest) = gates.split_at_mut(size);
    let (f, rest) = rest.split_at_mut(size);
    let (g, o) = rest.split_at_mut(size);
    let (o, c_before, tanh_c, dc) = (&mut o[..size], &c_before[..size], &tanh_c[..size], &mut dc[..size]);
    for j in 0..size {
        let d = dc[j] + dh[j] * o[j] * (1.0 - tanh_c[j] * tanh_c[j]);
        let (i_j, f_j, g_j, o_j) = (i[j], f[j], g[j], o[j]);
        i[j] = d * g_j * i_j * (1.0 - i_j);
        f[j] = d * c_before[j] * f_j * (1.0 - f_j);
        g[j] = d * i_j * (1.0 - g_j * g_j);
        o[j] = dh[j] * tanh_c[j] * o_j * (1.0 - o_j);
        dc[j] = d * f_j;
    }
}
