//! Beam search and beam sampling, step by step as the reference's `_beam_search` since `transformers` 4.50.
//!
//! Each source has B running beams and B places for finished ones. In a step every running beam proposes every token; the
//! best K ≥ 2·B of these candidates are looked at, so that B of them go on even if all others end:
//!
//! ```text
//! a. one step of the model           b. log-probabilities, processed, plus the beams' scores
//! c. the best K candidates           d. which of them end
//! e. the best B that go on           f. the best B finished, old and new
//! g. is anything better to be hoped for?
//! ```
//!
//! All sums are in f32 and in the reference's order, including its −10⁹ for "not to be chosen". A source leaves the batch as
//! soon as its search is over, so it gets what it would get alone.

use std::ops::ControlFlow;

use crate::chance::Chance;
use crate::config::EarlyStopping;
use crate::generate::{Watch, feed_prompt, score_rows};
use crate::largest::{self, Entry};
use crate::plan::{BeamPlan, Choice, Plan};
use crate::processors::{Processors, Row};
use crate::propose::{Memory, Proposals};
use crate::stop::{Stops, all_end};
use crate::topk::Candidate;
use crate::{Error, Finish, Generated, Hooks, LanguageModel, Sequence, StepEvent, TokenId};

/// Added to a score that must not be chosen.
const NEVER: f32 = -1.0e9;

/// A running beam.
#[derive(Clone)]
struct Beam {
    score: f32,
    /// Which of the beams before it continues.
    parent: usize,
    tokens: Vec<TokenId>,
}

/// A place for a finished beam; at first, and after a search that finds less than B, it holds the bare prompt.
#[derive(Clone)]
struct Finished {
    score: f32,
    done: Option<Finish>,
    tokens: Vec<TokenId>,
}

/// The search for one source.
struct Search {
    source: usize,
    running: Vec<Beam>,
    /// The running beams of the next step; swapped, never allocated again.
    next: Vec<Beam>,
    finished: Vec<Finished>,
    chance: Option<Chance>,
    is_over: bool,
}

/// Memory that all searches use in turn.
#[derive(Default)]
struct Scratch {
    memory: Memory,
    running: Vec<f32>,
    candidates: Vec<Candidate>,
    hits: Vec<Option<Finish>>,
    /// Scores and where they come from, to be ranked.
    ranking: Vec<Entry>,
    tokens: Vec<TokenId>,
}

pub(crate) fn run<M: LanguageModel>(
    model: &M,
    mut state: M::State,
    sources: &[Vec<TokenId>],
    (plan, beam_plan): (&Plan, &BeamPlan),
    mut processors: Processors<'_>,
    mut hooks: Hooks<'_>,
    mut watch: Watch,
) -> Result<Generated, Error> {
    let (vocabulary, beams) = (model.vocab_size(), beam_plan.beams);
    let stops = Stops::new(plan, hooks.stop_when);
    let mut searches: Vec<Search> = sources
        .iter()
        .enumerate()
        .map(|(index, source)| Search::new(index, source, plan, beam_plan))
        .collect();
    let mut live: Vec<usize> = (0..searches.len()).collect();
    let mut scratch = Scratch::default();
    let mut logits = score_rows(sources.len() * beams, vocabulary)?;
    let mut steps = feed_prompt(model, &mut state, plan, sources.len(), &mut logits)?;
    let mut last = vec![plan.prompt[plan.prompt.len() - 1]; sources.len()];
    let mut parents = Vec::new();
    let mut stopped = false;
    // Until the beams part there is one row for each source, later one for each beam.
    let mut rows_each = 1;
    for step in 0.. {
        // a. One step of the model.
        let scores = &mut logits[..live.len() * beams * vocabulary];
        model.step(&mut state, &last, &mut scores[..live.len() * rows_each * vocabulary])?;
        steps += 1;

        // b. Log-probabilities, processed.
        model.log_softmax(&mut scores[..live.len() * rows_each * vocabulary]);
        if rows_each == 1 {
            spread(scores, beams, vocabulary);
        }
        for (&index, scores) in live.iter().zip(scores.chunks_exact_mut(beams * vocabulary)) {
            searches[index].process(scores, vocabulary, &mut processors)?;
        }

        let end = if stopped { Some(Finish::Interrupted) } else { all_end(plan, &hooks, &watch) };
        parents.clear();
        for (position, (&index, scores)) in
            live.iter().zip(scores.chunks_exact(beams * vocabulary)).enumerate()
        {
            let search = &mut searches[index];
            search.propose(scores, vocabulary, beam_plan, &mut scratch)?; // c
            search.check_ends(&stops, end, &mut scratch); // d
            search.go_on(beam_plan, &mut scratch); // e
            search.finish(beam_plan, plan.prompt.len(), &mut scratch); // f
            search.look_ahead(beam_plan, plan.prompt.len(), &scratch); // g
            if search.is_over {
                continue;
            }
            let row = |beam: &Beam| position * rows_each + if rows_each == 1 { 0 } else { beam.parent };
            parents.extend(search.running.iter().map(row));
            if let Some(on_step) = hooks.on_step.as_mut() {
                let best = &search.running[0].tokens;
                let event = StepEvent { source: search.source, step, best, agreed: search.agreed() };
                stopped |= on_step(&event) == ControlFlow::Break(());
            }
        }
        watch.note_token();

        let rows_before = live.len() * rows_each;
        live.retain(|&index| !searches[index].is_over);
        if live.is_empty() {
            break;
        }
        rows_each = beams;
        if parents.len() != rows_before || parents.iter().enumerate().any(|(row, &parent)| row != parent) {
            model.select(&mut state, &parents);
        }
        last.clear();
        for &index in &live {
            last.extend(searches[index].running.iter().map(|beam| beam.tokens[beam.tokens.len() - 1]));
        }
    }
    let sequences = searches.into_iter().flat_map(|search| search.into_sequences(plan.returned)).collect();
    Ok(Generated { sequences, steps, first_token_time: watch.first_token_time(), ..Generated::default() })
}

