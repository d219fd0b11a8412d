//! How fast the kernels are, beside the limits of the machine and the `gemm` crate.
//!
//! `cargo bench -p papo-kernels -- [FILTER] [--threads N] [--level NAME]`. Each line is a median over many repetitions of one
//! call; weights are cycled through so many copies that they come from memory, as in decoding, except where the line says `cached`.
//! Results are GB/s of weights where few rows use each weight, GFLOP/s where many do.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use papo_kernels::{Compute, Dtype, Kernels, PackedMatrix, WeightView};

/// Linear layers of the four models: name, outputs, inputs.
const SHAPES: &[(&str, usize, usize)] = &[
    ("flan-t5-small qkv", 1152, 512),
    ("flan-t5-small wo", 512, 1024),
    ("bart-base fc1", 3072, 768),
    ("flan-t5-base wi", 4096, 768),
    ("flan-t5-base head", 32128, 768),
    ("blenderbot out", 1280, 1280),
    ("blenderbot fc2", 1280, 5120),
];
const ROWS: &[usize] = &[1, 4, 10, 16, 128, 512];
/// More than any last-level cache that one core's share of a server has.
const FROM_MEMORY: usize = 160 << 20;

struct Options {
    filter: String,
    threads: usize,
    level: String,
}

fn main() {
    let mut options = Options { filter: String::new(), threads: 2, level: Kernels::best().name().to_owned() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => {}
            "--threads" => {
                options.threads = arguments.next().and_then(|n| n.parse().ok()).expect("--threads N")
            }
            "--level" => options.level = arguments.next().expect("--level NAME"),
            _ => options.filter = argument,
        }
    }
    let kernels = Kernels::available()
        .into_iter()
        .find(|k| k.name() == options.level)
        .expect("a level of this machine");
    let compute = Compute::with_kernels(kernels, NonZeroUsize::new(options.threads).expect("a thread"));
    println!("# {} on {} threads", kernels.name(), compute.threads());
    if "fork".contains(&options.filter) {
        fork_and_join(&compute);
    }
    if "read".contains(&options.filter) {
        read(&compute);
    }
    if "linear".contains(&options.filter) {
        for dtype in [Dtype::F32, Dtype::F16, Dtype::Bf16] {
            linear(&compute, dtype);
        }
    }
}

/// The median time of one call, over at least 9 calls and 60 ms.
fn median(mut call: impl FnMut()) -> Duration {
    call();
    let mut times = Vec::new();
    let begin = Instant::now();
    while times.len() < 9 || (begin.elapsed() < Duration::from_millis(60) && times.len() < 20_000) {
        let start = Instant::now();
        call();
        times.push(start.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 2]
}

fn fork_and_join(compute: &Compute) {
    let time = median(|| {
        (0..100).for_each(|_| compute.for_each(compute.threads(), &|i| _ = std::hint::black_box(i)))
    });
    println!("fork and join                              {:8.2} µs", time.as_secs_f64() * 1e6 / 100.0);
}

/// Sums a large array in the plainest way, as a yardstick for memory.
fn read(compute: &Compute) {
    for (name, bytes) in [("cached", 8 << 20), ("memory", FROM_MEMORY)] {
        let numbers = vec![1_u64; bytes / 8];
        let parts = compute.threads();
        let time = median(|| {
            compute.for_each(parts, &|i| {
                let share = &numbers[numbers.len() * i / parts..numbers.len() * (i + 1) / parts];
                std::hint::black_box(share.iter().fold(0, |a, b| a ^ b));
            })
        });
        println!(
            "read {name}                                {:8.1} GB/s",
            bytes as f64 / time.as_secs_f64() / 1e9
        );
    }
}

fn linear(compute: &Compute, dtype: Dtype) {
    for &(name, outputs, inputs) in SHAPES {
        let numbers: Vec<f32> = (0..outputs * inputs).map(|i| (i % 251) as f32 / 251.0 - 0.5).collect();
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        let view = WeightView { dtype: Dtype::F32, outputs, inputs, bytes: &bytes };
        let copies = FROM_MEMORY.div_ceil(outputs * inputs * dtype.size());
        let matrices: Vec<PackedMatrix> = (0..copies).map(|_| compute.pack(&[view], dtype)).collect();
        for &rows in ROWS {
            let x: Vec<f32> = (0..rows * inputs).map(|i| (i % 127) as f32 / 127.0 - 0.5).collect();
            let mut y = vec![0.0; rows * outputs];
            let mut next = 0;
            let time = median(|| {
                compute.linear(&x, &matrices[next], None, &mut y);
                next = (next + 1) % copies;
            });
            let cached = median(|| compute.linear(&x, &matrices[0], None, &mut y));
            let rival = (dtype == Dtype::F32 && rows > 1).then(|| {
                let plain: Vec<Vec<f32>> =
                    (0..if rows < 100 { copies } else { 1 }).map(|_| numbers.clone()).collect();
                let mut next = 0;
                median(|| {
                    rival(&x, &plain[next], inputs, &mut y, compute.threads());
                    next = (next + 1) % plain.len();
                })
            });
            let speed = |time: Duration| {
                let seconds = time.as_secs_f64();
                let gigabytes = (outputs * inputs * dtype.size()) as f64 / seconds / 1e9;
                let flops = (2 * rows * outputs * inputs) as f64 / seconds / 1e9;
                format!("{:9.1} µs {gigabytes:6.1} GB/s {flops:6.1} GFLOP/s", seconds * 1e6)
            };
            println!("linear {dtype:?} {name:18} {rows:4} rows  {} | cached {}", speed(time), speed(cached));
            if let Some(rival) = rival {
                println!("{:>46} {}", "gemm crate", speed(rival));
            }
        }
    }
}

/// `y = x wᵀ` by the `gemm` crate; weights as in a checkpoint.
fn rival(x: &[f32], w: &[f32], inputs: usize, y: &mut [f32], threads: usize) {
    let (rows, outputs) = (x.len() / inputs, w.len() / inputs);
    // SAFETY: x is [rows, inputs], w is [outputs, inputs], y is [rows, outputs], all row-major and as long as that.
    unsafe {
        gemm::gemm(
            rows,
            outputs,
            inputs,
            y.as_mut_ptr(),
            1,
            outputs as isize,
            false,
            x.as_ptr(),
            1,
            inputs as isize,
            w.as_ptr(),
            inputs as isize,
            1,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::Rayon(threads),
        );
    }
}
