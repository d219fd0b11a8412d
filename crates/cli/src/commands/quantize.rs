//! `papo quantize`: a smaller copy of a model.

use indicatif::HumanBytes;

use crate::failure::Outcome;
use crate::loading;
use crate::request::Quantize;
use crate::terminal::{Notes, Output};

/// Makes the folder and prints its name.
pub fn run(request: &Quantize, notes: Notes) -> Outcome {
    let made = loading::quantize(&request.model, &request.out, &request.loading, notes)?;
    notes.say(format_args!("weights of {} became {}", HumanBytes(made.bytes_before), HumanBytes(made.bytes)));
    let mut output = Output::standard();
    output.line(request.out.display())?;
    output.flush()
}
