//! Tokens said before are made less likely (`RepetitionPenaltyLogitsProcessor`), tokens of the source more
//! (`EncoderRepetitionPenaltyLogitsProcessor`): positive scores are divided by the penalty, negative ones multiplied.

use super::{Processor, Row};
use crate::{Error, TokenId};

pub(crate) struct Repetition {
    penalty: f32,
    penalised: Vec<f32>,
}

impl Repetition {
    pub fn new(penalty: f64) -> Self {
        Self { penalty: penalty as f32, penalised: Vec::new() }
    }
}

impl Processor for Repetition {
    fn apply(&mut self, row: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        penalise(row.tokens, self.penalty, &mut self.penalised, scores);
        Ok(())
    }
}

/// The reference's own has one index for each source where it needs one for each row, so of a source's beams or samples
/// only the first is touched; so it is here.
pub(crate) struct EncoderRepetition<'a> {
    penalty: f32,
    sources: &'a [Vec<TokenId>],
    penalised: Vec<f32>,
}

impl<'a> EncoderRepetition<'a> {
    pub fn new(penalty: f64, sources: &'a [Vec<TokenId>]) -> Self {
        Self { penalty: (1.0 / penalty) as f32, sources, penalised: Vec::new() }
    }
}

impl Processor for EncoderRepetition<'_> {
    fn apply(&mut self, row: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        if row.rank == 0 {
            penalise(&self.sources[row.source], self.penalty, &mut self.penalised, scores);
        }
        Ok(())
    }
}

/// Penalises each token once, however often it stands there: all are read before any is written.
fn penalise(tokens: &[TokenId], penalty: f32, penalised: &mut Vec<f32>, scores: &mut [f32]) {
    penalised.clear();
    penalised.extend(tokens.iter().map(|&token| {
        let score = scores.get(token as usize).copied().unwrap_or_default();
        if score < 0.0 { score * penalty } else { score / penalty }
    }));
    for (&token, &new) in tokens.iter().zip(penalised.iter()) {
        if let Some(score) = scores.get_mut(token as usize) {
            *score = new;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_is_penalised_once() {
        let mut scores = vec![4.0, -4.0, 4.0, -4.0];
        let row = Row { source: 0, rank: 0, tokens: &[0, 1, 0, 1, 9] };
        Repetition::new(2.0).apply(&row, &mut scores).unwrap();
        assert_eq!(scores, [2.0, -8.0, 4.0, -4.0]);
    }

    #[test]
    fn the_source_is_encouraged_in_the_first_row_alone() {
        let sources = [vec![0, 3]];
        let mut processor = EncoderRepetition::new(2.0, &sources);
        for (rank, expected) in [(0, [8.0, -4.0, 4.0, -2.0]), (1, [4.0, -4.0, 4.0, -4.0])] {
            let mut scores = vec![4.0, -4.0, 4.0, -4.0];
            processor.apply(&Row { source: 0, rank, tokens: &[1] }, &mut scores).unwrap();
            assert_eq!(scores, expected);
        }
    }
}
