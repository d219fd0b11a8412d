//! How fast this machine's memory is read: `bandwidth THREADS BYTES…` prints a JSON line for each size.
//!
//! The threads read a block of exactly that size again and again, each its own part, as decoding reads the weights at every token. So a block
//! that fits the last-level cache shows the cache's speed. Read as one stream and as four, on huge pages where the system gives them; the
//! better one counts, by its median over five passes.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;

/// Numbers that are read together: eight registers of 512 bits.
const LANES: usize = 64;
const HUGE_PAGE: usize = 2 << 20;
/// Bytes read in one pass, at least.
const PASS: usize = 1 << 30;
const PASSES: usize = 5;

/// Reads all of `data`, as `streams` streams side by side.
fn read(data: &[u64], streams: usize) -> u64 {
    let parts: Vec<&[u64]> = data.chunks_exact(data.len() / streams / LANES * LANES).collect();
    let mut sums = [0u64; LANES];
    for at in (0..parts[0].len()).step_by(LANES) {
        for part in &parts {
            let chunk: &[u64; LANES] = part[at..at + LANES].try_into().expect("a whole chunk");
            for (sum, number) in sums.iter_mut().zip(chunk) {
                *sum ^= number;
            }
        }
    }
    sums.iter().fold(0, |all, sum| all ^ sum)
}

/// GB/s of one pass over each thread's part.
fn pass(parts: &[&[u64]], streams: usize, repeats: usize) -> f64 {
    let barrier = Barrier::new(parts.len());
    let read_often = |part: &[u64]| {
        black_box(read(part, streams));
        barrier.wait();
        let start = Instant::now();
        for _ in 0..repeats {
            black_box(read(black_box(part), streams));
        }
        barrier.wait();
        start.elapsed().as_secs_f64()
    };
    let slowest = std::thread::scope(|scope| {
        let threads: Vec<_> = parts.iter().map(|part| scope.spawn(|| read_often(part))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a reader")).fold(0.0, f64::max)
    });
    let bytes: usize = parts.iter().map(|part| size_of_val(*part)).sum();
    (bytes * repeats) as f64 / slowest / 1e9
}

fn measure(threads: usize, bytes: usize) -> f64 {
    let layout = Layout::from_size_align(bytes.next_multiple_of(HUGE_PAGE), HUGE_PAGE).expect("a size");
    // SAFETY: the size is not zero; what is allocated is written before it is read, and freed at the end.
    let data = unsafe {
        let start = alloc(layout);
        if start.is_null() {
            handle_alloc_error(layout);
        }
        libc::madvise(start.cast(), layout.size(), libc::MADV_HUGEPAGE);
        start.write_bytes(1, layout.size());
        std::slice::from_raw_parts(start.cast::<u64>(), bytes / size_of::<u64>())
    };
    let parts: Vec<&[u64]> = data.chunks_exact(data.len() / threads).collect();
    let repeats = PASS.div_ceil(bytes);
    let best = [1, 4].map(|streams| {
        let mut rates = [(); PASSES].map(|()| pass(&parts, streams, repeats));
        rates.sort_by(f64::total_cmp);
        rates[PASSES / 2]
    });
    // SAFETY: allocated above with the same layout, and no part of it is used any more.
    unsafe { dealloc(data.as_ptr().cast_mut().cast(), layout) };
    best[0].max(best[1])
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).map(|word| word.parse().expect("a number")).collect();
    let (threads, sizes) = numbers.split_first().expect("usage: bandwidth THREADS BYTES…");
    for &bytes in sizes {
        println!("{{\"bytes\": {bytes}, \"gb_s\": {:.2}}}", measure(*threads, bytes));
    }
}
