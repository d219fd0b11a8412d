//! Attention of a recurrent decoder: one query a row over all vectors of its source, undivided into heads.
//!
//! ```text
//! e_j = v · tanh(q + k_j)    additive: the alignment model of Bahdanau et al. 2015
//! e_j = q · k_j              dot: with k_j = W h_j the "general" score of Luong et al. 2015
//! a = softmax(e)             y = Σ_j a_j h_j
//! ```
//!
//! A row's vectors are few (the tokens of one sentence) and each is read twice, so everything about a row happens in one task, in
//! registers, and only rows are shared among threads.

use crate::math::tanh::tanh;
use crate::rows::softmax::softmax;
use crate::simd::{Simd, load_slice, load_start, store_slice, store_start};

/// The score of a key for a query.
#[derive(Clone, Copy, Debug)]
pub enum Alignment<'a> {
    /// `v · tanh(query + key)`.
    Additive {
        /// `v`, as wide as a key.
        v: &'a [f32],
    },
    /// `query · key`.
    Dot,
}

/// What was read of sources that stand one after another.
#[derive(Clone, Copy, Debug)]
pub struct SourceVectors<'a> {
    /// What queries are scored against, `[tokens, d_key]`.
    pub keys: &'a [f32],
    /// Width of a key and of a query.
    pub d_key: usize,
    /// What is summed up, `[tokens, d_value]`.
    pub values: &'a [f32],
    /// Width of a value.
    pub d_value: usize,
    /// The first token of each source, and behind the last source the number of tokens.
    pub starts: &'a [usize],
}

/// One row's part: `query` `[d_key]`, `keys` `[tokens, d_key]`, `values` `[tokens, d_value]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AlignJob<'a> {
    pub(crate) alignment: Alignment<'a>,
    pub(crate) query: &'a [f32],
    pub(crate) keys: &'a [f32],
    pub(crate) values: &'a [f32],
}

/// Writes the softmax of the scores to `weights`, `[tokens]`, and the weighted sum of the values to `y`, `[d_value]`.
#[inline(always)]
pub(crate) fn align<S: Simd>(simd: S, job: &AlignJob<'_>, weights: &mut [f32], y: &mut [f32]) {
    let d_key = job.query.len();
    for (key, score) in job.keys.chunks_exact(d_key).zip(weights.iter_mut()) {
        *score = match job.alignment {
            Alignment::Additive { v } => additive(simd, v, job.query, key),
            Alignment::Dot => dot(simd, job.query, key),
        };
    }
    softmax(simd, weights);
    mix(simd, weights, job.values, y);
}

/// `v · tanh(q + k)`.
#[inline(always)]
fn additive<S: Simd>(simd: S, v: &[f32], q: &[f32], k: &[f32]) -> f32 {
    let mut sum = simd.splat(0.0);
    let mut at = 0;
    while at + S::LANES <= k.len() {
        let inner = simd.add(load_slice(simd, &q[at..]), load_slice(simd, &k[at..]));
        sum = simd.mul_add(load_slice(simd, &v[at..]), tanh(simd, inner), sum);
        at += S::LANES;
    }
    if at < k.len() {
        // Zeros beyond the end: tanh(0) = 0.
        let inner = simd.add(load_start(simd, &q[at..]), load_start(simd, &k[at..]));
        sum = simd.mul_add(load_start(simd, &v[at..]), tanh(simd, inner), sum);
    }
    simd.sum(sum)
}

/// `q · k`.
#[inline(always)]
fn dot<S: Simd>(simd: S, q: &[f32], k: &[f32]) -> f32 {
    let mut sums = [simd.splat(0.0); 2];
    let mut at = 0;
    while at + 2 * S::LANES <= k.len() {
        for (stream, sum) in sums.iter_mut().enumerate() {
            let at = at + stream * S::LANES;
            *sum = simd.mul_add(load_slice(simd, &q[at..]), load_slice(simd, &k[at..]), *sum);
        }
        at += 2 * S::LANES;
    }
    if at + S::LANES <= k.len() {
        sums[0] = simd.mul_add(load_slice(simd, &q[at..]), load_slice(simd, &k[at..]), sums[0]);
        at += S::LANES;
    }
    if at < k.len() {
        sums[1] = simd.mul_add(load_start(simd, &q[at..]), load_start(simd, &k[at..]), sums[1]);
    }
    simd.sum(simd.add(sums[0], sums[1]))
}

/// `y = Σ_j weights_j values_j`.
#[inline(always)]
fn mix<S: Simd>(simd: S, weights: &[f32], values: &[f32], y: &mut [f32]) {
    let width = y.len();
    let mut at = 0;
    // Four registers of sums at a time.
    while at + 4 * S::LANES <= width {
        let mut sums = [simd.splat(0.0); 4];
        for (&weight, value) in weights.iter().zip(values.chunks_exact(width)) {
            let weight = simd.splat(weight);
            for (part, sum) in sums.iter_mut().enumerate() {
                *sum = simd.mul_add(weight, load_slice(simd, &value[at + part * S::LANES..]), *sum);
            }
        }
        for (part, sum) in sums.into_iter().enumerate() {
            store_slice(simd, sum, &mut y[at + part * S::LANES..]);
        }
        at += 4 * S::LANES;
    }
    while at < width {
        let end = width.min(at + S::LANES);
        let mut sum = simd.splat(0.0);
        for (&weight, value) in weights.iter().zip(values.chunks_exact(width)) {
            sum = simd.mul_add(simd.splat(weight), load_start(simd, &value[at..end]), sum);
        }
        store_start(simd, sum, &mut y[at..end]);
        at = end;
    }
}
