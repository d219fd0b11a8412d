//! Products with quantised weights: every level against their definition, and against floats.

mod support;

use papo_kernels::{Dtype, Precision, QuantizedRows, WeightView};
use support::{assert_close, assert_same_bits, compute, for_each_level, numbers};

const PRECISIONS: [Precision; 2] = [Precision::Int8, Precision::Int4];

fn rows_of(outputs: usize, inputs: usize, precision: Precision) -> (Vec<f32>, QuantizedRows) {
    let values = numbers(outputs * inputs, (outputs * 31 + inputs) as u64);
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let view = WeightView { dtype: Dtype::F32, outputs, inputs, bytes: &bytes };
    let rows = compute(papo_kernels::Kernels::best(), 2).quantize(&view, precision);
    (values, rows)
}

/// What the stored bytes of row `output` mean: whole numbers, and the scale of each input.
fn meaning(rows: &QuantizedRows, output: usize) -> Vec<(f64, f64)> {
    let view = rows.view();
    let bytes = &view.bytes[output * view.precision.row_bytes(view.inputs)..];
    let scale_bytes = view.precision.row_scales(view.inputs) * view.precision.scale_size();
    let scales = &view.scales[output * scale_bytes..];
    (0..view.inputs)
        .map(|k| match view.precision {
            Precision::Int8 => {
                let scale = f32::from_le_bytes(scales[..4].try_into().unwrap());
                (f64::from(bytes[k] as i8), f64::from(scale))
            }
            Precision::Int4 => {
                let byte = bytes[k / 8 * 4 + k % 4];
                let code = if k % 8 < 4 { byte & 15 } else { byte >> 4 };
                let at = k / 32 * 2;
                let scale = half::f16::from_le_bytes([scales[at], scales[at + 1]]);
                (f64::from(code) - 8.0, scale.to_f64())
            }
        })
        .collect()
}

/// A row of activations as it is rounded: whole numbers, and the scale of each input.
fn rounded(x: &[f32]) -> Vec<(f64, f64)> {
    x.chunks(256)
        .flat_map(|block| {
            let largest = block.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
            let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
            block
                .iter()
                .map(move |x| (f64::from((x * inverse).round_ties_even()), f64::from(largest / 127.0)))
        })
        .collect()
}

#[test]
fn products_are_what_their_definition_says() {
    for_each_level(|kernels| {
        let compute = compute(kernels, 2);
        for precision in PRECISIONS {
            for (outputs, inputs) in
                [(1, 1), (7, 3), (16, 16), (17, 33), (31, 64), (40, 255), (33, 256), (20, 300), (65, 1100)]
            {
                let (_, stored) = rows_of(outputs, inputs, precision);
                let packed = compute.pack_quantized(&[stored.view()]);
                let weights: Vec<_> = (0..outputs).map(|output| meaning(&stored, output)).collect();
                let bias = numbers(outputs, 5);
                for rows in [1, 2, 3, 4, 5, 6, 7, 12, 13, 16, 30, 140] {
                    let x = numbers(rows * inputs, rows as u64);
                    let bias = (rows % 2 == 0).then_some(&bias[..]);
                    let mut y = vec![f32::NAN; rows * outputs];
                    compute.linear(&x, &packed, bias, &mut y);
                    let mut expected = Vec::new();
                    for row in x.chunks_exact(inputs) {
                        let row = rounded(row);
                        for (output, weights) in weights.iter().enumerate() {
                            let sum: f64 =
                                row.iter().zip(weights).map(|((x, t), (w, s))| x * t * w * s).sum();
                            expected.push((sum + f64::from(bias.map_or(0.0, |bias| bias[output]))) as f32);
                        }
                    }
                    let what = format!("{} {precision:?} {rows} x {inputs} -> {outputs}", kernels.name());
                    assert_close(&what, &y, &expected, |i| {
                        let groups = inputs.div_ceil(32) as f32;
                        (expected[i].abs() + 4.0) * f32::EPSILON * (2.0 + groups)
                    });
                }
            }
        }
    });
}

