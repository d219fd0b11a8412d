//! The decoder: a token a row in, the vector that the head reads out.
//!
//! ```text
//! y = embedding(last tokens)                          [rows, d_embedding]
//! context c: the summary (Cho et al. 2014), or attended before the step (Bahdanau), or after it (Luong)
//! s = cells([y ; c])      Luong: s = cells([y ; h̃])   [rows, d_hidden]
//! t = tanh(W_o [s ; c ; y] + b)                       [rows, d_embedding]
//! Luong:  t = h̃ = tanh(W_c [c ; s] + b)               [rows, d_hidden], fed to the next step
//! ```
//!
//! It begins at `s_0 = tanh(W_s [→h_T ; ←h_1] + b)` in each layer, the bridge; an LSTM's memory crosses over without the tanh.

use papo_generate::TokenId;
use papo_kernels::{Activation, Compute, Numbers, PackedMatrix};

use super::attention::{Attention, LookBuffers, Memory};
use super::encoder::{FinalStates, side_by_side};
use super::language_model::embed;
use super::layer::{GateBuffers, Layer, LayerState, select_rows};
use crate::linear::Linear;
use crate::taps::{Place, Recorder, Side, TapName};

/// The stack that writes targets.
#[derive(Debug)]
pub(super) struct Decoder {
    pub(super) layers: Vec<Layer>,
    /// One for each layer.
    pub(super) bridges: Vec<Bridge>,
    pub(super) attention: Attention,
    /// `W_o` or `W_c`.
    pub(super) readout: Linear,
}

/// From the encoder's final states to a layer's first.
#[derive(Debug)]
pub(super) struct Bridge {
    /// `[d_hidden, 2 · d_hidden]`.
    pub(super) h: Linear,
    /// `[d_hidden, 2 · d_hidden]`, where the cell is an LSTM.
    pub(super) c: Option<Linear>,
}

/// A batch in the middle of being decoded by a [`RecurrentSeq2Seq`](crate::RecurrentSeq2Seq).
#[derive(Debug)]
pub struct Seq2SeqState {
    /// The source of each row.
    source_of_row: Vec<usize>,
    spare_sources: Vec<usize>,
    layers: Vec<LayerState>,
    /// Luong's `h̃` of the step before, `[rows, d_hidden]`; else empty.
    fed: Vec<f32>,
    spare: Vec<f32>,
    memory: Memory,
    scratch: Scratch,
}

/// Buffers of one step.
#[derive(Debug, Default)]
struct Scratch {
    y: Numbers,
    x: Numbers,
    context: Numbers,
    joined: Numbers,
    t: Numbers,
    look: LookBuffers,
    gates: GateBuffers,
}

impl Seq2SeqState {
    /// Rows alive.
    pub fn rows(&self) -> usize {
        self.source_of_row.len()
    }

    /// Makes row `rows[r]` the new row `r`.
    pub(super) fn select(&mut self, rows: &[usize], d_hidden: usize) {
        self.spare_sources.clear();
        self.spare_sources.extend(rows.iter().map(|&row| self.source_of_row[row]));
        std::mem::swap(&mut self.source_of_row, &mut self.spare_sources);
        self.layers.iter_mut().for_each(|layer| layer.select(rows, d_hidden));
        if !self.fed.is_empty() {
            select_rows(rows, d_hidden, &mut self.fed, &mut self.spare);
        }
    }
}

