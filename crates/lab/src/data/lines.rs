//! The lines of a text file, compressed by gzip or not, with their numbers.
//!
//! A file that is not text is refused with the line at which that showed: training on the bytes of a picture would go
//! without a hitch and teach nothing. Lines end with a line feed, with or without a carriage return before it; a byte order
//! mark at the very beginning is no text.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::Error;

/// The lines of one file.
pub struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
    number: usize,
}

/// The two bytes that every gzip file begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

impl Lines {
    /// Opens a file; whether it is compressed is seen by its first bytes.
    pub fn open(path: &Path) -> Result<Lines, Error> {
        let failed = |source| Error::Read { path: path.to_owned(), source };
        let mut reader = BufReader::with_capacity(1 << 16, File::open(path).map_err(failed)?);
        let compressed = reader.fill_buf().map_err(failed)?.starts_with(&GZIP);
        let reader: Box<dyn BufRead + Send> = if compressed {
            Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(reader)))
        } else {
            Box::new(reader)
        };
        Ok(Lines { path: path.to_owned(), reader, number: 0 })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next line with its number, the first being 1, and the line feed that ended it; `None` at the end of the file.
    fn read(&mut self) -> Result<Option<(usize, String)>, Error> {
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().read_until(b'\n', &mut bytes);
        if read.map_err(|source| Error::Read { path: self.path.clone(), source })? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if bytes.contains(&0) {
            return Err(Error::Binary { path: self.path.clone(), line: self.number });
        }
        let mut text = String::from_utf8(bytes).map_err(|error| Error::NotUtf8 {
            path: self.path.clone(),
            line: self.number,
            byte: error.utf8_error().valid_up_to() + 1,
        })?;
        if self.number == 1 && text.starts_with('\u{feff}') {
            text.remove(0);
        }
        if text.ends_with("\r\n") {
            text.truncate(text.len() - 2);
            text.push('\n');
        }
        Ok(Some((self.number, text)))
    }
}

impl Iterator for Lines {
    type Item = Result<(usize, String), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn lines(bytes: &[u8]) -> Vec<Result<(usize, String), String>> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        Lines::open(file.path()).unwrap().map(|line| line.map_err(|error| error.to_string())).collect()
    }

    #[test]
    fn endings_and_marks_of_other_systems_are_no_text() {
        let found: Vec<_> =
            lines(b"\xef\xbb\xbfone\r\ntwo\n\nlast").into_iter().map(Result::unwrap).collect();
        let expected = [(1, "one\n"), (2, "two\n"), (3, "\n"), (4, "last")];
        assert_eq!(found, expected.map(|(number, text)| (number, text.to_owned())));
    }

    #[test]
    fn a_compressed_file_reads_like_a_plain_one() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all("olá\nmundo\n".as_bytes()).unwrap();
        let found = lines(&encoder.finish().unwrap());
        assert_eq!(found, [Ok((1, "olá\n".to_owned())), Ok((2, "mundo\n".to_owned()))]);
    }

    #[test]
    fn what_is_no_text_is_refused_by_file_and_line() {
        let binary = lines(b"fine\nnot \0 fine\n");
        assert!(binary[1].as_ref().unwrap_err().contains("line 2"), "{binary:?}");
        let latin = lines(b"fine\nfine\ncaf\xe9\n");
        let message = latin[2].as_ref().unwrap_err();
        assert!(
            message.contains("line 3") && message.contains("byte 4") && message.contains("UTF-8"),
            "{message}"
        );
    }
}
