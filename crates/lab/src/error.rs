//! What can go wrong in the laboratory.

use std::path::PathBuf;

/// What went wrong, in a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration that no network can have.
    #[error("the network configuration has {field} = {found}, which must be {expected}")]
    Config {
        /// The field's name in `config.json`.
        field: &'static str,
        /// Its value.
        found: String,
        /// What would do.
        expected: String,
    },
    /// A configuration of a kind that is not trained here, or with a field missing.
    #[error(
        "the network configuration cannot be read: {0}; papo trains the model types papo_rnn, papo_lstm, papo_gru, papo_seq2seq and marian"
    )]
    UnknownConfig(serde_json::Error),
    /// A parameter that a file lacks.
    #[error(
        "there is no tensor {name:?} among the weights; they belong to another network, or the file is cut short"
    )]
    MissingWeight {
        /// The parameter's name.
        name: String,
    },
    /// A parameter of another shape.
    #[error("the tensor {name:?} has the shape {found:?}, where the configuration wants {expected:?}")]
    WeightShape {
        /// The parameter's name.
        name: String,
        /// The shape in the file.
        found: Vec<usize>,
        /// The shape of the network's parameter.
        expected: Vec<usize>,
    },
    /// A file that the system would not let us read.
    #[error("cannot read {}: {source}; check that the file exists, is whole, and that you may read it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file or folder that could not be written.
    #[error("cannot write {}: {source}; check the folder, its permissions and the free space", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Training data that could not be read.
    #[error(transparent)]
    Data(#[from] papo_data::Error),
    /// A file of training data that this network cannot learn from.
    #[error("{}: {reason}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// A sentence: what it holds, what is needed and what to do.
        reason: String,
    },
    /// A text that the tokenizer could not turn into ids.
    #[error("the tokenizer could not encode a text of the training data: {reason}; train another tokenizer")]
    Encode {
        /// What it said.
        reason: String,
    },
    /// Nothing to learn from.
    #[error(
        "the training data holds {found}; a model needs at least two tokens in a row to learn which follows which"
    )]
    NoExamples {
        /// What is there.
        found: String,
    },
    /// A state of training that cannot be read.
    #[error(
        "{} is not the state of a training that can go on: {reason}; begin anew in another folder, or here with --overwrite",
        path.display()
    )]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder in which a training was begun already.
    #[error(
        "{} holds the training of a network; go on with it by --resume, begin anew with --overwrite, or name another folder",
        folder.display()
    )]
    AlreadyBegun {
        /// The model folder.
        folder: PathBuf,
    },
    /// A training that is to go on with other data or another configuration.
    #[error(
        "the training in {folder} cannot go on like this: {difference}; repeat the command it was begun with, or begin anew in \
         another folder"
    )]
    OtherTraining {
        /// The model folder.
        folder: String,
        /// What differs, then and now.
        difference: String,
    },
    /// Numbers that are none any more.
    #[error(
        "the loss is no number any more at step {step}: the training has diverged; lower the learning rate, clip gradients or warm up \
         longer ({})",
        if *saved { "the best model so far is kept" } else { "no model has been saved yet" }
    )]
    Diverged {
        /// The step.
        step: u64,
        /// Whether a validation before it has left a model.
        saved: bool,
    },
    /// A checkpoint that could not be read or written.
    #[error(transparent)]
    Checkpoint(#[from] papo_checkpoint::Error),
}
