//! Tokenizers trained on the spot, for models that Papo trains itself.
//!
//! Four ways to cut a text, from the coarsest to the finest:
//!
//! | kind | a token is | text it never saw |
//! | --- | --- | --- |
//! | words | what stands between white space | `<unk>` |
//! | unigram | a piece of a word, chosen so that the corpus is as likely as can be | bytes |
//! | bpe | a piece of a word, grown from bytes by joining the commonest pair again and again | bytes |
//! | chars | a character | `<unk>` |
//!
//! Both kinds of pieces are byte-level: a word is spelled in 256 stand-ins for bytes first, so no text is out of reach and
//! decoding gives back every byte. The ids of the special tokens are the same in every model of ours ([`SPECIALS`]). The same
//! texts give the same file, to the byte: words are counted in sorted order, and where the trainer of the `tokenizers` crate
//! lets a hash table decide, the result is put in order afterwards (`settle`).
//!
//! Read `tokenizer/mod.rs` next, which loads what is saved here like any other model's tokenizer.

mod kind;
mod pieces;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use papo_checkpoint::replace_file;
use serde_json::{Value, json};
use tokenizers::{
    Normalizer, NormalizerWrapper, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
    PreTokenizerWrapper,
};

pub use kind::{LetterCase, TokenizerKind};

use super::guard::guarded;
use super::pipeline::{InsideWords, Pipeline};
use super::settings::{Named, Settings};
use crate::Error;

/// The special tokens of every model that Papo trains; a token's place is its id.
pub const SPECIALS: [&str; 4] = ["<unk>", "<s>", "</s>", "<pad>"];

/// What the model makes of a text, which decides what is put around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Nothing is added: the text goes on.
    Plain,
    /// `</s>` closes the text, as it closes a turn of a conversation or a sentence to be translated.
    Closed,
}

/// How a tokenizer is to be trained.
#[derive(Clone, Debug)]
pub struct TokenizerTraining {
    /// What a token is.
    pub kind: TokenizerKind,
    /// Whether capitals are made small before anything else.
    pub letter_case: LetterCase,
    /// Words or characters seen less often than this are left out; 1 keeps all. Pieces have no use for it.
    pub minimum_count: u64,
    /// What is put around a text.
    pub framing: Framing,
}

/// A tokenizer that was just trained, as the two files it is saved in.
#[derive(Clone, Debug)]
pub struct TrainedTokenizer {
    /// The content of `tokenizer.json`.
    pub tokenizer: Value,
    /// The content of `tokenizer_config.json`.
    pub config: Value,
}

impl TokenizerTraining {
    /// Trains on these texts, or takes over what is in the folder that the kind names, which reads no text at all.
    ///
    /// A text may be of any length: a line, a document, a block of one. Fails where there is no text, where a size leaves no
    /// room for every byte, or where a folder's tokenizer has other special tokens than ours.
    pub fn train<E: From<Error>>(
        &self,
        texts: impl IntoIterator<Item = Result<String, E>>,
    ) -> Result<TrainedTokenizer, E> {
        if let TokenizerKind::Folder(folder) = &self.kind {
            return Ok(self.take_over(folder)?);
        }
        let counts = self.count(texts)?;
        if counts.is_empty() {
            return Err(Error::TokenizerTraining {
                reason: "the training data holds no text; give files with at least one word".into(),
            }
            .into());
        }
        Ok(self.assemble(counts)?)
    }

    /// Trains on units that are already counted.
    fn assemble(&self, counts: BTreeMap<String, u64>) -> Result<TrainedTokenizer, Error> {
        let model = match self.kind {
            TokenizerKind::Words { most } => word_level(self.frequent(counts, most)?),
            TokenizerKind::Chars => word_level(self.frequent(counts, None)?),
            TokenizerKind::Bpe { size } => pieces::byte_pairs(&counts, size)?,
            TokenizerKind::Unigram { size } => pieces::unigram(counts, size)?,
            TokenizerKind::Folder(_) => unreachable!("a folder's tokenizer is taken over, not trained"),
        };
        let decoder = match self.kind {
            // Without a decoder, tokens are joined by spaces.
            TokenizerKind::Words { .. } => Value::Null,
            TokenizerKind::Chars => json!({ "type": "Fuse" }),
            _ => byte_level(),
        };
        let tokenizer = assembled(self.normalizer(), self.pre_tokenizer(), self.framing, decoder, model);
        Ok(TrainedTokenizer { tokenizer, config: settings() })
    }

