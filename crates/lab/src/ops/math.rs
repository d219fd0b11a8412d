//! Elementary functions and sums in plain Rust that the compiler vectorises.
//!
//! Called inside [`papo_kernels::vectorized`]. The functions have no branches, and sums run in as many lanes as the widest registers take, four registers
//! side by side, so their order is the same on every machine. The polynomials are those of `papo-kernels`, where their origin is told.

/// `e^x`, relative error below 3e-7; below −87 it is e^−87, which is 1e-38.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    /// Adding 1.5 · 2^23 rounds to a whole number, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-0.693_359_4, x);
    let r = n.mul_add(2.121_944_4e-4, r);
    let p = 0.001_383_674_2f32;
    let p = p.mul_add(r, 0.008_374_899);
    let p = p.mul_add(r, 0.041_668_233);
    let p = p.mul_add(r, 0.166_664_2);
    let p = p.mul_add(r, 0.499_999_9);
    let p = p.mul_add(r, 1.0);
    let p = p.mul_add(r, 1.0);
    let power = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    p * f32::from_bits(power)
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// `tanh(x)`, relative error below 4e-7: near zero a polynomial, elsewhere from the exponential.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let magnitude = x.abs();
    let square = x * x;
    let p = -0.005_659_989f32;
    let p = p.mul_add(square, 0.020_590_989);
    let p = p.mul_add(square, -0.053_721_067);
    let p = p.mul_add(square, 0.133_311_27);
    let p = p.mul_add(square, -0.333_332_6);
    let p = p.mul_add(square, 1.0);
    let large = (1.0 - 2.0 / (exp(magnitude + magnitude) + 1.0)).copysign(x);
    if magnitude < 0.625 { x * p } else { large }
}

/// Partial sums side by side.
const LANES: usize = 64;

/// `Σ term(x)`.
#[inline(always)]
pub(crate) fn sum(x: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] += term(chunk[lane]);
        }
    }
    for (sum, &x) in sums.iter_mut().zip(rest) {
        *sum += term(x);
    }
    fold(sums)
}

/// `Σ x y`.
#[inline(always)]
pub(crate) fn dot(x: &[f32], y: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let rest = xs.remainder().iter().zip(ys.remainder());
    for (x, y) in xs.zip(ys) {
        for lane in 0..LANES {
            sums[lane] = x[lane].mul_add(y[lane], sums[lane]);
        }
    }
    for (sum, (x, y)) in sums.iter_mut().zip(rest) {
        *sum = x.mul_add(*y, *sum);
    }
    fold(sums)
}

#[inline(always)]
fn fold(mut sums: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0]
}

/// The largest number; −∞ of none.
#[inline(always)]
pub(crate) fn largest(x: &[f32]) -> f32 {
    let mut best = [f32::NEG_INFINITY; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for lane in 0..LANES {
            best[lane] = if chunk[lane] > best[lane] { chunk[lane] } else { best[lane] };
        }
    }
    best.iter().chain(rest).fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a })
}

/// `y += x`.
#[inline(always)]
pub(crate) fn add(x: &[f32], y: &mut [f32]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
}

/// `y *= scale`.
#[inline(always)]
pub(crate) fn scale(scale: f32, y: &mut [f32]) {
    y.iter_mut().for_each(|y| *y *= scale);
}

/// Sums of the columns of rows as wide as `y`, added to it.
#[inline(always)]
pub(crate) fn add_columns(x: &[f32], y: &mut [f32]) {
    for row in x.chunks_exact(y.len()) {
        add(row, y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_near_those_of_the_standard_library() {
        for i in -8000..8000 {
            let x = i as f32 / 100.0;
            let near = |a: f32, b: f64| (f64::from(a) - b).abs() <= 1e-6 * b.abs();
            let exact = f64::from(x);
            assert!(near(exp(x), exact.exp()), "exp({x})");
            assert!(near(sigmoid(x), 1.0 / (1.0 + (-exact).exp())), "sigmoid({x})");
            assert!(near(tanh(x), exact.tanh()), "tanh({x})");
        }
        assert!(exp(-1e30) < 1e-37 && tanh(1e30) == 1.0 && sigmoid(-1e30) < 1e-37);
    }

    #[test]
    fn sums_of_any_length_are_sums() {
        for length in [0, 1, 63, 64, 65, 200] {
            let x: Vec<f32> = (0..length).map(|i| i as f32).collect();
            assert_eq!(sum(&x, |x| x), x.iter().sum::<f32>());
            assert_eq!(dot(&x, &x), x.iter().map(|x| x * x).sum::<f32>());
            assert_eq!(largest(&x), x.last().copied().unwrap_or(f32::NEG_INFINITY));
        }
    }
}
