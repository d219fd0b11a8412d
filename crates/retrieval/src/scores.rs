//! How near a conversation is to each stored one: the cosine of two vectors.
//!
//! A context, the turns before a reply, is a vector with one coordinate for each word at each place: the last turn has place 0, the one before
//! it place 1. In each place it is the turn's TF-IDF vector of length 1, times the root of the place's weight:
//!
//! ```text
//! idf(word)      = ln((1 + turns) / (1 + turns with the word)) + 1
//! cos(q, t)      = Σ idf(word)² over the words in both / (|q| |t|),   |t|² = Σ idf(word)² over the words of t
//! weight(place)  = earlier_weight ^ place
//! score          = Σ weight(place) cos(q at place, t at place) / √(Σ weight of q's places · Σ weight of t's places)
//! ```
//!
//! So a context that is stored has the score 1 with itself, and nothing has more; one that shares no word in any place has 0. A turn in
//! which no known word stands is as if it were not there, and unknown words of a turn do not count.
//!
//! A lookup is a pass over the postings of the words that were said, and one over the exchanges.

use papo_generate::TokenId;

use crate::Index;

/// What scores are computed from, prepared from an index.
#[derive(Debug)]
pub(crate) struct Scorer {
    /// The weight of each place, as many as there are turns to be seen.
    weights: Vec<f32>,
    /// idf(word)² of each word.
    squared_idf: Vec<f32>,
    /// 1 / |t| of each turn; 0 where no word stands in it.
    inverse_norms: Vec<f32>,
    /// 1 / √(Σ weight of its places) of each exchange; 0 where it has none.
    inverse_weights: Vec<f32>,
}

impl Scorer {
    pub fn new(index: &Index, context_turns: usize, earlier_weight: f32) -> Self {
        // Depths are counted to 255.
        let places = context_turns.clamp(1, 256);
        let weights: Vec<f32> = (0..places as i32).map(|place| earlier_weight.powi(place)).collect();
        let turns = index.turns() as f32;
        let idf = |turns_with: usize| ((1.0 + turns) / (1.0 + turns_with as f32)).ln() + 1.0;
        let squared_idf: Vec<f32> = index.postings.iter().map(|list| idf(list.len()).powi(2)).collect();
        let mut norms = vec![0.0_f32; index.turns()];
        for (list, squared) in index.postings.iter().zip(&squared_idf) {
            list.iter().for_each(|&turn| norms[turn as usize] += squared);
        }
        let inverse_norms: Vec<f32> = norms.iter().map(|&squared| inverse_root(squared)).collect();
        let inverse_weights = index
            .answered
            .iter()
            .map(|&turn| {
                let places = context(index, turn as usize).zip(&weights);
                let seen = places.filter(|(turn, _)| inverse_norms[*turn] > 0.0).map(|(_, weight)| weight);
                inverse_root(seen.sum())
            })
            .collect();
        Self { weights, squared_idf, inverse_norms, inverse_weights }
    }

    /// The score of each exchange for a conversation, its turns from the last to the first.
    pub fn scores<'a>(&self, index: &Index, turns: impl Iterator<Item = &'a [TokenId]>) -> Vec<f32> {
        let mut scores = vec![0.0; index.exchanges()];
        let mut total = 0.0;
        for (place, (turn, weight)) in turns.zip(&self.weights).enumerate() {
            let Some(cosines) = self.cosines(index, turn) else { continue };
            total += weight;
            for (score, &answered) in scores.iter_mut().zip(&index.answered) {
                if let Some(turn) = context(index, answered as usize).nth(place) {
                    *score += weight * cosines[turn];
                }
            }
        }
        let inverse = inverse_root(total);
        scores.iter_mut().zip(&self.inverse_weights).for_each(|(score, own)| *score *= inverse * own);
        scores
    }

    /// The cosine of a turn with each stored one; `None` where no known word stands in it.
    fn cosines(&self, index: &Index, turn: &[TokenId]) -> Option<Vec<f32>> {
        let mut dots = vec![0.0; index.turns()];
        let mut squared_norm = 0.0;
        for word in index.words_of(turn).iter().filter_map(|word| index.word(word)) {
            squared_norm += self.squared_idf[word];
            let postings = index.postings.get(word);
            postings.iter().for_each(|&turn| dots[turn as usize] += self.squared_idf[word]);
        }
        let inverse = inverse_root(squared_norm);
        dots.iter_mut().zip(&self.inverse_norms).for_each(|(dot, own)| *dot *= inverse * own);
        (squared_norm > 0.0).then_some(dots)
    }
}

/// The turn that is answered and those of the same conversation before it, from the last to the first.
fn context(index: &Index, answered: usize) -> impl Iterator<Item = usize> {
    (answered - usize::from(index.depths[answered])..=answered).rev()
}

fn inverse_root(squared: f32) -> f32 {
    if squared > 0.0 { squared.sqrt().recip() } else { 0.0 }
}
