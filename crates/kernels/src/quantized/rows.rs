//! Weights rounded to eight or four bits, row by row: the form in which they are stored in files.

use half::{bf16, f16};

use super::{EIGHTS, FOURS, GROUP, LINE, WIDTH};
use crate::memory::Shared;
use crate::pool::Pool;
use crate::simd::dots::BIAS_FOUR;
use crate::{Dtype, WeightView, vectorized};

/// The number formats of rounded weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Eight bits, a scale for each output.
    Int8,
    /// Four bits, a scale for each 32 inputs of an output.
    Int4,
}

impl Precision {
    /// Inputs with those that fill up the last line or group.
    pub(super) fn depth(self, inputs: usize) -> usize {
        match self {
            Self::Int8 => inputs.next_multiple_of(EIGHTS),
            Self::Int4 => inputs.next_multiple_of(GROUP),
        }
    }

    /// Bytes of a row's weights, as they are stored.
    pub fn row_bytes(self, inputs: usize) -> usize {
        match self {
            Self::Int8 => inputs,
            Self::Int4 => self.depth(inputs) / 2,
        }
    }

    /// Scales of a row.
    pub fn row_scales(self, inputs: usize) -> usize {
        match self {
            Self::Int8 => 1,
            Self::Int4 => inputs.div_ceil(GROUP),
        }
    }

    /// Bytes of a scale: an `f32` for eight bits, an `f16` for four.
    pub fn scale_size(self) -> usize {
        match self {
            Self::Int8 => size_of::<f32>(),
            Self::Int4 => size_of::<f16>(),
        }
    }
}

/// A rounded matrix as it is stored, `[outputs, inputs]`, row-major, little-endian.
///
/// Eight bits: signed bytes, and an `f32` scale for each row. Four bits: of each eight inputs four bytes, whose low halves are the first four, with
/// 8 added; rows are filled up to whole groups of 32, and each group has an `f16` scale.
#[derive(Clone, Copy, Debug)]
pub struct QuantizedView<'a> {
    /// The number format.
    pub precision: Precision,
    /// Rows of the matrix.
    pub outputs: usize,
    /// Columns of the matrix.
    pub inputs: usize,
    /// `outputs * precision.row_bytes(inputs)` bytes.
    pub bytes: &'a [u8],
    /// `outputs * precision.row_scales(inputs) * precision.scale_size()` bytes.
    pub scales: &'a [u8],
}

impl QuantizedView<'_> {
    /// The numbers that the rounded ones stand for, `[outputs, inputs]`.
    ///
    /// # Panics
    /// Where the bytes are not as many as the shape says.
    pub fn floats(&self) -> Vec<f32> {
        self.check();
        let Self { precision, inputs, .. } = *self;
        if inputs == 0 {
            return Vec::new();
        }
        let scale_bytes = precision.row_scales(inputs) * precision.scale_size();
        let rows =
            self.bytes.chunks_exact(precision.row_bytes(inputs)).zip(self.scales.chunks_exact(scale_bytes));
        let mut floats = Vec::with_capacity(self.outputs * inputs);
        for (row, scales) in rows {
            match precision {
                Precision::Int8 => {
                    let scale = f32::from_le_bytes([scales[0], scales[1], scales[2], scales[3]]);
                    floats.extend(row.iter().map(|&q| f32::from(q as i8) * scale));
                }
                Precision::Int4 => {
                    let groups = row.chunks_exact(GROUP / 2).zip(scales.chunks_exact(size_of::<f16>()));
                    let end = floats.len() + inputs;
                    for (bytes, scale) in groups {
                        let scale = f16::from_le_bytes([scale[0], scale[1]]).to_f32();
                        let number = |q: u8| (f32::from(q) - f32::from(BIAS_FOUR)) * scale;
                        for bytes in bytes.chunks_exact(FOURS / 2) {
                            floats.extend(bytes.iter().map(|b| number(b & 15)));
                            floats.extend(bytes.iter().map(|b| number(b >> 4)));
                        }
                    }
                    // What fills up the last group.
                    floats.truncate(end);
                }
            }
        }
        floats
    }

    /// Panics where the bytes are not as many as the shape says.
    pub(super) fn check(&self) {
        let Self { precision, outputs, inputs, .. } = *self;
        let bytes = outputs.checked_mul(precision.row_bytes(inputs));
        assert_eq!(bytes, Some(self.bytes.len()), "bytes of a {outputs} x {inputs} matrix");
        let scales = outputs * precision.row_scales(inputs) * precision.scale_size();
        assert_eq!(scales, self.scales.len(), "bytes of the scales of a {outputs} x {inputs} matrix");
    }
}

