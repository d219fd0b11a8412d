//! Texts scored by an n-gram itself, a query a token, as KenLM's `query` does.
//!
//! Through `generate`'s interface every step fills the logits of the whole vocabulary, and `<unk>`, which is never generated, has none. Here
//! a token costs one lookup, and an unknown word what the model says it costs: so perplexity, tokens and OOVs are KenLM's.

use papo_generate::TokenId;
use papo_ngram::{Model, State, UNKNOWN};

use super::likelihood::{Likelihood, Sample};

/// Scores texts, each behind `<s>` and its source.
pub fn ngram_likelihood<B: AsRef<[u8]>>(model: &Model<B>, samples: &[Sample]) -> Likelihood {
    let mut sum = Likelihood::default();
    for sample in samples {
        sum.texts += 1;
        sum.words += sample.words;
        sum.characters += sample.characters;
        let mut state = model.start_state();
        let mut step = |token: TokenId| {
            let mut after = State::default();
            let score = model.score(&state, token, &mut after);
            state = after;
            -f64::from(score.log10_probability) * std::f64::consts::LN_10
        };
        for &token in &sample.source {
            step(token);
        }
        for (place, &token) in sample.target.iter().enumerate() {
            let nats = step(token);
            if place < sample.given {
                continue;
            }
            sum.nats += nats;
            sum.tokens += 1;
            if token == UNKNOWN || !model.is_word(token) {
                sum.oov += 1;
                sum.oov_nats += nats;
            }
        }
    }
    sum
}
