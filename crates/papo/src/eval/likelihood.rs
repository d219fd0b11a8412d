//! Perplexity: how many choices a model is torn between, token by token.
//!
//! ```text
//! perplexity            = exp(−Σ ln p(token | what went before) / tokens)
//! perplexity per word   = exp(−Σ ln p(token | what went before) / words)
//! bits per character    = −Σ log2 p(token | what went before) / characters
//! ```
//!
//! The end token of each text is one of the tokens, as KenLM counts it. It is no word, but what it costs is in the sum: so the figure
//! per *word*, words being what stands between white space, is the same for every tokenization of a text and can be compared
//! between models; the one per *token* cannot. Of characters, the end of a text counts as one (the line feed that it stands for).
//!
//! A token that the vocabulary lacks (`<unk>`, "out of vocabulary") makes a text look easier than it is. KenLM gives both figures, with and
//! without such tokens, and so does this.

use std::ops::AddAssign;

use papo_generate::{LanguageModel, TokenId};
use papo_ngram::{Model, State};

use super::forced::Forced;
use crate::Error;

/// What the texts of a corpus add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Likelihood {
    /// The sum of −ln p over all tokens, in nats.
    pub nats: f64,
    /// Tokens, end tokens included.
    pub tokens: usize,
    /// Tokens that are `<unk>`.
    pub oov: usize,
    /// The part of the nats that `<unk>` costs.
    pub oov_nats: f64,
    /// Words between white space.
    pub words: usize,
    /// Characters, and one for each end.
    pub characters: usize,
    /// Lines, replies or translations.
    pub texts: usize,
    /// Texts whose end was left out because the model has no more positions, or learnt none so long.
    pub cut: usize,
}

impl Likelihood {
    /// Perplexity per token, unknown ones included.
    pub fn perplexity(&self) -> f64 {
        (self.nats / self.tokens as f64).exp()
    }

    /// Perplexity per token, unknown ones left out.
    pub fn perplexity_without_oov(&self) -> f64 {
        ((self.nats - self.oov_nats) / (self.tokens - self.oov) as f64).exp()
    }

    /// Perplexity per word: comparable between tokenizations.
    pub fn perplexity_per_word(&self) -> f64 {
        (self.nats / self.words as f64).exp()
    }

    /// Bits for each character.
    pub fn bits_per_character(&self) -> f64 {
        self.nats / std::f64::consts::LN_2 / self.characters as f64
    }

    /// Nats for each token: the loss of training.
    pub fn nats_per_token(&self) -> f64 {
        self.nats / self.tokens as f64
    }

    /// The logarithm of the probability of everything, to base 10.
    pub fn log_prob_base10(&self) -> f64 {
        -self.nats / std::f64::consts::LN_10
    }
}

impl AddAssign for Likelihood {
    fn add_assign(&mut self, other: Likelihood) {
        self.nats += other.nats;
        self.tokens += other.tokens;
        self.oov += other.oov;
        self.oov_nats += other.oov_nats;
        self.words += other.words;
        self.characters += other.characters;
        self.texts += other.texts;
        self.cut += other.cut;
    }
}

/// A text to be scored, as ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// What the model reads first; of a causal model the beginning that the text continues.
    pub source: Vec<TokenId>,
    /// The text, its end token included.
    pub target: Vec<TokenId>,
    /// How many tokens at the beginning of the target the model is given and need not guess.
    pub given: usize,
    /// Words of the text.
    pub words: usize,
    /// Characters of the text and its end.
    pub characters: usize,
    /// Whether the end of the target was left out, the model having learnt none so long.
    pub is_cut: bool,
}

/// Scores texts together, each as it would be scored alone.
///
/// `start` is the token that every target begins after, `unknown` the one for text that the vocabulary lacks. A token for which the model
/// has no logit is impossible: infinitely many nats.
pub fn likelihood<M: LanguageModel>(
    model: &M,
    start: TokenId,
    unknown: Option<TokenId>,
    samples: &[Sample],
) -> Result<Likelihood, Error> {
    let most = model.max_positions().unwrap_or(usize::MAX);
    let mut sum = Likelihood::default();
    for sample in samples {
        sum.texts += 1;
        sum.words += sample.words;
        sum.characters += sample.characters;
        sum.cut += usize::from(sample.is_cut || sample.target.len() > most);
    }
    let mut forced = Forced::begin(model, start, samples)?;
    while forced.advance()? {
        for (token, logits) in forced.guesses() {
            let Some(token) = token else { continue };
            let nats = surprise(logits, token);
            sum.nats += nats;
            sum.tokens += 1;
            if unknown == Some(token) {
                sum.oov += 1;
                sum.oov_nats += nats;
            }
        }
    }
    Ok(sum)
}

