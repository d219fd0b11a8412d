//! How fast the kernels are, beside the limits of the machine and the `gemm` crate.
//!
//! `cargo bench -p papo-kernels -- [FILTER] [--threads N] [--level NAME] [--clock processor]`, where FILTER begins with `fork`, `read`, `rows`,
//! `attention` or `linear`, as in `"linear F32 bart"`. Each line is the median, and the best, of many repetitions of one call; weights are
//! cycled through so many copies that they come from memory, as in decoding, except where the line says otherwise. GB/s of weights
//! are what counts where few rows use each weight, GFLOP/s where many do. `--clock processor` (Linux) counts the processor time that one
//! thread used instead of the time that passed, for a machine that others use too; say `--threads 1` with it.

use std::num::NonZeroUsize;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use papo_kernels::{
    Activation, CachedSteps, Compute, Dtype, Format, Group, Heads, Keep, Kernels, KeyValues, PackedMatrix,
    Precision, StepCache, Strided, WeightView,
};

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
            "--clock" => {
                assert_eq!(arguments.next().as_deref(), Some("processor"), "--clock processor");
                PROCESSOR_TIME.store(true, Ordering::Relaxed);
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
    let wanted = |name: &str| name.starts_with(&options.filter) || options.filter.starts_with(name);
    if wanted("fork") {
        fork_and_join(&compute);
    }
    if wanted("read") {
        read(&compute);
    }
    if wanted("rows") {
        rows(&compute);
    }
    if wanted("attention") {
        attention(&compute);
    }
    if wanted("linear") {
        for dtype in [Dtype::F32, Dtype::F16, Dtype::Bf16] {
            linear(&compute, Format::Floats(dtype), &options.filter);
        }
        for precision in [Precision::Int8, Precision::Int4] {
            linear(&compute, Format::Quantized(precision), &options.filter);
        }
    }
}

static PROCESSOR_TIME: AtomicBool = AtomicBool::new(false);

