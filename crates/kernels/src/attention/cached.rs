//! Attention of one query a row over the steps that its decoder has cached.
//!
//! ```text
//! history of row r:  [ slot, slot, slot, … ]        a slot is a row of keys and of values, all heads side by side
//! score_j = scale · q · keys[slot_j] + bias_j       y = Σ_j softmax(score)_j · values[slot_j]
//! ```
//!
//! Slots are scattered (beams share history), so keys cannot be transposed into panels: scores are dot products along the head. A task takes
//! neighbouring heads of a row and walks the slots once for all of them, keys first, then values: memory is then read a whole slot at a time,
//! and the next slot asked for meanwhile. (Head by head, each slot is a few cache lines at an address that the CPU cannot foresee; sixteen rows of
//! Blenderbot ran at 8 GB/s.)
//!
//! Each dot product is summed by one register along the head, and each number of y in the order of the steps, whatever the neighbours.

use std::cell::Cell;

use super::stored::{Kept, Pair, Stored};
use super::{Bias, CachedSteps, Heads, Strided};
use crate::Kernels;
use crate::memory::{Numbers, Shared};
use crate::pool::Pool;
use crate::rows::map;
use crate::rows::softmax::exponentials;
use crate::simd::{Simd, load_slice, load_start, store_slice, store_start};

/// Dot products that are summed side by side, to hide the latency of their sums.
const HEADS_TOGETHER: usize = 4;
/// Steps whose values are added while a number of y is in a register.
const STEPS_TOGETHER: usize = 4;
/// Multiplications that are worth a task of their own: about 3 µs (dot products of one head are slower than tiles).
const TASK: usize = 16 << 10;

thread_local! {
    /// The scores of some heads of one row, and behind them a number for each head, kept from call to call.
    static SCORES: Cell<Numbers> = const { Cell::new(Numbers::new()) };
}

/// Neighbouring heads of one row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CachedJob<'a> {
    /// `[heads, size]`.
    query: &'a [f32],
    /// Of one head.
    size: usize,
    stored: &'a Stored,
    /// Numbers from slot to slot.
    width: usize,
    /// The first head's first number in a slot.
    column: usize,
    slots: &'a [u32],
    scale: f32,
    /// From the first head's line on.
    bias: Option<Bias<'a>>,
}

/// Attention of one query a row over cached steps; the caller has checked all lengths.
#[allow(clippy::too_many_arguments)]
pub(crate) fn attend_cached(
    kernels: &Kernels,
    pool: &Pool,
    queries: Strided<'_>,
    steps: CachedSteps<'_>,
    heads: Heads,
    scale: f32,
    bias: Option<Bias<'_>>,
    y: &mut [f32],
    weights: Option<&mut [f32]>,
) {
    let (width, len) = (heads.width(), steps.len);
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
        let (mut unit, last) = (units * task / tasks, units * (task + 1) / tasks);
        while unit < last {
            let (row, head) = (unit / heads.count, unit % heads.count);
            let count = (heads.count - head).min(last - unit);
            let (scores, scales) = buffer.at_least(count * (len + 1)).split_at_mut(count * len);
            let column = head * heads.size;
            let job = CachedJob {
                query: &queries.data[row * queries.stride + column..][..count * heads.size],
                size: heads.size,
                stored: &steps.cache.stored,
                width,
                column,
                slots: &steps.history[row * steps.stride..][..len],
                scale,
                bias: bias.map(|bias| Bias { values: &bias.values[head * bias.stride..], ..bias }),
            };
            // SAFETY: units are the heads of the rows of y, one after another, and each belongs to one task.
            let y =
                unsafe { std::slice::from_raw_parts_mut(y.get().add(unit * heads.size), count * heads.size) };
            kernels.attend_row(&job, scores, scales, y);
            if let Some(weights) = weights {
                // SAFETY: the caller checked the length, and each unit belongs to one task.
                let weights =
                    unsafe { std::slice::from_raw_parts_mut(weights.get().add(unit * len), count * len) };
                let lines = weights.chunks_exact_mut(len).zip(scores.chunks_exact(len));
                for ((weights, scores), scale) in lines.zip(&*scales) {
                    weights.iter_mut().zip(scores).for_each(|(w, s)| *w = s * scale);
                }
            }
            unit += count;
        }
        SCORES.set(buffer);
    });
}

/// Attention of neighbouring heads of one row, `y` `[heads, size]`. `scores`, `[heads, steps]`, receives the numerators of the softmax, `scales`
/// one over the sum of each head's.
#[inline(always)]
pub(crate) fn attend_row<S: Simd>(
    simd: S,
    job: &CachedJob<'_>,
    scores: &mut [f32],
    scales: &mut [f32],
    y: &mut [f32],
) {
    match job.stored {
        Stored::Exact(pair) => attend_row_of(simd, job, pair, scores, scales, y),
        Stored::Rounded(pair) => attend_row_of(simd, job, pair, scores, scales, y),
    }
}

