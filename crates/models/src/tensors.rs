//! From stored tensors to packed weights: names, shapes and precision are checked here and nowhere else.
//!
//! Sizes come from the configuration, memory from the checkpoint: nothing is allocated before a stored tensor
//! of the right shape has been seen. Next: `weights.rs` and `recurrent/load.rs`, which know the names.

use std::borrow::Cow;
use std::cell::Cell;
use std::path::Path;

use papo_checkpoint::{Checkpoint, Dtype as Stored, Tensor};
use papo_kernels::{Compute, Dtype, PackedMatrix, WeightView};

use crate::Error;

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

/// Whether a matrix survives conversion to f16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InF16 {
    Fits,
    /// Its products overflow, so that it stays in f32 when weights are converted.
    Overflows,
}

/// The tensors of a checkpoint as one network reads them.
pub(crate) struct Tensors<'a> {
    checkpoint: &'a Checkpoint,
    compute: &'a Compute,
    dtype: WeightDtype,
    config: &'a Path,
    progress: Option<&'a dyn Fn(Progress)>,
    loaded: Cell<usize>,
    total: usize,
}

impl<'a> Tensors<'a> {
    pub(crate) fn new(
        checkpoint: &'a Checkpoint,
        compute: &'a Compute,
        dtype: WeightDtype,
        config: &'a Path,
        progress: Option<&'a dyn Fn(Progress)>,
    ) -> Self {
        let total = checkpoint.parameter_count();
        Self { checkpoint, compute, dtype, config, progress, loaded: Cell::new(0), total }
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

    /// Packs matrices of one shape, stacked on top of each other.
    pub(crate) fn pack(&self, stacked: &[Tensor<'_>], in_f16: InF16) -> PackedMatrix {
        let bytes: Vec<Cow<'_, [u8]>> = stacked.iter().map(narrowed).collect();
        let views: Vec<_> = stacked
            .iter()
            .zip(&bytes)
            .map(|(tensor, bytes)| WeightView {
                dtype: as_view_dtype(tensor.dtype),
                outputs: tensor.shape[0],
                inputs: tensor.shape[1],
                bytes,
            })
            .collect();
        let packed = self.compute.pack(&views, self.packed_dtype(&views, in_f16));
        stacked.iter().for_each(|tensor| self.done(tensor));
        packed
    }

    /// The precision of a packed matrix.
    fn packed_dtype(&self, views: &[WeightView<'_>], in_f16: InF16) -> Dtype {
        match self.dtype {
            WeightDtype::F32 => Dtype::F32,
            WeightDtype::F16 if in_f16 == InF16::Overflows => Dtype::F32,
            WeightDtype::F16 => Dtype::F16,
            WeightDtype::Bf16 => Dtype::Bf16,
            WeightDtype::Auto if views.iter().all(|view| view.dtype == views[0].dtype) => views[0].dtype,
            WeightDtype::Auto => Dtype::F32,
        }
    }

    /// The numbers of a tensor, row-major.
    pub(crate) fn copy(&self, tensor: &Tensor<'_>) -> Vec<f32> {
        let copied = numbers(tensor).collect();
        self.done(tensor);
        copied
    }

    /// The tensor stored under the first of `keys` that there is, of this shape and of floating-point numbers.
    pub(crate) fn required(&self, keys: &[String], shape: &[usize]) -> Result<Tensor<'a>, Error> {
        let Some(tensor) = self.find(keys)? else {
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

    /// The tensor stored under the first of `keys` that there is.
    pub(crate) fn find(&self, keys: &[String]) -> Result<Option<Tensor<'a>>, Error> {
        for key in keys {
            if let Some(tensor) = self.checkpoint.get(key)? {
                return Ok(Some(tensor));
            }
        }
        Ok(None)
    }

    /// Refuses a tensor of another shape, or of other numbers than floats.
    pub(crate) fn check(&self, tensor: &Tensor<'_>, shape: &[usize]) -> Result<(), Error> {
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
pub(crate) fn numbers<'t>(tensor: &'t Tensor<'_>) -> impl Iterator<Item = f32> + 't {
    let read: fn(&[u8]) -> f32 = match tensor.dtype {
        Stored::F64 => |b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f32,
        Stored::F16 => |b| half::f16::from_le_bytes([b[0], b[1]]).to_f32(),
        Stored::Bf16 => |b| half::bf16::from_le_bytes([b[0], b[1]]).to_f32(),
        _ => |b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]),
    };
    tensor.bytes.chunks_exact(tensor.dtype.size()).map(read)
}
