//! The index of a sharded checkpoint: which tensor lies in which file.
//!
//! ```json
//! {"metadata": {"total_size": 42}, "weight_map": {"shared.weight": "model-00001-of-00002.safetensors", …}}
//! ```
//!
//! A shard is a plain file name beside the index; anything else (`..`, a separator, a drive) is refused, as a model
//! downloaded from a stranger must not make us open other files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::path::{Component, Path};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use crate::Error;

/// Longest index that is read, in bytes.
const MAX_INDEX: u64 = 100_000_000;

/// Tensor names and the shards that hold them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    weight_map: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Document {
    weight_map: Distinct<String>,
}

/// A JSON object whose keys are distinct; JSON itself leaves open what two equal keys mean.
struct Distinct<V>(BTreeMap<String, V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Distinct<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Keys<V> {
            type Value = Distinct<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    let value = map.next_value()?;
                    if entries.contains_key(&key) {
                        return Err(A::Error::custom(format_args!("{key:?} stands there twice")));
                    }
                    entries.insert(key, value);
                }
                Ok(Distinct(entries))
            }
        }
        deserializer.deserialize_map(Keys(PhantomData))
    }
}

impl Index {
    /// Reads the index file at `path`; fails as [`Index::parse`] does.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let refused = |source| Error::Read { path: path.to_path_buf(), source };
        let length = std::fs::metadata(path).map_err(refused)?.len();
        if length > MAX_INDEX {
            return Err(Error::Damaged {
                path: path.to_path_buf(),
                problem: format!("it has {length} bytes, more than the {MAX_INDEX} that an index may have"),
            });
        }
        Self::parse(&std::fs::read(path).map_err(refused)?, path)
    }

    /// Parses the text of an index; `path` is for messages.
    ///
    /// Fails when the text is no index or names a shard outside its folder.
    pub fn parse(text: &[u8], path: &Path) -> Result<Self, Error> {
        let damaged = |problem| Error::Damaged { path: path.to_path_buf(), problem };
        let document: Document = serde_json::from_slice(text)
            .map_err(|error| damaged(format!("it is not the index of a sharded checkpoint: {error}")))?;
        let Distinct(weight_map) = document.weight_map;
        if weight_map.is_empty() {
            return Err(damaged("its weight_map names no tensor".to_string()));
        }
        match weight_map.values().find(|shard| !is_plain_name(shard)) {
            Some(shard) => Err(Error::ShardName { index: path.to_path_buf(), shard: shard.clone() }),
            None => Ok(Index { weight_map }),
        }
    }

    /// The shards, each once, in the order of their names.
    pub fn shards(&self) -> BTreeSet<&str> {
        self.weight_map.values().map(String::as_str).collect()
    }

    /// The shard that holds the tensor called `name`.
    pub fn shard_of(&self, name: &str) -> Option<&str> {
        self.weight_map.get(name).map(String::as_str)
    }

    /// Every tensor with its shard, sorted by name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &str)> {
        self.weight_map.iter().map(|(name, shard)| (name.as_str(), shard.as_str()))
    }
}

/// Whether `name` is one file name on every system: no folder, drive, parent or control character.
fn is_plain_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
        && !name.contains(['/', '\\', ':'])
        && !name.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Index, Error> {
        Index::parse(text.as_bytes(), Path::new("model.safetensors.index.json"))
    }

    #[test]
    fn shards_are_listed_once() {
        let index = parse(r#"{"weight_map": {"a": "2.bin", "b": "1.bin", "c": "2.bin"}}"#).unwrap();
        assert_eq!(index.shards().into_iter().collect::<Vec<_>>(), ["1.bin", "2.bin"]);
    }

    #[test]
    fn shard_names_that_leave_the_folder_are_refused() {
        for name in [
            "../a.bin",
            "..",
            ".",
            "",
            "/etc/passwd",
            "a/b.bin",
            r"a\\b.bin",
            "C:a.bin",
            "./a.bin",
            "a\\n.bin",
            "a/",
        ] {
            let refused = parse(&format!(r#"{{"weight_map": {{"a": "{name}"}}}}"#));
            assert!(matches!(refused, Err(Error::ShardName { .. })), "{name:?} gave {refused:?}");
        }
    }

    #[test]
    fn an_index_that_is_none_is_refused() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"weight_map": []}"#,
            r#"{"weight_map": {}}"#,
            r#"{"weight_map": {"a": 1}}"#,
            r#"{"weight_map": {"a": "x", "a": "y"}}"#,
        ] {
            assert!(matches!(parse(text), Err(Error::Damaged { .. })), "{text}");
        }
    }
}
