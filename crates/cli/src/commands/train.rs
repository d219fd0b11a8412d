//! `papo train`: a model from data, one file for each kind.

#[cfg(feature = "train")]
mod network;
mod ngram;
mod retrieval;

use crate::failure::Outcome;
use crate::request::Train;
use crate::terminal::Notes;

/// Trains what was asked for.
pub fn run(request: Train, notes: Notes) -> Outcome {
    match request {
        Train::Retrieval(request) => retrieval::run(*request, notes),
        Train::Ngram(request) => ngram::run(*request, notes),
        #[cfg(feature = "train")]
        Train::Network(request) => network::run(&request, notes),
        #[cfg(not(feature = "train"))]
        Train::Network(_) => Err(crate::failure::Failure::new(
            "this papo was built without the feature `train` and trains stores of replies and n-gram models only; build it with `cargo build \
             --release --features train` (or without --no-default-features) to train networks",
        )),
    }
}
