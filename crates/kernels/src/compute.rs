//! The entry to all arithmetic: kernels and threads together.
//!
//! Every method checks that the lengths fit together (a caller's error, which panics with the shapes), decides whether the work is worth
//! sharing, and hands it to the kernels. Next to read: `matrix/linear.rs` and `attention/sources.rs`.

use std::num::NonZeroUsize;

use crate::attention::align::AlignJob;
use crate::attention::{
    self, Alignment, Bias, CachedSteps, Group, Heads, KeyValues, SourceVectors, StepCache, Strided,
};
use crate::matrix::Packed;
use crate::memory::Shared;
use crate::pool::Pool;
use crate::{
    Activation, Dtype, Factor, Kernels, Onto, PackedMatrix, Precision, QuantizedRows, QuantizedView,
    WeightView, matrix, quantized,
};

/// Numbers that are worth a task of their own where each costs an addition or two.
const CHEAP_TASK: usize = 32 << 10;
/// Numbers that are worth a task of their own where each costs an exponential.
const DEAR_TASK: usize = 8 << 10;

/// Kernels of one instruction set on a number of threads.
///
/// Immutable and shared: every method takes `&self`, writes only to the buffers that it is given, and
/// may be called from any number of threads. The pool serves one call at a time; one that finds it busy runs on its own
/// thread alone, with the same result to the last bit. Lengths that do not fit together are a caller's error and panic with the shapes.
///
/// No method allocates once its buffers, which are kept by thread, have grown to the largest shapes in use.
#[derive(Debug)]
pub struct Compute {
    kernels: &'static Kernels,
    pool: Pool,
}

impl Compute {
    /// The best kernels of this machine on `threads` threads, the caller's included.
    pub fn new(threads: NonZeroUsize) -> Self {
        Self::with_kernels(Kernels::best(), threads)
    }

    /// Chosen kernels, as tests need them.
    pub fn with_kernels(kernels: &'static Kernels, threads: NonZeroUsize) -> Self {
        Self { kernels, pool: Pool::new(threads) }
    }

