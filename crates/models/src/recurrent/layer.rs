//! A recurrent layer: a cell with its weights, its state, and the two ways to run it: a step, and over whole sources.
//!
//! The products with the input wait for nothing, so over sources they are one product for all moments; what must go moment by moment
//! is the product with `h` and the cell itself.

use std::ops::Range;

use papo_kernels::{Compute, Numbers};

use super::time_major::TimeMajor;
use super::{Cell, elman, gru, lstm};
use crate::linear::Linear;

/// A cell with its weights.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) cell: Cell,
    /// `W`, `[gates · d_hidden, inputs]`.
    pub(crate) input: Linear,
    /// `U`, `[gates · d_hidden, d_hidden]`.
    pub(crate) hidden: Linear,
}

/// In which order a source's moments are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Backward,
}

/// What a layer carries from moment to moment, for each row.
#[derive(Debug, Default)]
pub(crate) struct LayerState {
    /// `[rows, d_hidden]`.
    pub(crate) h: Vec<f32>,
    /// `[rows, d_hidden]` where the cell is an LSTM, else empty.
    pub(crate) c: Vec<f32>,
    spare: Vec<f32>,
}

/// Gate sums before the cell.
#[derive(Debug, Default)]
pub(crate) struct GateBuffers {
    wx: Numbers,
    uh: Numbers,
}

impl GateBuffers {
    /// Makes room for the steps of `rows` rows of the widest of `layers`.
    pub(crate) fn reserve<'a>(&mut self, rows: usize, layers: impl Iterator<Item = &'a Layer>) {
        let width = layers.map(|layer| layer.input.weights.outputs()).max().unwrap_or(0);
        self.wx.at_least(rows * width);
        self.uh.at_least(rows * width);
    }
}

impl LayerState {
    /// Zeros for `rows` rows, with room for `most_rows`.
    pub(crate) fn zeros(layer: &Layer, rows: usize, most_rows: usize) -> Self {
        let width = layer.d_hidden();
        let zeros = |rows: usize| {
            let mut zeros = Vec::with_capacity(rows.max(most_rows) * width);
            zeros.resize(rows * width, 0.0);
            zeros
        };
        let c = if layer.cell == Cell::Lstm { zeros(rows) } else { Vec::new() };
        Self { h: zeros(rows), c, spare: zeros(0) }
    }

    /// Makes row `rows[r]` the new row `r`.
    pub(crate) fn select(&mut self, rows: &[usize], d_hidden: usize) {
        for values in [&mut self.h, &mut self.c] {
            if !values.is_empty() {
                select_rows(rows, d_hidden, values, &mut self.spare);
            }
        }
    }
}

/// Makes row `rows[r]` of `values`, `[…, width]`, the new row `r`.
pub(crate) fn select_rows(rows: &[usize], width: usize, values: &mut Vec<f32>, spare: &mut Vec<f32>) {
    spare.clear();
    rows.iter().for_each(|&row| spare.extend_from_slice(&values[row * width..][..width]));
    std::mem::swap(values, spare);
}

impl Layer {
    pub(crate) fn d_hidden(&self) -> usize {
        self.hidden.weights.inputs()
    }

    /// Feeds `x`, `[rows, inputs]`; the layer's output is the state's `h`.
    pub(crate) fn step(&self, compute: &Compute, x: &[f32], state: &mut LayerState, gates: &mut GateBuffers) {
        let rows = x.len() / self.input.weights.inputs();
        let wx = gates.wx.at_least(rows * self.input.weights.outputs()); // [rows, gates · d_hidden]
        self.input.apply(compute, x, wx);
        self.advance(compute, wx, rows, state, &mut gates.uh);
    }

    /// Feeds the moments of a run, `x` `[tokens, inputs]`, and writes each `h` to the columns `columns` of `y`, `[tokens, y_width]`.
    ///
    /// The state has a row for each line; lines that have ended, or not begun, keep theirs.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn read(
        &self,
        compute: &Compute,
        x: &[f32],
        time: &TimeMajor,
        run: Range<usize>,
        direction: Direction,
        state: &mut LayerState,
        gates: &mut GateBuffers,
        y: &mut [f32],
        columns: Range<usize>,
    ) {
        let d_hidden = self.d_hidden();
        let width = self.input.weights.outputs();
        let first = time.span(&run).start;
        let tokens = time.span(&run).len();
        let y_width = y.len() / tokens;
        let wx = gates.wx.at_least(tokens * width); // [tokens, gates · d_hidden]
        self.input.apply(compute, x, wx);
        let mut moment = |moment: usize| {
            let span = time.span(&(moment..moment + 1));
            let (start, rows) = (span.start - first, span.len());
            self.advance(compute, &mut wx[start * width..][..rows * width], rows, state, &mut gates.uh);
            let lines = y[start * y_width..].chunks_exact_mut(y_width);
            for (line, h) in lines.zip(state.h.chunks_exact(d_hidden)).take(rows) {
                line[columns.clone()].copy_from_slice(h);
            }
        };
        match direction {
            Direction::Forward => run.for_each(&mut moment),
            Direction::Backward => run.rev().for_each(&mut moment),
        }
    }

    /// Brings the first `rows` rows of the state a step further.
    fn advance(
        &self,
        compute: &Compute,
        wx: &mut [f32],
        rows: usize,
        state: &mut LayerState,
        uh: &mut Numbers,
    ) {
        let d_hidden = self.d_hidden();
        let h = &mut state.h[..rows * d_hidden];
        let uh = uh.at_least(wx.len());
        self.hidden.apply(compute, h, uh); // [rows, gates · d_hidden]
        match self.cell {
            Cell::Elman => elman::advance(compute, wx, uh, h),
            Cell::Lstm => lstm::advance(compute, d_hidden, wx, uh, h, &mut state.c[..rows * d_hidden]),
            Cell::Gru => gru::advance(compute, d_hidden, wx, uh, h),
        }
    }

    /// Bytes that a step reads.
    pub(crate) fn bytes(&self) -> usize {
        self.input.bytes() + self.hidden.bytes()
    }
}
