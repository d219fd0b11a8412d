//! The portable level: four lanes in plain Rust, which the compiler maps to whatever every CPU of the family has.
//!
//! It is also the definition: what an operation means is what it does here. One difference is allowed: `mul_add` rounds
//! twice, because a fused one without hardware is a library call.

use half::{bf16, f16};

use super::Simd;
use super::dots::{BIAS_EIGHT, Dots};

/// The token of the portable level, which every CPU has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scalar;

const LANES: usize = 4;

#[inline(always)]
fn map(a: [f32; LANES], f: impl Fn(f32) -> f32) -> [f32; LANES] {
    std::array::from_fn(|i| f(a[i]))
}

#[inline(always)]
fn zip(a: [f32; LANES], b: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

impl Simd for Scalar {
    type F = [f32; LANES];
    type Mask = [bool; LANES];
    const LANES: usize = LANES;

    #[inline(always)]
    unsafe fn assume() -> Self {
        Scalar
    }

    #[inline(always)]
    fn vectorize<R>(self, work: impl FnOnce() -> R) -> R {
        work()
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self::F {
        [x; LANES]
    }

    #[inline(always)]
    unsafe fn load(self, source: *const f32) -> Self::F {
        // SAFETY: the caller promises LANES readable numbers.
        unsafe { source.cast::<Self::F>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn load_first(self, source: *const f32, count: usize) -> Self::F {
        // SAFETY: the caller promises `count` readable numbers.
        std::array::from_fn(|i| if i < count { unsafe { *source.add(i) } } else { 0.0 })
    }

    #[inline(always)]
    unsafe fn load_f16(self, source: *const u16) -> Self::F {
        // SAFETY: the caller promises LANES readable numbers.
        std::array::from_fn(|i| f16::from_bits(unsafe { source.add(i).read_unaligned() }).to_f32_const())
    }

    #[inline(always)]
    unsafe fn load_bf16(self, source: *const u16) -> Self::F {
        // SAFETY: the caller promises LANES readable numbers.
        std::array::from_fn(|i| bf16::from_bits(unsafe { source.add(i).read_unaligned() }).to_f32_const())
    }

    #[inline(always)]
    unsafe fn store(self, x: Self::F, target: *mut f32) {
        // SAFETY: the caller promises LANES writable numbers.
        unsafe { target.cast::<Self::F>().write_unaligned(x) }
    }

    #[inline(always)]
    unsafe fn store_first(self, x: Self::F, target: *mut f32, count: usize) {
        for (i, x) in x.into_iter().enumerate().take(count) {
            // SAFETY: the caller promises `count` writable numbers.
            unsafe { *target.add(i) = x }
        }
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, |a, b| a / b)
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        map(a, f32::abs)
    }

    #[inline(always)]
    fn copy_sign(self, magnitude: Self::F, sign: Self::F) -> Self::F {
        zip(magnitude, sign, f32::copysign)
    }

    #[inline(always)]
    fn exp2_whole(self, n: Self::F) -> Self::F {
        map(n, |n| f32::from_bits(((n as i32).wrapping_add(127) as u32) << 23))
    }

    #[inline(always)]
    fn less(self, a: Self::F, b: Self::F) -> Self::Mask {
        std::array::from_fn(|i| a[i] < b[i])
    }

    #[inline(always)]
    fn equal(self, a: Self::F, b: Self::F) -> Self::Mask {
        std::array::from_fn(|i| a[i] == b[i])
    }

    #[inline(always)]
    fn select(self, mask: Self::Mask, yes: Self::F, no: Self::F) -> Self::F {
        std::array::from_fn(|i| if mask[i] { yes[i] } else { no[i] })
    }

    #[inline(always)]
    fn first(self, mask: Self::Mask) -> Option<usize> {
        mask.into_iter().position(|yes| yes)
    }

    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        (a[0] + a[2]) + (a[1] + a[3])
    }

    #[inline(always)]
    fn largest(self, a: Self::F) -> f32 {
        a.into_iter().fold(f32::NEG_INFINITY, |best, x| if x > best { x } else { best })
    }
}

impl Dots for Scalar {
    type Simd = Scalar;
    type Whole = [[u8; 4]; LANES];
    const EXCESS_EIGHT: i32 = BIAS_EIGHT as i32;

    #[inline(always)]
    unsafe fn assume() -> Self {
        Scalar
    }

    #[inline(always)]
    fn simd(self) -> Scalar {
        self
    }

    #[inline(always)]
    fn vectorize<R>(self, work: impl FnOnce() -> R) -> R {
        work()
    }

    #[inline(always)]
    fn splat(self, x: i32) -> Self::Whole {
        [x.to_ne_bytes(); LANES]
    }

    #[inline(always)]
    unsafe fn load_eights(self, source: *const u8) -> Self::Whole {
        // SAFETY: the caller promises 4 · LANES readable bytes.
        unsafe { source.cast::<Self::Whole>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn load_fours(self, source: *const u8) -> [Self::Whole; 2] {
        // SAFETY: the caller promises 4 · LANES readable bytes.
        let both = unsafe { self.load_eights(source) };
        [both.map(|lane| lane.map(|byte| byte & 15)), both.map(|lane| lane.map(|byte| byte >> 4))]
    }

    #[inline(always)]
    fn dot(self, sums: Self::Whole, w: Self::Whole, x: [i8; 4]) -> Self::Whole {
        std::array::from_fn(|lane| {
            let products = (0..4).map(|i| i32::from(w[lane][i]) * i32::from(x[i]));
            (i32::from_ne_bytes(sums[lane]) + products.sum::<i32>()).to_ne_bytes()
        })
    }

    #[inline(always)]
    fn add(self, a: Self::Whole, b: Self::Whole) -> Self::Whole {
        std::array::from_fn(|lane| (i32::from_ne_bytes(a[lane]) + i32::from_ne_bytes(b[lane])).to_ne_bytes())
    }

    #[inline(always)]
    fn to_floats(self, a: Self::Whole) -> [f32; LANES] {
        a.map(|lane| i32::from_ne_bytes(lane) as f32)
    }
}
