//! Tensors that come one after the other and are more than memory should hold at once: they wait on disk until all have come.
//!
//! A safetensors file begins with the places of all its tensors, so it can only be begun when the last one is known. The waiting
//! file lies where the finished one will, and has no name: whatever happens, nothing of it remains.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::write::{Described, check_tensor, write_described};
use crate::{Dtype, Error, NewTensor};

/// Takes the tensors of a safetensors file one by one; [`finish`](Self::finish) writes the file.
#[derive(Debug)]
pub struct TensorSpool {
    path: PathBuf,
    waiting: BufWriter<File>,
    tensors: Vec<Waiting>,
    names: HashSet<String>,
    bytes: u64,
}

#[derive(Debug)]
struct Waiting {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    begin: u64,
    bytes: u64,
}

impl Described for Waiting {
    fn name(&self) -> &str {
        &self.name
    }

    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl TensorSpool {
    /// Prepares a safetensors file that will be at `path`. Fails where nothing can be written into its folder.
    pub fn new(path: &Path) -> Result<Self, Error> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let file = tempfile::tempfile_in(folder.unwrap_or(Path::new(".")))
            .map_err(|source| Error::Write { path: path.to_owned(), source })?;
        let waiting = BufWriter::with_capacity(1 << 20, file);
        Ok(Self { path: path.to_owned(), waiting, tensors: Vec::new(), names: HashSet::new(), bytes: 0 })
    }

    /// Bytes of all tensors so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes a tensor. Fails where it has the wrong number of bytes or a name that is taken, or cannot be written.
    pub fn push(&mut self, tensor: &NewTensor<'_>) -> Result<(), Error> {
        check_tensor(&self.path, tensor, self.names.insert(tensor.name.to_owned()))?;
        self.waiting
            .write_all(tensor.bytes)
            .map_err(|source| Error::Write { path: self.path.clone(), source })?;
        let bytes = tensor.bytes.len() as u64;
        let (name, shape) = (tensor.name.to_owned(), tensor.shape.to_vec());
        self.tensors.push(Waiting { name, dtype: tensor.dtype, shape, begin: self.bytes, bytes });
        self.bytes += bytes;
        Ok(())
    }

    /// Writes the file, as [`write_safetensors`](crate::write_safetensors) does.
    pub fn finish(self, metadata: &BTreeMap<String, String>) -> Result<(), Error> {
        let Self { path, waiting, tensors, .. } = self;
        let failed = |source| Error::Write { path: path.clone(), source };
        let mut waiting = waiting.into_inner().map_err(|error| failed(error.into_error()))?;
        write_described(&path, &tensors, metadata, |file, tensor| {
            waiting.seek(SeekFrom::Start(tensor.begin))?;
            let copied = io::copy(&mut (&mut waiting).take(tensor.bytes), file)?;
            if copied == tensor.bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
        })
    }
}
