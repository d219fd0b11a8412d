//! `LayerNorm(x + Dropout(y))`: how a sub-layer of a transformer joins what goes around it (Ba, Kiros & Hinton, 2016, for the norm).
//!
//! ```text
//! z = x + Dropout(y)      ẑ = (z - mean z) / √(var z + ε)      out = g ∘ ẑ + b
//!
//! dg = Σ_rows dout ∘ ẑ    db = Σ_rows dout
//! dẑ = g ∘ dout           dz = (dẑ - mean dẑ - ẑ mean(dẑ ∘ ẑ)) / √(var z + ε)
//! dx = dz                 dy = dz ∘ mask
//! ```

use burn::tensor::Tensor;
use papo_kernels::vectorized;

use super::dropout::{Mask, dropout};
use super::fused::{self, Back, Fused, Keep, Made};
use super::math;
use super::threads::{cut, pieces, range, share};
use crate::chance::Chance;

/// ε, as PyTorch has it.
const EPS: f32 = 1e-5;

/// The dropout of what joins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Residual {
    pub(crate) p: f64,
    pub(crate) chance: Option<Chance>,
}

/// `x` and `y` are `[rows, width]`, `gain` and `bias` `[width]`.
pub(crate) fn join(
    residual: Residual,
    x: Tensor<2>,
    y: Tensor<2>,
    gain: Tensor<1>,
    bias: Tensor<1>,
) -> Tensor<2> {
    let shape = x.dims();
    if fused::fuses(&x) && shape[0] > 0 {
        let mask = residual.chance.filter(|_| residual.p > 0.0).map(|chance| Mask::new(residual.p, chance));
        let arguments = [x.into_dispatch(), y.into_dispatch(), gain.into_dispatch(), bias.into_dispatch()];
        return fused::run(Join { mask, rows: shape[0], width: shape[1] }, arguments, shape);
    }
    let z = x + dropout(y, residual.p, residual.chance);
    let z = z.clone() - z.mean_dim(1);
    let variance = z.clone().powi_scalar(2).mean_dim(1);
    z / (variance + f64::from(EPS)).sqrt() * gain.unsqueeze() + bias.unsqueeze()
}

struct Join {
    mask: Option<Mask>,
    rows: usize,
    width: usize,
}

/// ẑ, and `1 / √(var z + ε)` of each row.
struct Normed {
    z: Vec<f32>,
    scale: Vec<f32>,
}

impl Fused<4> for Join {
    type Kept = Normed;

    fn forward(&self, [x, y, gain, bias]: [&[f32]; 4], _: Keep) -> Made<Normed> {
        let Self { rows, width, mask } = *self;
        let mut z = y.to_vec();
        let mut output = vec![0.0; rows * width];
        let mut scale = vec![0.0; rows];
        let parts = pieces(z.len(), rows);
        let work = cut(&mut z, parts, width).into_iter().zip(cut(&mut output, parts, width));
        let work = work.zip(cut(&mut scale, parts, 1)).collect();
        share(work, |i, ((z, output), scale)| {
            let first = range(i, parts, rows).start * width;
            vectorized(
                #[inline(always)]
                || {
                    if let Some(mask) = mask {
                        mask.apply(first, z);
                    }
                    math::add(&x[first..][..z.len()], z);
                    let rows = z.chunks_exact_mut(width).zip(output.chunks_exact_mut(width));
                    for ((z, output), scale) in rows.zip(scale.iter_mut()) {
                        let mean = math::sum(z, |z| z) / width as f32;
                        z.iter_mut().for_each(|z| *z -= mean);
                        *scale = 1.0 / (math::dot(z, z) / width as f32 + EPS).sqrt();
                        math::scale(*scale, z);
                        for (((out, z), g), b) in output.iter_mut().zip(&*z).zip(gain).zip(bias) {
                            *out = z.mul_add(*g, *b);
                        }
                    }
                },
            );
        });
        Made { output, kept: Normed { z, scale } }
    }

    fn backward(&self, back: Back<'_, Normed, 4>) -> [Option<Vec<f32>>; 4] {
        let Self { rows, width, mask } = *self;
        let gain = back.arguments[2];
        let mut d = back.d_output;
        let mut dy = vec![0.0; if back.wanted[1] { rows * width } else { 0 }];
        let parts = pieces(d.len(), rows);
        // For each piece its sums of dout ∘ ẑ and of dout.
        let mut sums = vec![0.0; parts * 2 * width];
        let dys = if back.wanted[1] {
            cut(&mut dy, parts, width)
        } else {
            (0..parts).map(|_| &mut [][..]).collect()
        };
        let work = cut(&mut d, parts, width).into_iter().zip(dys);
        let work = work.zip(sums.chunks_exact_mut(2 * width)).collect();
        share(work, |i, ((d, dy), sums)| {
            let range = range(i, parts, rows);
            let z = &back.kept.z[range.start * width..range.end * width];
            let scale = &back.kept.scale[range.clone()];
            let (d_gain, d_bias) = sums.split_at_mut(width);
            vectorized(
                #[inline(always)]
                || {
                    for ((d, z), scale) in d.chunks_exact_mut(width).zip(z.chunks_exact(width)).zip(scale) {
                        for ((((d, z), d_gain), d_bias), g) in
                            d.iter_mut().zip(z).zip(d_gain.iter_mut()).zip(d_bias.iter_mut()).zip(gain)
                        {
                            *d_gain = d.mul_add(*z, *d_gain);
                            *d_bias += *d;
                            *d *= g;
                        }
                        let mean = math::sum(d, |d| d) / width as f32;
                        let along = math::dot(d, z) / width as f32;
                        for (d, z) in d.iter_mut().zip(z) {
                            *d = (*d - mean - z * along) * scale;
                        }
                    }
                    if !dy.is_empty() {
                        dy.copy_from_slice(d);
                        if let Some(mask) = mask {
                            mask.apply(range.start * width, dy);
                        }
                    }
                },
            );
        });
        let mut total = vec![0.0; 2 * width];
        math::add_columns(&sums, &mut total);
        let d_bias = total.split_off(width);
        [Some(d), back.wanted[1].then_some(dy), Some(total), Some(d_bias)]
    }
}
