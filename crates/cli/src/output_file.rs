//! Files that a command writes beside its results: looked at before the work, written whole after it.
//!
//! A place that cannot be written is told at once and not after an hour, and nothing that is there is replaced unless somebody
//! asked for that. Trying leaves nothing behind, however the program ends.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::failure::{Failure, Outcome};

/// What to do with a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExistingFile {
    /// It stays, and the command is refused.
    Refuse,
    /// It is replaced, once the new one is whole.
    Replace,
}

/// A file that is going to be written.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    existing: ExistingFile,
}

impl OutputFile {
    /// Looks whether the file can be written.
    pub fn claim(path: &Path, existing: ExistingFile) -> Result<OutputFile, Failure> {
        let place = OutputFile { path: path.to_owned(), existing };
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(unwritable(path, "it is a folder")),
            Ok(found) if !found.is_file() => return Ok(place),
            Ok(_) if existing == ExistingFile::Refuse => return Err(occupied(path)),
            _ => {}
        }
        if path.file_name().is_none() {
            return Err(unwritable(path, "it has no file name"));
        }
        // A nameless file, of which nothing remains.
        tempfile::tempfile_in(place.folder()).map_err(|error| unwritable(path, &error.to_string()))?;
        Ok(place)
    }

    /// Where the file is going to be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file beside its place and gives it its name when it is whole.
    pub fn write(self, content: &[u8]) -> Outcome {
        let failed = |error: io::Error| unwritable(&self.path, &error.to_string());
        if fs::metadata(&self.path).is_ok_and(|found| !found.is_file()) {
            // A pipe or a device has no content to lose.
            return fs::write(&self.path, content).map_err(failed);
        }
        let mut file = NamedTempFile::new_in(self.folder()).map_err(failed)?;
        file.write_all(content).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        readable_by_others(file.as_file()).map_err(failed)?;
        match self.existing {
            ExistingFile::Replace => file.persist(&self.path).map(drop).map_err(|error| failed(error.error)),
            ExistingFile::Refuse => {
                file.persist_noclobber(&self.path).map(drop).map_err(|error| match error.error {
                    error if error.kind() == io::ErrorKind::AlreadyExists => occupied(&self.path),
                    error => failed(error),
                })
            }
        }
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }
}

fn occupied(path: &Path) -> Failure {
    Failure::new(format_args!(
        "{} is there already and would be overwritten; name another file, or replace it with --overwrite",
        path.display()
    ))
}

fn unwritable(path: &Path, reason: &str) -> Failure {
    Failure::new(format_args!(
        "cannot write {}: {reason}; choose another place or mend its permissions",
        path.display()
    ))
}

/// Temporary files are their owner's alone; a result is there to be shown.
#[cfg(unix)]
fn readable_by_others(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_others(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_stays_unless_it_may_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        OutputFile::claim(&path, ExistingFile::Refuse).unwrap().write(b"one").unwrap();
        assert!(OutputFile::claim(&path, ExistingFile::Refuse).is_err());
        let late = OutputFile { path: path.clone(), existing: ExistingFile::Refuse };
        assert!(late.write(b"two").unwrap_err().message().unwrap().contains("--overwrite"));
        assert_eq!(fs::read(&path).unwrap(), b"one");
        OutputFile::claim(&path, ExistingFile::Replace).unwrap().write(b"three").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told_before() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("absent/page.html"), PathBuf::from("..")] {
            let message = OutputFile::claim(&path, ExistingFile::Replace).unwrap_err().message().unwrap();
            assert!(message.starts_with("cannot write"), "{message}");
        }
    }
}
