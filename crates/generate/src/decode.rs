//! Greedy search and sampling: each row for itself, until it ends.

use std::ops::ControlFlow;

use papo_kernels::Kernels;

use crate::generate::Watch;
use crate::plan::Plan;
use crate::{Error, Finish, Generated, Hooks, LanguageModel, Sequence, TokenEvent, TokenId};

/// An answer under way.
struct Row {
    source: usize,
    tokens: Vec<TokenId>,
    finish: Option<Finish>,
}

pub(crate) fn run<M: LanguageModel>(
    model: &M,
    mut state: M::State,
    sources: &[Vec<TokenId>],
    plan: &Plan,
    mut hooks: Hooks<'_>,
    mut watch: Watch,
) -> Result<Generated, Error> {
    let vocabulary = model.vocab_size();
    let kernels = Kernels::best();
    let new_row = |row: usize| Row { source: row / plan.returned, tokens: plan.prompt.clone(), finish: None };
    let mut rows: Vec<Row> = (0..sources.len() * plan.returned).map(new_row).collect();
    // The rows that the state holds, as indices of `rows`.
    let mut live: Vec<usize> = (0..rows.len()).collect();
    let mut logits = vec![0.0f32; rows.len() * vocabulary];
    let mut last: Vec<TokenId> = Vec::with_capacity(rows.len());
    let mut steps = 0;
    for &token in &plan.prompt[..plan.prompt.len() - 1] {
        last.clear();
        last.resize(live.len(), token);
        model.step(&mut state, &last, &mut logits)?;
        steps += 1;
    }
    let mut step = 0;
    while !live.is_empty() {
        last.clear();
        last.extend(live.iter().map(|&row| rows[row].tokens[rows[row].tokens.len() - 1]));
        model.step(&mut state, &last, &mut logits[..live.len() * vocabulary])?;
        steps += 1;
        let mut interrupted = false;
        for (&index, scores) in live.iter().zip(logits.chunks_exact_mut(vocabulary)) {
            let row = &mut rows[index];
            let token = kernels.argmax(scores) as TokenId;
            row.tokens.push(token);
            watch.note_token();
            if let Some(on_token) = hooks.on_token.as_mut() {
                let event = TokenEvent { source: row.source, row: index, token, step };
                interrupted |= on_token(&event) == ControlFlow::Break(());
            }
            let stops = |tokens: &[TokenId]| hooks.stop_when.is_some_and(|stop| stop(tokens));
            row.finish = match () {
                () if plan.end_tokens.contains(&token) => Some(Finish::EndToken),
                () if stops(&row.tokens) => Some(Finish::StopString),
                () if row.tokens.len() >= plan.max_length => Some(Finish::Length),
                () => None,
            };
        }
        let end = match () {
            () if interrupted || hooks.is_interrupted() => Some(Finish::Interrupted),
            () if watch.is_over(plan.max_time) => Some(Finish::Time),
            () => None,
        };
        for &index in &live {
            rows[index].finish = rows[index].finish.or(end);
        }
        step += 1;
        let keep: Vec<usize> = (0..live.len()).filter(|&r| rows[live[r]].finish.is_none()).collect();
        if keep.len() < live.len() && !keep.is_empty() {
            model.select(&mut state, &keep);
        }
        live.retain(|&index| rows[index].finish.is_none());
    }
    let sequence =
        |row: Row| Sequence { tokens: row.tokens, score: None, finish: row.finish.unwrap_or(Finish::Length) };
    let sequences = rows.into_iter().map(sequence).collect();
    Ok(Generated { sequences, steps, first_token_time: watch.first_token_time(), ..Generated::default() })
}
