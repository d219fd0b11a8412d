//! From stored tensors to packed weights: names, shapes and precision are checked here and nowhere else.
//!
//! A [`Part`] is a place in the network that has weights; an adapter says under which keys a family stores it.
//! Sizes come from the configuration, memory from the checkpoint: nothing is allocated before a stored tensor
//! of the right shape has been seen. Next: `load.rs`, which asks for the parts one by one.

use std::borrow::Cow;
use std::cell::Cell;
use std::path::Path;

use papo_checkpoint::{Checkpoint, Dtype as Stored, Tensor};
use papo_kernels::{Compute, Dtype, PackedMatrix, WeightView};

use crate::Error;
use crate::arch::Blueprint;
use crate::taps::Side;

/// The precision in which weights are held; activations are always `f32`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WeightDtype {
    /// Each matrix keeps the precision in which it is stored.
    #[default]
    Auto,
    /// 32 bits.
    F32,
    /// 16 bits; a family's matrices that overflow in it stay in 32.
    F16,
    /// The upper half of 32 bits.
    Bf16,
}

/// How far loading has come, counted in weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Weights loaded.
    pub loaded: usize,
    /// Weights in the checkpoint.
    pub total: usize,
}

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

/// A checkpoint as one network reads it.
pub(crate) struct Weights<'a> {
    checkpoint: &'a Checkpoint,
    blueprint: &'a Blueprint,
    compute: &'a Compute,
    dtype: WeightDtype,
    config: &'a Path,
    progress: Option<&'a dyn Fn(Progress)>,
    loaded: Cell<usize>,
    total: usize,
}

impl<'a> Weights<'a> {
    pub(crate) fn new(
        checkpoint: &'a Checkpoint,
        blueprint: &'a Blueprint,
        compute: &'a Compute,
        dtype: WeightDtype,
        config: &'a Path,
        progress: Option<&'a dyn Fn(Progress)>,
    ) -> Self {
        let total = checkpoint.parameter_count();
        Self { checkpoint, blueprint, compute, dtype, config, progress, loaded: Cell::new(0), total }
    }

    /// Weights loaded so far, each once.
    pub(crate) fn loaded(&self) -> usize {
        self.loaded.get()
    }

    /// Tells the listener that all is loaded.
    pub(crate) fn finish(&self) {
        if let Some(progress) = self.progress {
            progress(Progress { loaded: self.total, total: self.total });
        }
    }

    /// Matrices of the same shape `[outputs, inputs]`, stacked on top of each other.
    pub(crate) fn matrix(
        &self,
        parts: &[Part],
        outputs: usize,
        inputs: usize,
    ) -> Result<PackedMatrix, Error> {
        let shape = [outputs, inputs];
        let tensors = parts
            .iter()
            .map(|&part| self.required(part, Ending::Weight, &shape))
            .collect::<Result<Vec<_>, _>>()?;
        let stored = tensors.iter().map(|tensor| as_view_dtype(tensor.dtype));
        let bytes: Vec<Cow<'_, [u8]>> = tensors.iter().map(narrowed).collect();
        let views: Vec<_> =
            stored.zip(&bytes).map(|(dtype, bytes)| WeightView { dtype, outputs, inputs, bytes }).collect();
        let packed = self.compute.pack(&views, self.packed_dtype(parts, &views));
        tensors.iter().for_each(|tensor| self.done(tensor));
        Ok(packed)
    }

    /// The precision of a packed matrix.
    fn packed_dtype(&self, parts: &[Part], views: &[WeightView<'_>]) -> Dtype {
        match self.dtype {
            WeightDtype::F32 => Dtype::F32,
            WeightDtype::F16 if parts.iter().any(|&part| (self.blueprint.overflows_f16)(part)) => Dtype::F32,
            WeightDtype::F16 => Dtype::F16,
            WeightDtype::Bf16 => Dtype::Bf16,
            WeightDtype::Auto if views.iter().all(|view| view.dtype == views[0].dtype) => views[0].dtype,
            WeightDtype::Auto => Dtype::F32,
        }
    }

    /// The biases of stacked matrices, one after another, `len` numbers each.
    pub(crate) fn biases(&self, parts: &[Part], len: usize) -> Result<Vec<f32>, Error> {
        let mut biases = Vec::new();
        for &part in parts {
            let tensor = self.required(part, Ending::Bias, &[len])?;
            biases.extend(numbers(&tensor));
            self.done(&tensor);
        }
        Ok(biases)
    }

    /// A layer's weights that are no matrix of a product, of any shape, row-major.
    pub(crate) fn plain(&self, part: Part, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let tensor = self.required(part, Ending::Weight, shape)?;
        self.done(&tensor);
        Ok(numbers(&tensor).collect())
    }

    /// Whether the part is stored at all.
    pub(crate) fn has(&self, part: Part) -> Result<bool, Error> {
        Ok(self.find(part, Ending::Weight)?.is_some())
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
            self.check(&tensor, &[1, vocabulary])?;
        }
        Ok(Some(numbers(&tensor).collect()))
    }

