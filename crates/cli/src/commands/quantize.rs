//! `papo quantize`: a smaller copy of a model.

use indicatif::HumanBytes;
use papo::WeightDtype;

use crate::failure::Outcome;
use crate::loading;
use crate::request::Quantize;
use crate::terminal::{Notes, Output};

/// Makes the folder and prints its name.
pub fn run(request: &Quantize, notes: Notes) -> Outcome {
    let made = loading::quantize(&request.model, &request.out, &request.loading, notes)?;
    notes.say(format_args!("weights of {} became {}", HumanBytes(made.bytes_before), HumanBytes(made.bytes)));
    if request.loading.dtype == WeightDtype::Int4 && made.in_four_bits == 0 {
        notes.say("its matrices are too small to gain from four bits: they have eight");
    }
    let mut output = Output::standard();
    output.line(request.out.display())?;
    output.flush()
}
