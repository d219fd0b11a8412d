//! The simple recurrent network: Elman, "Finding Structure in Time", 1990.
//!
//! ```text
//! h_t = tanh(W x_t + b + U h_{t-1} + b')
//! ```

use papo_kernels::{Activation, Compute};

/// `wx = W x_t + b` and `uh = U h_{t-1} + b'`, both `[rows, H]`, give `h`, `[rows, H]`; `wx` is used up.
pub(super) fn advance(compute: &Compute, wx: &mut [f32], uh: &[f32], h: &mut [f32]) {
    compute.add(uh, wx);
    compute.activate(Activation::Tanh, wx);
    h.copy_from_slice(wx);
}
