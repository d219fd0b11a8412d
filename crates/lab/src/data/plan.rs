//! The batches of an epoch: which examples stand together, and in which order the batches come.
//!
//! Rows of a batch should be of like length, for what fills up short rows is computed for nothing; and neighbours should
//! differ from epoch to epoch. So the examples are shuffled, taken in pools of about a hundred batches, sorted by length
//! within a pool, cut into batches, and the batches are shuffled. A running text is cut into as many long strips as
//! a batch has rows, which are gone through side by side, the state being carried over from batch to batch.
//!
//! All of it is a function of the examples, the seed and the epoch: batch number `k` of an epoch is the same in every run.

use std::ops::Range;

use super::examples::{Examples, Items};
use super::order::shuffled;
use crate::chance::Chance;
use crate::network::{Batch, Grid};

/// How large a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// This many rows.
    Rows(usize),
    /// As many rows as have together this many tokens, filling included.
    Tokens(usize),
}

/// How examples become batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batching {
    /// How large a batch is.
    pub budget: Budget,
    /// Columns of a causal model that are gone through at once; what is longer is carried on in the next batch.
    pub columns: usize,
    /// What targets of pairs begin with.
    pub start: u32,
    /// What short rows are filled up with.
    pub pad: u32,
}

/// The batches of one epoch.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    examples: &'a Examples,
    batching: Batching,
    layout: Layout,
}

#[derive(Clone, Debug)]
enum Layout {
    /// Strips of a running text: where the first begins, how many there are, and how many targets each has.
    Strips { begin: usize, rows: usize, length: usize },
    /// Examples by batch, and for each place in the epoch the batch and the column to begin with.
    Groups { order: Vec<u32>, places: Vec<(Range<usize>, usize)> },
}

