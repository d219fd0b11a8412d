//! The number formats in which keys and values are kept.
//!
//! Exact ones cost what they cost: a step of sixteen rows may read more keys and values than weights. Networks whose weights are rounded to
//! eight bits anyway keep theirs in sixteen.

use crate::Kernels;
use crate::matrix::tile::{HalfBits, Weight};
use crate::memory::{Number, Numbers};
use crate::simd::Simd;

/// How keys and values are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// As they were computed, in `f32`.
    #[default]
    Exact,
    /// Rounded to 16-bit IEEE format; what is beyond its range becomes its largest number.
    Rounded,
}

/// A number format of kept keys and values.
pub(crate) trait Kept: Weight + Number + Send + Sync + 'static {
    /// The number zero.
    const ZERO: Self;

    /// Rounds numbers to the format; both are equally long.
    fn round(kernels: &Kernels, x: &[f32], y: &mut [Self]);

    /// Loads and widens the first `count` lanes, at most `LANES`; the others are zero.
    ///
    /// # Safety
    /// `count` numbers must be readable at `source`.
    unsafe fn load_first<S: Simd>(simd: S, source: *const Self, count: usize) -> S::F;
}

impl Kept for f32 {
    const ZERO: Self = 0.0;

    fn round(_: &Kernels, x: &[f32], y: &mut [f32]) {
        y.copy_from_slice(x);
    }

    #[inline(always)]
    unsafe fn load_first<S: Simd>(simd: S, source: *const f32, count: usize) -> S::F {
        // SAFETY: as the caller promises.
        unsafe { simd.load_first(source, count) }
    }
}

// SAFETY: sixteen bits of a number.
unsafe impl Number for HalfBits {}

impl Kept for HalfBits {
    const ZERO: Self = HalfBits(0);

    fn round(kernels: &Kernels, x: &[f32], y: &mut [HalfBits]) {
        kernels.round_to_f16(x, y);
    }

    #[inline(always)]
    unsafe fn load_first<S: Simd>(simd: S, source: *const HalfBits, count: usize) -> S::F {
        // SAFETY: as the caller promises.
        unsafe { simd.load_f16_first(source.cast(), count) }
    }
}

/// Keys and values of one format.
#[derive(Debug)]
pub(crate) struct Pair<T> {
    pub(crate) keys: Numbers<T>,
    pub(crate) values: Numbers<T>,
}

/// Keys and values in the format that was asked for.
#[derive(Debug)]
pub(crate) enum Stored {
    Exact(Pair<f32>),
    Rounded(Pair<HalfBits>),
}

impl Stored {
    pub(crate) fn new(keep: Keep) -> Self {
        match keep {
            Keep::Exact => Self::Exact(Pair { keys: Numbers::new(), values: Numbers::new() }),
            Keep::Rounded => Self::Rounded(Pair { keys: Numbers::new(), values: Numbers::new() }),
        }
    }
}
