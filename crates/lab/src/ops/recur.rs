//! A recurrent layer over all time steps.

use burn::tensor::Tensor;

use crate::CellKind;
use crate::{gru, lstm, rnn};

/// The weights of a layer: `w_ih` `[G·H, inputs]`, `w_hh` `[G·H, H]`, `b_ih` and `b_hh` `[G·H]`.
#[derive(Clone, Debug)]
pub(crate) struct LayerWeights {
    pub(crate) w_ih: Tensor<2>,
    pub(crate) w_hh: Tensor<2>,
    pub(crate) b_ih: Tensor<1>,
    pub(crate) b_hh: Tensor<1>,
}

/// In which order the steps are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the first to the last.
    Forward,
    /// From the last to the first.
    Backward,
}

/// What is run over what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) cell: CellKind,
    pub(crate) steps: usize,
    pub(crate) rows: usize,
    pub(crate) direction: Direction,
    /// The real steps of each row, where not all are: beyond them the state stays as it is, and the output is zero.
    pub(crate) lengths: Option<Vec<usize>>,
}

impl Run {
    /// Forward over steps that are all real.
    pub(crate) fn whole(cell: CellKind, steps: usize, rows: usize) -> Self {
        Self { cell, steps, rows, direction: Direction::Forward, lengths: None }
    }
}

/// Runs a layer over `x`, `[steps · rows, inputs]`, from a state (h, and c for an LSTM), `[rows, H]` each.
///
/// Gives the outputs `[steps · rows, H]` in the order of the steps, whatever the direction, and the state after the last step taken.
pub(crate) fn recur(
    run: &Run,
    x: Tensor<2>,
    state: Vec<Tensor<2>>,
    weights: LayerWeights,
) -> (Tensor<2>, Vec<Tensor<2>>) {
    let LayerWeights { w_ih, w_hh, b_ih, b_hh } = weights;
    let products = super::linear(x, w_ih, Some(b_ih)); // [steps · rows, G·H]
    let mut state = state;
    let mut outputs = vec![None; run.steps];
    for i in 0..run.steps {
        let t = match run.direction {
            Direction::Forward => i,
            Direction::Backward => run.steps - 1 - i,
        };
        let x = products.clone().narrow(0, t * run.rows, run.rows);
        let before = state.clone();
        state = match run.cell {
            CellKind::Rnn => vec![rnn::step(x, state.remove(0), w_hh.clone(), b_hh.clone())],
            CellKind::Gru => vec![gru::step(x, state.remove(0), w_hh.clone(), b_hh.clone())],
            CellKind::Lstm => {
                let state = state.try_into().expect("an LSTM's state is h and c");
                lstm::step(x, state, w_hh.clone(), b_hh.clone()).into()
            }
        };
        let mut output = state[0].clone();
        if let Some(lengths) = &run.lengths {
            let real: Vec<f32> = lengths.iter().map(|&length| if t < length { 1.0 } else { 0.0 }).collect();
            let real: Tensor<2> =
                Tensor::<1>::from_floats(real.as_slice(), &output.device()).unsqueeze_dim(1);
            output = output * real.clone();
            let mix = |(new, old): (Tensor<2>, Tensor<2>)| old.clone() + (new - old) * real.clone();
            state = state.into_iter().zip(before).map(mix).collect();
        }
        outputs[t] = Some(output);
    }
    let outputs = outputs.into_iter().map(|output| output.expect("every step was taken")).collect();
    (Tensor::cat(outputs, 0), state)
}
