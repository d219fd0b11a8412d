//! What running beams propose: the best K of all their continuations, or K drawn by chance (step c of `beam.rs`).

use crate::TokenId;
use crate::chance::Chance;
use crate::largest::{self, Entry};
use crate::topk::{Best, Candidate};

/// The continuations of a source's running beams.
pub(crate) struct Proposals<'a> {
    /// Processed log-probabilities, `[beams, vocabulary]`.
    pub scores: &'a [f32],
    /// Scores of the beams so far, `[beams]`; a continuation scores the sum.
    pub running: &'a [f32],
    pub vocabulary: usize,
}

/// Memory that is used again in every step.
#[derive(Default)]
pub(crate) struct Memory {
    best: Best,
    entries: Vec<Entry>,
}

impl Proposals<'_> {
    fn rows(&self) -> impl Iterator<Item = (usize, f32, &[f32])> {
        let rows = self.scores.chunks_exact(self.vocabulary).zip(self.running).enumerate();
        rows.map(|(beam, (row, &running))| (beam, running, row))
    }

    /// Writes the `most` best continuations, best first, equals as the reference orders them.
    pub fn likeliest(&self, most: usize, memory: &mut Memory, candidates: &mut Vec<Candidate>) {
        let Memory { best, entries } = memory;
        candidates.clear();
        // One more than wanted shows whether the last one wanted has an equal.
        best.begin(most + 1);
        self.rows().for_each(|(beam, running, row)| best.offer_row(beam, row, running));
        candidates.extend_from_slice(best.sorted());
        let falls = candidates.is_sorted_by(|a, b| a.score > b.score);
        candidates.truncate(most);
        if falls {
            return;
        }
        entries.clear();
        entries.extend(
            self.rows().flat_map(|(_, running, row)| row.iter().map(move |score| score + running)).zip(0..),
        );
        largest::to_front(entries, most);
        candidates.clear();
        let width = self.vocabulary as u32;
        let candidate =
            |&(score, index): &Entry| Candidate { score, beam: index / width, token: index % width };
        candidates.extend(entries.iter().take(most).map(candidate));
    }

    /// Writes `most` continuations drawn by their probability and without putting back, first drawn first; none if all are
    /// impossible.
    pub fn drawn(
        &self,
        most: usize,
        chance: &mut Chance,
        memory: &mut Memory,
        candidates: &mut Vec<Candidate>,
    ) {
        let best = &mut memory.best;
        candidates.clear();
        best.begin(most);
        for (beam, running, row) in self.rows() {
            for (token, score) in row.iter().enumerate().filter(|(_, score)| **score > f32::NEG_INFINITY) {
                let key = (f64::from(score + running) + chance.gumbel()) as f32;
                best.offer(Candidate { score: key, beam: beam as u32, token: token as TokenId });
            }
        }
        let score = |c: &Candidate| {
            self.scores[c.beam as usize * self.vocabulary + c.token as usize] + self.running[c.beam as usize]
        };
        candidates.extend(best.sorted().iter().map(|c| Candidate { score: score(c), ..*c }));
        if candidates.is_empty() {
            return;
        }
        // Impossible tokens make up the number, as they do in the reference.
        let impossible = |(index, &score): (usize, &f32)| {
            let (beam, token) = ((index / self.vocabulary) as u32, (index % self.vocabulary) as TokenId);
            (score == f32::NEG_INFINITY).then_some(Candidate { score, beam, token })
        };
        let missing = most.saturating_sub(candidates.len());
        candidates.extend(self.scores.iter().enumerate().filter_map(impossible).take(missing));
    }
}
