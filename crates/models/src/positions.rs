//! Positions that are added to embeddings: learned rows or sinusoids.

use papo_kernels::PackedMatrix;

/// What is added to the embedding of the token at each position.
#[derive(Debug)]
pub(crate) enum PositionTable {
    /// Nothing: positions are told elsewhere.
    None,
    /// Row `position + offset` of a stored table.
    Stored { table: PackedMatrix, offset: usize },
    /// Sines and cosines, computed when asked for, so that a configuration alone allocates nothing.
    Sinusoids(Sinusoids),
}

/// The angular divisors of sinusoidal positions.
#[derive(Debug)]
pub(crate) struct Sinusoids {
    /// `10000^(2i / d_model)` for each pair of columns.
    divisors: Vec<f64>,
    d_model: usize,
}

impl Sinusoids {
    pub(crate) fn new(d_model: usize) -> Self {
        let divisors = (0..d_model.div_ceil(2)).map(|i| 10000_f64.powf((2 * i) as f64 / d_model as f64));
        Self { divisors: divisors.collect(), d_model }
    }

    /// Sines in the first half of `row`, cosines in the second.
    fn write(&self, position: usize, row: &mut [f32]) {
        let sines = self.d_model.div_ceil(2);
        for (i, divisor) in self.divisors.iter().enumerate() {
            let (sin, cos) = (position as f64 / divisor).sin_cos();
            row[i] = sin as f32;
            if sines + i < self.d_model {
                row[sines + i] = cos as f32;
            }
        }
    }
}

impl PositionTable {
    /// Writes the row of `position` to `row`, `[d_model]`; whether there is one.
    pub(crate) fn write(&self, position: usize, row: &mut [f32]) -> bool {
        match self {
            PositionTable::None => return false,
            PositionTable::Stored { table, offset } => table.read_row(position + offset, row),
            PositionTable::Sinusoids(sinusoids) => sinusoids.write(position, row),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sines_fill_the_first_half_and_cosines_the_second() {
        let mut row = [0.0; 4];
        Sinusoids::new(4).write(3, &mut row);
        let expected = [3_f64.sin(), 0.03_f64.sin(), 3_f64.cos(), 0.03_f64.cos()].map(|x| x as f32);
        assert_eq!(row, expected);
    }

    #[test]
    fn an_odd_width_has_one_sine_more() {
        let mut row = [9.0; 3];
        Sinusoids::new(3).write(0, &mut row);
        assert_eq!(row, [0.0, 0.0, 1.0]);
    }
}
