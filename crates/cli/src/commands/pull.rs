//! `papo pull`: models come from the hub into the cache that Hugging Face's own tools use; what is damaged there is fetched again.

use papo::hub::Repair;

use super::remove::repository;
use crate::failure::{Failure, Outcome};
use crate::loading;
use crate::terminal::{Notes, Output};

/// Fetches each and prints the folder that holds it; one that cannot be had is told and the rest go on.
pub fn run(models: &[String], repair: Repair, notes: Notes) -> Outcome {
    let mut output = Output::standard();
    let mut all_good = true;
    for name in models {
        match pull(name, repair, notes) {
            Ok(folder) => output.line(folder)?,
            Err(failure) => {
                all_good = false;
                failure.report();
            }
        }
        output.flush()?;
    }
    if all_good { Ok(()) } else { Err(Failure::Reported) }
}

fn pull(name: &str, repair: Repair, notes: Notes) -> Result<String, Failure> {
    // What is a folder or part of the program cannot be fetched, and should not seem to have been.
    let repository = repository(name)?;
    Ok(loading::pull(&repository, repair, notes)?.display().to_string())
}
