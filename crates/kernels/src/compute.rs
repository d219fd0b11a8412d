//! The entry to all arithmetic: kernels and threads together.

use std::num::NonZeroUsize;

use crate::attention::{Bias, CachedKeys, Group, Heads, KeyValues, Strided};
use crate::pool::Pool;
use crate::{Activation, Dtype, Kernels, PackedMatrix, WeightView, matrix, reference};

/// Kernels of one instruction set on a number of threads.
///
/// Immutable and shared: every method takes `&self`, writes only to the buffers that it is given, and
/// may be called from one thread at a time. Lengths that do not fit together are a caller's error and panic with the shapes.
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

    /// Runs `task(0) … task(tasks - 1)` on all threads and waits for the last.
    pub fn for_each(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        self.pool.run(tasks, task);
    }

    /// Packs matrices stacked on top of each other (query, key, value, say) as one, stored in `dtype`.
    pub fn pack(&self, parts: &[WeightView<'_>], dtype: Dtype) -> PackedMatrix {
        matrix::pack(&self.pool, parts, dtype, self.kernels.panel_width())
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
        matrix::linear(self.kernels, &self.pool, x, weights, bias, y);
    }

    /// Applies `activation` to every number.
    pub fn activate(&self, activation: Activation, x: &mut [f32]) {
        x.iter_mut().for_each(|x| *x = reference::activate(activation, *x));
    }

    /// Gated activation: each row of `both` is `[gate | up]`, each row of `y` is `activation(gate) * up`, `width` wide.
    pub fn gate(&self, activation: Activation, both: &[f32], width: usize, y: &mut [f32]) {
        for (both, y) in both.chunks_exact(2 * width).zip(y.chunks_exact_mut(width)) {
            for (i, y) in y.iter_mut().enumerate() {
                *y = reference::activate(activation, both[i]) * both[width + i];
            }
        }
    }

    /// `y += x`.
    pub fn add(&self, x: &[f32], y: &mut [f32]) {
        y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
    }

    /// Layer norm of each row of `x`, as wide as `gain`: `(x - mean) / sqrt(variance + eps) * gain + bias`.
    pub fn layer_norm(&self, x: &[f32], gain: &[f32], bias: &[f32], eps: f32, y: &mut [f32]) {
        reference::layer_norm(x, gain, bias, eps, y);
    }

    /// Root-mean-square norm of each row of `x`, as wide as `gain`: `x / sqrt(mean(x²) + eps) * gain`.
    pub fn rms_norm(&self, x: &[f32], gain: &[f32], eps: f32, y: &mut [f32]) {
        reference::rms_norm(x, gain, eps, y);
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
        reference::pack_key_values(keys, values, lengths, masked, heads, memory);
    }

    /// Attention of query rows over whole sources: `softmax(scale · q kᵀ + bias) v`, head by head.
    ///
    /// `y` is `[rows, heads.width()]` in the order of the query rows. `weights`, where asked for, receives
    /// the softmax of each group, group after group: `[heads, rows of the group, tokens of its source]`.
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
        reference::attend(queries, groups, memory, scale, bias, y, weights);
    }

    /// Attention of one query a row over that row's cached steps. The bias takes `i = 0`.
    ///
    /// `y` is `[rows, heads.width()]`; `weights`, where asked for, `[rows, heads, cache.len]`.
    #[allow(clippy::too_many_arguments)]
    pub fn attend_cached(
        &self,
        queries: Strided<'_>,
        cache: CachedKeys<'_>,
        heads: Heads,
        scale: f32,
        bias: Option<Bias<'_>>,
        y: &mut [f32],
        weights: Option<&mut [f32]>,
    ) {
        reference::attend_cached(queries, cache, heads, scale, bias, y, weights);
    }
}
