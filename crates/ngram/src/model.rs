//! A mapped model and its queries.
//!
//! p(w | h) is that of the longest n-gram "end of h, w" that the model has, times the back-off weights of the longer ends of h
//! that it has: all in log₁₀, as ARPA files are. [`Model::score`] is that recursion, with each end of h looked up once,
//! when its last word came, and kept in the [`State`].

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use crate::binary::hashed::{NOWHERE, Shape};
use crate::binary::header::{HEADER, Header, Layout, Section};
use crate::binary::trie::Level;
use crate::binary::{unigram, words};
use crate::state::Context;
use crate::{Error, MAX_ORDER, START, Score, State, UNKNOWN};

/// A model in the bytes of a `model.ngram`, which are looked at where they lie; immutable.
#[derive(Clone, Debug)]
pub struct Model<B> {
    file: B,
    header: Header,
    /// Layout `hashed`: the shape of each table, from order 2 on.
    shapes: Vec<Shape>,
}

impl<B: AsRef<[u8]>> Model<B> {
    /// Looks at the header of a file, in time that does not depend on the file's size; `path` stands in messages.
    ///
    /// # Errors
    /// Bytes that are no such file, have another version, are cut off, or whose header is damaged. Damage elsewhere is found
    /// by [`verify`](Self::verify); it can give wrong probabilities, and nothing worse.
    pub fn open(file: B, path: &Path) -> Result<Self, Error> {
        let refused = |problem| Error::Model { path: path.to_owned(), problem };
        let header = Header::parse(file.as_ref()).map_err(refused)?;
        let shapes = if header.layout == Layout::Hashed { Shape::all(&header) } else { Vec::new() };
        Ok(Self { file, header, shapes })
    }

    /// Reads the whole file and compares its check sum; `path` stands in messages.
    ///
    /// # Errors
    /// Where it differs.
    pub fn verify(&self, path: &Path) -> Result<(), Error> {
        if crc32fast::hash(&self.file.as_ref()[HEADER..]) == self.header.body_crc {
            return Ok(());
        }
        let problem = "is damaged: its check sum is wrong; fetch it or make it again".into();
        Err(Error::Model { path: path.to_owned(), problem })
    }

    /// Words of the longest n-gram.
    pub fn order(&self) -> usize {
        self.header.order
    }

    /// Number of n-grams of each order, unigrams first.
    pub fn counts(&self) -> &[u64] {
        &self.header.counts[..self.header.order]
    }

    /// Number of probabilities and back-off weights.
    pub fn parameters(&self) -> usize {
        let highest = self.order() - 1;
        (0..)
            .zip(self.counts())
            .map(|(order, count)| if order < highest { 2 * count } else { *count })
            .sum::<u64>() as usize
    }

    /// How n-grams are kept.
    pub fn layout(&self) -> Layout {
        self.header.layout
    }

    /// Bits of a quantised number; `None` where numbers are exact.
    pub fn quantised(&self) -> Option<u8> {
        self.header.probability_bits[..self.header.order].iter().copied().find(|bits| *bits != 32)
    }

    /// Number of ids: every id below it has a word, though not every word an n-gram.
    pub fn vocab_size(&self) -> usize {
        self.header.words as usize
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> usize {
        self.file.as_ref().len()
    }

    /// The word with an id; `None` where there is no such id.
    pub fn word(&self, id: u32) -> Option<Cow<'_, str>> {
        let known = (id as usize) < self.vocab_size();
        known.then(|| String::from_utf8_lossy(words::word(self.file.as_ref(), &self.header, id)))
    }

    /// The id of a word; `None` where it has none, or is no word of an n-gram, as `<pad>`.
    #[inline]
    pub fn id(&self, word: &str) -> Option<u32> {
        self.find(word).filter(|id| self.is_word(*id))
    }

    /// The id of a word, also of one that belongs to no n-gram.
    pub(crate) fn find(&self, word: &str) -> Option<u32> {
        words::id(self.file.as_ref(), &self.header, word.as_bytes())
    }

    /// Tells whether an id is that of a word that has a probability of its own.
    pub fn is_word(&self, id: u32) -> bool {
        (id as usize) < self.vocab_size()
            && unigram::log10_probability(self.file.as_ref(), &self.header, id) != unigram::ABSENT
    }

    /// The state before any word, not even `<s>`.
    pub fn empty_state(&self) -> State {
        State::default()
    }

    /// The state at the beginning of a sentence: after `<s>`.
    pub fn start_state(&self) -> State {
        let mut state = State::default();
        self.score(&State::default(), START, &mut state);
        state
    }

