//! Models by name: fetched from the Hugging Face hub, kept in the cache that its Python library uses too.
//!
//! ```text
//! HF_HUB_CACHE/models--facebook--bart-base/
//!     refs/main                        the commit that the branch stood at
//!     snapshots/COMMIT/config.json     a link to ../../blobs/ETAG
//!     blobs/ETAG                       the bytes; ETAG.incomplete while they arrive
//! HF_HUB_CACHE/.locks/models--facebook--bart-base/ETAG.lock
//! ```
//!
//! [`Hub::resolve`] asks the hub which commit a name stands for (one request), fetches the files of it that are missing (only
//! those that a model needs, `.bin` only where there is no safetensors), and returns the snapshot's folder. When the hub cannot be
//! asked, what the cache has will do. A ref is moved only once its snapshot is whole, and weights are fetched last, so that an
//! interrupted update leaves the model that was there before.
//!
//! The client is our own on top of `ureq` and not the `hf-hub` crate. Version 1.0 of that crate brings tokio, reqwest and the xet
//! client, over 250 crates for one blocking download. Its version 0.5 is light, but appends whatever body it is given to an unfinished file
//! without a look at status or range, checks neither size nor hash, never asks again about a name that is in the cache, and knows
//! neither `HF_HUB_CACHE` nor `HF_HUB_OFFLINE`. The protocol is small: `client.rs` speaks it, `download.rs` fetches one
//! file, `cache.rs` knows the folders, `inventory.rs` lists and removes what is there. Without the feature `hub` the first two are left
//! out, and the cache is all that there is.

// What only a download uses.
#![cfg_attr(not(feature = "hub"), allow(dead_code))]

pub(crate) mod address;
mod cache;
#[cfg(feature = "hub")]
mod client;
#[cfg(feature = "hub")]
mod download;
mod error;
mod files;
mod inventory;
mod progress;
mod repository;
mod settings;

#[cfg(feature = "hub")]
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cache::Cache;
#[cfg(feature = "hub")]
use client::{Client, Listing};
#[cfg(feature = "hub")]
use papo_checkpoint::Index;

pub use error::Error;
pub use files::Want;
pub use inventory::{CachedModel, CachedRevision};
pub use progress::Progress;
pub use repository::Repository;
pub(crate) use settings::own_cache;
pub use settings::{Network, Settings, Token};

/// Which files [`Hub::pull`] fetches again although they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// Those that have another size than the hub says.
    Damaged,
    /// All.
    Everything,
}

/// The hub and the cache before it.
#[derive(Debug)]
pub struct Hub {
    settings: Settings,
    cache: Cache,
    #[cfg(feature = "hub")]
    client: Client,
}

impl Hub {
    /// A hub with the settings that the environment gives, as Python's `huggingface_hub` reads it (see [`Settings::from_env`]).
    pub fn from_env() -> Self {
        Self::new(Settings::from_env())
    }

    /// A hub with these settings; nothing is touched or asked yet.
    pub fn new(settings: Settings) -> Self {
        Hub {
            cache: Cache::new(settings.cache.clone()),
            #[cfg(feature = "hub")]
            client: Client::new(&settings),
            settings,
        }
    }

