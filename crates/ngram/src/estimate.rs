//! Estimation: from a corpus of ids to the entries of a model, in memory that is bounded whatever the corpus.
//!
//! Interpolated modified Kneser–Ney smoothing with Chen & Goodman's discounts, in the steps of Heafield et al. (2013). Each
//! step reads files front to back, and writes files front to back; between them the n-grams are sorted.
//!
//! ```text
//! corpus → n-grams ─sort→ adjusted counts, discounts          adjust.rs, discount.rs   suffix order
//!   for each order n from 2 on:
//!     adjusted counts ─sort→ u and γ for each context         normalise.rs             context order
//!     u and γ ─sort→ p, with p of order n − 1                  interpolate.rs           suffix order
//!     p of order n − 1, with γ of order n as its back-off → the sink
//! ```
//!
//! The lowest order is interpolated with the uniform distribution over all words that can be predicted (`<s>` cannot); what
//! it leaves to `<unk>` is that and nothing else. `reference.rs` in `tests/` is the same in forty naive lines. Read
//! `packed.rs` next: how n-grams become integers is what makes this fast.

mod adjust;
mod discount;
mod interpolate;
mod normalise;
mod packed;
mod sorter;
mod spool;

use std::path::PathBuf;

pub use discount::{CountsOfCounts, Discounts};

use crate::corpus::{Corpus, Piece};
use crate::{END, EntrySink, Error, MAX_ORDER, START, UNKNOWN, Vocabulary};
use adjust::{Adjusted, adjust};
use normalise::{normalise, pair};
use packed::{Packing, Record};
use sorter::Sorter;
use spool::{Spool, SpoolWriter};

/// What the program itself takes of the memory it is allowed: code, stacks, blocks of files.
const OVERHEAD: usize = 24 << 20;
/// Buffers for sorting take at least this.
const LEAST_BUFFERS: usize = 4 << 20;

/// How to estimate.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Words of the longest n-grams, 1 to [`MAX_ORDER`].
    pub order: usize,
    /// n-grams that occur so often or less are dropped: a threshold per order, the last stands for the rest; the first is
    /// 0. Empty: nothing is dropped.
    pub prune: Vec<u64>,
    /// Discounts for orders whose own are out of range; `None`: that is an error.
    pub discount_fallback: Option<[f32; 3]>,
    /// Bytes of memory for everything, the vocabulary included. While entries go to the sink, half of the buffers are in use: a
    /// sink may take a third of this.
    pub memory: usize,
    /// Threads that sort.
    pub threads: usize,
    /// Folder for temporary files.
    pub temporary: PathBuf,
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Entries of each order.
    pub counts: Vec<u64>,
    /// Counts of adjusted counts of each order, before pruning.
    pub statistics: Vec<CountsOfCounts>,
    /// Discounts of each order.
    pub discounts: Vec<Discounts>,
    /// Orders whose discounts are those of `discount_fallback`.
    pub fell_back: Vec<usize>,
}

/// A step of the estimation, for whoever shows its progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// n-grams are taken from the corpus and sorted.
    Counting,
    /// Adjusted counts are made of them.
    Adjusting,
    /// Probabilities of this order are computed.
    Estimating(usize),
}

/// Called now and then with what is being done; an error stops the estimation and is what it returns.
pub type Observer<'a> = dyn FnMut(Step) -> Result<(), Error> + 'a;

impl Settings {
    /// Settings without pruning or fallback: 1 GiB, one thread, the system's folder for temporary files.
    pub fn new(order: usize) -> Self {
        Self {
            order,
            prune: Vec::new(),
            discount_fallback: None,
            memory: 1 << 30,
            threads: 1,
            temporary: std::env::temp_dir(),
        }
    }

