//! BART (Lewis et al. 2019), and the configuration words and keys that Blenderbot and Marian share with it.
//!
//! Post-norm, layer norm after the embeddings, learned positions that begin at row 2 of their table.

use papo_generate::TokenId;
use papo_kernels::Heads;

use super::fields::{Fields, SecondNames};
use super::{Blueprint, HeadRule, TokenTables, activation};
use crate::Error;
use crate::spec::{
    AttentionScale, EmbeddingNorm, FeedForward, Head, HeadBias, LinearBias, Norm, Placement, Positions,
    Scale, Spec, StackShape,
};
use crate::taps::Side;
use crate::weights::{Matrix, Part, Projection};

/// Second names of fields. The heads are those of the encoder alone.
pub(super) const SECOND_NAMES: SecondNames =
    &[("num_attention_heads", "encoder_attention_heads"), ("hidden_size", "d_model")];

/// What the reference takes for fields that a configuration leaves out.
pub(super) struct Defaults {
    pub(super) vocab_size: usize,
    pub(super) max_position_embeddings: usize,
    pub(super) d_model: usize,
    pub(super) encoder_layers: usize,
    pub(super) decoder_layers: usize,
    pub(super) attention_heads: usize,
    pub(super) ffn_dim: usize,
    pub(super) pad_token_id: TokenId,
    pub(super) eos_token_id: TokenId,
}

/// The fields of a configuration that matter to the network.
pub(super) struct Config {
    pub(super) vocab_size: usize,
    pub(super) max_position_embeddings: usize,
    pub(super) d_model: usize,
    pub(super) encoder: StackShape,
    pub(super) decoder: StackShape,
    pub(super) feed_forward: FeedForward,
    pub(super) embedding_scale: f32,
    pub(super) tie_word_embeddings: bool,
    /// Whether version 5 of the reference saved the checkpoint, which ties only what it does not find stored apart.
    tied_as_stored: bool,
    pub(super) padding: Option<TokenId>,
}

impl Config {
    pub(super) fn read(fields: &Fields<'_>, defaults: &Defaults) -> Result<Self, Error> {
        let d_model = fields.size("d_model", defaults.d_model)?;
        let stack = |layers, heads: Heads, d_ff| StackShape { layers, heads, d_ff };
        let name = fields.text("activation_function")?.unwrap_or_else(|| "gelu".to_owned());
        let scaled = fields.flag("scale_embedding", false)?;
        Ok(Self {
            vocab_size: fields.size("vocab_size", defaults.vocab_size)?,
            max_position_embeddings: fields
                .size("max_position_embeddings", defaults.max_position_embeddings)?,
            d_model,
            encoder: stack(
                fields.size("encoder_layers", defaults.encoder_layers)?,
                fields.heads("encoder_attention_heads", defaults.attention_heads, d_model)?,
                fields.size("encoder_ffn_dim", defaults.ffn_dim)?,
            ),
            decoder: stack(
                fields.size("decoder_layers", defaults.decoder_layers)?,
                fields.heads("decoder_attention_heads", defaults.attention_heads, d_model)?,
                fields.size("decoder_ffn_dim", defaults.ffn_dim)?,
            ),
            feed_forward: FeedForward::Plain(activation(fields, "activation_function", &name)?),
            embedding_scale: if scaled { (d_model as f64).sqrt() as f32 } else { 1.0 },
            tie_word_embeddings: fields.flag("tie_word_embeddings", true)?,
            tied_as_stored: fields.saved_by() >= 5,
            padding: fields.padding(defaults.pad_token_id, defaults.eos_token_id)?,
        })
    }

