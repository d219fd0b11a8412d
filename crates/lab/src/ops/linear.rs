//! `y = x Wᵀ + b`, and the same with a rectifier behind it.
//!
//! ```text
//! dx = dy W      dW = dyᵀ x      db = Σ_rows dy
//! ```

use burn::tensor::{Tensor, activation::relu};
use papo_kernels::{Factor, Onto, vectorized};

use super::fused::{self, Back, Fused, Keep, Made};
use super::math;
use super::threads::{compute, cut, pieces, range, share};

/// `x` is `[rows, inputs]`, `w` `[outputs, inputs]`, `b` `[outputs]`; the result is `[rows, outputs]`.
pub(crate) fn linear(x: Tensor<2>, w: Tensor<2>, b: Option<Tensor<1>>) -> Tensor<2> {
    apply(x, w, b, Then::Nothing)
}

/// `max(0, x Wᵀ + b)`.
pub(crate) fn linear_relu(x: Tensor<2>, w: Tensor<2>, b: Tensor<1>) -> Tensor<2> {
    apply(x, w, Some(b), Then::Relu)
}

/// What follows the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Nothing,
    Relu,
}

fn apply(x: Tensor<2>, w: Tensor<2>, b: Option<Tensor<1>>, then: Then) -> Tensor<2> {
    let ([rows, inputs], [outputs, _]) = (x.dims(), w.dims());
    if fused::fuses(&x) && rows > 0 {
        let linear = Linear { rows, inputs, outputs, then };
        let (x, w) = (x.into_dispatch(), w.into_dispatch());
        return match b {
            Some(b) => fused::run(linear, [x, w, b.into_dispatch()], [rows, outputs]),
            None => fused::run(linear, [x, w], [rows, outputs]),
        };
    }
    let mut y = x.matmul(w.transpose());
    if let Some(b) = b {
        y = y + b.unsqueeze();
    }
    match then {
        Then::Nothing => y,
        Then::Relu => relu(y),
    }
}

struct Linear {
    rows: usize,
    inputs: usize,
    outputs: usize,
    then: Then,
}

impl<const N: usize> Fused<N> for Linear {
    type Kept = ();

    fn forward(&self, arguments: [&[f32]; N], _: Keep) -> Made<()> {
        let mut y = vec![0.0; self.rows * self.outputs];
        let onto = arguments.get(2).map_or(Onto::Nothing, |b| Onto::Bias(b));
        let (x, w) = (Factor::Lines(arguments[0]), Factor::Lines(arguments[1]));
        compute().product(x, w, [self.rows, self.outputs, self.inputs], onto, &mut y);
        if self.then == Then::Relu {
            let parts = pieces(y.len(), self.rows);
            share(cut(&mut y, parts, self.outputs), |_, y| {
                vectorized(
                    #[inline(always)]
                    || y.iter_mut().for_each(|y| *y = y.max(0.0)),
                );
            });
        }
        Made { output: y, kept: () }
    }

    fn backward(&self, back: Back<'_, (), N>) -> [Option<Vec<f32>>; N] {
        let Self { rows, inputs, outputs, then } = *self;
        let mut dy = back.d_output;
        if then == Then::Relu {
            let parts = pieces(dy.len(), rows);
            share(cut(&mut dy, parts, outputs), |i, dy| {
                let y = &back.output[range(i, parts, rows).start * outputs..][..dy.len()];
                vectorized(
                    #[inline(always)]
                    || dy.iter_mut().zip(y).for_each(|(dy, y)| *dy = if *y > 0.0 { *dy } else { 0.0 }),
                );
            });
        }
        let mut results = [const { None }; N];
        if back.wanted[0] {
            results[0] = Some(d_input(&dy, back.arguments[1], [rows, outputs, inputs]));
        }
        if back.wanted[1] {
            results[1] = Some(d_weight(&dy, back.arguments[0], [rows, outputs, inputs]));
        }
        if back.wanted.get(2) == Some(&true) {
            results[2] = Some(column_sums(&dy, outputs));
        }
        results
    }
}

/// dx = dy W: `[rows, inputs]`.
pub(crate) fn d_input(dy: &[f32], w: &[f32], [rows, outputs, inputs]: [usize; 3]) -> Vec<f32> {
    let mut dx = vec![0.0; rows * inputs];
    compute().product(Factor::Lines(dy), Factor::Across(w), [rows, inputs, outputs], Onto::Nothing, &mut dx);
    dx
}

/// dW = dyᵀ x: `[outputs, inputs]`.
pub(crate) fn d_weight(dy: &[f32], x: &[f32], [rows, outputs, inputs]: [usize; 3]) -> Vec<f32> {
    let mut dw = vec![0.0; outputs * inputs];
    compute().product(Factor::Across(dy), Factor::Across(x), [outputs, inputs, rows], Onto::Nothing, &mut dw);
    dw
}

/// The sums of the columns of rows of `width` numbers.
pub(crate) fn column_sums(x: &[f32], width: usize) -> Vec<f32> {
    let mut sums = vec![0.0; width];
    vectorized(
        #[inline(always)]
        || math::add_columns(x, &mut sums),
    );
    sums
}
