//! Builds the network: asks for every part that the spec says there is.

use std::sync::Arc;

use papo_kernels::{Heads, PackedMatrix};

use crate::Error;
use crate::arch::{HeadRule, TokenTables};
use crate::attention::{CrossAttention, SelfAttention};
use crate::decoder::{Decoder, DecoderBlock};
use crate::embeddings::Embeddings;
use crate::encoder::{Encoder, EncoderBlock};
use crate::feed_forward::FeedForwardLayer;
use crate::head::LogitsHead;
use crate::linear::Linear;
use crate::norm::{NormWeights, Residual};
use crate::positions::{PositionTable, Sinusoids};
use crate::relative_bias::{Direction, RelativeBias};
use crate::spec::{
    EmbeddingNorm, FeedForward, Head, HeadBias, LinearBias, Norm, Placement, Positions, Spec, StackShape,
};
use crate::taps::Side;
use crate::weights::{Matrix, Part, Projection, Weights};

/// A network's parts, all loaded.
pub(crate) struct Network {
    pub(crate) encoder: Encoder,
    pub(crate) decoder: Decoder,
    pub(crate) head: LogitsHead,
}

/// Loads what `spec` describes; the head of the spec is settled by what the checkpoint stores.
pub(crate) fn network(
    weights: &Weights<'_>,
    spec: &mut Spec,
    tables: TokenTables,
    rule: HeadRule,
) -> Result<Network, Error> {
    let width = spec.d_model;
    let (source, target) = (Part::Tokens(Side::Encoder), Part::Tokens(Side::Decoder));
    let (source_table, target_table) = match tables {
        TokenTables::Separate if weights.differ(source, target)? => (
            Arc::new(weights.matrix(&[source], spec.source_vocabulary, width)?),
            Arc::new(weights.matrix(&[target], spec.target_vocabulary, width)?),
        ),
        _ => {
            let part = if tables == TokenTables::Shared { Part::SharedTokens } else { target };
            let table = Arc::new(weights.matrix(&[part], spec.target_vocabulary, width)?);
            (table.clone(), table)
        }
    };
    spec.head = match rule {
        HeadRule::Tied => Head::Tied,
        HeadRule::Separate => Head::Separate,
        HeadRule::AsStored if weights.differ(Part::Head, Part::SharedTokens)? => Head::Separate,
        HeadRule::AsStored => Head::Tied,
    };
    let head_weights = match spec.head {
        Head::Tied => target_table.clone(),
        Head::Separate => Arc::new(weights.matrix(&[Part::Head], spec.target_vocabulary, width)?),
    };
    let head_bias = match spec.head_bias {
        HeadBias::None => None,
        // All zeros change nothing, and most checkpoints store just that.
        HeadBias::Added => {
            weights.head_bias(spec.target_vocabulary)?.filter(|bias| bias.iter().any(|&b| b != 0.0))
        }
    };
    let loader = Loader { weights, spec };
    Ok(Network {
        encoder: loader.encoder(source_table)?,
        decoder: loader.decoder(target_table)?,
        head: LogitsHead { weights: head_weights, bias: head_bias },
    })
}

struct Loader<'a> {
    weights: &'a Weights<'a>,
    spec: &'a Spec,
}