/// `[sources, vocabulary]` at the front → `[sources, beams, vocabulary]`, each row repeated.
fn spread(scores: &mut [f32], beams: usize, vocabulary: usize) {
    for source in (0..scores.len() / (beams * vocabulary)).rev() {
        let row = source * vocabulary..(source + 1) * vocabulary;
        for beam in (0..beams).rev() {
            scores.copy_within(row.clone(), (source * beams + beam) * vocabulary);
        }
    }
}

impl Search {
    fn new(index: usize, source: &[TokenId], plan: &Plan, beam_plan: &BeamPlan) -> Self {
        let mut tokens = Vec::with_capacity(plan.room());
        tokens.extend_from_slice(&plan.prompt);
        // All beams are the same at first, so only one may propose.
        let beam = |number: usize| Beam {
            score: if number == 0 { 0.0 } else { NEVER },
            parent: 0,
            tokens: tokens.clone(),
        };
        let running: Vec<Beam> = (0..beam_plan.beams).map(beam).collect();
        let place = Finished { score: NEVER, done: None, tokens: plan.prompt.clone() };
        Self {
            source: index,
            next: running.clone(),
            running,
            finished: vec![place; beam_plan.beams],
            chance: match beam_plan.choice {
                Choice::Likeliest => None,
                Choice::Drawn(seed) => Some(Chance::new(seed, source, 0)),
            },
            is_over: false,
        }
    }

    /// b. Processes the beams' log-probabilities, `[beams, vocabulary]`.
    fn process(
        &self,
        scores: &mut [f32],
        vocabulary: usize,
        processors: &mut Processors<'_>,
    ) -> Result<(), Error> {
        for (rank, (beam, scores)) in self.running.iter().zip(scores.chunks_exact_mut(vocabulary)).enumerate()
        {
            // One logit that is NaN makes every log-probability NaN.
            if !processors.mends_numbers && scores[0].is_nan() {
                return Err(Error::NotNumbers { source_index: self.source, length: beam.tokens.len() });
            }
            processors.apply(&Row { source: self.source, rank, tokens: &beam.tokens }, scores)?;
        }
        Ok(())
    }

    /// c. The best candidates, or as many drawn by chance.
    fn propose(
        &mut self,
        scores: &[f32],
        vocabulary: usize,
        plan: &BeamPlan,
        scratch: &mut Scratch,
    ) -> Result<(), Error> {
        let Scratch { candidates, memory, running, .. } = scratch;
        running.clear();
        running.extend(self.running.iter().map(|beam| beam.score));
        let proposals = Proposals { scores, running, vocabulary };
        match &mut self.chance {
            None => proposals.likeliest(plan.candidates, memory, candidates),
            Some(chance) => proposals.drawn(plan.candidates, chance, memory, candidates),
        }
        if candidates.is_empty() {
            let length = self.running[0].tokens.len();
            return Err(Error::NothingLeft { source_index: self.source, length });
        }
        Ok(())
    }

    /// d. Which candidates end, and why.
    fn check_ends(&self, stops: &Stops<'_>, end: Option<Finish>, scratch: &mut Scratch) {
        let Scratch { candidates, hits, tokens, .. } = scratch;
        hits.clear();
        hits.extend(candidates.iter().map(|candidate| {
            let before = &self.running[candidate.beam as usize].tokens;
            stops.reason(before, candidate.token, tokens).or(end)
        }));
    }