/// Scores texts by queries of an n-gram model, as KenLM does: `<unk>` costs what the model says it costs.
pub fn ngram_likelihood<B: AsRef<[u8]>>(
    model: &Model<B>,
    unknown: Option<TokenId>,
    samples: &[Sample],
) -> Likelihood {
    let mut sum = Likelihood::default();
    for sample in samples {
        sum.texts += 1;
        sum.words += sample.words;
        sum.characters += sample.characters;
        let (mut state, mut after) = (model.start_state(), State::default());
        for (place, &token) in sample.source.iter().chain(&sample.target).enumerate() {
            let log10_p = model.score(&state, token, &mut after).log10_probability;
            std::mem::swap(&mut state, &mut after);
            if place >= sample.source.len() + sample.given {
                let nats = -f64::from(log10_p) * std::f64::consts::LN_10;
                sum.nats += nats;
                sum.tokens += 1;
                if unknown == Some(token) {
                    sum.oov += 1;
                    sum.oov_nats += nats;
                }
            }
        }
    }
    sum
}

/// −ln softmax(logits)\[token\], added up in f64 so that a hundred thousand tokens lose nothing.
pub(super) fn surprise(logits: &[f32], token: TokenId) -> f64 {
    let Some(&logit) = logits.get(token as usize) else { return f64::INFINITY };
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|&logit| f64::from((logit - most).exp())).sum();
    sum.ln() - f64::from(logit - most)
}

#[cfg(test)]
mod tests {
    use papo_generate::{ModelError, Room};

    use super::*;

    /// Says the token after the last one three times as likely as each other of four.
    struct Counting;

    impl LanguageModel for Counting {
        type State = Vec<TokenId>;

        fn vocab_size(&self) -> usize {
            4
        }

        fn start(&self, sources: &[Vec<TokenId>], _: Room) -> Result<Self::State, ModelError> {
            Ok(vec![0; sources.len()])
        }

        fn step(
            &self,
            state: &mut Self::State,
            last: &[TokenId],
            logits: &mut [f32],
        ) -> Result<(), ModelError> {
            assert_eq!((state.len(), logits.len()), (last.len(), last.len() * 4));
            for (row, token) in last.iter().enumerate() {
                for other in 0..4 {
                    logits[row * 4 + other] =
                        if other == (*token as usize + 1) % 4 { 3f32.ln() } else { 0.0 };
                }
            }
            Ok(())
        }

        fn select(&self, state: &mut Self::State, rows: &[usize]) {
            *state = rows.iter().map(|&row| state[row]).collect();
        }
    }

    fn sample(target: &[TokenId]) -> Sample {
        Sample { target: target.to_vec(), words: 1, characters: 4, ..Sample::default() }
    }

    #[test]
    fn each_token_costs_what_the_model_says() {
        let found =
            likelihood(&Counting, 0, Some(3), &[sample(&[1, 3]), sample(&[1, 2, 3]), sample(&[2])]).unwrap();
        // p = 1/2 for the next number, 1/6 for any other; the second 3 of the first row is not the next one.
        let (half, sixth) = (2f64.ln(), 6f64.ln());
        assert!((found.nats - (4.0 * half + 2.0 * sixth)).abs() < 1e-6, "{found:?}");
        assert_eq!((found.tokens, found.oov, found.words, found.characters, found.texts), (6, 2, 3, 12, 3));
        assert!((found.oov_nats - (half + sixth)).abs() < 1e-6);
        assert!((found.perplexity_per_word() - (found.nats / 3.0).exp()).abs() < 1e-9);
    }

    #[test]
    fn a_given_beginning_costs_nothing() {
        let given = Sample { given: 1, ..sample(&[3, 0]) };
        let found = likelihood(&Counting, 0, None, &[given]).unwrap();
        assert_eq!(found.tokens, 1);
        assert!((found.nats - 2f64.ln()).abs() < 1e-6);
    }

    #[test]
    fn nothing_to_score_is_no_failure() {
        assert_eq!(likelihood(&Counting, 0, None, &[]).unwrap(), Likelihood::default());
        assert_eq!(likelihood(&Counting, 0, None, &[sample(&[])]).unwrap().texts, 1);
    }
}
