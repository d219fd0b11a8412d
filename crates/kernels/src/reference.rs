//! The slow truth: every kernel once more, as plainly as it can be said, in scalar code with `f64` sums.

use crate::Activation;
use crate::attention::{Alignment, Bias, Group, Heads, SourceVectors, Strided};

/// `y = x Wᵀ + bias` with `weights` `[outputs, inputs]`, row-major.
pub fn linear(x: &[f32], weights: &[f32], inputs: usize, bias: Option<&[f32]>, y: &mut [f32]) {
    let outputs = weights.len() / inputs;
    for (x, y) in x.chunks_exact(inputs).zip(y.chunks_exact_mut(outputs)) {
        for (o, y) in y.iter_mut().enumerate() {
            *y = dot(x, &weights[o * inputs..][..inputs]) + bias.map_or(0.0, |b| b[o]);
        }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() as f32
}

/// One number through an activation.
pub fn activate(activation: Activation, x: f32) -> f32 {
    let x = f64::from(x);
    let y = match activation {
        Activation::Relu => x.max(0.0),
        Activation::Gelu => 0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2)),
        Activation::GeluTanh => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        }
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::Tanh => x.tanh(),
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
    };
    y as f32
}

/// The error function: its Maclaurin series where that converges fast, its continued fraction beyond.
pub fn erf(x: f64) -> f64 {
    let magnitude = x.abs();
    if magnitude < 2.5 {
        let (mut term, mut sum) = (x, x);
        for n in 1..60 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        return sum * std::f64::consts::FRAC_2_SQRT_PI;
    }
    if magnitude > 6.0 {
        return x.signum();
    }
    let fraction = (1..80).rev().fold(0.0, |tail, n| f64::from(n) / 2.0 / (magnitude + tail));
    let complement = (-x * x).exp() / (magnitude + fraction) * std::f64::consts::FRAC_2_SQRT_PI / 2.0;
    x.signum() * (1.0 - complement)
}

/// Layer norm of each row, as wide as `gain`.
pub fn layer_norm(x: &[f32], gain: &[f32], bias: &[f32], eps: f32, y: &mut [f32]) {
    let width = gain.len();
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / width as f64;
        let variance = x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / width as f64;
        let scale = 1.0 / (variance + f64::from(eps)).sqrt();
        for i in 0..width {
            y[i] = ((f64::from(x[i]) - mean) * scale) as f32 * gain[i] + bias[i];
        }
    }
}

/// Root-mean-square norm of each row, as wide as `gain`.
pub fn rms_norm(x: &[f32], gain: &[f32], eps: f32, y: &mut [f32]) {
    let width = gain.len();
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        let mean = x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / width as f64;
        let scale = 1.0 / (mean + f64::from(eps)).sqrt();
        for i in 0..width {
            y[i] = (f64::from(x[i]) * scale) as f32 * gain[i];
        }
    }
}

/// Softmax of one row; a row of −∞ alone becomes zeros.
pub fn softmax(row: &mut [f32]) {
    let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if max == f32::NEG_INFINITY {
        row.fill(0.0);
        return;
    }
    let sum: f64 = row.iter().map(|x| f64::from(x - max).exp()).sum();
    row.iter_mut().for_each(|x| *x = (f64::from(*x - max).exp() / sum) as f32);
}

/// Log-softmax of one row.
pub fn log_softmax(row: &mut [f32]) {
    let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let log_sum = row.iter().map(|x| f64::from(x - max).exp()).sum::<f64>().ln();
    row.iter_mut().for_each(|x| *x = (f64::from(*x - max) - log_sum) as f32);
}

/// The index of the largest value, the first of equals; NaN is never the largest.
pub fn argmax(row: &[f32]) -> usize {
    let (mut best, mut largest) = (0, f32::NEG_INFINITY);
    for (i, x) in row.iter().enumerate() {
        if *x > largest {
            (best, largest) = (i, *x);
        }
    }
    best
}

/// Keys and values as they come, for [`attend`].
#[derive(Clone, Copy, Debug)]
pub struct PlainKeyValues<'a> {
    /// `[all tokens, heads.width()]`.
    pub keys: Strided<'a>,
    /// `[all tokens, heads.width()]`.
    pub values: Strided<'a>,
    /// Tokens of each source.
    pub lengths: &'a [usize],
    /// Tokens that nobody may attend to; empty where there are none.
    pub masked: &'a [bool],
    /// How the rows split into heads.
    pub heads: Heads,
}

