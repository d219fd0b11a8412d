//! `pytorch_model.bin`: what `torch.save` writes, in both of its formats.
//!
//! Either way a pickle describes the tensors as windows on *storages*, and the storages' bytes lie elsewhere in the file:
//!
//! * since PyTorch 1.6 the file is a zip archive (`zip.rs`) with the entries `NAME/data.pkl` and `NAME/data/KEY`;
//! * before, five pickles stand in a row (a magic number, a version, facts on the machine, the tensors, the list of storage
//!   keys), and then the storages, each with its number of elements in front.
//!
//! What is saved is a dictionary from names to tensors. Entries that are no tensors (versions, counters) are left out; a training
//! checkpoint that keeps the weights under `state_dict` is looked into.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use crate::checkpoint::Entry;
use crate::layout::Layout;
use crate::map::MappedFile;
use crate::pickle::{self, Heap, Refusal, Storage, TensorRecord, Value};
use crate::{Dtype, Error, zip};

/// `0x1950a86a20f9469cfc6c`, little-endian: the first pickle of a legacy file.
const MAGIC: &[u8] = &[0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// Version of the legacy format; there has been one.
const LEGACY_VERSION: Value<'_> = Value::Int(1001);

/// Where the storages of a file lie, by key.
type Places<'p> = HashMap<&'p str, Range<usize>>;

/// Whether a file begins as a zip archive.
pub(crate) fn looks_like_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// Whether a file begins as a pickle.
pub(crate) fn looks_like_legacy(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0x80)
}

/// Reads a zip archive; `file` is its number in the checkpoint.
pub(crate) fn read_zip(mapped: &MappedFile, file: usize) -> Result<Vec<(String, Entry)>, Error> {
    let bytes = mapped.bytes();
    let damaged = |problem| Refusal::Damaged(problem).of(mapped.path());
    let archive = zip::entries(bytes).map_err(damaged)?;
    let mut pickles = archive.iter().filter_map(|(name, place)| {
        let folder =
            name.strip_suffix("data.pkl").filter(|folder| folder.is_empty() || folder.ends_with('/'))?;
        Some((folder, place.clone()))
    });
    let (folder, place) = match (pickles.next(), pickles.next()) {
        (Some(found), None) => found,
        (None, _) => {
            return Err(damaged("its zip archive has no data.pkl, so PyTorch did not write it".to_string()));
        }
        (Some(_), Some(_)) => return Err(damaged("its zip archive has more than one data.pkl".to_string())),
    };
    if let Some(order) = archive.get(format!("{folder}byteorder").as_str())
        && &bytes[order.clone()] != b"little"
    {
        let problem = "its numbers are stored big-endian".to_string();
        return Err(Refusal::Unsupported(problem).of(mapped.path()));
    }
    let built = pickle::run(&bytes[place]).map_err(|refusal| refusal.of(mapped.path()))?;
    let prefix = format!("{folder}data/");
    let places: Places<'_> = archive
        .iter()
        .filter_map(|(name, place)| Some((name.strip_prefix(&prefix)?, place.clone())))
        .collect();
    entries(mapped, file, &built.heap, built.value, &places)
}

/// Reads a legacy file; `file` is its number in the checkpoint.
pub(crate) fn read_legacy(mapped: &MappedFile, file: usize) -> Result<Vec<(String, Entry)>, Error> {
    let bytes = mapped.bytes();
    let (built, places) = legacy_parts(bytes).map_err(|refusal| refusal.of(mapped.path()))?;
    entries(mapped, file, &built.heap, built.value, &places)
}

