//! The scores of an index equal those of TF-IDF vectors written out: every context against every other, word by word.

mod conversations;

use std::collections::{BTreeMap, BTreeSet};

use conversations::{Conversation, Dice, conversations, index, source, turn};
use papo_generate::TokenId;
use papo_retrieval::{Retriever, Settings};

type Words = BTreeSet<TokenId>;
/// A coordinate for each word at each place.
type Vector = BTreeMap<(usize, TokenId), f64>;

/// The vector of a context, its turns from the last to the first, scaled to the length 1 in each place and then as a whole.
fn vector(context: &[Words], idf: impl Fn(TokenId) -> f64, earlier_weight: f64) -> Vector {
    let mut vector = Vector::new();
    for (place, words) in context.iter().enumerate() {
        let length = words.iter().map(|&word| idf(word).powi(2)).sum::<f64>().sqrt();
        let weight = earlier_weight.powi(place as i32).sqrt();
        vector.extend(words.iter().map(|&word| ((place, word), weight * idf(word) / length)));
    }
    let length = vector.values().map(|x| x * x).sum::<f64>().sqrt();
    if length > 0.0 {
        vector.values_mut().for_each(|x| *x /= length);
    }
    vector
}

/// The last turns before a place, from the last to the first.
fn context(turns: &[Vec<TokenId>], most: usize) -> Vec<Words> {
    turns.iter().rev().take(most).map(|turn| turn.iter().copied().collect()).collect()
}

/// Each reply with its score, by the definition.
fn slow_scores(
    stored: &[Conversation],
    asked: &[Vec<TokenId>],
    settings: &Settings,
) -> Vec<(Vec<TokenId>, f64)> {
    // What can be found are the turns before the last reply of each conversation: here all but the last.
    let turns: Vec<Words> = stored
        .iter()
        .flat_map(|turns| &turns[..turns.len() - 1])
        .map(|turn| turn.iter().copied().collect())
        .collect();
    let idf = |word: TokenId| {
        let with = turns.iter().filter(|turn| turn.contains(&word)).count();
        ((1.0 + turns.len() as f64) / (1.0 + with as f64)).ln() + 1.0
    };
    let known: Words = turns.iter().flatten().copied().collect();
    let vector = |turns: &[Vec<TokenId>]| {
        let mut context = context(turns, settings.context_turns);
        context.iter_mut().for_each(|words| words.retain(|word| known.contains(word)));
        vector(&context, idf, settings.earlier_weight.into())
    };
    let asked = vector(asked);
    let exchanges =
        stored.iter().flat_map(|turns| (1..turns.len()).map(move |place| (&turns[..place], &turns[place])));
    exchanges
        .map(|(before, reply)| {
            let stored = vector(before);
            (reply.clone(), asked.iter().map(|(place, x)| x * stored.get(place).unwrap_or(&0.0)).sum())
        })
        .collect()
}

#[test]
fn scores_are_cosines_of_the_vectors_written_out() {
    for seed in 0..40 {
        let mut dice = Dice::new(seed);
        let count = 1 + dice.below(20) as usize;
        let stored = conversations(&mut dice, count);
        let settings = Settings {
            context_turns: 1 + dice.below(5) as usize,
            earlier_weight: [0.0, 0.2, 0.5, 1.0][dice.below(4) as usize],
            ..Settings::default()
        };
        let retriever = Retriever::new(index(&stored), settings).unwrap();
        for _ in 0..10 {
            let asked: Vec<Vec<TokenId>> = (0..1 + dice.below(6)).map(|_| turn(&mut dice)).collect();
            let mut slow = slow_scores(&stored, &asked, &settings);
            // Exchanges are numbered in the order of their replies.
            slow.sort_by(|a, b| a.0.cmp(&b.0));
            let found = retriever.scores(&source(&asked));
            assert_eq!(found.len(), slow.len());
            for (exchange, (reply, score)) in slow.iter().enumerate() {
                assert_eq!(retriever.index().reply(exchange), reply);
                let found = f64::from(found[exchange]);
                assert!((found - score).abs() < 1e-5, "seed {seed}: {found} and not {score} for {asked:?}");
            }
        }
    }
}

#[test]
fn a_context_that_is_stored_has_the_score_one_and_nothing_has_more() {
    for seed in 0..40 {
        let stored = conversations(&mut Dice::new(seed), 20);
        let retriever = Retriever::new(index(&stored), Settings::default()).unwrap();
        for turns in &stored {
            for place in 1..turns.len() {
                let nearest = retriever.nearest(&source(&turns[..place]), usize::MAX);
                assert!((nearest[0].score - 1.0).abs() < 1e-5, "{}", nearest[0].score);
                let best = nearest.iter().take_while(|it| it.score > 1.0 - 1e-5);
                let mut replies = best.map(|it| retriever.index().reply(it.exchange));
                assert!(replies.any(|reply| reply == turns[place]), "seed {seed}: {:?}", turns[place]);
                assert!(nearest.is_sorted_by(|a, b| a.score >= b.score));
            }
        }
    }
}