/// Attention of query rows over whole sources.
pub fn attend(
    queries: Strided<'_>,
    groups: &[Group],
    memory: PlainKeyValues<'_>,
    scale: f32,
    bias: Option<Bias<'_>>,
    y: &mut [f32],
    mut weights: Option<&mut [f32]>,
) {
    let (size, width) = (memory.heads.size, memory.heads.width());
    let mut taken = 0;
    for group in groups {
        let start: usize = memory.lengths[..group.source].iter().sum();
        let tokens = memory.lengths[group.source];
        let mut scores = vec![0.0; tokens];
        for head in 0..memory.heads.count {
            for i in 0..group.rows {
                let row = group.first_row + i;
                let query = &queries.data[row * queries.stride + head * size..][..size];
                for (j, score) in scores.iter_mut().enumerate() {
                    let key = &memory.keys.data[(start + j) * memory.keys.stride + head * size..][..size];
                    *score = scale * dot(query, key)
                        + bias.map_or(0.0, |b| b.values[head * b.stride + b.origin + j - i]);
                    if memory.masked.get(start + j) == Some(&true) {
                        *score = f32::NEG_INFINITY;
                    }
                }
                softmax(&mut scores);
                if let Some(weights) = weights.as_deref_mut() {
                    weights[taken + (head * group.rows + i) * tokens..][..tokens].copy_from_slice(&scores);
                }
                let y = &mut y[row * width + head * size..][..size];
                for (d, y) in y.iter_mut().enumerate() {
                    let column = (0..tokens).map(|j| {
                        f64::from(scores[j])
                            * f64::from(
                                memory.values.data[(start + j) * memory.values.stride + head * size + d],
                            )
                    });
                    *y = column.sum::<f64>() as f32;
                }
            }
        }
        taken += memory.heads.count * group.rows * tokens;
    }
}

/// Cached keys and values as they come, for [`attend_cached`].
#[derive(Clone, Copy, Debug)]
pub struct PlainSteps<'a> {
    /// `[slots, heads.width()]`.
    pub keys: &'a [f32],
    /// `[slots, heads.width()]`.
    pub values: &'a [f32],
    /// The slots of row `r` are `history[r * stride..][..len]`, oldest first.
    pub history: &'a [u32],
    /// Numbers in a row's line of `history`.
    pub stride: usize,
    /// Steps cached.
    pub len: usize,
}

/// Attention of one query a row over that row's cached steps.
pub fn attend_cached(
    queries: Strided<'_>,
    cache: PlainSteps<'_>,
    heads: Heads,
    scale: f32,
    bias: Option<Bias<'_>>,
    y: &mut [f32],
    mut weights: Option<&mut [f32]>,
) {
    let width = heads.width();
    let mut scores = vec![0.0; cache.len];
    for (row, y) in y.chunks_exact_mut(width).enumerate() {
        let slots = &cache.history[row * cache.stride..][..cache.len];
        for head in 0..heads.count {
            let query = &queries.data[row * queries.stride + head * heads.size..][..heads.size];
            for (j, score) in scores.iter_mut().enumerate() {
                let key = &cache.keys[slots[j] as usize * width + head * heads.size..][..heads.size];
                *score =
                    scale * dot(query, key) + bias.map_or(0.0, |b| b.values[head * b.stride + b.origin + j]);
            }
            softmax(&mut scores);
            if let Some(weights) = weights.as_deref_mut() {
                weights[(row * heads.count + head) * cache.len..][..cache.len].copy_from_slice(&scores);
            }
            for d in 0..heads.size {
                let column = slots.iter().zip(&scores).map(|(&slot, &score)| {
                    f64::from(score) * f64::from(cache.values[slot as usize * width + head * heads.size + d])
                });
                y[head * heads.size + d] = column.sum::<f64>() as f32;
            }
        }
    }
}

/// Attention of one query a row over the vectors of its source, undivided into heads; `weights` is `[rows, stride]`.
pub fn align(
    alignment: Alignment<'_>,
    queries: &[f32],
    sources: &[usize],
    vectors: SourceVectors<'_>,
    weights: &mut [f32],
    stride: usize,
    y: &mut [f32],
) {
    let SourceVectors { keys, d_key, values, d_value, starts } = vectors;
    for (row, &source) in sources.iter().enumerate() {
        let (start, tokens) = (starts[source], starts[source + 1] - starts[source]);
        let query = &queries[row * d_key..][..d_key];
        let weights = &mut weights[row * stride..][..tokens];
        for (j, weight) in weights.iter_mut().enumerate() {
            let key = &keys[(start + j) * d_key..][..d_key];
            *weight = match alignment {
                Alignment::Dot => dot(query, key),
                Alignment::Additive { v } => {
                    let sums = query.iter().zip(key).map(|(q, k)| (f64::from(*q) + f64::from(*k)).tanh());
                    sums.zip(v).map(|(tanh, v)| tanh * f64::from(*v)).sum::<f64>() as f32
                }
            };
        }
        softmax(weights);
        for (d, y) in y[row * d_value..][..d_value].iter_mut().enumerate() {
            let column =
                (0..tokens).map(|j| f64::from(weights[j]) * f64::from(values[(start + j) * d_value + d]));
            *y = column.sum::<f64>() as f32;
        }
    }
}
