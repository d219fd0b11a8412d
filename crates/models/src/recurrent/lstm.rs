//! Long short-term memory: Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; with the forget gate of Gers et al., 2000.
//!
//! ```text
//! i = σ(W_i x + U_i h + b_i)      what of the candidate is written
//! f = σ(W_f x + U_f h + b_f)      what of the memory is kept
//! g = tanh(W_g x + U_g h + b_g)   the candidate
//! o = σ(W_o x + U_o h + b_o)      what of the memory is shown
//! c ← f ∘ c + i ∘ g
//! h ← o ∘ tanh(c)
//! ```
//!
//! The four products with `x` are one, and so are those with `h`; their rows lie as `[i | f | g | o]`.

use papo_kernels::{Activation, Compute};

/// `wx = W x + b` and `uh = U h + b'`, both `[rows, 4 · H]`, bring `h` and `c`, `[rows, H]`, a step further; `wx` is used up.
pub(super) fn advance(
    compute: &Compute,
    d_hidden: usize,
    wx: &mut [f32],
    uh: &[f32],
    h: &mut [f32],
    c: &mut [f32],
) {
    compute.add(uh, wx);
    let states = h.chunks_exact_mut(d_hidden).zip(c.chunks_exact_mut(d_hidden));
    for (gates, (h, c)) in wx.chunks_exact_mut(4 * d_hidden).zip(states) {
        let (i_f, g_o) = gates.split_at_mut(2 * d_hidden);
        let (g, o) = g_o.split_at_mut(d_hidden);
        compute.activate(Activation::Sigmoid, i_f);
        compute.activate(Activation::Tanh, g);
        compute.activate(Activation::Sigmoid, o);
        let (i, f) = i_f.split_at(d_hidden);
        for ((c, f), (i, g)) in c.iter_mut().zip(f).zip(i.iter().zip(&*g)) {
            *c = f * *c + i * g;
        }
        h.copy_from_slice(c);
        compute.activate(Activation::Tanh, h);
        h.iter_mut().zip(&*o).for_each(|(h, o)| *h *= o);
    }
}
