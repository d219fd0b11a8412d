//! Rounded weights that are kept from one start to the next.
//!
//! Rounding a large model takes seconds, reading the result a fraction of one. So what `--dtype int8` rounds is written to `HF_HOME/papo/quantized`, and
//! the next start reads that file instead of the checkpoint, if it was made from the very same one (paths, sizes and times of change are noted in it), by this
//! version of the format, and its checksum is right. In any other case it is made anew. A cache that cannot be written is no error.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use papo_checkpoint::Checkpoint;
use papo_models::WeightDtype;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Recorded, name_of};
use crate::Error;
use crate::files::ModelFiles;
use crate::hub::own_cache;
use crate::network::Holding;

/// What changes when rounded weights are stored or rounded in another way.
const VERSION: u32 = 2;
/// The tensor that says what the others were made from.
const NOTE: &str = "papo.note";
/// Checkpoints smaller than this are rounded faster than a file is found.
const WORTH_KEEPING: u64 = 32 << 20;

/// The place in the cache of one checkpoint in one precision.
#[derive(Debug)]
pub(crate) struct Entry {
    path: PathBuf,
    /// What the weights are made from.
    source: Value,
}

impl Entry {
    /// The entry for a model, if what it is rounded to is worth keeping: not one in memory, a small one, or one that is rounded already.
    pub fn of(files: &ModelFiles, config: &Value, dtype: WeightDtype) -> Result<Option<Self>, Error> {
        let (Some(precision), ModelFiles::Folder(_)) = (name_of(dtype), files) else { return Ok(None) };
        if config.get("quantization_config").is_some() || Holding::of(config) != Holding::Weights {
            return Ok(None);
        }
        let checkpoint = crate::pretrained_model::checkpoint(files)?;
        let mut sources = Vec::new();
        let mut bytes = 0;
        for file in checkpoint.files() {
            // In the hub's cache the files are links to what they hold.
            let (Ok(path), Ok(metadata)) = (fs::canonicalize(file), fs::metadata(file)) else {
                return Ok(None);
            };
            let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            bytes += metadata.len();
            sources.push(json!({
                "path": path.to_string_lossy(),
                "bytes": metadata.len(),
                "changed_ns": changed.map(|time| time.as_nanos().to_string()),
            }));
        }
        if bytes < WORTH_KEEPING {
            return Ok(None);
        }
        let paths: Vec<&Value> = sources.iter().map(|source| &source["path"]).collect();
        let key = Sha256::digest(json!(paths).to_string());
        let key: String = key.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        let path = folder().join(format!("{key}-{precision}.safetensors"));
        Ok(Some(Self { path, source: json!({"version": VERSION, "precision": precision, "files": sources}) }))
    }

    /// The rounded weights, if they are there and right.
    pub fn open(&self) -> Option<Checkpoint> {
        let checkpoint = Checkpoint::open_file(&self.path).ok()?;
        let note = note(&checkpoint)?;
        if note.get("source") != Some(&self.source) {
            return None;
        }
        (note.get("crc32")?.as_u64()? == u64::from(checksum(&checkpoint).ok()?)).then_some(checkpoint)
    }

    /// Takes what is to be kept.
    pub fn record(&self) -> Recorded {
        // Where there is no folder, the recording fails, and says why when it is to be kept.
        let _ = fs::create_dir_all(folder());
        Recorded::new(&self.path)
    }

    /// Keeps what was recorded; the reason where it cannot.
    pub fn keep(&self, recorded: Recorded) -> Result<(), Error> {
        let note = json!({"source": self.source, "crc32": recorded.checksum()}).to_string();
        recorded.write(Some((NOTE, note.as_bytes())))?;
        Ok(())
    }
}

fn folder() -> PathBuf {
    own_cache().join("quantized")
}

fn note(checkpoint: &Checkpoint) -> Option<Value> {
    serde_json::from_slice(&checkpoint.get(NOTE).ok()??.bytes).ok()
}

/// The checksum over all tensors but the note, by name.
fn checksum(checkpoint: &Checkpoint) -> Result<u32, Error> {
    let mut hasher = crc32fast::Hasher::new();
    for name in checkpoint.names().filter(|name| *name != NOTE) {
        if let Some(tensor) = checkpoint.get(name)? {
            hasher.update(&tensor.bytes);
        }
    }
    Ok(hasher.finalize())
}

/// Removes what was made from checkpoints that are gone, and returns the bytes that are free again.
pub fn sweep() -> u64 {
    let mut freed = 0;
    for entry in fs::read_dir(folder()).into_iter().flatten().flatten() {
        let path = entry.path();
        let bytes = entry.metadata().map_or(0, |metadata| metadata.len());
        if is_orphan(&path) && fs::remove_file(&path).is_ok() {
            freed += bytes;
        }
    }
    freed
}

/// Whether a file of the cache names a checkpoint that is no longer there, or cannot be read at all.
fn is_orphan(path: &Path) -> bool {
    if path.extension().is_none_or(|extension| extension != "safetensors") {
        return false;
    }
    let sources = Checkpoint::open_file(path).ok().and_then(|checkpoint| note(&checkpoint));
    let files = sources.as_ref().and_then(|note| note["source"]["files"].as_array());
    files.is_none_or(|files| {
        files.iter().any(|file| file["path"].as_str().is_none_or(|path| !Path::new(path).exists()))
    })
}
