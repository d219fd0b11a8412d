//! What can go wrong, in sentences that tell what to do.

use std::path::PathBuf;

/// Everything that fails in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read or written, or is no safetensors file.
    #[error(transparent)]
    File(#[from] papo_checkpoint::Error),
    /// The arrays of a file do not belong together.
    #[error("{} is no store of replies that can be read: {problem}; make it anew with `papo train retrieval`", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// A clause: what is wrong, and where.
        problem: String,
    },
    /// A number that a lookup cannot be made with.
    #[error("{name} is {value}, and has to be {range}; correct it")]
    Setting {
        /// What the number is called.
        name: &'static str,
        /// The number.
        value: f64,
        /// What it may be.
        range: &'static str,
    },
    /// There is nothing to answer with.
    #[error("there is no reply to be learnt in the data; give dialogues of at least two turns, or pairs")]
    Empty,
    /// More of something than the format has numbers for.
    #[error(
        "there are too many {what} for one store of replies, which has numbers for {most}; give less data"
    )]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// As many as there may be.
        most: usize,
    },
}