    /// The threshold of each order, or what is wrong with the order or the list.
    pub fn thresholds(&self) -> Result<Vec<u64>, Error> {
        if !(1..=MAX_ORDER).contains(&self.order) {
            return Err(Error::Order { order: self.order });
        }
        let refuse = |reason: String| Err(Error::Prune { reason });
        if self.prune.len() > self.order {
            return refuse(format!("{} thresholds for {} orders", self.prune.len(), self.order));
        }
        if self.prune.first().is_some_and(|&first| first != 0) {
            return refuse("the first is not 0, but single words are never dropped".into());
        }
        if let Some(pair) = self.prune.windows(2).find(|pair| pair[0] > pair[1]) {
            return refuse(format!("{} comes after {}", pair[1], pair[0]));
        }
        let mut thresholds = self.prune.clone();
        thresholds.resize(self.order, self.prune.last().copied().unwrap_or(0));
        Ok(thresholds)
    }
}

/// Estimates a model of a corpus and sends its entries to the sink.
///
/// Words that do not occur in the corpus get no entry, but for `<unk>` and `<s>`.
pub fn estimate(
    corpus: &mut Corpus,
    vocabulary: &Vocabulary,
    settings: &Settings,
    observer: &mut Observer<'_>,
    sink: &mut impl EntrySink,
) -> Result<Summary, Error> {
    let thresholds = settings.thresholds()?;
    if corpus.tokens() == 0 {
        return Err(Error::EmptyCorpus);
    }
    let longest = corpus.longest() + if settings.order == 1 { 1 } else { 2 };
    if settings.order as u64 > longest {
        return Err(Error::OrderTooLong { order: settings.order, longest });
    }
    let words = vocabulary.len();
    if corpus.highest() as usize >= words {
        return Err(Error::UnknownId { id: corpus.highest(), words });
    }
    let taken = OVERHEAD + vocabulary.bytes() + words * (size_of::<Option<u64>>() + size_of::<f32>());
    if settings.memory < taken + LEAST_BUFFERS {
        return Err(Error::Memory { given: settings.memory, least: taken + LEAST_BUFFERS });
    }
    let packing = Packing::for_vocabulary(words);
    let job = Job { vocabulary, settings, thresholds, packing, buffers: settings.memory - taken };
    match packing.limbs(settings.order) {
        1 => job.run::<2>(corpus, observer, sink),
        2 => job.run::<3>(corpus, observer, sink),
        3 => job.run::<4>(corpus, observer, sink),
        _ => job.run::<5>(corpus, observer, sink),
    }
}

struct Job<'a> {
    vocabulary: &'a Vocabulary,
    settings: &'a Settings,
    thresholds: Vec<u64>,
    packing: Packing,
    /// Bytes for sorting.
    buffers: usize,
}

