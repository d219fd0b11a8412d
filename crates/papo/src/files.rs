//! Where a model's files come from: a folder on disk, bytes inside the program, or one file that is a whole n-gram model.
//!
//! Everything that loads a model asks for files by name and never for a path, so the built-in model and a downloaded one
//! take the same way. Read `model_ref.rs` next: it turns what a user types into one of these.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use papo_checkpoint::{Claim, Existing, replace_file};
use serde_json::Value;

use crate::Error;
pub use crate::ngram_file::{NgramFile, list_ngrams, ngram_config, ngram_generation_config};
pub use crate::pretrained_model::checkpoint as weights;
pub use crate::retrieval_file::{retrieval_config, retrieval_generation_config, retrieval_pieces};

/// A model that is part of the program: its name and its files.
#[derive(Debug)]
pub struct EmbeddedModel {
    /// The name under which a user asks for it.
    pub name: &'static str,
    /// One sentence on what it is.
    pub about: &'static str,
    /// File names, as in a folder of the hub, with their bytes.
    pub files: &'static [(&'static str, &'static [u8])],
}

/// The files of one model.
#[derive(Clone, Debug)]
pub enum ModelFiles {
    /// A folder laid out as on the hub.
    Folder(PathBuf),
    /// Bytes inside the program.
    Embedded(&'static EmbeddedModel),
    /// An n-gram model that is one file.
    Ngram(Arc<NgramFile>),
}

/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

impl ModelFiles {
    /// Where the file is, or for embedded files what to call the place in a message.
    pub fn path(&self, file: &str) -> PathBuf {
        self.place().join(file)
    }

    /// The folder, or for embedded files `built-in/NAME`.
    pub fn place(&self) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.clone(),
            Self::Embedded(model) => Path::new("built-in").join(model.name),
            Self::Ngram(file) => file.path().to_owned(),
        }
    }

    /// Tells whether the file is there.
    pub fn contains(&self, file: &str) -> bool {
        match self {
            Self::Folder(folder) => folder.join(file).is_file(),
            Self::Embedded(model) => model.files.iter().any(|(name, _)| *name == file),
            Self::Ngram(ngram) => ngram.file(file).is_some(),
        }
    }

    /// The bytes of the file, of text without a byte order mark, or `None` if there is no such file.
    pub fn read(&self, file: &str) -> Result<Option<Cow<'static, [u8]>>, Error> {
        match self {
            Self::Embedded(model) => {
                Ok(model.files.iter().find(|(name, _)| *name == file).map(|(_, bytes)| Cow::Borrowed(*bytes)))
            }
            Self::Ngram(ngram) => Ok(ngram.file(file).map(|bytes| Cow::Owned(bytes.to_vec()))),
            Self::Folder(folder) => {
                let path = folder.join(file);
                match std::fs::read(&path) {
                    Ok(mut bytes) => {
                        // Editors on Windows put one there.
                        if (file.ends_with(".json") || file.ends_with(".txt")) && bytes.starts_with(MARK) {
                            bytes.drain(..MARK.len());
                        }
                        Ok(Some(Cow::Owned(bytes)))
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(source) => Err(Error::Read { path, source }),
                }
            }
        }
    }

    /// Every file with its size in bytes, by name.
    pub fn list(&self) -> Result<Vec<(String, u64)>, Error> {
        let mut files = Vec::new();
        match self {
            Self::Embedded(model) => {
                files
                    .extend(model.files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.len() as u64)));
            }
            Self::Ngram(ngram) => {
                let path = ngram.path();
                let wrong = |source| Error::Read { path: path.to_owned(), source };
                let bytes = std::fs::metadata(path).map_err(wrong)?.len();
                let name = path.file_name().unwrap_or(path.as_os_str());
                files.push((name.to_string_lossy().into_owned(), bytes));
            }
            Self::Folder(folder) => {
                let wrong = |source| Error::Read { path: folder.clone(), source };
                for entry in std::fs::read_dir(folder).map_err(wrong)? {
                    let path = entry.map_err(wrong)?.path();
                    // In the hub's cache the files are links.
                    if let (Ok(metadata), Some(name)) = (std::fs::metadata(&path), path.file_name())
                        && metadata.is_file()
                    {
                        files.push((name.to_string_lossy().into_owned(), metadata.len()));
                    }
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// The bytes of a file that must be there; `hint` says what to do when it is not.
    pub fn require(&self, file: &str, hint: &str) -> Result<Cow<'static, [u8]>, Error> {
        self.read(file)?.ok_or_else(|| Error::MissingFile {
            folder: self.place(),
            file: file.to_owned(),
            hint: hint.to_owned(),
        })
    }

    /// The file as JSON, or `None` if there is no such file.
    pub fn json(&self, file: &str) -> Result<Option<Value>, Error> {
        let Some(bytes) = self.read(file)? else { return Ok(None) };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| Error::Json { path: self.path(file), source })
    }

    /// The file as a JSON object, or `None` if there is no such file.
    pub fn object(&self, file: &str) -> Result<Option<serde_json::Map<String, Value>>, Error> {
        match self.json(file)? {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(other) => Err(Error::Content {
                path: self.path(file),
                reason: format!("expected a JSON object, found {}; fetch the file again", kind(&other)),
            }),
        }
    }
}

/// What kind of JSON value this is, for messages.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static MODEL: EmbeddedModel = EmbeddedModel {
        name: "tiny",
        about: "a test",
        files: &[("config.json", b"{\"a\": 1}"), ("list.json", b"[]")],
    };

    #[test]
    fn embedded_files_read_like_a_folder() {
        let files = ModelFiles::Embedded(&MODEL);
        assert!(files.contains("config.json") && !files.contains("vocab.json"));
        assert_eq!(files.json("config.json").unwrap().unwrap()["a"], 1);
        assert!(files.read("vocab.json").unwrap().is_none());
        let error = files.require("vocab.json", "add it").unwrap_err().to_string();
        assert_eq!(error, "built-in/tiny is missing vocab.json; add it");
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_file_of_json() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), b"\xef\xbb\xbf{\"a\": 1}").unwrap();
        let files = ModelFiles::Folder(folder.path().to_owned());
        assert_eq!(files.json("config.json").unwrap().unwrap()["a"], 1);
    }

    #[test]
    fn a_list_where_an_object_belongs_is_refused() {
        let error = ModelFiles::Embedded(&MODEL).object("list.json").unwrap_err().to_string();
        assert!(error.contains("expected a JSON object, found a list"), "{error}");
    }
}
