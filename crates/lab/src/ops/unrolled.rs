//! A recurrent layer over all time steps as one operation.
//!
//! ```text
//! forward    X W_ihᵀ + b_ih      of all steps in one product
//!            step after step:    h W_hhᵀ + b_hh (W_hh packed once), then the cell, row by row, in place
//! backward   from the last step: the cell's way back turns the gates into their gradients, in place
//!                                dh = d_gates W_hh (packed once)
//!            at the end:         dX, dW_ih, dW_hh and the biases', of all steps, each in one product
//! ```
//!
//! Slot `t` of the states is what step `t` finds when time runs forward, and leaves behind when it runs backward:
//!
//! ```text
//! forward     0 →(step 0)→ 1 →(step 1)→ 2 … T        backward     0 ←(step 0)← 1 ←(step 1)← 2 … T
//! ```
//!
//! The output is `[steps · rows, H]` in the order of time, and below it the last state: h, and c for an LSTM, `[rows, H]` each.

use std::sync::{Mutex, PoisonError};

use papo_kernels::{Factor, Onto, vectorized};

use super::fused::{Back, Fused, Keep, Made};
use super::linear::{column_sums, d_input, d_weight};
use super::math;
use super::recur::{Direction, Run};
use super::threads::{compute, cut, pieces, range, share};
use crate::config::CellKind;
use crate::{gru, lstm, rnn};

/// The operation. Arguments: x, h, w_ih, w_hh, b_ih, b_hh, and c for an LSTM.
pub(crate) struct Unrolled {
    pub(crate) run: Run,
    pub(crate) inputs: usize,
    pub(crate) hidden: usize,
}

/// What the steps leave behind.
pub(crate) struct Steps {
    /// The gates of each step, `[steps · rows, G·H]`; Elman's cell leaves here what it does not need.
    gates: Vec<f32>,
    /// h in slots, `[steps + 1, rows, H]`.
    h: Vec<f32>,
    /// c in slots, for an LSTM.
    c: Vec<f32>,
    /// `[steps · rows, H]`: tanh c for an LSTM, W_hn h + b_hn for a GRU.
    inner: Vec<f32>,
}

impl Unrolled {
    fn gates(&self) -> usize {
        self.run.cell.gates() * self.hidden
    }

    /// Numbers of one state.
    fn state(&self) -> usize {
        self.run.rows * self.hidden
    }

