//! A checkpoint, whatever its format: names, and the tensor behind each.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use crate::index::Index;
use crate::layout::Layout;
use crate::map::MappedFile;
use crate::other_formats::other_weights;
use crate::{Dtype, Error, safetensors, torch};

/// Whole checkpoints and indices of sharded ones, in the order in which a model folder is searched.
const WEIGHT_FILES: [&str; 4] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
];

/// The first line of the note that git leaves in place of a large file.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// The weights of one model, mapped from one file or several, every offset checked.
#[derive(Debug)]
pub struct Checkpoint {
    files: Vec<MappedFile>,
    entries: BTreeMap<String, Entry>,
    /// Of a sharded checkpoint its index, and what that says of tensors that no shard holds: name → shard.
    promised: Option<(PathBuf, BTreeMap<String, String>)>,
}

/// One stored tensor; the layout has been proven to lie inside the file.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Position in [`Checkpoint::files`].
    pub(crate) file: usize,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) layout: Layout,
}

/// A stored tensor: what it is called, what it holds, and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<'a> {
    /// Its key in the checkpoint.
    pub name: &'a str,
    /// Type of its elements.
    pub dtype: Dtype,
    /// Sizes of its axes; empty for a scalar.
    pub shape: &'a [usize],
    /// Its elements, row-major, without gaps, little-endian; borrowed from the file unless it is stored with other strides.
    /// The bytes may lie at any address: read them element by element with `from_le_bytes`.
    pub bytes: Cow<'a, [u8]>,
    /// The file that holds it, for messages.
    pub file: &'a Path,
}

impl Tensor<'_> {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.bytes.len() / self.dtype.size()
    }
}

impl Checkpoint {
    /// Opens the weights of a model folder: `model.safetensors`, its index, `pytorch_model.bin` or its index, the first
    /// of these that is there.
    ///
    /// Fails when none is there, a shard is missing, or a file is damaged, of an unknown format, or wants to run code.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        match WEIGHT_FILES.iter().map(|name| folder.join(name)).find(|path| path.exists()) {
            Some(path) => Self::open_file(&path),
            None => {
                let names = names_below(folder)?;
                let found = other_weights(names.iter().map(String::as_str));
                Err(Error::NoWeights { folder: folder.to_path_buf(), found })
            }
        }
    }

    /// Opens a weight file, or an index and its shards when the name ends in `.json`.
    ///
    /// The format is told from the content, not the name.
    pub fn open_file(path: &Path) -> Result<Self, Error> {
        let mut checkpoint = Checkpoint::empty();
        if path.extension().is_some_and(|extension| extension == "json") {
            checkpoint.add_shards(path)?;
        } else {
            checkpoint.entries.extend(add_file(&mut checkpoint.files, MappedFile::open(path)?)?);
        }
        Ok(checkpoint)
    }

    /// Reads a weight file that is in memory already, such as one built into the program; `name` stands for it in messages.
    pub fn from_bytes(name: &Path, bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self, Error> {
        let mut checkpoint = Checkpoint::empty();
        let file = MappedFile::in_memory(name, bytes.into());
        checkpoint.entries.extend(add_file(&mut checkpoint.files, file)?);
        Ok(checkpoint)
    }

    fn empty() -> Self {
        Checkpoint { files: Vec::new(), entries: BTreeMap::new(), promised: None }
    }

    /// Adds the shards of an index, which is a list of files and not a contract: published ones name tensors that were tied when
    /// the checkpoint was saved and that no shard holds, or the wrong shard. Whether something is missing is known only to
    /// the network ([`Checkpoint::missing`]).
    fn add_shards(&mut self, index_path: &Path) -> Result<(), Error> {
        let index = Index::open(index_path)?;
        let folder = index_path.parent().unwrap_or(Path::new(""));
        for shard in index.shards() {
            let path = folder.join(shard);
            if !path.exists() {
                return Err(Error::MissingShard {
                    index: index_path.to_path_buf(),
                    shard: shard.to_string(),
                });
            }
            for (name, entry) in add_file(&mut self.files, MappedFile::open(&path)?)? {
                // Of a tensor that several shards hold the last is taken, as the reference does.
                self.entries.insert(name, entry);
            }
        }
        let absent = index.tensors().filter(|(name, _)| !self.entries.contains_key(*name));
        let absent = absent.map(|(name, shard)| (name.to_string(), shard.to_string())).collect();
        self.promised = Some((index_path.to_path_buf(), absent));
        Ok(())
    }

    /// The error of a network that cannot do without the tensor called `name`, where an index says which shard should hold it.
    pub fn missing(&self, name: &str) -> Option<Error> {
        let (index, absent) = self.promised.as_ref()?;
        let shard = index.parent().unwrap_or(Path::new("")).join(absent.get(name)?);
        Some(Error::NotInShard { index: index.clone(), shard, key: name.to_string() })
    }

    /// The names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The tensor called `name`, or `None` when there is none.
    ///
    /// Opening has checked every tensor, so that no format of today fails here.
    pub fn get(&self, name: &str) -> Result<Option<Tensor<'_>>, Error> {
        Ok(self.entries.get_key_value(name).map(|(name, entry)| {
            let file = &self.files[entry.file];
            Tensor {
                name,
                dtype: entry.dtype,
                shape: &entry.shape,
                bytes: entry.layout.read(file.bytes(), entry.dtype, &entry.shape),
                file: file.path(),
            }
        }))
    }

    /// Lets go of the memory behind the tensor called `name`, for a caller who has copied what it needs.
    ///
    /// The tensor may be read again; its pages then come from the file anew.
    pub fn release(&self, name: &str) {
        if let Some(entry) = self.entries.get(name) {
            self.files[entry.file].release(entry.layout.range());
        }
    }

    /// The weight files, in the order they were opened; an index is not among them.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(MappedFile::path)
    }

    /// Number of stored elements; a storage shared by several tensors counts once.
    pub fn parameter_count(&self) -> usize {
        let mut seen = HashSet::new();
        self.entries
            .values()
            .filter(|entry| seen.insert((entry.file, entry.layout.range())))
            .map(|entry| entry.shape.iter().product::<usize>())
            .sum()
    }
}

