//! Sources of different lengths, laid out so that the tokens of one moment stand together and nothing is padded.
//!
//! ```text
//! sources  a b c        lines, longest first   D E F G H     tokens   D a | E b | F c | G | H
//!          D E F G H                           a b c         alive     2     2     2    1   1
//! ```
//!
//! Lines stand in the order of falling length, so those that are alive at a moment are the first ones, and their states are the
//! beginning of a slice: read forward, it gets shorter; read backward, longer.

use std::ops::Range;

use papo_generate::TokenId;

/// Sources, moment by moment.
#[derive(Debug)]
pub(crate) struct TimeMajor {
    /// The tokens of all sources, the first of each line, then the second of each …
    pub(crate) tokens: Vec<TokenId>,
    /// Lines alive at each moment.
    alive: Vec<usize>,
    /// Where each moment begins in `tokens`, and where the last ends.
    starts: Vec<usize>,
    /// The line of each source.
    line_of_source: Vec<usize>,
    /// Tokens of each source.
    lengths: Vec<usize>,
}

impl TimeMajor {
    /// Lays out `sources`, each behind the tokens of `front`.
    pub(crate) fn new(front: &[TokenId], sources: &[Vec<TokenId>]) -> Self {
        let lengths: Vec<_> = sources.iter().map(|source| front.len() + source.len()).collect();
        let mut source_of_line: Vec<_> = (0..sources.len()).collect();
        source_of_line.sort_by_key(|&source| std::cmp::Reverse(lengths[source]));
        let mut line_of_source = vec![0; sources.len()];
        source_of_line.iter().enumerate().for_each(|(line, &source)| line_of_source[source] = line);

        let (mut tokens, mut alive, mut starts) = (Vec::new(), Vec::new(), vec![0]);
        for moment in 0..lengths.iter().copied().max().unwrap_or(0) {
            let lines = source_of_line.iter().map(|&source| (source, lengths[source]));
            let living = lines.take_while(|&(_, length)| length > moment);
            tokens.extend(living.map(|(source, _)| match front.get(moment) {
                Some(&token) => token,
                None => sources[source][moment - front.len()],
            }));
            alive.push(tokens.len() - starts[moment]);
            starts.push(tokens.len());
        }
        Self { tokens, alive, starts, line_of_source, lengths }
    }

    /// Moments of the longest source.
    pub(crate) fn moments(&self) -> usize {
        self.alive.len()
    }

    /// Where the tokens of these moments stand.
    pub(crate) fn span(&self, moments: &Range<usize>) -> Range<usize> {
        self.starts[moments.start]..self.starts[moments.end]
    }

    /// Number of sources.
    pub(crate) fn sources(&self) -> usize {
        self.lengths.len()
    }

    /// Tokens of each source.
    pub(crate) fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// The line of each source.
    pub(crate) fn line_of_source(&self) -> &[usize] {
        &self.line_of_source
    }

    /// Cuts the moments into runs of at most `tokens` tokens, of at least one moment each.
    pub(crate) fn runs(&self, tokens: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut first = 0;
        std::iter::from_fn(move || {
            if first == self.moments() {
                return None;
            }
            let fits = |&moment: &usize| self.starts[moment + 1] - self.starts[first] <= tokens;
            let more = (first + 1..self.moments()).take_while(fits).count();
            let run = first..first + 1 + more;
            first = run.end;
            Some(run)
        })
    }

    /// Copies vectors of `width` numbers from this order to one source after another.
    pub(crate) fn to_sources(&self, vectors: &[f32], width: usize) -> Vec<f32> {
        let mut ordered = Vec::with_capacity(vectors.len());
        for (source, &length) in self.lengths.iter().enumerate() {
            let line = self.line_of_source[source];
            for moment in 0..length {
                ordered.extend_from_slice(&vectors[(self.starts[moment] + line) * width..][..width]);
            }
        }
        ordered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn() -> TimeMajor {
        TimeMajor::new(&[], &[vec![1, 2, 3], vec![4, 5, 6, 7, 8]])
    }

    #[test]
    fn tokens_of_one_moment_stand_together_the_longest_source_first() {
        let time = drawn();
        assert_eq!(time.tokens, [4, 1, 5, 2, 6, 3, 7, 8]);
        assert_eq!(time.alive, [2, 2, 2, 1, 1]);
        assert_eq!(time.line_of_source(), [1, 0]);
        let vectors: Vec<_> = time.tokens.iter().map(|&token| token as f32).collect();
        assert_eq!(time.to_sources(&vectors, 1), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    }

    #[test]
    fn runs_cover_all_moments_and_hold_no_more_tokens_than_asked_for() {
        let runs = |tokens| drawn().runs(tokens).collect::<Vec<_>>();
        assert_eq!(runs(1), [0..1, 1..2, 2..3, 3..4, 4..5]);
        assert_eq!(runs(5), [0..2, 2..5]);
        assert_eq!(runs(usize::MAX).len(), 1);
        assert_eq!(drawn().span(&(2..5)), 4..8);
    }

    #[test]
    fn a_front_stands_before_every_source_and_before_an_empty_one() {
        let time = TimeMajor::new(&[9], &[vec![], vec![1]]);
        assert_eq!((time.tokens.as_slice(), time.lengths()), (&[9, 9, 1][..], &[1, 2][..]));
    }
}
