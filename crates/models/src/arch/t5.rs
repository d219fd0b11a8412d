//! T5 (Raffel et al. 2020) in all its versions, and mT5: pre-norm, no biases, relative positions, unscaled attention.
//!
//! Version 1.0 has a plain feed-forward layer and ties the head to the token table, scaling its input; 1.1, Flan
//! and mT5 have a gated layer and a head of their own. The configuration tells which.

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

/// Second names of fields.
pub(super) const SECOND_NAMES: SecondNames = &[
    ("hidden_size", "d_model"),
    ("num_attention_heads", "num_heads"),
    ("num_hidden_layers", "num_layers"),
    ("head_dim", "d_kv"),
];

/// What the reference takes for fields that a configuration leaves out.
struct Defaults {
    vocab_size: usize,
    d_ff: usize,
    num_layers: usize,
    num_heads: usize,
    feed_forward_proj: &'static str,
    tie_word_embeddings: bool,
    /// Whether the output is scaled, now that `tie_word_embeddings` says nothing about it any more.
    scaled_since_5: bool,
}

pub(super) fn blueprint(fields: &Fields<'_>) -> Result<Blueprint, Error> {
    read(
        fields,
        &Defaults {
            vocab_size: 32128,
            d_ff: 2048,
            num_layers: 6,
            num_heads: 8,
            feed_forward_proj: "relu",
            tie_word_embeddings: true,
            scaled_since_5: true,
        },
    )
}

pub(super) fn multilingual_blueprint(fields: &Fields<'_>) -> Result<Blueprint, Error> {
    read(
        fields,
        &Defaults {
            vocab_size: 250112,
            d_ff: 1024,
            num_layers: 8,
            num_heads: 6,
            feed_forward_proj: "gated-gelu",
            tie_word_embeddings: false,
            scaled_since_5: false,
        },
    )
}

fn read(fields: &Fields<'_>, defaults: &Defaults) -> Result<Blueprint, Error> {
    let d_model = fields.size("d_model", 512)?;
    let vocab_size = fields.size("vocab_size", defaults.vocab_size)?;
    let heads =
        Heads { count: fields.size("num_heads", defaults.num_heads)?, size: fields.size("d_kv", 64)? };
    let d_ff = fields.size("d_ff", defaults.d_ff)?;
    let layers = fields.size("num_layers", defaults.num_layers)?;
    // By its own name: the reference copies the depth before it assigns second names.
    let own_layers = fields.without_names().size("num_layers", defaults.num_layers)?;
    let decoder_layers = fields.size("num_decoder_layers", own_layers)?;
    let tied = fields.flag("tie_word_embeddings", defaults.tie_word_embeddings)?;
    // Version 5 of the reference writes `tie_word_embeddings: true` for every checkpoint; then a head that is stored and differs from
    // the token table is the model's own. What that field used to say of the scale, `scale_decoder_outputs` says now, which
    // mT5 does not have: it never scales.
    let scaled = fields.optional_flag("scale_decoder_outputs")?;
    let since_5 = scaled.is_some() || fields.saved_by() >= 5;
    let head = match (since_5, tied) {
        (true, _) => HeadRule::AsStored,
        (false, true) => HeadRule::Tied,
        (false, false) => HeadRule::Separate,
    };
    let scaled = scaled.unwrap_or(tied && (!since_5 || defaults.scaled_since_5));
    let spec = Spec {
        d_model,
        source_vocabulary: vocab_size,
        target_vocabulary: vocab_size,
        encoder: StackShape { layers, heads, d_ff },
        decoder: StackShape { layers: decoder_layers, heads, d_ff },
        norm: Norm::Rms { eps: fields.epsilon("layer_norm_epsilon", 1e-6)? },
        placement: Placement::Pre,
        positions: positions(fields)?,
        feed_forward: feed_forward(fields, defaults.feed_forward_proj)?,
        embedding_norm: EmbeddingNorm::None,
        scale: Scale {
            attention: AttentionScale::One,
            embedding: 1.0,
            output: if scaled { (d_model as f64).powf(-0.5) as f32 } else { 1.0 },
        },
        linear_bias: LinearBias::Without,
        head: if tied { Head::Tied } else { Head::Separate },
        head_bias: HeadBias::None,
        padding: fields.padding(0, 1)?,
    };
    // The reference keeps `wo` in f32 when it converts a model to f16: its products are too large.
    let overflows_f16 = |part| matches!(part, Part::FeedForward(_, _, Matrix::Down));
    Ok(Blueprint { spec, tables: TokenTables::Shared, head, keys, overflows_f16 })
}

