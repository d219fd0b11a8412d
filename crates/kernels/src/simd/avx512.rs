//! AVX-512 (F, BW, VL, DQ) with FMA and F16C: sixteen lanes, 32 registers, a mask for every tail.

use std::arch::x86_64::*;

use super::Simd;
use super::dots::{BIAS_EIGHT, Dots};

/// Proof that the CPU has AVX-512 F, BW, VL and DQ, AVX2, FMA and F16C.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// The token, where the machine has the instruction set.
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c"))
        .then_some(Self(()))
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
fn compiled_for_avx512<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[inline(always)]
fn first_lanes(count: usize) -> __mmask16 {
    ((1_u32 << count) - 1) as __mmask16
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

impl Simd for Avx512 {
    type F = __m512;
    type Mask = __mmask16;
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn assume() -> Self {
        Self(())
    }

    #[inline(always)]
    fn vectorize<R>(self, work: impl FnOnce() -> R) -> R {
        // SAFETY: the token proves that the CPU has what the function is compiled for.
        unsafe { compiled_for_avx512(work) }
    }

    #[inline(always)]
    unsafe fn load(self, source: *const f32) -> __m512 {
        // SAFETY: the caller promises 16 readable numbers, the token the instruction.
        unsafe { _mm512_loadu_ps(source) }
    }

    #[inline(always)]
    unsafe fn load_first(self, source: *const f32, count: usize) -> __m512 {
        // SAFETY: the caller promises `count` readable numbers; masked lanes are not touched.
        unsafe { _mm512_maskz_loadu_ps(first_lanes(count), source) }
    }

    #[inline(always)]
    unsafe fn load_f16(self, source: *const u16) -> __m512 {
        // SAFETY: the caller promises 16 readable numbers, the token the instructions.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(source.cast())) }
    }

    #[inline(always)]
    unsafe fn load_f16_first(self, source: *const u16, count: usize) -> __m512 {
        // SAFETY: the caller promises `count` readable numbers, the token the instructions; masked lanes are not touched.
        unsafe { _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_lanes(count), source.cast())) }
    }

    #[inline(always)]
    unsafe fn store_f16(self, x: __m512, target: *mut u16) {
        // SAFETY: the caller promises 16 writable numbers, the token the instructions.
        unsafe {
            let narrow = _mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
            _mm256_storeu_si256(target.cast(), narrow);
        }
    }

    #[inline(always)]
    unsafe fn load_bf16(self, source: *const u16) -> __m512 {
        // SAFETY: the caller promises 16 readable numbers, the token the instructions.
        unsafe {
            let wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(source.cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(wide))
        }
    }

    #[inline(always)]
    fn prefetch(self, at: *const u8) {
        // SAFETY: every x86 of 64 bits has the instruction, and it touches nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, x: __m512, target: *mut f32) {
        // SAFETY: the caller promises 16 writable numbers, the token the instruction.
        unsafe { _mm512_storeu_ps(target, x) }
    }

    #[inline(always)]
    unsafe fn store_first(self, x: __m512, target: *mut f32, count: usize) {
        // SAFETY: the caller promises `count` writable numbers; masked lanes are not touched.
        unsafe { _mm512_mask_storeu_ps(target, first_lanes(count), x) }
    }

    #[inline(always)]
    fn first(self, mask: __mmask16) -> Option<usize> {
        (mask != 0).then(|| mask.trailing_zeros() as usize)
    }

    operations! {
        splat(x: f32) -> __m512 = _mm512_set1_ps(x);
        add(a: __m512, b: __m512) -> __m512 = _mm512_add_ps(a, b);
        sub(a: __m512, b: __m512) -> __m512 = _mm512_sub_ps(a, b);
        mul(a: __m512, b: __m512) -> __m512 = _mm512_mul_ps(a, b);
        div(a: __m512, b: __m512) -> __m512 = _mm512_div_ps(a, b);
        mul_add(a: __m512, b: __m512, c: __m512) -> __m512 = _mm512_fmadd_ps(a, b, c);
        max(a: __m512, b: __m512) -> __m512 = _mm512_max_ps(a, b);
        min(a: __m512, b: __m512) -> __m512 = _mm512_min_ps(a, b);
        abs(a: __m512) -> __m512 = _mm512_abs_ps(a);
        copy_sign(magnitude: __m512, sign: __m512) -> __m512 = {
            let sign_bit = _mm512_set1_ps(-0.0);
            _mm512_or_ps(_mm512_andnot_ps(sign_bit, magnitude), _mm512_and_ps(sign_bit, sign))
        };
        exp2_whole(n: __m512) -> __m512 = {
            let exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(exponent))
        };
        less(a: __m512, b: __m512) -> __mmask16 = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b);
        equal(a: __m512, b: __m512) -> __mmask16 = _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b);
        select(mask: __mmask16, yes: __m512, no: __m512) -> __m512 = _mm512_mask_blend_ps(mask, no, yes);
        sum(a: __m512) -> f32 = {
            let half = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps::<1>(a));
            let quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps::<1>(half));
            let pair = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
            _mm_cvtss_f32(_mm_add_ss(pair, _mm_shuffle_ps::<1>(pair, pair)))
        };
        largest(a: __m512) -> f32 = {
            let lowest = _mm512_set1_ps(f32::NEG_INFINITY);
            let a = _mm512_max_ps(a, lowest);
            let half = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps::<1>(a));
            let quarter = _mm_max_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps::<1>(half));
            let pair = _mm_max_ps(quarter, _mm_movehl_ps(quarter, quarter));
            _mm_cvtss_f32(_mm_max_ss(pair, _mm_shuffle_ps::<1>(pair, pair)))
        };
    }
}

