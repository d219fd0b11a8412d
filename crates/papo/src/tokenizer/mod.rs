//! Text to ids and back, with the tokenizer of any checkpoint we run.
//!
//! `class.rs` chooses between the reference's classes, `settings.rs` reads the small files that say which tokens are special. Then
//! `tokenizer.json` is read where there is one. Many checkpoints have older files only; those are built as the reference builds
//! them: `byte_pairs.rs` for BART and its like, `unigram.rs` for T5, `word_pieces.rs` for BERT, `marian.rs` for Marian; ByT5 has no files
//! (`bytes.rs`). All of them stand behind one wall, `backend.rs`.

mod added_tokens;
mod backend;
mod byte_pairs;
mod bytes;
mod charsmap;
mod class;
mod clean_up;
mod guard;
mod lossy;
mod marian;
mod piece_file;
mod pipeline;
mod sentencepiece;
mod settings;
mod spelling;
mod stop_strings;
mod stream;
mod tokenizer_file;
mod train;
mod unigram;
mod whole_words;
mod word_pieces;

use std::path::{Path, PathBuf};

use papo_generate::TokenId;
use tokenizers::AddedToken;

pub use class::TokenizerClass;
pub use lossy::LossyNote;
pub use stream::DecodeStream;
pub use train::{Framing, LetterCase, SPECIALS, TokenizerKind, TokenizerTraining, TrainedTokenizer};

use crate::files::ModelFiles;
use crate::hub::Want;
use crate::model_ref::ModelRef;
use crate::{Error, LoadOptions, diagnosis};
use backend::{Backend, Frame};
use byte_pairs::Surround;
use guard::guarded;
use pipeline::{InsideWords, Pipeline};
use settings::{ROLES, Settings};

/// Whether decoding shows tokens such as `</s>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialTokens {
    /// They are part of the text.
    Keep,
    /// They are left out.
    Skip,
}

/// Finds the tokenizer that belongs to a model, as `AutoTokenizer` does in Python.
#[derive(Clone, Copy, Debug)]
pub struct AutoTokenizer;

impl AutoTokenizer {
    /// Loads the tokenizer of a built-in model, an alias, a name on the hub (`NAME` or `NAME@REVISION`) or a folder.
    ///
    /// ```
    /// # fn main() -> Result<(), papo::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # std::fs::write(folder.path().join("config.json"), r#"{"model_type": "blenderbot"}"#).unwrap();
    /// # std::fs::write(folder.path().join("vocab.json"), r#"{"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "H": 4, "i": 5}"#).unwrap();
    /// # std::fs::write(folder.path().join("merges.txt"), "#version: 0.2\n").unwrap();
    /// # let name = folder.path().to_str().unwrap();
    /// let tokenizer = papo::AutoTokenizer::from_pretrained(name)?;
    /// let ids = tokenizer.encode("Hi")?;
    /// assert_eq!(ids, [4, 5, 2]);
    /// assert_eq!(tokenizer.decode(&ids, papo::SpecialTokens::Skip)?, "Hi");
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_pretrained(name_or_folder: &str) -> Result<Tokenizer, Error> {
        Tokenizer::load(&ModelRef::parse(name_or_folder)?.fetch(Want::Tokenizer, &LoadOptions::default())?)
    }

    /// Loads the tokenizer of a folder; `config.json` and the tokenizer's files will do.
    pub fn from_folder(folder: &Path) -> Result<Tokenizer, Error> {
        Tokenizer::load(&ModelFiles::Folder(folder.to_owned()))
    }
}

