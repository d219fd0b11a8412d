//! What the kernel tests share: the levels of this machine, repeatable numbers, and comparisons that name the place.

use std::num::NonZeroUsize;

use papo_kernels::{Compute, Kernels};

/// Runs `check` for every level of this machine, and prints the levels that it lacks.
pub fn for_each_level(check: impl Fn(&'static Kernels)) {
    let available = Kernels::available();
    for name in Kernels::names() {
        match available.iter().find(|kernels| kernels.name() == name) {
            Some(kernels) => check(kernels),
            None => println!("SKIPPED: this machine has no {name}"),
        }
    }
}

/// Kernels of one level on `threads` threads.
pub fn compute(kernels: &'static Kernels, threads: usize) -> Compute {
    Compute::with_kernels(kernels, NonZeroUsize::new(threads).expect("at least one thread"))
}

/// Numbers in −1 … 1, the same for the same seed.
pub fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..count)
        .map(|_| {
            // xorshift64* (Vigna, 2016)
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            let bits = state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40;
            bits as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// Panics at the first number that is further from `expected` than `bound` of its index.
#[track_caller]
pub fn assert_close(what: &str, actual: &[f32], expected: &[f32], bound: impl Fn(usize) -> f32) {
    assert_eq!(actual.len(), expected.len(), "{what}: lengths");
    for (i, (&a, &e)) in actual.iter().zip(expected).enumerate() {
        // Equal infinities have no difference.
        assert!(
            a == e || (a - e).abs() <= bound(i),
            "{what}: number {i} is {a}, not {e} within {}",
            bound(i)
        );
    }
}

/// Panics where any bit differs.
#[track_caller]
pub fn assert_same_bits(what: &str, actual: &[f32], expected: &[f32]) {
    assert_eq!(actual.len(), expected.len(), "{what}: lengths");
    for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
        assert!(a.to_bits() == e.to_bits(), "{what}: number {i} is {a:e}, not exactly {e:e}");
    }
}