/// Time since some moment, by the clock of choice.
fn now() -> Duration {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    if PROCESSOR_TIME.load(Ordering::Relaxed) { processor_time() } else { BEGIN.elapsed() }
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn processor_time() -> Duration {
    #[repr(C)]
    struct Timespec {
        seconds: i64,
        nanoseconds: i64,
    }
    unsafe extern "C" {
        fn clock_gettime(clock: i32, time: *mut Timespec) -> i32;
    }
    const THREAD_CPUTIME: i32 = 3;
    let mut time = Timespec { seconds: 0, nanoseconds: 0 };
    // SAFETY: the struct is Linux's timespec on 64-bit machines, and lives through the call.
    unsafe { clock_gettime(THREAD_CPUTIME, &mut time) };
    Duration::new(time.seconds.unsigned_abs(), time.nanoseconds as u32)
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
fn processor_time() -> Duration {
    panic!("--clock processor is for 64-bit Linux");
}

/// Times of one kind of call: the median over all repetitions, and the fastest, which a busy machine disturbs least.
#[derive(Clone, Copy)]
struct Times {
    median: Duration,
    best: Duration,
}

/// Times several kinds of calls in turn, so that whatever else the machine does meets all of them alike.
fn time<const N: usize>(mut calls: [&mut dyn FnMut(); N]) -> [Times; N] {
    let mut times = [const { Vec::new() }; N];
    let begin = Instant::now();
    while times[0].len() < 10 || (begin.elapsed() < Duration::from_millis(150) && times[0].len() < 20_000) {
        for (call, times) in calls.iter_mut().zip(&mut times) {
            let start = now();
            call();
            times.push(now() - start);
        }
    }
    times.map(|mut times| {
        // The first call warms up.
        times.remove(0);
        times.sort_unstable();
        Times { median: times[times.len() / 2], best: times[0] }
    })
}

/// What a call does, to turn times into speeds.
struct Work {
    bytes: usize,
    flops: usize,
}

fn report(name: &str, work: &Work, times: Times) {
    let gigabytes = |time: Duration| work.bytes as f64 / time.as_secs_f64() / 1e9;
    let gigaflops = |time: Duration| work.flops as f64 / time.as_secs_f64() / 1e9;
    let Times { median, best } = times;
    println!(
        "{name:52} {:10.1} µs {:6.1} GB/s {:6.1} GFLOP/s   best {:10.1} µs {:6.1} GB/s {:6.1} GFLOP/s",
        median.as_secs_f64() * 1e6,
        gigabytes(median),
        gigaflops(median),
        best.as_secs_f64() * 1e6,
        gigabytes(best),
        gigaflops(best),
    );
}

/// An empty call, and one whose tasks wait for each other, so that every thread must have come and gone.
fn fork_and_join(compute: &Compute) {
    let threads = compute.threads();
    let met = AtomicUsize::new(0);
    let mut rounds = 0;
    let [empty, meeting] =
        time([&mut || compute.for_each(threads, &|i| _ = std::hint::black_box(i)), &mut || {
            rounds += 1;
            compute.for_each(threads, &|_| {
                met.fetch_add(1, Ordering::SeqCst);
                while met.load(Ordering::SeqCst) < rounds * threads {
                    std::hint::spin_loop();
                }
            });
        }]);
    report("fork and join: empty tasks", &Work { bytes: 0, flops: 0 }, empty);
    report("fork and join: tasks that meet", &Work { bytes: 0, flops: 0 }, meeting);
}

/// Sums a large array in the plainest way, as a yardstick for memory.
fn read(compute: &Compute) {
    for (name, bytes) in [("read, cached (8 MB)", 8 << 20), ("read, from memory", FROM_MEMORY)] {
        let numbers = vec![1_u64; bytes / 8];
        let parts = 4 * compute.threads();
        let [times] = time([&mut || {
            compute.for_each(parts, &|i| {
                let share = &numbers[numbers.len() * i / parts..numbers.len() * (i + 1) / parts];
                std::hint::black_box(share.iter().fold(0, |a, b| a ^ b));
            });
        }]);
        report(name, &Work { bytes, flops: 0 }, times);
    }
}

fn linear(compute: &Compute, format: Format, filter: &str) {
    let format_name = match format {
        Format::Floats(dtype) => format!("{dtype:?}"),
        Format::Quantized(precision) => format!("{precision:?}"),
    };
    for &(name, outputs, inputs) in SHAPES {
        if !format!("linear {format_name} {name}").contains(filter) {
            continue;
        }
        let numbers: Vec<f32> = (0..outputs * inputs).map(|i| (i % 251) as f32 / 251.0 - 0.5).collect();
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        let view = WeightView { dtype: Dtype::F32, outputs, inputs, bytes: &bytes };
        let pack = || match format {
            Format::Floats(dtype) => compute.pack(&[view], dtype),
            Format::Quantized(precision) => {
                compute.pack_quantized(&[compute.quantize(&view, precision).view()])
            }
        };
        let matrix_bytes = pack().bytes();
        let copies = FROM_MEMORY.div_ceil(matrix_bytes);
        let matrices: Vec<PackedMatrix> = (0..copies).map(|_| pack()).collect();
        for &rows in ROWS {
            let x: Vec<f32> = (0..rows * inputs).map(|i| (i % 127) as f32 / 127.0 - 0.5).collect();
            let mut y = vec![0.0; rows * outputs];
            let mut z = y.clone();
            let mut next = 0;
            let work = Work { bytes: matrix_bytes, flops: 2 * rows * outputs * inputs };
            let label = format!("linear {format_name} {name} {rows} rows");
            let mut cold = || {
                compute.linear(&x, &matrices[next], None, &mut y);
                next = (next + 1) % copies;
            };
            if format == Format::Floats(Dtype::F32) && rows > 1 {
                let mut gemm = || rival(&x, &numbers, inputs, &mut z, compute.threads());
                let [ours, theirs] = time([&mut cold, &mut gemm]);
                report(&label, &work, ours);
                report("    the gemm crate, cached where it fits", &work, theirs);
            } else {
                let [ours] = time([&mut cold]);
                report(&label, &work, ours);
            }
            let [cached] = time([&mut || compute.linear(&x, &matrices[0], None, &mut y)]);
            report("    the same matrix again and again", &work, cached);
        }
    }
}

/// `y = x wᵀ` by the `gemm` crate; weights as in a checkpoint.
fn rival(x: &[f32], w: &[f32], inputs: usize, y: &mut [f32], threads: usize) {
    let (rows, outputs) = (x.len() / inputs, w.len() / inputs);
    let (row, column) = (inputs as isize, 1);
    let parallel = gemm::Parallelism::Rayon(threads);
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
            column,
            row,
            w.as_ptr(),
            row,
            column,
            0.0,
            1.0,
            false,
            false,
            false,
            parallel,
        );
    }
}

/// How keys and values are kept, and the bytes of a number.
const KEPT: [(&str, Keep, usize); 2] = [("", Keep::Exact, 4), (", 16 bits", Keep::Rounded, 2)];

