//! The encoder: whole sources in, one vector a token out.
//!
//! ```text
//! x = embed(tokens)                                   [tokens, d_model]
//! for each block:   x ← residual(x, self-attention)
//!                   x ← residual(x, feed-forward)
//! x ← final norm(x), where norms stand before layers
//! ```

use papo_kernels::Compute;

use crate::attention::SelfAttention;
use crate::embeddings::Embeddings;
use crate::feed_forward::FeedForwardLayer;
use crate::norm::{NormWeights, Residual};
use crate::relative_bias::{BiasLines, RelativeBias};
use crate::sources::Sources;
use crate::state::{Buffers, Scratch};
use crate::taps::{Place, Recorder, Side, TapName};

/// The stack that reads sources.
#[derive(Debug)]
pub(crate) struct Encoder {
    pub(crate) embeddings: Embeddings,
    pub(crate) blocks: Vec<EncoderBlock>,
    pub(crate) final_norm: Option<NormWeights>,
    pub(crate) relative_bias: Option<RelativeBias>,
}

/// One block of the encoder.
#[derive(Debug)]
pub(crate) struct EncoderBlock {
    pub(crate) self_attention: SelfAttention,
    pub(crate) attention_residual: Residual,
    pub(crate) feed_forward: FeedForwardLayer,
    pub(crate) feed_forward_residual: Residual,
}

impl Encoder {
    /// Encodes all sources at once: `[tokens, d_model]`, one source after another, is left in the scratch's `x`.
    pub(crate) fn encode<R: Recorder>(
        &self,
        compute: &Compute,
        sources: &Sources,
        Buffers { encoder_memory: memory, scratch, .. }: &mut Buffers,
        recorder: &mut R,
    ) {
        let d_model = self.embeddings.table.inputs();
        let shape = [sources.tokens.len(), d_model];
        let of_stack = |place| TapName::of_stack(Side::Encoder, place);
        let Scratch { x, spare, residual, attention, feed_forward, .. } = scratch;
        let mut lines = BiasLines::default();
        if let Some(bias) = &self.relative_bias {
            bias.fill(sources.longest(), &mut lines);
        }
        let bias = self.relative_bias.as_ref().map(|_| lines.over_sources());

        let x = x.at_least(shape[0] * d_model); // [tokens, d_model]
        self.embeddings.embed(compute, sources.with_positions(), spare, x);
        recorder.record(of_stack(Place::Embeddings), &shape, x);

        for (layer, block) in self.blocks.iter().enumerate() {
            let of_block = |place| TapName::of_block(Side::Encoder, layer, place);

            block.attention_residual.around(compute, x, residual, |x, y| {
                let tap = (of_block(Place::SelfAttentionWeights), &mut *recorder);
                block.self_attention.over_sources(compute, x, sources, bias, memory, attention, y, tap);
                recorder.record(of_block(Place::SelfAttentionOutput), &shape, y);
            });

            block.feed_forward_residual.around(compute, x, residual, |x, y| {
                block.feed_forward.apply(compute, x, feed_forward, y);
                recorder.record(of_block(Place::FeedForwardOutput), &shape, y);
            });
            recorder.record(of_block(Place::Output), &shape, x);
        }

        if let Some(norm) = &self.final_norm {
            let normed = spare.at_least(x.len());
            norm.apply(compute, x, normed);
            x.copy_from_slice(normed);
        }
        recorder.record(of_stack(Place::Output), &shape, x);
    }
}
