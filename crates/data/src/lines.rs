//! The lines of a text, numbered and without their ends.
//!
//! A line ends with a line feed, with or without a carriage return before it. What is no text is refused with its line: training on the
//! bytes of a picture would go without a hitch and teach nothing.

use std::path::Path;

use crate::reader::Reader;
use crate::{Error, Input};

/// The longest line that is read, in bytes; the largest sensible one, a book, has a few million.
pub const LONGEST_LINE: usize = 64 << 20;

/// The lines of one input.
pub struct Lines {
    reader: Reader,
    number: u64,
    longest: usize,
}

impl Lines {
    /// Opens an input.
    pub fn open(input: &Input) -> Result<Lines, Error> {
        Ok(Lines::of(Reader::open(input)?))
    }

    /// The lines of what was opened.
    pub(crate) fn of(reader: Reader) -> Lines {
        Lines { reader, number: 0, longest: LONGEST_LINE }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.reader.path()
    }

    /// The number of the line that came last, from 1; 0 before the first.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Bytes that were read so far, and all of them where that is known.
    pub fn progress(&self) -> (u64, Option<u64>) {
        self.reader.progress()
    }

    /// A sentence about the line that came last, as an error.
    pub fn wrong(&self, reason: impl Into<String>) -> Error {
        Error::Line { path: self.path().to_owned(), line: self.number, reason: reason.into() }
    }

    fn read(&mut self) -> Result<Option<String>, Error> {
        let mut bytes = Vec::new();
        if self.reader.read_line(self.longest + 1, &mut bytes)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let (path, line) = (|| self.path().to_owned(), self.number);
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        } else if bytes.len() > self.longest {
            return Err(Error::LongLine { path: path(), line });
        }
        if bytes.contains(&0) {
            return Err(Error::Zero { path: path(), line });
        }
        String::from_utf8(bytes).map(Some).map_err(|error| {
            let byte = error.utf8_error().valid_up_to() as u64 + 1;
            Error::NotUtf8 { path: path(), line, byte }
        })
    }
}

impl Iterator for Lines {
    type Item = Result<String, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn lines(bytes: &[u8]) -> Result<Vec<String>, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let lines = Lines::open(&Input::new(file.path()));
        lines.and_then(Iterator::collect::<Result<_, _>>).map_err(|error| error.to_string())
    }

    #[test]
    fn ends_and_marks_of_other_systems_are_no_text() {
        let text = b"\xef\xbb\xbfone\r\ntwo\n\nlast";
        assert_eq!(lines(text).unwrap(), ["one", "two", "", "last"]);
        assert_eq!(lines(&packed(text)).unwrap(), ["one", "two", "", "last"]);
        assert_eq!(lines(b"a\rb\r\r\n").unwrap(), ["a\rb\r"]);
        assert!(lines(b"").unwrap().is_empty());
        assert_eq!(lines(b"\xef\xbb\xbf").unwrap(), [""; 0]);
        assert_eq!(
            lines("a\n\u{feff}b\n".as_bytes()).unwrap(),
            ["a", "\u{feff}b"],
            "only the first is a mark"
        );
    }

    #[test]
    fn a_packed_file_reads_like_a_plain_one_whatever_its_name() {
        let mut members = packed("olá\n".as_bytes());
        members.extend(packed(b"mundo\n"));
        assert_eq!(lines(&members).unwrap(), ["olá", "mundo"]);
    }

    #[test]
    fn what_is_no_text_is_refused_by_its_line() {
        let told = |bytes: &[u8], words: [&str; 2]| {
            let error = lines(bytes).unwrap_err();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        };
        told(b"fine\nnot \0 fine\n", ["line 2", "zero byte"]);
        told(b"fine\nfine\ncaf\xe9\n", ["line 3: byte 4", "UTF-8"]);
        told(&packed(b"fine\ncaf\xe9\n"), ["line 2", "UTF-8"]);
        told(b"\xff\xfeh\0i\0\n\0", ["UTF-16", "iconv"]);
        told(&packed(&packed(b"text\n")), ["twice", "gunzip"]);
        let whole = packed("a line that goes on\n".repeat(1000).as_bytes());
        told(&whole[..whole.len() - 9], ["gzip", "damaged"]);
        told(&[&whole[..20], &[0x55; 40]].concat(), ["gzip", "damaged"]);
    }

    #[test]
    fn a_line_of_absurd_length_is_refused() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"12345\n123456\n").unwrap();
        let mut lines = Lines { longest: 5, ..Lines::open(&Input::new(file.path())).unwrap() };
        assert_eq!(lines.next().unwrap().unwrap(), "12345");
        assert!(lines.next().unwrap().unwrap_err().to_string().contains("line 2: longer than"));
    }
}
