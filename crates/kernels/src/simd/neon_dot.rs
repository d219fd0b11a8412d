//! Products of whole numbers on ARM by the one instruction that was made for them (`sdot`): Apple's M1 and later, Neoverse, Cortex-A76 and later.

use std::arch::aarch64::*;
use std::arch::asm;

use super::dots::Dots;
use super::neon::Neon;

/// Proof that the CPU has what [`Neon`] proves and dot products of bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NeonDot(Neon);

impl NeonDot {
    /// The token, where the machine has the instruction set.
    pub(crate) fn detect() -> Option<Self> {
        Neon::detect().filter(|_| std::arch::is_aarch64_feature_detected!("dotprod")).map(Self)
    }
}

#[target_feature(enable = "neon,dotprod")]
fn compiled_for_dotprod<R>(work: impl FnOnce() -> R) -> R {
    work()
}

impl Dots for NeonDot {
    type Simd = Neon;
    type Whole = int32x4_t;
    const EXCESS_EIGHT: i32 = <Neon as Dots>::EXCESS_EIGHT;

    #[inline(always)]
    unsafe fn assume() -> Self {
        // SAFETY: promised by the caller.
        Self(unsafe { Dots::assume() })
    }

    #[inline(always)]
    fn simd(self) -> Neon {
        self.0
    }

    #[inline(always)]
    fn vectorize<R>(self, work: impl FnOnce() -> R) -> R {
        // SAFETY: the token proves that the CPU has what the function is compiled for.
        unsafe { compiled_for_dotprod(work) }
    }

    #[inline(always)]
    unsafe fn load_eights(self, source: *const u8) -> int32x4_t {
        // SAFETY: promised by the caller.
        unsafe { self.0.load_eights(source) }
    }

    #[inline(always)]
    unsafe fn load_fours(self, source: *const u8) -> [int32x4_t; 2] {
        // SAFETY: promised by the caller.
        unsafe { self.0.load_fours(source) }
    }

    #[inline(always)]
    fn splat(self, x: i32) -> int32x4_t {
        Dots::splat(self.0, x)
    }

    /// As an instruction, because the intrinsic is not stable yet.
    #[inline(always)]
    fn dot(self, mut sums: int32x4_t, w: int32x4_t, x: [i8; 4]) -> int32x4_t {
        // SAFETY: the token proves that the CPU has the instruction, and it touches registers only.
        unsafe {
            let x = vdupq_n_s32(i32::from_ne_bytes(x.map(|x| x as u8)));
            asm!(
                "sdot {sums:v}.4s, {w:v}.16b, {x:v}.16b",
                sums = inout(vreg) sums,
                w = in(vreg) w,
                x = in(vreg) x,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        sums
    }

    #[inline(always)]
    fn add(self, a: int32x4_t, b: int32x4_t) -> int32x4_t {
        Dots::add(self.0, a, b)
    }

    #[inline(always)]
    fn to_floats(self, a: int32x4_t) -> float32x4_t {
        self.0.to_floats(a)
    }
}