/// A rounded matrix with memory of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantizedRows {
    precision: Precision,
    outputs: usize,
    inputs: usize,
    bytes: Vec<u8>,
    scales: Vec<u8>,
}

impl QuantizedRows {
    /// The matrix as it is stored.
    pub fn view(&self) -> QuantizedView<'_> {
        let Self { precision, outputs, inputs, .. } = *self;
        QuantizedView { precision, outputs, inputs, bytes: &self.bytes, scales: &self.scales }
    }
}

/// Rounds a matrix.
///
/// # Panics
/// Where the bytes are not as many as the shape says.
pub(crate) fn quantize(pool: &Pool, view: &WeightView<'_>, precision: Precision) -> QuantizedRows {
    let (outputs, inputs) = (view.outputs, view.inputs);
    let row_bytes = inputs * view.dtype.size();
    assert_eq!(view.bytes.len(), outputs * row_bytes, "bytes of a {outputs} x {inputs} matrix");
    let (width, scale_width) =
        (precision.row_bytes(inputs), precision.row_scales(inputs) * precision.scale_size());
    let mut bytes = vec![0; outputs * width];
    let mut scales = vec![0; outputs * scale_width];
    let (target, target_scales) = (Shared(bytes.as_mut_ptr()), Shared(scales.as_mut_ptr()));
    let tasks = outputs.div_ceil(WIDTH);
    pool.run(tasks, &|task| {
        let mut row = vec![0.0; precision.depth(inputs)];
        for output in task * WIDTH..((task + 1) * WIDTH).min(outputs) {
            read(view.dtype, &view.bytes[output * row_bytes..][..row_bytes], &mut row);
            // SAFETY: rows do not overlap, and each is in one task.
            let (bytes, scales) = unsafe {
                (
                    std::slice::from_raw_parts_mut(target.get().add(output * width), width),
                    std::slice::from_raw_parts_mut(
                        target_scales.get().add(output * scale_width),
                        scale_width,
                    ),
                )
            };
            vectorized(
                #[inline(always)]
                || round(precision, &row, bytes, scales),
            );
        }
    });
    QuantizedRows { precision, outputs, inputs, bytes, scales }
}

/// Rounds a row.
#[inline(always)]
fn round(precision: Precision, row: &[f32], bytes: &mut [u8], scales: &mut [u8]) {
    match precision {
        Precision::Int8 => scales.copy_from_slice(&eight_bits(row, bytes).to_le_bytes()),
        Precision::Int4 => {
            let groups = row.chunks_exact(GROUP).zip(bytes.chunks_exact_mut(GROUP / 2));
            for ((group, bytes), scale) in groups.zip(scales.chunks_exact_mut(size_of::<f16>())) {
                scale.copy_from_slice(&four_bits(group, bytes).to_le_bytes());
            }
        }
    }
}

/// A stored row as floats; what fills up the row stays as it is.
fn read(dtype: Dtype, bytes: &[u8], row: &mut [f32]) {
    match dtype {
        Dtype::F32 => {
            for (b, x) in bytes.chunks_exact(4).zip(row) {
                *x = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
            }
        }
        Dtype::F16 => {
            for (b, x) in bytes.chunks_exact(2).zip(row) {
                *x = f16::from_le_bytes([b[0], b[1]]).to_f32();
            }
        }
        Dtype::Bf16 => {
            for (b, x) in bytes.chunks_exact(2).zip(row) {
                *x = bf16::from_le_bytes([b[0], b[1]]).to_f32();
            }
        }
    }
}

/// Added to a float between −2²² and 2²², it leaves the nearest whole number in the low bits, of two equally near the even one.
pub(super) const TO_WHOLE: f32 = 12_582_912.0;

/// Rounds a row to signed bytes and returns the scale. The largest number becomes 127.
#[inline(always)]
fn eight_bits(row: &[f32], bytes: &mut [u8]) -> f32 {
    // Without their sign, floats are ordered as their bits are.
    let largest = f32::from_bits(row.iter().map(|x| x.to_bits() & (u32::MAX >> 1)).fold(0, u32::max));
    let scale = largest / 127.0;
    let inverse = if scale > 0.0 { 127.0 / largest } else { 0.0 };
    for (x, byte) in row.iter().zip(bytes) {
        *byte = (x * inverse + TO_WHOLE).to_bits() as u8;
    }
    scale
}

