//! The store behind `generate`: a mixture of all stored replies.
//!
//! Three answers to the question for the next token, the first of which nearly always has the word:
//!
//! ```text
//! near(token)  the replies that begin with what has been said, each weighing exp(score / temperature): of 20,000 a handful has all the weight
//! any(token)   the same replies, all weighing the same
//! bare(token)  how often a token stands in the stored replies, plus one
//!
//! p(token) = (1 − b) near(token) + b ((1 − b) any(token) + b bare(token)),   b: the part that is backed off
//! ```
//!
//! and `</s>` is the token behind the last of a reply. So greedy decoding gives the nearest reply (unless others about as near agree on other
//! words), sampling gives near ones, beams their alternatives; and where a token is banned, another reply that begins with what has been
//! said so far goes on in its place. Where no reply begins so, which teacher forcing and bans can bring about, only the bare tokens are left. The
//! commonest is `</s>`, so a sentence that nobody has said ends soon.
//!
//! The parts are the same in every step, whether or not the near replies have foretold well: `bare` is there so that no text is impossible, and is
//! too small to be heard.
//!
//! The sources are the last turns, each with `</s>` behind it; the token of the first step stands for `<s>` and is not read.

use std::ops::Range;
use std::sync::Arc;

use papo_generate::{LanguageModel, ModelError, Room, TokenId};

use crate::index::turns_of;
use crate::scores::Scorer;
use crate::{END, Error, Index, PAD, START};

/// How replies are looked up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Turns of a conversation that are looked at, the last one included; at least 1.
    pub context_turns: usize,
    /// The weight of each turn beside the one behind it, from 0 (only the last turn counts) to 1.
    pub earlier_weight: f32,
    /// The score that divides a reply's weight by e; the smaller, the more the nearest has of it.
    pub temperature: f32,
    /// The part of the probability that is backed off from the near replies to any that begin so, and from those to bare tokens; between 0
    /// and 1.
    pub back_off: f32,
}

/// Measured on the project's own store and held-out conversations. With an earlier weight from 0 to 0.3, 70 to 76 of 167 replies take up what was
/// said (`xtask talk`), with 0.5 only 40, since a stored conversation is then gone on with whatever is said; at 0.2 held-out replies are a little more
/// likely than at 0. At the temperature 0.02 greedy decoding gives the nearest reply in 98 of 100 cases, at 0.05 in 78. A larger part to back off
/// would make held-out text likelier, as replies that nobody gave are all that it is made of, and samples and beams worse.
impl Default for Settings {
    fn default() -> Self {
        Self { context_turns: 4, earlier_weight: 0.2, temperature: 0.02, back_off: 0.01 }
    }
}

impl Settings {
    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<(), Error> {
        let between = |name, value: f32, range, fits: bool| match fits {
            true => Ok(()),
            false => Err(Error::Setting { name, value: value.into(), range }),
        };
        let Self { context_turns, earlier_weight, temperature, back_off } = *self;
        between("context_turns", context_turns as f32, "at least 1", context_turns > 0)?;
        between("earlier_weight", earlier_weight, "from 0 to 1", (0.0..=1.0).contains(&earlier_weight))?;
        let is_warm = (1e-4..=1e4).contains(&temperature);
        between("temperature", temperature, "from 0.0001 to 10000", is_warm)?;
        between("back_off", back_off, "between 0 and 1", back_off > 0.0 && back_off < 1.0)
    }
}

/// A stored exchange, and how near it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Its number in the index.
    pub exchange: usize,
    /// From 0, no word in common, to 1.
    pub score: f32,
}

/// A store of replies, ready to be asked.
#[derive(Debug)]
pub struct Retriever {
    index: Index,
    settings: Settings,
    scorer: Scorer,
    /// The probabilities of bare tokens.
    bare: Vec<f32>,
}

/// Where each row of a batch is.
#[derive(Clone, Debug)]
pub struct Rows {
    rows: Vec<Row>,
    steps: usize,
}

#[derive(Clone, Debug)]
struct Row {
    /// Of every exchange.
    scores: Arc<[f32]>,
    /// The exchanges whose reply begins with what has been said.
    alive: Range<usize>,
    /// Tokens that have been said.
    said: usize,
}

