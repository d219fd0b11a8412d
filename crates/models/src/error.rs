//! Everything that can be wrong with a configuration, a checkpoint or a request, in one sentence each.

use std::path::PathBuf;

use papo_generate::TokenId;

/// Why a network could not be loaded or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration is not a JSON object.
    #[error("{}: the configuration must be a JSON object, but it is {found}.", file.display())]
    NotAnObject {
        /// The configuration file.
        file: PathBuf,
        /// The kind of JSON value found.
        found: &'static str,
    },
    /// The configuration does not say which family it belongs to.
    #[error("{}: `model_type` is missing, so the family of the model is unknown; known are {known}.", file.display())]
    NoFamily {
        /// The configuration file.
        file: PathBuf,
        /// The families that can be loaded.
        known: String,
    },
    /// A family that is not implemented.
    #[error("{}: the model type `{found}` is not supported; use a checkpoint of type {known}.", file.display())]
    UnknownFamily {
        /// The configuration file.
        file: PathBuf,
        /// What the configuration says.
        found: String,
        /// The families that can be loaded.
        known: String,
    },
    /// A field of the configuration that has the wrong type or cannot be.
    #[error("{}: the field `{field}` is {found}, but it must be {expected}.", file.display())]
    Field {
        /// The configuration file.
        file: PathBuf,
        /// The field's name.
        field: &'static str,
        /// What stands there.
        found: String,
        /// What may stand there.
        expected: String,
    },
    /// A tensor that the configuration asks for is not stored.
    #[error("{}: the tensor `{key}` is missing; the checkpoint is incomplete or does not belong to {}.",
        file.display(), config.display())]
    MissingTensor {
        /// The checkpoint.
        file: PathBuf,
        /// The names that would have served.
        key: String,
        /// The configuration that asks for it.
        config: PathBuf,
    },
    /// The checkpoint was saved from within a wrapper, which shows in the names of its tensors.
    #[error("{}: the names of its tensors begin with `{prefix}`, {meaning}.", file.display())]
    Prefixed {
        /// The checkpoint.
        file: PathBuf,
        /// What stands before each name.
        prefix: String,
        /// Where that comes from and what to do.
        meaning: &'static str,
    },
    /// A tensor has another shape than the configuration says.
    #[error("{}: the tensor `{key}` has shape {found:?}, but {} asks for {expected:?}.", file.display(), config.display())]
    WrongShape {
        /// The file with the tensor.
        file: PathBuf,
        /// The tensor's name.
        key: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape asked for.
        expected: Vec<usize>,
        /// The configuration that asks for it.
        config: PathBuf,
    },
    /// A tensor holds something other than floating-point numbers.
    #[error("{}: the tensor `{key}` holds {found} numbers, but weights must be f64, f32, f16 or bf16.", file.display())]
    NotFloats {
        /// The file with the tensor.
        file: PathBuf,
        /// The tensor's name.
        key: String,
        /// Its number format.
        found: String,
    },
    /// The checkpoint's bytes cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] papo_checkpoint::Error),
    /// Whoever loads the network does not want it any more.
    #[error("Loading was stopped before all weights were there; the same command begins anew.")]
    Interrupted,
    /// A token that the vocabulary does not have.
    #[error(
        "Token {token} is not in the {side} vocabulary of {vocabulary} tokens; was the text made with another tokenizer?"
    )]
    UnknownToken {
        /// The token.
        token: TokenId,
        /// `source` or `target`.
        side: &'static str,
        /// Size of the vocabulary.
        vocabulary: usize,
    },
    /// A batch of nothing.
    #[error("There are no sources to read; give at least one.")]
    NoSources,
    /// A source without a token that counts.
    #[error("Source {index} has no tokens besides padding; give it at least one.")]
    EmptySource {
        /// The source's index in its batch.
        index: usize,
    },
    /// A source with more tokens than the model has positions.
    #[error("Source {index} has {tokens} tokens, but the model has {limit} positions; keep at most {limit}.")]
    SourceTooLong {
        /// The source's index in its batch.
        index: usize,
        /// Its tokens.
        tokens: usize,
        /// Positions of the model.
        limit: usize,
    },
    /// A target that grew beyond the model's positions.
    #[error(
        "The model has {limit} positions for the tokens that it writes, and all are used; ask for at most {limit} tokens."
    )]
    TargetTooLong {
        /// Positions of the model.
        limit: usize,
    },
}
