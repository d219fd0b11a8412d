//! An n-gram model that is one file and no folder: an ARPA file of any tool, or a `model.ngram` alone.
//!
//! What a folder would hold besides is made up from the file: a configuration, generation settings, and a tokenizer whose tokens are the file's words,
//! split at white space. An ARPA file is written as a trie into a temporary folder first, and mapped from there.

use std::path::{Path, PathBuf};

use papo_checkpoint::MappedFile;
use papo_ngram::{Generator, Model, ModelWriter, WriteOptions, read_arpa};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::files::ModelFiles;
use crate::{Error, Framing, SPECIALS, TrainedTokenizer};

/// Name of the model's file in a folder.
pub(crate) const MODEL_FILE: &str = "model.ngram";
/// Models up to this size are read and checked whole before they are used; of larger ones only the header.
const CHECKED_BYTES: usize = 32 << 20;

/// A file that stands for a model folder.
#[derive(Debug)]
pub struct NgramFile {
    path: PathBuf,
    /// The mapped model.
    binary: PathBuf,
    /// The JSON files that a folder would have, by name.
    files: Vec<(&'static str, Vec<u8>)>,
    /// Holds the binary of an ARPA file.
    _temporary: Option<TempDir>,
}

impl NgramFile {
    /// Tells by its name whether a file is such a model.
    pub fn is_one(path: &Path) -> bool {
        let name =
            path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        [".arpa", ".arpa.gz", ".ngram"].iter().any(|end| name.ends_with(end)) && path.is_file()
    }

    /// Reads the file, an ARPA file as a whole.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let is_binary = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ngram"));
        let (binary, temporary) = if is_binary {
            (path.to_owned(), None)
        } else {
            let wrong = |source| Error::Write { path: std::env::temp_dir(), source };
            let folder = tempfile::tempdir().map_err(wrong)?;
            let binary = folder.path().join(MODEL_FILE);
            let mut writer = ModelWriter::new(&binary, WriteOptions::default())?;
            read_arpa(path, &mut writer)?;
            writer.finish()?;
            (binary, Some(folder))
        };
        let model = mapped(&binary)?;
        let words: Vec<String> = (0..model.vocab_size() as u32)
            .filter_map(|id| model.word(id).map(|word| word.into_owned()))
            .collect();
        if words.get(..SPECIALS.len()).is_none_or(|first| first != SPECIALS) {
            let reason = format!(
                "its first words are not {}: it belongs to a model folder with a tokenizer of its own; give that folder",
                SPECIALS.join(" ")
            );
            return Err(Error::Content { path: path.to_owned(), reason });
        }
        let own_words = words.iter().skip(SPECIALS.len()).map(String::as_str);
        let tokenizer = TrainedTokenizer::of_words(own_words, Framing::Plain);
        let files = vec![
            ("config.json", config(&model).to_string().into_bytes()),
            ("generation_config.json", generation_config().to_string().into_bytes()),
            ("tokenizer.json", tokenizer.tokenizer.to_string().into_bytes()),
            ("tokenizer_config.json", tokenizer.config.to_string().into_bytes()),
        ];
        Ok(Self { path: path.to_owned(), binary, files, _temporary: temporary })
    }

    /// Where the file lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The content of a JSON file that is made up.
    pub(crate) fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.iter().find(|(file, _)| *file == name).map(|(_, bytes)| bytes.as_slice())
    }
}

/// The n-gram model among these files, mapped.
pub(crate) fn model(files: &ModelFiles) -> Result<Model<MappedFile>, Error> {
    match files {
        ModelFiles::Folder(folder) => mapped(&folder.join(MODEL_FILE)),
        ModelFiles::Ngram(file) => mapped(&file.binary),
        ModelFiles::Embedded(_) => {
            let path = files.path(MODEL_FILE);
            let bytes =
                files.require(MODEL_FILE, "this program was built without its model; build it anew")?;
            Ok(Model::open(MappedFile::in_memory(&path, bytes), &path)?)
        }
    }
}

/// The model ready to generate, with as many logits as its configuration says.
pub(crate) fn generator(config: &Value, files: &ModelFiles) -> Result<Generator<MappedFile>, Error> {
    let model = model(files)?;
    let stated = config.get("vocab_size").and_then(Value::as_u64).unwrap_or(0);
    // A row of logits is allocated for this size, which a stranger's file claims.
    if stated > 4 * model.vocab_size() as u64 + 65_536 {
        let reason = format!(
            "vocab_size is {stated}, but {MODEL_FILE} has {} words; the two files do not belong together",
            model.vocab_size()
        );
        return Err(Error::Content { path: files.path("config.json"), reason });
    }
    Ok(Generator::new(model, stated as usize))
}

fn mapped(path: &Path) -> Result<Model<MappedFile>, Error> {
    let model = Model::open(MappedFile::open(path)?, path)?;
    if model.bytes() <= CHECKED_BYTES {
        model.verify(path)?;
    }
    Ok(model)
}

fn config(model: &Model<MappedFile>) -> Value {
    json!({
        "model_type": "papo_ngram",
        "order": model.order(),
        "vocab_size": model.vocab_size(),
        "ngrams": model.counts(),
        "unk_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 3,
        "papo": { "task": "text" },
    })
}

fn generation_config() -> Value {
    json!({
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 3,
        "decoder_start_token_id": 1,
        "do_sample": true,
        "max_new_tokens": 60,
    })
}
