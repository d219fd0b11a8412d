//! What can go wrong between a name and a folder of files, each a sentence.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a model cannot be had from the hub or the cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no name of a model on the hub.
    #[error("{name:?} is not a model of the hub: {problem}")]
    Name {
        /// What was given.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },

    /// The hub has no such repository, or hides it from strangers.
    #[error(
        "{endpoint} has no model {name}: check the spelling, or, if it is a private one, set HF_TOKEN to a token that may read it"
    )]
    NoSuchModel {
        /// `OWNER/NAME`
        name: String,
        /// The hub that was asked.
        endpoint: String,
    },

    /// The repository has no such branch, tag or commit.
    #[error(
        "{name} has no revision {revision:?}: leave it out for the newest version, or name a branch, tag or commit"
    )]
    NoSuchRevision {
        /// `OWNER/NAME`
        name: String,
        /// What was asked for.
        revision: String,
    },

    /// The authors ask for consent before they hand out the files.
    #[error(
        "{name} is gated: accept its terms at {endpoint}/{name} and set HF_TOKEN to a token of the account that did"
    )]
    Gated {
        /// `OWNER/NAME`
        name: String,
        /// The hub that was asked.
        endpoint: String,
    },

    /// The token is not one that the hub knows.
    #[error(
        "the hub does not accept the token that was sent for {name}: make a new one and set HF_TOKEN, or unset it"
    )]
    Token {
        /// `OWNER/NAME`
        name: String,
    },

    /// The hub refuses for another reason.
    #[error("the hub refuses to hand out {name}: {message}")]
    Refused {
        /// `OWNER/NAME`
        name: String,
        /// What it says.
        message: String,
    },

    /// Too many requests from this address or account.
    #[error(
        "the hub asks to come back {}, as too many requests came from here: wait, or set HF_TOKEN to be allowed more",
        wait.map_or("later".to_string(), |wait| format!("in {} seconds", wait.as_secs()))
    )]
    RateLimited {
        /// How long the hub asks to wait.
        wait: Option<Duration>,
    },

    /// The hub is in trouble.
    #[error("the hub cannot answer at the moment (status {status}): try again later")]
    Server {
        /// The HTTP status.
        status: u16,
    },

    /// Nobody answers.
    #[error("cannot reach {endpoint}: {reason}; check the network, or work with what `papo list` shows")]
    Unreachable {
        /// The hub that was asked.
        endpoint: String,
        /// What the network says.
        reason: String,
    },

    /// Downloads are switched off and the model is not there.
    #[error(
        "{name} {state}, and HF_HUB_OFFLINE keeps Papo from fetching it: unset that, or name another model"
    )]
    Offline {
        /// `OWNER/NAME`, with its revision.
        name: String,
        /// What the cache has instead of the model, as the predicate of a sentence.
        state: String,
    },

    /// A download was never finished, or somebody took files away.
    #[error(
        "{name} is in the cache, but incomplete: {missing} is missing; `papo pull {name}` fetches what is"
    )]
    Incomplete {
        /// `OWNER/NAME`, with its revision.
        name: String,
        /// What is missing.
        missing: String,
    },

    /// The model is there, but not in the version that was asked for.
    #[error(
        "the cache has {name}, but not its revision {revision:?}, only {there}: name one of these as {name}@REVISION, or fetch that one with \
         `papo pull {name}@{revision}`"
    )]
    OtherRevisions {
        /// `OWNER/NAME`
        name: String,
        /// What was asked for.
        revision: String,
        /// What there is.
        there: String,
    },

    /// The model is not in the cache, and nothing in this program can download.
    #[error(
        "{name} is not in the cache, and this program was built without downloads (the feature hub): fetch the model with another tool, or name a folder"
    )]
    NoClient {
        /// `OWNER/NAME`, with its revision.
        name: String,
    },

    /// The hub answers in a way that it should not.
    #[error("the answer of {url} makes no sense: {problem}; check HF_ENDPOINT, or try again later")]
    Protocol {
        /// What was asked for.
        url: String,
        /// What is wrong.
        problem: String,
    },

    /// The repository exists but not in a form that can be read.
    #[error(
        "{name} has no weights that are read (safetensors or pytorch_model.bin){}",
        found.as_ref().map_or(": look for a version of the model that has".into(), |found| format!(": {found}"))
    )]
    NoWeights {
        /// `OWNER/NAME`
        name: String,
        /// A clause on what it has instead, with what to do.
        found: Option<String>,
    },

    /// The list of shards is damaged.
    #[error(transparent)]
    Index(papo_checkpoint::Error),

    /// A file that the repository lists cannot be had.
    #[error("{name} lists the file {file:?} but does not hand it out: try again later, or tell its authors")]
    MissingFile {
        /// `OWNER/NAME`
        name: String,
        /// The file's name.
        file: String,
    },

    /// The connection broke again and again.
    #[error(
        "the download of {file} broke off at {received} of {expected} bytes: run the same command again to go on from there"
    )]
    CutOff {
        /// The file's name.
        file: String,
        /// Bytes that are there.
        received: u64,
        /// Bytes of the whole file.
        expected: u64,
    },

    /// The file arrived, but it is another one.
    #[error(
        "{file} arrived damaged: its {what} is {found} and should be {expected}; try again, perhaps over another network"
    )]
    Damaged {
        /// The file's name.
        file: String,
        /// Size or hash.
        what: &'static str,
        /// What was found.
        found: String,
        /// What was announced.
        expected: String,
    },

    /// Whoever asked for the model does not want it any more.
    #[error("the download of {name} was stopped: the next one goes on from there")]
    Interrupted {
        /// `OWNER/NAME`, with its revision.
        name: String,
    },

    /// No room for the file.
    #[error(
        "the disk is full: {file} needs {needed} more bytes in {}; free some with `papo rm`, or set HF_HUB_CACHE to a folder on another disk",
        folder.display()
    )]
    DiskFull {
        /// The file's name.
        file: String,
        /// Bytes that are missing.
        needed: u64,
        /// The cache.
        folder: PathBuf,
    },

    /// The cache cannot be used.
    #[error("cannot use the model cache at {}: {source}; make it writable, set HF_HUB_CACHE to a folder that is, or HF_HUB_OFFLINE=1 to use what is there", path.display())]
    Cache {
        /// The file or folder in the cache.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },

    /// There is nothing to remove.
    #[error("{name} is not in the cache: `papo list` shows what is, and `papo pull {name}` fetches it")]
    NotCached {
        /// `OWNER/NAME`, with its revision.
        name: String,
    },

    /// Another program is at work on the model.
    #[error("another program is downloading {name}: wait until it is done, or stop it, and try again")]
    Busy {
        /// `OWNER/NAME`
        name: String,
    },
}

