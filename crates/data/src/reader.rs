//! The bytes of text behind an input: unpacked, and without the byte order mark.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use crate::signature::{LOOKED_AT, Signature};
use crate::{Error, Input};

const BUFFER: usize = 1 << 18;

/// What is read.
pub(crate) struct Reader {
    path: PathBuf,
    input: Box<dyn BufRead + Send>,
    packed: bool,
    taken: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Reader {
    /// Looks at the first bytes, unpacks gzip and drops the mark; what is known not to be text is refused by what it is.
    pub fn open(input: &Input) -> Result<Reader, Error> {
        let taken = Arc::new(AtomicU64::new(0));
        let source = Counted { source: input.open()?, taken: taken.clone() };
        let mut reader = Reader {
            path: input.path().to_owned(),
            input: Box::new(BufReader::with_capacity(BUFFER, source)),
            packed: false,
            taken,
            total: input.bytes(),
        };
        if reader.look()? == Signature::Gzip {
            let packed = std::mem::replace(&mut reader.input, Box::new(io::empty()));
            reader.packed = true;
            reader.input = Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(packed)));
            if reader.look()? == Signature::Gzip {
                return Err(Error::NoText {
                    path: reader.path,
                    what: "packed by gzip twice",
                    advice: "unpack it once with gunzip",
                });
            }
        }
        Ok(reader)
    }

    /// Looks at what comes next, passes over a mark, and refuses what is no text.
    fn look(&mut self) -> Result<Signature, Error> {
        let mut first = self.peek(LOOKED_AT)?;
        let signature = Signature::of(&first);
        match signature {
            Signature::Refused { what, advice } => {
                return Err(Error::NoText { path: self.path.clone(), what, advice });
            }
            Signature::MarkedUtf8 => {
                self.input.by_ref().take(3).read_to_end(&mut first).map_err(|error| self.failed(error))?;
            }
            Signature::Gzip | Signature::Unknown => {}
        }
        Ok(signature)
    }

    /// What comes next, so many bytes where there are so many; they stay there to be read.
    pub fn peek(&mut self, bytes: usize) -> Result<Vec<u8>, Error> {
        let mut next = Vec::new();
        let looked = self.input.by_ref().take(bytes as u64).read_to_end(&mut next);
        looked.map_err(|error| self.failed(error))?;
        let rest = std::mem::replace(&mut self.input, Box::new(io::empty()));
        self.input = Box::new(Cursor::new(next.clone()).chain(rest));
        Ok(next)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file, packed as they are, that were read so far, and all of them where that is known.
    pub fn progress(&self) -> (u64, Option<u64>) {
        (self.taken.load(Ordering::Relaxed), self.total)
    }

    /// Reads a line of at most so many bytes, its line feed included.
    pub fn read_line(&mut self, most: usize, bytes: &mut Vec<u8>) -> Result<usize, Error> {
        let read = self.input.by_ref().take(most as u64).read_until(b'\n', bytes);
        read.map_err(|error| self.failed(error))
    }

    /// Appends what comes next, about as much as is buffered; 0 at the end.
    pub fn read_some(&mut self, bytes: &mut Vec<u8>) -> Result<usize, Error> {
        loop {
            match self.input.fill_buf() {
                Ok(buffer) => {
                    let read = buffer.len();
                    bytes.extend_from_slice(buffer);
                    self.input.consume(read);
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    fn failed(&self, source: io::Error) -> Error {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        let path = self.path.clone();
        if self.packed && matches!(source.kind(), InvalidData | InvalidInput | UnexpectedEof) {
            return Error::Gzip { path, reason: source.to_string() };
        }
        Error::Read { path, source }
    }
}

/// Counts what is taken from a source.
struct Counted<R> {
    source: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.taken.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
