//! The lines of an ARPA file: numbered, of bounded length, unpacked where they are gzipped, without a byte order mark.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::foreign::{LOOKED_AT, foreign};
use super::problem::ArpaProblem;
use crate::Error;

/// Most bytes of a line: far more than eight long words, and little enough to hold.
const LONGEST: usize = 1 << 20;

/// What parts fields, as for KenLM. Other white space, such as a form feed or a no-break space, is part of a word.
pub(super) fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n')
}

/// A cursor over the lines of an input.
pub(super) struct Lines<'a> {
    input: Box<dyn BufRead + 'a>,
    name: &'a Path,
    packed: bool,
    /// Number of the line in `line`, from 1; 0 before the first.
    number: u64,
    line: Vec<u8>,
    is_put_back: bool,
}

impl<'a> Lines<'a> {
    /// Looks at the first bytes, unpacks what is gzip, and refuses by its name what is of another format.
    pub(super) fn open(input: impl BufRead + 'a, name: &'a Path) -> Result<Self, Error> {
        let (first, input) = peeked(input).map_err(Error::reading(name))?;
        let packed = first.starts_with(&[0x1f, 0x8b]);
        let mut lines = Self { input, name, packed, number: 0, line: Vec::new(), is_put_back: false };
        let mut first = first;
        if packed {
            let unpacked = BufReader::with_capacity(1 << 16, MultiGzDecoder::new(lines.input));
            let (inner, input) = match peeked(unpacked) {
                Ok(peeked) => peeked,
                Err(source) => {
                    let problem = ArpaProblem::Gzip { reason: source.to_string() };
                    return Err(Error::Arpa { path: name.to_owned(), line: 1, problem });
                }
            };
            (first, lines.input) = (inner, input);
        }
        if let Some((what, advice)) = foreign(&first) {
            return Err(Error::NotArpa { path: name.to_owned(), what, advice });
        }
        if first.starts_with(b"\xef\xbb\xbf") {
            let mut mark = [0; 3];
            lines.input.read_exact(&mut mark).map_err(Error::reading(name))?;
        }
        Ok(lines)
    }

    /// The next line without its end; `None` at the end of the input.
    pub(super) fn next_line(&mut self) -> Result<Option<&str>, Error> {
        if std::mem::take(&mut self.is_put_back) {
            return Ok(Some(self.current()));
        }
        if self.next_bytes()?.is_none() {
            return Ok(None);
        }
        match std::str::from_utf8(&self.line) {
            Ok(line) => Ok(Some(line)),
            Err(_) => Err(Error::Arpa {
                path: self.name.to_owned(),
                line: self.number,
                problem: ArpaProblem::NotUtf8,
            }),
        }
    }

    /// The next line without its end, in whatever encoding it is.
    pub(super) fn next_bytes(&mut self) -> Result<Option<&[u8]>, Error> {
        self.line.clear();
        let read = self.input.by_ref().take(LONGEST as u64 + 1).read_until(b'\n', &mut self.line);
        if let Err(source) = read {
            self.number += 1;
            return Err(match self.packed {
                true => self.error(ArpaProblem::Gzip { reason: source.to_string() }),
                false => Error::Read { path: self.name.to_owned(), source },
            });
        }
        if self.line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if self.number == 1 && self.line.starts_with(b"\xef\xbb\xbf") {
            // A byte order mark is no text.
            self.line.drain(..3);
        }
        if self.line.len() > LONGEST {
            return Err(self.error(ArpaProblem::LongLine { most: LONGEST }));
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        }
        Ok(Some(&self.line))
    }

    /// The next line that has more than space on it.
    pub(super) fn next_filled(&mut self) -> Result<Option<&str>, Error> {
        loop {
            match self.next_line()? {
                None => return Ok(None),
                Some(line) if line.chars().all(is_space) => {}
                Some(_) => return Ok(Some(self.current())),
            }
        }
    }

    /// Reads a gzip stream to its end, where its check sum stands.
    pub(super) fn check_stream(&mut self) -> Result<(), Error> {
        if !self.packed {
            return Ok(());
        }
        match io::copy(&mut self.input, &mut io::sink()) {
            Ok(_) => Ok(()),
            Err(source) => Err(self.error(ArpaProblem::Gzip { reason: source.to_string() })),
        }
    }

    /// The line that was read last; it was found to be UTF-8 then.
    pub(super) fn current(&self) -> &str {
        std::str::from_utf8(&self.line).unwrap_or_default()
    }

    /// Makes the line that was read last the next one again.
    pub(super) fn put_back(&mut self) {
        self.is_put_back = true;
    }

    /// Number of the line that was read last, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// A problem at the line that was read last.
    pub(super) fn error(&self, problem: ArpaProblem) -> Error {
        self.error_at(self.number, problem)
    }

    /// A problem at a line.
    pub(super) fn error_at(&self, line: u64, problem: ArpaProblem) -> Error {
        Error::Arpa { path: self.name.to_owned(), line, problem }
    }
}

/// The first bytes of an input, and the input with them in front again.
fn peeked<'a>(mut input: impl BufRead + 'a) -> io::Result<(Vec<u8>, Box<dyn BufRead + 'a>)> {
    let mut first = vec![0; LOOKED_AT];
    let filled = fill(&mut input, &mut first)?;
    first.truncate(filled);
    Ok((first.clone(), Box::new(io::Cursor::new(first).chain(input))))
}

/// Reads until the buffer is full or the input ends.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