#[test]
fn rounding_costs_little() {
    for_each_level(|kernels| {
        let compute = compute(kernels, 2);
        for (precision, bound) in [(Precision::Int8, 0.012), (Precision::Int4, 0.12)] {
            let (outputs, inputs, rows) = (96, 768, 9);
            let (values, stored) = rows_of(outputs, inputs, precision);
            let packed = compute.pack_quantized(&[stored.view()]);
            let x = numbers(rows * inputs, 3);
            let (mut y, mut exact) = (vec![0.0; rows * outputs], vec![0.0; rows * outputs]);
            compute.linear(&x, &packed, None, &mut y);
            papo_kernels::reference::linear(&x, &values, inputs, None, &mut exact);
            let error: f32 = y.iter().zip(&exact).map(|(y, exact)| (y - exact).powi(2)).sum();
            let size: f32 = exact.iter().map(|exact| exact.powi(2)).sum();
            let relative = (error / size).sqrt();
            assert!(relative < bound, "{} {precision:?}: {relative}", kernels.name());
        }
    });
}

#[test]
fn a_row_is_the_same_to_the_last_bit_alone_in_a_batch_and_on_any_number_of_threads() {
    for_each_level(|kernels| {
        for precision in PRECISIONS {
            let (outputs, inputs) = (130, 3300);
            let (_, stored) = rows_of(outputs, inputs, precision);
            let bias = numbers(outputs, 1);
            let x = numbers(300 * inputs, 2);
            let one = compute(kernels, 1);
            let mut whole = vec![0.0; 300 * outputs];
            one.linear(&x, &one.pack_quantized(&[stored.view()]), Some(&bias), &mut whole);
            for threads in [1, 2, 3] {
                let compute = compute(kernels, threads);
                let packed = compute.pack_quantized(&[stored.view()]);
                for rows in [1, 2, 5, 12, 13, 40, 300] {
                    let mut y = vec![0.0; rows * outputs];
                    compute.linear(&x[..rows * inputs], &packed, Some(&bias), &mut y);
                    let what = format!("{} {precision:?}, {rows} rows on {threads} threads", kernels.name());
                    assert_same_bits(&what, &y, &whole[..rows * outputs]);
                }
            }
        }
    });
}

#[test]
fn stacked_matrices_and_rows_of_a_table_are_those_that_were_stored() {
    for precision in PRECISIONS {
        let compute = compute(papo_kernels::Kernels::best(), 2);
        let parts = [rows_of(5, 70, precision).1, rows_of(40, 70, precision).1, rows_of(1, 70, precision).1];
        let packed = compute.pack_quantized(&[parts[0].view(), parts[1].view(), parts[2].view()]);
        assert_eq!((packed.outputs(), packed.inputs()), (46, 70));
        let all: Vec<_> =
            parts.iter().flat_map(|part| (0..part.view().outputs).map(move |o| meaning(part, o))).collect();
        let floats: Vec<f32> = parts.iter().flat_map(|part| part.view().floats()).collect();
        let mut row = vec![f32::NAN; 70];
        for (output, expected) in all.iter().enumerate() {
            packed.read_row(output, &mut row);
            assert_eq!(row, floats[output * 70..][..70]);
            for (x, (q, scale)) in row.iter().zip(expected) {
                assert_eq!(*x, (q * scale) as f32, "{precision:?}, row {output}");
            }
        }
    }
}

#[test]
fn what_is_not_a_number_stays_none() {
    for precision in PRECISIONS {
        let compute = compute(papo_kernels::Kernels::best(), 1);
        let (_, stored) = rows_of(20, 300, precision);
        let packed = compute.pack_quantized(&[stored.view()]);
        let mut x = numbers(2 * 300, 1);
        x[299] = f32::INFINITY;
        let mut y = vec![0.0; 40];
        compute.linear(&x, &packed, None, &mut y);
        assert!(y[..20].iter().all(|y| y.is_nan()) && y[20..].iter().all(|y| y.is_finite()), "{precision:?}");
    }
}

#[test]
#[should_panic(expected = "bytes of a 5 x 70 matrix")]
fn too_few_bytes_are_a_callers_error() {
    let (_, stored) = rows_of(5, 70, Precision::Int8);
    let mut view = stored.view();
    view.bytes = &view.bytes[1..];
    compute(papo_kernels::Kernels::best(), 1).pack_quantized(&[view]);
}
