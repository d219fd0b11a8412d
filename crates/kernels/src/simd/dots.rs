//! Sums of products of whole numbers: weights of eight or four bits with activations of eight, four inputs at a time.
//!
//! ```text
//! sums[lane] += Σ_i w[lane][i] · x[i]      i < 4, exact in 32 bits
//! ```
//!
//! Weights are stored *biased*, as `w + 128` where they have eight bits and `w + 8` where they have four: the instruction that does all
//! this in one go on x86 (`vpdpbusd`) multiplies unsigned by signed numbers. What the bias adds, bias · Σ x, is taken out by the number that the
//! sums start from. Every level reads the same bytes, so that a file of packed weights serves them all.
//!
//! The tokens are apart from those of `Simd`: one level of registers has CPUs with and without instructions for this.

use super::Simd;

/// What is added to a weight of eight bits when it is stored.
pub(crate) const BIAS_EIGHT: u8 = 128;
/// What is added to a weight of four bits when it is stored.
pub(crate) const BIAS_FOUR: u8 = 8;

/// The products of whole numbers of an instruction set. A value proves that the CPU has it.
pub(crate) trait Dots: Copy {
    /// The registers of floats that go with it.
    type Simd: Simd;
    /// A whole number of 32 bits for each of [`Simd::LANES`] lanes, or four of eight.
    type Whole: Copy;
    /// What [`Dots::dot`] takes weights of eight bits to be too large by.
    const EXCESS_EIGHT: i32;

    /// The token, on the caller's word.
    ///
    /// # Safety
    /// The CPU must have the instruction set.
    unsafe fn assume() -> Self;

    /// The token of the registers.
    fn simd(self) -> Self::Simd;

    /// Runs `work`, and all that is inlined into it, compiled for the instruction set.
    fn vectorize<R>(self, work: impl FnOnce() -> R) -> R;

    /// `x` in every lane.
    fn splat(self, x: i32) -> Self::Whole;

    /// Reads eight-bit weights, four for each lane.
    ///
    /// # Safety
    /// `4 · LANES` bytes must be readable at `source`.
    unsafe fn load_eights(self, source: *const u8) -> Self::Whole;

    /// Reads four-bit weights, eight for each lane: the low halves of the bytes, and the high halves. They are too large by [`BIAS_FOUR`].
    ///
    /// # Safety
    /// `4 · LANES` bytes must be readable at `source`.
    unsafe fn load_fours(self, source: *const u8) -> [Self::Whole; 2];

    /// `sums + Σ w · x`, four products a lane; `x` is in −127 … 127.
    fn dot(self, sums: Self::Whole, w: Self::Whole, x: [i8; 4]) -> Self::Whole;

    /// `a + b`, of 32-bit numbers.
    fn add(self, a: Self::Whole, b: Self::Whole) -> Self::Whole;

    /// The nearest floats of 32-bit numbers.
    fn to_floats(self, a: Self::Whole) -> <Self::Simd as Simd>::F;
}
