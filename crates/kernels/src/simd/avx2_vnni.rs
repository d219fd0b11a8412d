//! Products of whole numbers in the registers of AVX2, by the one instruction that was made for them.
//!
//! It has two encodings: a short one of its own, AVX-VNNI (Intel since Alder Lake, AMD since Zen 5), and a long one that is part of AVX-512. CPUs
//! with the long one have wider registers, which are faster; here it lets machines with AVX-512 test what those without will run.

use std::arch::x86_64::*;

use super::avx2::Avx2;
use super::dots::{BIAS_EIGHT, Dots};

/// Proof that the CPU has what [`Avx2`] proves and AVX-VNNI, or where `LONG`, AVX-512 VNNI for registers of 256 bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2Vnni<const LONG: bool>(Avx2);

impl<const LONG: bool> Avx2Vnni<LONG> {
    /// The token, where the machine has the instruction set.
    pub(crate) fn detect() -> Option<Self> {
        let has_it = if LONG {
            is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni")
        } else {
            is_x86_feature_detected!("avxvnni")
        };
        Avx2::detect().filter(|_| has_it).map(Self)
    }
}

#[target_feature(enable = "avx2,fma,f16c,avxvnni")]
fn compiled_for_short<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512vl,avx512vnni")]
fn compiled_for_long<R>(work: impl FnOnce() -> R) -> R {
    work()
}

impl<const LONG: bool> Dots for Avx2Vnni<LONG> {
    type Simd = Avx2;
    type Whole = __m256i;
    const EXCESS_EIGHT: i32 = BIAS_EIGHT as i32;

    #[inline(always)]
    unsafe fn assume() -> Self {
        // SAFETY: promised by the caller.
        Self(unsafe { Dots::assume() })
    }

    #[inline(always)]
    fn simd(self) -> Avx2 {
        self.0
    }

    #[inline(always)]
    fn vectorize<R>(self, work: impl FnOnce() -> R) -> R {
        // SAFETY: the token proves that the CPU has what the function is compiled for.
        unsafe { if LONG { compiled_for_long(work) } else { compiled_for_short(work) } }
    }

    #[inline(always)]
    unsafe fn load_eights(self, source: *const u8) -> __m256i {
        // SAFETY: the caller promises 32 readable bytes, the token the instruction.
        unsafe { _mm256_loadu_si256(source.cast()) }
    }

    #[inline(always)]
    unsafe fn load_fours(self, source: *const u8) -> [__m256i; 2] {
        // SAFETY: promised by the caller.
        unsafe { self.0.load_fours(source) }
    }

    #[inline(always)]
    fn splat(self, x: i32) -> __m256i {
        Dots::splat(self.0, x)
    }

    #[inline(always)]
    fn dot(self, sums: __m256i, w: __m256i, x: [i8; 4]) -> __m256i {
        // SAFETY: the token proves that the CPU has the instruction, and it touches registers only.
        unsafe {
            let x = _mm256_set1_epi32(i32::from_ne_bytes(x.map(|x| x as u8)));
            if LONG { _mm256_dpbusd_epi32(sums, w, x) } else { _mm256_dpbusd_avx_epi32(sums, w, x) }
        }
    }

    #[inline(always)]
    fn add(self, a: __m256i, b: __m256i) -> __m256i {
        Dots::add(self.0, a, b)
    }

    #[inline(always)]
    fn to_floats(self, a: __m256i) -> __m256 {
        self.0.to_floats(a)
    }
}
