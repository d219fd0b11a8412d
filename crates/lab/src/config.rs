//! What a network is made of: the part of `config.json` that says its shape.
//!
//! Field names are those of the file; fields that belong to others (`papo`, `architectures`) are ignored when reading. The kinds are told apart by `model_type`.

use serde::{Deserialize, Serialize};

use crate::Error;

/// The shape of a network, as `config.json` says it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model_type")]
#[non_exhaustive]
pub enum NetworkConfig {
    /// Elman's network as a language model.
    #[serde(rename = "papo_rnn")]
    Rnn(RecurrentConfig),
    /// Long short-term memory as a language model.
    #[serde(rename = "papo_lstm")]
    Lstm(RecurrentConfig),
    /// Gated recurrent units as a language model.
    #[serde(rename = "papo_gru")]
    Gru(RecurrentConfig),
    /// A recurrent encoder and decoder, with attention or without.
    #[serde(rename = "papo_seq2seq")]
    Seq2Seq(Seq2SeqConfig),
    /// The transformer of the paper, in the shape of a Marian checkpoint.
    #[serde(rename = "marian")]
    Transformer(TransformerConfig),
}

/// A stacked recurrent language model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecurrentConfig {
    /// Tokens in the vocabulary.
    pub vocab_size: usize,
    /// Width of a token's embedding.
    pub d_embedding: usize,
    /// Width of a layer's state.
    pub d_hidden: usize,
    /// Layers on top of each other.
    pub n_layers: usize,
    /// Whether the output projection is the embedding table; then `d_embedding` is `d_hidden`.
    #[serde(default)]
    pub tie_embeddings: bool,
    /// Part of the numbers that training puts out, on embeddings, between layers and before the output.
    #[serde(default)]
    pub dropout: f64,
    /// The token in front of every text.
    #[serde(default = "bos")]
    pub bos_token_id: u32,
    /// The token at the end of every text.
    #[serde(default = "eos")]
    pub eos_token_id: u32,
    /// The token that fills up short rows.
    #[serde(default = "pad")]
    pub pad_token_id: u32,
    /// The token of unknown words.
    #[serde(default)]
    pub unk_token_id: u32,
}

/// The kind of recurrent layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CellKind {
    /// Elman's: one tanh.
    Rnn,
    /// Long short-term memory: four gates and a cell beside the state.
    Lstm,
    /// Gated recurrent units: three gates.
    Gru,
}

/// How a decoder looks back at the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttentionKind {
    /// Not at all: the encoder's last state is all it gets (Cho et al., 2014).
    None,
    /// Additive, before the step (Bahdanau, Cho & Bengio, 2015).
    Bahdanau,
    /// Multiplicative, after the step, with input feeding (Luong, Pham & Manning, 2015).
    Luong,
}

/// A recurrent encoder and decoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seq2SeqConfig {
    /// The kind of layers in encoder and decoder.
    pub cell: CellKind,
    /// How the decoder looks back.
    pub attention: AttentionKind,
    /// Tokens in the vocabulary, which source and target share.
    pub vocab_size: usize,
    /// Width of a token's embedding.
    pub d_embedding: usize,
    /// Width of a state: of the decoder, and of each direction of the encoder.
    pub d_hidden: usize,
    /// Width in which Bahdanau's attention compares; others ignore it.
    #[serde(default)]
    pub d_attention: usize,
    /// Layers on top of each other, in the encoder and in the decoder.
    pub n_layers: usize,
    /// Whether the output projection is the embedding table.
    #[serde(default)]
    pub tie_embeddings: bool,
    /// Part of the numbers that training puts out.
    #[serde(default)]
    pub dropout: f64,
    /// The token in front of every text.
    #[serde(default = "bos")]
    pub bos_token_id: u32,
    /// The token at the end of every text.
    #[serde(default = "eos")]
    pub eos_token_id: u32,
    /// The token that fills up short rows.
    #[serde(default = "pad")]
    pub pad_token_id: u32,
    /// The token of unknown words.
    #[serde(default)]
    pub unk_token_id: u32,
    /// The token that the decoder begins with.
    #[serde(default = "bos")]
    pub decoder_start_token_id: u32,
    /// Always true.
    #[serde(default = "yes")]
    pub is_encoder_decoder: bool,
}

