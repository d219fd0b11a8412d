//! The feed-forward layer of a block, plain or gated.

use papo_kernels::{Activation, Compute, Numbers};

use crate::linear::Linear;

/// Scratch memory of a feed-forward layer.
#[derive(Debug, Default)]
pub(crate) struct FeedForwardBuffers {
    wide: Numbers,
    gated: Numbers,
}

impl FeedForwardBuffers {
    /// Makes them fit `rows` rows of width `d_ff`.
    pub(crate) fn reserve(&mut self, rows: usize, d_ff: usize) {
        self.wide.at_least(rows * 2 * d_ff);
        self.gated.at_least(rows * d_ff);
    }
}

/// A feed-forward layer with its weights.
#[derive(Debug)]
pub(crate) enum FeedForwardLayer {
    /// `down(activation(up x))`.
    Plain { up: Linear, activation: Activation, down: Linear },
    /// `down(activation(gate x) · up x)`; `gate_up` holds both matrices, one on top of the other.
    Gated { gate_up: Linear, activation: Activation, down: Linear },
}

impl FeedForwardLayer {
    /// `x` and `y` are `[rows, d_model]`.
    pub(crate) fn apply(
        &self,
        compute: &Compute,
        x: &[f32],
        buffers: &mut FeedForwardBuffers,
        y: &mut [f32],
    ) {
        match self {
            FeedForwardLayer::Plain { up, activation, down } => {
                let rows = x.len() / up.weights.inputs();
                let wide = buffers.wide.at_least(rows * up.weights.outputs());
                up.apply(compute, x, wide); // [rows, d_ff]
                compute.activate(*activation, wide);
                down.apply(compute, wide, y); // [rows, d_model]
            }
            FeedForwardLayer::Gated { gate_up, activation, down } => {
                let rows = x.len() / gate_up.weights.inputs();
                let d_ff = down.weights.inputs();
                let wide = buffers.wide.at_least(rows * 2 * d_ff);
                gate_up.apply(compute, x, wide); // [rows, gate | up]
                let gated = buffers.gated.at_least(rows * d_ff);
                compute.gate(*activation, wide, d_ff, gated); // [rows, d_ff]
                down.apply(compute, gated, y); // [rows, d_model]
            }
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        match self {
            FeedForwardLayer::Plain { up, down, .. } => up.bytes() + down.bytes(),
            FeedForwardLayer::Gated { gate_up, down, .. } => gate_up.bytes() + down.bytes(),
        }
    }
}