#[inline(always)]
fn attend_row_of<S: Simd, T: Kept>(
    simd: S,
    job: &CachedJob<'_>,
    pair: &Pair<T>,
    scores: &mut [f32],
    scales: &mut [f32],
    y: &mut [f32],
) {
    let len = job.slots.len();
    let (keys, values) = (pair.keys.as_slice(), pair.values.as_slice());
    for (j, &slot) in job.slots.iter().enumerate() {
        let next = job.slots[(j + 1).min(len - 1)];
        score_slot(simd, job, job.of_slot(keys, slot), job.of_slot(keys, next), &mut scores[j..], len);
    }
    for (head, (scores, scale)) in scores.chunks_exact_mut(len).zip(scales.iter_mut()).enumerate() {
        scores.iter_mut().for_each(|score| *score *= job.scale);
        if let Some(bias) = job.bias {
            let bias = &bias.values[head * bias.stride + bias.origin..][..len];
            scores.iter_mut().zip(bias).for_each(|(score, bias)| *score += bias);
        }
        let sum = exponentials(simd, scores);
        *scale = if sum == 0.0 { 0.0 } else { 1.0 / sum };
    }
    y.fill(0.0);
    let mut step = 0;
    while step < len {
        step += if len - step >= STEPS_TOGETHER {
            weigh::<S, T, STEPS_TOGETHER>(simd, job, values, scores, step, y)
        } else {
            weigh::<S, T, 1>(simd, job, values, scores, step, y)
        };
    }
    for (y, &scale) in y.chunks_exact_mut(job.size).zip(&*scales) {
        map(
            simd,
            y,
            #[inline(always)]
            |simd, y| simd.mul(y, simd.splat(scale)),
        );
    }
}

impl CachedJob<'_> {
    /// A slot's numbers for the job's heads.
    #[inline(always)]
    fn of_slot<'a, T>(&self, numbers: &'a [T], slot: u32) -> &'a [T] {
        &numbers[slot as usize * self.width + self.column..][..self.query.len()]
    }
}

/// The products of all heads of the query with one slot's keys, to every `stride`th score; `next` is what will be read next.
#[inline(always)]
fn score_slot<S: Simd, T: Kept>(
    simd: S,
    job: &CachedJob<'_>,
    key: &[T],
    next: &[T],
    scores: &mut [f32],
    stride: usize,
) {
    let heads = key.len() / job.size;
    let mut first = 0;
    while first < heads {
        let count = (heads - first).min(HEADS_TOGETHER);
        // Heads beyond the last are the last once more.
        let starts: [usize; HEADS_TOGETHER] = std::array::from_fn(|i| (first + i.min(count - 1)) * job.size);
        let mut sums = [simd.splat(0.0); HEADS_TOGETHER];
        let mut column = 0;
        while column < job.size {
            let lanes = (job.size - column).min(S::LANES);
            for i in 0..HEADS_TOGETHER {
                let at = starts[i] + column;
                // SAFETY: query, key and the next key are heads · size long, and this head has `lanes` columns more.
                unsafe {
                    simd.prefetch(next.as_ptr().add(at).cast());
                    let (query, key) = (job.query.as_ptr().add(at), key.as_ptr().add(at));
                    sums[i] = if lanes == S::LANES {
                        simd.mul_add(simd.load(query), T::load(simd, key), sums[i])
                    } else {
                        let key = T::load_first(simd, key, lanes);
                        simd.mul_add(simd.load_first(query, lanes), key, sums[i])
                    };
                }
            }
            column += S::LANES;
        }
        for (i, sum) in sums.into_iter().enumerate().take(count) {
            scores[(first + i) * stride] = simd.sum(sum);
        }
        first += count;
    }
}

/// `y += Σ scores_j · values[slot_j]` for `N` steps and all heads; returns how many steps that were.
#[inline(always)]
fn weigh<S: Simd, T: Kept, const N: usize>(
    simd: S,
    job: &CachedJob<'_>,
    values: &[T],
    scores: &[f32],
    step: usize,
    y: &mut [f32],
) -> usize {
    let len = job.slots.len();
    let now: [&[T]; N] = std::array::from_fn(|n| job.of_slot(values, job.slots[step + n]));
    let next: [&[T]; N] =
        std::array::from_fn(|n| job.of_slot(values, job.slots[(step + N + n).min(len - 1)]));
    for (head, y) in y.chunks_exact_mut(job.size).enumerate() {
        let weights: [S::F; N] = std::array::from_fn(|n| simd.splat(scores[head * len + step + n]));
        let mut column = 0;
        while column < job.size {
            let lanes = (job.size - column).min(S::LANES);
            let at = head * job.size + column;
            let target = &mut y[column..][..lanes];
            let whole = lanes == S::LANES;
            let mut sum = if whole { load_slice(simd, target) } else { load_start(simd, target) };
            for n in 0..N {
                // SAFETY: a slot's values are heads · size long, and this head has `lanes` columns more.
                unsafe {
                    simd.prefetch(next[n].as_ptr().add(at).cast());
                    let value = now[n].as_ptr().add(at);
                    sum = if whole {
                        simd.mul_add(weights[n], T::load(simd, value), sum)
                    } else {
                        simd.mul_add(weights[n], T::load_first(simd, value, lanes), sum)
                    };
                }
            }
            if whole {
                store_slice(simd, sum, target);
            } else {
                store_start(simd, sum, target);
            }
            column += S::LANES;
        }
    }
    N
}