    /// What the three families have in common; each says where its norms stand and what its positions are.
    pub(super) fn blueprint(
        self,
        placement: Placement,
        embedding_norm: EmbeddingNorm,
        positions: Positions,
    ) -> Blueprint {
        let spec = Spec {
            d_model: self.d_model,
            source_vocabulary: self.vocab_size,
            target_vocabulary: self.vocab_size,
            encoder: self.encoder,
            decoder: self.decoder,
            norm: Norm::Layer { eps: 1e-5 },
            placement,
            positions,
            feed_forward: self.feed_forward,
            embedding_norm,
            scale: Scale {
                attention: AttentionScale::InverseRoot,
                embedding: self.embedding_scale,
                output: 1.0,
            },
            linear_bias: LinearBias::With,
            head: if self.tie_word_embeddings { Head::Tied } else { Head::Separate },
            head_bias: HeadBias::Added,
            padding: self.padding,
        };
        // Where nothing is tied, the reference reads a table for each stack.
        let (head, tables) = match self.tie_word_embeddings {
            true if self.tied_as_stored => (HeadRule::AsStored, TokenTables::Shared),
            true => (HeadRule::Tied, TokenTables::Shared),
            false => (HeadRule::Separate, TokenTables::Separate),
        };
        Blueprint { spec, tables, head, keys, overflows_f16: |_| false }
    }
}

pub(super) fn blueprint(fields: &Fields<'_>) -> Result<Blueprint, Error> {
    let config = Config::read(
        fields,
        &Defaults {
            vocab_size: 50265,
            max_position_embeddings: 1024,
            d_model: 1024,
            encoder_layers: 12,
            decoder_layers: 12,
            attention_heads: 16,
            ffn_dim: 4096,
            pad_token_id: 1,
            eos_token_id: 2,
        },
    )?;
    let positions = Positions::Learned { offset: 2, limit: config.max_position_embeddings };
    Ok(config.blueprint(Placement::Post, EmbeddingNorm::AfterPositions, positions))
}

/// Keys as a model with a head stores them, and as one saved without its head does: the same without `model.`.
pub(super) fn keys(part: Part) -> Vec<String> {
    let in_model = match part {
        Part::Head => return vec!["lm_head".to_owned()],
        Part::HeadBias => return vec!["final_logits_bias".to_owned()],
        // Tied tables may be stored under any of their names.
        Part::SharedTokens => {
            ["shared", "encoder.embed_tokens", "decoder.embed_tokens"].map(str::to_owned).to_vec()
        }
        Part::Tokens(side) => vec![format!("{}.embed_tokens", stack(side)), "shared".to_owned()],
        Part::Positions(side) => vec![format!("{}.embed_positions", stack(side))],
        Part::EmbeddingNorm(side) => vec![format!("{}.layernorm_embedding", stack(side))],
        Part::FinalNorm(side) => vec![format!("{}.layer_norm", stack(side))],
        Part::SelfAttention(side, layer, projection) => {
            vec![format!("{}.layers.{layer}.self_attn.{}", stack(side), projected(projection))]
        }
        Part::SelfAttentionNorm(side, layer) => {
            vec![format!("{}.layers.{layer}.self_attn_layer_norm", stack(side))]
        }
        Part::CrossAttention(layer, projection) => {
            vec![format!("decoder.layers.{layer}.encoder_attn.{}", projected(projection))]
        }
        Part::CrossAttentionNorm(layer) => vec![format!("decoder.layers.{layer}.encoder_attn_layer_norm")],
        Part::FeedForward(side, layer, Matrix::Up) => vec![format!("{}.layers.{layer}.fc1", stack(side))],
        Part::FeedForward(side, layer, Matrix::Down) => vec![format!("{}.layers.{layer}.fc2", stack(side))],
        Part::FeedForwardNorm(side, layer) => {
            vec![format!("{}.layers.{layer}.final_layer_norm", stack(side))]
        }
        // These families have neither.
        Part::RelativeBias(_) | Part::FeedForward(_, _, Matrix::Gate | Matrix::GatedUp) => Vec::new(),
    };
    let with_prefix = in_model.iter().map(|key| format!("model.{key}"));
    let mut keys: Vec<String> = with_prefix.chain(in_model.iter().cloned()).collect();
    if part == Part::SharedTokens {
        // A tied table of which only the head's name was kept.
        keys.push("lm_head".to_owned());
    }
    keys
}

fn stack(side: Side) -> &'static str {
    match side {
        Side::Encoder => "encoder",
        Side::Decoder => "decoder",
    }
}

fn projected(projection: Projection) -> &'static str {
    match projection {
        Projection::Query => "q_proj",
        Projection::Key => "k_proj",
        Projection::Value => "v_proj",
        Projection::Output => "out_proj",
    }
}