impl Loader<'_> {
    fn encoder(&self, table: Arc<PackedMatrix>) -> Result<Encoder, Error> {
        let side = Side::Encoder;
        let mut blocks = Vec::new();
        for layer in 0..self.spec.encoder.layers {
            blocks.push(EncoderBlock {
                self_attention: self.self_attention(side, layer)?,
                attention_residual: self.residual(Part::SelfAttentionNorm(side, layer))?,
                feed_forward: self.feed_forward(side, layer)?,
                feed_forward_residual: self.residual(Part::FeedForwardNorm(side, layer))?,
            });
        }
        Ok(Encoder {
            embeddings: self.embeddings(side, table)?,
            blocks,
            final_norm: self.final_norm(side)?,
            relative_bias: self.relative_bias(side)?,
        })
    }

    fn decoder(&self, table: Arc<PackedMatrix>) -> Result<Decoder, Error> {
        let side = Side::Decoder;
        let mut blocks = Vec::new();
        for layer in 0..self.spec.decoder.layers {
            blocks.push(DecoderBlock {
                self_attention: self.self_attention(side, layer)?,
                self_attention_residual: self.residual(Part::SelfAttentionNorm(side, layer))?,
                cross_attention: self.cross_attention(layer)?,
                cross_attention_residual: self.residual(Part::CrossAttentionNorm(layer))?,
                feed_forward: self.feed_forward(side, layer)?,
                feed_forward_residual: self.residual(Part::FeedForwardNorm(side, layer))?,
            });
        }
        Ok(Decoder {
            embeddings: self.embeddings(side, table)?,
            blocks,
            final_norm: self.final_norm(side)?,
            relative_bias: self.relative_bias(side)?,
            output_scale: self.spec.scale.output,
        })
    }

    fn shape(&self, side: Side) -> StackShape {
        match side {
            Side::Encoder => self.spec.encoder,
            Side::Decoder => self.spec.decoder,
        }
    }

    fn embeddings(&self, side: Side, table: Arc<PackedMatrix>) -> Result<Embeddings, Error> {
        let part = Part::Positions(side);
        let stored = |rows, offset| {
            let table = self.weights.matrix(&[part], rows, self.spec.d_model)?;
            Ok::<_, Error>(PositionTable::Stored { table, offset })
        };
        let positions = match self.spec.positions {
            Positions::Learned { offset, limit } => stored(limit + offset, offset)?,
            Positions::Sinusoidal { limit } if self.weights.has(part)? => stored(limit, 0)?,
            Positions::Sinusoidal { .. } => PositionTable::Sinusoids(Sinusoids::new(self.spec.d_model)),
            Positions::RelativeBias { .. } => PositionTable::None,
        };
        let norm = match self.spec.embedding_norm {
            EmbeddingNorm::None => None,
            EmbeddingNorm::AfterPositions => Some(self.norm(Part::EmbeddingNorm(side))?),
        };
        Ok(Embeddings { table, scale: self.spec.scale.embedding, positions, norm })
    }

    fn relative_bias(&self, side: Side) -> Result<Option<RelativeBias>, Error> {
        let Positions::RelativeBias { buckets, max_distance } = self.spec.positions else { return Ok(None) };
        let heads = self.shape(side).heads.count;
        let table = self.weights.plain(Part::RelativeBias(side), &[buckets, heads])?;
        let direction = match side {
            Side::Encoder => Direction::Both,
            Side::Decoder => Direction::Backward,
        };
        Ok(Some(RelativeBias { table, heads, buckets, max_distance, direction }))
    }

    fn norm(&self, part: Part) -> Result<NormWeights, Error> {
        let width = self.spec.d_model;
        let gain = self.weights.plain(part, &[width])?;
        Ok(match self.spec.norm {
            Norm::Layer { eps } => {
                NormWeights::Layer { gain, bias: self.weights.biases(&[part], width)?, eps }
            }
            Norm::Rms { eps } => NormWeights::Rms { gain, eps },
        })
    }

    fn residual(&self, part: Part) -> Result<Residual, Error> {
        Ok(Residual { norm: self.norm(part)?, placement: self.spec.placement })
    }

    fn final_norm(&self, side: Side) -> Result<Option<NormWeights>, Error> {
        match self.spec.placement {
            Placement::Pre => self.norm(Part::FinalNorm(side)).map(Some),
            Placement::Post => Ok(None),
        }
    }

    /// Stacked linear layers of `outputs` outputs each.
    fn linear(&self, parts: &[Part], outputs: usize, inputs: usize) -> Result<Linear, Error> {
        let weights = self.weights.matrix(parts, outputs, inputs)?;
        let bias = match self.spec.linear_bias {
            LinearBias::With => Some(self.weights.biases(parts, outputs)?),
            LinearBias::Without => None,
        };
        Ok(Linear { weights, bias })
    }

    fn attention_scale(&self, heads: Heads) -> f32 {
        self.spec.scale.attention.factor(heads.size)
    }

    fn self_attention(&self, side: Side, layer: usize) -> Result<SelfAttention, Error> {
        let heads = self.shape(side).heads;
        let (d_model, inner) = (self.spec.d_model, heads.width());
        let part = |projection| Part::SelfAttention(side, layer, projection);
        let fused = [part(Projection::Query), part(Projection::Key), part(Projection::Value)];
        Ok(SelfAttention {
            query_key_value: self.linear(&fused, inner, d_model)?,
            output: self.linear(&[part(Projection::Output)], d_model, inner)?,
            heads,
            scale: self.attention_scale(heads),
        })
    }

    fn cross_attention(&self, layer: usize) -> Result<CrossAttention, Error> {
        let heads = self.spec.decoder.heads;
        let (d_model, inner) = (self.spec.d_model, heads.width());
        let part = |projection| Part::CrossAttention(layer, projection);
        Ok(CrossAttention {
            query: self.linear(&[part(Projection::Query)], inner, d_model)?,
            key_value: self.linear(&[part(Projection::Key), part(Projection::Value)], inner, d_model)?,
            output: self.linear(&[part(Projection::Output)], d_model, inner)?,
            heads,
            scale: self.attention_scale(heads),
        })
    }

    fn feed_forward(&self, side: Side, layer: usize) -> Result<FeedForwardLayer, Error> {
        let (d_model, d_ff) = (self.spec.d_model, self.shape(side).d_ff);
        let part = |matrix| Part::FeedForward(side, layer, matrix);
        let down = self.linear(&[part(Matrix::Down)], d_model, d_ff)?;
        Ok(match self.spec.feed_forward {
            FeedForward::Plain(activation) => FeedForwardLayer::Plain {
                up: self.linear(&[part(Matrix::Up)], d_ff, d_model)?,
                activation,
                down,
            },
            FeedForward::Gated(activation) => {
                let fused = [part(Matrix::Gate), part(Matrix::GatedUp)];
                FeedForwardLayer::Gated { gate_up: self.linear(&fused, d_ff, d_model)?, activation, down }
            }
        })
    }
}
