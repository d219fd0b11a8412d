//! One file after the other: what is missing is fetched, an unfinished one is gone on with, and nothing counts as there before
//! its size and hash are right.
//!
//! The bytes go to `blobs/ETAG.incomplete`, which keeps that name until it is whole; an interrupted program leaves it behind, and the
//! next one (Python's too) asks for the rest with `Range`. A broken connection is taken up again as long as it gets any
//! further.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::client::{Answer, Listing, Metadata};
use super::{Error, Hub, Progress, Repair, Repository, cache};

/// Bytes that are read at a time.
const CHUNK: usize = 128 << 10;

/// How often a file that arrived damaged is fetched anew.
const RESTARTS: u32 = 2;

/// The download of one model.
pub(super) struct Job<'a> {
    hub: &'a Hub,
    repository: &'a Repository,
    listing: &'a Listing,
    repair: Option<Repair>,
    progress: &'a mut dyn FnMut(Progress<'_>),
    /// Bytes of files that are done.
    done: u64,
    /// Bytes of all files that are expected; `None` when the hub does not say.
    total: Option<u64>,
}

/// What became of one attempt to fetch the rest of a file.
enum Attempt {
    /// The server said that this was the end.
    Ended,
    /// What is there does not fit what the server has: begin anew.
    Restart,
}

impl<'a> Job<'a> {
    pub(super) fn new(
        hub: &'a Hub,
        repository: &'a Repository,
        listing: &'a Listing,
        repair: Option<Repair>,
        progress: &'a mut dyn FnMut(Progress<'_>),
    ) -> Self {
        Job { hub, repository, listing, repair, progress, done: 0, total: Some(0) }
    }

    /// Adds files to the total, so that progress is known before the first of them begins.
    pub(super) fn expect<'f>(&mut self, files: impl Iterator<Item = &'f str>) {
        for file in files {
            let size = self.listing.files.get(file).copied().flatten();
            self.total = self.total.zip(size).map(|(total, size)| total.saturating_add(size));
        }
    }

    /// Makes `file` part of the snapshot, fetching it if the cache does not have it.
    pub(super) fn fetch(&mut self, file: &str) -> Result<(), Error> {
        let (cache, commit) = (&self.hub.cache, self.listing.commit.as_str());
        let pointer = cache.snapshot(self.repository, commit).join(file);
        let there = size_of(&pointer);
        let listed = self.listing.files.get(file).copied().flatten();
        if let Some(size) = there
            && (self.repair.is_none() || self.repair == Some(Repair::Damaged) && listed == there)
        {
            self.done += size;
            return Ok(());
        }
        let described = self.hub.client.metadata(self.repository, commit, file, self.progress)?;
        let described = described.ok_or_else(|| Error::MissingFile {
            name: self.repository.name().to_string(),
            file: file.to_string(),
        })?;
        if let (Some(found), Some(Repair::Damaged)) = (there, self.repair) {
            match described.size {
                Some(expected) if expected != found => {
                    (self.progress)(Progress::Damaged { file, found, expected });
                }
                _ => {
                    self.done += found;
                    return Ok(());
                }
            }
        }
        let blob = cache.blob(self.repository, &described.etag);
        cache::create_parent(&blob)?;
        let (progress, mut told) = (&mut self.progress, false);
        let _lock = cache.lock(self.repository, &described.etag, &mut || {
            if !std::mem::replace(&mut told, true) {
                progress(Progress::Waiting { file });
            }
            self.hub.client.go_on(self.repository)
        })?;
        // Another version of the model may have it, or whoever held the lock has fetched it.
        let is_whole = size_of(&blob).is_some_and(|size| described.size.is_none_or(|whole| whole == size));
        if !is_whole || self.repair == Some(Repair::Everything) {
            self.transfer(file, &described, &blob)?;
        }
        self.done += fs::metadata(&blob).map_or(0, |metadata| metadata.len());
        cache.link(self.repository, commit, file, &described.etag)
    }

    /// Fetches a blob, from where an earlier attempt broke off.
    fn transfer(&mut self, file: &str, described: &Metadata, blob: &Path) -> Result<(), Error> {
        let mut name = blob.as_os_str().to_owned();
        name.push(".incomplete");
        let partial = Path::new(&name);
        let refused = |source| Error::Cache { path: partial.to_path_buf(), source };
        let mut out = File::options().create(true).append(true).open(partial).map_err(refused)?;
        let length = |out: &File| out.metadata().map(|metadata| metadata.len()).map_err(refused);

        if self.repair == Some(Repair::Everything) {
            out.set_len(0).map_err(refused)?;
        }
        let (mut failures, mut restarts) = (0, 0);
        let mut furthest = length(&out)?;
        loop {
            self.hub.client.go_on(self.repository)?;
            let from = length(&out)?;
            let outcome = match described.size {
                Some(size) if from == size => Ok(Attempt::Ended),
                Some(size) if from > size => Ok(Attempt::Restart),
                _ => self.attempt(file, described, &mut out, from),
            };
            let received = length(&out)?;
            let problem = match outcome {
                Ok(Attempt::Ended) => match verify(file, described, partial)? {
                    None => break,
                    Some(Error::CutOff { .. }) if received > furthest => None,
                    Some(problem @ Error::CutOff { .. }) => Some(problem),
                    Some(problem) => {
                        out.set_len(0).map_err(refused)?;
                        restarts += 1;
                        if restarts > RESTARTS {
                            fs::remove_file(partial).map_err(refused)?;
                            return Err(problem);
                        }
                        Some(problem)
                    }
                },
                Ok(Attempt::Restart) => {
                    out.set_len(0).map_err(refused)?;
                    Some(Error::CutOff {
                        file: file.to_string(),
                        received,
                        expected: described.size.unwrap_or(received),
                    })
                }
                Err(error) if !error.is_passing() => return Err(error),
                Err(_) if received > furthest => None,
                Err(error) => Some(error),
            };
            // Getting further is no failure, however often the connection breaks.
            let Some(problem) = problem else {
                (furthest, failures) = (received, 0);
                continue;
            };
            failures += 1;
            self.hub.client.pause(failures, self.hub.client.attempts(), problem, self.progress)?;
        }
        // On the disk before it has its name: a name must not survive a power cut that its bytes did not.
        out.sync_all().map_err(refused)?;
        fs::rename(partial, blob).map_err(|source| Error::Cache { path: blob.to_path_buf(), source })
    }

    /// One request for everything from `from` on.
    fn attempt(
        &mut self,
        file: &str,
        described: &Metadata,
        out: &mut File,
        from: u64,
    ) -> Result<Attempt, Error> {
        let answer = self.hub.client.bytes(self.repository, &described.url, from)?;
        let mut at = match Start::of(&answer, from, described.size) {
            Start::Here => from,
            Start::Beginning if from == 0 => 0,
            Start::Beginning => {
                out.set_len(0).map_err(|source| self.write_error(file, described, 0, source))?;
                0
            }
            Start::Nowhere => return Ok(Attempt::Restart),
        };
        let mut body = answer.response.into_body().into_reader();
        let mut chunk = vec![0; CHUNK];
        self.report(file, at, described.size);
        loop {
            self.hub.client.go_on(self.repository)?;
            let read = match body.read(&mut chunk) {
                Ok(0) => return Ok(Attempt::Ended),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.broken(file, described, at, &error)),
            };
            out.write_all(&chunk[..read]).map_err(|source| self.write_error(file, described, at, source))?;
            at += read as u64;
            if let Some(size) = described.size.filter(|&size| at > size) {
                let (found, expected) = ("larger".to_string(), format!("{size} bytes"));
                return Err(Error::Damaged { file: file.to_string(), what: "size", found, expected });
            }
            self.report(file, at, described.size);
        }
    }

    fn report(&mut self, file: &str, file_bytes: u64, file_total: Option<u64>) {
        let bytes = self.done + file_bytes;
        let total = self.total.map(|total| total.max(bytes));
        (self.progress)(Progress::Downloading { file, file_bytes, file_total, bytes, total });
    }

    /// A connection that broke in the middle of a file.
    fn broken(&self, file: &str, described: &Metadata, received: u64, error: &io::Error) -> Error {
        match described.size {
            Some(expected) => Error::CutOff { file: file.to_string(), received, expected },
            None => self.hub.client.unreachable(error),
        }
    }

    /// A write that failed: most often there is no room.
    fn write_error(&self, file: &str, described: &Metadata, at: u64, source: io::Error) -> Error {
        let folder = self.hub.cache.root().to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                let needed = described.size.unwrap_or(at).saturating_sub(at);
                Error::DiskFull { file: file.to_string(), needed, folder }
            }
            _ => Error::Cache { path: folder, source },
        }
    }
}

