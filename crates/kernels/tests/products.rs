//! Matrix products of every level against the reference.

mod support;

use std::num::NonZeroUsize;

use papo_kernels::{Compute, Dtype, Factor, Format, Kernels, Onto, PackedMatrix, WeightView, reference};
use support::{assert_close, assert_same_bits, compute, for_each_level, numbers};

const DTYPES: [Dtype; 3] = [Dtype::F32, Dtype::F16, Dtype::Bf16];

/// A matrix in checkpoint bytes of some format, and what its numbers are in f32 once stored in another.
struct Weights {
    bytes: Vec<u8>,
    dtype: Dtype,
    outputs: usize,
    inputs: usize,
    values: Vec<f32>,
}

fn to_bytes(x: f32, dtype: Dtype) -> Vec<u8> {
    match dtype {
        Dtype::F32 => x.to_le_bytes().to_vec(),
        Dtype::F16 => half::f16::from_f32(x).to_le_bytes().to_vec(),
        Dtype::Bf16 => half::bf16::from_f32(x).to_le_bytes().to_vec(),
    }
}

fn round(x: f32, dtype: Dtype) -> f32 {
    match dtype {
        Dtype::F32 => x,
        Dtype::F16 => half::f16::from_f32(x).to_f32(),
        Dtype::Bf16 => half::bf16::from_f32(x).to_f32(),
    }
}

fn weights(outputs: usize, inputs: usize, stored: Dtype, packed: Dtype) -> Weights {
    let values = numbers(outputs * inputs, (outputs * 7919 + inputs) as u64);
    let bytes = values.iter().flat_map(|&x| to_bytes(x, stored)).collect();
    let values = values.iter().map(|&x| round(round(x, stored), packed)).collect();
    Weights { bytes, dtype: stored, outputs, inputs, values }
}

impl Weights {
    fn view(&self) -> WeightView<'_> {
        WeightView { dtype: self.dtype, outputs: self.outputs, inputs: self.inputs, bytes: &self.bytes }
    }
}

/// A product and its error bound: sums of at most 256 numbers, and the sum of those sums, each step rounding once or twice.
fn check(compute: &Compute, weights: &Weights, packed: &PackedMatrix, rows: usize, bias: Option<&[f32]>) {
    let (outputs, inputs) = (weights.outputs, weights.inputs);
    let x = numbers(rows * inputs, rows as u64);
    let (mut actual, mut expected) = (vec![f32::NAN; rows * outputs], vec![0.0; rows * outputs]);
    compute.linear(&x, packed, bias, &mut actual);
    reference::linear(&x, &weights.values, inputs, bias, &mut expected);
    let steps = (2 * inputs.min(256) + inputs / 256 + 3) as f32;
    let what = format!("{} {:?} {rows} x {inputs} -> {outputs}", compute.kernels().name(), packed.format());
    assert_close(&what, &actual, &expected, |i| {
        let (row, output) = (i / outputs, i % outputs);
        let magnitude: f32 = x[row * inputs..][..inputs]
            .iter()
            .zip(&weights.values[output * inputs..])
            .map(|(x, w)| (x * w).abs())
            .sum();
        // Rounding errors of a sum grow with the square root of the steps in practice; the bound takes a fourth of the worst case.
        0.25 * steps * f32::EPSILON * (magnitude + 1.0)
    });
}

#[test]
fn products_equal_the_reference_around_the_tile_sizes() {
    for_each_level(|kernels| {
        let compute = compute(kernels, 2);
        for dtype in DTYPES {
            for (outputs, inputs) in
                [(1, 1), (7, 3), (8, 16), (15, 5), (16, 17), (31, 64), (32, 33), (33, 255), (65, 257)]
            {
                let weights = weights(outputs, inputs, Dtype::F32, dtype);
                let packed = compute.pack(&[weights.view()], dtype);
                let bias = numbers(outputs, 5);
                for rows in [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 24, 25, 30] {
                    check(&compute, &weights, &packed, rows, (rows % 2 == 0).then_some(&bias[..]));
                }
            }
        }
    });
}

#[test]
fn large_products_equal_the_reference() {
    for_each_level(|kernels| {
        let compute = compute(kernels, 2);
        let weights = weights(300, 1100, Dtype::F32, Dtype::F32);
        let packed = compute.pack(&[weights.view()], Dtype::F32);
        for rows in [1, 4, 16, 200] {
            check(&compute, &weights, &packed, rows, None);
        }
    });
}

#[test]
fn a_row_is_the_same_to_the_last_bit_alone_in_a_batch_and_on_any_number_of_threads() {
    for_each_level(|kernels| {
        for dtype in DTYPES {
            let weights = weights(130, 600, Dtype::F32, dtype);
            let bias = numbers(130, 1);
            let x = numbers(200 * 600, 2);
            let mut whole = vec![0.0; 200 * 130];
            let one = compute(kernels, 1);
            one.linear(&x, &one.pack(&[weights.view()], dtype), Some(&bias), &mut whole);
            for threads in [1, 2, 3, 5] {
                let compute = compute(kernels, threads);
                let packed = compute.pack(&[weights.view()], dtype);
                for rows in [1, 2, 5, 12, 13, 40, 200] {
                    let mut y = vec![0.0; rows * 130];
                    compute.linear(&x[..rows * 600], &packed, Some(&bias), &mut y);
                    let what = format!("{} {dtype:?}, {rows} rows on {threads} threads", kernels.name());
                    assert_same_bits(&what, &y, &whole[..rows * 130]);
                }
            }
        }
    });
}