impl Decoder {
    /// One row for each source, nothing decoded, with room for `rows` rows.
    pub(super) fn begin(
        &self,
        compute: &Compute,
        finals: &[FinalStates],
        memory: Memory,
        sources: usize,
        rows: usize,
        d_embedding: usize,
    ) -> Seq2SeqState {
        let layers = self.layers.iter().zip(&self.bridges).zip(finals).map(|((layer, bridge), finals)| {
            let mut state = LayerState::zeros(layer, sources, rows);
            bridge.h.apply(compute, &finals.h, &mut state.h);
            compute.activate(Activation::Tanh, &mut state.h);
            if let Some(linear) = &bridge.c {
                linear.apply(compute, &finals.c, &mut state.c);
            }
            state
        });
        let mut source_of_row = Vec::with_capacity(rows);
        source_of_row.extend(0..sources);
        let (mut fed, mut spare) = (Vec::new(), Vec::new());
        if matches!(self.attention, Attention::Luong { .. }) {
            fed.reserve_exact(rows * self.readout.weights.outputs());
            spare.reserve_exact(rows * self.readout.weights.outputs());
            fed.resize(sources * self.readout.weights.outputs(), 0.0);
        }
        let mut scratch = Scratch::default();
        scratch.y.at_least(rows * d_embedding);
        scratch.x.at_least(rows * self.layers.first().map_or(0, |layer| layer.input.weights.inputs()));
        scratch.context.at_least(rows * memory.d_value());
        scratch.joined.at_least(rows * self.readout.weights.inputs());
        scratch.t.at_least(rows * self.readout.weights.outputs());
        scratch.gates.reserve(rows, self.layers.iter());
        self.attention.reserve(rows, &memory, &mut scratch.look);
        Seq2SeqState {
            source_of_row,
            spare_sources: Vec::with_capacity(rows),
            layers: layers.collect(),
            fed,
            spare,
            memory,
            scratch,
        }
    }

    /// Appends token `last[r]` to each row `r`; the result, what the head reads, lies in the state.
    pub(super) fn step<'s, R: Recorder>(
        &self,
        compute: &Compute,
        embedding: &PackedMatrix,
        state: &'s mut Seq2SeqState,
        last: &[TokenId],
        recorder: &mut R,
    ) -> &'s [f32] {
        let Seq2SeqState { source_of_row: sources, layers, fed, memory, scratch, .. } = state;
        let Scratch { y, x, context, joined, t, look, gates } = scratch;
        let (rows, d_embedding, d_value) = (last.len(), embedding.inputs(), memory.d_value());
        let luong = matches!(self.attention, Attention::Luong { .. });

        let y = y.at_least(rows * d_embedding); // [rows, d_embedding]
        embed(embedding, last, y);
        let context = context.at_least(rows * d_value); // [rows, 2 · d_hidden]
        let joined = joined.at_least(rows * self.readout.weights.inputs());
        let t = t.at_least(rows * self.readout.weights.outputs());
        let d_hidden = self.layers.last().map_or(0, Layer::d_hidden);

        if luong {
            let x = x.at_least(rows * (d_embedding + d_hidden));
            side_by_side(&[(y, d_embedding), (fed, d_hidden)], x); // [y ; h̃]
            let s = self.feed(compute, x, layers, gates, recorder); // [rows, d_hidden]
            self.attention.look(compute, s, sources, memory, look, context, recorder);
            side_by_side(&[(context, d_value), (s, d_hidden)], joined); // [c ; s]
        } else {
            let before = layers.last().map_or(&[][..], |top| &top.h); // [rows, d_hidden]
            self.attention.look(compute, before, sources, memory, look, context, recorder);
            let x = x.at_least(rows * (d_embedding + d_value));
            side_by_side(&[(y, d_embedding), (context, d_value)], x); // [y ; c]
            let s = self.feed(compute, x, layers, gates, recorder); // [rows, d_hidden]
            side_by_side(&[(s, d_hidden), (context, d_value), (y, d_embedding)], joined); // [s ; c ; y]
        }
        self.readout.apply(compute, joined, t);
        compute.activate(Activation::Tanh, t);
        if luong {
            fed.copy_from_slice(t);
        }
        t
    }

    /// Feeds `x` to the layers and returns the last one's `h`.
    fn feed<'l, R: Recorder>(
        &self,
        compute: &Compute,
        x: &'l [f32],
        layers: &'l mut [LayerState],
        gates: &mut GateBuffers,
        recorder: &mut R,
    ) -> &'l [f32] {
        let mut x = x;
        for (k, (layer, carried)) in self.layers.iter().zip(layers).enumerate() {
            layer.step(compute, x, carried, gates);
            x = &carried.h;
            let shape = [x.len() / layer.d_hidden(), layer.d_hidden()];
            recorder.record(TapName::of_block(Side::Decoder, k, Place::Hidden), &shape, x);
        }
        x
    }

    /// Bytes of all weights that a step reads.
    pub(super) fn bytes_per_step(&self) -> usize {
        let layers = self.layers.iter().map(Layer::bytes).sum::<usize>();
        layers + self.attention.bytes_per_step() + self.readout.bytes()
    }
}