/// Attention as the four models do it: (name, rows of a group, tokens, heads).
fn attention(compute: &Compute) {
    for (name, groups, rows, tokens, heads) in [
        ("encode bart/t5-base 512 tokens", 1, 512, 512, Heads { count: 12, size: 64 }),
        ("encode bart 1024 tokens", 1, 1024, 1024, Heads { count: 12, size: 64 }),
        ("encode blenderbot 128 tokens", 1, 128, 128, Heads { count: 32, size: 40 }),
        ("cross t5-base 1 row, 20 tokens", 1, 1, 20, Heads { count: 12, size: 64 }),
        ("cross t5-base 1 row, 512 tokens", 1, 1, 512, Heads { count: 12, size: 64 }),
        ("cross blenderbot 10 beams, 128 tokens", 1, 10, 128, Heads { count: 32, size: 40 }),
        ("cross bart 16 groups of 4, 64 tokens", 16, 4, 64, Heads { count: 12, size: 64 }),
    ] {
        let width = heads.width();
        let numbers: Vec<f32> =
            (0..groups * rows.max(tokens) * width).map(|i| (i % 251) as f32 / 251.0 - 0.5).collect();
        let all = Strided { data: &numbers, stride: width };
        let lengths = vec![tokens; groups];
        let groups: Vec<Group> =
            (0..groups).map(|source| Group { first_row: source * rows, rows, source }).collect();
        let mut y = vec![0.0; groups.len() * rows * width];
        for (kept, keep, bytes) in KEPT {
            let mut memory = KeyValues::new(keep);
            compute.pack_key_values(all, all, &lengths, &[], heads, &mut memory);
            let bytes = groups.len() * 2 * bytes * tokens * width;
            let [times] = time([&mut || compute.attend(all, &groups, &memory, 0.125, None, &mut y, None)]);
            let flops = 4 * groups.len() * rows * tokens * width;
            report(&format!("{name}{kept}"), &Work { bytes, flops }, times);
            let [times] =
                time([&mut || compute.pack_key_values(all, all, &lengths, &[], heads, &mut memory)]);
            report("    packing its keys and values", &Work { bytes, flops: 0 }, times);
        }
    }
    for (name, rows, len, heads) in [
        ("cached t5-base 1 row, 64 steps", 1, 64, Heads { count: 12, size: 64 }),
        ("cached blenderbot 10 rows, 60 steps", 10, 60, Heads { count: 32, size: 40 }),
        ("cached blenderbot 16 rows, 32 steps", 16, 32, Heads { count: 32, size: 40 }),
        ("cached bart 64 rows, 64 steps", 64, 64, Heads { count: 12, size: 64 }),
    ] {
        let width = heads.width();
        let numbers: Vec<f32> = (0..rows * len * width).map(|i| (i % 251) as f32 / 251.0 - 0.5).collect();
        // Step after step, a slot for each row.
        let history: Vec<u32> = (0..rows * len).map(|i| (i % len * rows + i / len) as u32).collect();
        let mut y = vec![0.0; rows * width];
        let queries = Strided { data: &numbers, stride: width };
        for (kept, keep, bytes) in KEPT {
            // As many layers as it takes to read from memory, one after another.
            let layer_bytes = 2 * bytes * rows * len * width;
            let layers = FROM_MEMORY.div_ceil(layer_bytes);
            let layer = || {
                let mut cache = StepCache::new(keep, width);
                compute.append(queries, queries, rows * len, &mut cache);
                cache
            };
            let caches: Vec<StepCache> = (0..layers).map(|_| layer()).collect();
            for (place, layers) in [("", layers), (", in the cache", 1)] {
                let mut next = 0;
                let [times] = time([&mut || {
                    next = (next + 1) % layers;
                    let steps = CachedSteps { cache: &caches[next], history: &history, stride: len, len };
                    compute.attend_cached(queries, steps, heads, 0.125, None, &mut y, None);
                }]);
                let work = Work { bytes: layer_bytes, flops: 4 * rows * len * width };
                report(&format!("{name}{kept}{place}"), &work, times);
            }
        }
    }
}

/// Row kernels at the widths of the models, on one row and on an encoder's.
fn rows(compute: &Compute) {
    let numbers: Vec<f32> = (0..512 * 3072).map(|i| (i % 251) as f32 / 25.0 - 5.0).collect();
    let kernels = compute.kernels();
    let mut y = numbers.clone();
    let work = |count: usize| Work { bytes: 4 * count, flops: 0 };
    let [softmax, log_softmax, argmax] = time([
        &mut || kernels.softmax(&mut y[..50_265]),
        &mut || kernels.log_softmax(&mut numbers[..50_265].to_vec()),
        &mut || _ = std::hint::black_box(kernels.argmax(&numbers[..50_265])),
    ]);
    report("softmax of 50265", &work(50_265), softmax);
    report("log-softmax of 50265, with a copy", &work(50_265), log_softmax);
    report("argmax of 50265", &work(50_265), argmax);
    for rows in [1, 512] {
        let (gain, count) = (&numbers[..768], rows * 768);
        let (mut a, mut b, mut c, mut d) = (y.clone(), y.clone(), y.clone(), y.clone());
        let [layer, rms, gelu, tanh] = time([
            &mut || compute.layer_norm(&numbers[..count], gain, gain, 1e-5, &mut a[..count]),
            &mut || compute.rms_norm(&numbers[..count], gain, 1e-6, &mut b[..count]),
            &mut || compute.activate(Activation::Gelu, &mut c[..count]),
            &mut || compute.activate(Activation::GeluTanh, &mut d[..count]),
        ]);
        report(&format!("layer norm of {rows} x 768"), &work(count), layer);
        report(&format!("rms norm of {rows} x 768"), &work(count), rms);
        report(&format!("gelu of {rows} x 768"), &work(count), gelu);
        report(&format!("gelu_tanh of {rows} x 768"), &work(count), tanh);
    }
}
