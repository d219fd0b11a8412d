//! The layout of `x` that the tiles read: the rows' first numbers side by side, then their second ones, and so on.
//!
//! Four rows at a time: the loop then stores one number per cycle, twice as fast as row by row, and without competing for cache sets where
//! rows are 4 KiB apart.

use crate::attention::Strided;

/// Rewrites `rows` rows of `width` numbers as `[width, rows]`.
pub(crate) fn interleave(x: Strided<'_>, rows: usize, width: usize, y: &mut [f32]) {
    let row = |r: usize| &x.data[r * x.stride..][..width];
    let y = &mut y[..rows * width];
    let mut r = 0;
    while r + 4 <= rows {
        let (a, b, c, d) = (row(r), row(r + 1), row(r + 2), row(r + 3));
        for (k, y) in y.chunks_exact_mut(rows).enumerate() {
            y[r..r + 4].copy_from_slice(&[a[k], b[k], c[k], d[k]]);
        }
        r += 4;
    }
    while r < rows {
        y[r..].iter_mut().step_by(rows).zip(row(r)).for_each(|(y, x)| *y = *x);
        r += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_finds_its_place() {
        for rows in 1..14 {
            for width in [1, 2, 5] {
                let stride = width + 3;
                let data: Vec<f32> = (0..rows * stride).map(|i| i as f32).collect();
                let mut y = vec![-1.0; rows * width];
                interleave(Strided { data: &data, stride }, rows, width, &mut y);
                for (i, y) in y.iter().enumerate() {
                    assert_eq!(*y, data[i % rows * stride + i / rows], "{rows} rows of {width}, number {i}");
                }
            }
        }
    }
}