/// The files of a folder and of the folders in it, sorted.
fn names_below(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = |folder: &Path| {
        let read =
            std::fs::read_dir(folder).map_err(|source| Error::Read { path: folder.to_path_buf(), source })?;
        Ok(read.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>())
    };
    let mut names = entries(folder)?;
    for name in names.clone() {
        if folder.join(&name).is_dir() {
            let below = entries(&folder.join(&name)).unwrap_or_default();
            names.extend(below.into_iter().map(|below| format!("{name}/{below}")));
        }
    }
    names.sort();
    Ok(names)
}

/// Tells the format of a weight file from its first bytes, and lists what it holds.
fn add_file(files: &mut Vec<MappedFile>, mapped: MappedFile) -> Result<Vec<(String, Entry)>, Error> {
    let (path, bytes) = (mapped.path(), mapped.bytes());
    let file = files.len();
    // The brace comes first: the length before it may look like anything, while no other format has a brace there.
    let entries = if bytes.starts_with(LFS_POINTER) {
        return Err(Error::LfsPointer { path: path.to_path_buf() });
    } else if safetensors::looks_like(bytes) {
        safetensors::read(&mapped, file)?
    } else if torch::looks_like_zip(bytes) {
        torch::read_zip(&mapped, file)?
    } else if torch::looks_like_legacy(bytes) {
        torch::read_legacy(&mapped, file)?
    } else if path.extension().is_some_and(|extension| extension == "safetensors") {
        safetensors::read(&mapped, file)?
    } else {
        let problem = "it begins neither as safetensors nor as what torch.save writes".to_string();
        return Err(Error::Damaged { path: path.to_path_buf(), problem });
    };
    files.push(mapped);
    Ok(entries)
}

const _: fn() = || {
    fn shared<T: Send + Sync>() {}
    shared::<Checkpoint>();
};
