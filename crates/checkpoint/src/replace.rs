//! A file appears whole or not at all.
//!
//! It is written under another name in the same folder, forced to the disk, and only then given its name. Whoever has the old file
//! mapped keeps the old bytes; a crash or a full disk leaves the old file as it was. A program that is killed on the way leaves
//! a `.NAME.PID-N.partial` behind, which [`remove_partials`] takes away.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::Error;

/// How the name of an unfinished file ends.
const ENDING: &str = ".partial";

/// Writes a file beside `path` and puts it in its place once it is whole and on the disk.
///
/// # Errors
/// What `write` or the system reports; what was there before is as it was then.
pub fn replace_file(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> Result<(), Error> {
    let failed = |source| Error::Write { path: path.to_path_buf(), source };
    let name = path.file_name().ok_or_else(|| failed(io::Error::other("it has no file name")))?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    static WRITES: AtomicU32 = AtomicU32::new(0);
    beside.push(format!(".{}-{}{ENDING}", std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed)));
    let partial = Partial(path.with_file_name(beside));

    let file = File::create(&partial.0).map_err(failed)?;
    let mut writer = BufWriter::with_capacity(1 << 20, &file);
    write(&mut writer).and_then(|()| writer.flush()).map_err(failed)?;
    drop(writer);
    file.sync_all().map_err(failed)?;
    fs::rename(&partial.0, path).map_err(failed)?;
    // The new name is itself an entry of the folder, which has to reach the disk too; not every system can do that.
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}

/// Removes what writers that were killed have left in a folder; only whoever knows that nobody is writing there may ask for it.
pub fn remove_partials(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_partial(&entry.file_name().to_string_lossy()) {
            // What cannot be removed harms nobody.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a name is that of an unfinished file: one of ours, or of an n-gram model or its text, which are written by other means.
pub(crate) fn is_partial(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(ENDING)
        || name.starts_with(".model-") && name.ends_with(".part")
        || name.starts_with(".arpa-") && !name.contains(' ') && name.len() == ".arpa-".len() + 6
}

/// An unfinished file, which goes away with the attempt; after the rename there is nothing left of that name.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_that_fails_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        replace_file(&path, |file| file.write_all(b"old")).unwrap();
        let failed = replace_file(&path, |file| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(failed.unwrap_err().to_string().contains("a.json"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_unfinished_files_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        for name in
            [".a.json.12-0.partial", ".model-x1y2z3.part", ".arpa-x1y2z3", "b.partial", "a.json", ".hidden"]
        {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        remove_partials(folder.path());
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".hidden", "a.json", "b.partial"]);
    }
}
