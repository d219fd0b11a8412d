//! `papo train`: a model from data, one file for each kind.

mod ngram;

use crate::failure::Outcome;
use crate::request::Train;
use crate::terminal::Notes;

/// Trains what was asked for.
pub fn run(request: Train, notes: Notes) -> Outcome {
    match request {
        Train::Ngram(request) => ngram::run(request, notes),
    }
}
