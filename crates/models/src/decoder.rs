//! The decoder: one token a row in, what the head reads out.
//!
//! ```text
//! x = embed(last tokens)                              [rows, d_model]
//! for each block:   x ← residual(x, self-attention over the cached steps)
//!                   x ← residual(x, cross-attention to the source)
//!                   x ← residual(x, feed-forward)
//! x ← final norm(x), where norms stand before layers;   x ← scale · x
//! ```

use papo_generate::TokenId;
use papo_kernels::{Compute, Keep, KeyValues, Numbers};

use crate::attention::{CrossAttention, SelfAttention};
use crate::embeddings::Embeddings;
use crate::feed_forward::FeedForwardLayer;
use crate::norm::{NormWeights, Residual};
use crate::relative_bias::RelativeBias;
use crate::sources::Sources;
use crate::state::{Buffers, Scratch, State};
use crate::taps::{Place, Recorder, Side, TapName};

/// The stack that writes targets.
#[derive(Debug)]
pub(crate) struct Decoder {
    pub(crate) embeddings: Embeddings,
    pub(crate) blocks: Vec<DecoderBlock>,
    pub(crate) final_norm: Option<NormWeights>,
    pub(crate) relative_bias: Option<RelativeBias>,
    pub(crate) output_scale: f32,
}

/// One block of the decoder.
#[derive(Debug)]
pub(crate) struct DecoderBlock {
    pub(crate) self_attention: SelfAttention,
    pub(crate) self_attention_residual: Residual,
    pub(crate) cross_attention: CrossAttention,
    pub(crate) cross_attention_residual: Residual,
    pub(crate) feed_forward: FeedForwardLayer,
    pub(crate) feed_forward_residual: Residual,
}

impl Decoder {
    /// The keys and values that each block keeps of what was encoded, `[tokens, d_model]`.
    pub(crate) fn project(
        &self,
        compute: &Compute,
        encoded: &[f32],
        sources: &Sources,
        buffer: &mut Numbers,
        memory: &mut Vec<KeyValues>,
    ) {
        memory.resize_with(self.blocks.len(), || KeyValues::new(self.keep()));
        for (block, memory) in self.blocks.iter().zip(memory) {
            block.cross_attention.project(compute, encoded, sources, buffer, memory);
        }
    }

    /// How keys and values are kept.
    pub(crate) fn keep(&self) -> Keep {
        self.blocks.first().map_or(Keep::Exact, |block| block.cross_attention.keep())
    }

    /// Makes the relative bias cover all steps that the state has room for.
    pub(crate) fn fill_bias(&self, state: &mut State) {
        if let Some(bias) = &self.relative_bias
            && state.bias.length() < state.history.capacity()
        {
            bias.fill(state.history.capacity(), &mut state.bias);
        }
    }

    /// Appends token `last[r]` to each row `r`; the result, `[rows, d_model]`, lies in the state.
    pub(crate) fn step<'s, R: Recorder>(
        &self,
        compute: &Compute,
        state: &'s mut State,
        last: &[TokenId],
        recorder: &mut R,
    ) -> &'s [f32] {
        let d_model = self.embeddings.table.inputs();
        let position = state.steps();
        state.begin_step();
        self.fill_bias(state);
        let State { groups, history, bias: lines, buffers: Buffers { caches, memory, scratch, .. }, .. } =
            state;
        let Scratch { x, spare, residual, attention, feed_forward, .. } = scratch;
        let shape = [last.len(), d_model];
        let of_stack = |place| TapName::of_stack(Side::Decoder, place);
        let bias = self.relative_bias.as_ref().map(|_| lines.at(position));

        let x = x.at_least(last.len() * d_model); // [rows, d_model]
        self.embeddings.embed(compute, last.iter().map(|&token| (token, position)), spare, x);
        recorder.record(of_stack(Place::Embeddings), &shape, x);

        for (layer, block) in self.blocks.iter().enumerate() {
            let of_block = |place| TapName::of_block(Side::Decoder, layer, place);

            block.self_attention_residual.around(compute, x, residual, |x, y| {
                let tap = (of_block(Place::SelfAttentionWeights), &mut *recorder);
                block.self_attention.step(compute, x, history, &mut caches[layer], bias, attention, y, tap);
                recorder.record(of_block(Place::SelfAttentionOutput), &shape, y);
            });

            block.cross_attention_residual.around(compute, x, residual, |x, y| {
                let tap = (of_block(Place::CrossAttentionWeights), &mut *recorder);
                block.cross_attention.attend(compute, x, groups, &memory[layer], attention, y, tap);
                recorder.record(of_block(Place::CrossAttentionOutput), &shape, y);
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
        if self.output_scale != 1.0 {
            x.iter_mut().for_each(|x| *x *= self.output_scale);
        }
        recorder.record(of_stack(Place::Output), &shape, x);
        x
    }

    /// Bytes of all weights that a step reads.
    pub(crate) fn bytes_per_step(&self) -> usize {
        let block = |block: &DecoderBlock| {
            let norms = [
                &block.self_attention_residual,
                &block.cross_attention_residual,
                &block.feed_forward_residual,
            ];
            block.self_attention.bytes()
                + block.cross_attention.bytes_per_step()
                + block.feed_forward.bytes()
                + norms.iter().map(|residual| residual.norm.bytes()).sum::<usize>()
        };
        let norms = self.final_norm.iter().chain(&self.embeddings.norm);
        self.blocks.iter().map(block).sum::<usize>() + norms.map(NormWeights::bytes).sum::<usize>()
    }
}
