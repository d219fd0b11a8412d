//! How models travel from what makes them to what keeps them: a stream of entries.
//!
//! Makers: estimation from counts, the ARPA reader. Keepers: the ARPA writer, the writer of the mapped binary, tests.

use crate::{Error, Vocabulary};

/// An n-gram with its probability and its back-off weight, as a line of an ARPA file has them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry<'a> {
    /// Ids in a [`Vocabulary`], in the order of reading: the context, then the word that is predicted.
    pub words: &'a [u32],
    /// log₁₀ p(last word | words before it), interpolated with the lower orders.
    pub log10_probability: f32,
    /// log₁₀ of what the lower orders' probability is multiplied with after these words; 0 where nothing follows.
    pub log10_backoff: f32,
}

/// Takes the entries of a model, all unigrams first, then all bigrams, and so on.
///
/// The calls come as `begin`, then for each order its `entry` calls and one `end_order`. Unigrams come by ascending id, at
/// most one for an id; an id may have none (`<pad>` of a tokenizer, a token that never occurred). The entries of a
/// higher order come each once, in no order that a sink may rely on: estimation gives them in suffix order (compared
/// by the last word, then the one before, …), an ARPA file as it likes.
pub trait EntrySink {
    /// Announces the words and how many entries each order has: `counts[0]` unigrams, `counts[1]` bigrams, …
    fn begin(&mut self, vocabulary: &Vocabulary, counts: &[u64]) -> Result<(), Error>;
    /// Takes an entry of the order that is due.
    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), Error>;
    /// Tells that all entries of this order have come; 1 is unigrams.
    fn end_order(&mut self, order: usize) -> Result<(), Error>;
}

/// Two sinks that both get everything.
impl<A: EntrySink, B: EntrySink> EntrySink for (A, B) {
    fn begin(&mut self, vocabulary: &Vocabulary, counts: &[u64]) -> Result<(), Error> {
        self.0.begin(vocabulary, counts)?;
        self.1.begin(vocabulary, counts)
    }

    #[inline]
    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        self.0.entry(entry)?;
        self.1.entry(entry)
    }

    fn end_order(&mut self, order: usize) -> Result<(), Error> {
        self.0.end_order(order)?;
        self.1.end_order(order)
    }
}

/// A sink that may not be there.
impl<S: EntrySink> EntrySink for Option<S> {
    fn begin(&mut self, vocabulary: &Vocabulary, counts: &[u64]) -> Result<(), Error> {
        self.as_mut().map_or(Ok(()), |sink| sink.begin(vocabulary, counts))
    }

    #[inline]
    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        self.as_mut().map_or(Ok(()), |sink| sink.entry(entry))
    }

    fn end_order(&mut self, order: usize) -> Result<(), Error> {
        self.as_mut().map_or(Ok(()), |sink| sink.end_order(order))
    }
}

/// Whoever lends a sink keeps it.
impl<S: EntrySink> EntrySink for &mut S {
    fn begin(&mut self, vocabulary: &Vocabulary, counts: &[u64]) -> Result<(), Error> {
        (**self).begin(vocabulary, counts)
    }

    #[inline]
    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        (**self).entry(entry)
    }

    fn end_order(&mut self, order: usize) -> Result<(), Error> {
        (**self).end_order(order)
    }
}
