//! Models whose weights are rounded to eight or four bits and kept so: in a folder made on purpose, or in Papo's own cache.
//!
//! The file is a safetensors file like any other. A rounded matrix stands under its own name, as `I8 [outputs, inputs]` or as `U8` with two inputs a byte,
//! and its scales under that name with `_scale` (`papo_kernels::QuantizedView` has the numbers). All else is as it was; tensors that the network does
//! not use are left out. Loading only has to put the rows in order, so a model is ready as fast as its file can be read.
//!
//! `folder.rs` makes such folders, `cache.rs` keeps what was rounded on the fly.

mod cache;
mod folder;

pub(crate) use cache::Entry;
pub use cache::sweep as remove_stale;
pub use folder::{Quantized, quantize};

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use papo_checkpoint::{Dtype, NewTensor, write_safetensors};
use papo_kernels::Precision;
use papo_models::{LoadedTensor, WeightDtype, scales_name};

use crate::Error;

/// The name of a rounded precision, as on the command line.
pub(crate) fn name_of(dtype: WeightDtype) -> Option<&'static str> {
    match dtype {
        WeightDtype::Int8 => Some("int8"),
        WeightDtype::Int4 => Some("int4"),
        WeightDtype::Auto | WeightDtype::F32 | WeightDtype::F16 | WeightDtype::Bf16 => None,
    }
}

/// A tensor with memory of its own.
struct OwnTensor {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// What a network has made use of while it was loaded, as it is to be written.
#[derive(Default)]
pub(crate) struct Recorded {
    seen: RefCell<BTreeSet<String>>,
    tensors: RefCell<Vec<OwnTensor>>,
}

impl Recorded {
    /// Takes note of a tensor; one that is used twice is kept once.
    pub fn take(&self, loaded: &LoadedTensor<'_>) {
        let tensor = loaded.tensor;
        if !self.seen.borrow_mut().insert(tensor.name.to_owned()) {
            return;
        }
        let mut tensors = self.tensors.borrow_mut();
        let name = tensor.name.to_owned();
        let Some(rounded) = loaded.rounded.map(papo_kernels::QuantizedRows::view) else {
            let (dtype, shape) = (tensor.dtype, tensor.shape.to_vec());
            return tensors.push(OwnTensor { name, dtype, shape, bytes: tensor.bytes.to_vec() });
        };
        let (dtype, scale_dtype, scale_shape) = match rounded.precision {
            Precision::Int8 => (Dtype::I8, Dtype::F32, vec![rounded.outputs]),
            Precision::Int4 => {
                (Dtype::U8, Dtype::F16, vec![rounded.outputs, rounded.precision.row_scales(rounded.inputs)])
            }
        };
        let shape = vec![rounded.outputs, rounded.precision.row_bytes(rounded.inputs)];
        tensors.push(OwnTensor { name, dtype, shape, bytes: rounded.bytes.to_vec() });
        tensors.push(OwnTensor {
            name: scales_name(tensor.name),
            dtype: scale_dtype,
            shape: scale_shape,
            bytes: rounded.scales.to_vec(),
        });
    }

    /// Writes all of it, and a note where one is given, and returns the bytes of the weights.
    pub fn write(&self, path: &Path, note: Option<(&str, &[u8])>) -> Result<usize, Error> {
        let tensors = self.tensors.borrow();
        let note_shape = [note.map_or(0, |(_, bytes)| bytes.len())];
        let mut new: Vec<NewTensor<'_>> = tensors
            .iter()
            .map(|tensor| NewTensor {
                name: &tensor.name,
                dtype: tensor.dtype,
                shape: &tensor.shape,
                bytes: &tensor.bytes,
            })
            .collect();
        new.extend(note.map(|(name, bytes)| NewTensor { name, dtype: Dtype::U8, shape: &note_shape, bytes }));
        write_safetensors(path, &new, &BTreeMap::new())?;
        Ok(tensors.iter().map(|tensor| tensor.bytes.len()).sum())
    }
}
