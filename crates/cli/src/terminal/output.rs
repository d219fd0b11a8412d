//! Standard output, written so that a reader who leaves early is no accident.

use std::fmt::{self, Display};
use std::io::{self, BufWriter, Stdout, Write};

use crate::failure::{Failure, Outcome};

/// Standard output, buffered until a result is complete.
pub struct Output {
    inner: BufWriter<Stdout>,
}

impl Output {
    /// Standard output of this process.
    pub fn standard() -> Output {
        Output { inner: BufWriter::new(io::stdout()) }
    }

    /// Writes text as it is.
    pub fn text(&mut self, text: impl Display) -> Outcome {
        write!(self.inner, "{text}").map_err(Failure::writing_output)
    }

    /// Writes text and ends the line.
    pub fn line(&mut self, text: impl Display) -> Outcome {
        writeln!(self.inner, "{text}").map_err(Failure::writing_output)
    }

    /// Hands everything written so far to the reader, who may be waiting for it.
    pub fn flush(&mut self) -> Outcome {
        self.inner.flush().map_err(Failure::writing_output)
    }
}

/// Text for a terminal, with what steers one made visible.
///
/// Replies and file names come from models and files of others: an escape sequence in them could retitle, recolour or
/// clear the user's screen, and a change of writing direction could make it read as something else. Line ends and tabs
/// are kept.
pub fn printable(text: &str) -> impl Display + '_ {
    Printable(text)
}

struct Printable<'a>(&'a str);

impl Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        for c in self.0.chars() {
            match c {
                '\n' | '\t' => f.write_char(c)?,
                c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                    write!(f, "{}", c.escape_unicode())?
                }
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_shown_and_not_obeyed() {
        assert_eq!(printable("olá\n\u{1b}[2Jok").to_string(), "olá\n\\u{1b}[2Jok");
        assert_eq!(printable("a\u{202e}b").to_string(), "a\\u{202e}b");
    }
}
