//! From lines to what is scored: which ids a model reads, and which it has to guess.
//!
//! A reply is scored behind the turns that the model would see in a chat, a translation behind its source, a sentence behind nothing:
//! the last only by models that continue text.

use papo_data::Document;
use papo_generate::TokenId;

use super::likelihood::Sample;
use crate::{ChatModel, Error, Speaker, Turn};

/// Turns items into samples for one model.
pub struct Sampler<'a> {
    model: &'a ChatModel,
    end: TokenId,
    forced: Option<TokenId>,
}

impl<'a> Sampler<'a> {
    /// A sampler for a model; an error is that its settings name no end token.
    pub fn new(model: &'a ChatModel) -> Result<Sampler<'a>, Error> {
        let settings = model.model().generation_config();
        let own = settings.eos_token_id.as_ref().and_then(|ids| ids.first().copied());
        let end = own.or(model.tokenizer().eos_id()).ok_or_else(|| Error::Unmeasurable {
            model: model.name().to_owned(),
            reason: "its settings name no end token; add `eos_token_id` to its generation_config.json"
                .to_owned(),
        })?;
        Ok(Sampler { model, end, forced: settings.forced_bos_token_id })
    }

    /// The samples of a document: one of a sentence or pair (its first reference), one for each turn after the first of a dialogue.
    pub fn samples(&self, document: &Document) -> Result<Vec<Sample>, Error> {
        Ok(match document {
            Document::Line(text) | Document::Block { text, .. } => vec![self.sample(Vec::new(), text)?],
            Document::Pair { source, references } => {
                let source = self.model.fit(self.model.tokenizer().encode(source)?).ids;
                vec![self.sample(source, references.first().map_or("", String::as_str))?]
            }
            Document::Dialogue { turns, .. } => (1..turns.len())
                .map(|place| self.sample(self.source(&turns[..place])?, &turns[place]))
                .collect::<Result<_, _>>()?,
        })
    }

    /// What the model reads in a chat to answer the last of these turns: a model that does not follow conversations sees that one alone.
    pub fn source(&self, turns: &[String]) -> Result<Vec<TokenId>, Error> {
        let seen =
            if self.model.follows_conversations() { turns } else { &turns[turns.len().saturating_sub(1)..] };
        Ok(self.model.reading(&said(seen))?.ids)
    }

    fn sample(&self, source: Vec<TokenId>, text: &str) -> Result<Sample, Error> {
        let mut target = self.model.tokenizer().encode_target(text)?;
        if target.last() != Some(&self.end) {
            target.push(self.end);
        }
        let given = usize::from(self.forced.is_some() && target.first() == self.forced.as_ref());
        let words = text.split_whitespace().count();
        Ok(Sample { source, target, given, words, characters: text.chars().count() + 1 })
    }
}

/// Texts as turns of two who take turns.
fn said(texts: &[String]) -> Vec<Turn> {
    let speakers = [Speaker::User, Speaker::Chatbot].into_iter().cycle();
    texts.iter().zip(speakers).map(|(text, speaker)| Turn::said(speaker, text)).collect()
}
