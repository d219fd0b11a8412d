//! NEON, which every 64-bit ARM CPU has: four lanes, 32 registers.

use std::arch::aarch64::*;
use std::arch::asm;

use super::Simd;
use super::dots::{BIAS_EIGHT, Dots};

/// Proof that the CPU has NEON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Neon(());

impl Neon {
    /// The token, where the machine has the instruction set.
    pub(crate) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }
}

#[target_feature(enable = "neon")]
fn compiled_for_neon<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// Defines operations on registers: each is one expression of intrinsics.
macro_rules! operations {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $result:ty = $body:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($argument: $kind),*) -> $result {
            // SAFETY: the token proves that the CPU has these instructions, and they touch registers only.
            unsafe { $body }
        }
    )*};
}

impl Simd for Neon {
    type F = float32x4_t;
    type Mask = uint32x4_t;
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn assume() -> Self {
        Self(())
    }

    #[inline(always)]
    fn vectorize<R>(self, work: impl FnOnce() -> R) -> R {
        // SAFETY: the token proves that the CPU has what the function is compiled for.
        unsafe { compiled_for_neon(work) }
    }

    #[inline(always)]
    unsafe fn load(self, source: *const f32) -> float32x4_t {
        // SAFETY: the caller promises 4 readable numbers, the token the instruction.
        unsafe { vld1q_f32(source) }
    }

    #[inline(always)]
    unsafe fn load_first(self, source: *const f32, count: usize) -> float32x4_t {
        let mut lanes = [0.0; 4];
        // SAFETY: the caller promises `count` readable numbers, at most 4, and the array has room for them.
        unsafe {
            std::ptr::copy_nonoverlapping(source, lanes.as_mut_ptr(), count);
            vld1q_f32(lanes.as_ptr())
        }
    }

    #[inline(always)]
    unsafe fn load_f16(self, source: *const u16) -> float32x4_t {
        // SAFETY: the caller promises 4 readable numbers; `fcvtl` belongs to the baseline of 64-bit ARM and touches registers
        // only (its intrinsic is not stable yet).
        unsafe {
            let narrow = vld1_u16(source);
            let wide: float32x4_t;
            asm!("fcvtl {wide:v}.4s, {narrow:v}.4h", wide = lateout(vreg) wide, narrow = in(vreg) narrow,
                options(pure, nomem, nostack, preserves_flags));
            wide
        }
    }

    #[inline(always)]
    unsafe fn load_bf16(self, source: *const u16) -> float32x4_t {
        // SAFETY: the caller promises 4 readable numbers, the token the instructions.
        unsafe { vreinterpretq_f32_u32(vshll_n_u16::<16>(vld1_u16(source))) }
    }

    #[inline(always)]
    fn prefetch(self, at: *const u8) {
        // SAFETY: the instruction touches nothing, whatever the address.
        unsafe {
            asm!("prfm pldl2keep, [{at}]", at = in(reg) at, options(nostack, readonly, preserves_flags))
        }
    }

    #[inline(always)]
    unsafe fn store(self, x: float32x4_t, target: *mut f32) {
        // SAFETY: the caller promises 4 writable numbers, the token the instruction.
        unsafe { vst1q_f32(target, x) }
    }

    #[inline(always)]
    unsafe fn store_first(self, x: float32x4_t, target: *mut f32, count: usize) {
        let mut lanes = [0.0; 4];
        // SAFETY: the caller promises `count` writable numbers, at most 4, and the array has as many.
        unsafe {
            vst1q_f32(lanes.as_mut_ptr(), x);
            std::ptr::copy_nonoverlapping(lanes.as_ptr(), target, count);
        }
    }