#[test]
fn packing_keeps_or_rounds_every_number_whatever_the_formats() {
    for_each_level(|kernels| {
        let compute = compute(kernels, 2);
        for stored in DTYPES {
            for packed_as in DTYPES {
                let weights = weights(45, 70, stored, packed_as);
                let packed = compute.pack(&[weights.view()], packed_as);
                assert_eq!(
                    (packed.outputs(), packed.inputs(), packed.format()),
                    (45, 70, Format::Floats(packed_as))
                );
                let mut row = vec![0.0; 70];
                for output in 0..45 {
                    packed.read_row(output, &mut row);
                    let what = format!("{} {stored:?} as {packed_as:?}, row {output}", kernels.name());
                    assert_same_bits(&what, &row, &weights.values[output * 70..][..70]);
                }
            }
        }
    });
}

#[test]
fn stacked_matrices_of_different_formats_stand_on_top_of_each_other() {
    for_each_level(|kernels| {
        let compute = compute(kernels, 1);
        let parts = [
            weights(5, 20, Dtype::F32, Dtype::F32),
            weights(40, 20, Dtype::F16, Dtype::F32),
            weights(1, 20, Dtype::Bf16, Dtype::F32),
        ];
        let packed = compute.pack(&[parts[0].view(), parts[1].view(), parts[2].view()], Dtype::F32);
        let all: Vec<f32> = parts.iter().flat_map(|part| part.values.iter().copied()).collect();
        let mut row = vec![0.0; 20];
        for (output, expected) in all.chunks(20).enumerate() {
            packed.read_row(output, &mut row);
            assert_same_bits(&format!("row {output}"), &row, expected);
        }
    });
}

#[test]
fn checkpoint_bytes_may_lie_at_any_address() {
    for_each_level(|kernels| {
        let compute = compute(kernels, 1);
        let weights = weights(9, 11, Dtype::F32, Dtype::F32);
        for offset in 0..4 {
            let mut shifted = vec![0; offset];
            shifted.extend_from_slice(&weights.bytes);
            let view = WeightView { bytes: &shifted[offset..], ..weights.view() };
            let packed = compute.pack(&[view], Dtype::F32);
            let mut row = vec![0.0; 11];
            packed.read_row(8, &mut row);
            assert_same_bits("row 8", &row, &weights.values[88..]);
        }
    });
}

#[test]
#[should_panic(expected = "y is [2, 8]")]
fn lengths_that_do_not_fit_are_refused_with_the_shapes() {
    let compute = compute(papo_kernels::Kernels::best(), 1);
    let weights = weights(8, 4, Dtype::F32, Dtype::F32);
    let packed = compute.pack(&[weights.view()], Dtype::F32);
    compute.linear(&[0.0; 8], &packed, None, &mut [0.0; 8]);
}

#[test]
fn a_product_of_factors_stored_either_way_equals_the_sum() {
    let number = |i: usize| ((i * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0;
    for kernels in Kernels::available() {
        for threads in [1, 2] {
            let compute = Compute::with_kernels(kernels, NonZeroUsize::new(threads).unwrap());
            for [rows, outputs, depth] in [[1, 1, 1], [3, 5, 7], [13, 33, 65], [97, 70, 300], [200, 64, 800]]
            {
                let x: Vec<f32> = (0..rows * depth).map(number).collect();
                let w: Vec<f32> = (0..outputs * depth).map(|i| number(i + 17)).collect();
                let across = |data: &[f32], count: usize| -> Vec<f32> {
                    (0..depth * count).map(|i| data[i % count * depth + i / count]).collect()
                };
                let (xt, wt) = (across(&x, rows), across(&w, outputs));
                let bias: Vec<f32> = (0..outputs).map(|i| number(i + 5)).collect();
                for x_factor in [Factor::Lines(&x), Factor::Across(&xt)] {
                    for w_factor in [Factor::Lines(&w), Factor::Across(&wt)] {
                        for onto in [Onto::Nothing, Onto::Bias(&bias), Onto::Itself] {
                            let mut y = vec![0.5; rows * outputs];
                            compute.product(x_factor, w_factor, [rows, outputs, depth], onto, &mut y);
                            let packed = compute.pack_factor(w_factor, outputs, depth);
                            let mut z = vec![0.0; rows * outputs];
                            compute.linear(&x, &packed, None, &mut z);
                            for r in 0..rows {
                                for o in 0..outputs {
                                    let start = match onto {
                                        Onto::Nothing => 0.0,
                                        Onto::Bias(bias) => bias[o],
                                        Onto::Itself => 0.5,
                                    };
                                    let sum: f64 = (0..depth)
                                        .map(|k| f64::from(x[r * depth + k]) * f64::from(w[o * depth + k]))
                                        .sum();
                                    let i = r * outputs + o;
                                    let bound = 1e-6 * depth as f64 + 1e-6;
                                    let name = kernels.name();
                                    assert!(
                                        (f64::from(y[i]) - sum - f64::from(start)).abs() < bound,
                                        "{name}, [{rows}, {outputs}, {depth}]: {x_factor:?} {w_factor:?} {onto:?}"
                                    );
                                    assert!((f64::from(z[i]) - sum).abs() < bound, "{name}: packed");
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
