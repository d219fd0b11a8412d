//! Plain loops, compiled for the registers of this machine.
//!
//! Training has dozens of small loops over rows that the kernels of this crate do not name. Written in plain Rust they are vectorised by the
//! compiler, but for the oldest CPU of the architecture; called through [`vectorized`] the same loop is compiled once for each
//! instruction set, and the best is taken when the program runs: sixteen lanes instead of four.

use crate::Kernels;
#[cfg(target_arch = "aarch64")]
use crate::simd::neon::Neon;
use crate::simd::{Simd, scalar::Scalar};
#[cfg(target_arch = "x86_64")]
use crate::simd::{avx2::Avx2, avx512::Avx512};

/// Runs `work` compiled for the best instruction set of this machine.
///
/// Only what is inlined into `work` is compiled so: mark the closure, and the functions that it calls, `#[inline(always)]`.
/// The result may differ between machines in the last bits where a multiplication and an addition become one operation.
#[inline]
pub fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    match Kernels::best().name() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a table of this name is handed out only where the CPU has the instruction set.
        "avx512" => unsafe { Avx512::assume() }.vectorize(work),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        "avx2" | "avx2-vnni" => unsafe { Avx2::assume() }.vectorize(work),
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        "neon" | "neon-dot" => unsafe { Neon::assume() }.vectorize(work),
        // SAFETY: every CPU has the scalar level.
        _ => unsafe { Scalar::assume() }.vectorize(work),
    }
}