impl<'a> Plan<'a> {
    /// The plan of a training epoch.
    pub fn shuffled(examples: &'a Examples, batching: Batching, seed: u64, epoch: u64) -> Plan<'a> {
        Plan::new(examples, batching, Some(Chance::new(seed).named("order").at(epoch)))
    }

    /// A plan by length alone, to measure by.
    pub fn in_order(examples: &'a Examples, batching: Batching) -> Plan<'a> {
        Plan::new(examples, batching, None)
    }

    fn new(examples: &'a Examples, batching: Batching, chance: Option<Chance>) -> Plan<'a> {
        let layout = match &examples.items {
            Items::Stream => strips(examples.ids.len(), batching, chance),
            items => groups(items, batching, chance),
        };
        Plan { examples, batching, layout }
    }

    /// How many batches the epoch has.
    pub fn len(&self) -> usize {
        match &self.layout {
            Layout::Strips { length, .. } => length.div_ceil(self.batching.columns),
            Layout::Groups { places, .. } => places.len(),
        }
    }

    /// Whether there is no batch.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Batch number `place` of the epoch, counted from 0.
    pub fn batch(&self, place: usize) -> Batch {
        let ids = &self.examples.ids;
        match &self.layout {
            Layout::Strips { begin, rows, length } => {
                let column = place * self.batching.columns;
                let columns = self.batching.columns.min(length - column);
                let rows = (0..*rows).map(|row| &ids[begin + row * length + column..][..columns + 1]);
                let tokens = Grid::new(&rows.collect::<Vec<_>>(), self.batching.pad);
                Batch::Text { tokens, continues: place > 0 }
            }
            Layout::Groups { order, places } => {
                let (group, column) = &places[place];
                self.group(&order[group.clone()], *column)
            }
        }
    }

    fn group(&self, group: &[u32], column: usize) -> Batch {
        let (ids, pad) = (&self.examples.ids, self.batching.pad);
        match &self.examples.items {
            Items::Stream => unreachable!("a stream is laid out in strips"),
            Items::Rows(rows) => {
                let rows = group.iter().map(|&row| {
                    let row = &ids[rows[row as usize].clone()];
                    &row[column.min(row.len())..(column + self.batching.columns + 1).min(row.len())]
                });
                let tokens = Grid::new(&rows.collect::<Vec<_>>(), pad);
                Batch::Text { tokens, continues: column > 0 }
            }
            Items::Pairs(pairs) => {
                let sources: Vec<&[u32]> =
                    group.iter().map(|&pair| &ids[pairs[pair as usize].0.clone()]).collect();
                let targets: Vec<Vec<u32>> = group
                    .iter()
                    .map(|&pair| {
                        std::iter::once(self.batching.start)
                            .chain(ids[pairs[pair as usize].1.clone()].iter().copied())
                            .collect()
                    })
                    .collect();
                let targets: Vec<&[u32]> = targets.iter().map(Vec::as_slice).collect();
                Batch::Pairs { sources: Grid::new(&sources, pad), targets: Grid::new(&targets, pad) }
            }
        }
    }
}

/// Tokens of a strip to measure by, at least.
const MEASURED_STRIP: usize = 4096;

fn strips(tokens: usize, batching: Batching, chance: Option<Chance>) -> Layout {
    let targets = tokens.saturating_sub(1);
    let wanted = match batching.budget {
        Budget::Rows(rows) => rows,
        Budget::Tokens(tokens) => tokens / batching.columns,
    };
    let shortest = match chance {
        // A short text makes few strips, that there be something to carry over.
        Some(_) => 2 * batching.columns,
        // A strip begins without a memory, which costs some nats: to measure by, strips are long, so that the loss is that of one text.
        None => MEASURED_STRIP.max(2 * batching.columns),
    };
    let rows = wanted.min(targets / shortest).max(1);
    // Each epoch cuts in other places.
    let room = batching.columns.min(targets / rows / 2);
    let begin = match chance {
        Some(chance) if room > 0 => chance.bits(0) as usize % room,
        _ => 0,
    };
    Layout::Strips { begin, rows, length: (targets - begin) / rows }
}

/// Batches of a pool, about.
const POOL: usize = 100;

fn groups(items: &Items, batching: Batching, chance: Option<Chance>) -> Layout {
    // What a row costs, and by what rows are alike: the targets first, then the sources.
    let size = |index: u32| -> (usize, usize) {
        match items {
            Items::Stream => unreachable!("a stream is laid out in strips"),
            Items::Rows(rows) => ((rows[index as usize].len() - 1).min(batching.columns), 0),
            Items::Pairs(pairs) => {
                let (source, target) = &pairs[index as usize];
                (target.len(), source.len())
            }
        }
    };
    // Rows that are cut into batches should be of like length even beyond the first.
    let whole = |index: u32| match items {
        Items::Rows(rows) => (rows[index as usize].len(), 0),
        _ => size(index),
    };
    let count = match items {
        Items::Stream => 0,
        Items::Rows(rows) => rows.len(),
        Items::Pairs(pairs) => pairs.len(),
    };
    let mut order = match chance {
        Some(chance) => shuffled(count, chance),
        None => (0..count as u32).collect(),
    };
    let rows = match batching.budget {
        Budget::Rows(rows) => rows,
        Budget::Tokens(tokens) => {
            let all: usize =
                order.iter().map(|&index| size(index)).map(|(target, source)| target + source).sum();
            tokens * count / all.max(1)
        }
    };
    let pool = if chance.is_some() { (rows.max(1) * POOL).min(count.max(1)) } else { count.max(1) };
    let mut groups: Vec<Range<usize>> = Vec::new();
    for (number, pool_order) in order.chunks_mut(pool).enumerate() {
        pool_order.sort_by_key(|&index| whole(index));
        let mut begin = 0;
        let (mut target, mut source) = (0, 0);
        for (place, &index) in pool_order.iter().enumerate() {
            let (longer_target, longer_source) = (target.max(size(index).0), source.max(size(index).1));
            let full = match batching.budget {
                Budget::Rows(rows) => place - begin >= rows,
                Budget::Tokens(tokens) => (place - begin + 1) * (longer_target + longer_source) > tokens,
            };
            if full && place > begin {
                groups.push(number * pool + begin..number * pool + place);
                begin = place;
                (target, source) = size(index);
            } else {
                (target, source) = (longer_target, longer_source);
            }
        }
        groups.push(number * pool + begin..number * pool + pool_order.len());
    }
    if let Some(chance) = chance {
        groups = shuffled(groups.len(), chance.at(1))
            .iter()
            .map(|&group| groups[group as usize].clone())
            .collect();
    }
    let mut places = Vec::new();
    for group in groups {
        let columns = match items {
            Items::Rows(rows) => {
                let longest =
                    order[group.clone()].iter().map(|&row| rows[row as usize].len() - 1).max().unwrap_or(0);
                (0..longest).step_by(batching.columns).collect()
            }
            _ => vec![0],
        };
        places.extend(columns.into_iter().map(|column| (group.clone(), column)));
    }
    Layout::Groups { order, places }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const BATCHING: Batching = Batching { budget: Budget::Tokens(40), columns: 7, start: 1, pad: 3 };

    fn stream(tokens: u32) -> Examples {
        let mut examples = Examples::default();
        examples.ids = (10..10 + tokens).collect();
        examples
    }

    /// Rows `<s> k k … k </s>` of different lengths.
    fn rows(count: u32) -> Examples {
        let mut examples = Examples::default();
        let mut ranges = Vec::new();
        for k in 0..count {
            let begin = examples.ids.len();
            examples.ids.push(1);
            examples.ids.extend(std::iter::repeat_n(10 + k, 1 + (k as usize * 7) % 23));
            examples.ids.push(2);
            ranges.push(begin..examples.ids.len());
        }
        examples.items = Items::Rows(ranges);
        examples
    }

    fn pairs(count: u32) -> Examples {
        let mut examples = rows(2 * count);
        let Items::Rows(ranges) = std::mem::take(&mut examples.items) else { unreachable!() };
        let halves = ranges.chunks(2).map(|two| (two[0].start + 1..two[0].end, two[1].start + 1..two[1].end));
        examples.items = Items::Pairs(halves.collect());
        examples
    }

    fn batches(plan: &Plan<'_>) -> Vec<Batch> {
        (0..plan.len()).map(|place| plan.batch(place)).collect()
    }

    #[test]
    fn strips_go_on_where_the_batch_before_ended() {
        let examples = stream(200);
        let plan = Plan::shuffled(&examples, BATCHING, 1, 0);
        let mut seen: Vec<Vec<u32>> = Vec::new();
        for (place, batch) in batches(&plan).into_iter().enumerate() {
            let Batch::Text { tokens, continues } = batch else { panic!("not text") };
            assert_eq!(continues, place > 0);
            for row in 0..tokens.rows {
                let ids = tokens.row(row);
                match seen.get_mut(row) {
                    None => seen.push(ids.to_vec()),
                    Some(strip) => {
                        assert_eq!(strip.last(), ids.first());
                        strip.extend(&ids[1..]);
                    }
                }
            }
        }
        let strips = seen.len();
        assert_eq!(strips, 40 / 7);
        assert!(seen.iter().flatten().collect::<std::collections::BTreeSet<_>>().len() >= 200 - 7 - strips);
        let Layout::Strips { rows, .. } = Plan::in_order(&examples, BATCHING).layout else {
            panic!("no strips")
        };
        assert_eq!(rows, 1, "what is measured is one text");
        assert_ne!(
            Plan::shuffled(&examples, BATCHING, 1, 0).batch(0),
            Plan::shuffled(&examples, BATCHING, 1, 1).batch(0)
        );
    }

    #[test]
    fn every_token_of_every_row_is_foretold_once() {
        let examples = rows(50);
        for plan in [Plan::in_order(&examples, BATCHING), Plan::shuffled(&examples, BATCHING, 3, 2)] {
            let mut foretold: BTreeMap<u32, usize> = BTreeMap::new();
            for batch in batches(&plan) {
                assert!(batch.target_tokens() > 0);
                let Batch::Text { tokens, .. } = batch else { panic!("not text") };
                assert!(tokens.rows * (tokens.columns - 1) <= 40);
                for row in 0..tokens.rows {
                    for &id in tokens.row(row)[..tokens.lengths[row]].iter().skip(1) {
                        *foretold.entry(id).or_default() += 1;
                    }
                }
            }
            for k in 0..50 {
                assert_eq!(foretold[&(10 + k)], 1 + (k as usize * 7) % 23, "row {k}");
            }
            assert_eq!(foretold[&2], 50);
        }
    }

    #[test]
    fn every_pair_comes_once_an_epoch_in_batches_within_the_budget() {
        let examples = pairs(60);
        let batching = Batching { budget: Budget::Tokens(120), ..BATCHING };
        let mut filled = 0;
        let mut count = 0;
        for batch in batches(&Plan::shuffled(&examples, batching, 1, 5)) {
            let tokens = batch.tokens();
            let Batch::Pairs { sources, targets } = batch else { panic!("not pairs") };
            assert!(sources.rows * (sources.columns + targets.columns - 1) <= 120);
            assert!(targets.ids.chunks(targets.columns).all(|row| row[0] == 1));
            count += sources.rows;
            filled += sources.rows * (sources.columns + targets.columns - 1) - tokens;
        }
        assert_eq!(count, 60);
        let all: usize = batches(&Plan::in_order(&examples, batching)).iter().map(Batch::tokens).sum();
        assert!(filled * 2 < all, "{filled} tokens of filling for {all}");
    }

    #[test]
    fn the_order_is_the_same_in_every_run_and_another_in_every_epoch() {
        let examples = pairs(60);
        let epoch = |seed, epoch| batches(&Plan::shuffled(&examples, BATCHING, seed, epoch));
        assert_eq!(epoch(1, 3), epoch(1, 3));
        assert_ne!(epoch(1, 3), epoch(1, 4));
        assert_ne!(epoch(1, 3), epoch(2, 3));
    }

    #[test]
    fn one_token_makes_no_batch_and_two_make_one() {
        assert!(Plan::in_order(&stream(0), BATCHING).is_empty());
        assert!(Plan::in_order(&stream(1), BATCHING).is_empty());
        let two = stream(2);
        let plan = Plan::shuffled(&two, BATCHING, 1, 1);
        assert_eq!((plan.len(), plan.batch(0).target_tokens()), (1, 1));
        assert!(Plan::in_order(&rows(0), BATCHING).is_empty());
    }
}
