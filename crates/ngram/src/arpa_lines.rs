//! The lines of an ARPA file: numbered, of bounded length, unpacked where they are gzipped.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::Error;
use crate::arpa_problem::ArpaProblem;

/// Most bytes of a line: far more than eight long words, and little enough to hold.
const LONGEST: usize = 1 << 20;

/// Bytes that part fields. Other white space, such as a no-break space, may be part of a word.
pub(crate) fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n')
}

/// A cursor over the lines of an input.
pub(crate) struct Lines<'a> {
    input: Box<dyn BufRead + 'a>,
    name: &'a Path,
    packed: bool,
    /// Number of the line in `line`, from 1; 0 before the first.
    number: u64,
    line: Vec<u8>,
    is_put_back: bool,
}

impl<'a> Lines<'a> {
    /// Looks at the first bytes and unpacks what is gzip.
    pub(crate) fn open(mut input: impl BufRead + 'a, name: &'a Path) -> Result<Self, Error> {
        let mut first = [0; 2];
        let filled = fill(&mut input, &mut first).map_err(Error::reading(name))?;
        let begin = io::Cursor::new(first).take(filled as u64);
        let packed = first == [0x1f, 0x8b];
        let input: Box<dyn BufRead + 'a> = if packed {
            Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(begin.chain(input))))
        } else {
            Box::new(begin.chain(input))
        };
        Ok(Self { input, name, packed, number: 0, line: Vec::new(), is_put_back: false })
    }

    /// The next line without its end; `None` at the end of the input.
    pub(crate) fn next_line(&mut self) -> Result<Option<&str>, Error> {
        if std::mem::take(&mut self.is_put_back) {
            return Ok(Some(self.current()));
        }
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
        if self.line.len() > LONGEST {
            return Err(self.error(ArpaProblem::LongLine { most: LONGEST }));
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
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

    /// The next line that has more than space on it.
    pub(crate) fn next_filled(&mut self) -> Result<Option<&str>, Error> {
        loop {
            match self.next_line()? {
                None => return Ok(None),
                Some(line) if line.chars().all(is_space) => {}
                Some(_) => return Ok(Some(self.current())),
            }
        }
    }

    /// Reads a gzip stream to its end, where its check sum stands.
    pub(crate) fn check_stream(&mut self) -> Result<(), Error> {
        if !self.packed {
            return Ok(());
        }
        match io::copy(&mut self.input, &mut io::sink()) {
            Ok(_) => Ok(()),
            Err(source) => Err(self.error(ArpaProblem::Gzip { reason: source.to_string() })),
        }
    }

    /// The line that was read last; it was found to be UTF-8 then.
    pub(crate) fn current(&self) -> &str {
        std::str::from_utf8(&self.line).unwrap_or_default()
    }

    /// Makes the line that was read last the next one again.
    pub(crate) fn put_back(&mut self) {
        self.is_put_back = true;
    }

    /// Number of the line that was read last, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// A problem at the line that was read last.
    pub(crate) fn error(&self, problem: ArpaProblem) -> Error {
        self.error_at(self.number, problem)
    }

    /// A problem at a line.
    pub(crate) fn error_at(&self, line: u64, problem: ArpaProblem) -> Error {
        Error::Arpa { path: self.name.to_owned(), line, problem }
    }
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
