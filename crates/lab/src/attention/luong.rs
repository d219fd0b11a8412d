//! Multiplicative attention: Luong, Pham & Manning, "Effective Approaches to Attention-based Neural Machine Translation" (EMNLP 2015), the
//! "general" score.
//!
//! ```text
//! e_tj = s_t · W_a h_j
//! α_tj = softmax_j(e_tj)
//! c_t  = Σ_j α_tj h_j
//! h̃_t  = tanh(W_c [c_t ; s_t] + b)
//! ```
//!
//! One matrix in place of Bahdanau's network. `h̃_t` both foretells the word and, by input feeding, goes into the next step, so that the decoder
//! knows where it looked before.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{Matrix, Memory};
use crate::initial::Initial;
use crate::{Pass, ops};

/// The comparing matrix W_a: `[H, 2H]`.
#[derive(Module, Debug)]
pub(crate) struct Luong {
    matrix: Matrix,
}

impl Luong {
    pub(crate) fn new(d_hidden: usize, initial: &Initial<'_>) -> Self {
        Self { matrix: Matrix::new("weight", d_hidden, 2 * d_hidden, initial) }
    }

    /// W_a h_j of all tokens, once for each source: `[rows, tokens, H]`.
    pub(crate) fn keys(&self, memory: &Memory, pass: &Pass) -> Tensor<3> {
        let [rows, tokens, width] = memory.states.dims();
        let h = memory.states.clone().reshape([rows * tokens, width]);
        let keys = ops::linear(h, pass.weight(&self.matrix.weight), None); // [rows · tokens, H]
        let d_hidden = keys.dims()[1];
        keys.reshape([rows, tokens, d_hidden])
    }

    /// e_tj for s_t `[rows, H]`: `[rows, tokens]`.
    pub(crate) fn scores(keys: &Tensor<3>, s: Tensor<2>) -> Tensor<2> {
        keys.clone().matmul(s.unsqueeze_dim(2)).squeeze_dim(2)
    }
}
