//! The index of the largest number: one pass for the value, one for the first place that holds it.

use super::largest;
use crate::simd::{Simd, load_slice};

/// The index of the largest number, the first of equals; 0 where there is none (nothing above −∞).
#[inline(always)]
pub(crate) fn argmax<S: Simd>(simd: S, row: &[f32]) -> usize {
    let best = largest(simd, row);
    if best == f32::NEG_INFINITY {
        return 0;
    }
    let wanted = simd.splat(best);
    let mut chunks = row.chunks_exact(S::LANES);
    for (i, chunk) in (&mut chunks).enumerate() {
        if let Some(lane) = simd.first(simd.equal(load_slice(simd, chunk), wanted)) {
            return i * S::LANES + lane;
        }
    }
    let rest = chunks.remainder();
    rest.iter().position(|&x| x == best).map_or(0, |i| row.len() - rest.len() + i)
}
