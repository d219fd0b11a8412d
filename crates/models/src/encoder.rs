//! The encoder: whole sources in, one vector a token out.
//!
//! ```text
//! x = embed(tokens)                                   [tokens, d_model]
//! for each block:   x ← residual(x, self-attention)
//!                   x ← residual(x, feed-forward)
//! x ← final norm(x), where norms stand before layers
//! ```

use papo_kernels::{Compute, Keep, KeyValues, Numbers};

use crate::attention::{AttentionBuffers, SelfAttention};
use crate::embeddings::Embeddings;
use crate::feed_forward::{FeedForwardBuffers, FeedForwardLayer};
use crate::norm::{NormWeights, Residual, ResidualBuffers};
use crate::relative_bias::{BiasLines, RelativeBias};
use crate::sources::Sources;
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
    /// Encodes all sources at once: `[tokens, d_model]`, one source after another.
    pub(crate) fn encode<R: Recorder>(
        &self,
        compute: &Compute,
        sources: &Sources,
        recorder: &mut R,
    ) -> Vec<f32> {
        let d_model = self.embeddings.table.inputs();
        let shape = [sources.tokens.len(), d_model];
        let of_stack = |place| TapName::of_stack(Side::Encoder, place);
        let (mut residual, mut attention) = (ResidualBuffers::default(), AttentionBuffers::default());
        let (mut wide, mut spare, mut memory) =
            (FeedForwardBuffers::default(), Numbers::default(), KeyValues::new(Keep::Exact));
        let mut lines = BiasLines::default();
        if let Some(bias) = &self.relative_bias {
            bias.fill(sources.longest(), &mut lines);
        }
        let bias = self.relative_bias.as_ref().map(|_| lines.over_sources());

        let mut x = vec![0.0; shape[0] * d_model]; // [tokens, d_model]
        self.embeddings.embed(compute, sources.with_positions(), &mut spare, &mut x);
        recorder.record(of_stack(Place::Embeddings), &shape, &x);

        for (layer, block) in self.blocks.iter().enumerate() {
            let of_block = |place| TapName::of_block(Side::Encoder, layer, place);

            block.attention_residual.around(compute, &mut x, &mut residual, |x, y| {
                let tap = (of_block(Place::SelfAttentionWeights), &mut *recorder);
                block.self_attention.over_sources(
                    compute,
                    x,
                    sources,
                    bias,
                    &mut memory,
                    &mut attention,
                    y,
                    tap,
                );
                recorder.record(of_block(Place::SelfAttentionOutput), &shape, y);
            });

            block.feed_forward_residual.around(compute, &mut x, &mut residual, |x, y| {
                block.feed_forward.apply(compute, x, &mut wide, y);
                recorder.record(of_block(Place::FeedForwardOutput), &shape, y);
            });
            recorder.record(of_block(Place::Output), &shape, &x);
        }

        if let Some(norm) = &self.final_norm {
            let normed = spare.at_least(x.len());
            norm.apply(compute, &x, normed);
            x.copy_from_slice(normed);
        }
        recorder.record(of_stack(Place::Output), &shape, &x);
        x
    }
}