impl Error {
    /// Whether the hub or the way to it is at fault, so that what the cache has is the best there is.
    pub fn is_remote(&self) -> bool {
        match self {
            Error::NoSuchModel { .. }
            | Error::NoSuchRevision { .. }
            | Error::Gated { .. }
            | Error::Token { .. }
            | Error::Refused { .. }
            | Error::RateLimited { .. }
            | Error::Server { .. }
            | Error::Unreachable { .. }
            | Error::Protocol { .. }
            | Error::MissingFile { .. }
            | Error::CutOff { .. }
            | Error::Damaged { .. } => true,
            Error::Name { .. }
            | Error::Offline { .. }
            | Error::NoClient { .. }
            | Error::NoWeights { .. }
            | Error::Index(_)
            | Error::Interrupted { .. }
            | Error::DiskFull { .. }
            | Error::Cache { .. }
            | Error::NotCached { .. }
            | Error::Incomplete { .. }
            | Error::OtherRevisions { .. }
            | Error::Busy { .. } => false,
        }
    }

    /// Whether the cache cannot be written, so that what it has is the best there is.
    pub fn is_of_the_disk(&self) -> bool {
        matches!(self, Error::Cache { .. } | Error::DiskFull { .. })
    }

    /// Whether the same request may well succeed a little later.
    pub(super) fn is_passing(&self) -> bool {
        matches!(
            self,
            Error::RateLimited { .. }
                | Error::Server { .. }
                | Error::Unreachable { .. }
                | Error::CutOff { .. }
        )
    }
}
