//! Norms, and the one place that decides where they stand: the residual connection around a layer.

use papo_kernels::{Compute, Numbers};

use crate::spec::Placement;

/// A norm with its weights, all `[d_model]`.
#[derive(Debug)]
pub(crate) enum NormWeights {
    Layer { gain: Vec<f32>, bias: Vec<f32>, eps: f32 },
    Rms { gain: Vec<f32>, eps: f32 },
}

impl NormWeights {
    /// `x` and `y` are `[rows, d_model]`.
    pub(crate) fn apply(&self, compute: &Compute, x: &[f32], y: &mut [f32]) {
        match self {
            NormWeights::Layer { gain, bias, eps } => compute.layer_norm(x, gain, bias, *eps, y),
            NormWeights::Rms { gain, eps } => compute.rms_norm(x, gain, *eps, y),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let numbers = match self {
            NormWeights::Layer { gain, bias, .. } => gain.len() + bias.len(),
            NormWeights::Rms { gain, .. } => gain.len(),
        };
        numbers * size_of::<f32>()
    }
}

/// Scratch memory of residual connections.
#[derive(Debug, Default)]
pub(crate) struct ResidualBuffers {
    normed: Numbers,
    output: Numbers,
}

impl ResidualBuffers {
    /// Makes them fit `len` numbers.
    pub(crate) fn reserve(&mut self, len: usize) {
        self.normed.at_least(len);
        self.output.at_least(len);
    }
}

/// The residual connection around one layer, and its norm.
#[derive(Debug)]
pub(crate) struct Residual {
    pub(crate) norm: NormWeights,
    pub(crate) placement: Placement,
}

impl Residual {
    /// Runs `layer(input, output)` and adds what it gives to `x`, `[rows, d_model]`.
    pub(crate) fn around(
        &self,
        compute: &Compute,
        x: &mut [f32],
        buffers: &mut ResidualBuffers,
        layer: impl FnOnce(&[f32], &mut [f32]),
    ) {
        let output = buffers.output.at_least(x.len());
        match self.placement {
            // x + layer(norm(x))
            Placement::Pre => {
                let normed = buffers.normed.at_least(x.len());
                self.norm.apply(compute, x, normed);
                layer(normed, output);
                compute.add(output, x);
            }
            // norm(x + layer(x))
            Placement::Post => {
                layer(x, output);
                compute.add(x, output);
                self.norm.apply(compute, output, x);
            }
        }
    }
}
