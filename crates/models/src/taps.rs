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

/// A stack of layers as names of intermediates begin with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stack {
    /// The stack that reads the source.
    Encoder,
    /// The stack that writes the target.
    Decoder,
    /// The only stack of a recurrent language model, which does both.
    Rnn,
}

impl From<Side> for Stack {
    fn from(side: Side) -> Self {
        match side {
            Side::Encoder => Stack::Encoder,
            Side::Decoder => Stack::Decoder,
        }
    }
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
    /// A recurrent layer's `h`, which is its output too; of both directions side by side where it has two.
    Hidden,
    /// How much a recurrent decoder looks at each token of the source: a softmax.
    AttentionWeights,
    /// What a recurrent decoder sees there: the source's vectors, weighted.
    AttentionContext,
    /// What the head gives, bias included.
    Logits,
}

/// The name of an intermediate; it displays as `encoder.3.self_attention.weights`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TapName {
    /// The stack.
    pub stack: Stack,
    /// The block's index, where the intermediate belongs to a block.
    pub layer: Option<usize>,
    /// What it is.
    pub place: Place,
}

impl TapName {
    pub(crate) fn of_stack(stack: impl Into<Stack>, place: Place) -> Self {
        Self { stack: stack.into(), layer: None, place }
    }

    pub(crate) fn of_block(stack: impl Into<Stack>, layer: usize, place: Place) -> Self {
        Self { stack: stack.into(), layer: Some(layer), place }
    }
}

impl fmt::Display for TapName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place == Place::Logits {
            return f.write_str("logits");
        }
        f.write_str(match self.stack {
            Stack::Encoder => "encoder",
            Stack::Decoder => "decoder",
            Stack::Rnn => "rnn",
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
            Place::Hidden => ".hidden",
            Place::AttentionWeights => ".attention.weights",
            Place::AttentionContext => ".attention.context",
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
///
/// A recurrent network gives each layer's `hidden` as `[tokens, width]` when it reads sources and `[rows, width]` in a step; the
/// attention weights of its decoder come once for each group too, `[rows, tokens]`.
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
        assert_eq!(TapName::of_block(Stack::Rnn, 1, Place::Hidden).to_string(), "rnn.1.hidden");
        assert_eq!(TapName::of_stack(Side::Decoder, Place::Logits).to_string(), "logits");
    }
}
