//! What a recurrent network can be.

use std::fmt;

use papo_generate::TokenId;

use crate::spec::Head;

/// The formula by which a layer's state goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Elman 1990: one tanh.
    Elman,
    /// Hochreiter and Schmidhuber 1997: a memory behind gates.
    Lstm,
    /// Cho et al. 2014: gates without a memory of their own.
    Gru,
}

impl Cell {
    /// Blocks of `d_hidden` rows in its weight matrices.
    pub(crate) fn gates(self) -> usize {
        match self {
            Cell::Elman => 1,
            Cell::Lstm => 4,
            Cell::Gru => 3,
        }
    }
}

/// How a recurrent decoder looks back at the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecurrentAttention {
    /// Not at all: one summary of the source is fed to every step (Cho et al. 2014).
    None,
    /// A score by a small network of its own, before the step (Bahdanau et al. 2015).
    Bahdanau {
        /// Width of that network.
        d_attention: usize,
    },
    /// A bilinear score, after the step, whose result is fed to the next one (Luong et al. 2015).
    Luong,
}

/// The shape of a recurrent language model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecurrentSpec {
    /// The formula of every layer.
    pub cell: Cell,
    /// Rows of the token table, and the number of logits.
    pub vocabulary: usize,
    /// Width of an embedding.
    pub d_embedding: usize,
    /// Width of a layer's state.
    pub d_hidden: usize,
    /// Number of layers.
    pub layers: usize,
    /// Where the logits' matrix comes from.
    pub head: Head,
    /// The token that stands in front of every text.
    pub bos: TokenId,
}

/// The shape of a recurrent encoder-decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seq2SeqSpec {
    /// The formula of every layer.
    pub cell: Cell,
    /// How the decoder looks back at the source.
    pub attention: RecurrentAttention,
    /// Rows of the one token table of source and target, and the number of logits.
    pub vocabulary: usize,
    /// Width of an embedding.
    pub d_embedding: usize,
    /// Width of a layer's state: of each direction in the encoder, and of the decoder.
    pub d_hidden: usize,
    /// Number of layers of the encoder, and of the decoder.
    pub layers: usize,
    /// Where the logits' matrix comes from.
    pub head: Head,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cell::Elman => "Elman",
            Cell::Lstm => "LSTM",
            Cell::Gru => "GRU",
        })
    }
}

impl fmt::Display for RecurrentAttention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecurrentAttention::None => f.write_str("none, a summary of the source at every step"),
            RecurrentAttention::Bahdanau { d_attention } => {
                write!(f, "Bahdanau (additive), {d_attention} wide")
            }
            RecurrentAttention::Luong => f.write_str("Luong (general), fed to the next step"),
        }
    }
}

fn head(head: Head) -> &'static str {
    match head {
        Head::Tied => "tied to the token table",
        Head::Separate => "separate",
    }
}

/// A line for each decision, as `papo show` prints it.
impl fmt::Display for RecurrentSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "vocabulary: {}", self.vocabulary)?;
        writeln!(f, "embedding: {}", self.d_embedding)?;
        writeln!(f, "layers: {} × {}, {} wide", self.layers, self.cell, self.d_hidden)?;
        write!(f, "head: {}", head(self.head))
    }
}

/// A line for each decision, as `papo show` prints it.
impl fmt::Display for Seq2SeqSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cell, layers, d_hidden, .. } = self;
        writeln!(f, "vocabulary: {}", self.vocabulary)?;
        writeln!(f, "embedding: {}", self.d_embedding)?;
        writeln!(f, "encoder: {layers} × {cell} in both directions, 2 · {d_hidden} wide")?;
        writeln!(f, "decoder: {layers} × {cell}, {d_hidden} wide")?;
        writeln!(f, "attention: {}", self.attention)?;
        write!(f, "head: {}", head(self.head))
    }
}
