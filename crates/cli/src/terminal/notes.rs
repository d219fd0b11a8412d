//! Words for the person at the terminal, on standard error: never results, never needed by a program.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use super::wrap::wrapped;
use crate::language::sentence;

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

    /// Prints one note, dim where colours are on, in the user's language.
    pub fn say(self, note: impl Display) {
        self.say_as_it_is(sentence(&note.to_string()));
    }

    /// Prints words that are not ours to translate.
    pub fn say_as_it_is(self, words: impl Display) {
        if !self.quiet {
            error_line(console::style(words.to_string()).for_stderr().dim());
        }
    }

    /// Prints a note of several lines, broken at words where the terminal is narrow.
    pub fn say_wrapped(self, note: impl Display) {
        let error = console::Term::stderr();
        let width = error.is_term().then(|| error.size().1.into());
        self.say_as_it_is(wrapped(&sentence(&note.to_string()), width));
    }

    /// Tells whoever sits at standard input that lines of it are waited for; a pipe needs no telling.
    pub fn ask_for(self, what: &str) {
        if io::stdin().is_terminal() {
            self.say(format_args!("Type {what} a line; Ctrl-D ends."));
        }
    }

    /// Whether moving pictures such as progress bars have a place.
    pub fn may_animate(self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }
}

/// Says on standard error what went wrong, quiet or not, in the user's language.
pub fn complain(english: &str) {
    error_line(format_args!("papo: {}", sentence(english)));
}

/// Prints one line on standard error as it is; a closed standard error is ignored, for whom could one tell?
pub fn error_line(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Shows on standard error that something may be typed.
pub fn prompt(words: &str) {
    let mut error = io::stderr().lock();
    let _ =
        write!(error, "{}", console::style(words).for_stderr().cyan().bold()).and_then(|()| error.flush());
}
