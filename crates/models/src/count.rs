//! How many weights an encoder-decoder has, told from its configuration and the headers of its files: what loading would count.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use papo_checkpoint::{Checkpoint, Dtype};
use papo_kernels::Compute;

use crate::arch::{self, HeadRule, TokenTables};
use crate::model::LoadOptions;
use crate::spec::{EmbeddingNorm, FeedForward, Placement, Positions, Spec};
use crate::taps::Side;
use crate::weights::{Matrix, Part, Projection, Weights};
use crate::{Error, scales_name};

/// Number of weights of the network that `config` describes, tied ones once; tensors that it makes no use of do not count.
///
/// `path` is named in errors only.
pub fn count_parameters(
    config: &serde_json::Value,
    path: &Path,
    checkpoint: &Checkpoint,
) -> Result<usize, Error> {
    let blueprint = arch::blueprint(config, path)?;
    let options = LoadOptions::new(Arc::new(Compute::new(NonZeroUsize::MIN)));
    let weights = Weights::new(checkpoint, &blueprint, path, &options);
    let mut parts = parts(&blueprint.spec);
    let (source, target) = (Part::Tokens(Side::Encoder), Part::Tokens(Side::Decoder));
    match blueprint.tables {
        TokenTables::Shared => parts.push(Part::SharedTokens),
        TokenTables::Separate if weights.differ(source, target)? => parts.extend([source, target]),
        TokenTables::Separate => parts.push(target),
    }
    let own_head = match blueprint.head {
        HeadRule::Tied => false,
        HeadRule::Separate => true,
        HeadRule::AsStored => weights.differ(Part::Head, Part::SharedTokens)?,
    };
    if own_head {
        parts.push(Part::Head);
    }
    let mut names = BTreeSet::new();
    for part in parts {
        names.extend(weights.names(part)?);
    }
    let mut count = 0;
    for name in names {
        let Some(tensor) = checkpoint.get(&name)? else { continue };
        let is_rounded = tensor.dtype == Dtype::U8 && checkpoint.get(&scales_name(&name))?.is_some();
        // Two numbers a byte.
        count += tensor.elements() * if is_rounded { 2 } else { 1 };
    }
    Ok(count)
}

/// The parts of a network besides its token tables and its head.
fn parts(spec: &Spec) -> Vec<Part> {
    let mut parts = Vec::new();
    let projections = [Projection::Query, Projection::Key, Projection::Value, Projection::Output];
    let matrices = match spec.feed_forward {
        FeedForward::Plain(_) => &[Matrix::Up, Matrix::Down][..],
        FeedForward::Gated(_) => &[Matrix::Gate, Matrix::GatedUp, Matrix::Down],
    };
    for (side, layers) in [(Side::Encoder, spec.encoder.layers), (Side::Decoder, spec.decoder.layers)] {
        parts.push(match spec.positions {
            Positions::RelativeBias { .. } => Part::RelativeBias(side),
            _ => Part::Positions(side),
        });
        if spec.embedding_norm != EmbeddingNorm::None {
            parts.push(Part::EmbeddingNorm(side));
        }
        if spec.placement == Placement::Pre {
            parts.push(Part::FinalNorm(side));
        }
        for layer in 0..layers {
            parts.extend(projections.map(|projection| Part::SelfAttention(side, layer, projection)));
            parts.push(Part::SelfAttentionNorm(side, layer));
            if side == Side::Decoder {
                parts.extend(projections.map(|projection| Part::CrossAttention(layer, projection)));
                parts.push(Part::CrossAttentionNorm(layer));
            }
            parts.extend(matrices.iter().map(|&matrix| Part::FeedForward(side, layer, matrix)));
            parts.push(Part::FeedForwardNorm(side, layer));
        }
    }
    parts
}
