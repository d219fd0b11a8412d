//! Attention of recurrent decoders, on every level, against the reference.

mod support;

use papo_kernels::{Alignment, SourceVectors, reference};
use support::{assert_close, assert_same_bits, compute, for_each_level, numbers};

/// Ragged sources, one of them empty.
const STARTS: [usize; 5] = [0, 3, 3, 20, 21];
const STRIDE: usize = 18;

#[test]
fn weights_and_sums_equal_the_reference() {
    for_each_level(|kernels| {
        for threads in [1, 2] {
            let compute = compute(kernels, threads);
            for (d_key, d_value) in [(1, 1), (5, 12), (16, 64), (33, 70), (260, 515)] {
                let (keys, values) = (numbers(21 * d_key, 1), numbers(21 * d_value, 2));
                let vectors = SourceVectors { keys: &keys, d_key, values: &values, d_value, starts: &STARTS };
                let v = numbers(d_key, 3);
                for sources in [&[2][..], &[0, 0, 1, 2, 2, 2, 3]] {
                    let queries = numbers(sources.len() * d_key, 4);
                    for alignment in [Alignment::Additive { v: &v }, Alignment::Dot] {
                        let both = || (vec![7.0; sources.len() * STRIDE], vec![7.0; sources.len() * d_value]);
                        let ((mut a, mut y), (mut expected_a, mut expected_y)) = (both(), both());
                        compute.align(alignment, &queries, sources, vectors, &mut a, STRIDE, &mut y);
                        reference::align(
                            alignment,
                            &queries,
                            sources,
                            vectors,
                            &mut expected_a,
                            STRIDE,
                            &mut expected_y,
                        );
                        let what = format!("{} {d_key} {d_value} {alignment:.0?}", kernels.name());
                        // Scores are sums of `d_key` products, each rounded.
                        assert_close(&what, &a, &expected_a, |i| 1e-5 * expected_a[i].max(1e-3));
                        assert_close(&what, &y, &expected_y, |_| 1e-5);
                    }
                }
            }
        }
    });
}

#[test]
fn a_row_does_not_depend_on_the_others() {
    for_each_level(|kernels| {
        let compute = compute(kernels, 2);
        let (d_key, d_value) = (300, 600);
        let (keys, values, v) = (numbers(21 * d_key, 1), numbers(21 * d_value, 2), numbers(d_key, 3));
        let vectors = SourceVectors { keys: &keys, d_key, values: &values, d_value, starts: &STARTS };
        let sources = [2, 2, 0, 3, 2, 2];
        let queries = numbers(sources.len() * d_key, 4);
        for alignment in [Alignment::Additive { v: &v }, Alignment::Dot] {
            let (mut a, mut y) = (vec![0.0; 6 * STRIDE], vec![0.0; 6 * d_value]);
            compute.align(alignment, &queries, &sources, vectors, &mut a, STRIDE, &mut y);
            for row in 0..6 {
                let (mut one_a, mut one_y) = (vec![0.0; STRIDE], vec![0.0; d_value]);
                let query = &queries[row * d_key..][..d_key];
                compute.align(alignment, query, &sources[row..=row], vectors, &mut one_a, STRIDE, &mut one_y);
                assert_same_bits(kernels.name(), &one_a, &a[row * STRIDE..][..STRIDE]);
                assert_same_bits(kernels.name(), &one_y, &y[row * d_value..][..d_value]);
            }
        }
    });
}