/// The pickle of the tensors, and where each storage lies.
fn legacy_parts(bytes: &[u8]) -> Result<(pickle::Built<'_>, Places<'_>), Refusal> {
    let damaged = |problem: &str| Refusal::Damaged(problem.to_string());
    let mut at = 0;
    let mut next = || {
        let built = pickle::run(&bytes[at..])?;
        at += built.length;
        Ok(built)
    };
    if next()?.value != Value::Long(MAGIC) {
        return Err(damaged("it begins as a pickle, but not as one that torch.save wrote"));
    }
    let version = next()?.value;
    if version != LEGACY_VERSION {
        return Err(Refusal::Unsupported(format!("its format has the version {version:?}, not 1001")));
    }
    let machine = next()?;
    if machine.heap.lookup(machine.value, "little_endian") != Some(Value::Bool(true)) {
        return Err(Refusal::Unsupported("its numbers are not stored little-endian".to_string()));
    }
    let tensors = next()?;
    let keys = next()?;
    let known: HashMap<&str, &Storage<'_>> =
        tensors.heap.storages.iter().map(|storage| (storage.key, storage)).collect();
    let mut places = Places::new();
    for &key in keys.heap.items(keys.value).ok_or_else(|| damaged("it has no list of storages"))? {
        let storage = match key {
            Value::Str(key) => known.get(key),
            _ => None,
        }
        .ok_or_else(|| damaged("it lists a storage that no tensor uses"))?;
        let cut_off = || {
            damaged(&format!(
                "it is cut off in the storage {:?} of {} elements",
                storage.key, storage.elements
            ))
        };
        let (length, rest) = bytes[at..].split_first_chunk::<8>().ok_or_else(cut_off)?;
        if u64::from_le_bytes(*length) != storage.elements as u64 {
            return Err(damaged(&format!(
                "its storage {:?} holds {} elements where {} were announced",
                storage.key,
                u64::from_le_bytes(*length),
                storage.elements
            )));
        }
        let size = storage.dtype.map_or(1, Dtype::size);
        let length =
            storage.elements.checked_mul(size).filter(|&length| length <= rest.len()).ok_or_else(cut_off)?;
        at += 8;
        places.insert(storage.key, at..at + length);
        at += length;
    }
    Ok((tensors, places))
}

/// The tensors of a state dictionary, each checked against its storage.
fn entries<'p>(
    mapped: &MappedFile,
    file: usize,
    heap: &Heap<'p>,
    value: Value<'p>,
    places: &Places<'p>,
) -> Result<Vec<(String, Entry)>, Error> {
    let tensors = match tensors_of(heap, value) {
        tensors if !tensors.is_empty() => tensors,
        _ => heap.lookup(value, "state_dict").map(|inner| tensors_of(heap, inner)).unwrap_or_default(),
    };
    if tensors.is_empty() {
        let problem = "it holds no dictionary of tensors".to_string();
        return Err(Refusal::Unsupported(problem).of(mapped.path()));
    }
    let mut entries = Vec::with_capacity(tensors.len());
    for (name, record) in tensors {
        let wrong = |problem| Error::DamagedTensor {
            path: mapped.path().to_path_buf(),
            key: name.to_string(),
            problem,
        };
        let storage = &heap.storages[record.storage];
        let dtype = record.dtype.ok_or_else(|| wrong("has no element type".to_string()))?;
        let place = storage_place(storage, places).map_err(wrong)?;
        let layout =
            Layout::strided(dtype, &record.shape, &record.strides, record.offset, place).map_err(wrong)?;
        entries.push((name.to_string(), Entry { file, dtype, shape: record.shape.to_vec(), layout }));
    }
    Ok(entries)
}

/// The entries of a dictionary that are tensors under a name; of equal names the last.
fn tensors_of<'h, 'p>(heap: &'h Heap<'p>, dict: Value<'p>) -> BTreeMap<&'p str, &'h TensorRecord> {
    let Value::Dict(id) = dict else { return BTreeMap::new() };
    heap.dicts[id]
        .iter()
        .filter_map(|entry| match *entry {
            (Value::Str(name), Value::Tensor(tensor)) => Some((name, &heap.tensors[tensor])),
            _ => None,
        })
        .collect()
}

/// The bytes of a storage, or of the part of it that was saved as a storage of its own.
fn storage_place(storage: &Storage<'_>, places: &Places<'_>) -> Result<Range<usize>, String> {
    let key = storage.key;
    let place = places
        .get(key)
        .ok_or_else(|| format!("lies in the storage {key:?}, which the file does not have"))?;
    let size = storage.dtype.map_or(1, Dtype::size);
    let (first, elements) = storage.part.unwrap_or((0, storage.elements));
    let bytes = |elements: usize| elements.checked_mul(size);
    let range = bytes(first).and_then(|first| Some((first, first.checked_add(bytes(elements)?)?)));
    match range {
        Some((first, end)) if end <= place.len() => Ok(place.start + first..place.start + end),
        _ => Err(format!(
            "lies in the storage {key:?} of {elements} elements of {size} bytes, but the file holds {} bytes of it",
            place.len()
        )),
    }
}
