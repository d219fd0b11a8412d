//! `papo rm`: models leave the cache, and their bytes the disk.

use indicatif::HumanBytes;
use papo::ModelRef;
use papo::hub::{Hub, Repository};

use crate::failure::{Failure, Outcome};
use crate::terminal::Notes;

/// Removes each; one that cannot be removed is told and the rest go on.
pub fn run(models: &[String], notes: Notes) -> Outcome {
    let hub = Hub::from_env();
    let mut all_good = true;
    for name in models {
        match remove(&hub, name) {
            Ok(freed) => notes.say(format_args!("{name} is gone, {} are free again", HumanBytes(freed))),
            Err(failure) => {
                all_good = false;
                failure.report();
            }
        }
    }
    if all_good { Ok(()) } else { Err(Failure::Reported) }
}

fn remove(hub: &Hub, name: &str) -> Result<u64, Failure> {
    let freed = hub.remove(&repository(name)?)?;
    // What was rounded from it goes with it.
    Ok(freed + papo::quantized::remove_stale())
}

/// The repository behind a name; folders and built-in models have none.
pub fn repository(name: &str) -> Result<Repository, Failure> {
    match ModelRef::parse(name)? {
        ModelRef::Hub { name, revision } => Ok(Repository::new(&name, revision.as_deref())?),
        ModelRef::Folder(folder) | ModelRef::Ngram(folder) => Err(Failure::new(format_args!(
            "{} is yours and not in the cache; papo list shows what is",
            folder.display()
        ))),
        ModelRef::BuiltIn(model) => Err(Failure::new(format_args!(
            "{} is part of the program and not in the cache; papo list shows what is",
            model.name
        ))),
    }
}
