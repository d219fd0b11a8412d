//! From stored tensors to packed weights: names, shapes and precision are checked here and nowhere else.
//!
//! Sizes come from the configuration, memory from the checkpoint: nothing is allocated before a stored tensor
//! of the right shape has been seen. Next: `weights.rs` and `recurrent/load.rs`, which know the names.

use std::borrow::Cow;
use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::Ordering;

use papo_checkpoint::{Checkpoint, Dtype as Stored, Tensor};
use papo_kernels::{
    Compute, Dtype, Format, PackedMatrix, Precision, QuantizedRows, QuantizedView, WeightView,
};

use crate::Error;
use crate::model::LoadOptions;

/// The precision in which weights are held; activations are `f32`, rounded to eight bits where they meet weights of eight or four.
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
    /// Eight bits with a scale for each output; tables of positions stay as they are.
    Int8,
    /// Four bits with a scale for each 32 inputs; token tables, the head and matrices of at most 65 536 weights have eight, tables of
    /// positions stay as they are.
    Int4,
}

/// Weights of the largest matrix that [`WeightDtype::Int4`] leaves in eight bits. The built-in networks with such matrices lose every twelfth next
/// token to four bits, and gain nothing: 64 KiB are read from a core's own cache.
const KEPT_IN_EIGHT_BITS: usize = 64 << 10;

/// How far loading has come, counted in weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Weights loaded.
    pub loaded: usize,
    /// Weights in the checkpoint.
    pub total: usize,
}

/// What a matrix is for, which decides how precise it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Products.
    Product,
    /// Products too large for f16: it stays in f32 when weights are converted to that.
    LargeProduct,
    /// Products with the whole vocabulary, and the token table.
    Vocabulary,
    /// Rows that are looked up.
    Lookup,
}

/// The name under which the scales of a rounded matrix are stored.
pub fn scales_name(matrix: &str) -> String {
    format!("{matrix}_scale")
}

/// A matrix as it stands in a checkpoint.
pub(crate) struct StoredMatrix<'a> {
    tensor: Tensor<'a>,
    outputs: usize,
    inputs: usize,
    /// Of a rounded matrix its precision and its scales.
    rounded: Option<(Precision, Tensor<'a>)>,
}

/// A tensor that loading has made use of.
#[derive(Debug)]
pub struct LoadedTensor<'a> {
    /// As it stands in the checkpoint.
    pub tensor: &'a Tensor<'a>,
    /// Rounded, where that was asked for.
    pub rounded: Option<&'a QuantizedRows>,
}

/// The tensors of a checkpoint as one network reads them.
pub(crate) struct Tensors<'a> {
    checkpoint: &'a Checkpoint,
    config: &'a Path,
    options: &'a LoadOptions<'a>,
    loaded: Cell<usize>,
    total: usize,
}

impl<'a> Tensors<'a> {
    pub(crate) fn new(checkpoint: &'a Checkpoint, config: &'a Path, options: &'a LoadOptions<'a>) -> Self {
        let total = checkpoint.parameter_count();
        Self { checkpoint, config, options, loaded: Cell::new(0), total }
    }

    /// Weights loaded so far, each once.
    pub(crate) fn loaded(&self) -> usize {
        self.loaded.get()
    }

    /// Tells the listener that all is loaded.
    pub(crate) fn finish(&self) {
        if let Some(progress) = self.options.progress {
            progress(Progress { loaded: self.total, total: self.total });
        }
    }