/// A tokenizer ready for use; immutable, so it can be shared.
#[derive(Debug)]
pub struct Tokenizer {
    backend: Box<dyn Backend>,
    class: TokenizerClass,
    origin: PathBuf,
    clean_up: bool,
    roles: Vec<(&'static str, TokenId)>,
}

impl Tokenizer {
    /// Loads the tokenizer among these files.
    pub fn load(files: &ModelFiles) -> Result<Self, Error> {
        let mut settings = Settings::read(files)?;
        let class = TokenizerClass::choose(files, &settings)?;
        let needed = class.rules().files;
        if !needed.is_empty()
            && !needed.iter().any(|file| files.contains(file))
            && !files.contains("tokenizer.json")
        {
            return Err(diagnosis::no_tokenizer(files));
        }
        let wrong = |reason: String| Error::Content { path: files.path("tokenizer_config.json"), reason };
        class.default_roles(&mut settings);
        let backend: Box<dyn Backend> = match class {
            TokenizerClass::Marian => Box::new(marian::Marian::load(files, &settings)?),
            TokenizerClass::ByT5 => {
                bytes::default_roles(&mut settings).map_err(wrong)?;
                Box::new(bytes::Bytes::new(&settings).map_err(wrong)?)
            }
            _ => {
                if class == TokenizerClass::T5 {
                    unigram::name_extra_ids(&mut settings).map_err(wrong)?;
                }
                let tokenizer = pipeline(files, &settings, class)?;
                let inside_words = inside_words(files, &tokenizer)?;
                Box::new(Pipeline::new(tokenizer, inside_words).map_err(wrong)?)
            }
        };
        Ok(Self::new(backend, class, files.place(), &settings))
    }

    fn new(backend: Box<dyn Backend>, class: TokenizerClass, origin: PathBuf, settings: &Settings) -> Self {
        let role = |role: &&'static str| Some((*role, backend.id(settings.role(role)?)?));
        let roles = ROLES.iter().filter_map(role).collect();
        Self { backend, class, origin, clean_up: settings.clean_up, roles }
    }

    /// The ids of a text, with the special tokens that the model wants around it.
    ///
    /// Special tokens written out in the text are recognised, as in the reference; by a tokenizer that Papo trained only where they are
    /// words of their own. An error is [`Error::Encode`].
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>, Error> {
        self.encoded(self.backend.encode(text, Frame::Around))
    }

    /// The ids of a text that the model is to write: those of [`Tokenizer::encode`], but where a model translates between two languages and
    /// has a model of pieces for each (Marian), by that of the language it writes. The reference's `text_target=`.
    ///
    /// An error is [`Error::Encode`].
    pub fn encode_target(&self, text: &str) -> Result<Vec<TokenId>, Error> {
        self.encoded(self.backend.encode_target(text))
    }

    /// The ids of a text without anything put around it.
    ///
    /// An error is [`Error::Encode`].
    pub fn encode_plain(&self, text: &str) -> Result<Vec<TokenId>, Error> {
        self.encoded(self.backend.encode(text, Frame::Bare))
    }

    fn encoded(&self, ids: Result<Vec<TokenId>, String>) -> Result<Vec<TokenId>, Error> {
        ids.map_err(|reason| Error::Encode { origin: self.origin.clone(), reason })
    }

    /// Special tokens that stand in a text as words of their own, each as often as it does.
    ///
    /// In data such a word is taken for the token by every tokenizer that Papo trains; inside a longer word it is letters.
    pub fn special_words<'a>(&self, text: &'a str) -> impl Iterator<Item = &'a str> {
        whole_words::words(text).map(|(_, word)| word).filter(|word| {
            self.id(word).is_some_and(|id| self.roles.iter().any(|(_, special)| *special == id))
        })
    }

    /// The text of ids; ids without a token are skipped.
    ///
    /// An error is [`Error::Decode`].
    pub fn decode(&self, ids: &[TokenId], special: SpecialTokens) -> Result<String, Error> {
        let text = self.backend.decode(ids, special);
        let text = text.map_err(|reason| Error::Decode { origin: self.origin.clone(), reason })?;
        Ok(if self.clean_up { clean_up::clean_up(&text) } else { text })
    }

    /// A decoder that takes ids one by one and gives text as soon as it is certain.
    pub fn stream(&self) -> DecodeStream<'_> {
        DecodeStream::new(self)
    }

    /// The tokens behind ids, as the vocabulary spells them (`Ġworld`, `▁world`); an empty string where there is none.
    pub fn tokens(&self, ids: &[TokenId]) -> Vec<String> {
        ids.iter().map(|&id| self.backend.token(id).unwrap_or_default()).collect()
    }

    /// The id of a token as the vocabulary spells it.
    pub fn id(&self, token: &str) -> Option<TokenId> {
        self.backend.id(token)
    }

    /// Number of tokens, added ones included; a model may have more logits than this.
    pub fn vocab_size(&self) -> usize {
        self.backend.vocab_size()
    }

    /// The family whose rules this tokenizer follows.
    pub fn class(&self) -> TokenizerClass {
        self.class
    }

    /// Tells whether decoding removes spaces before punctuation (`clean_up_tokenization_spaces`).
    pub fn cleans_up_spaces(&self) -> bool {
        self.clean_up
    }

    /// The id that begins a text, if the model has one.
    pub fn bos_id(&self) -> Option<TokenId> {
        self.role("bos_token")
    }

    /// The id that ends a text, if the model has one.
    pub fn eos_id(&self) -> Option<TokenId> {
        self.role("eos_token")
    }

    /// The id that fills up short rows in the reference, if the model has one.
    pub fn pad_id(&self) -> Option<TokenId> {
        self.role("pad_token")
    }

    /// The id for text that no token covers, if the model has one.
    pub fn unk_id(&self) -> Option<TokenId> {
        self.role("unk_token")
    }

    fn role(&self, role: &str) -> Option<TokenId> {
        self.roles.iter().find(|(name, _)| *name == role).map(|(_, id)| *id)
    }
}

