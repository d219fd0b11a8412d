//! Dropout: Srivastava et al., JMLR 15 (2014).
//!
//! Each number is put out with probability `p`, the others grow by `1 / (1 - p)`. The mask is a function of place (`chance.rs`), so nothing of it is kept
//! for the way back.

use burn::tensor::{Tensor, TensorData};
use papo_kernels::vectorized;

use super::fused::{self, Back, Fused, Keep, Made};
use super::threads::{cut, pieces, range, share};
use crate::chance::Chance;

/// Puts out part `p` of the numbers; without a chance none.
pub(crate) fn dropout(x: Tensor<2>, p: f64, chance: Option<Chance>) -> Tensor<2> {
    let Some(chance) = chance.filter(|_| p > 0.0) else { return x };
    let shape = x.dims();
    let mask = Mask::new(p, chance);
    if fused::fuses(&x) {
        return fused::run(Dropout { mask, width: shape[1] }, [x.into_dispatch()], shape);
    }
    let factors = mask.factors(shape[0] * shape[1]);
    let factors: Tensor<2> = Tensor::from_data(TensorData::new(factors, shape), &x.device());
    x * factors
}

/// Which numbers are put out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mask {
    chance: Chance,
    /// Random bits below this put a number out.
    threshold: u32,
    /// What the others are multiplied by.
    scale: f32,
}

impl Mask {
    pub(crate) fn new(p: f64, chance: Chance) -> Self {
        Self { chance, threshold: (p * 4_294_967_296.0) as u32, scale: 1.0 / (1.0 - p) as f32 }
    }

    /// What number `i` is multiplied by.
    #[inline(always)]
    pub(crate) fn factor(self, i: u32) -> f32 {
        if self.chance.bits(i) >= self.threshold { self.scale } else { 0.0 }
    }

    /// What the first `count` numbers are multiplied by.
    pub(crate) fn factors(self, count: usize) -> Vec<f32> {
        (0..count as u32).map(|i| self.factor(i)).collect()
    }

    /// Multiplies the numbers from `first` on.
    #[inline(always)]
    pub(crate) fn apply(self, first: usize, x: &mut [f32]) {
        for (i, x) in x.iter_mut().enumerate() {
            *x *= self.factor((first + i) as u32);
        }
    }
}

struct Dropout {
    mask: Mask,
    width: usize,
}

impl Dropout {
    fn apply(&self, x: &mut [f32]) {
        let rows = x.len() / self.width.max(1);
        let parts = pieces(x.len(), rows);
        share(cut(x, parts, self.width), |i, x| {
            let first = range(i, parts, rows).start * self.width;
            vectorized(
                #[inline(always)]
                || self.mask.apply(first, x),
            );
        });
    }
}

impl Fused<1> for Dropout {
    type Kept = ();

    fn forward(&self, [x]: [&[f32]; 1], _: Keep) -> Made<()> {
        let mut y = x.to_vec();
        self.apply(&mut y);
        Made { output: y, kept: () }
    }

    fn backward(&self, back: Back<'_, (), 1>) -> [Option<Vec<f32>>; 1] {
        let mut dx = back.d_output;
        self.apply(&mut dx);
        [Some(dx)]
    }
}
