//! Files mapped into memory, read-only: the one place of this crate with `unsafe`.
//!
//! Bytes that are in memory anyway, such as a model built into a program, take the same way without a map.
//!
//! A map costs no copy and no memory of its own: pages come from the file when they are touched and may be dropped again
//! ([`MappedFile::release`]) once a tensor has been packed into the form that the kernels want, so that the weights are
//! never held twice.

#![allow(unsafe_code)]

use std::borrow::Cow;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use crate::Error;

/// A whole file as a slice of bytes: mapped, or in memory already.
#[derive(Debug)]
pub struct MappedFile {
    path: PathBuf,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Mapped(Mmap),
    Memory(Cow<'static, [u8]>),
}

impl MappedFile {
    /// Maps the file at `path`; an empty file gives an empty slice.
    ///
    /// # Errors
    /// What is no regular file, and what the operating system reports.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let refused = |source| Error::Read { path: path.to_path_buf(), source };
        let file = File::open(path).map_err(refused)?;
        if !file.metadata().map_err(refused)?.is_file() {
            return Err(refused(std::io::Error::other("it is not a regular file")));
        }
        // SAFETY: the map is read-only and only ever seen as bytes, so any content is valid. What remains is the hazard of
        // every mapped file: whoever truncates it while it is in use ends this process with SIGBUS. The hub's cache and our own
        // writer never change a file in place (they write beside it and rename), which leaves the old map intact.
        let map = unsafe { Mmap::map(&file) }.map_err(refused)?;
        Ok(MappedFile { path: path.to_path_buf(), content: Content::Mapped(map) })
    }

    /// Bytes that are in memory already, under a name for messages.
    pub fn in_memory(name: &Path, bytes: Cow<'static, [u8]>) -> Self {
        MappedFile { path: name.to_path_buf(), content: Content::Memory(bytes) }
    }

    /// Where the file lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Mapped(map) => map,
            Content::Memory(bytes) => bytes,
        }
    }

    /// Tells the system that the pages of `range` are not needed for now; reading them again fetches them from the file.
    pub(crate) fn release(&self, range: Range<usize>) {
        let Content::Mapped(map) = &self.content else { return };
        if range.start >= range.end || range.end > map.len() {
            return;
        }
        #[cfg(unix)]
        {
            // SAFETY: `DontNeed` would lose changes made to private pages, but this map is read-only: no page was ever
            // written, so each one is fetched again from the file with the same bytes. Failure is harmless, it is advice.
            let _ = unsafe {
                map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, range.start, range.len())
            };
        }
    }
}

impl AsRef<[u8]> for MappedFile {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn released_pages_come_back_with_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pages");
        let content: Vec<u8> = (0..40_000_u32).map(|n| (n % 251) as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let file = MappedFile::open(&path).unwrap();
        assert_eq!(file.bytes(), content);
        file.release(100..30_000);
        file.release(0..usize::MAX);
        assert_eq!(file.bytes(), content);
    }

    #[test]
    fn an_empty_file_is_an_empty_slice_and_a_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty");
        std::fs::write(&path, "").unwrap();
        assert!(MappedFile::open(&path).unwrap().bytes().is_empty());
        assert!(MappedFile::open(folder.path()).is_err());
    }
}
