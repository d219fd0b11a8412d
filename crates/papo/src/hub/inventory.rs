//! What the cache holds, and how to be rid of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::cache::Cache;
use super::repository::{Repository, is_commit};
use super::{Error, is_file};

/// A model in the cache.
#[derive(Clone, Debug)]
pub struct CachedModel {
    /// `OWNER/NAME`
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Bytes on disk, those of unfinished downloads too; files that several revisions share count once.
    pub size: u64,
    /// Bytes of unfinished downloads.
    pub unfinished: u64,
    /// When a file of it was last read, as far as the file system keeps track.
    pub last_used: Option<SystemTime>,
    /// Its snapshots, by commit.
    pub revisions: Vec<CachedRevision>,
}

/// One version of a model in the cache.
#[derive(Clone, Debug)]
pub struct CachedRevision {
    /// The commit, a whole hash.
    pub commit: String,
    /// Branches and tags that stand for it.
    pub refs: Vec<String>,
    /// The folder of its files.
    pub folder: PathBuf,
    /// Its files with their sizes in bytes, by name.
    pub files: Vec<(String, u64)>,
    /// Bytes of its files.
    pub size: u64,
}

impl CachedRevision {
    /// What people call it: its branches and tags, else the beginning of its commit.
    pub fn title(&self) -> String {
        match &self.refs[..] {
            [] => self.commit.chars().take(8).collect(),
            names => names.join(", "),
        }
    }
}

/// Every model in the cache, by name.
pub(super) fn list(cache: &Cache) -> Result<Vec<CachedModel>, Error> {
    let mut models = Vec::new();
    for folder in folders(cache.root())? {
        // Names have no `--` of their own, so that the way back is clear.
        let name = folder
            .file_name()
            .and_then(|name| name.to_str()?.strip_prefix("models--"))
            .map(|name| name.replace("--", "/"));
        if let Some(repository) = name.and_then(|name| Repository::new(&name, None).ok()) {
            models.extend(show(cache, &repository)?);
        }
    }
    models.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(models)
}

/// What the cache has of one model.
pub(super) fn show(cache: &Cache, repository: &Repository) -> Result<Option<CachedModel>, Error> {
    let folder = cache.model(repository);
    if !folder.is_dir() {
        return Ok(None);
    }
    let (mut size, mut unfinished, mut last_used) = (0, 0, None);
    // Files on the disk, each once, whatever the number of its names.
    let mut counted = BTreeSet::new();
    for blob in entries(&folder.join("blobs"))? {
        let Ok(metadata) = fs::metadata(&blob) else { continue };
        if !counted.insert(identity(&metadata, &blob)) {
            continue;
        }
        size += metadata.len();
        if blob.extension().is_some_and(|extension| extension == "incomplete") {
            unfinished += metadata.len();
        }
        last_used = last_used.max(metadata.accessed().or_else(|_| metadata.modified()).ok());
    }
    let refs = refs(&folder.join("refs"))?;
    let mut revisions = Vec::new();
    for snapshot in folders(&folder.join("snapshots"))? {
        let Some(commit) = snapshot.file_name().and_then(|name| name.to_str()).filter(|name| is_commit(name))
        else {
            continue;
        };
        let mut files = Vec::new();
        for (name, path) in files_below(&snapshot)? {
            let Ok(metadata) = fs::metadata(&path) else { continue };
            // Where there are no links, as in a cache that was copied without them, the bytes lie in the snapshot itself.
            if !path.is_symlink() && counted.insert(identity(&metadata, &path)) {
                size += metadata.len();
                last_used = last_used.max(metadata.accessed().or_else(|_| metadata.modified()).ok());
            }
            files.push((name, metadata.len()));
        }
        files.sort();
        let names = refs.iter().filter(|(_, of)| *of == commit).map(|(name, _)| name.clone()).collect();
        let size = files.iter().map(|(_, length)| length).sum();
        revisions.push(CachedRevision {
            commit: commit.to_string(),
            refs: names,
            folder: snapshot,
            files,
            size,
        });
    }
    revisions.sort_by(|a, b| a.commit.cmp(&b.commit));
    Ok(Some(CachedModel {
        name: repository.name().to_string(),
        folder,
        size,
        unfinished,
        last_used,
        revisions,
    }))
}

