//! The one error type of this crate: each variant is a sentence that says what is wrong and what to do about it.

use std::path::PathBuf;

use crate::diagnosis::cure;

/// Why a model, a tokenizer or a conversation could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file exists but the system would not let us read it.
    #[error("cannot read {}: {source}; check that the file exists and that you may read it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}: {source}; check the folder, its permissions and the free space", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that must not be lost stands where one should be written.
    #[error("{} is there already and is not written over; choose another name, or move it away", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file is not the JSON that it should be.
    #[error("{} is not valid JSON: {source}; fetch the file again or repair it{}", path.display(), cure(Some(path)))]
    Json {
        /// The file.
        path: PathBuf,
        /// Where the parser stopped.
        source: serde_json::Error,
    },
    /// A file is readable but its content is not what the format asks for.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// A sentence: what was expected, what was found, what to do.
        reason: String,
    },
    /// Data to be measured cannot be read.
    #[error(transparent)]
    Data(#[from] papo_data::Error),
    /// None of the files that could be a tokenizer is there.
    #[error(
        "{} has no tokenizer: expected tokenizer.json, or vocab.json with merges.txt, or spiece.model, or source.spm with \
         target.spm and vocab.json, or vocab.txt, or the class ByT5Tokenizer in tokenizer_config.json; add the files of the checkpoint to the folder",
        folder.display()
    )]
    NoTokenizer {
        /// The model folder.
        folder: PathBuf,
    },
    /// The tokenizer's class is one that cannot be built from what is there.
    #[error("{} has a tokenizer of the class {class}, which cannot be built from its files: {hint}", folder.display())]
    TokenizerClass {
        /// The model folder.
        folder: PathBuf,
        /// The class as the files name it.
        class: String,
        /// What to do.
        hint: String,
    },
    /// A folder that holds something else than a model that can be read.
    #[error("{} is no model that can be read: {reason}", folder.display())]
    NoModel {
        /// The folder.
        folder: PathBuf,
        /// A clause: what it holds and what to do.
        reason: String,
    },
    /// A file that the model cannot do without is missing.
    #[error("{} is missing {file}; {hint}", folder.display())]
    MissingFile {
        /// The model folder.
        folder: PathBuf,
        /// The file's name.
        file: String,
        /// What to do.
        hint: String,
    },
    /// The tokenizer could not turn this text into ids.
    #[error("the tokenizer of {} could not encode the text: {reason}", origin.display())]
    Encode {
        /// Where the tokenizer came from.
        origin: PathBuf,
        /// What it said.
        reason: String,
    },
    /// The tokenizer could not turn these ids into text.
    #[error("the tokenizer of {} could not decode the ids: {reason}", origin.display())]
    Decode {
        /// Where the tokenizer came from.
        origin: PathBuf,
        /// What it said.
        reason: String,
    },
    /// No tokenizer can be trained from what was given.
    #[error("cannot train a tokenizer: {reason}")]
    TokenizerTraining {
        /// A sentence: what is wrong and what to do.
        reason: String,
    },
    /// A model name that cannot be a folder, an alias, a built-in model or a name on the hub.
    #[error("{name:?} is not a model name: {reason}")]
    ModelName {
        /// What the user wrote.
        name: String,
        /// A sentence: what is wrong and what would do.
        reason: String,
    },
    /// A built-in model was asked for, and there are none.
    #[error(
        "this program was built without models of its own (the feature built-in-models); name a folder or a model on the hub"
    )]
    NoBuiltInModels,
    /// A file of generation settings cannot be used.
    #[error("{}: {source}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: papo_generate::Error,
    },
    /// The hub or the cache cannot give the model.
    #[error(transparent)]
    Hub(#[from] crate::hub::Error),
    /// The weights cannot be read.
    #[error("{_0}{cure}", cure = cure(_0.damaged_file()))]
    Checkpoint(#[from] papo_checkpoint::Error),
    /// An n-gram model cannot be read.
    #[error(transparent)]
    Ngram(#[from] papo_ngram::Error),
    /// A store of replies cannot be read.
    #[error(transparent)]
    Retrieval(#[from] papo_retrieval::Error),
    /// The network cannot be built or run.
    #[error(transparent)]
    Model(#[from] papo_models::Error),
    /// The options were refused, or the generation could not go on.
    #[error(transparent)]
    Generate(#[from] papo_generate::Error),
    /// A model cannot be measured as asked.
    #[error("{model} cannot be measured: {reason}")]
    Unmeasurable {
        /// The model's name.
        model: String,
        /// A sentence: why, and what to do.
        reason: String,
    },
    /// There are not as many translations as pairs.
    #[error(
        "there are {found} translations for {expected} pairs; each pair needs one line, in the same order (blank lines of \
         the pairs have none)"
    )]
    Hypotheses {
        /// Lines of translations.
        found: usize,
        /// Pairs that are measured.
        expected: usize,
    },
    /// There is nothing to compare.
    #[error("there is nothing to compare: {what}; give at least one prompt and one model")]
    NothingToCompare {
        /// What is missing.
        what: &'static str,
    },
}

impl Error {
    /// Whether nothing went wrong but the interrupt of [`LoadOptions`](crate::LoadOptions) came.
    pub fn is_interrupt(&self) -> bool {
        matches!(
            self,
            Error::Hub(crate::hub::Error::Interrupted { .. }) | Error::Model(papo_models::Error::Interrupted)
        )
    }
}