    /// e. The best candidates that go on are the next running beams (in `next`, until `look_ahead` makes them so).
    fn go_on(&mut self, plan: &BeamPlan, scratch: &mut Scratch) {
        let Scratch { candidates, hits, ranking, .. } = scratch;
        let score = |(candidate, hit): (&Candidate, &Option<Finish>)| {
            candidate.score + if hit.is_some() { NEVER } else { 0.0 }
        };
        ranking.clear();
        ranking.extend(candidates.iter().zip(hits.iter()).map(score).zip(0..));
        largest::to_front(ranking, plan.beams);
        // A vocabulary smaller than the number of beams gives fewer candidates than beams.
        let chosen = ranking.iter().take(plan.beams).chain(std::iter::repeat(&ranking[0]));
        for (next, &(score, number)) in self.next.iter_mut().zip(chosen) {
            let Candidate { beam, token, .. } = candidates[number as usize];
            next.score = score;
            next.parent = beam as usize;
            next.tokens.clear();
            next.tokens.extend_from_slice(&self.running[next.parent].tokens);
            next.tokens.push(token);
        }
    }

    /// f. Candidates that end, among the first B, compete with the finished beams by score / length ^ `length_penalty`.
    fn finish(&mut self, plan: &BeamPlan, prompt: usize, scratch: &mut Scratch) {
        let Scratch { candidates, hits, ranking, .. } = scratch;
        let new_tokens = self.running[0].tokens.len() + 1 - prompt;
        let divisor = (new_tokens as f64).powf(plan.length_penalty) as f32;
        let ends = |number: usize| number < plan.beams && hits[number].is_some();
        ranking.clear();
        ranking.extend(self.finished.iter().map(|finished| finished.score).zip(0..));
        for (number, candidate) in candidates.iter().enumerate() {
            let score = candidate.score / divisor + if ends(number) { 0.0 } else { NEVER };
            ranking.push((score, (plan.beams + number) as u32));
        }
        largest::to_front(ranking, plan.beams);
        ranking.truncate(plan.beams);
        if ranking.iter().zip(0..).all(|(&(_, from), place)| place == from) {
            return;
        }
        let place = |&(score, from): &Entry| match (from as usize).checked_sub(plan.beams) {
            None => Finished { score, ..self.finished[from as usize].clone() },
            Some(number) => {
                let Candidate { beam, token, .. } = candidates[number];
                let mut tokens = self.running[beam as usize].tokens.clone();
                tokens.push(token);
                Finished { score, done: hits[number].filter(|_| ends(number)), tokens }
            }
        };
        self.finished = ranking.iter().map(place).collect();
    }

    /// g. Whether the best running beam could still beat the worst finished one, and with that whether the search is over.
    fn look_ahead(&mut self, plan: &BeamPlan, prompt: usize, scratch: &Scratch) {
        std::mem::swap(&mut self.running, &mut self.next);
        let hoped = match plan.early_stopping {
            EarlyStopping::Never if plan.length_penalty > 0.0 => plan.hoped_length,
            _ => self.running[0].tokens.len(),
        };
        let best = self.running[0].score / ((hoped - prompt) as f64).powf(plan.length_penalty) as f32;
        let worst = self.finished.iter().map(|finished| finished.score).fold(f32::INFINITY, f32::min);
        let hope = self.finished.iter().any(|place| best > if place.done.is_some() { worst } else { NEVER });
        let full = self.finished.iter().all(|finished| finished.done.is_some());
        let enough = plan.early_stopping == EarlyStopping::First && full;
        self.is_over = !hope || enough || scratch.hits.iter().all(Option::is_some);
    }

    /// How many tokens all beams begin with that can still win.
    fn agreed(&self) -> usize {
        let best = &self.running[0].tokens;
        let finished = self.finished.iter().filter(|place| place.done.is_some()).map(|place| &place.tokens);
        let others = self.running[1..].iter().map(|beam| &beam.tokens).chain(finished);
        others.fold(best.len(), |agreed, tokens| {
            best[..agreed].iter().zip(tokens).take_while(|(a, b)| a == b).count()
        })
    }

    fn into_sequences(self, returned: usize) -> impl Iterator<Item = Sequence> {
        self.finished.into_iter().take(returned).map(|finished| Sequence {
            tokens: finished.tokens,
            score: Some(finished.score),
            finish: finished.done.unwrap_or(Finish::Length),
        })
    }
}