    /// The matrix `[outputs, inputs]` stored under the first of `keys` that there is, of floats or rounded.
    pub(crate) fn matrix(
        &self,
        keys: &[String],
        outputs: usize,
        inputs: usize,
    ) -> Result<StoredMatrix<'a>, Error> {
        let tensor = self.stored(keys)?;
        let precision = match tensor.dtype {
            Stored::I8 => Precision::Int8,
            Stored::U8 => Precision::Int4,
            _ => {
                self.check(&tensor, &[outputs, inputs])?;
                return Ok(StoredMatrix { tensor, outputs, inputs, rounded: None });
            }
        };
        let Some(scales) = self.checkpoint.get(&scales_name(tensor.name))? else {
            return Err(not_floats(&tensor));
        };
        self.check_shape(&tensor, &[outputs, precision.row_bytes(inputs)])?;
        let (dtype, shape) = match precision {
            Precision::Int8 => (Stored::F32, vec![outputs]),
            Precision::Int4 => (Stored::F16, vec![outputs, precision.row_scales(inputs)]),
        };
        self.check_shape(&scales, &shape)?;
        if scales.dtype != dtype {
            return Err(not_floats(&scales));
        }
        Ok(StoredMatrix { tensor, outputs, inputs, rounded: Some((precision, scales)) })
    }

    /// Packs matrices of one shape, stacked on top of each other.
    pub(crate) fn pack(&self, stacked: &[StoredMatrix<'_>], usage: Use) -> PackedMatrix {
        let compute: &Compute = &self.options.compute;
        match self.format(stacked, usage) {
            Format::Floats(dtype) => {
                let bytes: Vec<_> = stacked.iter().map(StoredMatrix::floats).collect();
                let views: Vec<_> =
                    stacked.iter().zip(&bytes).map(|(matrix, bytes)| matrix.view(bytes)).collect();
                let packed = compute.pack(&views, dtype);
                stacked.iter().for_each(|matrix| self.done_with(matrix, None));
                packed
            }
            Format::Quantized(precision) => {
                let rows: Vec<Option<QuantizedRows>> = stacked
                    .iter()
                    .map(|matrix| match matrix.rounded_view() {
                        Some(view) if view.precision == precision => None,
                        _ => Some(compute.quantize(&matrix.view(&matrix.floats()), precision)),
                    })
                    .collect();
                let views: Vec<_> = stacked
                    .iter()
                    .zip(&rows)
                    .filter_map(|(matrix, rows)| {
                        rows.as_ref().map_or(matrix.rounded_view(), |rows| Some(rows.view()))
                    })
                    .collect();
                let packed = compute.pack_quantized(&views);
                stacked.iter().zip(&rows).for_each(|(matrix, rows)| self.done_with(matrix, rows.as_ref()));
                packed
            }
        }
    }

    /// How a packed matrix holds its numbers.
    fn format(&self, stacked: &[StoredMatrix<'_>], usage: Use) -> Format {
        let stored = || {
            let first = stacked[0].format();
            if stacked.iter().all(|matrix| matrix.format() == first) {
                first
            } else {
                Format::Floats(Dtype::F32)
            }
        };
        match (self.options.dtype, usage) {
            (WeightDtype::Auto, _) | (WeightDtype::Int8 | WeightDtype::Int4, Use::Lookup) => stored(),
            (WeightDtype::F32, _) | (WeightDtype::F16, Use::LargeProduct) => Format::Floats(Dtype::F32),
            (WeightDtype::F16, _) => Format::Floats(Dtype::F16),
            (WeightDtype::Bf16, _) => Format::Floats(Dtype::Bf16),
            (WeightDtype::Int8, _) | (WeightDtype::Int4, Use::Vocabulary) => {
                Format::Quantized(Precision::Int8)
            }
            // All of the stack have one shape.
            (WeightDtype::Int4, _) if stacked[0].outputs * stacked[0].inputs <= KEPT_IN_EIGHT_BITS => {
                Format::Quantized(Precision::Int8)
            }
            (WeightDtype::Int4, _) => Format::Quantized(Precision::Int4),
        }
    }

    /// The numbers of a tensor, row-major.
    pub(crate) fn copy(&self, tensor: &Tensor<'_>) -> Vec<f32> {
        let copied = numbers(tensor).collect();
        self.done(tensor, tensor.elements(), None);
        copied
    }

    /// The tensor stored under the first of `keys` that there is, of this shape and of floating-point numbers.
    pub(crate) fn required(&self, keys: &[String], shape: &[usize]) -> Result<Tensor<'a>, Error> {
        let tensor = self.stored(keys)?;
        self.check(&tensor, shape)?;
        Ok(tensor)
    }

    /// The tensor stored under the first of `keys` that there is; an error where there is none.
    fn stored(&self, keys: &[String]) -> Result<Tensor<'a>, Error> {
        if self.options.interrupt.is_some_and(|interrupt| interrupt.load(Ordering::Relaxed)) {
            return Err(Error::Interrupted);
        }
        self.find(keys)?.ok_or_else(|| {
            if let Some(error) = keys.iter().find_map(|key| self.checkpoint.missing(key)) {
                return error.into();
            }
            let file = self.checkpoint.files().next().unwrap_or(self.config).to_path_buf();
            if let Some(prefix) = self.prefix_before(keys) {
                return Error::Prefixed { file, meaning: meaning_of(&prefix), prefix };
            }
            Error::MissingTensor { file, key: keys.join("` or `"), config: self.config.to_path_buf() }
        })
    }

    /// What stands before one of `keys` in a checkpoint that was saved from within a wrapper.
    fn prefix_before(&self, keys: &[String]) -> Option<String> {
        let prefix = |name: &str, key: &String| {
            name.strip_suffix(key.as_str()).filter(|prefix| prefix.ends_with('.')).map(str::to_owned)
        };
        keys.iter().find_map(|key| self.checkpoint.names().find_map(|name| prefix(name, key)))
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
        self.check_shape(tensor, shape)?;
        if !matches!(tensor.dtype, Stored::F64 | Stored::F32 | Stored::F16 | Stored::Bf16) {
            return Err(not_floats(tensor));
        }
        Ok(())
    }

    fn check_shape(&self, tensor: &Tensor<'_>, shape: &[usize]) -> Result<(), Error> {
        if tensor.shape == shape {
            return Ok(());
        }
        Err(Error::WrongShape {
            file: tensor.file.to_path_buf(),
            key: tensor.name.to_owned(),
            found: tensor.shape.to_vec(),
            expected: shape.to_vec(),
            config: self.config.to_path_buf(),
        })
    }

    /// Counts a matrix that has been packed.
    fn done_with(&self, matrix: &StoredMatrix<'_>, rounded: Option<&QuantizedRows>) {
        self.done(&matrix.tensor, matrix.outputs * matrix.inputs, rounded);
        if let Some((_, scales)) = &matrix.rounded {
            self.done(scales, 0, None);
        }
    }

    /// Counts a tensor whose numbers have been copied, and lets go of its pages.
    pub(crate) fn done(&self, tensor: &Tensor<'_>, weights: usize, rounded: Option<&QuantizedRows>) {
        if let Some(record) = self.options.record {
            record(LoadedTensor { tensor, rounded });
        }
        self.loaded.set(self.loaded.get() + weights);
        self.checkpoint.release(tensor.name);
        if let Some(progress) = self.options.progress {
            progress(Progress { loaded: self.loaded.get().min(self.total), total: self.total });
        }
    }
}

