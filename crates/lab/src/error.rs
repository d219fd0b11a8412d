//! What can go wrong in the laboratory.

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
}