/// Where the body of an answer begins.
enum Start {
    /// Where the file on disk ends.
    Here,
    /// At the first byte: the server took no notice of the range.
    Beginning,
    /// Somewhere else, or the server has less than we.
    Nowhere,
}

impl Start {
    fn of(answer: &Answer, from: u64, size: Option<u64>) -> Self {
        match (answer.response.status().as_u16(), answer.content_range()) {
            (200, _) => Start::Beginning,
            (206, Some((first, whole)))
                if first == from && (whole.is_none() || size.is_none() || whole == size) =>
            {
                Start::Here
            }
            _ => Start::Nowhere,
        }
    }
}

/// Bytes of the file that a path, which may be a link, leads to.
fn size_of(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len())
}

/// What is wrong with a file that is said to be whole.
fn verify(file: &str, described: &Metadata, path: &Path) -> Result<Option<Error>, Error> {
    let refused = |source| Error::Cache { path: path.to_path_buf(), source };
    let received = fs::metadata(path).map_err(refused)?.len();
    if let Some(expected) = described.size.filter(|&size| received != size) {
        return Ok(Some(Error::CutOff { file: file.to_string(), received, expected }));
    }
    // The etag of a large file is its sha256; that of a small one is git's own hash, and its size has to do.
    let is_sha256 = described.etag.len() == 64 && described.etag.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_sha256 {
        return Ok(None);
    }
    let (mut hash, mut content) = (Sha256::new(), File::open(path).map_err(refused)?);
    let mut chunk = vec![0; CHUNK];
    loop {
        match content.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => hash.update(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(refused(error)),
        }
    }
    let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = described.etag.to_ascii_lowercase();
    Ok((found != expected).then(|| Error::Damaged {
        file: file.to_string(),
        what: "sha256",
        found,
        expected,
    }))
}
