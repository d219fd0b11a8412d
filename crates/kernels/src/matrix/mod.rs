//! Weight matrices as they stand in a checkpoint and as the kernels want them.
//!
//! `pack.rs` turns the one into the other, `linear.rs` cuts a product into pieces for the threads, `tile.rs` is the inner loop; `product.rs`
//! multiplies factors that nobody packed.

mod interleave;
mod linear;
mod pack;
mod product;
pub(crate) mod tile;

pub(crate) use interleave::interleave;
pub(crate) use linear::{Blocks, linear};
pub(crate) use pack::pack;
pub use product::{Factor, Onto};
pub(crate) use product::{pack_factor, product};

use half::{bf16, f16};

use crate::memory::Block;
use crate::quantized::{Precision, QuantizedMatrix};

/// The number format of stored weights; activations are always `f32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// 32-bit IEEE 754.
    F32,
    /// 16-bit IEEE 754, widened in registers.
    F16,
    /// The upper half of an `f32`, widened in registers.
    Bf16,
}

impl Dtype {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::Bf16 => 2,
        }
    }
}

/// A weight matrix in a checkpoint: `[outputs, inputs]`, row-major, little-endian, at any address.
#[derive(Clone, Copy, Debug)]
pub struct WeightView<'a> {
    /// The number format of `bytes`.
    pub dtype: Dtype,
    /// Rows of the matrix.
    pub outputs: usize,
    /// Columns of the matrix.
    pub inputs: usize,
    /// `outputs * inputs * dtype.size()` bytes.
    pub bytes: &'a [u8],
}

/// A weight matrix `[outputs, inputs]` in the order in which the kernels read it.
///
/// Made by [`Compute::pack`](crate::Compute::pack) or [`Compute::pack_quantized`](crate::Compute::pack_quantized); serves both as the matrix of a
/// product and as a table of embeddings ([`PackedMatrix::read_row`]). The order of floats depends on the instruction set: a matrix is multiplied by
/// the [`Compute`](crate::Compute) that packed it, or one with the same kernels.
#[derive(Debug)]
pub struct PackedMatrix(pub(crate) Packed);

/// The two kinds of matrices.
#[derive(Debug)]
pub(crate) enum Packed {
    Floats(FloatMatrix),
    Quantized(QuantizedMatrix),
}

/// How a packed matrix holds its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As floats.
    Floats(Dtype),
    /// As whole numbers with scales.
    Quantized(Precision),
}

impl PackedMatrix {
    /// Rows of the matrix: the width of a product's result.
    pub fn outputs(&self) -> usize {
        match &self.0 {
            Packed::Floats(matrix) => matrix.outputs,
            Packed::Quantized(matrix) => matrix.outputs(),
        }
    }

    /// Columns of the matrix: the width of a product's argument.
    pub fn inputs(&self) -> usize {
        match &self.0 {
            Packed::Floats(matrix) => matrix.inputs,
            Packed::Quantized(matrix) => matrix.inputs(),
        }
    }

    /// How the weights are held.
    pub fn format(&self) -> Format {
        match &self.0 {
            Packed::Floats(matrix) => Format::Floats(matrix.dtype),
            Packed::Quantized(matrix) => Format::Quantized(matrix.precision()),
        }
    }

    /// Bytes that a product reads from memory.
    pub fn bytes(&self) -> usize {
        match &self.0 {
            Packed::Floats(matrix) => matrix.outputs * matrix.inputs * matrix.dtype.size(),
            Packed::Quantized(matrix) => matrix.bytes(),
        }
    }

    /// Copies row `output` to `row`, `[inputs]`, widened to `f32`.
    ///
    /// # Panics
    /// Where there is no such row or `row` is not `inputs` wide.
    pub fn read_row(&self, output: usize, row: &mut [f32]) {
        assert!(output < self.outputs(), "row {output} of a matrix of {} rows", self.outputs());
        assert_eq!(row.len(), self.inputs(), "a row is as wide as the matrix has inputs");
        match &self.0 {
            Packed::Floats(matrix) => matrix.read_row(output, row),
            Packed::Quantized(matrix) => matrix.read_row(output, row),
        }
    }
}

/// A packed matrix of floats.
#[derive(Debug)]
pub(crate) struct FloatMatrix {
    outputs: usize,
    inputs: usize,
    dtype: Dtype,
    /// Outputs in a panel.
    width: usize,
    /// `[panels, inputs, width]` numbers; the outputs that fill up the last panel are zero.
    block: Block,
}

impl FloatMatrix {
    fn read_row(&self, output: usize, row: &mut [f32]) {
        match self.dtype {
            Dtype::F32 => self.read_lane(output, row, |x: f32| x),
            Dtype::F16 => self.read_lane(output, row, f16::to_f32),
            Dtype::Bf16 => self.read_lane(output, row, bf16::to_f32),
        }
    }

    fn read_lane<T: Copy>(&self, output: usize, row: &mut [f32], widen: impl Fn(T) -> f32) {
        debug_assert_eq!(size_of::<T>(), self.dtype.size());
        let first = output / self.width * self.width * self.inputs + output % self.width;
        let weights = self.block.start().cast::<T>().cast_const();
        for (input, x) in row.iter_mut().enumerate() {
            // SAFETY: `pack` initialised `inputs * width` numbers of this format for every panel, and `output` lies in one.
            *x = widen(unsafe { *weights.add(first + input * self.width) });
        }
    }
}
