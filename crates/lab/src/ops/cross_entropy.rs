//! The output projection and the cross entropy of its softmax, with label smoothing (Szegedy et al., 2016).
//!
//! ```text
//! z = W h + b      ln p = z - ln Σ exp z      loss = -(1 - ε) ln p(target) - ε/V Σ_v ln p(v)
//! ```

use burn::tensor::{Int, Tensor, TensorData, activation::log_softmax};

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
        Self::collect(grid, (0..steps).flat_map(|t| (0..grid.rows).map(move |row| (row, t))))
    }

    /// Position `row · steps + t` foretells column `t + 1`.
    pub(crate) fn row_major(grid: &Grid) -> Self {
        let steps = grid.columns.saturating_sub(1);
        Self::collect(grid, (0..grid.rows).flat_map(|row| (0..steps).map(move |t| (row, t))))
    }

    fn collect(grid: &Grid, places: impl Iterator<Item = (usize, usize)>) -> Self {
        let real = places.enumerate().filter(|&(_, (row, t))| t + 1 < grid.lengths[row]);
        let (positions, ids) =
            real.map(|(position, (row, t))| (position as u32, grid.row(row)[t + 1])).unzip();
        Self { positions, ids }
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
    let device = h.device();
    let int = |values: &[u32]| -> Tensor<1, Int> {
        let values: Vec<i64> = values.iter().copied().map(i64::from).collect();
        Tensor::from_data(TensorData::new(values, [tokens]), &device)
    };
    let h = h.select(0, int(&targets.positions));
    let log_p = log_softmax(super::linear(h, w, b), 1); // [tokens, V]
    let vocabulary = log_p.dims()[1];
    let nats = -log_p.clone().gather(1, int(&targets.ids).unsqueeze_dim(1)).sum();
    let mut mean = nats.clone() / tokens as f64;
    if smoothing > 0.0 {
        let spread = -log_p.sum() / (vocabulary * tokens) as f64;
        mean = mean * (1.0 - smoothing) + spread * smoothing;
    }
    Loss { mean, nats: nats.inner(), tokens }
}
