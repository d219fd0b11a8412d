//! A mapped model and its queries.
//!
//! p(w | h) is that of the longest n-gram "end of h, w" that the model has, times the back-off weights of the longer ends of h
//! that it has: all in log₁₀, as ARPA files are. [`Model::score`] is that recursion, with each end of h looked up once,
//! when its last word came, and kept in the [`State`].

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use crate::binary::hashed::{BETWEEN, HIGHEST, Shape, Spot};
use crate::binary::header::{HEADER, Header, Layout};
use crate::binary::trie::Level;
use crate::binary::unigram::Unigrams;
use crate::binary::words;
use crate::state::Context;
use crate::{Error, START, Score, State};

/// A model in the bytes of a `model.ngram`, which are looked at where they lie; immutable.
#[derive(Clone, Debug)]
pub struct Model<B> {
    pub(crate) file: B,
    header: Header,
    pub(crate) unigrams: Unigrams,
    pub(crate) orders: Orders,
}

/// Where each order from 2 on lies.
#[derive(Clone, Debug)]
pub(crate) enum Orders {
    Trie(Vec<Level>),
    Hashed(Vec<Shape>),
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
        let orders = match header.layout {
            Layout::Trie => Orders::Trie(Level::all(&header)),
            Layout::Hashed => Orders::Hashed(Shape::all(&header)),
        };
        Ok(Self { file, unigrams: Unigrams::new(&header), header, orders })
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
        self.unigram(id).is_some()
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
        let (word, unigram) = self.unigrams.known(file, word);
        let mut found = Found { log10_probability: unigram.log10_probability, matched: 1, length: 0 };
        let log10_backoff = unigram.log10_backoff;
        match &self.orders {
            Orders::Trie(levels) => {
                let context = Context { begin: unigram.begin, end: unigram.end, log10_backoff };
                if !levels.is_empty() {
                    found.keep(after, 1, context, trie_matters(&context));
                }
                score_trie(levels, file, state, word, after, &mut found);
            }
            Orders::Hashed(shapes) => {
                let Spot { home, offset } = Spot::of_word(word);
                if !shapes.is_empty() {
                    let context = Context { begin: home, end: offset, log10_backoff };
                    found.keep(after, 1, context, !is_negative_zero(log10_backoff));
                }
                score_hashed(shapes, file, state, word, after, &mut found);
            }
        }
        after.length = found.length as u8;
        let mut log10_probability = found.log10_probability;
        for context in state.contexts().get(found.matched - 1..).unwrap_or_default() {
            log10_probability += context.log10_backoff;
        }
        Score { log10_probability, matched: found.matched }
    }

    /// Calls `visit(word, log₁₀ p)` for each word that follows one of the state's contexts, those of shorter contexts first, so
    /// that the last call for a word tells its probability. `None` where the layout cannot list them.
    pub(crate) fn successors(&self, state: &State, mut visit: impl FnMut(u32, f32)) -> Option<()> {
        let Orders::Trie(levels) = &self.orders else { return None };
        let (file, contexts) = (self.file.as_ref(), state.contexts());
        for (index, (context, level)) in contexts.iter().zip(levels).enumerate() {
            let backoff: f32 = contexts[index + 1..].iter().map(|longer| longer.log10_backoff).sum();
            for at in level.within(context.begin..context.end) {
                visit(level.word(file, at), level.log10_probability(file, at) + backoff);
            }
        }
        Some(())
    }

    /// log₁₀ p(word) without any context; `None` for an id that is no word.
    pub(crate) fn unigram(&self, id: u32) -> Option<f32> {
        self.unigrams.log10_probability(self.file.as_ref(), id)
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
    fn keep(&mut self, after: &mut State, length: usize, context: Context, matters: bool) {
        if let Some(kept) = after.contexts.get_mut(length - 1) {
            *kept = context;
            if matters {
                self.length = length;
            }
        }
    }
}

/// Looks the word up under each context of a trie, the shortest first.
#[inline]
fn score_trie(levels: &[Level], file: &[u8], state: &State, word: u32, after: &mut State, found: &mut Found) {
    // All cache lines that will most likely be needed are asked for before the first is waited for.
    let mut touched = 0;
    for (context, level) in state.contexts().iter().zip(levels) {
        touched ^= level.touch(file, context.begin);
    }
    std::hint::black_box(touched);
    for (index, (context, level)) in state.contexts().iter().zip(levels).enumerate() {
        let at = level.find(file, context.begin..context.end, word);
        if let Some(at) = at {
            (found.log10_probability, found.matched) = (level.log10_probability(file, at), index + 2);
        }
        if index + 1 < levels.len() {
            let mut longer = Context::default();
            if let Some(at) = at {
                let Range { start, end } = level.children(file, at);
                longer = Context { begin: start, end, log10_backoff: level.log10_backoff(file, at) };
            }
            found.keep(after, index + 2, longer, trie_matters(&longer));
        }
    }
}

/// Looks the word up after each context in the tables, the shortest first.
#[inline]
fn score_hashed(
    shapes: &[Shape],
    file: &[u8],
    state: &State,
    word: u32,
    after: &mut State,
    found: &mut Found,
) {
    let Some((highest, between)) = shapes.split_last() else { return };
    let contexts = state.contexts();
    for (index, (context, shape)) in contexts.iter().zip(between).enumerate() {
        let place = shape.place(context.begin, word);
        let hit = shape.find::<BETWEEN>(file, place, context.end);
        let mut longer = Context { begin: place.0, end: Spot::NOWHERE, log10_backoff: 0.0 };
        if let Some(hit) = hit {
            (found.log10_probability, found.matched) = (hit.log10_probability(file), index + 2);
            (longer.end, longer.log10_backoff) = (hit.offset, hit.log10_backoff(file));
        }
        let matters = hit.is_some() && !is_negative_zero(longer.log10_backoff);
        found.keep(after, index + 2, longer, matters);
    }
    if let Some(context) = contexts.get(between.len()) {
        let hit = highest.find::<HIGHEST>(file, highest.place(context.begin, word), context.end);
        if let Some(hit) = hit {
            (found.log10_probability, found.matched) = (hit.log10_probability(file), shapes.len() + 1);
        }
    }
}

/// Tells whether the next word's probability may depend on a trie's context.
#[inline]
fn trie_matters(context: &Context) -> bool {
    context.begin < context.end || context.log10_backoff != 0.0
}

#[inline]
fn is_negative_zero(value: f32) -> bool {
    value.to_bits() == 1 << 31
}