/// Proof that the CPU has AVX-512 VNNI besides what [`Avx512`] proves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512Vnni(Avx512);

impl Avx512Vnni {
    /// The token, where the machine has the instruction set.
    pub(crate) fn detect() -> Option<Self> {
        Avx512::detect().filter(|_| is_x86_feature_detected!("avx512vnni")).map(Self)
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
fn compiled_for_vnni<R>(work: impl FnOnce() -> R) -> R {
    work()
}

impl Dots for Avx512Vnni {
    type Simd = Avx512;
    type Whole = __m512i;
    const EXCESS_EIGHT: i32 = BIAS_EIGHT as i32;

    #[inline(always)]
    unsafe fn assume() -> Self {
        Self(Avx512(()))
    }

    #[inline(always)]
    fn simd(self) -> Avx512 {
        self.0
    }

    #[inline(always)]
    fn vectorize<R>(self, work: impl FnOnce() -> R) -> R {
        // SAFETY: the token proves that the CPU has what the function is compiled for.
        unsafe { compiled_for_vnni(work) }
    }

    #[inline(always)]
    unsafe fn load_eights(self, source: *const u8) -> __m512i {
        // SAFETY: the caller promises 64 readable bytes, the token the instruction.
        unsafe { _mm512_loadu_si512(source.cast()) }
    }

    #[inline(always)]
    unsafe fn load_fours(self, source: *const u8) -> [__m512i; 2] {
        // SAFETY: the caller promises 64 readable bytes, the token the instructions.
        unsafe {
            let both = _mm512_loadu_si512(source.cast());
            let low = _mm512_set1_epi8(15);
            [_mm512_and_si512(both, low), _mm512_and_si512(_mm512_srli_epi16::<4>(both), low)]
        }
    }

    operations! {
        splat(x: i32) -> __m512i = _mm512_set1_epi32(x);
        dot(sums: __m512i, w: __m512i, x: [i8; 4]) -> __m512i =
            _mm512_dpbusd_epi32(sums, w, _mm512_set1_epi32(i32::from_ne_bytes(x.map(|x| x as u8))));
        add(a: __m512i, b: __m512i) -> __m512i = _mm512_add_epi32(a, b);
        to_floats(a: __m512i) -> __m512 = _mm512_cvtepi32_ps(a);
    }
}
