//! Element-wise and row kernels of every level against the reference.

mod support;

use std::num::NonZeroUsize;

use papo_kernels::{Activation, Compute, Kernels, reference};
use support::{assert_close, assert_same_bits, compute, for_each_level, numbers};

const WIDTHS: [usize; 12] = [1, 3, 4, 7, 8, 15, 16, 17, 63, 64, 130, 768];

/// From the far left to the far right, dense around zero, with both zeros.
fn abscissas() -> Vec<f32> {
    let dense = (-90_000..=90_000).map(|i| i as f32 / 1000.0);
    let tiny = (-40..=0).flat_map(|e| [2.0_f32.powi(e), -(2.0_f32.powi(e))]);
    dense.chain(tiny).chain([0.0, -0.0, 1e30, f32::INFINITY]).collect()
}

#[test]
fn activations_keep_their_error_bounds() {
    use Activation::{Gelu, GeluTanh, Relu, Sigmoid, Silu, Tanh};
    for_each_level(|kernels| {
        let compute = compute(kernels, 2);
        for (activation, relative) in
            [(Relu, 0.0), (Gelu, 2e-6), (GeluTanh, 3e-6), (Silu, 2e-6), (Tanh, 3e-7), (Sigmoid, 2e-6)]
        {
            let x = abscissas();
            let expected: Vec<f32> = x.iter().map(|&x| reference::activate(activation, x)).collect();
            let mut actual = x.clone();
            compute.activate(activation, &mut actual);
            // Relative down to results of 1e-6, absolute below: the reference's own `1 + tanh` has no digits there.
            let what = format!("{} {activation:?}", kernels.name());
            assert_close(&what, &actual, &expected, |i| relative * expected[i].abs().max(1e-6));
            let mut nan = [f32::NAN; 5];
            compute.activate(activation, &mut nan);
            assert!(nan.iter().all(|x| x.is_nan()), "{what}: NaN stays NaN");
        }
    });
}

#[test]
fn a_number_is_activated_the_same_in_any_place() {
    for_each_level(|kernels| {
        let compute = compute(kernels, 1);
        for activation in
            [Activation::Gelu, Activation::GeluTanh, Activation::Silu, Activation::Tanh, Activation::Sigmoid]
        {
            let x = numbers(40, 3);
            let mut whole = x.clone();
            compute.activate(activation, &mut whole);
            for i in 0..40 {
                let mut rest = x[i..].to_vec();
                compute.activate(activation, &mut rest);
                assert_same_bits(kernels.name(), &rest, &whole[i..]);
            }
        }
    });
}

#[test]
fn gates_multiply_the_activated_half_with_the_other() {
    for_each_level(|kernels| {
        let compute = compute(kernels, 2);
        for width in WIDTHS {
            for rows in [1, 3, 100] {
                let both = numbers(rows * 2 * width, 1);
                let mut actual = vec![f32::NAN; rows * width];
                compute.gate(Activation::GeluTanh, &both, width, &mut actual);
                let expected: Vec<f32> = (0..rows * width)
                    .map(|i| {
                        let line = &both[i / width * 2 * width..];
                        reference::activate(Activation::GeluTanh, line[i % width]) * line[width + i % width]
                    })
                    .collect();
                assert_close(kernels.name(), &actual, &expected, |_| 1e-6);
            }
        }
    });
}

#[test]
fn norms_equal_the_reference() {
    for_each_level(|kernels| {
        let compute = compute(kernels, 2);
        for width in WIDTHS {
            for rows in [1, 5, 120] {
                let x: Vec<f32> = numbers(rows * width, 1).iter().map(|x| 3.0 * x + 10.0).collect();
                let (gain, bias) = (numbers(width, 2), numbers(width, 3));
                let (mut actual, mut expected) = (vec![f32::NAN; rows * width], vec![0.0; rows * width]);
                compute.layer_norm(&x, &gain, &bias, 1e-5, &mut actual);
                reference::layer_norm(&x, &gain, &bias, 1e-5, &mut expected);
                // The mean is 10 times the deviation: its rounding shows.
                assert_close(&format!("{} layer norm {width}", kernels.name()), &actual, &expected, |_| 2e-5);
                compute.rms_norm(&x, &gain, 1e-6, &mut actual);
                reference::rms_norm(&x, &gain, 1e-6, &mut expected);
                assert_close(&format!("{} rms norm {width}", kernels.name()), &actual, &expected, |_| 1e-6);
            }
        }
    });
}

#[test]
fn softmaxes_equal_the_reference() {
    for_each_level(|kernels| {
        for width in WIDTHS.into_iter().chain([50_265]) {
            let scores: Vec<f32> = numbers(width, 9).iter().map(|x| 20.0 * x + 100.0).collect();
            let (mut actual, mut expected) = (scores.clone(), scores.clone());
            kernels.softmax(&mut actual);
            reference::softmax(&mut expected);
            assert_close(&format!("{} softmax {width}", kernels.name()), &actual, &expected, |i| {
                3e-6 * expected[i]
            });
            let (mut actual, mut expected) = (scores.clone(), scores);
            kernels.log_softmax(&mut actual);
            reference::log_softmax(&mut expected);
            assert_close(&format!("{} log {width}", kernels.name()), &actual, &expected, |i| {
                5e-7 * expected[i].abs() + 2e-6
            });
        }
        let mut banned = [1.0, f32::NEG_INFINITY, 2.0];
        kernels.softmax(&mut banned);
        assert_eq!(banned[1], 0.0);
        assert_close("two left", &banned, &[0.268_941_42, 0.0, 0.731_058_6], |_| 2e-7);
        let mut nothing = [f32::NEG_INFINITY; 9];
        kernels.softmax(&mut nothing);
        assert_eq!(nothing, [0.0; 9]);
    });
}

#[test]
fn rows_shared_among_threads_are_what_they_are_alone() {
    let (rows, width) = (5, 9_000);
    let scores = numbers(rows * width, 3);
    let mut expected = scores.clone();
    expected.chunks_exact_mut(width).for_each(|row| Kernels::best().log_softmax(row));
    for threads in [1, 2, 3] {
        let mut actual = scores.clone();
        Compute::new(NonZeroUsize::new(threads).unwrap()).log_softmax(&mut actual, width);
        assert!(actual == expected, "{threads} threads");
    }
}

#[test]
fn argmax_takes_the_first_of_equals_wherever_it_stands() {
    for_each_level(|kernels| {
        for width in WIDTHS {
            for place in 0..width {
                let mut row = numbers(width, 4);
                row[place] = 2.0;
                row[(place + width / 2).min(width - 1)] = 2.0;
                assert_eq!(
                    kernels.argmax(&row),
                    reference::argmax(&row),
                    "{} {width} {place}",
                    kernels.name()
                );
                assert_eq!(kernels.argmax(&row), place);
            }
        }
        assert_eq!(kernels.argmax(&[]), 0);
        assert_eq!(kernels.argmax(&[f32::NAN, 1.0, f32::NAN]), 1);
        assert_eq!(kernels.argmax(&[f32::NEG_INFINITY; 20]), 0);
    });
}

#[test]
fn sums_of_vectors_are_exact() {
    for_each_level(|kernels| {
        let compute = compute(kernels, 2);
        for width in WIDTHS.into_iter().chain([200_000]) {
            let (x, mut y) = (numbers(width, 1), numbers(width, 2));
            let expected: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x + y).collect();
            compute.add(&x, &mut y);
            assert_same_bits(kernels.name(), &y, &expected);
        }
    });
}
