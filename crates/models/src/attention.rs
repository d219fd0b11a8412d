//! Attention as the networks use it: over a whole source, step by step, and across to what was encoded.
//!
//! Self- and cross-attention are different types because they do different things: the first appends to a
//! cache and knows positions, the second projects what was encoded once and reads it at every step. The
//! arithmetic itself is [`Compute::attend`] and [`Compute::attend_cached`].

use papo_kernels::{Bias, Compute, Format, Group, Heads, Keep, KeyValues, Numbers, StepCache, Strided};

use crate::linear::Linear;
use crate::sources::Sources;
use crate::state::History;
use crate::taps::{Recorder, TapName};

/// Scratch memory of attention.
#[derive(Debug, Default)]
pub(crate) struct AttentionBuffers {
    projected: Numbers,
    attended: Numbers,
}

impl AttentionBuffers {
    /// Makes them fit `rows` rows of heads that are `width` wide together.
    pub(crate) fn reserve(&mut self, rows: usize, width: usize) {
        self.projected.at_least(rows * 3 * width);
        self.attended.at_least(rows * width);
    }
}

/// Attention of a sequence to itself.
#[derive(Debug)]
pub(crate) struct SelfAttention {
    /// `[query | key | value]`, each as wide as the heads together.
    pub(crate) query_key_value: Linear,
    pub(crate) output: Linear,
    pub(crate) heads: Heads,
    pub(crate) scale: f32,
}

impl SelfAttention {
    /// Whole sources, every token seeing every other of its source: `x` and `y` are `[tokens, d_model]`.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn over_sources<R: Recorder>(
        &self,
        compute: &Compute,
        x: &[f32],
        sources: &Sources,
        bias: Option<Bias<'_>>,
        memory: &mut KeyValues,
        buffers: &mut AttentionBuffers,
        y: &mut [f32],
        (name, recorder): (TapName, &mut R),
    ) {
        let (tokens, width) = (sources.tokens.len(), self.heads.width());
        let projected = buffers.projected.at_least(tokens * 3 * width);
        self.query_key_value.apply(compute, x, projected); // [tokens, query | key | value]
        let part = |index: usize| Strided { data: &projected[index * width..], stride: 3 * width };
        compute.pack_key_values(part(1), part(2), &sources.lengths, &sources.masked, self.heads, memory);

        let mut weights = weights_buffer::<R>(self.heads, &sources.groups, memory);
        let attended = buffers.attended.at_least(tokens * width); // [tokens, heads · d_head]
        compute.attend(part(0), &sources.groups, memory, self.scale, bias, attended, weights.as_deref_mut());
        record_weights(self.heads, &sources.groups, memory, weights.as_deref(), name, recorder);
        self.output.apply(compute, attended, y); // [tokens, d_model]
    }

    /// One token a row, which sees itself and what its row has cached: `x` and `y` are `[rows, d_model]`.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn step<R: Recorder>(
        &self,
        compute: &Compute,
        x: &[f32],
        history: &History,
        cache: &mut StepCache,
        bias: Option<Bias<'_>>,
        buffers: &mut AttentionBuffers,
        y: &mut [f32],
        (name, recorder): (TapName, &mut R),
    ) {
        let width = self.heads.width();
        let rows = x.len() / self.query_key_value.weights.inputs();
        let projected = buffers.projected.at_least(rows * 3 * width);
        self.query_key_value.apply(compute, x, projected); // [rows, query | key | value]
        let part = |index: usize| Strided { data: &projected[index * width..], stride: 3 * width };
        compute.append(part(1), part(2), rows, cache);

        let len = history.len();
        let mut weights = R::ACTIVE.then(|| vec![0.0; rows * self.heads.count * len]);
        let attended = buffers.attended.at_least(rows * width); // [rows, heads · d_head]
        compute.attend_cached(
            part(0),
            history.of(cache),
            self.heads,
            self.scale,
            bias,
            attended,
            weights.as_deref_mut(),
        );
        if let Some(weights) = &weights {
            recorder.record(name, &[rows, self.heads.count, len], weights);
        }
        self.output.apply(compute, attended, y); // [rows, d_model]
    }

    pub(crate) fn bytes(&self) -> usize {
        self.query_key_value.bytes() + self.output.bytes()
    }
}