/// Removes a model, or one revision of it; returns the bytes freed.
pub(super) fn remove(cache: &Cache, repository: &Repository) -> Result<u64, Error> {
    let absent = || Error::NotCached { name: repository.to_string() };
    let model = show(cache, repository)?.ok_or_else(absent)?;
    if cache.is_busy(repository) {
        return Err(Error::Busy { name: repository.name().to_string() });
    }
    if !repository.names_revision() {
        // Out of sight first: a model that is half removed must not be taken for a whole one.
        let doomed = cache.root().join(format!(".removing-{}-{}", std::process::id(), repository.folder()));
        let refused = |source| Error::Cache { path: model.folder.clone(), source };
        fs::rename(&model.folder, &doomed).map_err(refused)?;
        fs::remove_dir_all(&doomed).map_err(|source| Error::Cache { path: doomed, source })?;
        let _ = fs::remove_dir_all(cache.locks(repository)); // Empty files that nobody holds.
        return Ok(model.size);
    }
    let commit = cache.commit_of(repository).or_else(|| cache.guesses(repository).pop());
    let found = model.revisions.iter().find(|revision| Some(&revision.commit) == commit.as_ref());
    let revision = found.ok_or_else(absent)?;
    let commit = &revision.commit;
    let others: BTreeSet<PathBuf> = model
        .revisions
        .iter()
        .filter(|other| other.commit != *commit)
        .flat_map(|other| blobs_of(&other.folder))
        .collect();
    let own: BTreeSet<PathBuf> = blobs_of(&revision.folder).into_iter().collect();
    let copies = files_below(&revision.folder)?.into_iter().filter(|(_, path)| !path.is_symlink());
    let mut freed = copies.map(|(_, path)| fs::metadata(path).map_or(0, |metadata| metadata.len())).sum();
    for name in &revision.refs {
        remove_file(&model.folder.join("refs").join(name))?;
    }
    fs::remove_dir_all(&revision.folder)
        .map_err(|source| Error::Cache { path: revision.folder.clone(), source })?;
    for blob in own.difference(&others) {
        freed += fs::metadata(blob).map_or(0, |metadata| metadata.len());
        remove_file(blob)?;
    }
    Ok(freed)
}

/// The blobs that the links of a snapshot lead to; a link that leads elsewhere is none of ours and left alone.
fn blobs_of(snapshot: &Path) -> Vec<PathBuf> {
    let Ok(blobs) = snapshot.join("../../blobs").canonicalize() else { return Vec::new() };
    let files = files_below(snapshot).unwrap_or_default().into_iter();
    let links = files.filter_map(|(_, path)| Some(path.parent()?.join(fs::read_link(&path).ok()?)));
    links
        .filter_map(|target| Some(target.parent()?.canonicalize().ok()?.join(target.file_name()?)))
        .filter(|target| target.parent() == Some(blobs.as_path()))
        .collect()
}

/// The files in a snapshot and the folders in it, under their names from there, and links that lead to none.
fn files_below(snapshot: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let mut found = Vec::new();
    let mut pending = vec![(snapshot.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = pending.pop() {
        for path in entries(&folder)? {
            let name = format!("{prefix}{}", path.file_name().unwrap_or_default().to_string_lossy());
            if path.is_dir() && !path.is_symlink() {
                if name.matches('/').count() < 8 {
                    pending.push((path, name + "/"));
                }
            } else if is_file(&path) || path.is_symlink() {
                found.push((name, path));
            }
        }
    }
    Ok(found)
}

/// What tells a file from every other, though it has several names.
#[cfg(unix)]
fn identity(metadata: &fs::Metadata, _: &Path) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata, path: &Path) -> PathBuf {
    path.to_path_buf()
}

/// Branches and tags with their commits; a name may have slashes, so that this looks into folders.
fn refs(folder: &Path) -> Result<BTreeMap<String, String>, Error> {
    let mut found = BTreeMap::new();
    let mut pending = vec![(folder.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = pending.pop() {
        for path in entries(&folder)? {
            // Refs that are just being written begin with a dot.
            let name = path.file_name().and_then(|name| name.to_str()).filter(|name| !name.starts_with('.'));
            let Some(name) = name else { continue };
            let name = format!("{prefix}{name}");
            match fs::read_to_string(&path) {
                Ok(commit) => drop(found.insert(name, commit.trim().to_string())),
                // `refs/pr/7` is as deep as it gets.
                Err(_) if path.is_dir() && !path.is_symlink() && name.matches('/').count() < 4 => {
                    pending.push((path, name + "/"))
                }
                Err(_) => {}
            }
        }
    }
    Ok(found)
}

/// What is in a folder; nothing when it does not exist.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).collect()),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(Error::Cache { path: folder.to_path_buf(), source }),
    }
}

/// The folders in a folder.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    Ok(entries(folder)?.into_iter().filter(|path| path.is_dir()).collect())
}

/// Removes a file that may be gone already.
fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Error::Cache { path: path.to_path_buf(), source })
        }
        _ => Ok(()),
    }
}
