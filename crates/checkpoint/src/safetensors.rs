//! The safetensors format, read strictly.
//!
//! ```text
//! | u64 n, little-endian | n bytes of JSON: name → {dtype, shape, data_offsets: [begin, end]} | data … |
//! ```
//!
//! Offsets count from the end of the header. The tensors must tile the data: no gap, no overlap, nothing left over. The
//! header is parsed here and not by the `safetensors` crate because that crate keeps the last of two tensors of the same name
//! where we refuse both, and because its errors name neither the file nor what was expected; a test holds the two to the same
//! verdict on good files. Writing is in `write.rs`.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use crate::checkpoint::Entry;
use crate::layout::{Layout, elements};
use crate::map::MappedFile;
use crate::{Dtype, Error};

/// Longest header that is read; the format's own limit.
pub(crate) const MAX_HEADER: usize = 100_000_000;

/// What a header says of one tensor.
#[derive(Deserialize)]
struct Described {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

/// A header: the tensors in the order they are written in, names distinct.
struct Header(Vec<(String, Described)>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tensors;
        impl<'de> Visitor<'de> for Tensors {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let (mut names, mut tensors) = (HashSet::new(), Vec::new());
                while let Some(name) = map.next_key::<String>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom(format_args!("{name:?} stands there twice")));
                    }
                    if name == "__metadata__" {
                        map.next_value::<Option<BTreeMap<String, String>>>()?;
                    } else {
                        tensors.push((name, map.next_value()?));
                    }
                }
                Ok(Header(tensors))
            }
        }
        deserializer.deserialize_map(Tensors)
    }
}

/// Whether a file begins as safetensors does: a length that fits and an opening brace.
pub(crate) fn looks_like(bytes: &[u8]) -> bool {
    bytes.get(8) == Some(&b'{')
}

/// Reads the header of a mapped file; `file` is its number in the checkpoint.
pub(crate) fn read(mapped: &MappedFile, file: usize) -> Result<Vec<(String, Entry)>, Error> {
    let bytes = mapped.bytes();
    let damaged = |problem: String| Error::Damaged { path: mapped.path().to_path_buf(), problem };

    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(damaged(format!("it has {} bytes, too few for a safetensors file", bytes.len())));
    };
    let length = u64::from_le_bytes(*length);
    let length = usize::try_from(length).ok().filter(|&n| n <= rest.len()).ok_or_else(|| {
        damaged(format!("its header claims {length} bytes, but only {} follow", rest.len()))
    })?;
    if length > MAX_HEADER {
        return Err(damaged(format!("its header claims {length} bytes, more than the {MAX_HEADER} allowed")));
    }
    let (header, data) = rest.split_at(length);
    let Header(described) = serde_json::from_slice(header)
        .map_err(|error| damaged(format!("its header is not what safetensors writes: {error}")))?;

    let mut tiles: Vec<(usize, usize, usize)> = Vec::with_capacity(described.len());
    let mut entries = Vec::with_capacity(described.len());
    for (number, (name, tensor)) in described.into_iter().enumerate() {
        let wrong =
            |problem| Error::DamagedTensor { path: mapped.path().to_path_buf(), key: name.clone(), problem };
        let dtype = Dtype::from_name(&tensor.dtype).ok_or_else(|| Error::Unsupported {
            path: mapped.path().to_path_buf(),
            problem: format!(
                "tensor {name:?} has elements of type {:?}, which Papo does not read",
                tensor.dtype
            ),
        })?;
        let expected = elements(&tensor.shape)
            .and_then(|count| count.checked_mul(dtype.size()))
            .ok_or_else(|| wrong(format!("claims the shape {:?}, larger than any memory", tensor.shape)))?;
        let (begin, end) = tensor.data_offsets;
        if begin > end || end > data.len() {
            return Err(wrong(format!("claims the bytes {begin} to {end} of {}", data.len())));
        }
        if end - begin != expected {
            return Err(wrong(format!(
                "of type {dtype} and shape {:?} takes {expected} bytes, but {} are set aside for it",
                tensor.shape,
                end - begin
            )));
        }
        tiles.push((begin, end, number));
        let start = 8 + length;
        let layout = Layout::contiguous(start + begin..start + end);
        entries.push((name, Entry { file, dtype, shape: tensor.shape, layout }));
    }

    tiles.sort_unstable();
    let mut covered = 0;
    for (begin, end, number) in tiles {
        if begin != covered {
            let fault =
                if begin < covered { "overlaps the tensor before it" } else { "leaves a gap before it" };
            return Err(Error::DamagedTensor {
                path: mapped.path().to_path_buf(),
                key: entries[number].0.clone(),
                problem: format!("{fault}: it begins at byte {begin}, not {covered}"),
            });
        }
        covered = end;
    }
    if covered != data.len() {
        return Err(damaged(format!(
            "its tensors end at byte {covered}, but {} bytes of data follow its header",
            data.len()
        )));
    }
    Ok(entries)
}
