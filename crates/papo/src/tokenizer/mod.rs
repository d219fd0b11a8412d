//! Text to ids and back, with the tokenizer of any checkpoint we run.
//!
//! `tokenizer.json` is read where there is one. Many checkpoints have older files only; those are built as the reference builds
//! them: `byte_pairs.rs` for BART and Blenderbot, `unigram.rs` for T5, `marian.rs` for Marian. `settings.rs` reads the small
//! files that say which tokens are special, `class.rs` chooses between the families.

mod byte_pairs;
mod charsmap;
mod class;
mod clean_up;
mod lossy;
mod marian;
mod piece_file;
mod sentencepiece;
mod settings;
mod stream;
mod tokenizer_file;
mod train;
mod unigram;

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
use crate::{Error, LoadOptions};
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
    backend: Backend,
    class: TokenizerClass,
    origin: PathBuf,
    clean_up: bool,
    roles: Vec<(&'static str, TokenId)>,
}

#[derive(Debug)]
enum Backend {
    Crate(Box<tokenizers::Tokenizer>),
    Marian(Box<marian::Marian>),
}

/// Files of which every tokenizer has at least one.
const VOCABULARIES: [&str; 4] = ["tokenizer.json", "vocab.json", "spiece.model", "source.spm"];

impl Tokenizer {
    /// Loads the tokenizer among these files.
    pub fn load(files: &ModelFiles) -> Result<Self, Error> {
        if !VOCABULARIES.iter().any(|file| files.contains(file)) {
            return Err(Error::NoTokenizer { folder: files.place() });
        }
        let mut settings = Settings::read(files)?;
        let class = TokenizerClass::choose(files, &settings)?;
        let wrong = |reason: String| Error::Content { path: files.path("tokenizer_config.json"), reason };
        match class {
            TokenizerClass::Bart | TokenizerClass::Blenderbot => byte_pairs::default_roles(&mut settings),
            TokenizerClass::T5 => unigram::default_roles(&mut settings).map_err(wrong)?,
            TokenizerClass::Marian => marian::default_roles(&mut settings),
            TokenizerClass::Generic => {}
        }
        if class == TokenizerClass::Marian {
            let marian = marian::Marian::load(files, &settings)?;
            return Ok(Self::new(Backend::Marian(Box::new(marian)), class, files, &settings));
        }
        // T5's class builds anew from spiece.model where the settings say anything about the space in front.
        let rebuild = class == TokenizerClass::T5
            && settings.add_prefix_space.is_some()
            && files.contains("spiece.model");
        let ready = files.contains("tokenizer.json") && !rebuild;
        let mut tokenizer = match (ready, class) {
            (true, _) => tokenizer_file::load(files, &settings)?,
            (false, TokenizerClass::Bart) => byte_pairs::load(files, &settings, byte_pairs::Frame::Bart)?,
            (false, TokenizerClass::Blenderbot) => {
                byte_pairs::load(files, &settings, byte_pairs::Frame::Blenderbot)?
            }
            (false, TokenizerClass::T5) => unigram::load(files, &settings)?,
            (false, _) => return Err(Error::NoTokenizer { folder: files.place() }),
        };
        let missing = missing_tokens(&tokenizer, &settings, ready);
        tokenizer.add_tokens(missing).map_err(|error| wrong(error.to_string()))?;
        Ok(Self::new(Backend::Crate(Box::new(tokenizer)), class, files, &settings))
    }

    fn new(backend: Backend, class: TokenizerClass, files: &ModelFiles, settings: &Settings) -> Self {
        let mut tokenizer =
            Self { backend, class, origin: files.place(), clean_up: settings.clean_up, roles: Vec::new() };
        tokenizer.roles =
            ROLES.iter().filter_map(|role| Some((*role, tokenizer.id(settings.role(role)?)?))).collect();
        tokenizer
    }

    /// The ids of a text, with the special tokens that the model wants around it.
    ///
    /// Special tokens written out in the text are recognised, as in the reference. An error is [`Error::Encode`].
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>, Error> {
        match &self.backend {
            Backend::Crate(tokenizer) => self.encode_with(tokenizer, text, true),
            Backend::Marian(marian) => Ok(marian.encode(text)),
        }
    }

    /// The ids of a text that the model is to write: those of [`Tokenizer::encode`], but where a model translates between two languages and
    /// has a model of pieces for each (Marian), by that of the language it writes. The reference's `text_target=`.
    ///
    /// An error is [`Error::Encode`].
    pub fn encode_target(&self, text: &str) -> Result<Vec<TokenId>, Error> {
        match &self.backend {
            Backend::Crate(_) => self.encode(text),
            Backend::Marian(marian) => Ok(marian.encode_target(text)),
        }
    }

    /// The ids of a text without anything put around it.
    ///
    /// An error is [`Error::Encode`].
    pub fn encode_plain(&self, text: &str) -> Result<Vec<TokenId>, Error> {
        match &self.backend {
            Backend::Crate(tokenizer) => self.encode_with(tokenizer, text, false),
            Backend::Marian(marian) => Ok(marian.encode_plain(text)),
        }
    }

    fn encode_with(
        &self,
        tokenizer: &tokenizers::Tokenizer,
        text: &str,
        frame: bool,
    ) -> Result<Vec<TokenId>, Error> {
        tokenizer
            .encode_fast(text, frame)
            .map(|encoding| encoding.get_ids().to_vec())
            .map_err(|error| Error::Encode { origin: self.origin.clone(), reason: error.to_string() })
    }

    /// The text of ids; ids without a token are skipped.
    ///
    /// An error is [`Error::Decode`].
    pub fn decode(&self, ids: &[TokenId], special: SpecialTokens) -> Result<String, Error> {
        let text = match &self.backend {
            Backend::Crate(tokenizer) => tokenizer
                .decode(ids, special == SpecialTokens::Skip)
                .map_err(|error| Error::Decode { origin: self.origin.clone(), reason: error.to_string() })?,
            Backend::Marian(marian) => marian.decode(ids, special),
        };
        Ok(if self.clean_up { clean_up::clean_up(&text) } else { text })
    }

    /// A decoder that takes ids one by one and gives text as soon as it is certain.
    pub fn stream(&self) -> DecodeStream<'_> {
        DecodeStream::new(self)
    }

    /// The tokens behind ids, as the vocabulary spells them (`Ġworld`, `▁world`); an empty string where there is none.
    pub fn tokens(&self, ids: &[TokenId]) -> Vec<String> {
        ids.iter()
            .map(|&id| match &self.backend {
                Backend::Crate(tokenizer) => tokenizer.id_to_token(id).unwrap_or_default(),
                Backend::Marian(marian) => marian.token(id).to_owned(),
            })
            .collect()
    }

    /// The id of a token as the vocabulary spells it.
    pub fn id(&self, token: &str) -> Option<TokenId> {
        match &self.backend {
            Backend::Crate(tokenizer) => tokenizer.token_to_id(token),
            Backend::Marian(marian) => marian.id(token),
        }
    }

    /// Number of tokens, added ones included; a model may have more logits than this.
    pub fn vocab_size(&self) -> usize {
        match &self.backend {
            Backend::Crate(tokenizer) => tokenizer.get_vocab_size(true),
            Backend::Marian(marian) => marian.vocab_size(),
        }
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
