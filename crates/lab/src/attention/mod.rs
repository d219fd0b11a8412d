//! How a decoder looks back at the source, in the two classic ways.
//!
//! `bahdanau.rs` asks with the state *before* the step, and the answer is an input of the step; `luong.rs` asks with the state *after* it,
//! and the answer is an input of the prediction. (The transformer's attention is in `ops/attention.rs`.)

mod bahdanau;
mod luong;

pub(crate) use bahdanau::Bahdanau;
pub(crate) use luong::Luong;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData, activation::softmax};

use crate::initial::Initial;

/// A matrix without a bias.
#[derive(Module, Debug)]
pub(crate) struct Matrix {
    /// `[outputs, inputs]`.
    pub(crate) weight: Param<Tensor<2>>,
}

impl Matrix {
    pub(crate) fn new(name: &str, outputs: usize, inputs: usize, initial: &Initial<'_>) -> Self {
        Self { weight: initial.xavier(name, [outputs, inputs], 1) }
    }
}

/// The encoder's states as attention reads them.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    /// h_j: `[rows, tokens, 2H]`.
    pub(crate) states: Tensor<3>,
    /// 0 for a real token, very negative for a filled-up one: `[rows, tokens]`.
    pub(crate) mask: Tensor<2>,
}

impl Memory {
    /// From states `[tokens · rows, 2H]`, time-major.
    pub(crate) fn new(states: Tensor<2>, lengths: &[usize]) -> Self {
        let (rows, [all, width]) = (lengths.len(), states.dims());
        let tokens = all / rows;
        let device = states.device();
        Self {
            states: states.reshape([tokens, rows, width]).swap_dims(0, 1),
            mask: length_mask(lengths, tokens, &device),
        }
    }

    /// c = Σ_j α_j h_j with α = softmax(e): scores `[rows, tokens]` give `[rows, 2H]`.
    pub(crate) fn context(&self, e: Tensor<2>) -> Tensor<2> {
        let alpha = softmax(e + self.mask.clone(), 1);
        alpha.unsqueeze_dim::<3>(1).matmul(self.states.clone()).squeeze_dim(1)
    }
}

/// 0 where a token is real, very negative where it is filled up: `[rows, tokens]`.
fn length_mask(lengths: &[usize], tokens: usize, device: &Device) -> Tensor<2> {
    let mask: Vec<f32> = lengths
        .iter()
        .flat_map(|&length| (0..tokens).map(move |j| if j < length { 0.0 } else { -1e30 }))
        .collect();
    Tensor::from_data(TensorData::new(mask, [lengths.len(), tokens]), device)
}
