//! Words for the person at the terminal, on standard error: never results, never needed by a program.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

/// Where notes go: standard error, or nowhere under `--quiet`.
#[derive(Clone, Copy, Debug)]
pub struct Notes {
    quiet: bool,
}

impl Notes {
    /// Notes that are printed.
    pub fn loud() -> Notes {
        Notes { quiet: false }
    }

    /// Notes that are dropped.
    pub fn silent() -> Notes {
        Notes { quiet: true }
    }

    /// Prints one note, dim where colours are on.
    pub fn say(self, note: impl Display) {
        if !self.quiet {
            let note = note.to_string();
            complain(console::style(note.as_str()).for_stderr().dim());
        }
    }

    /// Whether moving pictures such as progress bars have a place.
    pub fn may_animate(self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }
}

/// Prints one line on standard error, quiet or not; a closed standard error is ignored, for whom could one tell?
pub fn complain(message: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{message}");
}
