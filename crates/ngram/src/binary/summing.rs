//! The sum of a file's body, taken while it is written; `header.rs` keeps it.

use std::io::{self, Write};

/// Counts and sums what is written.
pub(super) struct Summing<W: Write> {
    pub(super) out: W,
    pub(super) at: u64,
    pub(super) crc: crc32fast::Hasher,
}

impl<W: Write> Write for Summing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        self.crc.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
