//! The numbers that weights begin with, each a function of the seed and the weight's name.
//!
//! Xavier's uniform (Glorot & Bengio, 2010) keeps the variance of what goes through a matrix; an orthogonal matrix (Saxe et al., 2013) keeps
//! the length of what goes through it again and again, so it starts the matrices of recurrence.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};

use crate::chance::Chance;

/// Makes parameters on a device, drawn from one seed.
#[derive(Clone, Debug)]
pub(crate) struct Initial<'a> {
    chance: Chance,
    device: &'a Device,
}

impl<'a> Initial<'a> {
    /// Parameters of a seed on a device that differentiates.
    pub(crate) fn new(seed: u64, device: &'a Device) -> Self {
        Self { chance: Chance::new(seed).named("weights"), device }
    }

    /// The parameters of a part of the network.
    pub(crate) fn part(&self, name: &str) -> Self {
        Self { chance: self.chance.named(name), device: self.device }
    }

    /// A vector of one number.
    pub(crate) fn constant(&self, size: usize, value: f32) -> Param<Tensor<1>> {
        self.vector(vec![value; size])
    }

    /// A given vector.
    pub(crate) fn vector(&self, values: Vec<f32>) -> Param<Tensor<1>> {
        let shape = [values.len()];
        Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), self.device))
    }

    /// Normally distributed numbers.
    pub(crate) fn normal(&self, name: &str, shape: [usize; 2], deviation: f32) -> Param<Tensor<2>> {
        let chance = self.chance.named(name);
        let count = shape[0] * shape[1];
        self.matrix((0..count).map(|i| deviation * chance.normal(i as u32)).collect(), shape)
    }

    /// Uniform numbers within ±`bound`.
    pub(crate) fn uniform(&self, name: &str, shape: [usize; 2], bound: f32) -> Param<Tensor<2>> {
        let chance = self.chance.named(name);
        let count = shape[0] * shape[1];
        self.matrix((0..count).map(|i| bound * (2.0 * chance.uniform(i as u32) - 1.0)).collect(), shape)
    }

    /// Xavier's uniform for a matrix `[outputs, inputs]` made of `gates` matrices on top of each other, each taken by itself.
    pub(crate) fn xavier(&self, name: &str, shape: [usize; 2], gates: usize) -> Param<Tensor<2>> {
        self.uniform(name, shape, (6.0 / (shape[0] / gates + shape[1]) as f32).sqrt())
    }

    /// `gates` square orthogonal matrices on top of each other: `[gates · size, size]`.
    pub(crate) fn orthogonal(&self, name: &str, size: usize, gates: usize) -> Param<Tensor<2>> {
        let mut values = Vec::with_capacity(gates * size * size);
        for gate in 0..gates {
            let chance = self.chance.named(name).at(gate as u64);
            let count = size * size;
            values.extend(orthogonal((0..count).map(|i| chance.normal(i as u32)).collect(), size));
        }
        self.matrix(values, [gates * size, size])
    }

    fn matrix(&self, values: Vec<f32>, shape: [usize; 2]) -> Param<Tensor<2>> {
        Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), self.device))
    }
}

/// Gram and Schmidt's process on the rows, twice over for the sake of rounding.
fn orthogonal(mut rows: Vec<f32>, size: usize) -> Vec<f32> {
    for i in 0..size {
        let (done, rest) = rows.split_at_mut(i * size);
        let row = &mut rest[..size];
        for _ in 0..2 {
            for other in done.chunks_exact(size) {
                let along = dot(row, other);
                row.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
            }
        }
        let scale = dot(row, row).sqrt().recip();
        row.iter_mut().for_each(|x| *x *= scale);
    }
    rows
}

/// Eight sums side by side, which the compiler turns into registers.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; 8];
    let rest = a.chunks_exact(8).remainder().iter().zip(b.chunks_exact(8).remainder());
    let rest: f32 = rest.map(|(x, y)| x * y).sum();
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_an_orthogonal_matrix_are_of_length_1_and_at_right_angles() {
        let chance = Chance::new(1);
        let size = 37;
        let rows = orthogonal((0..size * size).map(|i| chance.normal(i as u32)).collect(), size);
        for (i, a) in rows.chunks_exact(size).enumerate() {
            for (j, b) in rows.chunks_exact(size).enumerate() {
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((dot(a, b) - expected).abs() < 1e-5, "rows {i} and {j}");
            }
        }
    }
}
