//! `papo train ngram`: counts, estimates and saves an n-gram model.

use crate::failure::{Failure, Outcome};
use crate::request::NgramTraining;
use crate::terminal::Notes;

/// Makes the model folder.
pub fn run(request: NgramTraining, _notes: Notes) -> Outcome {
    Err(Failure::new(format_args!("cannot train on {:?} yet", request.data)))
}