/// A tokenizer of the `tokenizers` crate, from its own file or built from older ones, with all its added tokens.
fn pipeline(
    files: &ModelFiles,
    settings: &Settings,
    class: TokenizerClass,
) -> Result<tokenizers::Tokenizer, Error> {
    let older = class.rules().files;
    // T5's class builds anew from spiece.model where the settings say anything about the space in front.
    let anew =
        settings.from_older_files || class == TokenizerClass::T5 && settings.add_prefix_space.is_some();
    let ready = files.contains("tokenizer.json") && !(anew && older.iter().all(|file| files.contains(file)));
    let mut tokenizer = match class {
        _ if ready => tokenizer_file::load(files, settings, class)?,
        TokenizerClass::Bart => byte_pairs::load(files, settings, Surround::Bart)?,
        TokenizerClass::Blenderbot => byte_pairs::load(files, settings, Surround::Blenderbot)?,
        TokenizerClass::Gpt2 => byte_pairs::load(files, settings, Surround::Gpt2)?,
        TokenizerClass::T5 => unigram::load(files, settings)?,
        TokenizerClass::Bert => word_pieces::load(files, settings)?,
        _ => tokenizer_file::load(files, settings, class)?,
    };
    let missing = missing_tokens(&tokenizer, settings, ready);
    guarded(|| tokenizer.add_tokens(missing))
        .map_err(|reason| Error::Content { path: files.path("tokenizer_config.json"), reason })?;
    tokenizer.set_encode_special_tokens(settings.split_special_tokens);
    Ok(tokenizer)
}

/// What special tokens are inside longer words: letters, where Papo trained the model and its `config.json` says so, or is to train it and
/// there is nothing but the tokenizer yet.
fn inside_words(files: &ModelFiles, tokenizer: &tokenizers::Tokenizer) -> Result<InsideWords, Error> {
    let Some(config) = files.object("config.json")? else {
        let ours = SPECIALS.iter().zip(0..).all(|(token, id)| tokenizer.token_to_id(token) == Some(id));
        return Ok(if ours { InsideWords::Letters } else { InsideWords::Token });
    };
    let kind = config.get("model_type").and_then(serde_json::Value::as_str).unwrap_or_default();
    let ours = kind.starts_with("papo_") || config.contains_key("papo");
    Ok(if ours { InsideWords::Letters } else { InsideWords::Token })
}

/// Tokens that the settings name otherwise than the vocabulary's file, in the order in which new ones get ids.
///
/// A class that builds from older files makes objects of the tokens in a role, so that none of them counts as named by text.
fn missing_tokens(tokenizer: &tokenizers::Tokenizer, settings: &Settings, ready: bool) -> Vec<AddedToken> {
    let known: Vec<AddedToken> = tokenizer.get_added_tokens_decoder().into_values().collect();
    let mut tokens: Vec<AddedToken> =
        settings.added.values().filter(|token| !known.contains(token)).cloned().collect();
    let additional: Vec<&str> =
        settings.additional.iter().flatten().map(|named| named.token.content.as_str()).collect();
    for named in settings.named() {
        let content = named.token.content.as_str();
        let by_text = named.by_text && (ready || additional.contains(&content));
        let same = |other: &AddedToken| {
            if by_text { other.content == content } else { *other == named.token }
        };
        if !known.iter().any(same) && !tokens.iter().any(same) {
            tokens.push(named.token.clone());
        }
    }
    for token in &mut tokens {
        token.special |= settings.is_special(&token.content);
    }
    tokens
}
