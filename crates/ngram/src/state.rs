//! What a model remembers of the words so far: which of their last ones are contexts that it knows.

use crate::MAX_ORDER;

/// The contexts that the next word may continue, of one word, of two, and so on; as many as matter.
///
/// It is minimised: a context that no n-gram of the model goes on from and that has no back-off weight is left out, so two
/// histories that the model cannot tell apart give equal states.
#[derive(Clone, Copy, Debug, Default)]
pub struct State {
    pub(crate) length: u8,
    pub(crate) contexts: [Context; MAX_ORDER - 1],
}

/// A context as its layout finds the words after it again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Context {
    /// Trie: the first successor. Hashed: the slot.
    pub begin: u32,
    /// Trie: the end of the successors.
    pub end: u32,
    pub log10_backoff: f32,
}

impl PartialEq for State {
    /// What stands behind the contexts that matter is left over from earlier queries.
    fn eq(&self, other: &Self) -> bool {
        self.contexts() == other.contexts()
    }
}

impl State {
    /// Number of last words that the next word's probability may depend on.
    pub fn length(&self) -> usize {
        usize::from(self.length)
    }

    pub(crate) fn contexts(&self) -> &[Context] {
        self.contexts.get(..self.length()).unwrap_or(&self.contexts)
    }
}

/// The answer to a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// log₁₀ p(word | words before it).
    pub log10_probability: f32,
    /// Number of words of the n-gram that was found, the word itself included; 1 also for `<unk>`.
    pub matched: usize,
}
