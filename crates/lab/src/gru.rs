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

use crate::ops::math::{sigmoid as sigmoid_of, tanh};

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

/// One step of one row over slices. `gates` holds `W_i x_t + b_i` and receives r, z, n; `hidden` is `W_h h_{t-1} + b_h`.
#[inline(always)]
pub(crate) fn forward(gates: &mut [f32], hidden: &[f32], h_before: &[f32], h: &mut [f32]) {
    let size = h.len();
    let (r, rest) = gates.split_at_mut(size);
    let (z, n) = rest.split_at_mut(size);
    let (hidden_r, hidden_z, hidden_n) =
        (&hidden[..size], &hidden[size..][..size], &hidden[2 * size..][..size]);
    let (n, h_before) = (&mut n[..size], &h_before[..size]);
    for j in 0..size {
        r[j] = sigmoid_of(r[j] + hidden_r[j]);
        z[j] = sigmoid_of(z[j] + hidden_z[j]);
        n[j] = tanh(n[j] + r[j] * hidden_n[j]);
        h[j] = n[j] + z[j] * (h_before[j] - n[j]);
    }
}

/// The way back of one row. `gates` holds r, z, n and receives the gradients of the input products; `d_hidden` receives those of the hidden products
/// (they differ by r in the third); `hidden_n` is `W_hn h_{t-1} + b_hn`; `dh` is the gradient of h_t and becomes the part of h_{t-1}'s
/// that does not go through a product.
///
/// ```text
/// dn = dh ∘ (1-z) ∘ (1-n²)   dz = dh ∘ (h_{t-1} - n) ∘ z(1-z)   dr = dn ∘ hidden_n ∘ r(1-r)   dh ← dh ∘ z
/// ```
#[inline(always)]
pub(crate) fn backward(
    gates: &mut [f32],
    hidden_n: &[f32],
    h_before: &[f32],
    d_hidden: &mut [f32],
    dh: &mut [f32],
) {
    let size = dh.len();
    let (r, rest) = gates.split_at_mut(size);
    let (z, n) = rest.split_at_mut(size);
    let (dr, rest) = d_hidden.split_at_mut(size);
    let (dz, dn) = rest.split_at_mut(size);
    let (n, dn, hidden_n, h_before) = (&mut n[..size], &mut dn[..size], &hidden_n[..size], &h_before[..size]);
    for j in 0..size {
        let (r_j, z_j, n_j) = (r[j], z[j], n[j]);
        let inside = dh[j] * (1.0 - z_j) * (1.0 - n_j * n_j);
        r[j] = inside * hidden_n[j] * r_j * (1.0 - r_j);
        z[j] = dh[j] * (h_before[j] - n_j) * z_j * (1.0 - z_j);
        n[j] = inside;
        dr[j] = r[j];
        dz[j] = z[j];
        dn[j] = inside * r_j;
        dh[j] *= z_j;
    }
}
