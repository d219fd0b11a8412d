//! A linear layer: `x Wᵀ + b`.

use papo_kernels::{Compute, PackedMatrix};

/// Packed weights with their bias, where there is one.
#[derive(Debug)]
pub(crate) struct Linear {
    pub(crate) weights: PackedMatrix,
    pub(crate) bias: Option<Vec<f32>>,
}

impl Linear {
    /// `x` is `[rows, inputs]`, `y` is `[rows, outputs]`.
    pub(crate) fn apply(&self, compute: &Compute, x: &[f32], y: &mut [f32]) {
        compute.linear(x, &self.weights, self.bias.as_deref(), y);
    }

    /// Bytes that one application reads.
    pub(crate) fn bytes(&self) -> usize {
        self.weights.bytes() + self.bias.as_ref().map_or(0, |bias| bias.len() * size_of::<f32>())
    }
}
