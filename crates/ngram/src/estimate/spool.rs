//! Records in a temporary file: written once, front to back, then read as often as needed.
//!
//! The file has no name from the moment it is made, so nothing remains of it however the program ends.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::packed::Record;
use crate::Error;

/// Bytes that are read or written at once.
const BLOCK: usize = 1 << 18;

/// A file that is being written.
pub struct SpoolWriter<const R: usize> {
    file: File,
    folder: PathBuf,
    block: Vec<u8>,
    records: u64,
}

/// A file that is complete.
pub struct Spool<const R: usize> {
    file: File,
    folder: PathBuf,
    records: u64,
}

/// A pass over a file; one at a time, because passes share its position.
pub struct SpoolReader<'a, const R: usize> {
    file: &'a File,
    folder: &'a Path,
    block: Vec<u8>,
    next: usize,
    left: u64,
}

impl<const R: usize> SpoolWriter<R> {
    /// A file in this folder.
    pub fn new(folder: &Path) -> Result<Self, Error> {
        let file = tempfile::tempfile_in(folder).map_err(Error::temporary(folder))?;
        Ok(Self { file, folder: folder.to_owned(), block: Vec::with_capacity(BLOCK + 8 * R), records: 0 })
    }

    /// Adds a record at the end.
    #[inline]
    pub fn push(&mut self, record: &Record<R>) -> Result<(), Error> {
        for number in record {
            self.block.extend_from_slice(&number.to_le_bytes());
        }
        self.records += 1;
        if self.block.len() >= BLOCK { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.file.write_all(&self.block).map_err(Error::temporary(&self.folder))?;
        self.block.clear();
        Ok(())
    }

    /// Ends the writing.
    pub fn finish(mut self) -> Result<Spool<R>, Error> {
        self.flush()?;
        Ok(Spool { file: self.file, folder: self.folder, records: self.records })
    }
}

impl<const R: usize> Spool<R> {
    /// Number of records.
    pub fn len(&self) -> u64 {
        self.records
    }

    /// Reads from the front.
    pub fn read(&mut self) -> Result<SpoolReader<'_, R>, Error> {
        self.file.seek(SeekFrom::Start(0)).map_err(Error::temporary(&self.folder))?;
        Ok(SpoolReader {
            file: &self.file,
            folder: &self.folder,
            block: Vec::new(),
            next: 0,
            left: self.records,
        })
    }
}

impl<const R: usize> SpoolReader<'_, R> {
    /// The next record, if there is one.
    #[inline]
    pub fn next(&mut self) -> Result<Option<Record<R>>, Error> {
        if self.next == self.block.len() {
            if self.left == 0 {
                return Ok(None);
            }
            self.fill().map_err(Error::temporary(self.folder))?;
        }
        let bytes = &self.block[self.next..self.next + 8 * R];
        self.next += 8 * R;
        Ok(Some(record(bytes)))
    }

    fn fill(&mut self) -> io::Result<()> {
        let records = self.left.min((BLOCK / (8 * R)) as u64);
        self.block.resize(records as usize * 8 * R, 0);
        self.file.read_exact(&mut self.block)?;
        self.left -= records;
        self.next = 0;
        Ok(())
    }
}

#[inline]
fn record<const R: usize>(bytes: &[u8]) -> Record<R> {
    let mut record = [0; R];
    for (number, bytes) in record.iter_mut().zip(bytes.chunks_exact(8)) {
        *number = u64::from_le_bytes(bytes.try_into().expect("a chunk of 8 bytes"));
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_twice() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = SpoolWriter::<3>::new(folder.path()).unwrap();
        let count = 100_000;
        for number in 0..count {
            writer.push(&[number, u64::MAX - number, number * number]).unwrap();
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
        let mut spool = writer.finish().unwrap();
        assert_eq!(spool.len(), count);
        for _ in 0..2 {
            let mut reader = spool.read().unwrap();
            for number in 0..count {
                assert_eq!(reader.next().unwrap(), Some([number, u64::MAX - number, number * number]));
            }
            assert_eq!(reader.next().unwrap(), None);
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let message = SpoolWriter::<2>::new(Path::new("no/such/folder")).err().unwrap().to_string();
        assert!(message.contains("no/such/folder") && message.contains("temporary"), "{message}");
    }
}
