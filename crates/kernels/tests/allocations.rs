//! Nothing is allocated per call once buffers have grown, on any thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use papo_kernels::{
    Activation, Alignment, CachedSteps, Compute, Dtype, Group, Heads, Keep, KeyValues, SourceVectors,
    StepCache, Strided, WeightView,
};

/// The system's allocator, counting.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test in this file: others would allocate meanwhile.
#[test]
fn a_second_round_of_the_same_calls_allocates_nothing() {
    let heads = Heads { count: 4, size: 40 };
    let width = heads.width();
    let bytes = vec![0; 4 * 3000 * width];
    let view = WeightView { dtype: Dtype::F32, outputs: 3000, inputs: width, bytes: &bytes };
    let numbers = vec![0.5; 300 * width];
    let mut y = vec![0.0; 300 * 3000];
    let history: Vec<u32> = (0..60).collect();
    for threads in [1, 2] {
        let compute = Compute::new(NonZeroUsize::new(threads).unwrap());
        let weights = compute.pack(&[view], Dtype::F16);
        let mut memory = KeyValues::new(Keep::Rounded);
        let mut steps = StepCache::new(Keep::Rounded, width);
        steps.reserve(1000);
        let all = Strided { data: &numbers, stride: width };
        let mut round = || {
            for rows in [1, 5, 300] {
                compute.linear(&numbers[..rows * width], &weights, None, &mut y[..rows * 3000]);
                compute.layer_norm(
                    &numbers,
                    &numbers[..width],
                    &numbers[..width],
                    1e-5,
                    &mut y[..300 * width],
                );
                compute.activate(Activation::Gelu, &mut y[..rows * 3000]);
                compute.pack_key_values(all, all, &[200, 100], &[], heads, &mut memory);
                let groups = [
                    Group { first_row: 0, rows: 200, source: 0 },
                    Group { first_row: 200, rows: 100, source: 1 },
                ];
                compute.attend(all, &groups, &memory, 0.5, None, &mut y[..300 * width], None);
                compute.append(all, all, 60, &mut steps);
                let cached = CachedSteps { cache: &steps, history: &history, stride: 20, len: 20 };
                compute.attend_cached(all, cached, heads, 0.5, None, &mut y[..3 * width], None);
                let vectors = SourceVectors {
                    keys: &numbers,
                    d_key: width,
                    values: &numbers,
                    d_value: width,
                    starts: &[0, 200, 300],
                };
                let (queries, (weights, y)) = (&numbers[..3 * width], y.split_at_mut(3 * 200));
                let v = Alignment::Additive { v: &numbers[..width] };
                compute.align(v, queries, &[0, 0, 1], vectors, weights, 200, &mut y[..3 * width]);
            }
        };
        // Which thread takes which task is chance: a few rounds until every thread's buffers have grown.
        let quiet = (0..200).any(|_| {
            let before = ALLOCATIONS.load(Ordering::SeqCst);
            (0..5).for_each(|_| round());
            ALLOCATIONS.load(Ordering::SeqCst) == before
        });
        assert!(quiet, "{threads} threads: every one of 200 rounds allocates");
    }
}