/// The transformer, in the words of Marian's `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransformerConfig {
    /// Tokens in the vocabulary, which source and target share.
    pub vocab_size: usize,
    /// The same again.
    #[serde(default)]
    pub decoder_vocab_size: usize,
    /// Width of the model.
    pub d_model: usize,
    /// Blocks in the encoder.
    pub encoder_layers: usize,
    /// Blocks in the decoder.
    pub decoder_layers: usize,
    /// Heads of the encoder's attention.
    pub encoder_attention_heads: usize,
    /// Heads of the decoder's attention.
    pub decoder_attention_heads: usize,
    /// Width between the two projections of the encoder's feed-forward network.
    pub encoder_ffn_dim: usize,
    /// Width between the two projections of the decoder's feed-forward network.
    pub decoder_ffn_dim: usize,
    /// Positions at most.
    pub max_position_embeddings: usize,
    /// Always `relu`.
    pub activation_function: String,
    /// Always true: embeddings grow by the root of `d_model`.
    pub scale_embedding: bool,
    /// Part of the numbers that training puts out, on embeddings and on what joins the residual.
    #[serde(default)]
    pub dropout: f64,
    /// The token in front of every text.
    #[serde(default = "bos")]
    pub bos_token_id: u32,
    /// The token at the end of every text.
    #[serde(default = "eos")]
    pub eos_token_id: u32,
    /// The token that fills up short rows.
    #[serde(default = "pad")]
    pub pad_token_id: u32,
    /// The token that the decoder begins with.
    #[serde(default = "pad")]
    pub decoder_start_token_id: u32,
    /// Always true.
    #[serde(default = "yes")]
    pub is_encoder_decoder: bool,
    /// Always true: positions are sines, not weights.
    #[serde(default = "yes")]
    pub static_position_embeddings: bool,
    /// Always false.
    #[serde(default)]
    pub normalize_embedding: bool,
    /// Always true.
    #[serde(default = "yes")]
    pub share_encoder_decoder_embeddings: bool,
    /// Always true: the output projection is the embedding table.
    #[serde(default = "yes")]
    pub tie_word_embeddings: bool,
}

fn yes() -> bool {
    true
}

fn bos() -> u32 {
    1
}

fn eos() -> u32 {
    2
}

fn pad() -> u32 {
    3
}

impl RecurrentConfig {
    /// A model without dropout whose embeddings are not tied.
    pub fn new(vocab_size: usize, d_embedding: usize, d_hidden: usize, n_layers: usize) -> Self {
        Self {
            vocab_size,
            d_embedding,
            d_hidden,
            n_layers,
            tie_embeddings: false,
            dropout: 0.0,
            bos_token_id: bos(),
            eos_token_id: eos(),
            pad_token_id: pad(),
            unk_token_id: 0,
        }
    }

    fn check(&self) -> Result<(), Error> {
        positive("vocab_size", self.vocab_size)?;
        positive("d_embedding", self.d_embedding)?;
        positive("d_hidden", self.d_hidden)?;
        positive("n_layers", self.n_layers)?;
        probability("dropout", self.dropout)?;
        if self.tie_embeddings && self.d_embedding != self.d_hidden {
            return Err(Error::Config {
                field: "d_embedding",
                found: self.d_embedding.to_string(),
                expected: format!("d_hidden = {} where embeddings are tied", self.d_hidden),
            });
        }
        Ok(())
    }
}

impl Seq2SeqConfig {
    /// A model without dropout whose embeddings are not tied; Bahdanau's attention compares in `d_hidden` numbers.
    pub fn new(
        cell: CellKind,
        attention: AttentionKind,
        vocab_size: usize,
        d_embedding: usize,
        d_hidden: usize,
        n_layers: usize,
    ) -> Self {
        Self {
            cell,
            attention,
            vocab_size,
            d_embedding,
            d_hidden,
            d_attention: d_hidden,
            n_layers,
            tie_embeddings: false,
            dropout: 0.0,
            bos_token_id: bos(),
            eos_token_id: eos(),
            pad_token_id: pad(),
            unk_token_id: 0,
            decoder_start_token_id: bos(),
            is_encoder_decoder: true,
        }
    }

    /// Width of what goes into the output projection.
    pub(crate) fn d_readout(&self) -> usize {
        match self.attention {
            AttentionKind::None | AttentionKind::Bahdanau => self.d_embedding,
            AttentionKind::Luong => self.d_hidden,
        }
    }

    fn check(&self) -> Result<(), Error> {
        positive("vocab_size", self.vocab_size)?;
        positive("d_embedding", self.d_embedding)?;
        positive("d_hidden", self.d_hidden)?;
        positive("n_layers", self.n_layers)?;
        probability("dropout", self.dropout)?;
        if self.attention == AttentionKind::Bahdanau {
            positive("d_attention", self.d_attention)?;
        }
        if self.tie_embeddings && self.d_embedding != self.d_readout() {
            return Err(Error::Config {
                field: "d_embedding",
                found: self.d_embedding.to_string(),
                expected: format!("d_hidden = {} where embeddings are tied", self.d_hidden),
            });
        }
        Ok(())
    }
}