impl StoredMatrix<'_> {
    /// The stored bytes as floats: those of a rounded matrix widened, double precision made single.
    fn floats(&self) -> Cow<'_, [u8]> {
        match (self.rounded_view(), self.tensor.dtype) {
            (Some(view), _) => view.floats().into_iter().flat_map(f32::to_le_bytes).collect(),
            (None, Stored::F64) => numbers(&self.tensor).flat_map(f32::to_le_bytes).collect(),
            (None, _) => Cow::Borrowed(&self.tensor.bytes),
        }
    }

    /// The matrix in the form that is packed or rounded; `floats` are its own.
    fn view<'f>(&self, floats: &'f [u8]) -> WeightView<'f> {
        let dtype = match self.tensor.dtype {
            Stored::F16 => Dtype::F16,
            Stored::Bf16 => Dtype::Bf16,
            _ => Dtype::F32,
        };
        WeightView { dtype, outputs: self.outputs, inputs: self.inputs, bytes: floats }
    }

    fn rounded_view(&self) -> Option<QuantizedView<'_>> {
        self.rounded.as_ref().map(|(precision, scales)| QuantizedView {
            precision: *precision,
            outputs: self.outputs,
            inputs: self.inputs,
            bytes: &self.tensor.bytes,
            scales: &scales.bytes,
        })
    }

    fn format(&self) -> Format {
        match &self.rounded {
            Some((precision, _)) => Format::Quantized(*precision),
            None => Format::Floats(self.view(&[]).dtype),
        }
    }
}

/// Who puts a prefix before the names of all tensors, and what to do in Python about it.
fn meaning_of(prefix: &str) -> &'static str {
    match prefix {
        "module." => {
            "as PyTorch's DataParallel leaves them; save the model inside it, with `model.module.save_pretrained(FOLDER)`"
        }
        "_orig_mod." | "module._orig_mod." => {
            "as torch.compile leaves them; save the model inside it, with `model._orig_mod.save_pretrained(FOLDER)`"
        }
        _ if prefix.contains("base_model.") => {
            "as the library peft leaves them around a model with an adapter; save the merged model, with \
             `model.merge_and_unload().save_pretrained(FOLDER)`"
        }
        _ => "as a wrapper around the model leaves them; save the model inside it with `save_pretrained`",
    }
}

fn not_floats(tensor: &Tensor<'_>) -> Error {
    Error::NotFloats {
        file: tensor.file.to_path_buf(),
        key: tensor.name.to_owned(),
        found: tensor.dtype.to_string(),
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
