//! From conversations to an index.

use std::collections::BTreeMap;

use papo_generate::TokenId;

use crate::index::{Index, spelled_words};
use crate::lists::Lists;
use crate::{END, Error};

/// Takes conversations in and makes an [`Index`] of them.
#[derive(Clone, Debug)]
pub struct IndexBuilder {
    pieces: Lists<u8>,
    /// For each word the turns that have it.
    words: BTreeMap<String, Vec<u32>>,
    depths: Vec<u8>,
    /// Replies, each with the turn that it answers.
    exchanges: Vec<(Vec<TokenId>, u32)>,
}

impl IndexBuilder {
    /// Begins an index for a vocabulary; `pieces` are the bytes that each token adds to a text, none of a special one.
    pub fn new(pieces: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut lists = Lists::default();
        pieces.into_iter().for_each(|piece| lists.push(piece));
        Self { pieces: lists, words: BTreeMap::new(), depths: Vec::new(), exchanges: Vec::new() }
    }

    /// Takes in a conversation: its turns as tokens, without an end token, and whether each is a reply worth giving. The first turn
    /// answers nothing and is no reply.
    ///
    /// # Panics
    /// Where there are not as many `targets` as turns.
    pub fn add(&mut self, turns: &[Vec<TokenId>], targets: &[bool]) {
        assert_eq!(turns.len(), targets.len(), "each turn is a target or none");
        let Some(last) = (1..turns.len()).rev().find(|&place| targets[place]) else { return };
        // Beyond the numbers of the format they are refused when the index is finished.
        let first = u32::try_from(self.depths.len()).unwrap_or(u32::MAX);
        for (place, turn) in (0..).zip(&turns[..last]) {
            for word in spelled_words(&self.pieces, turn) {
                self.words.entry(word).or_default().push(first.saturating_add(place));
            }
            self.depths.push(u8::try_from(place).unwrap_or(u8::MAX));
        }
        for (place, reply) in (0..).zip(&turns[1..=last]).filter(|(place, _)| targets[*place as usize + 1]) {
            self.exchanges.push((reply.clone(), first.saturating_add(place)));
        }
    }

    /// The index of all conversations.
    ///
    /// # Errors
    /// Where there is no reply, or more of something than 32 bits can count.
    pub fn finish(mut self) -> Result<Index, Error> {
        if self.exchanges.is_empty() {
            return Err(Error::Empty);
        }
        self.exchanges.iter_mut().for_each(|(reply, _)| reply.retain(|token| *token != END));
        // In the order of the replies; of equal ones in the order in which they came.
        self.exchanges.sort();
        let mut index = Index { pieces: self.pieces, depths: self.depths, ..Index::default() };
        for (word, turns) in self.words {
            index.words.push(word.into_bytes());
            index.postings.push(turns);
        }
        for (reply, turn) in self.exchanges {
            index.replies.push(reply);
            index.answered.push(turn);
        }
        let most = u32::MAX as usize;
        let sizes = [
            ("turns", index.depths.len()),
            ("words", index.postings.items.len()),
            ("tokens", index.replies.items.len()),
        ];
        match sizes.into_iter().find(|(_, size)| *size >= most) {
            Some((what, _)) => Err(Error::TooMany { what, most }),
            None => Ok(index),
        }
    }
}