/// Attention of the decoder to what was encoded.
#[derive(Debug)]
pub(crate) struct CrossAttention {
    pub(crate) query: Linear,
    /// `[key | value]`, each as wide as the heads together.
    pub(crate) key_value: Linear,
    pub(crate) output: Linear,
    pub(crate) heads: Heads,
    pub(crate) scale: f32,
}

impl CrossAttention {
    /// How keys and values are kept: beside weights that are rounded to eight bits or fewer, exact ones would cost as much as the weights.
    pub(crate) fn keep(&self) -> Keep {
        match self.key_value.weights.format() {
            Format::Floats(_) => Keep::Exact,
            Format::Quantized(_) => Keep::Rounded,
        }
    }

    /// Keys and values of what was encoded, `[tokens, d_model]`: computed once, read at every step by all rows of a source.
    pub(crate) fn project(
        &self,
        compute: &Compute,
        encoded: &[f32],
        sources: &Sources,
        buffer: &mut Numbers,
        memory: &mut KeyValues,
    ) {
        let width = self.heads.width();
        let projected = buffer.at_least(sources.tokens.len() * 2 * width);
        self.key_value.apply(compute, encoded, projected); // [tokens, key | value]
        let part = |index: usize| Strided { data: &projected[index * width..], stride: 2 * width };
        compute.pack_key_values(part(0), part(1), &sources.lengths, &sources.masked, self.heads, memory);
    }

    /// One token a row; `groups` say which rows read which source: `x` and `y` are `[rows, d_model]`.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn attend<R: Recorder>(
        &self,
        compute: &Compute,
        x: &[f32],
        groups: &[Group],
        memory: &KeyValues,
        buffers: &mut AttentionBuffers,
        y: &mut [f32],
        (name, recorder): (TapName, &mut R),
    ) {
        let width = self.heads.width();
        let rows = x.len() / self.query.weights.inputs();
        let queries = buffers.projected.at_least(rows * width);
        self.query.apply(compute, x, queries); // [rows, heads · d_head]
        let queries = Strided { data: queries, stride: width };

        let mut weights = weights_buffer::<R>(self.heads, groups, memory);
        let attended = buffers.attended.at_least(rows * width); // [rows, heads · d_head]
        compute.attend(queries, groups, memory, self.scale, None, attended, weights.as_deref_mut());
        record_weights(self.heads, groups, memory, weights.as_deref(), name, recorder);
        self.output.apply(compute, attended, y); // [rows, d_model]
    }

    /// Bytes that a step reads: what was projected once is not among them.
    pub(crate) fn bytes_per_step(&self) -> usize {
        self.query.bytes() + self.output.bytes()
    }
}

/// Room for the softmax of all groups, where somebody listens.
fn weights_buffer<R: Recorder>(heads: Heads, groups: &[Group], memory: &KeyValues) -> Option<Vec<f32>> {
    let len = |group: &Group| heads.count * group.rows * memory.source_len(group.source);
    R::ACTIVE.then(|| vec![0.0; groups.iter().map(len).sum()])
}

/// Records the softmax group by group, `[heads, rows, tokens]`.
fn record_weights<R: Recorder>(
    heads: Heads,
    groups: &[Group],
    memory: &KeyValues,
    weights: Option<&[f32]>,
    name: TapName,
    recorder: &mut R,
) {
    let Some(mut rest) = weights else { return };
    for group in groups {
        let shape = [heads.count, group.rows, memory.source_len(group.source)];
        let (weights, after) = rest.split_at(shape.iter().product());
        recorder.record(name, &shape, weights);
        rest = after;
    }
}
