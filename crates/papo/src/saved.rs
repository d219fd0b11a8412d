//! Conversations in files: `{"model": "…", "turns": [{"speaker": "user", "text": "…"}, …]}`.
//!
//! A file appears under its name only when it is whole, and never in place of another unless that is asked for. What is read may
//! come from anybody: it must be a plain file, and it is bounded in size and in turns.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::{Conversation, Error, Turn};

/// The longest file of a conversation that is read, in bytes: months of talking.
pub const MAX_SAVED_BYTES: u64 = 4 << 20;

/// The most turns of a conversation that are read.
pub const MAX_SAVED_TURNS: usize = 10_000;

#[derive(Serialize, Deserialize)]
struct Saved {
    model: String,
    turns: Vec<Turn>,
}

impl Conversation<'_> {
    /// Writes the conversation to a new file as JSON.
    ///
    /// An error is [`Error::Exists`] if there is something of that name; [`Self::replace`] writes over a file.
    pub fn save(&self, file: &Path) -> Result<(), Error> {
        // Before the work as well as after it: a temporary file beside a folder that is no folder has a worse message.
        if fs::symlink_metadata(file).is_ok() {
            return Err(Error::Exists { path: file.to_owned() });
        }
        self.written(file)?.persist_noclobber(file).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => Error::Exists { path: file.to_owned() },
            _ => Error::Write { path: file.to_owned(), source: error.error },
        })?;
        Ok(())
    }

    /// Writes the conversation to a file, in place of what it held.
    pub fn replace(&self, file: &Path) -> Result<(), Error> {
        let refused = |source| Error::Write { path: file.to_owned(), source };
        if fs::metadata(file).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(refused(io::Error::other("it is not a plain file")));
        }
        self.written(file)?.persist(file).map_err(|error| refused(error.error))?;
        Ok(())
    }

    /// The conversation in a file of its own beside the one that it is meant for.
    fn written(&self, file: &Path) -> Result<NamedTempFile, Error> {
        let saved = Saved { model: self.model().name().to_owned(), turns: self.turns().to_vec() };
        let mut text = serde_json::to_string_pretty(&saved)
            .map_err(|source| Error::Json { path: file.to_owned(), source })?;
        text.push('\n');
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let refused = |source| Error::Write { path: file.to_owned(), source };
        if !folder.is_dir() {
            return Err(refused(io::Error::new(io::ErrorKind::NotFound, "there is no such folder")));
        }
        let mut written = NamedTempFile::new_in(folder).map_err(refused)?;
        written.write_all(text.as_bytes()).map_err(refused)?;
        written.as_file().sync_all().map_err(refused)?;
        Ok(written)
    }

    /// Goes on with a conversation from a file, in place of this one; after an error this one is as before.
    ///
    /// The conversation may have been with another model. A file may have [`MAX_SAVED_BYTES`] and [`MAX_SAVED_TURNS`].
    pub fn load(&mut self, file: &Path) -> Result<(), Error> {
        let refused = |reason: String| Error::Content { path: file.to_owned(), reason };
        let unreadable = |source| Error::Read { path: file.to_owned(), source };
        // A pipe or a device could be read for ever.
        if !fs::metadata(file).map_err(unreadable)?.is_file() {
            return Err(refused("it is not a plain file; give a file that a chat has saved".to_owned()));
        }
        let mut text = Vec::new();
        let opened = File::open(file).map_err(unreadable)?;
        opened.take(MAX_SAVED_BYTES + 1).read_to_end(&mut text).map_err(unreadable)?;
        if text.len() as u64 > MAX_SAVED_BYTES {
            return Err(refused(format!(
                "it is longer than {} MiB, the most that a saved conversation may have; give a file that a chat has saved",
                MAX_SAVED_BYTES >> 20
            )));
        }
        let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text);
        let saved: Saved = serde_json::from_slice(text).map_err(|error| {
            refused(format!("not a saved conversation ({error}); give a file that a chat has saved"))
        })?;
        if saved.turns.len() > MAX_SAVED_TURNS {
            return Err(refused(format!(
                "it has {} turns, and a conversation that is gone on with has at most {MAX_SAVED_TURNS}; leave out the earliest",
                saved.turns.len()
            )));
        }
        self.set_turns(saved.turns);
        Ok(())
    }
}
