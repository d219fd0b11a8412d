//! T5's relative position bias: a score for each head and bucket of distances (Raffel et al. 2020, §2.1).
//!
//! The bias depends on head and distance alone, so it is laid out as one line per head, with a number for each
//! distance, and never as `[heads, queries, keys]`. Near distances have a bucket each; beyond, buckets widen
//! logarithmically up to `max_distance`. The rounding is the reference's: `f32` at every turn.

use papo_kernels::Bias;

/// Which distances a stack tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The encoder's: half of the buckets for what follows, half for what went before.
    Both,
    /// The decoder's: nothing follows, all buckets are for what went before.
    Backward,
}

/// The learned table of one stack.
#[derive(Debug)]
pub(crate) struct RelativeBias {
    /// `[buckets, heads]`, as stored.
    pub(crate) table: Vec<f32>,
    pub(crate) heads: usize,
    pub(crate) buckets: usize,
    pub(crate) max_distance: usize,
    pub(crate) direction: Direction,
}

/// The biases of all distances up to a length, a line for each head.
#[derive(Debug, Default)]
pub(crate) struct BiasLines {
    /// `[heads, stride]`.
    values: Vec<f32>,
    stride: usize,
    /// Column of distance 0.
    zero: usize,
}

impl RelativeBias {
    /// Fills `lines` for keys that stand up to `length - 1` before or, in the encoder, after their query.
    pub(crate) fn fill(&self, length: usize, lines: &mut BiasLines) {
        let length = length.max(1);
        lines.zero = length - 1;
        lines.stride = match self.direction {
            Direction::Both => 2 * length - 1,
            Direction::Backward => length,
        };
        lines.values.clear();
        for head in 0..self.heads {
            for column in 0..lines.stride {
                let bucket = self.bucket(column as i64 - lines.zero as i64);
                lines.values.push(self.table[bucket * self.heads + head]);
            }
        }
    }

    /// The bucket of a key that stands `offset` after its query.
    fn bucket(&self, offset: i64) -> usize {
        let distance = offset.unsigned_abs() as usize;
        let (first, buckets) = match self.direction {
            Direction::Both if offset > 0 => (self.buckets / 2, self.buckets / 2),
            Direction::Both => (0, self.buckets / 2),
            Direction::Backward if offset > 0 => return 0,
            Direction::Backward => (0, self.buckets),
        };
        let exact = buckets / 2;
        if distance < exact {
            return first + distance;
        }
        // ln is taken in f64 and rounded, so that no machine's own f32 logarithm decides a boundary.
        let ln = f64::from(distance as f32 / exact as f32).ln() as f32;
        let range = (self.max_distance as f64 / exact as f64).ln() as f32;
        let wide = exact + (ln / range * (buckets - exact) as f32) as usize;
        first + wide.min(buckets - 1)
    }
}

impl BiasLines {
    /// Distances that the lines hold in one direction.
    pub(crate) fn length(&self) -> usize {
        if self.stride == 0 { 0 } else { self.zero + 1 }
    }

    /// For whole sequences, where query 0 meets key 0.
    pub(crate) fn over_sources(&self) -> Bias<'_> {
        Bias { values: &self.values, stride: self.stride, origin: self.zero }
    }

    /// For one query that stands at `position`, after the keys `0..position`.
    pub(crate) fn at(&self, position: usize) -> Bias<'_> {
        Bias { values: &self.values, stride: self.stride, origin: self.zero - position }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bias(direction: Direction, buckets: usize, max_distance: usize) -> RelativeBias {
        let table = (0..buckets).map(|x| x as f32).collect();
        RelativeBias { table, heads: 1, buckets, max_distance, direction }
    }

    /// The distances at which the bucket changes.
    fn steps(bias: &RelativeBias, sign: i64) -> Vec<i64> {
        (1..100_000).filter(|&d| bias.bucket(sign * d) != bias.bucket(sign * (d - 1))).collect()
    }

    // The boundaries are those of `T5Attention._relative_position_bucket` in transformers 4.57.6.
    #[test]
    fn encoder_buckets_widen_where_the_references_do() {
        for (buckets, max_distance, expected) in [
            (32, 128, &[1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91][..]),
            (32, 64, &[1, 2, 3, 4, 5, 6, 7, 8, 11, 14, 18, 23, 30, 39, 50]),
            (8, 20, &[1, 2, 7]),
            (12, 50, &[1, 2, 3, 8, 20]),
            (10, 33, &[1, 2, 6, 13]),
        ] {
            let bias = bias(Direction::Both, buckets, max_distance);
            assert_eq!(steps(&bias, -1), expected, "{buckets} buckets up to {max_distance}");
            assert_eq!(steps(&bias, 1), expected, "{buckets} buckets up to {max_distance}");
            assert_eq!((bias.bucket(-1), bias.bucket(1)), (1, buckets / 2 + 1));
        }
    }

    #[test]
    fn decoder_buckets_widen_where_the_references_do() {
        let exact: Vec<i64> = (1..=16).collect();
        let wide = [19, 21, 24, 27, 31, 35, 40, 46, 52, 59, 67, 77, 87, 99, 113];
        assert_eq!(steps(&bias(Direction::Backward, 32, 128), -1), [&exact[..], &wide].concat());
        assert_eq!(steps(&bias(Direction::Backward, 8, 20), -1), [1, 2, 3, 4, 6, 9, 14]);
        assert_eq!(steps(&bias(Direction::Backward, 12, 50), -1), [1, 2, 3, 4, 5, 6, 9, 13, 18, 25, 36]);
        assert_eq!(bias(Direction::Backward, 32, 128).bucket(5), 0);
    }

    #[test]
    fn lines_hold_each_distance_once() {
        let mut lines = BiasLines::default();
        bias(Direction::Both, 32, 128).fill(3, &mut lines);
        assert_eq!(lines.values, [2.0, 1.0, 0.0, 17.0, 18.0]);
        bias(Direction::Backward, 32, 128).fill(3, &mut lines);
        assert_eq!(lines.values, [2.0, 1.0, 0.0]);
        assert_eq!(lines.at(1).origin, 1);
    }
}
