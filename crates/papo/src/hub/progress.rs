//! What happens while a model is fetched, for whoever draws a bar.

use std::time::Duration;

use super::Error;

/// A step of [`Hub::resolve`](super::Hub::resolve).
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// The hub is asked what the name stands for.
    Looking {
        /// `OWNER/NAME`
        name: &'a str,
    },
    /// Bytes have arrived; also reported once at the beginning of a file.
    Downloading {
        /// The file's name.
        file: &'a str,
        /// Bytes of the file that are there, with those of an earlier, interrupted download.
        file_bytes: u64,
        /// Bytes of the whole file, where the hub says.
        file_total: Option<u64>,
        /// Bytes of all files of this model that are there.
        bytes: u64,
        /// Bytes of all files of this model, where the hub says; grows when the index of a sharded model has been read.
        total: Option<u64>,
    },
    /// Something did not work and is tried again.
    Retrying {
        /// What went wrong.
        reason: &'a Error,
        /// How long until the next attempt.
        delay: Duration,
    },
    /// A file is there but cannot be the right one, and is fetched again.
    Damaged {
        /// The file's name.
        file: &'a str,
        /// Bytes that it has.
        found: u64,
        /// Bytes that it should have.
        expected: u64,
    },
    /// Another program is downloading the same file; this one waits for it.
    Waiting {
        /// The file's name.
        file: &'a str,
    },
    /// The hub cannot be asked or the cache not be written, so the model is used as the cache has it.
    Stale {
        /// Why nothing newer can be had.
        reason: &'a Error,
    },
}
