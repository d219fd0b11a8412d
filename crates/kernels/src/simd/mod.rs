//! One vocabulary for the vector registers of every instruction set.
//!
//! A type that implements [`Simd`] is a *token*: whoever holds a value of it knows that this machine has the instruction
//! set, because the only ways to get one are detection and an `unsafe` promise. Kernels are written once, generic over the token:
//!
//! ```text
//! entry (unsafe fn in a table of pointers, one for each instruction set)
//!   └─ S::vectorize(|| kernel(simd, …))   a function compiled for that instruction set …
//!        └─ kernel::<S>, S::mul_add, …    … into which everything generic is inlined
//! ```
//!
//! Everything generic is therefore `#[inline(always)]`: code that was not inlined into `vectorize` would be
//! compiled for the baseline CPU and run ten times slower (never wrongly).
//!
//! Loads and stores take pointers and are `unsafe`; [`load_slice`], [`load_start`] and their counterparts are the safe forms for
//! row kernels. Read `scalar.rs` next: it says in plain Rust what each operation means.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2_vnni;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
pub(crate) mod dots;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon_dot;
pub(crate) mod scalar;

use half::f16;

/// Lanes of the widest register.
const MOST_LANES: usize = 16;

/// The registers and operations of one instruction set. A value proves that the CPU has it.
///
/// Comparisons follow x86: an order relation with a NaN in it is false.
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    /// A register of [`Simd::LANES`] numbers.
    type F: Copy;
    /// What a comparison of two registers gives: a yes or no for each lane.
    type Mask: Copy;
    /// Numbers in a register.
    const LANES: usize;

    /// The token, on the caller's word.
    ///
    /// # Safety
    /// The CPU must have the instruction set.
    unsafe fn assume() -> Self;

    /// Runs `work`, and all that is inlined into it, compiled for the instruction set.
    fn vectorize<R>(self, work: impl FnOnce() -> R) -> R;

    /// `x` in every lane.
    fn splat(self, x: f32) -> Self::F;

    /// Reads a register.
    ///
    /// # Safety
    /// `LANES` numbers must be readable at `source`.
    unsafe fn load(self, source: *const f32) -> Self::F;

    /// Reads the first `count` lanes, at most `LANES`; the others are zero.
    ///
    /// # Safety
    /// `count` numbers must be readable at `source`.
    unsafe fn load_first(self, source: *const f32, count: usize) -> Self::F;

    /// Reads and widens `LANES` numbers of 16-bit IEEE format.
    ///
    /// # Safety
    /// `LANES` numbers must be readable at `source`.
    unsafe fn load_f16(self, source: *const u16) -> Self::F;

    /// Reads and widens the first `count` lanes, at most `LANES`, of 16-bit IEEE format; the others are zero.
    ///
    /// # Safety
    /// `count` numbers must be readable at `source`.
    #[inline(always)]
    unsafe fn load_f16_first(self, source: *const u16, count: usize) -> Self::F {
        let mut all = [0; MOST_LANES];
        // SAFETY: the caller promises `count` readable numbers, of which no more than a register's are taken.
        unsafe {
            std::ptr::copy_nonoverlapping(source, all.as_mut_ptr(), count.min(Self::LANES));
            self.load_f16(all.as_ptr())
        }
    }

    /// Writes a register rounded to 16-bit IEEE format; beyond 65504 that is infinity.
    ///
    /// # Safety
    /// `LANES` numbers must be writable at `target`.
    #[inline(always)]
    unsafe fn store_f16(self, x: Self::F, target: *mut u16) {
        let mut wide = [0.0; MOST_LANES];
        // SAFETY: the array holds the widest register, and the caller promises LANES writable numbers.
        unsafe {
            self.store(x, wide.as_mut_ptr());
            for (lane, x) in wide.iter().enumerate().take(Self::LANES) {
                target.add(lane).write_unaligned(f16::from_f32_const(*x).to_bits());
            }
        }
    }

    /// Reads and widens `LANES` numbers of bfloat16 format.
    ///
    /// # Safety
    /// `LANES` numbers must be readable at `source`.
    unsafe fn load_bf16(self, source: *const u16) -> Self::F;

    /// Tells the CPU that the cache line at an address, which may be any, will be read before long: it should come to the second-level cache.
    #[inline(always)]
    fn prefetch(self, _: *const u8) {}

    /// Writes a register.
    ///
    /// # Safety
    /// `LANES` numbers must be writable at `target`.
    unsafe fn store(self, x: Self::F, target: *mut f32);

    /// Writes the first `count` lanes, at most `LANES`.
    ///
    /// # Safety
    /// `count` numbers must be writable at `target`.
    unsafe fn store_first(self, x: Self::F, target: *mut f32, count: usize);

    /// `a + b`.
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a - b`.
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a · b`.
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`.
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a · b + c`, rounded once (the scalar level rounds twice).
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `a > b ? a : b`: `b` where either is NaN.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a < b ? a : b`: `b` where either is NaN.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// The absolute value.
    fn abs(self, a: Self::F) -> Self::F;
    /// `magnitude`'s absolute value with the sign of `sign`.
    fn copy_sign(self, magnitude: Self::F, sign: Self::F) -> Self::F;
    /// `2^n` for whole numbers `n` in −126 … 127.
    fn exp2_whole(self, n: Self::F) -> Self::F;

    /// `a < b`, lane by lane.
    fn less(self, a: Self::F, b: Self::F) -> Self::Mask;
    /// `a == b`, lane by lane.
    fn equal(self, a: Self::F, b: Self::F) -> Self::Mask;
    /// `mask ? yes : no`, lane by lane.
    fn select(self, mask: Self::Mask, yes: Self::F, no: Self::F) -> Self::F;
    /// The first lane that says yes.
    fn first(self, mask: Self::Mask) -> Option<usize>;

    /// The sum of all lanes, in an order that depends on the instruction set alone.
    fn sum(self, a: Self::F) -> f32;
    /// The largest lane; NaN lanes are skipped where another is larger than −∞.
    fn largest(self, a: Self::F) -> f32;
}

/// The first `LANES` numbers of a slice.
#[inline(always)]
pub(crate) fn load_slice<S: Simd>(simd: S, source: &[f32]) -> S::F {
    assert!(source.len() >= S::LANES);
    // SAFETY: the slice is long enough.
    unsafe { simd.load(source.as_ptr()) }
}

/// A slice of at most `LANES` numbers, filled up with zeros.
#[inline(always)]
pub(crate) fn load_start<S: Simd>(simd: S, source: &[f32]) -> S::F {
    // SAFETY: no more than the slice's numbers are read.
    unsafe { simd.load_first(source.as_ptr(), source.len().min(S::LANES)) }
}

/// Writes a register over the first `LANES` numbers of a slice.
#[inline(always)]
pub(crate) fn store_slice<S: Simd>(simd: S, x: S::F, target: &mut [f32]) {
    assert!(target.len() >= S::LANES);
    // SAFETY: the slice is long enough.
    unsafe { simd.store(x, target.as_mut_ptr()) }
}

/// Writes as many lanes as the slice has numbers, at most `LANES`.
#[inline(always)]
pub(crate) fn store_start<S: Simd>(simd: S, x: S::F, target: &mut [f32]) {
    // SAFETY: no more than the slice's numbers are written.
    unsafe { simd.store_first(x, target.as_mut_ptr(), target.len().min(S::LANES)) }
}
