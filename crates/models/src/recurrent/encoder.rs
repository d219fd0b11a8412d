//! The encoder: reads sources in both directions (Schuster and Paliwal, "Bidirectional Recurrent Neural Networks", 1997).
//!
//! ```text
//! x = embedding(tokens)                                         [tokens, d_embedding]
//! for each layer:  →h_j = cell(x_j, →h_{j-1})   ←h_j = cell(x_j, ←h_{j+1})
//!                  x_j = [→h_j ; ←h_j]                          [tokens, 2 · d_hidden]
//! ```
//!
//! What the decoder gets of it: the last layer's vectors, and each layer's final states `[→h_T ; ←h_1]`.

use papo_kernels::{Compute, PackedMatrix};

use super::language_model::{TOKENS_AT_ONCE, embed};
use super::layer::{Direction, GateBuffers, Layer, LayerState};
use super::time_major::TimeMajor;
use crate::taps::{Place, Recorder, Side, TapName};

/// The stack that reads sources.
#[derive(Debug)]
pub(super) struct Encoder {
    pub(super) layers: Vec<BothWays>,
}

/// A layer of two cells, which do not know of each other.
#[derive(Debug)]
pub(super) struct BothWays {
    pub(super) forward: Layer,
    pub(super) backward: Layer,
}

/// What has been read.
#[derive(Debug)]
pub(super) struct Encoded {
    /// The vectors of the last layer, one source after another, `[tokens, 2 · d_hidden]`.
    pub(super) vectors: Vec<f32>,
    /// The final states of each layer.
    pub(super) finals: Vec<FinalStates>,
}

/// Both directions' states at the ends of the sources, side by side.
#[derive(Debug)]
pub(super) struct FinalStates {
    /// `[sources, 2 · d_hidden]`.
    pub(super) h: Vec<f32>,
    /// `[sources, 2 · d_hidden]` where the cell is an LSTM, else empty.
    pub(super) c: Vec<f32>,
}

impl Encoder {
    /// Reads all sources at once.
    pub(super) fn encode<R: Recorder>(
        &self,
        compute: &Compute,
        embedding: &PackedMatrix,
        time: &TimeMajor,
        recorder: &mut R,
    ) -> Encoded {
        let tokens = time.tokens.len();
        let mut gates = GateBuffers::default();
        let mut finals = Vec::with_capacity(self.layers.len());
        let mut x = vec![0.0; tokens * embedding.inputs()]; // [tokens, d_embedding]
        embed(embedding, &time.tokens, &mut x);
        for (k, layer) in self.layers.iter().enumerate() {
            let width = 2 * layer.forward.d_hidden();
            let mut y = vec![0.0; tokens * width]; // [tokens, 2 · d_hidden]
            finals.push(layer.read(compute, &x, time, &mut gates, &mut y));
            if R::ACTIVE {
                let name = TapName::of_block(Side::Encoder, k, Place::Hidden);
                recorder.record(name, &[tokens, width], &time.to_sources(&y, width));
            }
            x = y;
        }
        let width = x.len() / tokens;
        Encoded { vectors: time.to_sources(&x, width), finals }
    }
}

impl BothWays {
    /// Reads `x`, `[tokens, inputs]`, in both directions and writes `y`, `[tokens, 2 · d_hidden]`.
    fn read(
        &self,
        compute: &Compute,
        x: &[f32],
        time: &TimeMajor,
        gates: &mut GateBuffers,
        y: &mut [f32],
    ) -> FinalStates {
        let (inputs, d_hidden) = (self.forward.input.weights.inputs(), self.forward.d_hidden());
        let sources = time.sources();
        let runs: Vec<_> = time.runs(TOKENS_AT_ONCE).collect();
        let mut read = |layer: &Layer, direction| {
            let mut state = LayerState::zeros(layer, sources, sources);
            let first = if direction == Direction::Forward { 0 } else { d_hidden };
            for at in 0..runs.len() {
                let run = match direction {
                    Direction::Forward => runs[at].clone(),
                    Direction::Backward => runs[runs.len() - 1 - at].clone(),
                };
                let span = time.span(&run);
                let x = &x[span.start * inputs..span.end * inputs];
                let y = &mut y[span.start * 2 * d_hidden..span.end * 2 * d_hidden];
                let columns = first..first + d_hidden;
                layer.read(compute, x, time, run, direction, &mut state, gates, y, columns);
            }
            state.select(time.line_of_source(), d_hidden);
            state
        };
        let (forward, backward) =
            (read(&self.forward, Direction::Forward), read(&self.backward, Direction::Backward));
        let joined = |forward: &[f32], backward: &[f32]| {
            let mut joined = vec![0.0; forward.len() + backward.len()];
            side_by_side(&[(forward, d_hidden), (backward, d_hidden)], &mut joined);
            joined
        };
        FinalStates { h: joined(&forward.h, &backward.h), c: joined(&forward.c, &backward.c) }
    }
}

/// Writes matrices, each given with its width, side by side to `y`.
pub(super) fn side_by_side(parts: &[(&[f32], usize)], y: &mut [f32]) {
    let width: usize = parts.iter().map(|(_, width)| width).sum();
    for (row, y) in y.chunks_exact_mut(width).enumerate() {
        let mut rest = y;
        for (part, width) in parts {
            let (here, behind) = rest.split_at_mut(*width);
            here.copy_from_slice(&part[row * width..][..*width]);
            rest = behind;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::side_by_side;

    #[test]
    fn rows_are_joined_part_by_part() {
        let mut y = [0.0; 6];
        side_by_side(&[(&[1.0, 2.0], 1), (&[3.0, 4.0, 5.0, 6.0], 2)], &mut y);
        assert_eq!(y, [1.0, 3.0, 4.0, 2.0, 5.0, 6.0]);
    }
}
