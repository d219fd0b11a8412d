//! Weight matrices as they stand in a checkpoint and as the kernels want them.

use half::{bf16, f16};

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

/// A weight matrix in a checkpoint: `[outputs, inputs]`, row-major, little-endian.
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

impl WeightView<'_> {
    pub(crate) fn get(&self, output: usize, input: usize) -> f32 {
        let index = (output * self.inputs + input) * self.dtype.size();
        let bytes = &self.bytes[index..index + self.dtype.size()];
        match self.dtype {
            Dtype::F32 => f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
            Dtype::F16 => f16::from_le_bytes([bytes[0], bytes[1]]).to_f32(),
            Dtype::Bf16 => bf16::from_le_bytes([bytes[0], bytes[1]]).to_f32(),
        }
    }
}

/// A weight matrix `[outputs, inputs]` in the order in which the kernels read it.
///
/// Made by [`Compute::pack`](crate::Compute::pack); serves both as the matrix of a product and as a
/// table of embeddings ([`PackedMatrix::read_row`]).
#[derive(Debug)]
pub struct PackedMatrix {
    outputs: usize,
    inputs: usize,
    dtype: Dtype,
    values: Vec<f32>,
}

impl PackedMatrix {
    pub(crate) fn pack(parts: &[WeightView<'_>], dtype: Dtype) -> Self {
        let inputs = parts[0].inputs;
        let mut values = Vec::new();
        for part in parts {
            assert_eq!(part.inputs, inputs, "stacked matrices share their inputs");
            for output in 0..part.outputs {
                values.extend((0..inputs).map(|input| part.get(output, input)));
            }
        }
        Self { outputs: parts.iter().map(|p| p.outputs).sum(), inputs, dtype, values }
    }

    /// Rows of the matrix: the width of a product's result.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Columns of the matrix: the width of a product's argument.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The number format of the packed weights.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Bytes that a product reads from memory.
    pub fn bytes(&self) -> usize {
        self.outputs * self.inputs * self.dtype.size()
    }

    /// Copies row `output` to `row`, `[inputs]`, widened to `f32`.
    pub fn read_row(&self, output: usize, row: &mut [f32]) {
        row.copy_from_slice(&self.values[output * self.inputs..][..self.inputs]);
    }

    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }
}
