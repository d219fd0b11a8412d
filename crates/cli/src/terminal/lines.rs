//! Lines of standard input, read so that no input can do harm: bytes that are no UTF-8 and lines of absurd length are
//! reported as such, and reading goes on behind them.
//!
//! A byte order mark before the first line is no text. Only `\n` ends a line. A `\r` before it stays part of the line: to a tokenizer it is a character like any other, JSON
//! ignores it, and chat trims it.

use std::fmt;
use std::io::{self, BufRead, Read};

/// Longest line that is kept, in bytes; the largest sensible input, a book, has a few million.
pub const MAX_LINE: usize = 64 << 20;

/// What editors on Windows and PowerShell put before UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A line that cannot be used, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub enum BadLine {
    /// Bytes that are no UTF-8; the text has them replaced by `U+FFFD`.
    NotUtf8 { number: usize, repaired: String },
    /// Longer than [`MAX_LINE`].
    TooLong { number: usize },
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadLine::NotUtf8 { number, .. } => {
                write!(f, "line {number} is not valid UTF-8; save the input as UTF-8 and try again")
            }
            BadLine::TooLong { number } => {
                write!(f, "line {number} is longer than {} MiB; split it into shorter lines", MAX_LINE >> 20)
            }
        }
    }
}

/// An iterator over the lines of a reader, without their line ends.
pub struct Lines<R> {
    reader: R,
    number: usize,
    limit: usize,
}

impl<R: BufRead> Lines<R> {
    /// Reads lines of at most [`MAX_LINE`] bytes.
    pub fn new(reader: R) -> Lines<R> {
        Lines { reader, number: 0, limit: MAX_LINE }
    }

    /// The next line; `None` at the end of input. Errors: the reader's own.
    fn read(&mut self) -> io::Result<Option<Result<String, BadLine>>> {
        let mut bytes = Vec::new();
        // One byte more than the limit tells a line that fits from one that does not.
        let read = self.reader.by_ref().take(self.limit as u64 + 1).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let number = self.number;
        if number == 1 && bytes.starts_with(MARK) {
            bytes.drain(..MARK.len());
            if bytes.is_empty() {
                return Ok(None);
            }
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        } else if bytes.len() > self.limit {
            self.skip_rest_of_line()?;
            return Ok(Some(Err(BadLine::TooLong { number })));
        }
        Ok(Some(String::from_utf8(bytes).map_err(|error| BadLine::NotUtf8 {
            number,
            repaired: String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })))
    }

    fn skip_rest_of_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            let (used, done) = match buffer.iter().position(|&byte| byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            self.reader.consume(used);
            if done {
                return Ok(());
            }
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Result<String, BadLine>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8], limit: usize) -> Vec<Result<String, BadLine>> {
        Lines { reader: input, number: 0, limit }.map(|line| line.unwrap()).collect()
    }

    #[test]
    fn empty_lines_count_and_a_last_line_needs_no_end() {
        assert_eq!(read(b"a\n\nb", 9), [Ok("a".into()), Ok("".into()), Ok("b".into())]);
        assert_eq!(read(b"", 9), []);
        assert_eq!(read(b"\n", 9), [Ok("".into())]);
        assert_eq!(read(b"a\r\n", 9), [Ok("a\r".into())]);
    }

    #[test]
    fn a_byte_order_mark_before_the_first_line_is_no_text() {
        assert_eq!(read(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", 9), [Ok("a".into()), Ok("\u{feff}b".into())]);
        assert_eq!(read(b"\xef\xbb\xbf", 9), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_reported_and_the_next_one_is_read() {
        let long = Err(BadLine::TooLong { number: 1 });
        assert_eq!(read(b"123456\nok\n", 5), [long, Ok("ok".into())]);
        assert_eq!(read(b"12345\nok\n", 5), [Ok("12345".into()), Ok("ok".into())]);
        assert_eq!(read(b"123456", 5), [Err(BadLine::TooLong { number: 1 })]);
    }

    #[test]
    fn bytes_that_are_no_utf8_are_reported_with_their_line_number() {
        let lines = read(b"ok\n\xff\xfe!\nok", 9);
        assert_eq!(lines[1], Err(BadLine::NotUtf8 { number: 2, repaired: "\u{fffd}\u{fffd}!".into() }));
        assert_eq!(lines[2], Ok("ok".into()));
    }
}
