//! n-grams whose context is no n-gram of the file: what has to be added so that every context is one.
//!
//! Some tools prune an n-gram and keep longer ones that begin with it. By the definition of back-off nothing is missing: what is
//! not listed has the probability that the lower order gives, and a back-off weight of 1. So such a context is added with just
//! these numbers, and every probability of the model stays what it was.
//!
//! It takes a reading of the file of its own, which only a file that needs it is given, and holds 20 bytes or so for each n-gram
//! below the highest order. n-grams are known by a hash of 64 bits; were two ever mistaken for each other, the reading after this one
//! would miss a context and say so.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasherDefault;

use rustc_hash::FxHasher;

use crate::{Entry, EntrySink, Error, Vocabulary};

/// n-grams to be added: their words and log₁₀ p, by order from 1 on.
#[derive(Default)]
pub(super) struct Contexts {
    by_order: Vec<Vec<(Box<[u32]>, f32)>>,
}

impl Contexts {
    /// What has to be added to an order.
    pub(super) fn of_order(&self, order: usize) -> &[(Box<[u32]>, f32)] {
        self.by_order.get(order - 1).map_or(&[], Vec::as_slice)
    }

    /// How many n-grams that are, all orders together.
    pub(super) fn count(&self) -> u64 {
        self.by_order.iter().map(|added| added.len() as u64).sum()
    }
}

/// log₁₀ p and log₁₀ of the back-off weight by n-gram.
type Numbers = HashMap<u64, (f32, f32), BuildHasherDefault<FxHasher>>;

/// A sink that looks for contexts that are missing.
#[derive(Default)]
pub(super) struct MissingContexts {
    orders: usize,
    /// By order from 1 on, below the highest.
    known: Vec<Numbers>,
    missing: Vec<BTreeSet<Box<[u32]>>>,
}

/// Mixes the ids so that each bit of each decides half the bits of the result.
fn key(words: &[u32]) -> u64 {
    words.iter().fold(0x9e37_79b9_7f4a_7c15, |hash: u64, &word| {
        let mut hash = (hash ^ u64::from(word)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash ^= hash >> 32;
        hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^ hash >> 29
    })
}

impl MissingContexts {
    fn is_known(&self, words: &[u32]) -> bool {
        self.known.get(words.len() - 1).is_some_and(|known| known.contains_key(&key(words)))
    }

    /// All that has to be added, the contexts of contexts included.
    pub(super) fn found(mut self) -> Contexts {
        for order in (2..self.orders).rev() {
            let contexts: Vec<Box<[u32]>> =
                self.missing[order - 1].iter().map(|words| words[..order - 1].into()).collect();
            for context in contexts {
                if !self.is_known(&context) {
                    self.missing[order - 2].insert(context);
                }
            }
        }
        let numbered = |words: &[u32]| (words.into(), self.probability(words));
        let of_order = |missing: &BTreeSet<Box<[u32]>>| missing.iter().map(|words| numbered(words)).collect();
        let by_order = self.missing.iter().map(of_order).collect();
        Contexts { by_order }
    }

    /// log₁₀ p by the definition of back-off, added up as a query does.
    fn probability(&self, words: &[u32]) -> f32 {
        let numbers = |words: &[u32]| self.known.get(words.len() - 1)?.get(&key(words)).copied();
        match (numbers(words), words) {
            (Some((log10_p, _)), _) => log10_p,
            // Every word is a unigram.
            (None, [] | [_]) => super::MISSING_UNKNOWN,
            (None, [_, shorter @ ..]) => {
                self.probability(shorter)
                    + numbers(&words[..words.len() - 1]).map_or(0.0, |(_, backoff)| backoff)
            }
        }
    }
}

impl EntrySink for MissingContexts {
    fn begin(&mut self, _: &Vocabulary, counts: &[u64]) -> Result<(), Error> {
        self.orders = counts.len();
        self.known = vec![Numbers::default(); self.orders.saturating_sub(1)];
        self.missing = vec![BTreeSet::new(); self.orders];
        Ok(())
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        let order = entry.words.len();
        if let Some(known) = self.known.get_mut(order - 1) {
            known.insert(key(entry.words), (entry.log10_probability, entry.log10_backoff));
        }
        let context = &entry.words[..order - 1];
        if !context.is_empty() && !self.is_known(context) && !self.missing[order - 2].contains(context) {
            self.missing[order - 2].insert(context.into());
        }
        Ok(())
    }

    fn end_order(&mut self, _: usize) -> Result<(), Error> {
        Ok(())
    }
}
