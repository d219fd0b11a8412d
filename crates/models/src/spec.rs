//! What an encoder-decoder can be: one enum for each decision in which families differ.
//!
//! An adapter under `arch/` turns a configuration into a [`Spec`], and everything below reads only this. A new
//! axis is admitted when two families need it. Next: `arch/` for how specs are made, `model.rs` for how they
//! become a network.

use std::fmt;

use papo_generate::TokenId;
use papo_kernels::{Activation, Heads};

/// The shape of a network: every decision that its code depends on, and no family name.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Width of the residual stream.
    pub d_model: usize,
    /// Rows of the encoder's token table.
    pub source_vocabulary: usize,
    /// Rows of the decoder's token table, and the number of logits.
    pub target_vocabulary: usize,
    /// The encoder's depth and widths.
    pub encoder: StackShape,
    /// The decoder's depth and widths.
    pub decoder: StackShape,
    /// The formula of every norm.
    pub norm: Norm,
    /// Where norms stand around a layer.
    pub placement: Placement,
    /// How the network knows where a token stands.
    pub positions: Positions,
    /// The feed-forward layer of every block.
    pub feed_forward: FeedForward,
    /// Whether the embeddings are normed.
    pub embedding_norm: EmbeddingNorm,
    /// Constant factors.
    pub scale: Scale,
    /// Whether linear layers add a bias.
    pub linear_bias: LinearBias,
    /// Where the logits' matrix comes from.
    pub head: Head,
    /// Whether logits have a bias.
    pub head_bias: HeadBias,
    /// The token that stands for no token; nobody attends to it.
    pub padding: Option<TokenId>,
}

/// Depth and widths of one stack of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StackShape {
    /// Number of blocks.
    pub layers: usize,
    /// Attention heads; their width together may differ from `d_model`.
    pub heads: Heads,
    /// Width inside the feed-forward layer.
    pub d_ff: usize,
}

/// The formula of a norm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Norm {
    /// Mean and variance, gain and bias (Ba et al. 2016).
    Layer {
        /// Added to the variance.
        eps: f32,
    },
    /// Root mean square, gain only (Zhang and Sennrich 2019).
    Rms {
        /// Added to the mean square.
        eps: f32,
    },
}

/// Where a norm stands around a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// `x + layer(norm(x))`, and a final norm at the end of each stack.
    Pre,
    /// `norm(x + layer(x))`.
    Post,
}

/// How a network knows where a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Positions {
    /// A learned row for each position, found at `position + offset` of its table.
    Learned {
        /// Rows at the table's beginning that stand for no position.
        offset: usize,
        /// Number of positions.
        limit: usize,
    },
    /// Sines in the first half of a row, cosines in the second ("Attention Is All You Need", not interleaved).
    Sinusoidal {
        /// Number of positions.
        limit: usize,
    },
    /// A learned score for each head and bucket of distances, added in self-attention (Raffel et al. 2020).
    RelativeBias {
        /// Number of buckets; the encoder spends half of them on each direction.
        buckets: usize,
        /// Distances from here on share the last bucket.
        max_distance: usize,
    },
}

/// The feed-forward layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedForward {
    /// `down(activation(up x))`.
    Plain(Activation),
    /// `down(activation(gate x) · up x)` (Shazeer 2020).
    Gated(Activation),
}

/// Whether the embeddings are normed before the first block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmbeddingNorm {
    /// They are not.
    None,
    /// They are, once positions have been added.
    AfterPositions,
}

/// Constant factors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Whether attention scores are divided by `√d_head`.
    pub attention: AttentionScale,
    /// Token embeddings are multiplied by this before positions are added.
    pub embedding: f32,
    /// The decoder's output is multiplied by this before the head.
    pub output: f32,
}

/// The factor on attention scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttentionScale {
    /// `1 / √d_head` (Vaswani et al. 2017).
    InverseRoot,
    /// None; the initialisation made up for it (T5).
    One,
}

impl AttentionScale {
    /// The factor for heads of width `d_head`.
    pub fn factor(self, d_head: usize) -> f32 {
        match self {
            AttentionScale::InverseRoot => (d_head as f64).powf(-0.5) as f32,
            AttentionScale::One => 1.0,
        }
    }
}

/// Whether linear layers of the blocks add a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinearBias {
    /// They do.
    With,
    /// They do not.
    Without,
}

/// Where the matrix that makes logits comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// It is the decoder's token table.
    Tied,
    /// It has weights of its own.
    Separate,
}

/// Whether logits have a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadBias {
    /// They have none.
    None,
    /// A row of numbers is added to them; zeros where a checkpoint stores none.
    Added,
}

impl Spec {
    /// The most tokens that a source or a target may have; `None` where positions are relative.
    pub fn max_positions(&self) -> Option<usize> {
        match self.positions {
            Positions::Learned { limit, .. } | Positions::Sinusoidal { limit } => Some(limit),
            Positions::RelativeBias { .. } => None,
        }
    }
}

impl fmt::Display for StackShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Heads { count, size } = self.heads;
        write!(f, "{} layers, {count} heads of {size}, feed-forward {}", self.layers, self.d_ff)
    }
}

/// A line for each axis, as `papo show` prints it.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "width: {}", self.d_model)?;
        if self.source_vocabulary == self.target_vocabulary {
            writeln!(f, "vocabulary: {}", self.target_vocabulary)?;
        } else {
            writeln!(f, "vocabulary: {} source, {} target", self.source_vocabulary, self.target_vocabulary)?;
        }
        writeln!(f, "encoder: {}", self.encoder)?;
        writeln!(f, "decoder: {}", self.decoder)?;
        let norm = match self.norm {
            Norm::Layer { .. } => "layer norm",
            Norm::Rms { .. } => "root-mean-square norm",
        };
        let placement = match self.placement {
            Placement::Pre => "before each layer",
            Placement::Post => "after each layer",
        };
        let embedding_norm = match self.embedding_norm {
            EmbeddingNorm::None => "",
            EmbeddingNorm::AfterPositions => " and after the embeddings",
        };
        writeln!(f, "norm: {norm} {placement}{embedding_norm}")?;
        match self.positions {
            Positions::Learned { limit, .. } => writeln!(f, "positions: learned, at most {limit}")?,
            Positions::Sinusoidal { limit } => writeln!(f, "positions: sinusoidal, at most {limit}")?,
            Positions::RelativeBias { buckets, max_distance } => {
                writeln!(f, "positions: relative bias, {buckets} buckets up to distance {max_distance}")?;
            }
        }
        let (kind, activation) = match self.feed_forward {
            FeedForward::Plain(activation) => ("", activation),
            FeedForward::Gated(activation) => ("gated ", activation),
        };
        let activation = match activation {
            Activation::Relu => "relu",
            Activation::Gelu => "gelu",
            Activation::GeluTanh => "gelu (tanh form)",
            Activation::Silu => "silu",
            Activation::Tanh => "tanh",
            Activation::Sigmoid => "sigmoid",
        };
        writeln!(f, "feed-forward: {kind}{activation}")?;
        match self.head {
            Head::Tied => write!(f, "head: tied to the token table"),
            Head::Separate => write!(f, "head: separate"),
        }
    }
}
