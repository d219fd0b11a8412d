//! What can go wrong between a request and its tokens; each message says what to change.

use crate::ModelError;

/// Why a configuration was refused or a generation could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A generation configuration that is not a JSON object.
    #[error(
        "a generation configuration is a JSON object such as {{\"num_beams\": 4}}, but found {found}; write it so"
    )]
    NotAnObject {
        /// The kind of JSON value that was there.
        found: &'static str,
    },

    /// An option that nobody knows.
    #[error("there is no generation option `{name}`{suggestion}; correct the name or remove it")]
    Unknown {
        /// The name as given.
        name: String,
        /// Empty, or ` (did you mean …?)`.
        suggestion: String,
    },

    /// An option that `transformers` has and Papo does not honour.
    #[error("`{name}` ({what}) is not supported by Papo; remove it or set it to {default}")]
    Unsupported {
        /// The name as given.
        name: String,
        /// What the option would do.
        what: &'static str,
        /// The value that stands for "off".
        default: String,
    },

    /// A value of the wrong type or out of its range.
    #[error("`{name}` must be {expected}, but found {found}")]
    Value {
        /// The option.
        name: String,
        /// What would be taken.
        expected: String,
        /// What was there, as JSON.
        found: String,
    },

    /// Options, each fine alone, that cannot stand together.
    #[error("{0}")]
    Contradiction(String),

    /// A token that the model's vocabulary does not have.
    #[error(
        "`{name}` names token {token}, but the model's vocabulary ends at {last}; use an id of this model's tokenizer"
    )]
    NoSuchToken {
        /// The option that holds the token.
        name: String,
        /// The token.
        token: crate::TokenId,
        /// The last id of the vocabulary.
        last: usize,
    },

    /// Nothing says which token a decoder begins with.
    #[error(
        "neither `decoder_start_token_id` nor `bos_token_id` is set, so no sequence can begin; set one of them (the checkpoint's generation_config.json usually does)"
    )]
    NoStart,

    /// Stop strings without anybody who can turn tokens into text.
    #[error(
        "`stop_strings` are sought in text, for which the model's tokenizer is needed, and there is none; remove the option"
    )]
    StopStringsNeedText,

    /// `Hooks::allowed_tokens` left no token, or none of this vocabulary.
    #[error(
        "the callback of allowed tokens left no token for source {source_index} after {length} tokens; let it allow at least one token of the vocabulary"
    )]
    NothingAllowed {
        /// Which source.
        source_index: usize,
        /// Length of the sequence so far, its start included.
        length: usize,
    },

    /// Every token of a row was ruled out, so that none can be sampled.
    #[error(
        "the options leave no token to sample for source {source_index} after {length} tokens; relax the banned, suppressed or filtered tokens"
    )]
    NothingLeft {
        /// Which source.
        source_index: usize,
        /// Length of the sequence so far, its start included.
        length: usize,
    },

    /// Logits that are not numbers.
    #[error(
        "the model gave logits that are not numbers (NaN) for source {source_index} after {length} tokens; its weights are damaged or overflow (try dtype f32), or set `remove_invalid_values`"
    )]
    NotNumbers {
        /// Which source.
        source_index: usize,
        /// Length of the sequence so far, its start included.
        length: usize,
    },

    /// The scores of one step do not fit in memory.
    #[error(
        "there is no memory for {rows} rows of {vocabulary} scores; lower `num_beams` or `num_return_sequences`, or give fewer sources at once"
    )]
    Memory {
        /// Sources × beams or samples.
        rows: usize,
        /// Scores in a row.
        vocabulary: usize,
    },

    /// The model could not go on; the sentence is its own.
    #[error("{0}")]
    Model(#[from] ModelError),
}
