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
    pub fn interrupted_by(mut self, flag: Arc<AtomicBool>) -> Self {
        self.client.interrupt = Some(flag);
        self
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Makes the files of a model available and returns the folder that holds them, named as on the hub.
    ///
    /// A commit that is in the cache is final and takes no network. For a branch or tag the hub is asked once; where it cannot be
    /// asked and the cache has the model, that is used and [`Progress::Stale`] reported. Fails when the model is neither in the cache nor
    /// to be had, when it has no weights that can be read, or when the cache cannot be written.
    pub fn resolve(
        &self,
        repository: &Repository,
        want: Want,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<PathBuf, Error> {
        let cached = self.cached(repository, want);
        if let Some(folder) = &cached
            && repository.is_commit()
        {
            return Ok(folder.clone());
        }
        if self.settings.network == Network::Offline {
            return cached.ok_or_else(|| Error::Offline { name: repository.to_string() });
        }
        self.ask(repository, want, cached, progress)
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
        match (self.update(repository, want, cached.is_some(), progress), cached) {
            (Err(error), Some(folder)) if error.is_remote() => {
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
    pub fn cached(&self, repository: &Repository, want: Want) -> Option<PathBuf> {
        let commit = self.cache.commit_of(repository)?;
        let folder = self.cache.snapshot(repository, &commit);
        files::is_complete(&folder, want).then_some(folder)
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
        let plan = files::plan(&listing.files, want).ok_or_else(|| Error::NoWeights {
            name: repository.to_string(),
            found: files::other_weights(&listing.files),
        })?;

        let mut job = download::Job::new(self, repository, &listing, progress);
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
        self.cache.set_ref(repository, &listing.commit)?;
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

/// Whether a path, which may be a link, leads to a file.
fn is_file(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}
