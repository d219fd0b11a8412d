//! Who the parents are while an order of a trie is written: its n-grams come sorted, and so do their contexts, side by side.
//!
//! Read `build.rs` for where they come from, `bits.rs` for how their children are counted.

use std::io;
use std::path::Path;

use super::bits::UnaryWriter;
use super::section::{Growing, grow};
use super::spool::{Record, Stream};
use super::unigram;

/// The entries of the order below, each with the number of its children as these come, in the same sorting.
pub(super) enum Parents<'a> {
    Words {
        unigrams: &'a [(f32, f32)],
        begins: Vec<u32>,
        children: u32,
    },
    Entries {
        order: usize,
        contexts: Stream,
        current: Option<Record>,
        children: u64,
        lists: UnaryWriter<Growing>,
    },
}

/// Where children begin.
pub(super) enum Children {
    Words(Vec<u32>),
    Lists(Growing, Growing),
}

impl<'a> Parents<'a> {
    /// Begins with the words where there are no `contexts`, or else with the sorted entries of the order below `order`.
    pub(super) fn new(
        unigrams: &'a [(f32, f32)],
        contexts: Option<Stream>,
        order: usize,
        folder: &Path,
    ) -> io::Result<Self> {
        match contexts {
            None => Ok(Self::Words { unigrams, begins: Vec::new(), children: 0 }),
            Some(mut contexts) => {
                let current = contexts.next()?;
                let lists = UnaryWriter::new(grow(folder)?, grow(folder)?);
                Ok(Self::Entries { order: order - 1, contexts, current, children: 0, lists })
            }
        }
    }

    /// Goes on to the context of an n-gram; `false` where there is none.
    pub(super) fn reach(&mut self, record: &Record) -> io::Result<bool> {
        match self {
            Self::Words { unigrams, begins, children } => {
                let id = record.words[0] as usize;
                begins.resize(begins.len().max(id + 1), *children);
                *children += 1;
                Ok(unigrams.get(id).is_some_and(|unigram| unigram.0 != unigram::ABSENT))
            }
            Self::Entries { order, contexts, current, children, lists } => {
                let wanted = &record.words[..*order];
                while let Some(context) = current {
                    match context.words[..*order].cmp(wanted) {
                        std::cmp::Ordering::Equal => {
                            *children += 1;
                            return Ok(true);
                        }
                        std::cmp::Ordering::Greater => return Ok(false),
                        std::cmp::Ordering::Less => {
                            lists.push(std::mem::take(children))?;
                            *current = contexts.next()?;
                        }
                    }
                }
                Ok(false)
            }
        }
    }

    /// The children of all parents, also of those behind the last n-gram.
    pub(super) fn finish(self) -> io::Result<Children> {
        match self {
            Self::Words { unigrams, mut begins, children } => {
                begins.resize(unigrams.len() + 1, children);
                Ok(Children::Words(begins))
            }
            Self::Entries { mut contexts, mut current, mut children, mut lists, .. } => {
                while current.is_some() {
                    lists.push(std::mem::take(&mut children))?;
                    current = contexts.next()?;
                }
                let (unary, samples) = lists.finish()?;
                Ok(Children::Lists(unary, samples))
            }
        }
    }
}
