//! The output projection and the cross entropy of its softmax, with label smoothing (Szegedy et al., 2016).
//!
//! ```text
//! z = W h + b      ln p = z - ln Σ exp z      loss = -(1 - ε) ln p(target) - ε/V Σ_v ln p(v)
//! dz = p - (1 - ε) [target] - ε/V             dh = Wᵀ dz      dW = dz hᵀ      db = dz
//! ```
//!
//! The logits of a batch are the largest thing in a training step. The fused form never has them all: it takes some rows at a time through
//! projection, softmax and *backward pass*, because the gradient of a mean is known as soon as its value is.

use std::sync::{Mutex, PoisonError};

use burn::tensor::{Int, Tensor, TensorData, activation::log_softmax};
use papo_kernels::{Factor, Onto, vectorized};

use super::fused::{self, Back, Fused, Keep, Made};
use super::math;
use super::threads::{compute, cut, pieces, range, share};
use crate::{Grid, Loss};

/// What each position is to foretell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Targets {
    /// The positions that foretell something, ascending.
    pub(crate) positions: Vec<u32>,
    /// The token of each of them.
    pub(crate) ids: Vec<u32>,
}

impl Targets {
    /// Position `t · rows + row` foretells column `t + 1`.
    pub(crate) fn time_major(grid: &Grid) -> Self {
        let steps = grid.columns.saturating_sub(1);
        let places = (0..steps).flat_map(|t| (0..grid.rows).map(move |row| (row, t)));
        let real = places.enumerate().filter(|&(_, (row, t))| t + 1 < grid.lengths[row]);
        let (positions, ids) =
            real.map(|(position, (row, t))| (position as u32, grid.row(row)[t + 1])).unzip();
        Self { positions, ids }
    }

    /// Positions are the real tokens but the last of each row, row after row.
    pub(crate) fn without_filling(grid: &Grid) -> Self {
        let real = |row: usize| grid.row(row)[..grid.lengths[row]].iter().skip(1).copied();
        let ids: Vec<u32> = (0..grid.rows).flat_map(real).collect();
        Self { positions: (0..ids.len() as u32).collect(), ids }
    }
}

/// The loss of hidden states `h`, `[positions, H]`, through the projection `w`, `[V, H]`, and `b`, `[V]`.
pub(crate) fn cross_entropy(
    h: Tensor<2>,
    w: Tensor<2>,
    b: Option<Tensor<1>>,
    targets: Targets,
    smoothing: f64,
) -> Loss {
    let tokens = targets.ids.len();
    let ([positions, width], [vocabulary, _]) = (h.dims(), w.dims());
    if let Some(id) = targets.ids.iter().find(|&&id| id as usize >= vocabulary) {
        panic!("token {id} of a vocabulary of {vocabulary}");
    }
    if fused::fuses(&h) {
        let operation = CrossEntropy { targets, positions, width, vocabulary, smoothing: smoothing as f32 };
        let (h, w) = (h.into_dispatch(), w.into_dispatch());
        let both: Tensor<1> = match b {
            Some(b) => fused::run(operation, [h, w, b.into_dispatch()], [2]),
            None => fused::run(operation, [h, w], [2]),
        };
        let nats = both.clone().inner().narrow(0, 1, 1);
        return Loss { mean: both.narrow(0, 0, 1), nats, tokens };
    }
    let device = h.device();
    let int = |values: &[u32]| -> Tensor<1, Int> {
        let values: Vec<i64> = values.iter().copied().map(i64::from).collect();
        Tensor::from_data(TensorData::new(values, [tokens]), &device)
    };
    let h = h.select(0, int(&targets.positions));
    let log_p = log_softmax(super::linear(h, w, b), 1); // [tokens, V]
    let nats = -log_p.clone().gather(1, int(&targets.ids).unsqueeze_dim(1)).sum();
    let mut mean = nats.clone() / tokens as f64;
    if smoothing > 0.0 {
        let spread = -log_p.sum() / (vocabulary * tokens) as f64;
        mean = mean * (1.0 - smoothing) + spread * smoothing;
    }
    Loss { mean, nats: nats.inner(), tokens }
}

struct CrossEntropy {
    targets: Targets,
    positions: usize,
    width: usize,
    vocabulary: usize,
    smoothing: f32,
}

/// The gradients of the mean.
pub(crate) struct Gradients {
    /// Of the positions that foretell something: `[tokens, H]`.
    dh: Vec<f32>,
    dw: Vec<f32>,
    db: Vec<f32>,
}

/// Numbers of logits that are had at once: 8 MB, a part of the last cache.
const LOGITS: usize = 2 << 20;

