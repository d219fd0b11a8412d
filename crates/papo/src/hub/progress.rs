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
    /// Another program is downloading the same file; this one waits for it.
    Waiting {
        /// The file's name.
        file: &'a str,
    },
    /// The hub cannot be asked, so the model is used as the cache has it.
    Stale {
        /// Why the hub cannot be asked.
        reason: &'a Error,
    },
}
