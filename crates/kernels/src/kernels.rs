//! One table of kernels for each instruction set, and the choice among them.

use std::sync::LazyLock;

use crate::attention::Keep;
use crate::attention::align::AlignJob;
use crate::attention::cached::CachedJob;
use crate::matrix::Dtype;
use crate::matrix::tile::{BrainBits, HalfBits, Tiles};
use crate::quantized::QuantizedTiles;
use crate::simd::{Simd, scalar::Scalar};
#[cfg(target_arch = "x86_64")]
use crate::simd::{
    avx2::Avx2,
    avx2_vnni::Avx2Vnni,
    avx512::{Avx512, Avx512Vnni},
};
#[cfg(target_arch = "aarch64")]
use crate::simd::{neon::Neon, neon_dot::NeonDot};
use crate::{Activation, attention, rows};

/// The single-threaded kernels of one instruction set.
///
/// A reference to a table is proof that this machine can run it: the only ones handed out are those of
/// [`Kernels::available`].
#[derive(Debug)]
pub struct Kernels {
    name: &'static str,
    /// Outputs in a panel of packed weights.
    panel_width: usize,
    /// Rows that a tile takes at most before it runs out of registers.
    tile_rows: usize,
    f32: Tiles,
    /// For a panel of half the width, as `narrow_f16`.
    narrow_f32: Tiles,
    f16: Tiles,
    narrow_f16: Tiles,
    bf16: Tiles,
    quantized: QuantizedTiles,
    log_softmax: unsafe fn(&mut [f32]),
    softmax: unsafe fn(&mut [f32]),
    exponentials: unsafe fn(&mut [f32]) -> f32,
    argmax: unsafe fn(&[f32]) -> usize,
    add: unsafe fn(&[f32], &mut [f32]),
    multiply: unsafe fn(&[f32], &mut [f32]),
    activate: unsafe fn(Activation, &mut [f32]),
    #[allow(clippy::type_complexity)]
    layer_norm: unsafe fn(&[f32], &[f32], &[f32], f32, &mut [f32]),
    rms_norm: unsafe fn(&[f32], &[f32], f32, &mut [f32]),
    round_to_f16: unsafe fn(&[f32], &mut [HalfBits]),
    attend_row: unsafe fn(&CachedJob<'_>, &mut [f32], &mut [f32], &mut [f32]),
    align: unsafe fn(&AlignJob<'_>, &mut [f32], &mut [f32]),
}

/// For each kernel the function that a table points to: the token taken on the table's word, the kernel compiled for it.
macro_rules! entries {
    ($($kernel:path => $name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)?;)*) => {$(
        /// # Safety
        /// The CPU must have the instruction set.
        unsafe fn $name<S: Simd>($($argument: $kind),*) $(-> $result)? {
            // SAFETY: promised by the caller.
            let simd = unsafe { S::assume() };
            simd.vectorize(#[inline(always)] || $kernel(simd, $($argument),*))
        }
    )*};
}

entries! {
    rows::softmax::log_softmax => log_softmax(row: &mut [f32]);
    rows::softmax::softmax => softmax(row: &mut [f32]);
    rows::softmax::exponentials => exponentials(row: &mut [f32]) -> f32;
    rows::argmax::argmax => argmax(row: &[f32]) -> usize;
    rows::add => add(x: &[f32], y: &mut [f32]);
    rows::activate::activate => activate(activation: Activation, x: &mut [f32]);
    rows::multiply => multiply(x: &[f32], y: &mut [f32]);
    rows::norm::layer_norm => layer_norm(x: &[f32], gain: &[f32], bias: &[f32], eps: f32, y: &mut [f32]);
    rows::norm::rms_norm => rms_norm(x: &[f32], gain: &[f32], eps: f32, y: &mut [f32]);
    rows::round::round_to_f16 => round_to_f16(x: &[f32], y: &mut [HalfBits]);
    attention::cached::attend_row => attend_row(job: &CachedJob<'_>, scores: &mut [f32], scales: &mut [f32], y: &mut [f32]);
    attention::align::align => align(job: &AlignJob<'_>, weights: &mut [f32], y: &mut [f32]);
}

impl Kernels {
    const fn table<S: Simd, const VECTORS: usize, const HALF: usize, const ROWS: usize>(
        name: &'static str,
        quantized: QuantizedTiles,
    ) -> Self {
        Self {
            name,
            panel_width: VECTORS * S::LANES,
            tile_rows: ROWS,
            f32: Tiles::of::<S, f32, VECTORS, ROWS>(),
            narrow_f32: Tiles::of::<S, f32, HALF, ROWS>(),
            f16: Tiles::of::<S, HalfBits, VECTORS, ROWS>(),
            narrow_f16: Tiles::of::<S, HalfBits, HALF, ROWS>(),
            bf16: Tiles::of::<S, BrainBits, VECTORS, ROWS>(),
            quantized,
            log_softmax: log_softmax::<S>,
            softmax: softmax::<S>,
            exponentials: exponentials::<S>,
            argmax: argmax::<S>,
            add: add::<S>,
            activate: activate::<S>,
            multiply: multiply::<S>,
            layer_norm: layer_norm::<S>,
            rms_norm: rms_norm::<S>,
            round_to_f16: round_to_f16::<S>,
            attend_row: attend_row::<S>,
            align: align::<S>,
        }
    }
}

// Tile sizes: ROWS · VECTORS sums, VECTORS weights and one broadcast fit the registers (16 for scalar and AVX2, 32 for the others). Products of
// whole numbers take a register of a panel at a time, with a sum for each row; those of four bits have a float beside it.
static SCALAR: Kernels = Kernels::table::<Scalar, 2, 1, 4>("scalar", QuantizedTiles::of::<Scalar, 4, 4>());
#[cfg(target_arch = "x86_64")]
static AVX2: Kernels = Kernels::table::<Avx2, 2, 1, 6>("avx2", QuantizedTiles::of::<Avx2, 2, 6>());
/// For CPUs with AVX2 and products of whole numbers, by their short encoding and by the long one.
#[cfg(target_arch = "x86_64")]
static AVX2_VNNI: [Kernels; 2] = [
    Kernels::table::<Avx2, 2, 1, 6>("avx2-vnni", QuantizedTiles::of::<Avx2Vnni<false>, 2, 6>()),
    Kernels::table::<Avx2, 2, 1, 6>("avx2-vnni", QuantizedTiles::of::<Avx2Vnni<true>, 2, 6>()),
];
#[cfg(target_arch = "x86_64")]
static AVX512: Kernels =
    Kernels::table::<Avx512, 2, 1, 12>("avx512", QuantizedTiles::of::<Avx512Vnni, 1, 8>());
/// For CPUs with AVX-512 but without its products of whole numbers.
#[cfg(target_arch = "x86_64")]
static AVX512_WITHOUT_VNNI: Kernels =
    Kernels::table::<Avx512, 2, 1, 12>("avx512", QuantizedTiles::of::<Avx2, 2, 6>());
#[cfg(target_arch = "aarch64")]
static NEON: Kernels = Kernels::table::<Neon, 4, 2, 6>("neon", QuantizedTiles::of::<Neon, 4, 6>());
#[cfg(target_arch = "aarch64")]
static NEON_DOT: Kernels = Kernels::table::<Neon, 4, 2, 6>("neon-dot", QuantizedTiles::of::<NeonDot, 4, 6>());

/// The environment variable that lowers the level: one of [`Kernels::names`].
const LEVEL: &str = "PAPO_KERNELS";

impl Kernels {
    /// The fastest table that this machine can run.
    ///
    /// The environment variable `PAPO_KERNELS` (one of [`Kernels::names`]), read once, names another that the machine has.
    /// A name that it does not have, or that does not exist, changes nothing.
    pub fn best() -> &'static Kernels {
        static BEST: LazyLock<&'static Kernels> = LazyLock::new(|| {
            let available = Kernels::available();
            let wanted = std::env::var(LEVEL).ok();
            let named = available.iter().find(|kernels| Some(kernels.name) == wanted.as_deref());
            named.or(available.last()).copied().unwrap_or(&SCALAR)
        });
        *BEST
    }

    /// Every table that this machine can run, slowest first.
    pub fn available() -> Vec<&'static Kernels> {
        #[allow(unused_mut)]
        let mut tables = vec![&SCALAR];
        #[cfg(target_arch = "x86_64")]
        {
            tables.extend(Avx2::detect().map(|_| &AVX2));
            let short = Avx2Vnni::<false>::detect().map(|_| &AVX2_VNNI[0]);
            tables.extend(short.or_else(|| Avx2Vnni::<true>::detect().map(|_| &AVX2_VNNI[1])));
            let avx512 = || if Avx512Vnni::detect().is_some() { &AVX512 } else { &AVX512_WITHOUT_VNNI };
            tables.extend(Avx512::detect().map(|_| avx512()));
        }
        #[cfg(target_arch = "aarch64")]
        {
            tables.extend(Neon::detect().map(|_| &NEON));
            tables.extend(NeonDot::detect().map(|_| &NEON_DOT));
        }
        tables
    }

