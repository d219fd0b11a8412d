//! One name for every intermediate, and the recorder that may listen to them.
//!
//! The names are the seam for debugging, golden tests and pictures alike. The default recorder, `()`, listens
//! to nothing and compiles to nothing. Next: `encoder.rs` and `decoder.rs`, where the taps stand.

use std::fmt;

/// One of the two stacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The stack that reads the source.
    Encoder,
    /// The stack that writes the target.
    Decoder,
}

/// What of a stack or of a block is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The input of block 0: after scale, positions and embedding norm.
    Embeddings,
    /// Self-attention's softmax.
    SelfAttentionWeights,
    /// Self-attention after its output projection, before the residual.
    SelfAttentionOutput,
    /// Cross-attention's softmax.
    CrossAttentionWeights,
    /// Cross-attention after its output projection, before the residual.
    CrossAttentionOutput,
    /// The feed-forward layer before the residual.
    FeedForwardOutput,
    /// A block's output; without a layer the stack's, after the final norm and the output scale.
    Output,
    /// What the head gives, bias included.
    Logits,
}

/// The name of an intermediate; it displays as `encoder.3.self_attention.weights`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TapName {
    /// The stack.
    pub side: Side,
    /// The block's index, where the intermediate belongs to a block.
    pub layer: Option<usize>,
    /// What it is.
    pub place: Place,
}

impl TapName {
    pub(crate) fn of_stack(side: Side, place: Place) -> Self {
        Self { side, layer: None, place }
    }

    pub(crate) fn of_block(side: Side, layer: usize, place: Place) -> Self {
        Self { side, layer: Some(layer), place }
    }
}

impl fmt::Display for TapName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place == Place::Logits {
            return f.write_str("logits");
        }
        f.write_str(match self.side {
            Side::Encoder => "encoder",
            Side::Decoder => "decoder",
        })?;
        if let Some(layer) = self.layer {
            write!(f, ".{layer}")?;
        }
        f.write_str(match self.place {
            Place::Embeddings => ".embeddings",
            Place::SelfAttentionWeights => ".self_attention.weights",
            Place::SelfAttentionOutput => ".self_attention.output",
            Place::CrossAttentionWeights => ".cross_attention.weights",
            Place::CrossAttentionOutput => ".cross_attention.output",
            Place::FeedForwardOutput => ".feed_forward.output",
            Place::Output => ".output",
            Place::Logits => ".logits",
        })
    }
}

/// Receives intermediates as they are computed.
///
/// Shapes: encoder values come for all sources at once, `[tokens, d_model]`, one source after another, and its
/// attention weights once for each source in order, `[heads, tokens, tokens]`. A decoder step gives `[rows, d_model]`,
/// self-attention weights `[rows, heads, steps so far]`, cross-attention weights once for each group of rows that share a source,
/// `[heads, rows, tokens]`, and logits `[rows, vocabulary]`.
pub trait Recorder {
    /// Whether anything is recorded; where false, no attention weights are written either.
    const ACTIVE: bool = true;

    /// Takes one intermediate, row-major.
    fn record(&mut self, name: TapName, shape: &[usize], values: &[f32]);
}

/// Records nothing.
impl Recorder for () {
    const ACTIVE: bool = false;

    #[inline(always)]
    fn record(&mut self, _: TapName, _: &[usize], _: &[f32]) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_agreed() {
        let weights = TapName::of_block(Side::Encoder, 3, Place::SelfAttentionWeights);
        assert_eq!(weights.to_string(), "encoder.3.self_attention.weights");
        assert_eq!(TapName::of_stack(Side::Decoder, Place::Output).to_string(), "decoder.output");
        assert_eq!(TapName::of_stack(Side::Decoder, Place::Logits).to_string(), "logits");
    }
}