    /// The kernels in use.
    pub fn kernels(&self) -> &'static Kernels {
        self.kernels
    }

    /// The number of threads in use.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// Runs `task(0) … task(tasks - 1)` on all threads and waits for the last. A panic in a task is passed on.
    pub fn for_each(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        self.pool.run(tasks, task);
    }

    /// Packs matrices stacked on top of each other (query, key, value, say) as one, stored in `dtype`.
    ///
    /// A number that keeps its format keeps its bits; one that does not is rounded to the nearest.
    pub fn pack(&self, parts: &[WeightView<'_>], dtype: Dtype) -> PackedMatrix {
        PackedMatrix(Packed::Floats(matrix::pack(&self.pool, parts, dtype, self.kernels.panel_width())))
    }

    /// Rounds a matrix to eight or four bits, in the form in which it is stored.
    pub fn quantize(&self, view: &WeightView<'_>, precision: Precision) -> QuantizedRows {
        quantized::quantize(&self.pool, view, precision)
    }

    /// Packs rounded matrices stacked on top of each other as one. Products with it round their argument to eight bits.
    pub fn pack_quantized(&self, parts: &[QuantizedView<'_>]) -> PackedMatrix {
        PackedMatrix(Packed::Quantized(quantized::pack(&self.pool, parts)))
    }

    /// `y = x Wᵀ + bias`: `x` is `[rows, inputs]`, `y` is `[rows, outputs]`, `bias` `[outputs]`.
    ///
    /// A row's result does not depend on the other rows, to the last bit.
    pub fn linear(&self, x: &[f32], weights: &PackedMatrix, bias: Option<&[f32]>, y: &mut [f32]) {
        let (inputs, outputs) = (weights.inputs(), weights.outputs());
        let rows = x.len() / inputs;
        assert_eq!(x.len(), rows * inputs, "x is [rows, {inputs}]");
        assert_eq!(y.len(), rows * outputs, "y is [{rows}, {outputs}]");
        assert!(bias.is_none_or(|bias| bias.len() == outputs), "the bias is [{outputs}]");
        match &weights.0 {
            Packed::Floats(weights) => matrix::linear(self.kernels, &self.pool, x, weights, bias, y),
            Packed::Quantized(weights) => quantized::linear(self.kernels, &self.pool, x, weights, bias, y),
        }
    }

    /// `y = onto + x wᵀ` of factors as they are stored: `x` has `rows` lines and `w` `outputs`, both `depth` deep; `y` is
    /// `[rows, outputs]`.
    ///
    /// Each element is summed as in [`Compute::linear`].
    pub fn product(
        &self,
        x: Factor<'_>,
        w: Factor<'_>,
        [rows, outputs, depth]: [usize; 3],
        onto: Onto<'_>,
        y: &mut [f32],
    ) {
        assert_eq!(x.len(), rows * depth, "x is {rows} lines of {depth}");
        assert_eq!(w.len(), outputs * depth, "w is {outputs} lines of {depth}");
        assert_eq!(y.len(), rows * outputs, "y is [{rows}, {outputs}]");
        if let Onto::Bias(bias) = onto {
            assert_eq!(bias.len(), outputs, "the bias is [{outputs}]");
        }
        assert!(depth > 0, "a sum of something");
        matrix::product(self.kernels, &self.pool, x, w, [rows, outputs, depth], onto, y);
    }

    /// Packs a factor of `outputs` lines, `inputs` deep, for many calls of [`Compute::linear`].
    pub fn pack_factor(&self, w: Factor<'_>, outputs: usize, inputs: usize) -> PackedMatrix {
        assert_eq!(w.len(), outputs * inputs, "w is {outputs} lines of {inputs}");
        assert!(inputs > 0 && outputs > 0, "a matrix with inputs and outputs");
        PackedMatrix(Packed::Floats(matrix::pack_factor(self.kernels, &self.pool, w, outputs, inputs)))
    }

    /// Applies `activation` to every number.
    pub fn activate(&self, activation: Activation, x: &mut [f32]) {
        self.split(x, 1, DEAR_TASK, |_, x| self.kernels.activate(activation, x));
    }

    /// Gated activation: each row of `both` is `[gate | up]`, each row of `y` is `activation(gate) * up`, `width` wide.
    pub fn gate(&self, activation: Activation, both: &[f32], width: usize, y: &mut [f32]) {
        assert_eq!(both.len(), 2 * y.len(), "two numbers for each result");
        assert!(y.is_empty() || y.len().is_multiple_of(width), "y is [rows, {width}]");
        self.split(y, width, DEAR_TASK, |first, y| {
            for (both, y) in both[2 * first..].chunks_exact(2 * width).zip(y.chunks_exact_mut(width)) {
                let (gate, up) = both.split_at(width);
                y.copy_from_slice(gate);
                self.kernels.activate(activation, y);
                self.kernels.multiply(up, y);
            }
        });
    }

    /// `y += x`.
    pub fn add(&self, x: &[f32], y: &mut [f32]) {
        assert_eq!(x.len(), y.len(), "x and y are equally long");
        self.split(y, 1, CHEAP_TASK, |first, y| self.kernels.add(&x[first..][..y.len()], y));
    }

    /// Layer norm of each row of `x`, as wide as `gain`: `(x - mean) / sqrt(variance + eps) * gain + bias`.
    pub fn layer_norm(&self, x: &[f32], gain: &[f32], bias: &[f32], eps: f32, y: &mut [f32]) {
        let width = gain.len();
        assert_eq!(bias.len(), width, "gain and bias are equally long");
        assert_eq!(x.len(), y.len(), "x and y are equally long");
        assert!(x.is_empty() || x.len().is_multiple_of(width), "x is [rows, {width}]");
        self.split(y, width, CHEAP_TASK, |first, y| {
            self.kernels.layer_norm(&x[first..][..y.len()], gain, bias, eps, y);
        });
    }

    /// Root-mean-square norm of each row of `x`, as wide as `gain`: `x / sqrt(mean(x²) + eps) * gain`.
    pub fn rms_norm(&self, x: &[f32], gain: &[f32], eps: f32, y: &mut [f32]) {
        let width = gain.len();
        assert_eq!(x.len(), y.len(), "x and y are equally long");
        assert!(x.is_empty() || x.len().is_multiple_of(width), "x is [rows, {width}]");
        self.split(y, width, CHEAP_TASK, |first, y| {
            self.kernels.rms_norm(&x[first..][..y.len()], gain, eps, y);
        });
    }

    /// Turns each row of `x`, `width` scores, into the logarithms of its softmax.
    pub fn log_softmax(&self, x: &mut [f32], width: usize) {
        assert!(width > 0 && x.len().is_multiple_of(width), "x is [rows, {width}]");
        self.split(x, width, DEAR_TASK, |_, rows| {
            rows.chunks_exact_mut(width).for_each(|row| self.kernels.log_softmax(row));
        });
    }

    /// Packs the keys and values of sources that stand one after another, `lengths` tokens each.
    ///
    /// `masked` marks tokens that nobody may attend to; it is empty where there are none. Buffers of
    /// `memory` are reused.
    pub fn pack_key_values(
        &self,
        keys: Strided<'_>,
        values: Strided<'_>,
        lengths: &[usize],
        masked: &[bool],
        heads: Heads,
        memory: &mut KeyValues,
    ) {
        let tokens = lengths.iter().sum();
        assert!(heads.size > 0 && heads.count > 0, "heads of some width");
        keys.check("keys", tokens, heads.width());
        values.check("values", tokens, heads.width());
        assert!(masked.is_empty() || masked.len() == tokens, "a mask for each of {tokens} tokens");
        attention::pack_key_values(&self.pool, self.kernels, keys, values, lengths, masked, heads, memory);
    }

    /// Attention of query rows over whole sources: `softmax(scale · q kᵀ + bias) v`, head by head.
    ///
    /// `y` is `[rows, heads.width()]` in the order of the query rows. `weights`, where asked for, receives
    /// the softmax of each group, group after group: `[heads, rows of the group, tokens of its source]`.
    ///
    /// A row is in one group at most; rows of `y` that are in none keep what they hold.
    #[allow(clippy::too_many_arguments)]
    pub fn attend(
        &self,
        queries: Strided<'_>,
        groups: &[Group],
        memory: &KeyValues,
        scale: f32,
        bias: Option<Bias<'_>>,
        y: &mut [f32],
        weights: Option<&mut [f32]>,
    ) {
        let heads = memory.heads();
        let mut end = 0;
        let mut softmaxes = 0;
        for group in groups {
            assert!(group.first_row >= end, "groups stand in the order of their rows and do not overlap");
            assert!(group.source < memory.sources(), "source {} of {}", group.source, memory.sources());
            end = group.first_row + group.rows;
            let tokens = memory.source_len(group.source);
            softmaxes += heads.count * group.rows * tokens;
            if let Some(bias) = bias {
                bias.check(heads.count, group.rows, tokens);
            }
        }
        queries.check("queries", end, heads.width());
        assert!(y.len() >= end * heads.width(), "y is [{end}, {}]", heads.width());
        assert!(
            weights.as_ref().is_none_or(|weights| weights.len() == softmaxes),
            "weights are {softmaxes} in all"
        );
        if end > 0 {
            attention::attend(self.kernels, &self.pool, queries, groups, memory, scale, bias, y, weights);
        }
    }

    /// Appends the keys and values of `rows` rows to a cache, a slot for each row.
    pub fn append(&self, keys: Strided<'_>, values: Strided<'_>, rows: usize, cache: &mut StepCache) {
        keys.check("keys", rows, cache.width());
        values.check("values", rows, cache.width());
        cache.append(self.kernels, keys, values, rows);
    }

    /// Attention of one query a row over that row's cached steps. The bias takes `i = 0`.
    ///
    /// `y` is `[rows, heads.width()]`; `weights`, where asked for, `[rows, heads, steps.len]`.
    #[allow(clippy::too_many_arguments)]
    pub fn attend_cached(
        &self,
        queries: Strided<'_>,
        steps: CachedSteps<'_>,
        heads: Heads,
        scale: f32,
        bias: Option<Bias<'_>>,
        y: &mut [f32],
        weights: Option<&mut [f32]>,
    ) {
        let width = heads.width();
        assert!(width > 0, "heads of some width");
        assert_eq!(steps.cache.width(), width, "the cache is as wide as the heads");
        let rows = y.len() / width;
        assert_eq!(y.len(), rows * width, "y is [rows, {width}]");
        queries.check("queries", rows, width);
        let softmaxes = rows * heads.count * steps.len;
        assert!(
            weights.as_ref().is_none_or(|weights| weights.len() == softmaxes),
            "weights are {softmaxes} in all"
        );
        if let Some(bias) = bias {
            bias.check(heads.count, 1, steps.len);
        }
        attention::cached::attend_cached(
            self.kernels,
            &self.pool,
            queries,
            steps,
            heads,
            scale,
            bias,
            y,
            weights,
        );
    }

    /// Attention of one query a row, `[rows, d_key]`, over the vectors of its source, `sources[row]`.
    ///
    /// `y` is `[rows, d_value]`. `weights` is `[rows, stride]` for any stride that holds the longest source in use: the softmax stands at the
    /// beginning of each line, and what is behind it keeps what it held.
    #[allow(clippy::too_many_arguments)]
    pub fn align(
        &self,
        alignment: Alignment<'_>,
        queries: &[f32],
        sources: &[usize],
        vectors: SourceVectors<'_>,
        weights: &mut [f32],
        stride: usize,
        y: &mut [f32],
    ) {
        let SourceVectors { keys, d_key, values, d_value, starts } = vectors;
        let (rows, tokens) = (sources.len(), starts.last().copied().unwrap_or(0));
        assert!(d_key > 0 && d_value > 0, "keys and values of some width");
        assert_eq!(keys.len(), tokens * d_key, "keys are [{tokens}, {d_key}]");
        assert_eq!(values.len(), tokens * d_value, "values are [{tokens}, {d_value}]");
        assert_eq!(queries.len(), rows * d_key, "queries are [{rows}, {d_key}]");
        assert_eq!(weights.len(), rows * stride, "weights are [{rows}, {stride}]");
        assert_eq!(y.len(), rows * d_value, "y is [{rows}, {d_value}]");
        if let Alignment::Additive { v } = alignment {
            assert_eq!(v.len(), d_key, "v is [{d_key}]");
        }
        let span = |source: usize| {
            assert!(source + 1 < starts.len(), "source {source} of {}", starts.len().saturating_sub(1));
            let span = starts[source]..starts[source + 1];
            assert!(span.len() <= stride, "{} weights in a line of {stride}", span.len());
            span
        };
        let all: usize = sources.iter().map(|&source| span(source).len()).sum();
        let tasks = self.pool.tasks(all * (d_key + d_value / 4) / DEAR_TASK, rows);
        let (weights, y) = (Shared(weights.as_mut_ptr()), Shared(y.as_mut_ptr()));
        self.pool.run(tasks, &|task| {
            for row in rows * task / tasks..rows * (task + 1) / tasks {
                let span = span(sources[row]);
                let job = AlignJob {
                    alignment,
                    query: &queries[row * d_key..][..d_key],
                    keys: &keys[span.start * d_key..span.end * d_key],
                    values: &values[span.start * d_value..span.end * d_value],
                };
                // SAFETY: lines of different rows do not overlap, each row is in one task, and the lengths were checked above.
                let (weights, y) = unsafe {
                    (
                        std::slice::from_raw_parts_mut(weights.get().add(row * stride), span.len()),
                        std::slice::from_raw_parts_mut(y.get().add(row * d_value), d_value),
                    )
                };
                self.kernels.align(&job, weights, y);
            }
        });
    }

    /// Cuts `y` into pieces of whole rows, `width` numbers each, and runs `work(first number, piece)` on all threads.
    fn split(&self, y: &mut [f32], width: usize, worth: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
        let tasks = self.pool.tasks(y.len() / worth, y.len() / width.max(1));
        if tasks == 1 {
            work(0, y);
            return;
        }
        let rows = y.len() / width;
        let target = Shared(y.as_mut_ptr());
        self.pool.run(tasks, &|task| {
            let piece = rows * task / tasks * width..rows * (task + 1) / tasks * width;
            // SAFETY: the pieces lie inside y and do not overlap.
            let y = unsafe { std::slice::from_raw_parts_mut(target.get().add(piece.start), piece.len()) };
            work(piece.start, y);
        });
    }
}
