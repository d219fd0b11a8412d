//! The end token in its time: not too early (`MinLengthLogitsProcessor`, `MinNewTokensLengthLogitsProcessor`), and ever
//! likelier (`ExponentialDecayLengthPenalty`).

use super::{Processor, Row, ban};
use crate::{Error, TokenId};

pub(crate) struct NoEndBefore {
    /// Length of the row, prompt included, from which on it may end.
    pub length: usize,
    pub ends: Vec<TokenId>,
}

impl Processor for NoEndBefore {
    fn apply(&mut self, row: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        if row.tokens.len() < self.length {
            ban(&self.ends, scores);
        }
        Ok(())
    }
}

pub(crate) struct ExponentialDecay {
    /// Length of the row, prompt included, after which the reward grows.
    pub start: usize,
    pub factor: f64,
    pub ends: Vec<TokenId>,
}

impl Processor for ExponentialDecay {
    /// `score + |score| · (factorⁿ − 1)`, `n` tokens after the start. An end token that was ruled out becomes NaN, which
    /// greedy search then takes: so it is in the reference.
    fn apply(&mut self, row: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        if row.tokens.len() > self.start {
            let n = i32::try_from(row.tokens.len() - self.start).unwrap_or(i32::MAX);
            let growth = (self.factor.powi(n) - 1.0) as f32;
            for &end in &self.ends {
                if let Some(score) = scores.get_mut(end as usize) {
                    *score += score.abs() * growth;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(processor: &mut dyn Processor, tokens: &[TokenId]) -> Vec<f32> {
        let mut scores = vec![-2.0, -2.0, 3.0];
        processor.apply(&Row { source: 0, rank: 0, tokens }, &mut scores).unwrap();
        scores
    }

    #[test]
    fn no_end_before_its_time() {
        let mut processor = NoEndBefore { length: 3, ends: vec![2, 7] };
        assert_eq!(run(&mut processor, &[0, 1]), [-2.0, -2.0, f32::NEG_INFINITY]);
        assert_eq!(run(&mut processor, &[0, 1, 1]), [-2.0, -2.0, 3.0]);
    }

    #[test]
    fn the_end_grows_from_its_start_on() {
        let mut processor = ExponentialDecay { start: 2, factor: 1.5, ends: vec![1, 2] };
        assert_eq!(run(&mut processor, &[0, 0]), [-2.0, -2.0, 3.0]);
        assert_eq!(run(&mut processor, &[0, 0, 0]), [-2.0, -1.0, 4.5]);
        assert_eq!(run(&mut processor, &[0, 0, 0, 0]), [-2.0, 0.5, 6.75]);
    }
}