impl Job<'_> {
    fn run<const R: usize>(
        &self,
        corpus: &mut Corpus,
        observer: &mut Observer<'_>,
        sink: &mut impl EntrySink,
    ) -> Result<Summary, Error> {
        let (order, packing) = (self.settings.order, self.packing);
        let folder = &self.settings.temporary;
        let Adjusted { unigrams, mut spools, mut kept, statistics } = self.count::<R>(corpus, observer)?;
        let (discounts, fell_back) = self.discounts(&statistics)?;
        kept[0] =
            1 + unigrams.iter().flatten().count() as u64 + u64::from(unigrams[UNKNOWN as usize].is_none());
        sink.begin(self.vocabulary, &kept)?;
        let mut finished = self.unigrams::<R>(&unigrams, &discounts[0], kept[0])?;
        drop(unigrams);
        // From the highest to the lowest, so that each can be taken, and its file freed, when its turn comes.
        spools.reverse();
        for n in 2..=order {
            observer(Step::Estimating(n))?;
            let mut counts = spools.pop().expect("a file for each order from 2 on");
            let mut sorter = self.sorter::<R>(self.buffers / 2, counts.len());
            let mut reader = counts.read()?;
            while let Some(record) = reader.next()? {
                sorter.push(packing.by_context(&record, n))?;
            }
            drop(counts);
            let mut by_context = sorter.finish()?;
            // Half of the buffers again, though more may be free: the sink needs room of its own while these wait.
            let mut grams = self.sorter::<R>(self.buffers / 2, kept[n - 1]);
            let mut backoffs = SpoolWriter::new(folder)?;
            normalise(by_context.read()?, packing, n, &discounts[n - 1], &mut grams, &mut backoffs)?;
            drop(by_context);
            let mut grams = grams.finish()?;
            interpolate::emit(finished.read()?, backoffs.finish()?.read()?, packing, n - 1, sink)?;
            if n < order {
                let mut writer = SpoolWriter::new(folder)?;
                interpolate::interpolate(grams.read()?, finished.read()?, packing, |gram| {
                    writer.push(&gram)
                })?;
                finished = writer.finish()?;
            } else {
                interpolate::interpolate(grams.read()?, finished.read()?, packing, |gram| {
                    interpolate::send(&gram, 1.0, packing, order, sink)
                })?;
                sink.end_order(order)?;
            }
        }
        if order == 1 {
            interpolate::emit(
                finished.read()?,
                SpoolWriter::new(folder)?.finish()?.read()?,
                packing,
                1,
                sink,
            )?;
        }
        Ok(Summary { counts: kept, statistics, discounts, fell_back })
    }

    fn sorter<const R: usize>(&self, memory: usize, expected: u64) -> Sorter<R> {
        Sorter::new(memory, Some(expected), self.settings.threads, &self.settings.temporary)
    }

    fn count<const R: usize>(
        &self,
        corpus: &mut Corpus,
        observer: &mut Observer<'_>,
    ) -> Result<Adjusted<R>, Error> {
        let (order, packing) = (self.settings.order, self.packing);
        observer(Step::Counting)?;
        let mut sorter = self.sorter::<R>(self.buffers, corpus.tokens() + corpus.sentences());
        let mut empty: Record<R> = [0; R];
        for _ in 0..order {
            empty = packing.pushed(&empty, order, START);
        }
        empty[R - 1] = 1;
        let mut gram = empty;
        let mut pieces = 0_u32;
        corpus.read(|piece| {
            pieces = pieces.wrapping_add(1);
            if pieces.is_multiple_of(1 << 16) {
                observer(Step::Counting)?;
            }
            match piece {
                Piece::Token(word) => {
                    gram = packing.pushed(&gram, order, word);
                    sorter.push(gram)
                }
                Piece::Break => {
                    let last = packing.pushed(&gram, order, END);
                    gram = empty;
                    sorter.push(last)
                }
            }
        })?;
        let mut sorted = sorter.finish()?;
        adjust(
            sorted.read()?,
            packing,
            self.vocabulary.len(),
            &self.thresholds,
            &self.settings.temporary,
            |_| observer(Step::Adjusting),
        )
    }

    fn discounts(&self, statistics: &[CountsOfCounts]) -> Result<(Vec<Discounts>, Vec<usize>), Error> {
        let mut fell_back = Vec::new();
        let discounts = statistics.iter().zip(1..).map(|(statistics, order)| {
            Discounts::from_statistics(order, statistics).or_else(|error| {
                match self.settings.discount_fallback {
                    None => Err(error),
                    Some(discounts) => {
                        fell_back.push(order);
                        Ok(Discounts(discounts.map(f64::from)))
                    }
                }
            })
        });
        let discounts = discounts.collect::<Result<_, _>>()?;
        Ok((discounts, fell_back))
    }

    /// Probabilities of single words, interpolated with the uniform distribution.
    fn unigrams<const R: usize>(
        &self,
        adjusted: &[Option<u64>],
        discounts: &Discounts,
        entries: u64,
    ) -> Result<Spool<R>, Error> {
        let total: u64 = adjusted.iter().flatten().sum();
        let left_over: f64 = adjusted.iter().flatten().map(|&count| discounts.of(count)).sum();
        // <s> has an entry, and is never predicted.
        let uniform = left_over / total as f64 / (entries - 1) as f64;
        let mut writer = SpoolWriter::new(&self.settings.temporary)?;
        for (id, &count) in (0_u32..).zip(adjusted) {
            let probability = match (id, count) {
                // What a sentence starts with is certain.
                (START, _) => 1.0,
                (_, Some(count)) => (count as f64 - discounts.of(count)) / total as f64 + uniform,
                (UNKNOWN, None) => uniform,
                (_, None) => continue,
            };
            let mut record = [0; R];
            record[R - 2] = id.into();
            record[R - 1] = pair(probability as f32, 0.0);
            writer.push(&record)?;
        }
        writer.finish()
    }
}
