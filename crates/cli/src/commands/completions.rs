//! `papo completions`: what a shell has to know to complete the words of this program.

use clap_complete::{Shell, generate};

use crate::arguments::command;
use crate::failure::Outcome;
use crate::terminal::Output;

/// Prints the script of one shell.
pub fn run(shell: Shell) -> Outcome {
    let mut script = Vec::new();
    generate(shell, &mut command(), "papo", &mut script);
    let mut output = Output::standard();
    output.text(String::from_utf8_lossy(&script))?;
    output.flush()
}