    fn required(&self, part: Part, ending: Ending, shape: &[usize]) -> Result<Tensor<'a>, Error> {
        let Some(tensor) = self.find(part, ending)? else {
            let keys: Vec<_> = self.keys(part, ending).collect();
            let file = self.checkpoint.files().next().unwrap_or(self.config).to_path_buf();
            return Err(Error::MissingTensor {
                file,
                key: keys.join("` or `"),
                config: self.config.to_path_buf(),
            });
        };
        self.check(&tensor, shape)?;
        Ok(tensor)
    }

    fn check(&self, tensor: &Tensor<'_>, shape: &[usize]) -> Result<(), Error> {
        let (file, key) = (tensor.file.to_path_buf(), tensor.name.to_owned());
        if tensor.shape != shape {
            let (found, expected) = (tensor.shape.to_vec(), shape.to_vec());
            return Err(Error::WrongShape { file, key, found, expected, config: self.config.to_path_buf() });
        }
        if !matches!(tensor.dtype, Stored::F64 | Stored::F32 | Stored::F16 | Stored::Bf16) {
            return Err(Error::NotFloats { file, key, found: tensor.dtype.to_string() });
        }
        Ok(())
    }

    fn find(&self, part: Part, ending: Ending) -> Result<Option<Tensor<'a>>, Error> {
        for key in self.keys(part, ending) {
            if let Some(tensor) = self.checkpoint.get(&key)? {
                return Ok(Some(tensor));
            }
        }
        Ok(None)
    }

    /// The keys under which a tensor may be stored, likeliest first.
    fn keys(&self, part: Part, ending: Ending) -> impl Iterator<Item = String> {
        let ending = match (part, ending) {
            (Part::HeadBias, _) => "",
            (_, Ending::Weight) => ".weight",
            (_, Ending::Bias) => ".bias",
        };
        (self.blueprint.keys)(part).into_iter().map(move |key| key + ending)
    }

    /// Counts a tensor whose numbers have been copied, and lets go of its pages.
    fn done(&self, tensor: &Tensor<'_>) {
        self.loaded.set(self.loaded.get() + tensor.shape.iter().product::<usize>());
        self.checkpoint.release(tensor.name);
        if let Some(progress) = self.progress {
            progress(Progress { loaded: self.loaded.get().min(self.total), total: self.total });
        }
    }
}

/// The format in which the kernels read a stored one.
fn as_view_dtype(stored: Stored) -> Dtype {
    match stored {
        Stored::F16 => Dtype::F16,
        Stored::Bf16 => Dtype::Bf16,
        _ => Dtype::F32,
    }
}

/// The bytes of a tensor, double precision made single.
fn narrowed<'t>(tensor: &'t Tensor<'_>) -> Cow<'t, [u8]> {
    match tensor.dtype {
        Stored::F64 => numbers(tensor).flat_map(f32::to_le_bytes).collect(),
        _ => Cow::Borrowed(&tensor.bytes),
    }
}

/// The numbers of a floating-point tensor.
fn numbers<'t>(tensor: &'t Tensor<'_>) -> impl Iterator<Item = f32> + 't {
    let read: fn(&[u8]) -> f32 = match tensor.dtype {
        Stored::F64 => |b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f32,
        Stored::F16 => |b| half::f16::from_le_bytes([b[0], b[1]]).to_f32(),
        Stored::Bf16 => |b| half::bf16::from_le_bytes([b[0], b[1]]).to_f32(),
        _ => |b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]),
    };
    tensor.bytes.chunks_exact(tensor.dtype.size()).map(read)
}
