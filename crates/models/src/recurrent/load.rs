//! The names of a recurrent network's weights: PyTorch's, with gates stacked in its order.

use std::sync::Arc;

use papo_kernels::PackedMatrix;

use super::Cell;
use super::layer::Layer;
use crate::Error;
use crate::head::LogitsHead;
use crate::linear::Linear;
use crate::spec::Head;
use crate::tensors::{Tensors, Use};

/// The token table.
pub(super) const EMBEDDING: &str = "embedding.weight";
/// The head's matrix.
const OUTPUT: &str = "output.weight";

/// Asks a checkpoint for the parts of one network.
pub(super) struct Loader<'a> {
    pub(super) tensors: &'a Tensors<'a>,
    pub(super) cell: Cell,
    pub(super) d_hidden: usize,
}

impl Loader<'_> {
    /// A matrix `[outputs, inputs]`.
    pub(super) fn matrix(&self, key: &str, outputs: usize, inputs: usize) -> Result<PackedMatrix, Error> {
        let stored = self.tensors.matrix(&[key.to_owned()], outputs, inputs)?;
        let usage = if [EMBEDDING, OUTPUT].contains(&key) { Use::Vocabulary } else { Use::Product };
        Ok(self.tensors.pack(&[stored], usage))
    }

    /// A vector of `len` numbers.
    pub(super) fn vector(&self, key: &str, len: usize) -> Result<Vec<f32>, Error> {
        Ok(self.tensors.copy(&self.tensors.required(&[key.to_owned()], &[len])?))
    }

    /// A matrix with its bias.
    pub(super) fn linear(
        &self,
        weight: &str,
        bias: &str,
        outputs: usize,
        inputs: usize,
    ) -> Result<Linear, Error> {
        let weights = self.matrix(weight, outputs, inputs)?;
        Ok(Linear { weights, bias: Some(self.vector(bias, outputs)?) })
    }

    /// Layer `k` of `stack`; `ending` is `_reverse` where it reads backward.
    pub(super) fn layer(&self, stack: &str, k: usize, ending: &str, inputs: usize) -> Result<Layer, Error> {
        let gates = self.cell.gates() * self.d_hidden;
        let linear = |part: &str, inputs| {
            let (weight, bias) =
                (format!("{stack}.weight_{part}_l{k}{ending}"), format!("{stack}.bias_{part}_l{k}{ending}"));
            self.linear(&weight, &bias, gates, inputs)
        };
        Ok(Layer { cell: self.cell, input: linear("ih", inputs)?, hidden: linear("hh", self.d_hidden)? })
    }

    /// The head over vectors of `width` numbers.
    pub(super) fn head(
        &self,
        head: Head,
        table: &Arc<PackedMatrix>,
        vocabulary: usize,
        width: usize,
    ) -> Result<LogitsHead, Error> {
        let weights = match head {
            Head::Tied => table.clone(),
            Head::Separate => Arc::new(self.matrix(OUTPUT, vocabulary, width)?),
        };
        Ok(LogitsHead { weights, bias: Some(self.vector("output.bias", vocabulary)?) })
    }
}
