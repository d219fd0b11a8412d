//! Marian's tokenizer: two SentencePiece models and one vocabulary.
//!
//! `source.spm` cuts the text to be translated, `vocab.json` numbers the pieces of both languages, `target.spm` joins the
//! pieces of an answer. A text may begin with a language code such as `>>por<<`, which is one token.

use std::collections::{BTreeMap, HashMap};

use papo_generate::TokenId;

use super::SpecialTokens;
use super::added_tokens::{AddedTokens, Part};
use super::backend::{Backend, Frame};
use super::byte_pairs::vocabulary;
use super::sentencepiece::SentencePiece;
use super::settings::Settings;
use crate::Error;
use crate::files::ModelFiles;

/// A loaded Marian tokenizer.
#[derive(Debug)]
pub(super) struct Marian {
    source: SentencePiece,
    target: SentencePiece,
    ids: HashMap<String, TokenId>,
    tokens: HashMap<TokenId, String>,
    added: AddedTokens,
    unk: TokenId,
    unknown: String,
    eos: TokenId,
}

impl Marian {
    pub fn load(files: &ModelFiles, settings: &Settings) -> Result<Self, Error> {
        let spm = |file: &str| -> Result<SentencePiece, Error> {
            let bytes = files
                .require(file, "Marian needs source.spm, target.spm and vocab.json; fetch the model again")?;
            SentencePiece::parse(&bytes).map_err(|reason| Error::Content { path: files.path(file), reason })
        };
        let unsupported =
            |reason: String| Error::Content { path: files.path("tokenizer_config.json"), reason };
        if settings.separate_vocabs {
            return Err(unsupported(
                "separate_vocabs is set, but only Marian models with one vocabulary are supported; use another model"
                    .into(),
            ));
        }
        if let Some(option) = settings.sampling.first() {
            return Err(unsupported(format!(
                "sp_model_kwargs sets {option}, with which a text has other tokens than SentencePiece finds by itself; \
                 this is not supported, take it out of the file"
            )));
        }
        let ids: HashMap<String, TokenId> = vocabulary(files, "vocab.json")?.into_iter().collect();
        let added = AddedTokens::new(settings, BTreeMap::new(), |token| ids.get(token).copied(), ids.len());
        let known = |role: &str| {
            let content = settings.role(role).unwrap_or_default();
            added.id(content).or_else(|| ids.get(content).copied()).ok_or_else(|| Error::Content {
                path: files.path("vocab.json"),
                reason: format!("it has no {role} {content:?}; fetch the model again"),
            })
        };
        let (unk, eos) = (known("unk_token")?, known("eos_token")?);
        Ok(Self {
            source: spm("source.spm")?,
            target: spm("target.spm")?,
            tokens: ids.iter().map(|(token, &id)| (id, token.clone())).collect(),
            unknown: settings.role("unk_token").unwrap_or_default().to_owned(),
            ids,
            added,
            unk,
            eos,
        })
    }

    fn encode_by(&self, model: &SentencePiece, text: &str) -> Vec<TokenId> {
        let mut ids = Vec::new();
        for part in self.added.split(text) {
            match part {
                Part::Token(id) => ids.push(id),
                Part::Text(text) => self.pieces(model, &text, &mut ids),
            }
        }
        ids
    }

    /// The ids of a text without added tokens; a language code at its start is one.
    fn pieces(&self, model: &SentencePiece, text: &str, ids: &mut Vec<TokenId>) {
        let mut rest = text;
        if text.starts_with(">>")
            && let Some(end) = text.find("<<")
        {
            ids.push(self.id_of(&text[..end + 2]));
            rest = &text[end + 2..];
        }
        ids.extend(model.encode(rest).iter().map(|piece| self.id_of(piece)));
    }

    fn id_of(&self, token: &str) -> TokenId {
        self.id(token).unwrap_or(self.unk)
    }

    /// The token of an id; that of the unknown where there is none.
    fn name(&self, id: TokenId) -> &str {
        self.added.token(id).or_else(|| self.tokens.get(&id).map(String::as_str)).unwrap_or(&self.unknown)
    }

    /// Joins pieces by the target's model; special tokens stand between them, with a space behind each.
    fn join(&self, tokens: &[&str]) -> String {
        let mut text = String::new();
        let mut run: Vec<&str> = Vec::new();
        for &token in tokens {
            if self.added.is_special(token) {
                text.push_str(&self.target.decode(&run));
                run.clear();
                text.push_str(token);
                text.push(' ');
            } else {
                run.push(token);
            }
        }
        text.push_str(&self.target.decode(&run));
        text.replace('▁', " ").trim().to_owned()
    }
}

impl Backend for Marian {
    fn encode(&self, text: &str, frame: Frame) -> Result<Vec<TokenId>, String> {
        let mut ids = self.encode_by(&self.source, text);
        ids.extend((frame == Frame::Around).then_some(self.eos));
        Ok(ids)
    }

    fn encode_target(&self, text: &str) -> Result<Vec<TokenId>, String> {
        let mut ids = self.encode_by(&self.target, text);
        ids.push(self.eos);
        Ok(ids)
    }

    fn decode(&self, ids: &[TokenId], special: SpecialTokens) -> Result<String, String> {
        Ok(self.added.join(ids.iter().map(|&id| self.name(id)), special, |run| self.join(run)))
    }

    fn token(&self, id: TokenId) -> Option<String> {
        Some(self.name(id).to_owned())
    }

    fn id(&self, token: &str) -> Option<TokenId> {
        self.added.id(token).or_else(|| self.ids.get(token).copied())
    }

    fn vocab_size(&self) -> usize {
        self.ids.len() + self.added.iter().filter(|(token, _)| !self.ids.contains_key(*token)).count()
    }

    fn spelling(&self, id: TokenId) -> Option<Vec<u8>> {
        let known = self.added.token(id).is_some() || self.tokens.contains_key(&id);
        known.then(|| self.name(id).replace('▁', " ").into_bytes())
    }

    fn sought(&self, id: TokenId) -> Option<Vec<u8>> {
        // The class strips what it joins, so that for the reference a word mark at the end of a piece, or alone, is nothing.
        let mut bytes = self.spelling(id)?;
        bytes.truncate(bytes.trim_ascii_end().len());
        Some(bytes)
    }

    fn lost_characters(&self, text: &str, _: Option<TokenId>) -> Vec<char> {
        let (mut lost, mut unknown) = (Vec::new(), String::new());
        let parts = self.added.split(text);
        let texts = parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Token(_) => None,
        });
        for text in texts.clone() {
            unknown.extend(self.source.encode(text).into_iter().filter(|piece| self.id(piece).is_none()));
        }
        for c in texts.flat_map(str::chars).filter(|c| !c.is_whitespace()) {
            let normalized = self.source.normalized(c);
            if !lost.contains(&c)
                && (normalized.is_empty() || normalized.chars().any(|c| unknown.contains(c)))
            {
                lost.push(c);
            }
        }
        lost
    }
}