fn positions(fields: &Fields<'_>) -> Result<Positions, Error> {
    let (buckets, distance) = ("relative_attention_num_buckets", "relative_attention_max_distance");
    let positions = (fields.size(buckets, 32)?, fields.size(distance, 128)?);
    match positions {
        // Half of the encoder's half must be at least one exact distance, or the logarithm has no base.
        (count @ 0..4, _) => Err(fields.refuse(buckets, count.to_string(), "4 or more")),
        (count, farthest) if farthest <= count / 2 => Err(fields.refuse(
            distance,
            farthest.to_string(),
            format!("more than half of the {count} buckets"),
        )),
        (buckets, max_distance) => Ok(Positions::RelativeBias { buckets, max_distance }),
    }
}

/// `relu`, `gated-gelu` and the like; saved configurations may add the two halves of the answer, which then win.
fn feed_forward(fields: &Fields<'_>, default: &str) -> Result<FeedForward, Error> {
    let field = "feed_forward_proj";
    let text = fields.text(field)?.unwrap_or_else(|| default.to_owned());
    let (gated, name) = match text.split_once('-') {
        None => (false, text.as_str()),
        // "gelu" alone is the exact formula, gated it has always meant the tanh form.
        Some(("gated", "gelu")) => (true, "gelu_new"),
        Some(("gated", name)) => (true, name),
        Some(_) => {
            return Err(fields.refuse(field, format!("`{text}`"), "`ACTIVATION` or `gated-ACTIVATION`"));
        }
    };
    let gated = fields.optional_flag("is_gated_act")?.unwrap_or(gated);
    let activation = match fields.text("dense_act_fn")? {
        Some(name) => activation(fields, "dense_act_fn", &name)?,
        None => activation(fields, field, name)?,
    };
    Ok(if gated { FeedForward::Gated(activation) } else { FeedForward::Plain(activation) })
}

fn keys(part: Part) -> Vec<String> {
    // A block's sublayers are numbered, and the decoder has cross-attention in between.
    let feed_forward = |side| match side {
        Side::Encoder => 1,
        Side::Decoder => 2,
    };
    let key = match part {
        Part::Head => "lm_head".to_owned(),
        Part::SharedTokens => {
            let names = ["shared", "encoder.embed_tokens", "decoder.embed_tokens", "lm_head"];
            return names.map(str::to_owned).to_vec();
        }
        Part::Tokens(side) => format!("{}.embed_tokens", stack(side)),
        Part::RelativeBias(side) => {
            format!("{}.block.0.layer.0.SelfAttention.relative_attention_bias", stack(side))
        }
        Part::SelfAttention(side, layer, projection) => {
            format!("{}.block.{layer}.layer.0.SelfAttention.{}", stack(side), projected(projection))
        }
        Part::SelfAttentionNorm(side, layer) => format!("{}.block.{layer}.layer.0.layer_norm", stack(side)),
        Part::CrossAttention(layer, projection) => {
            format!("decoder.block.{layer}.layer.1.EncDecAttention.{}", projected(projection))
        }
        Part::CrossAttentionNorm(layer) => format!("decoder.block.{layer}.layer.1.layer_norm"),
        Part::FeedForward(side, layer, matrix) => {
            let name = match matrix {
                Matrix::Up => "wi",
                Matrix::Gate => "wi_0",
                Matrix::GatedUp => "wi_1",
                Matrix::Down => "wo",
            };
            format!("{}.block.{layer}.layer.{}.DenseReluDense.{name}", stack(side), feed_forward(side))
        }
        Part::FeedForwardNorm(side, layer) => {
            format!("{}.block.{layer}.layer.{}.layer_norm", stack(side), feed_forward(side))
        }
        Part::FinalNorm(side) => format!("{}.final_layer_norm", stack(side)),
        // This family has none of them.
        Part::Positions(_) | Part::EmbeddingNorm(_) | Part::HeadBias => return Vec::new(),
    };
    vec![key]
}

fn stack(side: Side) -> &'static str {
    match side {
        Side::Encoder => "encoder",
        Side::Decoder => "decoder",
    }
}

fn projected(projection: Projection) -> &'static str {
    match projection {
        Projection::Query => "q",
        Projection::Key => "k",
        Projection::Value => "v",
        Projection::Output => "o",
    }
}