/// What the largest number of a group may become: the finer the steps, the more is cut off at the other end of the range, or of this one.
const CODES_OF_LARGEST: [f32; 9] = [-8.0, -7.5, -7.0, -6.5, -6.0, -5.5, -5.0, 7.0, 6.5];

/// Rounds a group to numbers from 0 to 15 and returns the scale, as a 16-bit float; 8 stands for zero. Of the scales that give the largest number one of
/// [`CODES_OF_LARGEST`] it is that with the smallest squared error.
#[inline(always)]
fn four_bits(group: &[f32], bytes: &mut [u8]) -> f16 {
    let largest = group.iter().fold(0.0_f32, |best, &x| if x.abs() > best.abs() { x } else { best });
    let mut best = (f32::INFINITY, f16::ZERO);
    if largest != 0.0 && largest.is_finite() {
        for code in CODES_OF_LARGEST {
            let scale = f16::from_f32(largest / code);
            let s = scale.to_f32();
            if s == 0.0 {
                continue;
            }
            let inverse = 1.0 / s;
            // Sums side by side, which the compiler can put into one register.
            let mut errors = [0.0; 8];
            for x in group.chunks_exact(errors.len()) {
                for (x, error) in x.iter().zip(&mut errors) {
                    let off = x - nearest_code(x * inverse) * s;
                    *error += off * off;
                }
            }
            let error = errors.iter().sum();
            if error < best.0 {
                best = (error, scale);
            }
        }
    }
    let scale = best.1;
    let inverse = if scale == f16::ZERO { 0.0 } else { 1.0 / scale.to_f32() };
    let code = |x: f32| (nearest_code(x * inverse) as i8 + BIAS_FOUR as i8) as u8;
    for (x, bytes) in group.chunks_exact(FOURS).zip(bytes.chunks_exact_mut(FOURS / 2)) {
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = code(x[i]) | code(x[i + FOURS / 2]) << 4;
        }
    }
    scale
}

#[inline(always)]
fn nearest_code(x: f32) -> f32 {
    // Not `clamp`, whose answer to a NaN costs a branch.
    let x = if x > -8.0 { x } else { -8.0 };
    let x = if x < 7.0 { x } else { 7.0 };
    (x + TO_WHOLE) - TO_WHOLE
}

/// What a line of a panel has of a stored row: four bytes in either format.
pub(super) const LINE_SHARE: usize = LINE / WIDTH;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_weight_of_a_row_is_exact_in_eight_bits() {
        let row = [0.5, -2.54, 1.0, 0.0];
        let mut bytes = [0; 4];
        let scale = eight_bits(&row, &mut bytes);
        let back = bytes.map(|b| f32::from(b as i8) * scale);
        for (x, back) in row.iter().zip(back) {
            assert!((x - back).abs() <= scale / 2.0, "{x} became {back}");
        }
        assert_eq!(bytes[1] as i8, -127);
    }

    #[test]
    fn a_row_of_zeros_stays_zero() {
        let mut bytes = [1; 16];
        assert_eq!(eight_bits(&[0.0; 16], &mut bytes), 0.0);
        assert_eq!(bytes, [0; 16]);
        assert_eq!(four_bits(&[0.0; GROUP], &mut bytes), f16::ZERO);
        assert_eq!(bytes, [0x88; 16]);
    }

    #[test]
    fn four_bits_are_never_further_off_than_half_a_coarse_step() {
        let group: Vec<f32> = (0..GROUP).map(|i| ((i * 37 + 11) % 64) as f32 / 32.0 - 1.0).collect();
        let mut bytes = [0; GROUP / 2];
        let scale = four_bits(&group, &mut bytes).to_f32();
        for (x, bytes) in group.chunks_exact(FOURS).zip(bytes.chunks_exact(FOURS / 2)) {
            let codes = bytes.iter().map(|b| b & 15).chain(bytes.iter().map(|b| b >> 4));
            for (x, code) in x.iter().zip(codes) {
                let back = (f32::from(code) - 8.0) * scale;
                assert!((x - back).abs() <= 0.15, "{x} became {back}");
            }
        }
    }
}
