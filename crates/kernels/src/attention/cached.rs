//! Attention of one query a row over the steps that its decoder has cached.
//!
//! ```text
//! history of row r:  [ slot, slot, slot, … ]        a slot is a row of `keys` and of `values`, all heads side by side
//! score_j = scale · q · keys[slot_j] + bias_j       y = Σ_j softmax(score)_j · values[slot_j]
//! ```
//!
//! Slots are scattered (beams share history), so keys cannot be transposed into panels: scores are dot products along the head,
//! [`TOGETHER`] at a time to hide the latency of their sums, and each is summed in the same order whichever its neighbours.
//! Values are summed register by register over all steps.

use std::cell::Cell;

use super::{Bias, CachedKeys, Heads, Strided};
use crate::Kernels;
use crate::memory::{Numbers, Shared};
use crate::pool::Pool;
use crate::rows::softmax::exponentials;
use crate::simd::Simd;

/// Dot products, or registers of values, that are summed side by side.
const TOGETHER: usize = 4;
/// Multiplications that are worth a task of their own: about 10 µs (dot products of one head are slower than tiles).
const TASK: usize = 64 << 10;

thread_local! {
    /// The scores of one row and head, kept from call to call.
    static SCORES: Cell<Numbers> = const { Cell::new(Numbers::new()) };
}

/// One row and head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CachedJob<'a> {
    /// `[size]`.
    pub(crate) query: &'a [f32],
    /// All keys and values from this head's first column on.
    keys: &'a [f32],
    values: &'a [f32],
    /// Numbers from slot to slot.
    width: usize,
    slots: &'a [u32],
    scale: f32,
    /// One number for each step, or none.
    bias: &'a [f32],
}

/// Attention of one query a row over cached steps; the caller has checked all lengths and slots.
#[allow(clippy::too_many_arguments)]
pub(crate) fn attend_cached(
    kernels: &Kernels,
    pool: &Pool,
    queries: Strided<'_>,
    cache: CachedKeys<'_>,
    heads: Heads,
    scale: f32,
    bias: Option<Bias<'_>>,
    y: &mut [f32],
    weights: Option<&mut [f32]>,
) {
    let (width, len) = (heads.width(), cache.len);
    if len == 0 {
        y.fill(0.0);
        return;
    }
    let units = y.len() / heads.size;
    let y = Shared(y.as_mut_ptr());
    let weights = weights.map(|weights| Shared(weights.as_mut_ptr()));
    let tasks = pool.tasks(2 * units * heads.size * len / TASK, units);
    pool.run(tasks, &|task| {
        let mut buffer = SCORES.take();
        let scores = buffer.at_least(len);
        for unit in units * task / tasks..units * (task + 1) / tasks {
            let (row, head) = (unit / heads.count, unit % heads.count);
            let column = head * heads.size;
            let job = CachedJob {
                query: &queries.data[row * queries.stride + column..][..heads.size],
                keys: &cache.keys[column..],
                values: &cache.values[column..],
                width,
                slots: &cache.history[row * cache.stride..][..len],
                scale,
                bias: bias.map_or(&[], |bias| &bias.values[head * bias.stride + bias.origin..][..len]),
            };
            // SAFETY: units are the heads of the rows of y, one after another, and each belongs to one task.
            let y = unsafe { std::slice::from_raw_parts_mut(y.get().add(unit * heads.size), heads.size) };
            let scale = kernels.attend_head(&job, scores, y);
            if let Some(weights) = weights {
                // SAFETY: the caller checked the length, and each unit belongs to one task.
                let weights = unsafe { std::slice::from_raw_parts_mut(weights.get().add(unit * len), len) };
                weights.iter_mut().zip(&*scores).for_each(|(w, s)| *w = s * scale);
            }
        }
        SCORES.set(buffer);
    });
}

/// Attention of one row and head. `scores` receives the numerators of the softmax; the result is one over their sum.
#[inline(always)]
pub(crate) fn attend_head<S: Simd>(simd: S, job: &CachedJob<'_>, scores: &mut [f32], y: &mut [f32]) -> f32 {
    for (slots, scores) in job.slots.chunks(TOGETHER).zip(scores.chunks_mut(TOGETHER)) {
        let dots = if let Ok(slots) = <&[u32; TOGETHER]>::try_from(slots) {
            dots(simd, job, *slots)
        } else {
            let mut last = [slots[0]; TOGETHER];
            last[..slots.len()].copy_from_slice(slots);
            dots(simd, job, last)
        };
        scores.iter_mut().zip(dots).for_each(|(score, dot)| *score = dot * job.scale);
    }
    for (score, bias) in scores.iter_mut().zip(job.bias) {
        *score += bias;
    }
    let sum = exponentials(simd, scores);
    let scale = if sum == 0.0 { 0.0 } else { 1.0 / sum };
    let size = y.len();
    let mut column = 0;
    while column < size {
        column += if size - column >= TOGETHER * S::LANES {
            weigh::<S, TOGETHER>(simd, job, scores, scale, column, y)
        } else {
            weigh::<S, 1>(simd, job, scores, scale, column, y)
        };
    }
    scale
}

/// The query times the keys of some slots.
#[inline(always)]
fn dots<S: Simd>(simd: S, job: &CachedJob<'_>, slots: [u32; TOGETHER]) -> [f32; TOGETHER] {
    let size = job.query.len();
    let keys: [&[f32]; TOGETHER] =
        std::array::from_fn(|i| &job.keys[slots[i] as usize * job.width..][..size]);
    let mut sums = [simd.splat(0.0); TOGETHER];
    let mut column = 0;
    while column < size {
        let count = (size - column).min(S::LANES);
        for i in 0..TOGETHER {
            // SAFETY: the query and every key are `size` long, and `column + count` does not go beyond.
            unsafe {
                let (query, key) = (job.query.as_ptr().add(column), keys[i].as_ptr().add(column));
                sums[i] = if count == S::LANES {
                    simd.mul_add(simd.load(query), simd.load(key), sums[i])
                } else {
                    simd.mul_add(simd.load_first(query, count), simd.load_first(key, count), sums[i])
                };
            }
        }
        column += S::LANES;
    }
    std::array::from_fn(|i| simd.sum(sums[i]))
}

/// `scale · Σ_j scores_j · values[slot_j]` for `N` registers of columns; returns how many columns that were.
#[inline(always)]
fn weigh<S: Simd, const N: usize>(
    simd: S,
    job: &CachedJob<'_>,
    scores: &[f32],
    scale: f32,
    column: usize,
    y: &mut [f32],
) -> usize {
    let count = (y.len() - column).min(N * S::LANES);
    let mut sums = [simd.splat(0.0); N];
    for (&slot, &score) in job.slots.iter().zip(scores) {
        let values = &job.values[slot as usize * job.width + column..][..count];
        let score = simd.splat(score);
        for (n, sum) in sums.iter_mut().enumerate() {
            // SAFETY: `values` is `count` long: N registers where it is full, and less than one only where N is 1.
            *sum = unsafe {
                let values = values.as_ptr().add(n * S::LANES);
                if count == N * S::LANES {
                    simd.mul_add(score, simd.load(values), *sum)
                } else {
                    simd.mul_add(score, simd.load_first(values, count), *sum)
                }
            };
        }
    }
    let scale = simd.splat(scale);
    for (n, sum) in sums.into_iter().enumerate() {
        crate::simd::store_start(
            simd,
            simd.mul(sum, scale),
            &mut y[column + n * S::LANES..][..count.min(S::LANES)],
        );
    }
    count
}