impl Retriever {
    /// Prepares an index, in one pass over it.
    ///
    /// # Errors
    /// Where the settings make no sense.
    pub fn new(index: Index, settings: Settings) -> Result<Self, Error> {
        settings.check()?;
        let scorer = Scorer::new(&index, settings.context_turns, settings.earlier_weight);
        let mut counts = vec![1.0_f32; index.vocab_size()];
        // Nobody ever says these.
        (counts[START as usize], counts[PAD as usize]) = (0.0, 0.0);
        counts[END as usize] += index.exchanges() as f32;
        index.replies.items.iter().for_each(|&token| counts[token as usize] += 1.0);
        let total: f32 = counts.iter().sum();
        let bare = counts.into_iter().map(|count| count / total).collect();
        Ok(Self { index, settings, scorer, bare })
    }

    /// What is stored.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// How it is looked up.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The score of every exchange for a source: turns, each with an end token behind it.
    pub fn scores(&self, source: &[TokenId]) -> Vec<f32> {
        self.scorer.scores(&self.index, turns_of(source).rev())
    }

    /// The `count` nearest exchanges, the nearest first; of equally near ones the first in the order of replies.
    pub fn nearest(&self, source: &[TokenId], count: usize) -> Vec<Neighbour> {
        let scores = self.scores(source);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        let nearer = |a: &usize, b: &usize| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b));
        if count < order.len() {
            order.select_nth_unstable_by(count, nearer);
            order.truncate(count);
        }
        order.sort_unstable_by(nearer);
        order.into_iter().map(|exchange| Neighbour { exchange, score: scores[exchange] }).collect()
    }

    /// Writes the logits that follow what a row has said: logarithms of probabilities.
    fn fill(&self, row: &Row, logits: &mut [f32]) {
        logits.copy_from_slice(&self.bare);
        let scores = &row.scores[row.alive.clone()];
        if !scores.is_empty() {
            let b = self.settings.back_off;
            let nearest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let weight = |score: f32| ((score - nearest) / self.settings.temperature).exp();
            let near = (1.0 - b) / scores.iter().copied().map(weight).sum::<f32>();
            let any = b * (1.0 - b) / scores.len() as f32;
            logits.iter_mut().for_each(|p| *p *= b * b);
            for (exchange, &score) in row.alive.clone().zip(scores) {
                let next = self.index.reply(exchange).get(row.said).copied().unwrap_or(END);
                logits[next as usize] += near * weight(score) + any;
            }
        }
        logits.iter_mut().for_each(|p| *p = p.ln());
    }

    /// Goes on to the replies that have `token` next.
    fn say(&self, row: &mut Row, token: TokenId) {
        // Sorted as lists are, so that what has ended stands before what goes on.
        let next = |exchange: usize| self.index.reply(exchange).get(row.said).copied();
        let token = (token != END).then_some(token);
        let first = partition_point(row.alive.clone(), |exchange| next(exchange) < token);
        let end = partition_point(first..row.alive.end, |exchange| next(exchange) <= token);
        row.alive = first..end;
        row.said += 1;
    }
}

/// The first number of a range for which `is_before` does not hold, as of sorted things.
fn partition_point(range: Range<usize>, is_before: impl Fn(usize) -> bool) -> usize {
    let Range { mut start, mut end } = range;
    while start < end {
        let middle = start.midpoint(end);
        if is_before(middle) { start = middle + 1 } else { end = middle }
    }
    start
}

impl LanguageModel for Retriever {
    type State = Rows;

    fn vocab_size(&self) -> usize {
        self.bare.len()
    }

    fn start(&self, sources: &[Vec<TokenId>], _: Room) -> Result<Rows, ModelError> {
        let all = 0..self.index.exchanges();
        let rows = sources.iter().map(|source| Row {
            scores: self.scores(source).into(),
            alive: all.clone(),
            said: 0,
        });
        Ok(Rows { rows: rows.collect(), steps: 0 })
    }

    fn step(&self, rows: &mut Rows, last: &[TokenId], logits: &mut [f32]) -> Result<(), ModelError> {
        let width = self.vocab_size();
        for ((row, &token), logits) in rows.rows.iter_mut().zip(last).zip(logits.chunks_exact_mut(width)) {
            if rows.steps > 0 {
                self.say(row, token);
            }
            self.fill(row, logits);
        }
        rows.steps += 1;
        Ok(())
    }

    fn select(&self, rows: &mut Rows, selected: &[usize]) {
        rows.rows = selected.iter().map(|&row| rows.rows[row].clone()).collect();
    }
}