impl CrossEntropy {
    /// A row's logits become their gradient; gives ln p(target) and Σ_v ln p(v).
    #[inline(always)]
    fn row(&self, z: &mut [f32], target: usize) -> (f32, f32) {
        let largest = math::largest(z);
        let at_target = z[target] - largest;
        let mut all = 0.0;
        if self.smoothing > 0.0 {
            all = math::sum(z, |z| z - largest);
        }
        z.iter_mut().for_each(|z| *z = math::exp(*z - largest));
        let sum = math::sum(z, |z| z);
        let (log_sum, vocabulary) = (sum.ln(), z.len() as f32);
        let (scale, spread) = (1.0 / sum, self.smoothing / vocabulary);
        z.iter_mut().for_each(|z| *z = z.mul_add(scale, -spread));
        z[target] -= 1.0 - self.smoothing;
        (at_target - log_sum, all - vocabulary * log_sum)
    }
}

impl<const N: usize> Fused<N> for CrossEntropy {
    type Kept = Mutex<Option<Gradients>>;

    fn forward(&self, arguments: [&[f32]; N], keep: Keep) -> Made<Self::Kept> {
        let (h, w) = (arguments[0], arguments[1]);
        let bias = arguments.get(2).copied();
        let Self { width, vocabulary, .. } = *self;
        let tokens = self.targets.ids.len();
        let forward = compute().pack_factor(Factor::Lines(w), vocabulary, width);
        let back =
            (keep == Keep::Everything).then(|| compute().pack_factor(Factor::Across(w), width, vocabulary));
        let mut gradients = Gradients {
            dh: vec![0.0; if back.is_some() { tokens * width } else { 0 }],
            dw: vec![0.0; if back.is_some() { vocabulary * width } else { 0 }],
            db: vec![0.0; if back.is_some() && bias.is_some() { vocabulary } else { 0 }],
        };
        let at_once = (LOGITS / vocabulary).clamp(1, tokens.max(1));
        let mut logits = vec![0.0; at_once * vocabulary];
        let mut some_h = Vec::with_capacity(at_once * width);
        let (mut nats, mut loss) = (0.0f64, 0.0f64);
        for first in (0..tokens).step_by(at_once) {
            let rows = at_once.min(tokens - first);
            some_h.clear();
            for &position in &self.targets.positions[first..first + rows] {
                some_h.extend_from_slice(&h[position as usize * width..][..width]);
            }
            let z = &mut logits[..rows * vocabulary];
            compute().linear(&some_h, &forward, bias, z);
            let parts = pieces(z.len(), rows);
            let mut sums = vec![(0.0f64, 0.0f64); parts];
            share(cut(z, parts, vocabulary).into_iter().zip(&mut sums).collect(), |i, (z, sums)| {
                let targets = &self.targets.ids[first + range(i, parts, rows).start..];
                for (z, &target) in z.chunks_exact_mut(vocabulary).zip(targets) {
                    let (at_target, all) = vectorized(
                        #[inline(always)]
                        || self.row(z, target as usize),
                    );
                    sums.0 -= f64::from(at_target);
                    sums.1 -= f64::from(all);
                }
            });
            for (at_target, all) in sums {
                nats += at_target;
                let smoothing = f64::from(self.smoothing);
                loss += (1.0 - smoothing) * at_target + smoothing / vocabulary as f64 * all;
            }
            if let Some(back) = &back {
                let dh = &mut gradients.dh[first * width..][..rows * width];
                compute().linear(z, back, None, dh);
                compute().product(
                    Factor::Across(z),
                    Factor::Across(&some_h),
                    [vocabulary, width, rows],
                    Onto::Itself,
                    &mut gradients.dw,
                );
                if bias.is_some() {
                    vectorized(
                        #[inline(always)]
                        || math::add_columns(z, &mut gradients.db),
                    );
                }
            }
        }
        let mean = (loss / tokens.max(1) as f64) as f32;
        Made { output: vec![mean, nats as f32], kept: Mutex::new(back.map(|_| gradients)) }
    }

    fn backward(&self, back: Back<'_, Self::Kept, N>) -> [Option<Vec<f32>>; N] {
        let gradients = back.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Gradients { mut dh, mut dw, mut db } =
            gradients.expect("a loss is differentiated once, after a pass that kept what it needs");
        let scale = back.d_output[0] / self.targets.ids.len().max(1) as f32;
        vectorized(
            #[inline(always)]
            || {
                math::scale(scale, &mut dh);
                math::scale(scale, &mut dw);
                math::scale(scale, &mut db);
            },
        );
        if self.positions != self.targets.positions.len() {
            let mut all = vec![0.0; self.positions * self.width];
            for (dh, &position) in dh.chunks_exact(self.width).zip(&self.targets.positions) {
                all[position as usize * self.width..][..self.width].copy_from_slice(dh);
            }
            dh = all;
        }
        let mut gradients = [Some(dh), Some(dw), Some(db)].into_iter();
        std::array::from_fn(|_| gradients.next().flatten())
    }
}
