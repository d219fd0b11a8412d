//! From tokens to the input of block 0: table, scale, positions, norm.

use std::sync::Arc;

use papo_generate::TokenId;
use papo_kernels::{Compute, Numbers, PackedMatrix};

use crate::norm::NormWeights;
use crate::positions::PositionTable;

/// The embeddings of one stack.
#[derive(Debug)]
pub(crate) struct Embeddings {
    /// `[vocabulary, d_model]`, shared with the other stack and the head where the checkpoint ties them.
    pub(crate) table: Arc<PackedMatrix>,
    pub(crate) scale: f32,
    pub(crate) positions: PositionTable,
    pub(crate) norm: Option<NormWeights>,
}

impl Embeddings {
    /// Writes the embedding of each token at its position to a row of `x`, `[tokens, d_model]`.
    ///
    /// Tokens and positions were checked when they came in.
    pub(crate) fn embed(
        &self,
        compute: &Compute,
        tokens: impl Iterator<Item = (TokenId, usize)>,
        buffer: &mut Numbers,
        x: &mut [f32],
    ) {
        let d_model = self.table.inputs();
        let spare = buffer.at_least(x.len());
        for ((token, position), x) in tokens.zip(x.chunks_exact_mut(d_model)) {
            self.table.read_row(token as usize, x);
            if self.scale != 1.0 {
                x.iter_mut().for_each(|x| *x *= self.scale);
            }
            let row = &mut spare[..d_model];
            if self.positions.write(position, row) {
                x.iter_mut().zip(row).for_each(|(x, position)| *x += *position);
            }
        }
        if let Some(norm) = &self.norm {
            norm.apply(compute, x, spare);
            x.copy_from_slice(spare);
        }
    }
}
