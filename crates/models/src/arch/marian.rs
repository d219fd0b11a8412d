//! Marian (Junczys-Dowmunt et al. 2018), the translation models of Helsinki-NLP: BART's keys, sinusoidal
//! positions, no norm after the embeddings, and sometimes a vocabulary for each language.

use super::bart::{Config, Defaults};
use super::fields::Fields;
use super::{Blueprint, TokenTables};
use crate::Error;
use crate::spec::{EmbeddingNorm, Placement, Positions};

pub(super) fn blueprint(fields: &Fields<'_>) -> Result<Blueprint, Error> {
    let config = Config::read(
        fields,
        &Defaults {
            vocab_size: 58101,
            max_position_embeddings: 1024,
            d_model: 1024,
            encoder_layers: 12,
            decoder_layers: 12,
            attention_heads: 16,
            ffn_dim: 4096,
            pad_token_id: 58100,
            eos_token_id: 0,
        },
    )?;
    let positions = Positions::Sinusoidal { limit: config.max_position_embeddings };
    let vocab_size = config.vocab_size;
    let mut blueprint = config.blueprint(Placement::Post, EmbeddingNorm::None, positions);
    if !fields.flag("share_encoder_decoder_embeddings", true)? {
        blueprint.tables = TokenTables::Separate;
        blueprint.spec.target_vocabulary = fields.size("decoder_vocab_size", vocab_size)?;
    }
    Ok(blueprint)
}