    /// log₁₀ p(word | state), and in `after` the state with the word; an id that is no word counts as `<unk>`.
    pub fn score(&self, state: &State, word: u32, after: &mut State) -> Score {
        let file = self.file.as_ref();
        let known = if word < self.header.words { word } else { UNKNOWN };
        let unigram = unigram::unigram(file, &self.header, known);
        let mut found = Found { log10_probability: unigram.log10_probability, matched: 1, length: 0 };
        match self.header.layout {
            Layout::Trie => {
                let context =
                    Context { begin: unigram.begin, end: unigram.end, log10_backoff: unigram.log10_backoff };
                let matters = context.begin < context.end || context.log10_backoff != 0.0;
                found.keep(after, 1, self.header.order, context, matters);
                self.score_trie(file, state, known, after, &mut found);
            }
            Layout::Hashed => {
                let place = if unigram::log10_probability(file, &self.header, known) == unigram::ABSENT {
                    UNKNOWN
                } else {
                    known
                };
                let log10_backoff = unigram.log10_backoff;
                let context = Context { begin: place, end: 0, log10_backoff };
                found.keep(after, 1, self.header.order, context, !is_negative_zero(log10_backoff));
                self.score_hashed(file, state, place, after, &mut found);
            }
        }
        after.length = found.length as u8;
        let mut log10_probability = found.log10_probability;
        for context in state.contexts().get(found.matched - 1..).unwrap_or_default() {
            log10_probability += context.log10_backoff;
        }
        Score { log10_probability, matched: found.matched }
    }

    #[inline]
    fn score_trie(&self, file: &[u8], state: &State, word: u32, after: &mut State, found: &mut Found) {
        for (length, context) in (1..).zip(state.contexts()).take(self.header.order - 1) {
            let order = length + 1;
            let level = Level::new(file, &self.header, order);
            let at = level.find(context.begin..context.end, word);
            let mut longer = Context::default();
            if let Some(at) = at {
                (found.log10_probability, found.matched) = (level.log10_probability(at), order);
                if order < self.header.order {
                    let Range { start, end } = level.children(at);
                    longer = Context { begin: start, end, log10_backoff: level.log10_backoff(at) };
                }
            }
            let matters = longer.begin < longer.end || longer.log10_backoff != 0.0;
            found.keep(after, order, self.header.order, longer, matters);
        }
    }

    #[inline]
    fn score_hashed(&self, file: &[u8], state: &State, word: u32, after: &mut State, found: &mut Found) {
        const NONE: Context = Context { begin: NOWHERE, end: 0, log10_backoff: 0.0 };
        // All cache lines that will be needed are asked for before the first is waited for.
        let mut touched = 0;
        for (index, (context, shape)) in state.contexts().iter().zip(&self.shapes).enumerate() {
            let table = self.header.range(Section::Words(index + 2));
            touched ^= file.get(table.start + shape.home(context.begin, word)).copied().unwrap_or_default();
        }
        std::hint::black_box(touched);
        for (index, (context, shape)) in state.contexts().iter().zip(&self.shapes).enumerate() {
            let order = index + 2;
            let table = &file[self.header.range(Section::Words(order))];
            let slot = if context.begin == NOWHERE { None } else { shape.find(table, context.begin, word) };
            let mut longer = NONE;
            if let Some(slot) = slot {
                (found.log10_probability, found.matched) = (shape.log10_probability(table, slot), order);
                if order < self.header.order {
                    longer = Context { begin: slot, end: 0, log10_backoff: shape.log10_backoff(table, slot) };
                }
            }
            let matters = longer.begin != NOWHERE && !is_negative_zero(longer.log10_backoff);
            found.keep(after, order, self.header.order, longer, matters);
        }
    }

    /// Calls `visit(word, log₁₀ p)` for each word that follows one of the state's contexts, those of shorter contexts first, so
    /// that the last call for a word tells its probability. `None` where the layout cannot list them.
    pub(crate) fn successors(&self, state: &State, mut visit: impl FnMut(u32, f32)) -> Option<()> {
        if self.header.layout == Layout::Hashed {
            return None;
        }
        let contexts = state.contexts();
        for (index, context) in contexts.iter().enumerate().take(self.header.order - 1) {
            let level = Level::new(self.file.as_ref(), &self.header, index + 2);
            let backoff: f32 = contexts[index + 1..].iter().map(|longer| longer.log10_backoff).sum();
            for at in level.within(context.begin..context.end) {
                visit(level.word(at), level.log10_probability(at) + backoff);
            }
        }
        Some(())
    }

    /// log₁₀ p(word) without any context; `None` for an id that is no word.
    pub(crate) fn unigram(&self, id: u32) -> Option<f32> {
        let log10_p = unigram::log10_probability(self.file.as_ref(), &self.header, id);
        (log10_p != unigram::ABSENT).then_some(log10_p)
    }
}

/// What a query has found so far.
struct Found {
    log10_probability: f32,
    matched: usize,
    /// The longest context so far that matters to the next word.
    length: usize,
}

impl Found {
    /// Keeps the context of `length` words for the next query.
    #[inline]
    fn keep(&mut self, after: &mut State, length: usize, order: usize, context: Context, matters: bool) {
        if length < order.min(MAX_ORDER) {
            after.contexts[length - 1] = context;
            if matters {
                self.length = length;
            }
        }
    }
}

#[inline]
fn is_negative_zero(value: f32) -> bool {
    value.to_bits() == 1 << 31
}