    /// The slots before step `t` and after it.
    fn around<'a>(&self, slots: &'a mut [f32], t: usize) -> (&'a [f32], &'a mut [f32]) {
        let size = self.state();
        if slots.is_empty() {
            return (&[], &mut []);
        }
        let (earlier, later) = slots.split_at_mut((t + 1) * size);
        let (earlier, later) = (&mut earlier[t * size..], &mut later[..size]);
        match self.run.direction {
            Direction::Forward => (earlier, later),
            Direction::Backward => (later, earlier),
        }
    }

    /// The slots that the steps find, in the order of time.
    fn found<'a>(&self, slots: &'a [f32]) -> &'a [f32] {
        let size = self.state();
        match self.run.direction {
            Direction::Forward => &slots[..self.run.steps * size],
            Direction::Backward => &slots[size..],
        }
    }

    /// The slots that the steps leave, in the order of time.
    fn left<'a>(&self, slots: &'a [f32]) -> &'a [f32] {
        let size = self.state();
        match self.run.direction {
            Direction::Forward => &slots[size..],
            Direction::Backward => &slots[..self.run.steps * size],
        }
    }

    /// Slots with the first one filled.
    fn slots(&self, first: &[f32]) -> Vec<f32> {
        let size = self.state();
        let mut slots = vec![0.0; (self.run.steps + 1) * size];
        let at = match self.run.direction {
            Direction::Forward => 0,
            Direction::Backward => self.run.steps * size,
        };
        slots[at..at + size].copy_from_slice(first);
        slots
    }

    /// The slot after the last step taken.
    fn last<'a>(&self, slots: &'a [f32]) -> &'a [f32] {
        let size = self.state();
        match self.run.direction {
            Direction::Forward => &slots[self.run.steps * size..],
            Direction::Backward => &slots[..size],
        }
    }

    /// Takes step `t`: `hidden` is `W_hh h + b_hh`, `[rows, G·H]`.
    fn step(&self, t: usize, hidden: &[f32], steps: &mut Steps) {
        let (rows, width, gates_width) = (self.run.rows, self.hidden, self.gates());
        let (h_before, h) = self.around(&mut steps.h, t);
        let (c_before, c) = self.around(&mut steps.c, t);
        let gates = &mut steps.gates[t * rows * gates_width..][..rows * gates_width];
        let inner = if steps.inner.is_empty() {
            &mut []
        } else {
            &mut steps.inner[t * self.state()..][..self.state()]
        };
        let parts = pieces(4 * gates.len(), rows);
        let work = cut(gates, parts, gates_width).into_iter().zip(cut(h, parts, width));
        let work = work.zip(cut_or_nothing(c, parts, width)).zip(cut_or_nothing(inner, parts, width));
        share(work.collect(), |i, (((gates, h), c), inner)| {
            vectorized(
                #[inline(always)]
                || {
                    for (at, row) in range(i, parts, rows).enumerate() {
                        let here = at * width..(at + 1) * width;
                        let there = row * width..(row + 1) * width;
                        let gates = &mut gates[at * gates_width..][..gates_width];
                        let hidden = &hidden[row * gates_width..][..gates_width];
                        let h = &mut h[here.clone()];
                        if !self.run.real(row, t) {
                            gates.fill(0.0);
                            h.copy_from_slice(&h_before[there.clone()]);
                            if !c.is_empty() {
                                c[here].copy_from_slice(&c_before[there]);
                            }
                            continue;
                        }
                        match self.run.cell {
                            CellKind::Rnn => rnn::forward(gates, hidden, h),
                            CellKind::Gru => {
                                inner[here].copy_from_slice(&hidden[2 * width..]);
                                gru::forward(gates, hidden, &h_before[there], h);
                            }
                            CellKind::Lstm => {
                                let (c, inner) = (&mut c[here.clone()], &mut inner[here]);
                                lstm::forward(gates, hidden, &c_before[there], c, inner, h);
                            }
                        }
                    }
                },
            );
        });
    }
}

/// As [`cut`], or as many nothings of nothing.
fn cut_or_nothing(data: &mut [f32], parts: usize, width: usize) -> Vec<&mut [f32]> {
    if data.is_empty() { (0..parts).map(|_| &mut [][..]).collect() } else { cut(data, parts, width) }
}

impl<const N: usize> Fused<N> for Unrolled {
    type Kept = Mutex<Option<Steps>>;

    fn forward(&self, arguments: [&[f32]; N], _: Keep) -> Made<Self::Kept> {
        let [x, h, w_ih, w_hh, b_ih, b_hh] = std::array::from_fn(|i| arguments[i]);
        let (all, width, gates) = (self.run.steps * self.run.rows, self.hidden, self.gates());
        let mut products = vec![0.0; all * gates];
        let dims = [all, gates, self.inputs];
        compute().product(Factor::Lines(x), Factor::Lines(w_ih), dims, Onto::Bias(b_ih), &mut products);
        let keeps_inner = self.run.cell != CellKind::Rnn;
        let mut steps = Steps {
            gates: products,
            h: self.slots(h),
            c: arguments.get(6).map_or_else(Vec::new, |c| self.slots(c)),
            inner: vec![0.0; if keeps_inner { all * width } else { 0 }],
        };
        let w_hh = compute().pack_factor(Factor::Lines(w_hh), gates, width);
        let mut hidden = vec![0.0; self.run.rows * gates];
        for t in (0..self.run.steps).map(|i| self.run.step(i)) {
            let (h_before, _) = self.around(&mut steps.h, t);
            compute().linear(h_before, &w_hh, Some(b_hh), &mut hidden);
            self.step(t, &hidden, &mut steps);
        }
        let mut output = self.left(&steps.h).to_vec();
        if self.run.lengths.is_some() {
            for (position, output) in output.chunks_exact_mut(width).enumerate() {
                if !self.run.real(position % self.run.rows, position / self.run.rows) {
                    output.fill(0.0);
                }
            }
        }
        output.extend_from_slice(self.last(&steps.h));
        if !steps.c.is_empty() {
            output.extend_from_slice(self.last(&steps.c));
        }
        Made { output, kept: Mutex::new(Some(steps)) }
    }

