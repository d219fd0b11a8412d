//! The weights of an encoder-decoder: a [`Part`] is a place in the network, and an adapter says under which keys a
//! family stores it.
//!
//! Reading and checking is the business of `tensors.rs`. Next: `load.rs`, which asks for the parts one by one.

use std::path::Path;

use papo_checkpoint::{Checkpoint, Tensor};
use papo_kernels::PackedMatrix;

use crate::Error;
use crate::arch::Blueprint;
use crate::model::LoadOptions;
use crate::spec::{LinearBias, Norm};
use crate::taps::Side;
use crate::tensors::{Tensors, Use, numbers};

/// A place in the network that has weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The token table of both stacks.
    SharedTokens,
    /// The token table of one stack alone.
    Tokens(Side),
    Positions(Side),
    EmbeddingNorm(Side),
    RelativeBias(Side),
    SelfAttention(Side, usize, Projection),
    SelfAttentionNorm(Side, usize),
    CrossAttention(usize, Projection),
    CrossAttentionNorm(usize),
    FeedForward(Side, usize, Matrix),
    FeedForwardNorm(Side, usize),
    FinalNorm(Side),
    Head,
    HeadBias,
}

/// A projection of an attention layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Projection {
    Query,
    Key,
    Value,
    Output,
}

/// A matrix of a feed-forward layer: a plain one has `Up` and `Down`, a gated one the other three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matrix {
    Up,
    Gate,
    GatedUp,
    Down,
}

/// The two tensors that a layer may store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Weight,
    Bias,
}

/// A checkpoint as one encoder-decoder reads it.
pub(crate) struct Weights<'a> {
    tensors: Tensors<'a>,
    blueprint: &'a Blueprint,
}

impl<'a> Weights<'a> {
    pub(crate) fn new(
        checkpoint: &'a Checkpoint,
        blueprint: &'a Blueprint,
        config: &'a Path,
        options: &'a LoadOptions<'a>,
    ) -> Self {
        Self { tensors: Tensors::new(checkpoint, config, options), blueprint }
    }

    /// Weights loaded so far, each once.
    pub(crate) fn loaded(&self) -> usize {
        self.tensors.loaded()
    }

    /// Tells the listener that all is loaded.
    pub(crate) fn finish(&self) {
        self.tensors.finish();
    }

    /// Matrices of the same shape `[outputs, inputs]`, stacked on top of each other.
    pub(crate) fn matrix(
        &self,
        parts: &[Part],
        outputs: usize,
        inputs: usize,
    ) -> Result<PackedMatrix, Error> {
        let stacked = parts
            .iter()
            .map(|&part| self.tensors.matrix(&self.keys(part, Ending::Weight), outputs, inputs))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(self.tensors.pack(&stacked, self.usage(parts)))
    }

    /// What stacked parts are for.
    fn usage(&self, parts: &[Part]) -> Use {
        match parts {
            [Part::SharedTokens | Part::Tokens(_) | Part::Head, ..] => Use::Vocabulary,
            [Part::Positions(_), ..] => Use::Lookup,
            _ if parts.iter().any(|&part| (self.blueprint.overflows_f16)(part)) => Use::LargeProduct,
            _ => Use::Product,
        }
    }

    /// The biases of stacked matrices, one after another, `len` numbers each.
    pub(crate) fn biases(&self, parts: &[Part], len: usize) -> Result<Vec<f32>, Error> {
        let mut biases = Vec::new();
        for &part in parts {
            biases.extend(self.tensors.copy(&self.required(part, Ending::Bias, &[len])?));
        }
        Ok(biases)
    }

    /// A layer's weights that are no matrix of a product, of any shape, row-major.
    pub(crate) fn plain(&self, part: Part, shape: &[usize]) -> Result<Vec<f32>, Error> {
        Ok(self.tensors.copy(&self.required(part, Ending::Weight, shape)?))
    }

    /// Whether the part is stored at all.
    pub(crate) fn has(&self, part: Part) -> Result<bool, Error> {
        Ok(self.find(part, Ending::Weight)?.is_some())
    }

    /// The names of the tensors that a part is stored under, its bias among them where the network has it.
    pub(crate) fn names(&self, part: Part) -> Result<Vec<String>, Error> {
        let spec = &self.blueprint.spec;
        let has_bias = match part {
            Part::SelfAttention(..) | Part::CrossAttention(..) | Part::FeedForward(..) => {
                spec.linear_bias == LinearBias::With
            }
            _ => matches!(spec.norm, Norm::Layer { .. }),
        };
        let endings = if has_bias { &[Ending::Weight, Ending::Bias][..] } else { &[Ending::Weight] };
        let mut names = Vec::new();
        for &ending in endings {
            names.extend(self.find(part, ending)?.map(|tensor| tensor.name.to_owned()));
        }
        Ok(names)
    }

    /// Whether two parts of the shape `[outputs, inputs]` are both stored, and not the same numbers.
    pub(crate) fn differ(&self, a: Part, b: Part) -> Result<bool, Error> {
        let (Some(a), Some(b)) = (self.find(a, Ending::Weight)?, self.find(b, Ending::Weight)?) else {
            return Ok(false);
        };
        Ok(a.dtype != b.dtype || a.shape != b.shape || a.bytes != b.bytes)
    }

    /// The bias of the logits, stored as `[1, vocabulary]` or flat; `None` where it is not stored.
    pub(crate) fn head_bias(&self, vocabulary: usize) -> Result<Option<Vec<f32>>, Error> {
        let Some(tensor) = self.find(Part::HeadBias, Ending::Weight)? else { return Ok(None) };
        if tensor.shape != [vocabulary] {
            self.tensors.check(&tensor, &[1, vocabulary])?;
        }
        let bias = numbers(&tensor).collect();
        // A buffer to the reference, and no weight.
        self.tensors.done(&tensor, 0, None);
        Ok(Some(bias))
    }

    fn required(&self, part: Part, ending: Ending, shape: &[usize]) -> Result<Tensor<'a>, Error> {
        self.tensors.required(&self.keys(part, ending), shape)
    }

    fn find(&self, part: Part, ending: Ending) -> Result<Option<Tensor<'a>>, Error> {
        self.tensors.find(&self.keys(part, ending))
    }

    /// The keys under which a tensor may be stored, likeliest first.
    fn keys(&self, part: Part, ending: Ending) -> Vec<String> {
        let ending = match (part, ending) {
            (Part::HeadBias, _) => "",
            (_, Ending::Weight) => ".weight",
            (_, Ending::Bias) => ".bias",
        };
        (self.blueprint.keys)(part).into_iter().map(|key| key + ending).collect()
    }
}
