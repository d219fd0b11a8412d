//! The head: from the decoder's output to logits.

use std::sync::Arc;

use papo_kernels::{Compute, PackedMatrix};

/// The logits' matrix, which may be the token table itself, and its bias.
#[derive(Debug)]
pub(crate) struct LogitsHead {
    /// `[vocabulary, d_model]`.
    pub(crate) weights: Arc<PackedMatrix>,
    /// `[vocabulary]`.
    pub(crate) bias: Option<Vec<f32>>,
}

impl LogitsHead {
    /// `x` is `[rows, d_model]`, `logits` is `[rows, vocabulary]`.
    pub(crate) fn apply(&self, compute: &Compute, x: &[f32], logits: &mut [f32]) {
        compute.linear(x, &self.weights, self.bias.as_deref(), logits);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.weights.bytes() + self.bias.as_ref().map_or(0, |bias| bias.len() * size_of::<f32>())
    }
}
