//! Additive attention: Bahdanau, Cho & Bengio, "Neural Machine Translation by Jointly Learning to Align and Translate" (ICLR 2015).
//!
//! ```text
//! e_tj = v · tanh(W_a s_{t-1} + U_a h_j)
//! α_tj = softmax_j(e_tj)
//! c_t  = Σ_j α_tj h_j
//! ```
//!
//! A small network compares the decoder's state `s_{t-1}` with each state `h_j` of the encoder. `U_a h_j` does not depend on the
//! step, so it is computed once for each source.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::{Matrix, Memory};
use crate::initial::Initial;
use crate::{Pass, ops};

/// The comparing network.
#[derive(Module, Debug)]
pub(crate) struct Bahdanau {
    /// W_a: `[A, H]`.
    query: Matrix,
    /// U_a: `[A, 2H]`.
    key: Matrix,
    score: Score,
}

#[derive(Module, Debug)]
struct Score {
    /// v: `[A]`.
    weight: Param<Tensor<1>>,
}

/// What one source is compared by.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// U_a h_j: `[rows, tokens, A]`.
    u: Tensor<3>,
    w_a: Tensor<2>,
    v: Tensor<1>,
}

impl Bahdanau {
    pub(crate) fn new(d_attention: usize, d_hidden: usize, initial: &Initial<'_>) -> Self {
        let v = initial.uniform("score", [1, d_attention], (d_attention as f32).sqrt().recip());
        Self {
            query: Matrix::new("query", d_attention, d_hidden, initial),
            key: Matrix::new("key", d_attention, 2 * d_hidden, initial),
            score: Score { weight: Param::from_tensor(v.val().inner().squeeze_dim::<1>(0).autodiff()) },
        }
    }

    /// U_a h_j of all tokens, once for each source.
    pub(crate) fn keys(&self, memory: &Memory, pass: &Pass) -> Keys {
        let [rows, tokens, width] = memory.states.dims();
        let h = memory.states.clone().reshape([rows * tokens, width]);
        let u = ops::linear(h, pass.weight(&self.key.weight), None); // [rows · tokens, A]
        let a = u.dims()[1];
        Keys {
            u: u.reshape([rows, tokens, a]),
            w_a: pass.weight(&self.query.weight),
            v: pass.weight(&self.score.weight),
        }
    }
}

impl Keys {
    /// e_tj for s_{t-1} `[rows, H]`: `[rows, tokens]`.
    pub(crate) fn scores(&self, s: Tensor<2>) -> Tensor<2> {
        let query = ops::linear(s, self.w_a.clone(), None); // [rows, A]
        let sum = (self.u.clone() + query.unsqueeze_dim::<3>(1)).tanh(); // [rows, tokens, A]
        (sum * self.v.clone().unsqueeze::<3>()).sum_dim(2).squeeze_dim(2)
    }
}
