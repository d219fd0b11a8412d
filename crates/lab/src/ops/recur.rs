//! A recurrent layer over all time steps.
//!
//! The plain form calls the cell's `step` from `rnn.rs`, `lstm.rs` or `gru.rs` time after time; the fused form is in `unrolled.rs`.

use burn::tensor::{Tensor, TensorData};

use super::fused;
use super::unrolled::Unrolled;
use crate::config::CellKind;
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

    /// The `i`-th step that is taken.
    pub(crate) fn step(&self, i: usize) -> usize {
        match self.direction {
            Direction::Forward => i,
            Direction::Backward => self.steps - 1 - i,
        }
    }

    /// Whether step `t` of a row is real.
    #[inline(always)]
    pub(crate) fn real(&self, row: usize, t: usize) -> bool {
        self.lengths.as_ref().is_none_or(|lengths| t < lengths[row])
    }
}

/// Runs a layer over `x`, `[steps · rows, inputs]`, from a state (h, and c for an LSTM), `[rows, H]` each.
///
/// Gives the outputs `[steps · rows, H]` in the order of time, whatever the direction, and the state after the last step taken.
pub(crate) fn recur(
    run: &Run,
    x: Tensor<2>,
    state: Vec<Tensor<2>>,
    weights: LayerWeights,
) -> (Tensor<2>, Vec<Tensor<2>>) {
    let [all, inputs] = x.dims();
    assert_eq!(all, run.steps * run.rows, "x holds {} steps of {} rows", run.steps, run.rows);
    if !fused::fuses(&x) || run.steps == 0 {
        return plain(run, x, state, weights);
    }
    let hidden = weights.w_hh.dims()[1];
    let operation = Unrolled { run: run.clone(), inputs, hidden };
    let LayerWeights { w_ih, w_hh, b_ih, b_hh } = weights;
    let states = state.len();
    let shape = [all + states * run.rows, hidden];
    let mut state = state.into_iter().map(Tensor::into_dispatch);
    let mut next = || state.next().expect("a state as the cell has it");
    let h = next();
    let (x, w_ih, w_hh) = (x.into_dispatch(), w_ih.into_dispatch(), w_hh.into_dispatch());
    let (b_ih, b_hh) = (b_ih.into_dispatch(), b_hh.into_dispatch());
    let together: Tensor<2> = match run.cell {
        CellKind::Lstm => fused::run(operation, [x, h, w_ih, w_hh, b_ih, b_hh, next()], shape),
        CellKind::Rnn | CellKind::Gru => fused::run(operation, [x, h, w_ih, w_hh, b_ih, b_hh], shape),
    };
    let last = (0..states).map(|i| together.clone().narrow(0, all + i * run.rows, run.rows)).collect();
    (together.narrow(0, 0, all), last)
}

fn plain(
    run: &Run,
    x: Tensor<2>,
    mut state: Vec<Tensor<2>>,
    weights: LayerWeights,
) -> (Tensor<2>, Vec<Tensor<2>>) {
    let LayerWeights { w_ih, w_hh, b_ih, b_hh } = weights;
    if run.steps == 0 {
        return (Tensor::zeros([0, w_hh.dims()[1]], &x.device()), state);
    }
    let products = super::linear(x, w_ih, Some(b_ih)); // [steps · rows, G·H]
    let mut outputs = vec![None; run.steps];
    for t in (0..run.steps).map(|i| run.step(i)) {
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
        if run.lengths.is_some() {
            let real = (0..run.rows).map(|row| if run.real(row, t) { 1.0f32 } else { 0.0 }).collect();
            let real: Tensor<2> = Tensor::from_data(TensorData::new(real, [run.rows, 1]), &output.device());
            output = output * real.clone();
            let mix = |(new, old): (Tensor<2>, Tensor<2>)| old.clone() + (new - old) * real.clone();
            state = state.into_iter().zip(before).map(mix).collect();
        }
        outputs[t] = Some(output);
    }
    let outputs = outputs.into_iter().map(|output| output.expect("every step was taken")).collect();
    (Tensor::cat(outputs, 0), state)
}
