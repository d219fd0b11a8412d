//! `y = x Wᵀ + b`.

use burn::tensor::Tensor;

/// `x` is `[rows, inputs]`, `w` `[outputs, inputs]`, `b` `[outputs]`; the result is `[rows, outputs]`.
pub(crate) fn linear(x: Tensor<2>, w: Tensor<2>, b: Option<Tensor<1>>) -> Tensor<2> {
    let y = x.matmul(w.transpose());
    match b {
        Some(b) => y + b.unsqueeze(),
        None => y,
    }
}
