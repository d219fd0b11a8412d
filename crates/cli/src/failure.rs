//! How a command ends other than well, and the exit code each way has.
//!
//! Scripts rely on the codes: 0 it worked, 1 it failed and said why on standard error, 2 it was asked wrongly.
//! Errors of the library crates are whole sentences that tell their own causes, so the topmost is all there is to print.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use crate::terminal::complain;

/// Why a command stopped before its end.
#[derive(Debug)]
pub enum Failure {
    /// The request makes no sense, whatever the machine holds: exit code 2.
    Usage(String),
    /// Something went wrong on the way: exit code 1.
    Error(anyhow::Error),
    /// Some parts failed, each was reported where it happened, and the rest was done: exit code 1.
    Reported,
    /// Nobody reads standard output any more (`papo … | head`): a quiet end, exit code 0.
    ClosedPipe,
}

/// What a command returns.
pub type Outcome = Result<(), Failure>;

impl Failure {
    /// A failure told by one sentence.
    pub fn new(sentence: impl Display) -> Failure {
        Failure::Error(anyhow::anyhow!("{sentence}"))
    }

    /// A failed write to standard output; a closed pipe is no error.
    pub fn writing_output(error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::ClosedPipe;
        }
        Failure::new(format_args!(
            "cannot write to standard output: {error}; free some space or send the output elsewhere, and run the \
             command again"
        ))
    }

    /// A failed read of standard input.
    pub fn reading_input(error: io::Error) -> Failure {
        Failure::new(format_args!(
            "cannot read standard input: {error}; check the file or program it comes from"
        ))
    }

    /// Tells the user on standard error, unless there is nothing to tell.
    pub fn report(&self) {
        if let Some(message) = self.message() {
            complain(&message);
        }
    }

    /// What to print on standard error, if anything.
    pub fn message(&self) -> Option<String> {
        match self {
            Failure::Usage(sentence) => Some(sentence.clone()),
            Failure::Error(error) => Some(error.to_string()),
            Failure::Reported | Failure::ClosedPipe => None,
        }
    }

    /// The exit code of the process.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Failure::Usage(_) => ExitCode::from(2),
            Failure::Error(_) | Failure::Reported => ExitCode::FAILURE,
            Failure::ClosedPipe => ExitCode::SUCCESS,
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::Error(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_silent_and_a_full_disk_is_not() {
        let closed = Failure::writing_output(io::ErrorKind::BrokenPipe.into());
        assert!(closed.message().is_none());
        let full = Failure::writing_output(io::ErrorKind::StorageFull.into());
        assert!(full.message().unwrap().contains("standard output"));
    }
}
