//! The `papo` command: the only place that knows arguments, terminals and exit codes.
//!
//! A run goes from top to bottom: `arguments.rs` (how commands are spelled) and `environment.rs` → `request.rs` (what they mean) →
//! `commands/` (one file each) → the library crate `papo`. `terminal.rs` is the way in and out, `failure.rs` the way
//! it ends.

#![forbid(unsafe_code)]

mod arguments;
mod command_line;
mod commands;
mod environment;
mod failure;
mod language;
mod loading;
mod memory;
mod output_file;
mod request;
mod terminal;
mod truncated;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::FromArgMatches;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use papo::GenerationConfig;

use arguments::{Arguments, Command};
use failure::Outcome;
use language::Language;
use request::Request;
use terminal::{Notes, complain};

/// Training takes and gives back large buffers at every step; the system's allocator returns their pages each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    language::speak(Language::of_environment());
    let words = arguments::with_explicit_switches(std::env::args_os(), &arguments::switch_names());
    let matches = language::command(arguments::command()).try_get_matches_from(&words);
    let arguments = match matches.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => arguments,
        Err(error) => return refuse(error, &words),
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            failure.exit_code()
        }
    }
}

fn run(arguments: Arguments) -> Outcome {
    let notes = if arguments.quiet { Notes::silent() } else { Notes::loud() };
    // Words about the program need nothing of its surroundings.
    if !matches!(arguments.command, Command::Completions(_) | Command::Man(_)) {
        environment::check(notes)?;
    }
    commands::run(Request::from_command(arguments.command)?, notes)
}

/// Prints what the parser has to say: help and version are results, all else is a wrong usage.
fn refuse(mut error: clap::Error, words: &[OsString]) -> ExitCode {
    match unsupported_option(&error) {
        Some(message) => complain(&message),
        None => {
            arguments::correct(&mut error, &mut language::command(arguments::command()), words);
            language::print(&error);
        }
    }
    ExitCode::from(error.exit_code() as u8)
}

/// Of a flag that is unknown here, what its option would do in `transformers`, if it is one of those.
fn unsupported_option(error: &clap::Error) -> Option<String> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let ContextValue::String(flag) = error.get(ContextKind::InvalidArg)? else { return None };
    let name = flag.strip_prefix("--")?.split('=').next()?;
    match GenerationConfig::default().set(name, "\"\"") {
        Err(error @ papo::generate::Error::Unsupported { .. }) => Some(error.to_string()),
        _ => None,
    }
}
