//! Numbers added to the token that would complete a sequence (`SequenceBiasLogitsProcessor`), and bad words, whose number
//! is −∞ (`NoBadWordsLogitsProcessor`).
//!
//! A sequence counts from the moment on at which the row has as many tokens as the whole sequence, though one less would do
//! for the comparison: so does the reference.

use super::{Processor, Row};
use crate::plan::check_token;
use crate::{Error, TokenId};

/// Everything that can be added to one token.
struct Target {
    token: TokenId,
    /// Added always.
    alone: f32,
    /// Added after these tokens.
    after: Vec<(Vec<TokenId>, f32)>,
}

pub(crate) struct SequenceBias {
    targets: Vec<Target>,
}

impl SequenceBias {
    /// The last of two biases for the same sequence counts.
    pub fn new(name: &str, biases: &[(Vec<TokenId>, f64)], vocabulary: usize) -> Result<Self, Error> {
        let mut targets: Vec<Target> = Vec::new();
        for (tokens, bias) in biases {
            for &token in tokens {
                check_token(name, token, vocabulary)?;
            }
            let Some((&token, before)) = tokens.split_last() else { continue };
            let known = targets.iter().position(|target| target.token == token);
            let index = known.unwrap_or_else(|| {
                targets.push(Target { token, alone: 0.0, after: Vec::new() });
                targets.len() - 1
            });
            let (target, bias) = (&mut targets[index], *bias as f32);
            match target.after.iter_mut().find(|(tokens, _)| tokens == before) {
                _ if before.is_empty() => target.alone = bias,
                Some((_, earlier)) => *earlier = bias,
                None => target.after.push((before.to_vec(), bias)),
            }
        }
        Ok(Self { targets })
    }
}

impl Processor for SequenceBias {
    fn apply(&mut self, row: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        for target in &self.targets {
            let mut sum = target.alone;
            for (before, bias) in &target.after {
                if before.len() < row.tokens.len() && row.tokens.ends_with(before) {
                    sum += bias;
                }
            }
            scores[target.token as usize] += sum;
        }
        Ok(())
    }
}

/// Rules out the last token of each sequence where the rest has been said; end tokens alone are never bad words.
pub(crate) fn bad_words(
    words: &[Vec<TokenId>],
    ends: &[TokenId],
    vocabulary: usize,
) -> Result<SequenceBias, Error> {
    let is_end = |word: &&Vec<TokenId>| matches!(word[..], [token] if ends.contains(&token));
    let biases: Vec<_> =
        words.iter().filter(|word| !is_end(word)).map(|word| (word.clone(), f64::NEG_INFINITY)).collect();
    SequenceBias::new("bad_words_ids", &biases, vocabulary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(bias: &mut SequenceBias, tokens: &[TokenId]) -> Vec<f32> {
        let mut scores = vec![1.0; 5];
        bias.apply(&Row { source: 0, rank: 0, tokens }, &mut scores).unwrap();
        scores
    }

    #[test]
    fn biases_add_up_on_one_token() {
        let biases =
            [(vec![3], 0.5), (vec![1, 3], 1.0), (vec![2, 1, 3], 2.0), (vec![4], 9.0), (vec![4], -1.0)];
        let mut bias = SequenceBias::new("sequence_bias", &biases, 5).unwrap();
        assert_eq!(run(&mut bias, &[0, 0]), [1.0, 1.0, 1.0, 1.5, 0.0]);
        assert_eq!(run(&mut bias, &[0, 1]), [1.0, 1.0, 1.0, 2.5, 0.0]);
        assert_eq!(run(&mut bias, &[0, 2, 1]), [1.0, 1.0, 1.0, 4.5, 0.0]);
    }

    #[test]
    fn a_sequence_as_long_as_the_row_is_the_shortest_that_waits() {
        let mut bias = SequenceBias::new("sequence_bias", &[(vec![2, 1, 3], 2.0)], 5).unwrap();
        assert_eq!(run(&mut bias, &[2, 1])[3], 1.0);
        assert_eq!(run(&mut bias, &[0, 2, 1])[3], 3.0);
    }

    #[test]
    fn an_end_token_is_no_bad_word() {
        let mut bias = bad_words(&[vec![2], vec![3], vec![1, 4]], &[2], 5).unwrap();
        assert_eq!(run(&mut bias, &[0, 1]), [1.0, 1.0, 1.0, f32::NEG_INFINITY, f32::NEG_INFINITY]);
        assert!(bad_words(&[vec![5]], &[], 5).is_err());
    }
}
