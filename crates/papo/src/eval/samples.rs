//! From documents to what is scored: which ids a model reads, and which it has to guess.
//!
//! | | an encoder-decoder | a model that continues text |
//! | --- | --- | --- |
//! | text | – | each line and its end; a model of running text: `stream.rs` |
//! | a pair | the reference behind its source | both, one behind the other |
//! | a dialogue | each turn behind those that it would see in a chat | all turns, one behind the other |
//!
//! So each model is asked for what it learnt, and the figure is that of its training. To compare models of both kinds there are
//! [`Sampler::replies`]: a model that continues text is then asked for the reference or the turn alone, too.

use papo_data::Document;
use papo_generate::TokenId;

use super::likelihood::Sample;
use crate::conversation::{Speaker, Turn};
use crate::network::{Kind, Network};
use crate::{ChatModel, Error};

/// Turns documents into samples for one model.
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

    /// The samples of a document as the model learnt such documents; none of a dialogue that has no turn to be guessed.
    pub fn samples(&self, document: &Document) -> Result<Vec<Sample>, Error> {
        match document {
            Document::Line(text) | Document::Block { text, .. } => self.line(text),
            _ if self.continues_text() => {
                let texts = document.texts();
                let (mut words, mut characters, mut target) = (0, 0, Vec::new());
                for text in texts {
                    let sample = self.sample(Vec::new(), text)?;
                    words += sample.words;
                    characters += sample.characters;
                    target.extend(sample.target);
                }
                Ok(vec![Sample { target, words, characters, ..Sample::default() }])
            }
            _ => self.replies(document),
        }
    }

    /// The samples of a document that both kinds of models can be asked for: the first reference of a pair behind its source, each turn of
    /// a dialogue that is worth saying behind those that the model would see in a chat.
    pub fn replies(&self, document: &Document) -> Result<Vec<Sample>, Error> {
        Ok(match document {
            Document::Line(text) | Document::Block { text, .. } => vec![self.sample(Vec::new(), text)?],
            Document::Pair { source, references } => {
                let ids = self.model.fit(self.model.tokenizer().encode(source)?).ids;
                vec![self.reply(ids, references.first().map_or("", String::as_str))?]
            }
            Document::Dialogue { turns, targets } => (1..turns.len())
                .filter(|&place| targets[place])
                .map(|place| self.reply(self.source(&turns[..place])?, &turns[place]))
                .collect::<Result<_, _>>()?,
        })
    }

    /// What the model reads in a chat to answer the last of these turns: a model that does not follow conversations sees that one alone.
    pub fn source(&self, turns: &[String]) -> Result<Vec<TokenId>, Error> {
        let seen =
            if self.model.follows_conversations() { turns } else { &turns[turns.len().saturating_sub(1)..] };
        Ok(self.model.reading(&said(seen))?.ids)
    }

    /// Whether the model continues what it reads.
    pub fn continues_text(&self) -> bool {
        self.model.model().kind() == Kind::Causal
    }

    /// A line of a text. To an n-gram an empty line is a sentence without words, as for KenLM; networks learn lines that have some.
    fn line(&self, text: &str) -> Result<Vec<Sample>, Error> {
        let is_counted = matches!(self.model.model().network(), Network::Ngram(_));
        let text = if is_counted { text } else { text.trim() };
        if text.is_empty() && !is_counted { Ok(Vec::new()) } else { Ok(vec![self.sample(Vec::new(), text)?]) }
    }

    /// A reply, with as much of source and target as the model's training had.
    fn reply(&self, mut source: Vec<TokenId>, text: &str) -> Result<Sample, Error> {
        let training = self.model.model().training();
        if !self.continues_text() && source.len() > training.context_tokens {
            source.drain(..source.len() - training.context_tokens);
        }
        let mut sample = self.sample(source, text)?;
        if !self.continues_text() && sample.target.len() > training.target_tokens {
            sample.target.truncate(training.target_tokens);
            sample.is_cut = true;
        }
        Ok(sample)
    }

    fn sample(&self, source: Vec<TokenId>, text: &str) -> Result<Sample, Error> {
        let mut target = self.model.tokenizer().encode_target(text)?;
        if target.last() != Some(&self.end) {
            target.push(self.end);
        }
        let given = usize::from(self.forced.is_some() && target.first() == self.forced.as_ref());
        let words = text.split_whitespace().count();
        Ok(Sample { source, target, given, words, characters: text.chars().count() + 1, is_cut: false })
    }
}

/// Texts as turns of two who take turns.
fn said(texts: &[String]) -> Vec<Turn> {
    let speakers = [Speaker::User, Speaker::Chatbot].into_iter().cycle();
    texts.iter().zip(speakers).map(|(text, speaker)| Turn::said(speaker, text)).collect()
}
