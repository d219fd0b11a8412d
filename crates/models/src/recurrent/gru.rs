//! The gated recurrent unit: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014.
//!
//! ```text
//! r = σ(W_r x + b_r + U_r h + b'_r)             what of the past the candidate sees
//! z = σ(W_z x + b_z + U_z h + b'_z)             what of the past is kept
//! n = tanh(W_n x + b_n + r ∘ (U_n h + b'_n))    the candidate
//! h ← (1 − z) ∘ n + z ∘ h
//! ```
//!
//! The reset gate stands after the product with `h`, not before as in the paper: so all three products are one, and so do cuDNN and
//! PyTorch have it. Rows lie as `[r | z | n]`.

use papo_kernels::{Activation, Compute};

/// `wx = W x + b` and `uh = U h + b'`, both `[rows, 3 · H]`, bring `h`, `[rows, H]`, a step further; `wx` is used up.
pub(super) fn advance(compute: &Compute, d_hidden: usize, wx: &mut [f32], uh: &[f32], h: &mut [f32]) {
    let products = wx.chunks_exact_mut(3 * d_hidden).zip(uh.chunks_exact(3 * d_hidden));
    for ((wx, uh), h) in products.zip(h.chunks_exact_mut(d_hidden)) {
        let (rz, n) = wx.split_at_mut(2 * d_hidden);
        let (uh_rz, uh_n) = uh.split_at(2 * d_hidden);
        compute.add(uh_rz, rz);
        compute.activate(Activation::Sigmoid, rz);
        let (r, z) = rz.split_at(d_hidden);
        for (n, (r, uh)) in n.iter_mut().zip(r.iter().zip(uh_n)) {
            *n += r * uh;
        }
        compute.activate(Activation::Tanh, n);
        for (h, (z, n)) in h.iter_mut().zip(z.iter().zip(&*n)) {
            *h = (1.0 - z) * n + z * *h;
        }
    }
}