    /// The names of all tables, those that this machine cannot run and those of other architectures included.
    pub fn names() -> [&'static str; 6] {
        ["scalar", "avx2", "avx2-vnni", "avx512", "neon", "neon-dot"]
    }

    /// The instruction set, as in `avx512`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn panel_width(&self) -> usize {
        self.panel_width
    }

    pub(crate) fn tile_rows(&self) -> usize {
        self.tile_rows
    }

    /// Outputs in a panel of half the width.
    pub(crate) fn narrow_width(&self) -> usize {
        self.panel_width / 2
    }

    /// The tiles for kept keys and values, and those for panels of half the width.
    pub(crate) fn kept_tiles(&self, keep: Keep) -> [&Tiles; 2] {
        match keep {
            Keep::Exact => [&self.f32, &self.narrow_f32],
            Keep::Rounded => [&self.f16, &self.narrow_f16],
        }
    }

    /// What panels of `columns` columns add up to where the last may be narrow.
    pub(crate) fn value_width(&self, columns: usize) -> usize {
        columns.next_multiple_of(self.narrow_width())
    }

    pub(crate) fn quantized(&self) -> &QuantizedTiles {
        &self.quantized
    }

    pub(crate) fn tiles(&self, dtype: Dtype) -> &Tiles {
        match dtype {
            Dtype::F32 => &self.f32,
            Dtype::F16 => &self.f16,
            Dtype::Bf16 => &self.bf16,
        }
    }

    /// Replaces a row of logits by its log-probabilities.
    pub fn log_softmax(&self, row: &mut [f32]) {
        // SAFETY: a table is proof of the CPU (as in every call below).
        unsafe { (self.log_softmax)(row) }
    }

    /// Replaces a row of scores by its softmax; a row of −∞ alone becomes zeros.
    pub fn softmax(&self, row: &mut [f32]) {
        // SAFETY: a table is proof of the CPU.
        unsafe { (self.softmax)(row) }
    }

    /// The index of the largest value, the first of equals; 0 where nothing is above −∞.
    pub fn argmax(&self, row: &[f32]) -> usize {
        // SAFETY: a table is proof of the CPU.
        unsafe { (self.argmax)(row) }
    }

    /// Replaces scores by `exp(x − max)` and returns their sum.
    pub(crate) fn exponentials(&self, row: &mut [f32]) -> f32 {
        // SAFETY: a table is proof of the CPU.
        unsafe { (self.exponentials)(row) }
    }

    pub(crate) fn add(&self, x: &[f32], y: &mut [f32]) {
        // SAFETY: a table is proof of the CPU.
        unsafe { (self.add)(x, y) }
    }

    pub(crate) fn activate(&self, activation: Activation, x: &mut [f32]) {
        // SAFETY: a table is proof of the CPU.
        unsafe { (self.activate)(activation, x) }
    }

    pub(crate) fn multiply(&self, x: &[f32], y: &mut [f32]) {
        // SAFETY: a table is proof of the CPU.
        unsafe { (self.multiply)(x, y) }
    }

    pub(crate) fn layer_norm(&self, x: &[f32], gain: &[f32], bias: &[f32], eps: f32, y: &mut [f32]) {
        // SAFETY: a table is proof of the CPU.
        unsafe { (self.layer_norm)(x, gain, bias, eps, y) }
    }

    pub(crate) fn rms_norm(&self, x: &[f32], gain: &[f32], eps: f32, y: &mut [f32]) {
        // SAFETY: a table is proof of the CPU.
        unsafe { (self.rms_norm)(x, gain, eps, y) }
    }

    pub(crate) fn round_to_f16(&self, x: &[f32], y: &mut [HalfBits]) {
        // SAFETY: a table is proof of the CPU.
        unsafe { (self.round_to_f16)(x, y) }
    }

    pub(crate) fn attend_row(
        &self,
        job: &CachedJob<'_>,
        scores: &mut [f32],
        scales: &mut [f32],
        y: &mut [f32],
    ) {
        // SAFETY: a table is proof of the CPU.
        unsafe { (self.attend_row)(job, scores, scales, y) }
    }

    pub(crate) fn align(&self, job: &AlignJob<'_>, weights: &mut [f32], y: &mut [f32]) {
        // SAFETY: a table is proof of the CPU.
        unsafe { (self.align)(job, weights, y) }
    }
}
