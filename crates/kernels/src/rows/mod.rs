//! Kernels over rows of activations: element by element, and with a sum or a maximum over the row.
//!
//! All are safe code over a [`Simd`] token. Sums run over [`STREAMS`] registers side by side, because one addition has to wait for
//! the one before; their order depends on the row's width and the instruction set alone.

pub(crate) mod activate;
pub(crate) mod argmax;
pub(crate) mod norm;
pub(crate) mod round;
pub(crate) mod softmax;

use crate::simd::{Simd, load_slice, load_start, store_slice, store_start};

/// Independent partial sums.
const STREAMS: usize = 4;

/// Replaces every number by `f` of it.
///
/// `f` is a closure marked `#[inline(always)]`: one that is called and not inlined is compiled for the baseline CPU, which made the softmax
/// of a vocabulary 33 times slower.
#[inline(always)]
pub(crate) fn map<S: Simd>(simd: S, row: &mut [f32], f: impl Fn(S, S::F) -> S::F) {
    let mut chunks = row.chunks_exact_mut(S::LANES);
    for chunk in &mut chunks {
        store_slice(simd, f(simd, load_slice(simd, chunk)), chunk);
    }
    let rest = chunks.into_remainder();
    if !rest.is_empty() {
        store_start(simd, f(simd, load_start(simd, rest)), rest);
    }
}

/// `y = f(x, y)`, number by number; both are equally long.
#[inline(always)]
pub(crate) fn zip<S: Simd>(simd: S, x: &[f32], y: &mut [f32], f: impl Fn(S, S::F, S::F) -> S::F) {
    let mut xs = x.chunks_exact(S::LANES);
    let mut ys = y.chunks_exact_mut(S::LANES);
    for (x, y) in (&mut xs).zip(&mut ys) {
        store_slice(simd, f(simd, load_slice(simd, x), load_slice(simd, y)), y);
    }
    let (x, y) = (xs.remainder(), ys.into_remainder());
    if !y.is_empty() {
        store_start(simd, f(simd, load_start(simd, x), load_start(simd, y)), y);
    }
}

/// `y += x`.
#[inline(always)]
pub(crate) fn add<S: Simd>(simd: S, x: &[f32], y: &mut [f32]) {
    zip(simd, x, y, S::add);
}

/// `y = x · y`.
#[inline(always)]
pub(crate) fn multiply<S: Simd>(simd: S, x: &[f32], y: &mut [f32]) {
    zip(simd, x, y, S::mul);
}

/// `Σ term(x)`.
#[inline(always)]
pub(crate) fn sum<S: Simd>(simd: S, row: &[f32], term: impl Fn(S, S::F) -> S::F) -> f32 {
    let mut sums = [simd.splat(0.0); STREAMS];
    let mut chunks = row.chunks_exact(S::LANES * STREAMS);
    for chunk in &mut chunks {
        for (stream, sum) in sums.iter_mut().enumerate() {
            *sum = simd.add(*sum, term(simd, load_slice(simd, &chunk[stream * S::LANES..])));
        }
    }
    let mut chunks = chunks.remainder().chunks_exact(S::LANES);
    for (chunk, sum) in (&mut chunks).zip(&mut sums) {
        *sum = simd.add(*sum, term(simd, load_slice(simd, chunk)));
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        let last = term(simd, load_start(simd, rest));
        sums[STREAMS - 1] = simd.add(sums[STREAMS - 1], first_lanes(simd, last, rest.len()));
    }
    simd.sum(simd.add(simd.add(sums[0], sums[1]), simd.add(sums[2], sums[3])))
}

/// The largest number, −∞ for an empty row; NaN is never the largest.
#[inline(always)]
pub(crate) fn largest<S: Simd>(simd: S, row: &[f32]) -> f32 {
    let mut best = [simd.splat(f32::NEG_INFINITY); STREAMS];
    let mut chunks = row.chunks_exact(S::LANES * STREAMS);
    for chunk in &mut chunks {
        for (stream, best) in best.iter_mut().enumerate() {
            *best = simd.max(load_slice(simd, &chunk[stream * S::LANES..]), *best);
        }
    }
    let best = simd.largest(simd.max(simd.max(best[0], best[1]), simd.max(best[2], best[3])));
    chunks.remainder().iter().fold(best, |best, &x| if x > best { x } else { best })
}

/// `x`, for sums of the numbers themselves.
#[inline(always)]
fn itself<S: Simd>(_: S, x: S::F) -> S::F {
    x
}

/// Zeroes all lanes but the first `count`.
#[inline(always)]
fn first_lanes<S: Simd>(simd: S, x: S::F, count: usize) -> S::F {
    // No register of any level has more lanes.
    let mut lanes = [0.0; 16];
    store_start(simd, x, &mut lanes[..count]);
    load_slice(simd, &lanes)
}
