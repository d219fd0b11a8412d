//! `papo man`: the manual, made of the same words as `--help`.

use std::fs;
use std::path::Path;

use clap::Command;
use clap_mangen::Man;

use crate::arguments::command;
use crate::failure::{Failure, Outcome};
use crate::request::Manual;
use crate::terminal::Output;

/// Prints one page, or writes them all.
pub fn run(manual: Manual) -> Outcome {
    let mut whole = command().disable_help_subcommand(true);
    whole.build();
    let mut output = Output::standard();
    match manual {
        Manual::Page(path) => output.text(String::from_utf8_lossy(&page(find(&whole, &path)?)?))?,
        Manual::All(folder) => {
            let refused = |path: &Path, error| {
                Failure::new(format_args!(
                    "cannot write {}: {error}; choose another folder or mend its permissions",
                    path.display()
                ))
            };
            fs::create_dir_all(&folder).map_err(|error| refused(&folder, error))?;
            for command in all(&whole) {
                let file = folder.join(Man::new(command.clone()).get_filename());
                fs::write(&file, page(command)?).map_err(|error| refused(&file, error))?;
                output.line(file.display())?;
            }
        }
    }
    output.flush()
}

/// The command that these words name.
fn find<'a>(whole: &'a Command, path: &[String]) -> Result<&'a Command, Failure> {
    path.iter().try_fold(whole, |command, word| {
        command.find_subcommand(word).ok_or_else(|| {
            let names: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
            let instead = match &names[..] {
                [] => "it has none".to_owned(),
                names => format!("there are {}", names.join(", ")),
            };
            Failure::Usage(format!("{} has no command {word:?}; {instead}", command.get_name()))
        })
    })
}

/// A command and all below it.
fn all(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().filter(|command| !command.is_hide_set()).flat_map(all);
    [command].into_iter().chain(below).collect()
}

fn page(command: &Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    Man::new(command.clone())
        .source(concat!("papo ", env!("CARGO_PKG_VERSION")))
        .manual("Papo")
        .render(&mut page)?;
    Ok(page)
}
