//! An n-gram model that is one file and no folder: an ARPA file of any tool, or a `model.ngram` alone.
//!
//! What the file is, its content says and never its name. What a folder would hold besides is made up from it: a configuration,
//! generation settings, and a tokenizer whose tokens are the file's words, split at white space. An ARPA file is written as a trie
//! into a temporary folder first, and mapped from there.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use papo_checkpoint::MappedFile;
use papo_ngram::{ArpaRemarks, EntrySink, Generator, Model, ModelWriter, WriteOptions, import_arpa};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Error;
use crate::files::ModelFiles;
use crate::network::Holding;
use crate::tokenizer::{Framing, SPECIALS, TrainedTokenizer};

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
    /// What was made up for where an ARPA file left it open.
    remarks: ArpaRemarks,
    /// Holds the binary of an ARPA file.
    _temporary: Option<TempDir>,
}

impl NgramFile {
    /// Tells whether there is a file of this name, which is then such a model or none at all.
    pub fn is_one(path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_dir())
    }

    /// Reads the file, an ARPA file as a whole.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let (binary, temporary, remarks) = if is_binary(path)? {
            (path.to_owned(), None, ArpaRemarks::default())
        } else {
            let wrong = |source| Error::Write { path: std::env::temp_dir(), source };
            let folder = tempfile::tempdir().map_err(wrong)?;
            let binary = folder.path().join(MODEL_FILE);
            let imported = import_arpa(path, &mut || ModelWriter::new(&binary, WriteOptions::default()));
            let (writer, remarks) =
                imported.map_err(|error| part_of_a_folder(path).unwrap_or_else(|| error.into()))?;
            writer.finish()?;
            (binary, Some(folder), remarks)
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
            ("generation_config.json", ngram_generation_config().to_string().into_bytes()),
            ("tokenizer.json", tokenizer.tokenizer.to_string().into_bytes()),
            ("tokenizer_config.json", tokenizer.config.to_string().into_bytes()),
        ];
        Ok(Self { path: path.to_owned(), binary, files, remarks, _temporary: temporary })
    }

    /// What was made up for where an ARPA file left it open, as sentences for a person.
    pub fn remarks(&self) -> Vec<String> {
        self.remarks.sentences()
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

/// Whether a file begins as `model.ngram` does; what is no plain file can be read only once and is left alone.
fn is_binary(path: &Path) -> Result<bool, Error> {
    let wrong = |source| Error::Read { path: path.to_owned(), source };
    if !std::fs::metadata(path).map_err(wrong)?.is_file() {
        return Ok(false);
    }
    let mut first = Vec::new();
    File::open(path).map_err(wrong)?.take(MAGIC.len() as u64).read_to_end(&mut first).map_err(wrong)?;
    Ok(first == MAGIC)
}

/// The first bytes of `model.ngram`.
const MAGIC: &[u8] = b"papo n-gram\r\n\x1a\n\0";

/// What to say of a file that is one of several which make a model.
fn part_of_a_folder(path: &Path) -> Option<Error> {
    let mut first = [0; 8];
    let begins = File::open(path).is_ok_and(|mut file| file.read_exact(&mut first).is_ok());
    if begins && first.starts_with(b"GGUF") {
        return Some(Error::Content {
            path: path.to_owned(),
            reason: "it is in llama.cpp's format, which Papo does not read; look for the checkpoint that it was made from".into(),
        });
    }
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    let parts =
        ["json", "safetensors", "bin", "pt", "pth", "ckpt", "h5", "msgpack", "onnx", "model", "spm", "txt"];
    // KenLM calls its binaries .bin, too, and these are told by their content.
    let is_kenlm = begins && first == *b"mmap lm ";
    (parts.contains(&ending.as_str()) && !is_kenlm).then(|| Error::Content {
        path: path.to_owned(),
        reason: "it is one file of a model, or none, and no n-gram model by itself; give the folder that the model's files lie in".into(),
    })
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

/// Writes all n-grams of the model among these files into `sink`: an ARPA file, say.
pub fn list_ngrams(files: &ModelFiles, sink: &mut dyn EntrySink) -> Result<(), Error> {
    let is_ngram = files
        .object("config.json")?
        .is_some_and(|config| Holding::of(&Value::Object(config)) == Holding::Counts);
    if !is_ngram {
        let reason = "it is no n-gram model, and only those can be written as ARPA files; `papo list` shows the models at hand";
        return Err(Error::Content { path: files.place(), reason: reason.into() });
    }
    Ok(model(files)?.list(&files.path(MODEL_FILE), sink)?)
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
    ngram_config(model.counts(), model.vocab_size(), json!({ "task": "text" }))
}

/// `config.json` of an n-gram model: its n-grams by order, the words of its vocabulary, and what it is for.
pub fn ngram_config(counts: &[u64], words: usize, papo: Value) -> Value {
    json!({
        "model_type": "papo_ngram",
        "order": counts.len(),
        "vocab_size": words,
        "unk_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 3,
        "ngrams": counts,
        "papo": papo,
    })
}

/// How an n-gram model is asked unless told otherwise: sampling, because the likeliest next word leads in circles; as the recurrent
/// models do, from the likelier words.
pub fn ngram_generation_config() -> Value {
    json!({
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 3,
        "decoder_start_token_id": 1,
        "do_sample": true,
        "temperature": 0.7,
        "top_k": 0,
        "top_p": 0.9,
        "max_new_tokens": 60,
    })
}
