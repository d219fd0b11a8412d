//! The folders of the cache, as `huggingface_hub` lays them out: paths, refs, links and locks.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::Error;
use super::repository::{Repository, is_commit};

/// How long nobody looks whether an interrupt came.
pub(super) const BREATH: Duration = Duration::from_millis(100);

/// The folder of all models.
#[derive(Debug)]
pub(super) struct Cache {
    root: PathBuf,
}

/// Held while a file is fetched, so that two programs do not write to it; released when dropped.
#[derive(Debug)]
pub(super) struct Lock {
    /// `None` on a file system that has no locks, where Python's library goes on without as well.
    _file: Option<File>,
}

impl Cache {
    pub(super) fn new(root: PathBuf) -> Self {
        Cache { root }
    }

    /// The folder of all models.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of one model.
    pub(super) fn model(&self, repository: &Repository) -> PathBuf {
        self.root.join(repository.folder())
    }

    /// The folder of the files of one commit.
    pub(super) fn snapshot(&self, repository: &Repository, commit: &str) -> PathBuf {
        self.model(repository).join("snapshots").join(commit)
    }

    /// Where the bytes with this etag are kept.
    pub(super) fn blob(&self, repository: &Repository, etag: &str) -> PathBuf {
        self.model(repository).join("blobs").join(etag)
    }

    /// The folder of the locks of one model.
    pub(super) fn locks(&self, repository: &Repository) -> PathBuf {
        self.root.join(".locks").join(repository.folder())
    }

    /// The commit that the revision stood for when it was last asked about.
    pub(super) fn commit_of(&self, repository: &Repository) -> Option<String> {
        if repository.is_commit() {
            return Some(repository.revision().to_string());
        }
        let text =
            fs::read_to_string(self.model(repository).join("refs").join(repository.revision())).ok()?;
        Some(text.trim().to_string()).filter(|commit| is_commit(commit))
    }

    /// The commits that may be meant where no ref tells, newest first: any for whoever names no revision, else the one that begins so.
    pub(super) fn guesses(&self, repository: &Repository) -> Vec<String> {
        let begins = repository.revision();
        let is_beginning = begins.len() >= 7 && begins.bytes().all(|byte| byte.is_ascii_hexdigit());
        if repository.names_revision() && !is_beginning {
            return Vec::new();
        }
        let snapshots = fs::read_dir(self.model(repository).join("snapshots"));
        let mut found: Vec<_> = snapshots
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                Some((entry.metadata().ok()?.modified().ok(), entry.file_name().into_string().ok()?))
            })
            .filter(|(_, commit)| is_commit(commit))
            .filter(|(_, commit)| !repository.names_revision() || commit.starts_with(begins))
            .collect();
        if repository.names_revision() && found.len() > 1 {
            return Vec::new();
        }
        found.sort();
        found.into_iter().rev().map(|(_, commit)| commit).collect()
    }

    /// Notes the commit that the revision stands for.
    pub(super) fn set_ref(&self, repository: &Repository, commit: &str) -> Result<(), Error> {
        // Written only when it changes, so that a cache that is shared read-only works as long as it is up to date.
        if repository.revision() == commit || self.commit_of(repository).as_deref() == Some(commit) {
            return Ok(());
        }
        let path = self.model(repository).join("refs").join(repository.revision());
        create_parent(&path)?;
        // Programs that write it at the same time, and threads of one, must not take each other's file away.
        static WRITES: AtomicU32 = AtomicU32::new(0);
        let number = WRITES.fetch_add(1, Ordering::Relaxed);
        let partial = path.with_file_name(format!(".{}-{number}.partial", std::process::id()));
        fs::write(&partial, commit)
            .and_then(|()| fs::rename(&partial, &path))
            .map_err(|source| Error::Cache { path, source })
    }

    /// Makes `file` of a snapshot point at a blob that is there, also where it is something already; the caller holds the lock on the
    /// blob.
    pub(super) fn link(
        &self,
        repository: &Repository,
        commit: &str,
        file: &str,
        etag: &str,
    ) -> Result<(), Error> {
        let pointer = self.snapshot(repository, commit).join(file);
        create_parent(&pointer)?;
        let refused = |source| Error::Cache { path: pointer.clone(), source };
        match fs::remove_file(&pointer) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(refused(source)),
            _ => {}
        }
        match symlink(&Path::new("../../blobs").join(etag), &pointer) {
            Ok(()) => Ok(()),
            // Where there are no links, Python's library too puts the file itself there.
            Err(_) => fs::copy(self.blob(repository, etag), &pointer).map(drop).map_err(refused),
        }
    }

    /// Takes the lock on a blob; while another program holds it, `waiting` is asked again and again whether to go on waiting.
    pub(super) fn lock(
        &self,
        repository: &Repository,
        etag: &str,
        waiting: &mut dyn FnMut() -> Result<(), Error>,
    ) -> Result<Lock, Error> {
        let path = self.locks(repository).join(format!("{etag}.lock"));
        create_parent(&path)?;
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|source| Error::Cache { path, source })?;
        let held = loop {
            match file.try_lock() {
                Ok(()) => break true,
                Err(TryLockError::WouldBlock) => {
                    waiting()?;
                    std::thread::sleep(BREATH);
                }
                Err(TryLockError::Error(_)) => break false,
            }
        };
        Ok(Lock { _file: held.then_some(file) })
    }

    /// Whether another program holds a lock on the model.
    pub(super) fn is_busy(&self, repository: &Repository) -> bool {
        let Ok(locks) = fs::read_dir(self.locks(repository)) else { return false };
        locks.flatten().any(|lock| {
            File::options()
                .write(true)
                .open(lock.path())
                .is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
        })
    }
}

/// Makes the folder that a file is to lie in.
pub(super) fn create_parent(path: &Path) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|source| Error::Cache { path: folder.to_path_buf(), source })
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn symlink(_target: &Path, _link: &Path) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}