    fn backward(&self, back: Back<'_, Self::Kept, N>) -> [Option<Vec<f32>>; N] {
        let [x, _, w_ih, w_hh, _, _] = std::array::from_fn(|i| back.arguments[i]);
        let Run { steps: count, rows, .. } = self.run;
        let (all, width, gates_width, state) = (count * rows, self.hidden, self.gates(), self.state());
        let steps = back.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut steps = steps.expect("a layer is differentiated once");
        let (dy, last) = back.d_output.split_at(all * width);
        let mut dh = last[..state].to_vec();
        let mut dc = last[state..].to_vec();
        let gru = self.run.cell == CellKind::Gru;
        // Where the gradients of the hidden products are not those of the input products.
        let mut d_hidden = vec![0.0; if gru { all * gates_width } else { 0 }];
        let w_hh_back = compute().pack_factor(Factor::Across(w_hh), width, gates_width);
        let mut through = vec![0.0; state];
        let parts = pieces(4 * rows * gates_width, rows);
        for t in (0..count).rev().map(|i| self.run.step(i)) {
            let (h_before, h) = self.around(&mut steps.h, t);
            let h = &*h;
            let (c_before, _) = self.around(&mut steps.c, t);
            let inner = if steps.inner.is_empty() { &[][..] } else { &steps.inner[t * state..][..state] };
            let at_t = t * rows * gates_width..(t + 1) * rows * gates_width;
            let gates = &mut steps.gates[at_t.clone()];
            let d_hidden_t = if gru { &mut d_hidden[at_t.clone()] } else { &mut [][..] };
            let work = cut(gates, parts, gates_width).into_iter().zip(cut(&mut dh, parts, width));
            let work = work.zip(cut_or_nothing(&mut dc, parts, width));
            let work = work.zip(cut_or_nothing(d_hidden_t, parts, gates_width));
            share(work.collect(), |i, (((gates, dh), dc), d_hidden)| {
                vectorized(
                    #[inline(always)]
                    || {
                        for (at, row) in range(i, parts, rows).enumerate() {
                            if !self.run.real(row, t) {
                                continue;
                            }
                            let there = row * width..(row + 1) * width;
                            let here = at * width..(at + 1) * width;
                            let gates_here = at * gates_width..(at + 1) * gates_width;
                            let gates = &mut gates[gates_here.clone()];
                            let dh = &mut dh[here.clone()];
                            math::add(&dy[t * state..][there.clone()], dh);
                            match self.run.cell {
                                CellKind::Rnn => rnn::backward(&h[there], dh, gates),
                                CellKind::Gru => {
                                    let (inner, h_before) = (&inner[there.clone()], &h_before[there]);
                                    gru::backward(gates, inner, h_before, &mut d_hidden[gates_here], dh);
                                    continue;
                                }
                                CellKind::Lstm => {
                                    let (c_before, tanh_c) = (&c_before[there.clone()], &inner[there]);
                                    lstm::backward(gates, c_before, tanh_c, dh, &mut dc[here]);
                                }
                            }
                            dh.fill(0.0);
                        }
                    },
                );
            });
            let d_products = if gru { &d_hidden[at_t] } else { &steps.gates[at_t] };
            compute().linear(d_products, &w_hh_back, None, &mut through);
            vectorized(
                #[inline(always)]
                || math::add(&through, &mut dh),
            );
        }
        let d_products = &steps.gates;
        let d_hidden = if gru { &d_hidden } else { d_products };
        let input_dims = [all, gates_width, self.inputs];
        let mut results = [const { None }; N];
        let wanted = back.wanted;
        results[0] = wanted[0].then(|| d_input(d_products, w_ih, input_dims));
        results[2] = wanted[2].then(|| d_weight(d_products, x, input_dims));
        results[3] = wanted[3].then(|| d_weight(d_hidden, self.found(&steps.h), [all, gates_width, width]));
        results[4] = wanted[4].then(|| column_sums(d_products, gates_width));
        results[5] = wanted[5].then(|| column_sums(d_hidden, gates_width));
        results[1] = Some(dh);
        if N > 6 {
            results[6] = Some(dc);
        }
        results
    }
}
