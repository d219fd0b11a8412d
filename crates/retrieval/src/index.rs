//! Everything that is stored: what was said, as words and where they stand, and what was replied, as tokens.
//!
//! ```text
//! turn       0 hi   1 Hello! Who are you?   2 i'm ana            3 hi there  …      one number after the other, conversation by conversation
//! depth      0      1                       2                    0                  turns of the same conversation before it
//! postings   hi → 0, 3    hello → 1    im → 2    …                                  for each word the turns that have it
//! exchange   "Hello! Who are you?" answers turn 0, "Nice to meet you, Ana." answers turn 2, …
//! ```
//!
//! So a turn is indexed once, though it stands in the contexts of several replies: turn t is answered with turns t − 1, t − 2, … before it, as
//! many as its depth says. Exchanges are sorted by their replies: those whose reply begins with what has been said so far are
//! neighbours, and each further token narrows them to a part (`retriever.rs`).
//!
//! An index is made by `builder.rs`, kept and read by `file.rs`. Words and turns are sets to it: a word that stands twice in a turn counts once,
//! which answered held-out conversations no worse than counting, and needs no number beside each posting.

use papo_generate::TokenId;

use crate::lists::Lists;
use crate::words::words;
use crate::{END, PAD};

/// What was said and replied, as flat arrays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// What each token spells; special ones spell nothing.
    pub(crate) pieces: Lists<u8>,
    /// All words of all turns, sorted.
    pub(crate) words: Lists<u8>,
    /// For each word the turns that have it, in order.
    pub(crate) postings: Lists<u32>,
    /// For each turn, how many turns of its conversation stand before it; of more than 255 the last 255 count.
    pub(crate) depths: Vec<u8>,
    /// For each exchange the turn that is answered.
    pub(crate) answered: Vec<u32>,
    /// For each exchange the reply's tokens, without the end token.
    pub(crate) replies: Lists<TokenId>,
}

impl Index {
    /// The number of tokens of the vocabulary.
    pub fn vocab_size(&self) -> usize {
        self.pieces.len()
    }

    /// The number of replies.
    pub fn exchanges(&self) -> usize {
        self.answered.len()
    }

    /// The number of turns that replies can be found by.
    pub fn turns(&self) -> usize {
        self.depths.len()
    }

    /// The number of different words in them.
    pub fn words(&self) -> usize {
        self.words.len()
    }

    /// The tokens of a reply, without the end token.
    pub fn reply(&self, exchange: usize) -> &[TokenId] {
        self.replies.get(exchange)
    }

    /// The different words that tokens spell, in no particular order.
    pub(crate) fn words_of(&self, tokens: &[TokenId]) -> Vec<String> {
        spelled_words(&self.pieces, tokens)
    }

    /// The number of a word.
    pub(crate) fn word(&self, word: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.words.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.words.get(middle).cmp(word.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    /// What is wrong with arrays that came from a file; everything else relies on nothing being so.
    pub(crate) fn problem(&self) -> Option<String> {
        let Self { pieces, words, postings, depths, answered, replies } = self;
        let sound = [
            ("pieces", pieces.is_sound()),
            ("words", words.is_sound()),
            ("postings", postings.is_sound()),
            ("replies", replies.is_sound()),
        ];
        if let Some((name, _)) = sound.iter().find(|(_, is_sound)| !is_sound) {
            return Some(format!("the lengths of its {name} do not add up to what there is"));
        }
        if pieces.len() <= PAD as usize {
            return Some(format!("it has {} tokens, fewer than there are special ones", pieces.len()));
        }
        if words.len() != postings.len() || answered.len() != replies.len() {
            return Some(format!(
                "it has {} words and postings of {}, {} exchanges and replies of {}",
                words.len(),
                postings.len(),
                answered.len(),
                replies.len()
            ));
        }
        if answered.is_empty() {
            return Some("it holds no reply".into());
        }
        let turns = depths.len();
        if let Some(turn) = postings.items.iter().chain(answered).find(|turn| **turn as usize >= turns) {
            return Some(format!("it names turn {turn} of {turns}"));
        }
        if let Some(turn) = (0..turns).find(|&turn| usize::from(depths[turn]) > turn) {
            return Some(format!("turn {turn} has {} turns before it", depths[turn]));
        }
        if let Some(token) = replies.items.iter().find(|token| **token as usize >= pieces.len()) {
            return Some(format!("a reply has token {token} of {}", pieces.len()));
        }
        if !words.iter().is_sorted_by(|a, b| a < b) {
            return Some("its words are not sorted".into());
        }
        if !postings.iter().all(|turns| turns.is_sorted_by(|a, b| a < b)) {
            return Some("the turns of a word are not sorted".into());
        }
        if !replies.iter().is_sorted() {
            return Some("its replies are not sorted".into());
        }
        None
    }
}

/// The turns of a text of tokens, each of which an end token closes.
pub(crate) fn turns_of(tokens: &[TokenId]) -> impl DoubleEndedIterator<Item = &[TokenId]> {
    tokens.split(|token| *token == END).filter(|turn| !turn.is_empty())
}

/// The different words that tokens spell. A token without a piece spells nothing.
pub(crate) fn spelled_words(pieces: &Lists<u8>, tokens: &[TokenId]) -> Vec<String> {
    let known = tokens.iter().map(|token| *token as usize).filter(|token| *token < pieces.len());
    let bytes: Vec<u8> = known.flat_map(|token| pieces.get(token)).copied().collect();
    let mut words = words(&String::from_utf8_lossy(&bytes));
    words.sort_unstable();
    words.dedup();
    words
}