    /// Words or characters in the order of their ids: the commonest first, equally common ones by the alphabet.
    fn frequent(&self, counts: BTreeMap<String, u64>, most: Option<usize>) -> Result<Vec<String>, Error> {
        let found = counts.len();
        let mut kept: Vec<(String, u64)> =
            counts.into_iter().filter(|(_, count)| *count >= self.minimum_count).collect();
        if kept.is_empty() {
            return Err(Error::TokenizerTraining {
                reason: format!(
                    "none of the {found} different {} occurs {} times; lower the minimum count",
                    if self.kind == TokenizerKind::Chars { "characters" } else { "words" },
                    self.minimum_count
                ),
            });
        }
        // The sort is stable, and the map gave them in alphabetical order.
        kept.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        kept.retain(|(word, _)| !SPECIALS.contains(&word.as_str()));
        kept.truncate(most.map_or(usize::MAX, |most| most.saturating_sub(SPECIALS.len())));
        Ok(kept.into_iter().map(|(word, _)| word).collect())
    }

    /// How often each unit before the merging occurs: words, characters, or words spelled in bytes.
    fn count<E: From<Error>>(
        &self,
        texts: impl IntoIterator<Item = Result<String, E>>,
    ) -> Result<BTreeMap<String, u64>, E> {
        let wrong = |reason: String| E::from(Error::TokenizerTraining { reason });
        let normalizer: Option<NormalizerWrapper> =
            serde_json::from_value(self.normalizer()).map_err(|error| wrong(error.to_string()))?;
        let splitter: PreTokenizerWrapper =
            serde_json::from_value(self.pre_tokenizer()).map_err(|error| wrong(error.to_string()))?;
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for text in texts {
            let mut text = PreTokenizedString::from(text?);
            if let Some(normalizer) = &normalizer {
                text.normalize(|piece| normalizer.normalize(piece))
                    .map_err(|error| wrong(error.to_string()))?;
            }
            splitter.pre_tokenize(&mut text).map_err(|error| wrong(error.to_string()))?;
            for (unit, _, _) in text.get_splits(OffsetReferential::Original, OffsetType::Byte) {
                match counts.get_mut(unit) {
                    Some(count) => *count += 1,
                    None => drop(counts.insert(unit.to_owned(), 1)),
                }
            }
        }
        Ok(counts)
    }

    fn normalizer(&self) -> Value {
        match self.letter_case {
            LetterCase::Keep => Value::Null,
            LetterCase::Lower => json!({ "type": "Lowercase" }),
        }
    }

    fn pre_tokenizer(&self) -> Value {
        match self.kind {
            TokenizerKind::Words { .. } => json!({ "type": "WhitespaceSplit" }),
            // `.` would not match a line feed.
            TokenizerKind::Chars => {
                json!({ "type": "Split", "pattern": { "Regex": "[\\s\\S]" }, "behavior": "Isolated", "invert": false })
            }
            _ => byte_level(),
        }
    }

