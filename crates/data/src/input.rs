//! Where bytes come from: a file, a pipe, or standard input, which is called `-`.
//!
//! A file can be opened as often as one likes. What comes through a pipe comes once: opened a second time it is at its end, or, being a
//! FIFO, waits for a second writer for ever. Whoever reads more than once lets [`Input::hold`] keep it first, in a temporary file
//! without a name, which is gone whatever ends the program.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Error;

/// A file, a pipe or standard input.
#[derive(Clone, Debug)]
pub struct Input {
    path: PathBuf,
    kept: Option<Arc<File>>,
}

/// The bytes of an input, as they are.
pub type Source = Box<dyn Read + Send>;

impl Input {
    /// What a path names; `-` is standard input.
    pub fn new(path: impl Into<PathBuf>) -> Input {
        Input { path: path.into(), kept: None }
    }

    /// The path that names it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is standard input.
    pub fn is_standard(&self) -> bool {
        self.path.as_os_str() == "-"
    }

    /// How messages call it.
    pub fn shown(&self) -> impl fmt::Display + '_ {
        shown(&self.path)
    }

    /// Whether it can be opened more than once.
    pub fn is_repeatable(&self) -> bool {
        self.kept.is_some()
            || (!self.is_standard() && self.path.metadata().is_ok_and(|about| about.is_file()))
    }

    /// Fails where there is nothing to be read; nothing is opened, so a pipe is left as it is.
    pub fn check(&self) -> Result<(), Error> {
        if self.is_standard() || self.kept.is_some() {
            return Ok(());
        }
        let about = self.path.metadata().map_err(|source| self.failed(source))?;
        if about.is_dir() { Err(Error::Folder { path: self.path.clone() }) } else { Ok(()) }
    }

    /// Makes sure that it can be opened more than once: what is no file is read into a temporary file in this folder.
    pub fn hold(&mut self, folder: &Path) -> Result<(), Error> {
        if self.is_repeatable() {
            return Ok(());
        }
        let mut source = self.open()?;
        let unkept = |source| Error::Spool { path: self.path.clone(), folder: folder.to_owned(), source };
        let mut file = tempfile::tempfile_in(folder).map_err(unkept)?;
        io::copy(&mut source, &mut file).map_err(unkept)?;
        self.kept = Some(Arc::new(file));
        Ok(())
    }

    /// Its bytes from the first to the last.
    pub fn open(&self) -> Result<Source, Error> {
        if let Some(file) = &self.kept {
            return Ok(Box::new(Kept { file: file.clone(), at: 0 }));
        }
        if self.is_standard() {
            return Ok(Box::new(io::stdin()));
        }
        // Windows will not open a folder, and Unix opens it but does not read it.
        self.check()?;
        Ok(Box::new(File::open(&self.path).map_err(|source| self.failed(source))?))
    }

    /// How many bytes there are, where that is known.
    pub fn bytes(&self) -> Option<u64> {
        let about = match &self.kept {
            Some(file) => file.metadata(),
            None if self.is_standard() => return None,
            None => self.path.metadata(),
        };
        about.ok().filter(std::fs::Metadata::is_file).map(|about| about.len())
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Read { path: self.path.clone(), source }
    }
}

/// Two inputs are the same where they have the same name.
impl PartialEq for Input {
    fn eq(&self, other: &Input) -> bool {
        self.path == other.path
    }
}

impl Eq for Input {}

/// How messages call what a path names.
pub(crate) fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() }
}

/// A reader of a file that others read, too: each has a place of its own.
struct Kept {
    file: Arc<File>,
    at: u64,
}

impl Read for Kept {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = read_at(&self.file, buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(input: &Input) -> String {
        let mut text = String::new();
        input.open().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_file_is_repeatable_and_a_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        assert!(Input::new(&path).check().unwrap_err().to_string().contains("a.txt"));
        std::fs::write(&path, "text").unwrap();
        let mut file = Input::new(&path);
        file.hold(Path::new("/no such folder")).unwrap();
        assert!(file.is_repeatable() && file.bytes() == Some(4));
        assert_eq!((content(&file), content(&file)), ("text".into(), "text".into()));
        let error = Input::new(folder.path()).open().err().unwrap().to_string();
        assert!(error.contains("is a folder"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn what_comes_through_a_fifo_is_kept_and_read_as_often_as_one_likes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let mut input = Input::new(&path);
        assert!(!input.is_repeatable() && input.check().is_ok() && input.bytes().is_none());
        let writer = std::thread::spawn(move || std::fs::write(path, "one\ntwo\n").unwrap());
        input.hold(folder.path()).unwrap();
        writer.join().unwrap();
        assert!(input.is_repeatable());
        assert_eq!((content(&input), content(&input.clone())), ("one\ntwo\n".into(), "one\ntwo\n".into()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the copy has no name");
    }
}
