//! No sequence of n tokens twice: of the answer (`NoRepeatNGramLogitsProcessor`) or of its source
//! (`EncoderNoRepeatNGramLogitsProcessor`; the source has its own end token, so the end can be ruled out); or of the replies given
//! before in the conversation, which the reference has not.
//!
//! A scan over the tokens at hand is cheaper than an index kept for every beam: a few hundred comparisons of one token,
//! against a vocabulary of fifty thousand that is walked anyway.

use super::{Processor, Row};
use crate::{Error, TokenId};

pub(crate) struct NoRepeat {
    /// n, at least 1.
    pub size: usize,
}

impl Processor for NoRepeat {
    fn apply(&mut self, row: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        ban_completions(row.tokens, row.tokens, self.size, scores);
        Ok(())
    }
}

pub(crate) struct EncoderNoRepeat<'a> {
    /// n, at least 1.
    pub size: usize,
    pub sources: &'a [Vec<TokenId>],
}

impl Processor for EncoderNoRepeat<'_> {
    fn apply(&mut self, row: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        ban_completions(&self.sources[row.source], row.tokens, self.size, scores);
        Ok(())
    }
}

/// Earlier replies run from their start token to their end token. One of fewer than n tokens is ruled out as a whole, by its end: its words may
/// stand in a longer reply.
pub(crate) struct ReplyNoRepeat<'a> {
    /// n, at least 1.
    pub size: usize,
    pub earlier: &'a [Vec<TokenId>],
}

impl Processor for ReplyNoRepeat<'_> {
    fn apply(&mut self, row: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        for reply in self.earlier {
            if reply.len() >= self.size {
                ban_completions(reply, row.tokens, self.size, scores);
            } else if row.tokens.len() + 1 == reply.len() {
                ban_completions(reply, row.tokens, reply.len(), scores);
            }
        }
        Ok(())
    }
}

/// Rules out each token that follows, somewhere in `text`, the last `size − 1` tokens of `tokens`.
fn ban_completions(text: &[TokenId], tokens: &[TokenId], size: usize, scores: &mut [f32]) {
    let Some(from) = tokens.len().checked_sub(size - 1) else { return };
    let tail = &tokens[from..];
    for window in text.windows(size) {
        let (before, completion) = window.split_at(size - 1);
        if before == tail
            && let Some(score) = scores.get_mut(completion[0] as usize)
        {
            *score = f32::NEG_INFINITY;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn banned(processor: &mut dyn Processor, tokens: &[TokenId]) -> Vec<usize> {
        let mut scores = vec![0.0; 10];
        processor.apply(&Row { source: 1, rank: 0, tokens }, &mut scores).unwrap();
        (0..10).filter(|&token| scores[token] == f32::NEG_INFINITY).collect()
    }

    #[test]
    fn an_answer_does_not_repeat_itself() {
        assert_eq!(banned(&mut NoRepeat { size: 1 }, &[4, 2, 4]), [2, 4]);
        assert_eq!(banned(&mut NoRepeat { size: 2 }, &[0, 1, 2, 1, 3, 1]), [2, 3]);
        assert_eq!(banned(&mut NoRepeat { size: 3 }, &[0, 1, 2, 5, 1, 2]), [5]);
        assert_eq!(banned(&mut NoRepeat { size: 3 }, &[7]), [] as [usize; 0]);
        assert_eq!(banned(&mut NoRepeat { size: 9 }, &[7]), [] as [usize; 0]);
    }

    #[test]
    fn a_reply_does_not_repeat_an_earlier_one() {
        let earlier = [vec![0, 4, 5, 6, 7, 1], vec![0, 8, 1]];
        let mut processor = ReplyNoRepeat { size: 4, earlier: &earlier };
        assert_eq!(banned(&mut processor, &[0, 4, 5]), [6]);
        assert_eq!(banned(&mut processor, &[0, 9, 5, 6, 7]), [1]);
        assert_eq!(banned(&mut processor, &[0, 9, 4, 5]), [] as [usize; 0]);
        // The short reply may not be said again, but may be gone on from, or be the end of another.
        assert_eq!(banned(&mut processor, &[0, 8]), [1]);
        assert_eq!(banned(&mut processor, &[0, 3, 8]), [] as [usize; 0]);
    }

    #[test]
    fn an_answer_does_not_repeat_its_source() {
        let sources = [vec![], vec![3, 4, 5, 3, 4, 2]];
        assert_eq!(banned(&mut EncoderNoRepeat { size: 3, sources: &sources }, &[0, 3, 4]), [2, 5]);
        assert_eq!(banned(&mut EncoderNoRepeat { size: 1, sources: &sources }, &[0]), [2, 3, 4, 5]);
        assert_eq!(banned(&mut EncoderNoRepeat { size: 3, sources: &sources }, &[3]), [] as [usize; 0]);
    }
}