    /// Heeds a flag: once it is true, [`Hub::resolve`] ends with [`Error::Interrupted`] as soon as the network gives it a chance to.
    #[must_use]
    #[cfg_attr(not(feature = "hub"), allow(unused_mut))]
    pub fn interrupted_by(mut self, flag: Arc<AtomicBool>) -> Self {
        #[cfg(feature = "hub")]
        {
            self.client.interrupt = Some(flag);
        }
        #[cfg(not(feature = "hub"))]
        drop(flag);
        self
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Makes the files of a model available and returns the folder that holds them, named as on the hub.
    ///
    /// A commit that is in the cache is final and takes no network. For a branch or tag the hub is asked once; where it cannot be
    /// asked, or the cache cannot be written, and the cache has the model, that is used and [`Progress::Stale`] reported. Fails when the
    /// model is neither in the cache nor to be had, or when it has no weights that can be read.
    pub fn resolve(
        &self,
        repository: &Repository,
        want: Want,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<PathBuf, Error> {
        let cached = self.cached(repository, want);
        if let Some(folder) = &cached
            && repository.is_commit()
            && files::lacking(folder, want).is_none()
        {
            return Ok(folder.clone());
        }
        if self.settings.network == Network::Offline {
            return cached.ok_or_else(|| self.offline(repository, want));
        }
        self.ask(repository, want, cached, progress)
    }

    /// Brings a model in the cache up to what the hub has, repairs what is damaged, and returns the folder that holds its files.
    ///
    /// Unlike [`Hub::resolve`] it compares what is there with what the hub says of it, and fails where it cannot write. Without a
    /// network what the cache has is returned as it is.
    #[cfg(feature = "hub")]
    pub fn pull(
        &self,
        repository: &Repository,
        repair: Repair,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<PathBuf, Error> {
        let cached = self.cached(repository, Want::Model).filter(|_| repair == Repair::Damaged);
        if self.settings.network == Network::Offline {
            return cached.ok_or_else(|| self.offline(repository, Want::Model));
        }
        progress(Progress::Looking { name: repository.name() });
        match (self.update(repository, Want::Model, Some(repair), cached.is_some(), progress), cached) {
            (Err(error), Some(folder)) if error.is_remote() => {
                progress(Progress::Stale { reason: &error });
                Ok(folder)
            }
            (outcome, _) => outcome,
        }
    }

    /// Why a model cannot be had without the network.
    fn offline(&self, repository: &Repository, want: Want) -> Error {
        let state = match self.why_not(repository, want) {
            Error::Incomplete { missing, .. } => format!("is incomplete in the cache ({missing} is missing)"),
            Error::OtherRevisions { there, .. } => format!("is in the cache only as {there}"),
            _ if self.cached(repository, want).is_some() => "cannot be fetched anew".to_string(),
            _ => "is not in the cache".to_string(),
        };
        Error::Offline { name: repository.to_string(), state }
    }

    /// Why [`Hub::cached`] finds nothing: the model is not there, not whole, or there in other versions.
    pub fn why_not(&self, repository: &Repository, want: Want) -> Error {
        let name = repository.name().to_string();
        let model = match inventory::show(&self.cache, repository) {
            Ok(Some(model)) => model,
            Ok(None) => return Error::NotCached { name: repository.to_string() },
            Err(error) => return error,
        };
        let commit = self.cache.commit_of(repository);
        let mut revisions = model.revisions.iter();
        let meant = match &commit {
            Some(commit) => revisions.find(|revision| revision.commit == *commit),
            None if repository.names_revision() => {
                let there: Vec<String> = model.revisions.iter().map(CachedRevision::title).collect();
                let revision = repository.revision().to_string();
                return match there.is_empty() {
                    true => Error::Incomplete { name, missing: "config.json".into() },
                    false => Error::OtherRevisions { name, revision, there: there.join(", ") },
                };
            }
            None => revisions.next_back(),
        };
        let missing = meant.and_then(|revision| files::lacking(&revision.folder, want));
        Error::Incomplete { name: repository.to_string(), missing: missing.unwrap_or("config.json".into()) }
    }

    /// Asks the hub what there is now, and falls back on what the cache has.
    #[cfg(feature = "hub")]
    fn ask(
        &self,
        repository: &Repository,
        want: Want,
        cached: Option<PathBuf>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<PathBuf, Error> {
        progress(Progress::Looking { name: repository.name() });
        match (self.update(repository, want, None, cached.is_some(), progress), cached) {
            // A cache that is shared read-only goes on working when the hub has moved on.
            (Err(error), Some(folder)) if error.is_remote() || error.is_of_the_disk() => {
                progress(Progress::Stale { reason: &error });
                Ok(folder)
            }
            (outcome, _) => outcome,
        }
    }

    /// What the cache has: this program cannot ask.
    #[cfg(not(feature = "hub"))]
    fn ask(
        &self,
        repository: &Repository,
        _: Want,
        cached: Option<PathBuf>,
        _: &mut dyn FnMut(Progress<'_>),
    ) -> Result<PathBuf, Error> {
        cached.ok_or_else(|| Error::NoClient { name: repository.to_string() })
    }

    /// The folder of a model that is in the cache with every file that is wanted, without asking anyone.
    ///
    /// Where nothing says which commit a branch stands for, or that one is not whole, the newest whole snapshot serves for whoever names no
    /// revision; the beginning of a commit serves for it where there is one such.
    pub fn cached(&self, repository: &Repository, want: Want) -> Option<PathBuf> {
        let whole = |commit: &String| {
            let folder = self.cache.snapshot(repository, commit);
            files::can_be_used(&folder, want).then_some(folder)
        };
        let noted = self.cache.commit_of(repository);
        noted.as_ref().and_then(whole).or_else(|| self.cache.guesses(repository).iter().find_map(whole))
    }

    /// Every model in the cache, by name.
    ///
    /// Fails when the cache exists but cannot be read; one that does not exist yet is empty.
    pub fn list(&self) -> Result<Vec<CachedModel>, Error> {
        inventory::list(&self.cache)
    }

    /// What the cache has of a model, whatever the revision; `None` when it has nothing.
    pub fn show(&self, repository: &Repository) -> Result<Option<CachedModel>, Error> {
        inventory::show(&self.cache, repository)
    }

    /// Removes a model from the cache and returns the bytes that this frees.
    ///
    /// Without a revision everything goes; with one, just that snapshot and the bytes that no other snapshot uses. Fails when there
    /// is no such model, or another program is just downloading it.
    pub fn remove(&self, repository: &Repository) -> Result<u64, Error> {
        inventory::remove(&self.cache, repository)
    }

    /// Brings the cache up to what the hub has.
    #[cfg(feature = "hub")]
    fn update(
        &self,
        repository: &Repository,
        want: Want,
        repair: Option<Repair>,
        have_one: bool,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<PathBuf, Error> {
        // Without a network every attempt fails, and nobody should wait long for that; less so with something to fall back on.
        let attempts = if have_one { 1 } else { self.settings.attempts.min(3) };
        let listing = match self.client.listing(repository, attempts, progress)? {
            Some(listing) => listing,
            None => self.probe(repository, progress)?,
        };
        let folder = self.cache.snapshot(repository, &listing.commit);
        let mut job = download::Job::new(self, repository, &listing, repair, progress);
        let Some(plan) = files::plan(&listing.files, want) else {
            return Err(no_weights(repository, &listing, &folder, &mut job));
        };
        job.expect(plan.iter().copied());
        for file in plan {
            job.fetch(file)?;
            if files::is_index(file) {
                let path = folder.join(file);
                let index = Index::open(&path).map_err(Error::Index)?;
                let shards: Vec<String> = index.shards().into_iter().map(str::to_string).collect();
                job.expect(shards.iter().map(String::as_str));
                shards.iter().try_for_each(|shard| job.fetch(shard))?;
            }
        }
        // Whoever may not write may still use what another has fetched.
        let _ = self.cache.set_ref(repository, &listing.commit);
        Ok(folder)
    }

    /// Finds out what a repository holds where the hub does not list it, as some mirrors do not: by asking for each file.
    #[cfg(feature = "hub")]
    fn probe(
        &self,
        repository: &Repository,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Listing, Error> {
        let mut listing = Listing { commit: String::new(), files: BTreeMap::new() };
        for file in files::candidates() {
            let Some(found) = self.client.metadata(repository, repository.revision(), file, progress)? else {
                continue;
            };
            listing.files.insert(file.to_string(), found.size);
            listing.commit = found.commit.unwrap_or(listing.commit);
        }
        if listing.commit.is_empty() {
            return Err(Error::NoSuchModel {
                name: repository.to_string(),
                endpoint: self.settings.endpoint.clone(),
            });
        }
        Ok(listing)
    }
}

/// The error of a repository without weights that are read: what it has instead. An adapter is asked for the model that it belongs to.
#[cfg(feature = "hub")]
fn no_weights(
    repository: &Repository,
    listing: &Listing,
    folder: &Path,
    job: &mut download::Job<'_>,
) -> Error {
    const ADAPTER: &str = "adapter_config.json";
    let found = if listing.files.contains_key(ADAPTER) && job.fetch(ADAPTER).is_ok() {
        Some(crate::diagnosis::adapter(&std::fs::read(folder.join(ADAPTER)).unwrap_or_default()))
    } else {
        papo_checkpoint::other_weights(listing.files.keys().map(String::as_str))
    };
    Error::NoWeights { name: repository.to_string(), found }
}

/// Whether a path, which may be a link, leads to a file.
fn is_file(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}
