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

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;

use papo_checkpoint::{Dtype, NewTensor, TensorSpool};
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

/// What a network has made use of while it was loaded, on its way into a file; it waits on disk, so that rounding takes hardly more memory than loading.
pub(crate) struct Recorded {
    // In cells, because loading tells of tensors through a shared reference, and cannot hear that one was not written.
    spool: RefCell<Result<TensorSpool, papo_checkpoint::Error>>,
    /// The checksum of each tensor's bytes; one that is used twice is kept once.
    sums: RefCell<BTreeMap<String, crc32fast::Hasher>>,
    in_four_bits: Cell<usize>,
}

impl Recorded {
    /// Prepares a file that will be at `path`, in a folder that is there.
    pub fn new(path: &Path) -> Self {
        Self {
            spool: RefCell::new(TensorSpool::new(path)),
            sums: RefCell::default(),
            in_four_bits: Cell::new(0),
        }
    }

    /// Matrices in four bits.
    fn in_four_bits(&self) -> usize {
        self.in_four_bits.get()
    }

    /// Takes note of a tensor.
    pub fn take(&self, loaded: &LoadedTensor<'_>) {
        let tensor = loaded.tensor;
        if self.sums.borrow().contains_key(tensor.name) {
            return;
        }
        let Some(rounded) = loaded.rounded.map(papo_kernels::QuantizedRows::view) else {
            return self.push(&NewTensor {
                name: tensor.name,
                dtype: tensor.dtype,
                shape: tensor.shape,
                bytes: &tensor.bytes,
            });
        };
        let row_scales = [rounded.outputs, rounded.precision.row_scales(rounded.inputs)];
        let (dtype, scale_dtype, scale_shape) = match rounded.precision {
            Precision::Int8 => (Dtype::I8, Dtype::F32, &row_scales[..1]),
            Precision::Int4 => (Dtype::U8, Dtype::F16, &row_scales[..]),
        };
        let shape = [rounded.outputs, rounded.precision.row_bytes(rounded.inputs)];
        self.push(&NewTensor { name: tensor.name, dtype, shape: &shape, bytes: rounded.bytes });
        let scales = scales_name(tensor.name);
        self.push(&NewTensor {
            name: &scales,
            dtype: scale_dtype,
            shape: scale_shape,
            bytes: rounded.scales,
        });
    }

    /// Where one tensor was not written, none that follows is.
    fn push(&self, tensor: &NewTensor<'_>) {
        let mut spool = self.spool.borrow_mut();
        let Ok(open) = &mut *spool else { return };
        if let Err(error) = open.push(tensor) {
            *spool = Err(error);
            return;
        }
        // A network has no other tensors of bytes.
        self.in_four_bits.update(|count| count + usize::from(tensor.dtype == Dtype::U8));
        let mut sum = crc32fast::Hasher::new();
        sum.update(tensor.bytes);
        self.sums.borrow_mut().insert(tensor.name.to_owned(), sum);
    }

    /// The checksum of all bytes, tensor after tensor by name.
    fn checksum(&self) -> u32 {
        let mut all = crc32fast::Hasher::new();
        self.sums.borrow().values().for_each(|sum| all.combine(sum));
        all.finalize()
    }

    /// Writes all of it, and a note where one is given, and returns the bytes of the weights.
    pub fn write(self, note: Option<(&str, &[u8])>) -> Result<u64, Error> {
        let mut spool = self.spool.into_inner()?;
        let bytes = spool.bytes();
        if let Some((name, note)) = note {
            spool.push(&NewTensor { name, dtype: Dtype::U8, shape: &[note.len()], bytes: note })?;
        }
        spool.finish(&BTreeMap::new())?;
        Ok(bytes)
    }
}
