//! What an n-gram model answers word by word, as KenLM's `query -v` prints it: the order that answered, log₁₀ p, and whether the word is known.

use papo_data::Document;
use papo_ngram::State;

use super::likelihood::Sample;
use crate::network::Network;
use crate::{ChatModel, Error};

/// A word of a text, or its end, as an n-gram model has scored it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WordScore {
    /// Which text it belongs to, from 1.
    pub text: usize,
    /// The word as it stands there, or the token where a token is not a word.
    pub token: String,
    /// Words of the n-gram that answered, the word itself included.
    pub order: usize,
    /// log₁₀ p(word | the words before it).
    pub log10_probability: f64,
    /// Whether the vocabulary lacks it.
    pub is_unknown: bool,
}

/// Called with each word.
pub type EachWord<'a> = dyn FnMut(WordScore) + 'a;

/// Refuses a model that has no n-grams.
pub(super) fn check(model: &ChatModel) -> Result<(), Error> {
    match model.model().network() {
        Network::Ngram(_) => Ok(()),
        _ => Err(Error::Unmeasurable {
            model: model.name().to_owned(),
            reason: "scores word by word are those of n-gram models, and this is none; leave --scores out"
                .to_owned(),
        }),
    }
}

/// Tells the words of a document's samples, `texts` of which were told before.
pub(super) fn tell(
    model: &ChatModel,
    document: &Document,
    samples: &[Sample],
    texts: &mut usize,
    each: &mut EachWord<'_>,
) {
    let Network::Ngram(network) = model.model().network() else { return };
    let (network, unknown) = (network.model(), model.tokenizer().unk_id());
    // Between the texts of a pair or a dialogue their ends are guessed, too.
    let mut words: Vec<&str> = Vec::new();
    for (number, text) in document.texts().into_iter().enumerate() {
        words.extend((number > 0).then_some("</s>"));
        words.extend(text.split_ascii_whitespace());
    }
    for sample in samples {
        *texts += 1;
        let is_by_word = words.len() + 1 == sample.target.len();
        let (mut state, mut after) = (network.start_state(), State::default());
        for (place, &token) in sample.source.iter().chain(&sample.target).enumerate() {
            let score = network.score(&state, token, &mut after);
            std::mem::swap(&mut state, &mut after);
            let Some(place) = place.checked_sub(sample.source.len()).filter(|place| *place >= sample.given)
            else {
                continue;
            };
            let spelled = words.get(place).filter(|_| is_by_word);
            each(WordScore {
                text: *texts,
                token: spelled
                    .map_or_else(|| model.tokenizer().tokens(&[token]).concat(), |word| (*word).to_owned()),
                order: score.matched,
                log10_probability: f64::from(score.log10_probability),
                is_unknown: unknown == Some(token),
            });
        }
    }
}
