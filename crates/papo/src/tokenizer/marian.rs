//! Marian's tokenizer: two SentencePiece models and one vocabulary.
//!
//! `source.spm` cuts the text to be translated, `vocab.json` numbers the pieces of both languages, `target.spm` joins the
//! pieces of an answer. A text may begin with a language code such as `>>por<<`, which is one token.

use std::collections::HashMap;

use papo_generate::TokenId;
use tokenizers::AddedToken;

use super::SpecialTokens;
use super::byte_pairs::vocabulary;
use super::sentencepiece::SentencePiece;
use super::settings::{Named, Settings};
use crate::Error;
use crate::files::ModelFiles;

/// A loaded Marian tokenizer.
#[derive(Debug)]
pub(super) struct Marian {
    source: SentencePiece,
    target: SentencePiece,
    ids: HashMap<String, TokenId>,
    tokens: HashMap<TokenId, String>,
    /// Tokens that are cut out of a text before SentencePiece sees it, longest first.
    whole: Vec<(AddedToken, TokenId)>,
    /// Tokens in a role, which are not pieces and are dropped by `SpecialTokens::Skip`.
    special: Vec<String>,
    unk: TokenId,
    eos: TokenId,
}

/// Gives the roles that the files leave open to Marian's tokens.
pub(super) fn default_roles(settings: &mut Settings) {
    for (role, content) in [("eos_token", "</s>"), ("unk_token", "<unk>"), ("pad_token", "<pad>")] {
        settings.default_role(role, Named::text(content));
    }
}

impl Marian {
    pub fn load(files: &ModelFiles, settings: &Settings) -> Result<Self, Error> {
        let spm = |file: &str| -> Result<SentencePiece, Error> {
            let bytes = files
                .require(file, "Marian needs source.spm, target.spm and vocab.json; fetch the model again")?;
            SentencePiece::parse(&bytes).map_err(|reason| Error::Content { path: files.path(file), reason })
        };
        if settings.separate_vocabs {
            return Err(Error::Content {
                path: files.path("tokenizer_config.json"),
                reason: "separate_vocabs is set, but only Marian models with one vocabulary are supported; use another \
                         model"
                    .into(),
            });
        }
        let mut ids: HashMap<String, TokenId> = vocabulary(files, "vocab.json")?.into_iter().collect();
        let mut marian = Self {
            source: spm("source.spm")?,
            target: spm("target.spm")?,
            tokens: ids.iter().map(|(token, &id)| (id, token.clone())).collect(),
            whole: Vec::new(),
            special: Vec::new(),
            unk: 0,
            eos: 0,
            ids: HashMap::new(),
        };
        for (&id, token) in &settings.added {
            marian.whole.push((token.clone(), id));
            marian.tokens.insert(id, token.content.clone());
            ids.insert(token.content.clone(), id);
        }
        for Named { token, .. } in settings.named() {
            marian.special.push(token.content.clone());
            if marian.whole.iter().any(|(known, _)| known.content == token.content) {
                continue;
            }
            let next = ids.len() as TokenId;
            let id = *ids.entry(token.content.clone()).or_insert(next);
            marian.tokens.entry(id).or_insert_with(|| token.content.clone());
            marian.whole.push((token.clone(), id));
        }
        marian.whole.retain(|(token, _)| !token.content.is_empty());
        marian.whole.sort_by_key(|(token, _)| std::cmp::Reverse(token.content.len()));
        let known = |role: &str| {
            settings.role(role).and_then(|token| ids.get(token)).copied().ok_or_else(|| Error::Content {
                path: files.path("vocab.json"),
                reason: format!(
                    "it has no {role} {:?}; fetch the model again",
                    settings.role(role).unwrap_or("")
                ),
            })
        };
        (marian.unk, marian.eos) = (known("unk_token")?, known("eos_token")?);
        marian.ids = ids;
        Ok(marian)
    }

    pub fn encode(&self, text: &str) -> Vec<TokenId> {
        let mut ids = self.encode_plain(text);
        ids.push(self.eos);
        ids
    }

    /// The ids of a text in the language that is translated to.
    pub fn encode_target(&self, text: &str) -> Vec<TokenId> {
        let mut ids = self.encode_by(&self.target, text);
        ids.push(self.eos);
        ids
    }

    pub fn encode_plain(&self, text: &str) -> Vec<TokenId> {
        self.encode_by(&self.source, text)
    }

    fn encode_by(&self, model: &SentencePiece, text: &str) -> Vec<TokenId> {
        let mut ids = Vec::new();
        let mut rest = text;
        while let Some((at, token, id)) = self.first_whole(rest) {
            let before = &rest[..at];
            self.pieces(model, if token.lstrip { before.trim_end() } else { before }, &mut ids);
            ids.push(id);
            rest = &rest[at + token.content.len()..];
            if token.rstrip {
                rest = rest.trim_start();
            }
        }
        self.pieces(model, rest, &mut ids);
        ids
    }

    /// The leftmost whole token in a text, and of two at one place the longest.
    fn first_whole<'a>(&'a self, text: &str) -> Option<(usize, &'a AddedToken, TokenId)> {
        let mut best: Option<(usize, &AddedToken, TokenId)> = None;
        for (token, id) in &self.whole {
            if let Some(at) = text.find(token.content.as_str())
                && best.is_none_or(|(first, ..)| at < first)
            {
                best = Some((at, token, *id));
            }
        }
        best
    }

    /// The ids of a text without whole tokens; a language code at its start is one.
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
        self.ids.get(token).copied().unwrap_or(self.unk)
    }

    pub fn id(&self, token: &str) -> Option<TokenId> {
        self.ids.get(token).copied()
    }

    pub fn token(&self, id: TokenId) -> &str {
        self.tokens.get(&id).or_else(|| self.tokens.get(&self.unk)).map_or("", String::as_str)
    }

    pub fn vocab_size(&self) -> usize {
        self.ids.len()
    }

    pub fn decode(&self, ids: &[TokenId], special: SpecialTokens) -> String {
        let mut text = String::new();
        let mut run: Vec<&str> = Vec::new();
        for &id in ids {
            let token = self.token(id);
            if !self.special.iter().any(|known| known == token) {
                run.push(token);
            } else if special == SpecialTokens::Keep {
                text.push_str(&self.target.decode(&run));
                run.clear();
                text.push_str(token);
                text.push(' ');
            }
        }
        text.push_str(&self.target.decode(&run));
        text.replace('▁', " ").trim().to_owned()
    }
}