impl TransformerConfig {
    /// A model without dropout, with as many blocks in the encoder as in the decoder.
    pub fn new(
        vocab_size: usize,
        d_model: usize,
        heads: usize,
        d_feed_forward: usize,
        layers: usize,
    ) -> Self {
        Self {
            vocab_size,
            decoder_vocab_size: vocab_size,
            d_model,
            encoder_layers: layers,
            decoder_layers: layers,
            encoder_attention_heads: heads,
            decoder_attention_heads: heads,
            encoder_ffn_dim: d_feed_forward,
            decoder_ffn_dim: d_feed_forward,
            max_position_embeddings: 512,
            activation_function: "relu".into(),
            scale_embedding: true,
            dropout: 0.0,
            bos_token_id: bos(),
            eos_token_id: eos(),
            pad_token_id: pad(),
            decoder_start_token_id: pad(),
            is_encoder_decoder: true,
            static_position_embeddings: true,
            normalize_embedding: false,
            share_encoder_decoder_embeddings: true,
            tie_word_embeddings: true,
        }
    }

    fn check(&self) -> Result<(), Error> {
        positive("vocab_size", self.vocab_size)?;
        positive("d_model", self.d_model)?;
        positive("encoder_layers", self.encoder_layers)?;
        positive("decoder_layers", self.decoder_layers)?;
        positive("encoder_ffn_dim", self.encoder_ffn_dim)?;
        positive("decoder_ffn_dim", self.decoder_ffn_dim)?;
        positive("max_position_embeddings", self.max_position_embeddings)?;
        probability("dropout", self.dropout)?;
        for (field, heads) in [
            ("encoder_attention_heads", self.encoder_attention_heads),
            ("decoder_attention_heads", self.decoder_attention_heads),
        ] {
            positive(field, heads)?;
            if !self.d_model.is_multiple_of(heads) {
                let expected = format!("a divisor of d_model = {}", self.d_model);
                return Err(Error::Config { field, found: heads.to_string(), expected });
            }
        }
        if !self.d_model.is_multiple_of(2) {
            let expected = "even, for sines and cosines".into();
            return Err(Error::Config { field: "d_model", found: self.d_model.to_string(), expected });
        }
        let fixed = [
            ("activation_function", self.activation_function.clone(), "relu"),
            ("scale_embedding", self.scale_embedding.to_string(), "true"),
            ("static_position_embeddings", self.static_position_embeddings.to_string(), "true"),
            ("normalize_embedding", self.normalize_embedding.to_string(), "false"),
            ("share_encoder_decoder_embeddings", self.share_encoder_decoder_embeddings.to_string(), "true"),
            ("tie_word_embeddings", self.tie_word_embeddings.to_string(), "true"),
        ];
        for (field, found, expected) in fixed {
            if found != expected {
                return Err(Error::Config { field, found, expected: expected.into() });
            }
        }
        Ok(())
    }
}

impl NetworkConfig {
    /// Reads `config.json` and checks that such a network can be.
    ///
    /// # Errors
    /// Where the kind is unknown, a field is missing, or a field's value is out of range.
    pub fn from_json(value: &serde_json::Value) -> Result<Self, Error> {
        let config: Self = Self::deserialize(value).map_err(Error::UnknownConfig)?;
        config.check()?;
        Ok(config)
    }

    /// Whether such a network can be.
    ///
    /// # Errors
    /// Names the field that is out of range.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::Rnn(config) | Self::Lstm(config) | Self::Gru(config) => config.check(),
            Self::Seq2Seq(config) => config.check(),
            Self::Transformer(config) => config.check(),
        }
    }

    /// Tokens in the vocabulary.
    pub fn vocab_size(&self) -> usize {
        match self {
            Self::Rnn(config) | Self::Lstm(config) | Self::Gru(config) => config.vocab_size,
            Self::Seq2Seq(config) => config.vocab_size,
            Self::Transformer(config) => config.vocab_size,
        }
    }
}

fn positive(field: &'static str, found: usize) -> Result<(), Error> {
    // Sizes beyond this are slips of the keyboard; products of two of them still fit a word.
    if (1..=1 << 28).contains(&found) {
        return Ok(());
    }
    Err(Error::Config { field, found: found.to_string(), expected: "between 1 and 268435456".into() })
}

fn probability(field: &'static str, found: f64) -> Result<(), Error> {
    if (0.0..1.0).contains(&found) {
        return Ok(());
    }
    Err(Error::Config { field, found: found.to_string(), expected: "at least 0 and below 1".into() })
}
