//! A folder in which a model is being made: nobody else's meanwhile, and never half of one model and half of another.
//!
//! A [`Claim`] is taken before the work. It refuses a folder that holds something, holds a lock that ends with the process, and takes
//! away what it has made when nothing came of it. A model that is to be replaced stays where it is, and usable: the new one is made in
//! a draft beside it (`.NAME.papo-new`) and changes places with it in the end. What is no part of a model, such as a README, moves along.
//!
//! A training that was cut off is found again by its state, `training/state.safetensors`, in the folder itself or in the draft.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::replace::{is_partial, remove_partials};

/// The lock's name.
const LOCK: &str = ".papo-lock";
/// Stands in a folder that was empty before, until the model is whole: what is beside it, nobody will miss.
const UNFINISHED: &str = ".papo-unfinished";
const UNFINISHED_TEXT: &str =
    "Papo was making a model here. The next training into this folder begins anew and removes this file.\n";
/// Where a training keeps what it goes on from, below the folder.
const TRAINING: &str = "training";
const STATE: &str = "training/state.safetensors";
/// What a training writes into its folder before its first state.
const OWN: [&str; 7] = [
    "config.json",
    "generation_config.json",
    "model.ngram",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    TRAINING,
];
/// Endings of files that are part of a model, here or in another framework.
const MODEL_ENDINGS: [&str; 14] = [
    "json",
    "safetensors",
    "bin",
    "pt",
    "pth",
    "ckpt",
    "h5",
    "msgpack",
    "ot",
    "onnx",
    "ngram",
    "model",
    "spm",
    "tiktoken",
];
const MODEL_TEXTS: [&str; 3] = ["vocab.txt", "merges.txt", "bpe.codes"];

/// What to do with what is in the folder already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Nothing may be there.
    Refuse,
    /// A training that was begun there goes on; nothing else may be there.
    GoOn,
    /// A model that is there is replaced once the new one is whole.
    Replace,
    /// A training goes on if one was begun, or else replaces the model that is there.
    GoOnOrReplace,
}

impl Existing {
    fn goes_on(self) -> bool {
        matches!(self, Self::GoOn | Self::GoOnOrReplace)
    }

    fn replaces(self) -> bool {
        matches!(self, Self::Replace | Self::GoOnOrReplace)
    }
}

/// A folder that belongs to one training.
#[derive(Debug)]
pub struct Claim {
    /// Where the model is to be.
    out: PathBuf,
    /// Where it is made: there, or in a draft beside it.
    work: PathBuf,
    /// Held as long as this lives.
    lock: Option<File>,
    /// Folders that were made on the way to `out`, the outermost first.
    made: Vec<PathBuf>,
}

/// What a folder holds.
enum Found {
    /// Nothing, or what a program that was killed had written before there was anything to go on from.
    Nothing,
    /// A training that can go on.
    Training,
    /// Something else; one of its files.
    Else(String),
}

impl Claim {
    /// Takes the folder, which need not be there yet.
    ///
    /// # Errors
    /// Where something is there that may not be, another program holds the folder, or it cannot be made.
    pub fn new(out: &Path, existing: Existing) -> Result<Claim, Error> {
        let writing = |source| Error::Write { path: out.to_owned(), source };
        restore(out);
        if out.exists() && !out.is_dir() {
            return Err(Error::NoFolder { path: out.to_owned() });
        }
        // Told before anything is made, and once more when the lock is held.
        check(out, existing)?;
        let made = make(out).map_err(writing)?;
        // What is made from here on goes with the claim if this fails.
        let mut claim =
            Claim { out: out.canonicalize().map_err(writing)?, work: out.to_owned(), lock: None, made };
        claim.work.clone_from(&claim.out);
        claim.lock = lock(&claim.out)?;
        remove_partials(&claim.out);
        remove_partials(&claim.out.join(TRAINING));
        let draft = beside(&claim.out, "new");
        if existing.goes_on() && draft.join(STATE).is_file() {
            claim.work = draft;
            return Ok(claim);
        }
        match check(&claim.out, existing)? {
            Found::Nothing => {
                claim.clear(&claim.out);
                fs::write(claim.out.join(UNFINISHED), UNFINISHED_TEXT).map_err(writing)?;
            }
            Found::Training if existing.goes_on() => {}
            Found::Training | Found::Else(_) => {
                let drafting = |source| Error::Write { path: draft.clone(), source };
                if draft.exists() {
                    fs::remove_dir_all(&draft).map_err(drafting)?;
                }
                fs::create_dir(&draft).map_err(drafting)?;
                claim.work = draft;
            }
        }
        Ok(claim)
    }

    /// The folder that the model's files go into.
    pub fn folder(&self) -> &Path {
        &self.work
    }

    /// Whether the model will take another's place when it is whole.
    pub fn replaces(&self) -> bool {
        self.work != self.out
    }

    /// The model is whole: puts it where it is to be.
    ///
    /// # Errors
    /// Where the old model cannot give way; both are as they were then.
    pub fn keep(self) -> Result<(), Error> {
        let _ = fs::remove_file(self.work.join(UNFINISHED));
        if self.replaces() {
            let failed = |source| Error::Write { path: self.out.clone(), source };
            let old = beside(&self.out, "old");
            fs::rename(&self.out, &old).map_err(failed)?;
            if let Err(source) = fs::rename(&self.work, &self.out) {
                let _ = fs::rename(&old, &self.out);
                return Err(failed(source));
            }
            discard(&old, &self.out);
        }
        Ok(())
    }

