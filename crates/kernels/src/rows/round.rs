//! Rounding to 16 bits.

use half::f16;

use crate::matrix::tile::HalfBits;
use crate::simd::{Simd, load_slice};

/// The largest number of the 16-bit IEEE format.
const LARGEST: f32 = 65504.0;

/// Rounds to the nearest number of 16-bit IEEE format, and to its largest what is beyond; NaN stays. Both are equally long.
#[inline(always)]
pub(crate) fn round_to_f16<S: Simd>(simd: S, x: &[f32], y: &mut [HalfBits]) {
    let (most, least) = (simd.splat(LARGEST), simd.splat(-LARGEST));
    let (mut xs, mut ys) = (x.chunks_exact(S::LANES), y.chunks_exact_mut(S::LANES));
    for (x, y) in (&mut xs).zip(&mut ys) {
        // The bound first: of a NaN and a number, the second argument is what remains.
        let x = simd.max(least, simd.min(most, load_slice(simd, x)));
        // SAFETY: `y` is a register of numbers.
        unsafe { simd.store_f16(x, y.as_mut_ptr().cast()) };
    }
    for (x, y) in xs.remainder().iter().zip(ys.into_remainder()) {
        *y = HalfBits(f16::from_f32_const(x.clamp(-LARGEST, LARGEST)).to_bits());
    }
}
