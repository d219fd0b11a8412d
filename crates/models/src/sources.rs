//! A batch of sources, ragged: they stand one after another, and nothing is padded.

use papo_generate::TokenId;
use papo_kernels::Group;

use crate::Error;

/// Sources of any lengths, checked against the model.
#[derive(Debug)]
pub(crate) struct Sources {
    /// The tokens of all sources.
    pub(crate) tokens: Vec<TokenId>,
    /// Tokens of each source.
    pub(crate) lengths: Vec<usize>,
    /// Which tokens nobody attends to; empty where there are none.
    pub(crate) masked: Vec<bool>,
    /// Each source's tokens as the queries of its own attention.
    pub(crate) groups: Vec<Group>,
}

impl Sources {
    /// Checks the sources and lays them out.
    ///
    /// Padding at a source's end is dropped; before or between other tokens it keeps its position and is masked,
    /// as the reference's attention mask has it.
    pub(crate) fn new(
        sources: &[Vec<TokenId>],
        padding: Option<TokenId>,
        vocabulary: usize,
        limit: Option<usize>,
    ) -> Result<Self, Error> {
        if sources.is_empty() {
            return Err(Error::NoSources);
        }
        let mut batch =
            Self { tokens: Vec::new(), lengths: Vec::new(), masked: Vec::new(), groups: Vec::new() };
        let is_padding = |token: &TokenId| Some(*token) == padding;
        for (index, source) in sources.iter().enumerate() {
            let Some(last) = source.iter().rposition(|token| !is_padding(token)) else {
                return Err(Error::EmptySource { index });
            };
            let source = &source[..=last];
            if let Some(&token) = source.iter().find(|&&token| token as usize >= vocabulary) {
                return Err(Error::UnknownToken { token, side: "source", vocabulary });
            }
            if let Some(limit) = limit.filter(|&limit| source.len() > limit) {
                return Err(Error::SourceTooLong { index, tokens: source.len(), limit });
            }
            batch.groups.push(Group { first_row: batch.tokens.len(), rows: source.len(), source: index });
            batch.lengths.push(source.len());
            batch.tokens.extend_from_slice(source);
        }
        if batch.tokens.iter().any(is_padding) {
            batch.masked = batch.tokens.iter().map(is_padding).collect();
        }
        Ok(batch)
    }

    /// Each token with its position in its source.
    pub(crate) fn with_positions(&self) -> impl Iterator<Item = (TokenId, usize)> + '_ {
        let positions = self.lengths.iter().flat_map(|&length| 0..length);
        self.tokens.iter().copied().zip(positions)
    }

    /// Tokens of the longest source.
    pub(crate) fn longest(&self) -> usize {
        self.lengths.iter().copied().max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_at_the_end_is_dropped_and_elsewhere_masked() {
        let batch = Sources::new(&[vec![5, 0, 6, 0, 0], vec![7]], Some(0), 10, None).unwrap();
        assert_eq!(batch.tokens, [5, 0, 6, 7]);
        assert_eq!(batch.lengths, [3, 1]);
        assert_eq!(batch.masked, [false, true, false, false]);
        assert_eq!(batch.with_positions().map(|(_, position)| position).collect::<Vec<_>>(), [0, 1, 2, 0]);
    }

    #[test]
    fn a_source_is_refused_that_the_model_cannot_read() {
        let sentence =
            |source: Vec<TokenId>| Sources::new(&[source], Some(0), 10, Some(3)).unwrap_err().to_string();
        assert!(sentence(vec![]).contains("no tokens"));
        assert!(sentence(vec![0, 0]).contains("no tokens"));
        assert!(sentence(vec![1, 10]).contains("Token 10"));
        assert!(sentence(vec![1, 2, 3, 4]).contains("4 tokens, but the model has 3 positions"));
    }
}
