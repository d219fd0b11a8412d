//! Matrices of eight-bit and four-bit weights, and their products with activations that are rounded to eight bits on the fly.
//!
//! **Numbers.** A weight of eight bits is `q · s`, q in −127 … 127, with one scale s for each output. A weight of four bits is `(q − 8) · s`, q in 0 … 15, with
//! a scale for each [`GROUP`] inputs of an output. An activation is `q · t`, q in −127 … 127, with a scale t for each [`DEPTH`] inputs of a row. Sums over a
//! group are whole numbers and exact; only the scaling rounds, always in the same order, so that a row's result is the same to the last bit alone, in
//! a batch, and on any number of threads.
//!
//! ```text
//! y[r][o] = start[r][o] + Σ_d t[r][d] · s[o] · Σ_{k in d} x[r][k] · w[o][k]                          eight bits
//! y[r][o] = start[r][o] + Σ_d t[r][d] · Σ_{g in d} s[o][g] · Σ_{k in g} x[r][k] · w[o][k]            four bits
//! ```
//!
//! `rows.rs` rounds weights, `pack.rs` puts them into panels, `activations.rs` rounds activations, `tile.rs` multiplies, and `linear.rs` shares the work out.

mod activations;
mod linear;
mod pack;
mod rows;
mod tile;

pub(crate) use linear::linear;
pub(crate) use pack::pack;
pub(crate) use rows::quantize;
pub use rows::{Precision, QuantizedRows, QuantizedView};
pub(crate) use tile::QuantizedTiles;

use half::f16;

use crate::memory::Block;
use crate::simd::dots::{BIAS_EIGHT, BIAS_FOUR};

/// Outputs in a panel, at every level.
const WIDTH: usize = 16;
/// Inputs that share a scale of four-bit weights.
pub(crate) const GROUP: usize = 32;
/// Inputs that share a scale of activations: a whole number of groups.
const DEPTH: usize = 256;
/// Inputs of a line of eight-bit weights: four bytes for each output of a panel.
const EIGHTS: usize = 4;
/// Inputs of a line of four-bit weights.
const FOURS: usize = 8;
/// Bytes of a line of weights.
const LINE: usize = 64;

/// A quantised matrix in the order in which the kernels read it, which is the same for all of them.
///
/// ```text
/// panel of 16 outputs, eight bits               panel of 16 outputs, four bits
///   line of inputs 0 … 3:   o0 o0 o0 o0 o1 …      for each 256 inputs:
///   line of inputs 4 … 7                            scales of their groups, f16: o0 … o15 o0 … o15 …
///   …                                               line of inputs 0 … 7:  o0 o0 o0 o0 o1 …  (low halves 0 … 3, high halves 4 … 7)
///   scales, f32:            o0 o1 … o15             …
/// ```
///
/// A panel is read from its beginning to its end.
#[derive(Debug)]
pub(crate) struct QuantizedMatrix {
    outputs: usize,
    inputs: usize,
    precision: Precision,
    block: Block,
}

impl QuantizedMatrix {
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    pub fn inputs(&self) -> usize {
        self.inputs
    }

    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Bytes that a product reads from memory.
    pub fn bytes(&self) -> usize {
        self.outputs.div_ceil(WIDTH) * self.panel_bytes()
    }

    /// Inputs with those that fill up the last line or group.
    fn depth(&self) -> usize {
        self.precision.depth(self.inputs)
    }

    /// Bytes from a panel's beginning to input `depth`: a multiple of [`DEPTH`], or the end of what is read line by line.
    fn offset(&self, depth: usize) -> usize {
        match self.precision {
            Precision::Int8 => depth / EIGHTS * LINE,
            Precision::Int4 => depth / DEPTH * FOUR_BIT_BLOCK + four_bit_block(depth % DEPTH),
        }
    }

    /// Bytes from one panel to the next: whole cache lines.
    fn panel_bytes(&self) -> usize {
        let scales = match self.precision {
            Precision::Int8 => WIDTH * size_of::<f32>(),
            Precision::Int4 => 0,
        };
        self.offset(self.depth()) + scales
    }

    /// Copies row `output` to `row`, `[inputs]`, as floats.
    pub fn read_row(&self, output: usize, row: &mut [f32]) {
        let lane = output % WIDTH;
        // SAFETY: `pack` initialised `panel_bytes` bytes for every panel, and `output` lies in one.
        let panel = unsafe {
            let start = self.block.start().add(output / WIDTH * self.panel_bytes());
            std::slice::from_raw_parts(start, self.panel_bytes())
        };
        match self.precision {
            Precision::Int8 => {
                let (lines, scales) = panel.split_at(self.offset(self.depth()));
                let at = lane * size_of::<f32>();
                let scale = f32::from_ne_bytes([scales[at], scales[at + 1], scales[at + 2], scales[at + 3]]);
                for (line, x) in lines.chunks_exact(LINE).zip(row.chunks_mut(EIGHTS)) {
                    for (x, &q) in x.iter_mut().zip(&line[EIGHTS * lane..]) {
                        *x = (f32::from(q) - f32::from(BIAS_EIGHT)) * scale;
                    }
                }
            }
            Precision::Int4 => {
                for (block, row) in panel.chunks(FOUR_BIT_BLOCK).zip(row.chunks_mut(DEPTH)) {
                    let (scales, lines) = block.split_at(scale_bytes(row.len()));
                    let groups = lines
                        .chunks_exact(GROUP / FOURS * LINE)
                        .zip(scales.chunks_exact(WIDTH * size_of::<f16>()));
                    for ((lines, scales), row) in groups.zip(row.chunks_mut(GROUP)) {
                        let at = lane * size_of::<f16>();
                        let scale = f16::from_ne_bytes([scales[at], scales[at + 1]]).to_f32();
                        for (line, x) in lines.chunks_exact(LINE).zip(row.chunks_mut(FOURS)) {
                            let bytes = &line[FOURS / 2 * lane..][..FOURS / 2];
                            let halves = bytes.iter().map(|b| b & 15).chain(bytes.iter().map(|b| b >> 4));
                            for (x, q) in x.iter_mut().zip(halves) {
                                *x = (f32::from(q) - f32::from(BIAS_FOUR)) * scale;
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Bytes of the scales of so many inputs of a panel of four-bit weights, at most [`DEPTH`]: whole cache lines.
const fn scale_bytes(inputs: usize) -> usize {
    (inputs.div_ceil(GROUP) * WIDTH * size_of::<f16>()).next_multiple_of(LINE)
}

/// Bytes of so many inputs of a panel of four-bit weights, at most [`DEPTH`].
const fn four_bit_block(inputs: usize) -> usize {
    scale_bytes(inputs) + inputs.div_ceil(GROUP) * (GROUP / FOURS) * LINE
}

/// Bytes of [`DEPTH`] inputs of a panel of four-bit weights.
const FOUR_BIT_BLOCK: usize = four_bit_block(DEPTH);
