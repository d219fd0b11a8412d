//! From counts of the longest n-grams to adjusted counts of all orders, in one pass.
//!
//! ```text
//! a(w₁…wₙ) = c(w₁…wₙ)               where n is the highest order, or w₁ = <s>
//!          = |{v : c(v w₁…wₙ) > 0}|  otherwise: in how many contexts it occurs
//! ```
//!
//! In suffix order, all n-grams that end in the same words stand together, so one open n-gram of each order is all there is to
//! remember. What is pruned goes by the true count c, whatever the adjusted count is: then no n-gram loses its suffix or
//! its context. Heafield, Pouzyrevsky, Clark, Koehn: "Scalable Modified Kneser-Ney Language Model Estimation" (2013).

use std::path::Path;

use super::discount::CountsOfCounts;
use super::packed::{Packing, Record};
use super::sorter::Merge;
use super::spool::{Spool, SpoolWriter};
use crate::{Error, START};

/// Marks a pruned n-gram in the payload; the other bits are its adjusted count.
pub const PRUNED: u64 = 1 << 63;

/// Adjusted counts of all orders.
pub struct Adjusted<const R: usize> {
    /// Of each word; nobody prunes words. `None`: the word does not occur.
    pub unigrams: Vec<Option<u64>>,
    /// Bigrams and longer, in suffix order, with their adjusted counts and [`PRUNED`].
    pub spools: Vec<Spool<R>>,
    /// n-grams of each order that are not pruned; of the unigrams, those that occur.
    pub kept: Vec<u64>,
    /// What discounts are computed from, per order, pruned n-grams included.
    pub statistics: Vec<CountsOfCounts>,
}

/// An n-gram whose extensions to the left are still coming.
#[derive(Clone, Copy)]
struct Open<const R: usize> {
    /// The n-gram in suffix order.
    record: Record<R>,
    adjusted: u64,
    actual: u64,
}

struct Pass<'a, const R: usize> {
    order: usize,
    thresholds: &'a [u64],
    writers: Vec<SpoolWriter<R>>,
    unigrams: Vec<Option<u64>>,
    kept: Vec<u64>,
    statistics: Vec<CountsOfCounts>,
}

/// Reads all n-grams of the highest order, with their counts, in suffix order.
pub fn adjust<const R: usize>(
    mut counts: Merge<'_, R>,
    packing: Packing,
    words: usize,
    thresholds: &[u64],
    folder: &Path,
    mut observe: impl FnMut(u64) -> Result<(), Error>,
) -> Result<Adjusted<R>, Error> {
    let order = thresholds.len();
    let mut pass = Pass {
        order,
        thresholds,
        writers: (1..order).map(|_| SpoolWriter::new(folder)).collect::<Result<_, _>>()?,
        unigrams: vec![None; words],
        kept: vec![0; order],
        statistics: vec![CountsOfCounts::default(); order],
    };
    // open[k - 1] is the n-gram of order k that is being counted, for each k up to `depth`.
    let mut open = [Open { record: [0; R], adjusted: 0, actual: 0 }; crate::MAX_ORDER];
    let mut depth = 0;
    let mut previous = [0; R];
    let mut seen = 0;
    while let Some(full) = counts.next()? {
        let count = full[R - 1];
        let shared = if depth == 0 { 0 } else { packing.shared(&previous, &full, order) };
        previous = full;
        while depth > shared {
            depth -= 1;
            pass.close(depth + 1, &open[depth])?;
        }
        if depth > 0 {
            open[depth - 1].adjusted += 1;
        }
        for lower in &mut open[..depth] {
            lower.actual += count;
        }
        // <s> stands in front of a sentence as often as the order wants; only one of them is part of an n-gram.
        let length = (1..order).find(|&length| packing.word(&full, order - length) == START).unwrap_or(order);
        let mut record = full;
        for _ in length..order {
            record = packing.without_last(&record);
        }
        for length in (depth + 1..=length).rev() {
            let complete = length == order || packing.word(&record, 0) == START;
            open[length - 1] = Open { record, adjusted: if complete { count } else { 1 }, actual: count };
            record = packing.without_last(&record);
        }
        depth = length;
        seen += 1;
        if seen % (1 << 16) == 0 {
            observe(seen)?;
        }
    }
    while depth > 0 {
        depth -= 1;
        pass.close(depth + 1, &open[depth])?;
    }
    let spools = pass.writers.into_iter().map(SpoolWriter::finish).collect::<Result<_, _>>()?;
    Ok(Adjusted { unigrams: pass.unigrams, spools, kept: pass.kept, statistics: pass.statistics })
}

impl<const R: usize> Pass<'_, R> {
    /// No more of this n-gram will come.
    #[inline]
    fn close(&mut self, order: usize, gram: &Open<R>) -> Result<(), Error> {
        debug_assert!(order <= self.order);
        let pruned = gram.actual <= self.thresholds[order - 1];
        self.statistics[order - 1].add(gram.adjusted);
        self.kept[order - 1] += u64::from(!pruned);
        if order == 1 {
            self.unigrams[gram.record[R - 2] as usize] = Some(gram.adjusted);
            return Ok(());
        }
        let mut record = gram.record;
        record[R - 1] = gram.adjusted | if pruned { PRUNED } else { 0 };
        self.writers[order - 2].push(&record)
    }
}
