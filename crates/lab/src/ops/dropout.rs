//! Dropout: Srivastava et al., JMLR 15 (2014).
//!
//! Each number is put out with probability `p`, the others grow by `1 / (1 - p)`. The mask is a function of place (`chance.rs`).

use burn::tensor::{Tensor, TensorData};

use crate::chance::Chance;

/// Puts out part `p` of the numbers; without a chance none.
pub(crate) fn dropout(x: Tensor<2>, p: f64, chance: Option<Chance>) -> Tensor<2> {
    let Some(chance) = chance.filter(|_| p > 0.0) else { return x };
    let shape = x.dims();
    let threshold = threshold(p);
    let scale = 1.0 / (1.0 - p) as f32;
    let count = shape[0] * shape[1];
    let mask: Vec<f32> =
        (0..count as u32).map(|i| if chance.bits(i) >= threshold { scale } else { 0.0 }).collect();
    let mask: Tensor<2> = Tensor::from_data(TensorData::new(mask, shape), &x.device());
    x * mask
}

/// Random bits below this put a number out.
pub(crate) fn threshold(p: f64) -> u32 {
    (p * 4_294_967_296.0) as u32
}