    /// Removes from a folder what a training writes before its first state.
    fn clear(&self, folder: &Path) {
        for name in OWN {
            let path = folder.join(name);
            let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let is_worth_keeping = |folder: &Path| folder.join(STATE).is_file() || is_whole(folder);
        if self.lock.is_some() {
            // Without the lock they may be somebody else's.
            remove_partials(&self.work);
        }
        if self.replaces() {
            if self.work.is_dir() && !is_worth_keeping(&self.work) {
                let _ = fs::remove_dir_all(&self.work);
            }
        } else if self.lock.is_some() {
            let unfinished = self.out.join(UNFINISHED);
            if unfinished.is_file() && !is_worth_keeping(&self.out) {
                self.clear(&self.out);
            }
            let _ = fs::remove_file(unfinished);
        }
        // While the lock is still held, so that nobody else's is removed.
        if self.lock.is_some() {
            let _ = fs::remove_file(self.out.join(LOCK));
        }
        for folder in self.made.iter().rev() {
            // Fails, as it should, where something is in it.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Whether a model is there: a configuration with weights of some kind.
fn is_whole(folder: &Path) -> bool {
    folder.join("config.json").is_file()
        && ["model.ngram", "model.safetensors"].iter().any(|name| folder.join(name).is_file())
}

/// What may be done with a folder; an error where that is nothing.
fn check(out: &Path, existing: Existing) -> Result<Found, Error> {
    let found = found(out).map_err(|source| Error::Read { path: out.to_owned(), source })?;
    match &found {
        Found::Training if existing == Existing::Refuse => Err(Error::Begun { folder: out.to_owned() }),
        Found::Else(name)
            if !(existing.replaces() || existing.goes_on() && beside(out, "new").join(STATE).is_file()) =>
        {
            Err(Error::Occupied { folder: out.to_owned(), name: name.clone() })
        }
        Found::Else(name) if !holds_model(out) => {
            Err(Error::NoModel { folder: out.to_owned(), name: name.clone() })
        }
        _ => Ok(found),
    }
}

fn found(out: &Path) -> io::Result<Found> {
    if out.join(STATE).is_file() {
        return Ok(Found::Training);
    }
    let mut names = Vec::new();
    match fs::read_dir(out) {
        Ok(entries) => {
            for entry in entries {
                names.push(entry?.file_name().to_string_lossy().into_owned());
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    }
    let was_killed = names.iter().any(|name| name == UNFINISHED);
    names.retain(|name| name != LOCK && name != UNFINISHED && !is_partial(name));
    names.sort();
    let is_own = |name: &String| was_killed && OWN.contains(&name.as_str());
    Ok(match names.into_iter().find(|name| !is_own(name)) {
        None => Found::Nothing,
        Some(name) => Found::Else(name),
    })
}

/// Whether a folder looks like a model's, so that replacing it cannot mean somebody's home.
fn holds_model(folder: &Path) -> bool {
    let weights = ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "model.ngram"];
    folder.join("config.json").is_file() || weights.iter().any(|name| folder.join(name).is_file())
}

/// A name next to the folder's: the draft of a new model, or the old one while they change places.
fn beside(out: &Path, what: &str) -> PathBuf {
    let out = out.canonicalize().unwrap_or_else(|_| out.to_owned());
    let mut name = OsString::from(".");
    name.push(out.file_name().unwrap_or(out.as_os_str()));
    name.push(format!(".papo-{what}"));
    out.with_file_name(name)
}

/// Ends a change of places that was cut off in the middle.
fn restore(out: &Path) {
    let old = beside(out, "old");
    if !old.is_dir() {
        return;
    }
    // A program that is changing places right now still holds the old folder.
    let Ok(held) = lock(&old) else { return };
    if out.exists() {
        discard(&old, out);
    } else if fs::rename(&old, out).is_ok() {
        let _ = fs::remove_file(out.join(LOCK));
    }
    drop(held);
}

/// Removes an old model, after what is no part of it has moved to the new one.
fn discard(old: &Path, new: &Path) {
    for entry in fs::read_dir(old).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let shown = name.to_string_lossy().into_owned();
        let place = new.join(&name);
        if !is_of_a_model(&shown) && !place.exists() && fs::rename(entry.path(), place).is_err() {
            // Better an old folder too many than a lost file.
            return;
        }
    }
    let _ = fs::remove_dir_all(old);
}

fn is_of_a_model(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    [LOCK, UNFINISHED, TRAINING].contains(&name)
        || is_partial(name)
        || MODEL_ENDINGS.contains(&ending.to_ascii_lowercase().as_str())
        || MODEL_TEXTS.contains(&name)
}

/// Makes a folder and those above it; gives those that were not there.
fn make(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut made: Vec<PathBuf> = folder
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
        .map(Path::to_owned)
        .collect();
    made.reverse();
    fs::create_dir_all(folder).inspect_err(|_| {
        made.iter().rev().for_each(|path| drop(fs::remove_dir(path)));
    })?;
    Ok(made)
}

/// Takes the folder's lock; `None` where the file system has none to give.
fn lock(folder: &Path) -> Result<Option<File>, Error> {
    let path = folder.join(LOCK);
    let writing = |source| Error::Write { path: folder.to_owned(), source };
    loop {
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(writing)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Locked { folder: folder.to_owned() }),
            Err(TryLockError::Error(_)) => return Ok(Some(file)),
        }
        // Whoever held it before may have removed the name in the meantime.
        if is_same(&file, &path) {
            return Ok(Some(file));
        }
    }
}

#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((file.metadata(), fs::metadata(path)), (Ok(held), Ok(named)) if identity(held.clone()) == identity(named.clone()))
}

#[cfg(not(unix))]
fn is_same(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests;
