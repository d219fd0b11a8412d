//! How a recurrent decoder looks back at the source; `h_j` are the encoder's vectors, `s_t` the decoder's last layer.
//!
//! Bahdanau, Cho and Bengio, "Neural Machine Translation by Jointly Learning to Align and Translate", 2015:
//!
//! ```text
//! e_tj = v · tanh(W_a s_{t-1} + U_a h_j)      a_t = softmax(e_t)      c_t = Σ_j a_tj h_j
//! ```
//!
//! Luong, Pham and Manning, "Effective Approaches to Attention-based Neural Machine Translation", 2015, the "general" score:
//!
//! ```text
//! e_tj = s_t · W_a h_j                        a_t = softmax(e_t)      c_t = Σ_j a_tj h_j
//! ```
//!
//! `U_a h_j` and `W_a h_j` do not change from step to step: they are computed once for all sources, and all rows of a source share them.

use papo_kernels::{Alignment, Compute, Numbers, PackedMatrix, SourceVectors};

use super::encoder::FinalStates;
use crate::taps::{Place, Recorder, Side, TapName};

/// Where the context comes from.
#[derive(Debug)]
pub(super) enum Attention {
    /// No look back: the context is the source's summary, `[→h_T ; ←h_1]` of the last layer.
    Summary,
    /// Attended with the state before the step.
    Bahdanau {
        /// `W_a`, `[d_attention, d_hidden]`.
        query: PackedMatrix,
        /// `U_a`, `[d_attention, 2 · d_hidden]`.
        key: PackedMatrix,
        /// `[d_attention]`.
        v: Vec<f32>,
    },
    /// Attended with the state after the step.
    Luong {
        /// `W_a`, `[d_hidden, 2 · d_hidden]`.
        key: PackedMatrix,
    },
}

/// What is kept of the sources while they are decoded.
#[derive(Debug)]
pub(super) struct Memory {
    /// `U_a h_j` or `W_a h_j`, `[tokens, d_key]`; empty without attention.
    keys: Vec<f32>,
    /// `h_j`, `[tokens, 2 · d_hidden]`; without attention the summaries, `[sources, 2 · d_hidden]`.
    values: Vec<f32>,
    d_value: usize,
    /// The first token of each source, and the end of the last.
    starts: Vec<usize>,
    longest: usize,
}

/// Scratch memory of a look back.
#[derive(Debug, Default)]
pub(super) struct LookBuffers {
    query: Numbers,
    weights: Numbers,
}

impl Attention {
    /// Keeps what was read of sources of these lengths: the last layer's vectors, `[tokens, 2 · d_hidden]`, and the final states.
    pub(super) fn remember(
        &self,
        compute: &Compute,
        vectors: Vec<f32>,
        finals: &[FinalStates],
        lengths: &[usize],
    ) -> Memory {
        let mut starts = vec![0];
        starts.extend(lengths.iter().scan(0, |end, &length| {
            *end += length;
            Some(*end)
        }));
        let tokens: usize = lengths.iter().sum();
        let d_value = vectors.len() / tokens;
        let (keys, values) = match self {
            Attention::Summary => (Vec::new(), finals.last().map(|last| last.h.clone()).unwrap_or_default()),
            Attention::Bahdanau { key, .. } | Attention::Luong { key } => {
                let mut keys = vec![0.0; tokens * key.outputs()]; // [tokens, d_key]
                compute.linear(&vectors, key, None, &mut keys);
                (keys, vectors)
            }
        };
        Memory { keys, values, d_value, starts, longest: lengths.iter().copied().max().unwrap_or(0) }
    }

    /// Makes room for looks of `rows` rows.
    pub(super) fn reserve(&self, rows: usize, memory: &Memory, buffers: &mut LookBuffers) {
        match self {
            Attention::Summary => {}
            Attention::Bahdanau { query, .. } => {
                buffers.query.at_least(rows * query.outputs());
                buffers.weights.at_least(rows * memory.longest);
            }
            Attention::Luong { .. } => {
                buffers.weights.at_least(rows * memory.longest);
            }
        }
    }

    /// The context of each row, `[rows, 2 · d_hidden]`, from the decoder's state `s`, `[rows, d_hidden]`.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn look<R: Recorder>(
        &self,
        compute: &Compute,
        s: &[f32],
        sources: &[usize],
        memory: &Memory,
        buffers: &mut LookBuffers,
        context: &mut [f32],
        recorder: &mut R,
    ) {
        let rows = sources.len();
        let (alignment, query) = match self {
            Attention::Summary => {
                for (&source, context) in sources.iter().zip(context.chunks_exact_mut(memory.d_value)) {
                    context.copy_from_slice(&memory.values[source * memory.d_value..][..memory.d_value]);
                }
                return;
            }
            Attention::Bahdanau { query: w_a, v, .. } => {
                let query = buffers.query.at_least(rows * w_a.outputs()); // [rows, d_attention]
                compute.linear(s, w_a, None, query);
                (Alignment::Additive { v }, &*query)
            }
            Attention::Luong { .. } => (Alignment::Dot, s),
        };
        let stride = memory.longest;
        let weights = buffers.weights.at_least(rows * stride);
        let vectors = SourceVectors {
            keys: &memory.keys,
            d_key: query.len() / rows.max(1),
            values: &memory.values,
            d_value: memory.d_value,
            starts: &memory.starts,
        };
        if rows > 0 {
            compute.align(alignment, query, sources, vectors, weights, stride, context);
        }
        if R::ACTIVE {
            memory.record_weights(sources, weights, recorder);
        }
        let name = TapName::of_stack(Side::Decoder, Place::AttentionContext);
        recorder.record(name, &[rows, memory.d_value], context);
    }

    /// Bytes of the weights that a step reads.
    pub(super) fn bytes_per_step(&self) -> usize {
        match self {
            Attention::Summary | Attention::Luong { .. } => 0,
            Attention::Bahdanau { query, v, .. } => query.bytes() + size_of_val(v.as_slice()),
        }
    }
}

impl Memory {
    /// Width of a context.
    pub(super) fn d_value(&self) -> usize {
        self.d_value
    }

    /// Records the weights once for each group of rows that share a source.
    fn record_weights<R: Recorder>(&self, sources: &[usize], weights: &[f32], recorder: &mut R) {
        let mut lines = weights.chunks_exact(self.longest.max(1));
        for group in sources.chunk_by(|a, b| a == b) {
            let tokens = self.starts[group[0] + 1] - self.starts[group[0]];
            let weights: Vec<f32> =
                lines.by_ref().take(group.len()).flat_map(|line| &line[..tokens]).copied().collect();
            let name = TapName::of_stack(Side::Decoder, Place::AttentionWeights);
            recorder.record(name, &[group.len(), tokens], &weights);
        }
    }
}
