//! What can be wrong with a checkpoint, each a sentence for the person at the terminal.

use std::io;
use std::path::{Path, PathBuf};

/// Why a checkpoint cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refuses to open, size or map a file.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },

    /// A folder holds none of the weight files that are known.
    #[error(
        "{} holds no weights that are read (model.safetensors, pytorch_model.bin, or one of these in shards with an index){}",
        folder.display(),
        found.as_ref().map(|found| format!(", {found}")).unwrap_or_default()
    )]
    NoWeights {
        /// The model folder.
        folder: PathBuf,
        /// A clause on the weights in other formats, with what to do.
        found: Option<String>,
    },

    /// A clone made without git-lfs left a note of 130 bytes where the weights belong.
    #[error(
        "{} is a git-lfs pointer, not the weights: run `git lfs pull` in its folder, or let Papo download the model",
        path.display()
    )]
    LfsPointer {
        /// The weight file.
        path: PathBuf,
    },

    /// A file contradicts itself or is cut off.
    #[error("{} is damaged: {problem}; download it again", path.display())]
    Damaged {
        /// The weight or index file.
        path: PathBuf,
        /// What was expected and what was found.
        problem: String,
    },

    /// One tensor of a file contradicts itself or the file.
    #[error("{} is damaged: tensor {key:?} {problem}; download it again", path.display())]
    DamagedTensor {
        /// The weight file.
        path: PathBuf,
        /// The tensor's name.
        key: String,
        /// What was expected and what was found.
        problem: String,
    },

    /// A well-formed file uses something that is not supported.
    #[error("{} cannot be used: {problem}; use a safetensors file of this model instead", path.display())]
    Unsupported {
        /// The weight file.
        path: PathBuf,
        /// What the file uses.
        problem: String,
    },

    /// A pickle names a Python function or class that is not part of plain weights.
    #[error(
        "{} wants to run {global} while loading; Papo never runs code from a checkpoint, so use a safetensors file of \
         this model instead",
        path.display()
    )]
    ForbiddenGlobal {
        /// The weight file.
        path: PathBuf,
        /// Module and name, such as `posix.system`.
        global: String,
    },

    /// An index names a shard that is not there.
    #[error("{} names the shard {shard:?}, which is missing: download the whole model again", index.display())]
    MissingShard {
        /// The index file.
        index: PathBuf,
        /// The shard's file name.
        shard: String,
    },

    /// An index names a shard outside its folder.
    #[error(
        "{} names the shard {shard:?}, which is not a plain file name: a shard must lie beside its index",
        index.display()
    )]
    ShardName {
        /// The index file.
        index: PathBuf,
        /// What stands where a file name belongs.
        shard: String,
    },

    /// A shard lacks a tensor that the index says it holds.
    #[error("{} lacks the tensor {key:?} that {} says it holds: download the whole model again", shard.display(), index.display())]
    NotInShard {
        /// The index file.
        index: PathBuf,
        /// The shard.
        shard: PathBuf,
        /// The tensor's name.
        key: String,
    },

    /// The operating system refuses to write.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },

    /// A tensor handed over for writing has the wrong number of bytes or a name that is taken.
    #[error("cannot write {}: tensor {key:?} {problem}", path.display())]
    BadTensor {
        /// The file to be written.
        path: PathBuf,
        /// The tensor's name.
        key: String,
        /// What was expected and what was found.
        problem: String,
    },

    /// The folder that a model is to be made in is a file.
    #[error("{} is a file, and a model is a folder of files; name a folder", path.display())]
    NoFolder {
        /// The file.
        path: PathBuf,
    },

    /// A folder that a model is to be made in holds something.
    #[error(
        "{} is there already and holds {name}; name a new folder, or replace the model in it with --overwrite",
        folder.display()
    )]
    Occupied {
        /// The folder.
        folder: PathBuf,
        /// A file in it.
        name: String,
    },

    /// A folder that is to be replaced is no model's.
    #[error(
        "{} holds {name} and no model, and --overwrite replaces only models; name another folder, or empty this one yourself",
        folder.display()
    )]
    NoModel {
        /// The folder.
        folder: PathBuf,
        /// A file in it.
        name: String,
    },

    /// A training was begun in the folder.
    #[error(
        "{} holds the training of a network; go on with it by --resume, begin anew with --overwrite, or name another folder",
        folder.display()
    )]
    Begun {
        /// The folder.
        folder: PathBuf,
    },

    /// Another program holds the folder.
    #[error("another training is at work in {}; wait for its end, or name another folder", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
}

impl Error {
    /// The file that is damaged or lacks something, where that is what is wrong.
    pub fn damaged_file(&self) -> Option<&Path> {
        match self {
            Error::Damaged { path, .. } | Error::DamagedTensor { path, .. } => Some(path),
            Error::MissingShard { index, .. } | Error::NotInShard { index, .. } => Some(index),
            _ => None,
        }
    }
}
