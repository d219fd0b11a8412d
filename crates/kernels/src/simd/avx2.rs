//! AVX2 with FMA and F16C (every x86 server and laptop since 2013): eight lanes, 16 registers.

use std::arch::x86_64::*;

use super::Simd;
use super::dots::{BIAS_EIGHT, Dots};

/// Proof that the CPU has AVX2, FMA and F16C.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// The token, where the machine has the instruction set.
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c"))
        .then_some(Self(()))
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn compiled_for_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// Eight lanes of yes followed by eight of no: the mask for `count` lanes begins at `8 - count`.
static LANE_MASKS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

#[inline(always)]
fn first_lanes(count: usize) -> *const i32 {
    LANE_MASKS[8 - count..][..8].as_ptr()
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

impl Simd for Avx2 {
    type F = __m256;
    type Mask = __m256;
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn assume() -> Self {
        Self(())
    }

    #[inline(always)]
    fn vectorize<R>(self, work: impl FnOnce() -> R) -> R {
        // SAFETY: the token proves that the CPU has what the function is compiled for.
        unsafe { compiled_for_avx2(work) }
    }

    #[inline(always)]
    unsafe fn load(self, source: *const f32) -> __m256 {
        // SAFETY: the caller promises 8 readable numbers, the token the instruction.
        unsafe { _mm256_loadu_ps(source) }
    }

    #[inline(always)]
    unsafe fn load_first(self, source: *const f32, count: usize) -> __m256 {
        // SAFETY: the caller promises `count` readable numbers; masked lanes are not touched.
        unsafe { _mm256_maskload_ps(source, _mm256_loadu_si256(first_lanes(count).cast())) }
    }

    #[inline(always)]
    unsafe fn load_f16(self, source: *const u16) -> __m256 {
        // SAFETY: the caller promises 8 readable numbers, the token the instructions.
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(source.cast())) }
    }

    #[inline(always)]
    unsafe fn store_f16(self, x: __m256, target: *mut u16) {
        // SAFETY: the caller promises 8 writable numbers, the token the instructions.
        unsafe { _mm_storeu_si128(target.cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(x)) }
    }

    #[inline(always)]
    unsafe fn load_bf16(self, source: *const u16) -> __m256 {
        // SAFETY: the caller promises 8 readable numbers, the token the instructions.
        unsafe {
            let wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(source.cast()));
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(wide))
        }
    }

    #[inline(always)]
    fn prefetch(self, at: *const u8) {
        // SAFETY: every x86 of 64 bits has the instruction, and it touches nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, x: __m256, target: *mut f32) {
        // SAFETY: the caller promises 8 writable numbers, the token the instruction.
        unsafe { _mm256_storeu_ps(target, x) }
    }

    #[inline(always)]
    unsafe fn store_first(self, x: __m256, target: *mut f32, count: usize) {
        // SAFETY: the caller promises `count` writable numbers; masked lanes are not touched.
        unsafe { _mm256_maskstore_ps(target, _mm256_loadu_si256(first_lanes(count).cast()), x) }
    }

    operations! {
        splat(x: f32) -> __m256 = _mm256_set1_ps(x);
        add(a: __m256, b: __m256) -> __m256 = _mm256_add_ps(a, b);
        sub(a: __m256, b: __m256) -> __m256 = _mm256_sub_ps(a, b);
        mul(a: __m256, b: __m256) -> __m256 = _mm256_mul_ps(a, b);
        div(a: __m256, b: __m256) -> __m256 = _mm256_div_ps(a, b);
        mul_add(a: __m256, b: __m256, c: __m256) -> __m256 = _mm256_fmadd_ps(a, b, c);
        max(a: __m256, b: __m256) -> __m256 = _mm256_max_ps(a, b);
        min(a: __m256, b: __m256) -> __m256 = _mm256_min_ps(a, b);
        abs(a: __m256) -> __m256 = _mm256_andnot_ps(_mm256_set1_ps(-0.0), a);
        copy_sign(magnitude: __m256, sign: __m256) -> __m256 = {
            let sign_bit = _mm256_set1_ps(-0.0);
            _mm256_or_ps(_mm256_andnot_ps(sign_bit, magnitude), _mm256_and_ps(sign_bit, sign))
        };
        exp2_whole(n: __m256) -> __m256 = {
            let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent))
        };
        less(a: __m256, b: __m256) -> __m256 = _mm256_cmp_ps::<_CMP_LT_OQ>(a, b);
        equal(a: __m256, b: __m256) -> __m256 = _mm256_cmp_ps::<_CMP_EQ_OQ>(a, b);
        select(mask: __m256, yes: __m256, no: __m256) -> __m256 = _mm256_blendv_ps(no, yes, mask);
        first(mask: __m256) -> Option<usize> = {
            let bits = _mm256_movemask_ps(mask);
            (bits != 0).then(|| bits.trailing_zeros() as usize)
        };
        sum(a: __m256) -> f32 = {
            let quarter = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let pair = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
            _mm_cvtss_f32(_mm_add_ss(pair, _mm_shuffle_ps::<1>(pair, pair)))
        };
        largest(a: __m256) -> f32 = {
            let a = _mm256_max_ps(a, _mm256_set1_ps(f32::NEG_INFINITY));
            let quarter = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let pair = _mm_max_ps(quarter, _mm_movehl_ps(quarter, quarter));
            _mm_cvtss_f32(_mm_max_ss(pair, _mm_shuffle_ps::<1>(pair, pair)))
        };
    }
}

/// By `vpmaddubsw`, which multiplies unsigned by signed bytes and cuts sums of two products off at 16 bits: so the weight gives its sign to the activation,
/// and what is left of it, 128 at most, keeps the sum within.
impl Dots for Avx2 {
    type Simd = Avx2;
    type Whole = __m256i;
    /// The bias is taken out when weights are loaded.
    const EXCESS_EIGHT: i32 = 0;

    #[inline(always)]
    unsafe fn assume() -> Self {
        Self(())
    }

    #[inline(always)]
    fn simd(self) -> Avx2 {
        self
    }

    #[inline(always)]
    fn vectorize<R>(self, work: impl FnOnce() -> R) -> R {
        // SAFETY: the token proves that the CPU has what the function is compiled for.
        unsafe { compiled_for_avx2(work) }
    }

    #[inline(always)]
    unsafe fn load_eights(self, source: *const u8) -> __m256i {
        // SAFETY: the caller promises 32 readable bytes, the token the instructions.
        unsafe { _mm256_xor_si256(_mm256_loadu_si256(source.cast()), _mm256_set1_epi8(BIAS_EIGHT as i8)) }
    }

    #[inline(always)]
    unsafe fn load_fours(self, source: *const u8) -> [__m256i; 2] {
        // SAFETY: the caller promises 32 readable bytes, the token the instructions.
        unsafe {
            let both = _mm256_loadu_si256(source.cast());
            let low = _mm256_set1_epi8(15);
            [_mm256_and_si256(both, low), _mm256_and_si256(_mm256_srli_epi16::<4>(both), low)]
        }
    }

    operations! {
        splat(x: i32) -> __m256i = _mm256_set1_epi32(x);
        dot(sums: __m256i, w: __m256i, x: [i8; 4]) -> __m256i = {
            let x = _mm256_set1_epi32(i32::from_ne_bytes(x.map(|x| x as u8)));
            let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
            _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
        };
        add(a: __m256i, b: __m256i) -> __m256i = _mm256_add_epi32(a, b);
        to_floats(a: __m256i) -> __m256 = _mm256_cvtepi32_ps(a);
    }
}
