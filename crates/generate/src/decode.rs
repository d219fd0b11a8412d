//! Greedy search and sampling: each row for itself, until it ends (the reference's `_sample`).
//!
//! Beside beam search (`beam.rs`) this is the whole of decoding: step, process, choose, stop.

use std::ops::ControlFlow;

use papo_kernels::Kernels;

use crate::chance::Chance;
use crate::generate::{Watch, feed_prompt, score_rows};
use crate::plan::{Choice, Plan};
use crate::processors::{self, Processors};
use crate::stop::{Stops, all_end};
use crate::{Error, Finish, Generated, Hooks, LanguageModel, Sequence, TokenEvent, TokenId};

/// An answer under way.
struct Row {
    source: usize,
    /// Its number among the answers to its source.
    rank: usize,
    tokens: Vec<TokenId>,
    finish: Option<Finish>,
    /// Where its tokens come from, if by chance.
    chance: Option<Chance>,
}

pub(crate) fn run<M: LanguageModel>(
    model: &M,
    mut state: M::State,
    sources: &[Vec<TokenId>],
    plan: &Plan,
    mut processors: Processors<'_>,
    mut hooks: Hooks<'_>,
    mut watch: Watch,
) -> Result<Generated, Error> {
    let vocabulary = model.vocab_size();
    let stops = Stops::new(plan, hooks.stop_when);
    let mut rows = rows(sources, plan);
    let mut logits = score_rows(rows.len(), vocabulary)?;
    let mut steps = feed_prompt(model, &mut state, plan, sources.len(), &mut logits)?;
    // The rows that the state holds; at first it has one for each source.
    let mut live: Vec<usize> = (0..rows.len()).collect();
    let mut kept: Vec<usize> = live.iter().map(|row| row / plan.returned).collect();
    if plan.returned > 1 {
        model.select(&mut state, &kept);
    }
    let mut last: Vec<TokenId> = vec![plan.prompt[plan.prompt.len() - 1]; live.len()];
    let mut scratch = Vec::new();
    for step in 0.. {
        let logits = &mut logits[..live.len() * vocabulary];
        model.step(&mut state, &last, logits)?;
        steps += 1;
        let mut stopped = false;
        for (&index, scores) in live.iter().zip(logits.chunks_exact_mut(vocabulary)) {
            let row = &mut rows[index];
            let token = choose(row, scores, &mut processors)?;
            row.finish = stops.reason(&row.tokens, token, &mut scratch);
            row.tokens.push(token);
            watch.note_token();
            if let Some(on_token) = hooks.on_token.as_mut() {
                let event = TokenEvent { source: row.source, row: index, token, step };
                stopped |= on_token(&event) == ControlFlow::Break(());
            }
        }
        let end = if stopped { Some(Finish::Interrupted) } else { all_end(plan, &hooks, &watch) };
        for &index in &live {
            rows[index].finish = rows[index].finish.or(end);
        }
        kept.clear();
        kept.extend((0..live.len()).filter(|&r| rows[live[r]].finish.is_none()));
        if kept.is_empty() {
            break;
        }
        if kept.len() < live.len() {
            model.select(&mut state, &kept);
            live.retain(|&index| rows[index].finish.is_none());
        }
        last.clear();
        last.extend(live.iter().map(|&index| rows[index].tokens[rows[index].tokens.len() - 1]));
    }
    let sequence =
        |row: Row| Sequence { tokens: row.tokens, score: None, finish: row.finish.unwrap_or(Finish::Length) };
    let sequences = rows.into_iter().map(sequence).collect();
    Ok(Generated { sequences, steps, first_token_time: watch.first_token_time(), ..Generated::default() })
}

/// `num_return_sequences` rows for each source, in order.
fn rows(sources: &[Vec<TokenId>], plan: &Plan) -> Vec<Row> {
    let row = |index: usize| {
        let (source, rank) = (index / plan.returned, index % plan.returned);
        let chance = match plan.choice() {
            Choice::Likeliest => None,
            Choice::Drawn(seed) => Some(Chance::new(seed, &sources[source], rank)),
        };
        let mut tokens = Vec::with_capacity(plan.room());
        tokens.extend_from_slice(&plan.prompt);
        Row { source, rank, tokens, finish: None, chance }
    };
    (0..sources.len() * plan.returned).map(row).collect()
}

/// The next token of a row by its logits, which are used up.
fn choose(row: &mut Row, scores: &mut [f32], processors: &mut Processors<'_>) -> Result<TokenId, Error> {
    let (source_index, length) = (row.source, row.tokens.len());
    let has_nan = |scores: &[f32]| scores.iter().fold(false, |nan, score| nan | score.is_nan());
    if !processors.mends_numbers && has_nan(scores) {
        return Err(Error::NotNumbers { source_index, length });
    }
    if !processors.is_empty() {
        processors
            .apply(&processors::Row { source: row.source, rank: row.rank, tokens: &row.tokens }, scores)?;
    }
    let kernels = Kernels::best();
    let token = match &mut row.chance {
        None if processors.can_make_nan && has_nan(scores) => scores.iter().position(|score| score.is_nan()),
        None => Some(kernels.argmax(scores)),
        Some(chance) => {
            kernels.softmax(scores);
            chance.draw(scores)
        }
    };
    token.map(|token| token as TokenId).ok_or(Error::NothingLeft { source_index, length })
}
