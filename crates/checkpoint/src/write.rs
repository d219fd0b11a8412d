//! Writing safetensors, whole or in shards, so that a reader never sees half a file.
//!
//! `replace.rs` says how a file appears whole or not at all. With shards, the index comes last, as it is what makes them a
//! checkpoint.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::layout::elements;
use crate::replace::replace_file;
use crate::safetensors::MAX_HEADER;
use crate::{Dtype, Error};

/// A tensor to be written.
#[derive(Clone, Copy, Debug)]
pub struct NewTensor<'a> {
    /// Its key.
    pub name: &'a str,
    /// Type of its elements.
    pub dtype: Dtype,
    /// Sizes of its axes.
    pub shape: &'a [usize],
    /// Its elements, row-major, little-endian; as many bytes as the shape says.
    pub bytes: &'a [u8],
}

/// Writes `tensors` into one safetensors file at `path`, replacing what is there.
///
/// `metadata` is free text for readers; `format: pt`, without which `transformers` refuses a file, is added unless it
/// says something else. Fails when a tensor has the wrong number of bytes or a name that is taken, or nothing can be written.
pub fn write_safetensors(
    path: &Path,
    tensors: &[NewTensor<'_>],
    metadata: &BTreeMap<String, String>,
) -> Result<(), Error> {
    check(path, tensors)?;
    write_described(path, tensors, metadata, |file, tensor| file.write_all(tensor.bytes))
}

/// What the header of a file says of a tensor.
pub(crate) trait Described {
    fn name(&self) -> &str;
    fn dtype(&self) -> Dtype;
    fn shape(&self) -> &[usize];
    /// How many bytes its elements take.
    fn bytes(&self) -> u64;
}

impl Described for NewTensor<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        self.shape
    }

    fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// Writes one safetensors file of tensors whose elements `write_elements` writes.
pub(crate) fn write_described<T: Described>(
    path: &Path,
    tensors: &[T],
    metadata: &BTreeMap<String, String>,
    mut write_elements: impl FnMut(&mut BufWriter<&File>, &T) -> io::Result<()>,
) -> Result<(), Error> {
    let mut ordered: Vec<&T> = tensors.iter().collect();
    // Wide elements first: each tensor then starts at a multiple of its element size, as readers that map the file like it.
    ordered.sort_by_key(|tensor| (std::cmp::Reverse(tensor.dtype().size()), tensor.name()));
    let header = header(&ordered, metadata);
    if header.len() > MAX_HEADER {
        let source = io::Error::other(format!(
            "its header would have {} bytes, more than readers accept",
            header.len()
        ));
        return Err(Error::Write { path: path.to_path_buf(), source });
    }
    replace_file(path, |file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        ordered.iter().try_for_each(|tensor| write_elements(file, tensor))
    })
}

/// Writes `tensors` into `folder` as `model.safetensors`, or, where they take more than `shard_bytes`, as
/// `model-00001-of-0000N.safetensors` with an index.
///
/// Tensors keep their order; a tensor is never split, so one that is larger than `shard_bytes` has a shard of its own. An older
/// `model.safetensors` is removed once the index is there, as readers would take it first. Fails as [`write_safetensors`] does.
pub fn write_sharded(
    folder: &Path,
    tensors: &[NewTensor<'_>],
    metadata: &BTreeMap<String, String>,
    shard_bytes: usize,
) -> Result<(), Error> {
    let index_path = folder.join("model.safetensors.index.json");
    check(&index_path, tensors)?;
    let mut shards: Vec<&[NewTensor<'_>]> = Vec::new();
    let (mut begin, mut held) = (0, 0_usize);
    for (at, tensor) in tensors.iter().enumerate() {
        if at > begin && held.saturating_add(tensor.bytes.len()) > shard_bytes {
            shards.push(&tensors[begin..at]);
            (begin, held) = (at, 0);
        }
        held = held.saturating_add(tensor.bytes.len());
    }
    shards.push(&tensors[begin..]);
    let whole = folder.join("model.safetensors");
    if let [all] = shards[..] {
        return write_safetensors(&whole, all, metadata);
    }
    let mut weight_map = Map::new();
    for (number, shard) in shards.iter().enumerate() {
        let name = format!("model-{:05}-of-{:05}.safetensors", number + 1, shards.len());
        write_safetensors(&folder.join(&name), shard, metadata)?;
        weight_map.extend(shard.iter().map(|tensor| (tensor.name.to_string(), json!(name))));
    }
    let total: usize = tensors.iter().map(|tensor| tensor.bytes.len()).sum();
    let index = json!({ "metadata": { "total_size": total }, "weight_map": weight_map });
    replace_file(&index_path, |file| writeln!(file, "{index:#}"))?;
    match fs::remove_file(&whole) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::Write { path: whole, source }),
        _ => Ok(()),
    }
}

/// Refuses tensors that a reader would refuse.
fn check(path: &Path, tensors: &[NewTensor<'_>]) -> Result<(), Error> {
    let mut names = HashSet::new();
    tensors.iter().try_for_each(|tensor| check_tensor(path, tensor, names.insert(tensor.name)))
}

/// Refuses a tensor that a reader would refuse; `is_new` says whether its name is free.
pub(crate) fn check_tensor(path: &Path, tensor: &NewTensor<'_>, is_new: bool) -> Result<(), Error> {
    let bad = |problem| Error::BadTensor { path: path.to_path_buf(), key: tensor.name.to_string(), problem };
    if tensor.name == "__metadata__" || !is_new {
        return Err(bad("has a name that is taken".to_string()));
    }
    let expected = elements(tensor.shape).and_then(|count| count.checked_mul(tensor.dtype.size()));
    if expected != Some(tensor.bytes.len()) {
        return Err(bad(format!(
            "of type {} and shape {:?} was given {} bytes",
            tensor.dtype,
            tensor.shape,
            tensor.bytes.len()
        )));
    }
    Ok(())
}

/// The JSON before the data, padded with spaces so that the data starts at a multiple of 8.
fn header<T: Described>(tensors: &[&T], metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let mut notes: Map<String, Value> =
        metadata.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    notes.entry("format").or_insert_with(|| json!("pt"));
    let mut header = Map::from_iter([("__metadata__".to_string(), Value::Object(notes))]);
    let mut begin = 0;
    for tensor in tensors {
        let end = begin + tensor.bytes();
        let described =
            json!({ "dtype": tensor.dtype().name(), "shape": tensor.shape(), "data_offsets": [begin, end] });
        header.insert(tensor.name().to_string(), described);
        begin = end;
    }
    let mut text = Value::Object(header).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    text
}