    /// The tokenizer of a folder, with the frame that this task wants.
    fn take_over(&self, folder: &Path) -> Result<TrainedTokenizer, Error> {
        let read = |file: &str| -> Result<(PathBuf, Value), Error> {
            let path = folder.join(file);
            let bytes = std::fs::read(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
            let value = serde_json::from_slice(&bytes)
                .map_err(|source| Error::Json { path: path.clone(), source })?;
            Ok((path, value))
        };
        let (path, mut tokenizer) = read("tokenizer.json")?;
        let loaded = super::AutoTokenizer::from_folder(folder)?;
        for (id, content) in SPECIALS.iter().enumerate() {
            if loaded.id(content) != Some(id as u32) {
                let found = loaded.tokens(&[id as u32]).concat();
                return Err(Error::Content {
                    path,
                    reason: format!(
                        "token {id} is {found:?}, and models that Papo trains want {content:?} there; use a tokenizer \
                         that Papo made, or train one with words, chars, bpe:N or unigram:N"
                    ),
                });
            }
        }
        tokenizer["post_processor"] = self.framing.post_processor();
        Ok(TrainedTokenizer { tokenizer, config: settings() })
    }
}

impl Framing {
    fn post_processor(self) -> Value {
        let sequence = |name: &str, kind: u32| json!({ "Sequence": { "id": name, "type_id": kind } });
        let end = |kind: u32| json!({ "SpecialToken": { "id": "</s>", "type_id": kind } });
        match self {
            Framing::Plain => Value::Null,
            Framing::Closed => json!({
                "type": "TemplateProcessing",
                "single": [sequence("A", 0), end(0)],
                "pair": [sequence("A", 0), end(0), sequence("B", 1), end(1)],
                "special_tokens": { "</s>": { "id": "</s>", "ids": [2], "tokens": ["</s>"] } },
            }),
        }
    }
}

impl TrainedTokenizer {
    /// A tokenizer of words that were counted elsewhere; their ids follow those of [`SPECIALS`].
    ///
    /// Words stand between ASCII white space, as for KenLM, and not between all that Unicode calls white space.
    pub fn of_words<'a>(words: impl IntoIterator<Item = &'a str>, framing: Framing) -> Self {
        let splitter = json!({
            "type": "Split", "pattern": { "Regex": "[\\x00\\t\\n\\r ]+" }, "behavior": "Removed", "invert": false,
        });
        let model = word_level(words.into_iter().map(str::to_owned).collect());
        Self { tokenizer: assembled(Value::Null, splitter, framing, Value::Null, model), config: settings() }
    }

    /// Writes `tokenizer.json` and `tokenizer_config.json` into a folder that exists.
    pub fn save(&self, folder: &Path) -> Result<(), Error> {
        for (file, value) in [("tokenizer.json", &self.tokenizer), ("tokenizer_config.json", &self.config)] {
            let path = folder.join(file);
            replace_file(&path, |file| writeln!(file, "{value:#}"))?;
        }
        Ok(())
    }

    /// The tokenizer ready for use; `origin` is the place that its errors name.
    pub fn ready(&self, origin: &Path) -> Result<super::Tokenizer, Error> {
        let wrong = |reason: String| Error::Content { path: origin.join("tokenizer.json"), reason };
        let tokenizer =
            guarded(|| tokenizers::Tokenizer::from_bytes(self.tokenizer.to_string())).map_err(wrong)?;
        let backend = Box::new(Pipeline::new(tokenizer, InsideWords::Letters).map_err(wrong)?);
        let mut settings = Settings::default();
        for (role, content) in ["unk_token", "bos_token", "eos_token", "pad_token"].into_iter().zip(SPECIALS)
        {
            settings.default_role(role, Named::text(content));
        }
        Ok(super::Tokenizer::new(backend, super::TokenizerClass::Generic, origin.to_owned(), &settings))
    }
}

fn word_level(words: Vec<String>) -> Value {
    let all = SPECIALS.into_iter().map(str::to_owned).chain(words);
    let vocabulary: serde_json::Map<String, Value> =
        all.enumerate().map(|(id, word)| (word, json!(id))).collect();
    json!({ "type": "WordLevel", "vocab": vocabulary, "unk_token": SPECIALS[0] })
}

/// The content of `tokenizer.json`.
fn assembled(
    normalizer: Value,
    pre_tokenizer: Value,
    framing: Framing,
    decoder: Value,
    model: Value,
) -> Value {
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": SPECIALS.iter().enumerate().map(|(id, content)| special(id, content)).collect::<Vec<_>>(),
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": framing.post_processor(),
        "decoder": decoder,
        "model": model,
    })
}

fn byte_level() -> Value {
    json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true })
}

fn special(id: usize, content: &str) -> Value {
    json!({
        "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
        "special": true,
    })
}

/// `tokenizer_config.json`, as `PreTrainedTokenizerFast` reads it.
fn settings() -> Value {
    json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": SPECIALS[0],
        "bos_token": SPECIALS[1],
        "eos_token": SPECIALS[2],
        "pad_token": SPECIALS[3],
        "add_prefix_space": false,
        "clean_up_tokenization_spaces": false,
    })
}
