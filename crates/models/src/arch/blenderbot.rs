//! Blenderbot (Roller et al. 2020): BART's keys, pre-norm, positions that begin at row 0, scaled embeddings.

use super::Blueprint;
use super::bart::{Config, Defaults};
use super::fields::Fields;
use crate::Error;
use crate::spec::{EmbeddingNorm, Placement, Positions};

pub(super) fn blueprint(fields: &Fields<'_>) -> Result<Blueprint, Error> {
    let config = Config::read(
        fields,
        &Defaults {
            vocab_size: 8008,
            max_position_embeddings: 128,
            d_model: 2560,
            encoder_layers: 2,
            decoder_layers: 24,
            attention_heads: 32,
            ffn_dim: 10240,
            pad_token_id: 0,
            eos_token_id: 2,
        },
    )?;
    let positions = Positions::Learned { offset: 0, limit: config.max_position_embeddings };
    Ok(config.blueprint(Placement::Pre, EmbeddingNorm::None, positions))
}