    operations! {
        splat(x: f32) -> float32x4_t = vdupq_n_f32(x);
        add(a: float32x4_t, b: float32x4_t) -> float32x4_t = vaddq_f32(a, b);
        sub(a: float32x4_t, b: float32x4_t) -> float32x4_t = vsubq_f32(a, b);
        mul(a: float32x4_t, b: float32x4_t) -> float32x4_t = vmulq_f32(a, b);
        div(a: float32x4_t, b: float32x4_t) -> float32x4_t = vdivq_f32(a, b);
        mul_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t = vfmaq_f32(c, a, b);
        max(a: float32x4_t, b: float32x4_t) -> float32x4_t = vbslq_f32(vcgtq_f32(a, b), a, b);
        min(a: float32x4_t, b: float32x4_t) -> float32x4_t = vbslq_f32(vcltq_f32(a, b), a, b);
        abs(a: float32x4_t) -> float32x4_t = vabsq_f32(a);
        copy_sign(magnitude: float32x4_t, sign: float32x4_t) -> float32x4_t =
            vbslq_f32(vdupq_n_u32(0x8000_0000), sign, magnitude);
        exp2_whole(n: float32x4_t) -> float32x4_t = {
            let exponent = vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127));
            vreinterpretq_f32_s32(vshlq_n_s32::<23>(exponent))
        };
        less(a: float32x4_t, b: float32x4_t) -> uint32x4_t = vcltq_f32(a, b);
        equal(a: float32x4_t, b: float32x4_t) -> uint32x4_t = vceqq_f32(a, b);
        select(mask: uint32x4_t, yes: float32x4_t, no: float32x4_t) -> float32x4_t = vbslq_f32(mask, yes, no);
        first(mask: uint32x4_t) -> Option<usize> = {
            let bits = vget_lane_u64::<0>(vreinterpret_u64_u16(vmovn_u32(mask)));
            (bits != 0).then(|| bits.trailing_zeros() as usize / 16)
        };
        sum(a: float32x4_t) -> f32 = {
            let pair = vadd_f32(vget_low_f32(a), vget_high_f32(a));
            vget_lane_f32::<0>(pair) + vget_lane_f32::<1>(pair)
        };
        largest(a: float32x4_t) -> f32 = {
            let lowest = vdupq_n_f32(f32::NEG_INFINITY);
            vmaxvq_f32(vbslq_f32(vcgtq_f32(a, lowest), a, lowest))
        };
    }
}

impl Dots for Neon {
    type Simd = Neon;
    type Whole = int32x4_t;
    /// The bias is taken out when weights are loaded: NEON multiplies bytes of one kind only.
    const EXCESS_EIGHT: i32 = 0;

    #[inline(always)]
    unsafe fn assume() -> Self {
        Self(())
    }

    #[inline(always)]
    fn simd(self) -> Neon {
        self
    }

    #[inline(always)]
    fn vectorize<R>(self, work: impl FnOnce() -> R) -> R {
        // SAFETY: the token proves that the CPU has what the function is compiled for.
        unsafe { compiled_for_neon(work) }
    }

    #[inline(always)]
    unsafe fn load_eights(self, source: *const u8) -> int32x4_t {
        // SAFETY: the caller promises 16 readable bytes, the token the instructions.
        unsafe { vreinterpretq_s32_u8(veorq_u8(vld1q_u8(source), vdupq_n_u8(BIAS_EIGHT))) }
    }

    #[inline(always)]
    unsafe fn load_fours(self, source: *const u8) -> [int32x4_t; 2] {
        // SAFETY: the caller promises 16 readable bytes, the token the instructions.
        unsafe {
            let both = vld1q_u8(source);
            [
                vreinterpretq_s32_u8(vandq_u8(both, vdupq_n_u8(15))),
                vreinterpretq_s32_u8(vshrq_n_u8::<4>(both)),
            ]
        }
    }

    operations! {
        splat(x: i32) -> int32x4_t = vdupq_n_s32(x);
        // Weights are at least −127, so the sum of two products fits 16 bits.
        dot(sums: int32x4_t, w: int32x4_t, x: [i8; 4]) -> int32x4_t = {
            let w = vreinterpretq_s8_s32(w);
            let x = vreinterpretq_s8_s32(vdupq_n_s32(i32::from_ne_bytes(x.map(|x| x as u8))));
            let (low, high) = (vmull_s8(vget_low_s8(w), vget_low_s8(x)), vmull_high_s8(w, x));
            vpadalq_s16(sums, vpaddq_s16(low, high))
        };
        add(a: int32x4_t, b: int32x4_t) -> int32x4_t = vaddq_s32(a, b);
        to_floats(a: int32x4_t) -> float32x4_t = vcvtq_f32_s32(a);
    }
}
