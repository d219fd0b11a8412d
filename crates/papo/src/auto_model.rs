//! A ready network with its generation settings, found by name as in Python: `AutoModelForSeq2SeqLM::from_pretrained`.
//!
//! The network itself is `papo_models::EncoderDecoder`, decoding is `papo_generate::generate`; this file only brings a
//! checkpoint's files to them. `chat_model.rs` adds the tokenizer.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use papo_checkpoint::Checkpoint;
use papo_generate::{Generated, GenerationConfig, Hooks, Origin, TokenId};
use papo_kernels::Compute;
use papo_models::{EncoderDecoder, WeightDtype};
use serde_json::Value;

use crate::files::ModelFiles;
use crate::hub::Want;
use crate::model_ref::ModelRef;
use crate::{Error, hub, threads};

/// How to load a model.
#[derive(Clone, Copy, Default)]
pub struct LoadOptions<'a> {
    /// The precision in which weights are held; `Auto` keeps the checkpoint's own.
    pub dtype: WeightDtype,
    /// Threads that compute; `None`: one for each physical core.
    pub threads: Option<NonZeroUsize>,
    /// Called as loading advances.
    pub progress: Option<&'a dyn Fn(Progress)>,
}

impl std::fmt::Debug for LoadOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadOptions")
            .field("dtype", &self.dtype)
            .field("threads", &self.threads)
            .field("progress", &self.progress.is_some())
            .finish()
    }
}

/// How far loading has come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// Weights are being read and packed.
    Weights {
        /// Weights done.
        loaded: usize,
        /// Weights in all.
        total: usize,
    },
    /// Files are coming from the hub.
    Download {
        /// Bytes that are there.
        bytes: u64,
        /// Bytes of all files, where the hub says.
        total: Option<u64>,
    },
    /// Something that a person should know: a sentence.
    Remark(String),
}

impl Progress {
    /// A step of fetching as a step of loading; `None` for what need not be told.
    pub(crate) fn of_hub(step: &hub::Progress<'_>) -> Option<Self> {
        Some(match step {
            hub::Progress::Downloading { bytes, total, .. } => {
                Self::Download { bytes: *bytes, total: *total }
            }
            hub::Progress::Retrying { reason, delay } => {
                Self::Remark(format!("{reason}; trying again in {:.1} s", delay.as_secs_f64()))
            }
            hub::Progress::Waiting { file } => {
                Self::Remark(format!("another program is downloading {file}; waiting for it"))
            }
            hub::Progress::Stale { reason } => Self::Remark(format!("{reason}; using what the cache has")),
            hub::Progress::Looking { .. } => return None,
        })
    }
}

/// Finds and loads encoder-decoder models, as the class of this name does in Python.
#[derive(Clone, Copy, Debug)]
pub struct AutoModelForSeq2SeqLM;

impl AutoModelForSeq2SeqLM {
    /// Loads a built-in model, an alias, a name on the hub (`NAME` or `NAME@REVISION`) or a folder.
    pub fn from_pretrained(name_or_folder: &str) -> Result<Seq2SeqModel, Error> {
        Self::with_options(name_or_folder, &LoadOptions::default())
    }

    /// As [`from_pretrained`](Self::from_pretrained), with a say in precision and threads.
    pub fn with_options(name_or_folder: &str, options: &LoadOptions<'_>) -> Result<Seq2SeqModel, Error> {
        let files = ModelRef::parse(name_or_folder)?.fetch(Want::Model, options.progress)?;
        Seq2SeqModel::load(&files, options)
    }

    /// Loads the model in a folder.
    pub fn from_folder(folder: &Path, options: &LoadOptions<'_>) -> Result<Seq2SeqModel, Error> {
        Seq2SeqModel::load(&ModelFiles::Folder(folder.to_owned()), options)
    }
}

/// An encoder-decoder ready to generate; immutable, so it can be shared between conversations.
#[derive(Debug)]
pub struct Seq2SeqModel {
    network: EncoderDecoder,
    config: Value,
    generation_config: GenerationConfig,
}

impl Seq2SeqModel {
    /// Loads the model among these files.
    pub fn load(files: &ModelFiles, options: &LoadOptions<'_>) -> Result<Self, Error> {
        let config = model_config(files)?;
        let generation_config = generation_config(files, &config)?;
        let checkpoint = checkpoint(files)?;
        let compute = Arc::new(Compute::new(options.threads.unwrap_or_else(threads::physical_cores)));
        let progress = |step: papo_models::Progress| {
            if let Some(progress) = options.progress {
                progress(Progress::Weights { loaded: step.loaded, total: step.total });
            }
        };
        let loading = papo_models::LoadOptions { compute, dtype: options.dtype, progress: Some(&progress) };
        let network = EncoderDecoder::load(&config, &files.path("config.json"), &checkpoint, &loading)?;
        Ok(Self { network, config, generation_config })
    }

    /// Generates one answer to one source, as Python's `model.generate(ids, **config)[0]` does.
    ///
    /// The ids are as the reference returns them: decoder start token first, special tokens kept. What `config` leaves unset is
    /// taken from the checkpoint.
    pub fn generate(&self, ids: &[TokenId], config: &GenerationConfig) -> Result<Vec<TokenId>, Error> {
        let generated = self.generate_batch(&[ids.to_vec()], config, Hooks::default())?;
        Ok(generated.sequences.into_iter().next().map(|sequence| sequence.tokens).unwrap_or_default())
    }

    /// Generates answers to several sources at once; each gets what it would get alone.
    pub fn generate_batch(
        &self,
        sources: &[Vec<TokenId>],
        config: &GenerationConfig,
        hooks: Hooks<'_>,
    ) -> Result<Generated, Error> {
        Ok(papo_generate::generate(&self.network, sources, &self.generation_config.merged(config), hooks)?)
    }

    /// The checkpoint's own generation settings.
    pub fn generation_config(&self) -> &GenerationConfig {
        &self.generation_config
    }

    /// `config.json` as it was read.
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// `model_type` of `config.json`, as in `t5`.
    pub fn model_type(&self) -> &str {
        self.config.get("model_type").and_then(Value::as_str).unwrap_or("")
    }

    /// The network.
    pub fn network(&self) -> &EncoderDecoder {
        &self.network
    }
}

/// `config.json`, which every model has.
pub(crate) fn model_config(files: &ModelFiles) -> Result<Value, Error> {
    let hint = "it says what the model is; give a folder that holds a checkpoint, or fetch the model again";
    files.require("config.json", hint)?;
    Ok(Value::Object(files.object("config.json")?.unwrap_or_default()))
}

/// `generation_config.json`, or where there is none the options within `config.json`.
pub(crate) fn generation_config(files: &ModelFiles, config: &Value) -> Result<GenerationConfig, Error> {
    let (file, read) = match files.json("generation_config.json")? {
        Some(value) => ("generation_config.json", GenerationConfig::from_json(&value, Origin::Checkpoint)),
        None => ("config.json", GenerationConfig::from_json(config, Origin::ModelConfig)),
    };
    read.map_err(|source| Error::Settings { path: files.path(file), source })
}

pub(crate) fn checkpoint(files: &ModelFiles) -> Result<Checkpoint, Error> {
    match files {
        ModelFiles::Folder(folder) => Ok(Checkpoint::open(folder)?),
        ModelFiles::Embedded(model) => {
            let weights = ["model.safetensors", "pytorch_model.bin"];
            let found = model.files.iter().find(|(name, _)| weights.contains(name));
            let (name, bytes) = found.ok_or_else(|| Error::MissingFile {
                folder: files.place(),
                file: weights[0].into(),
                hint: "this program was built without its model; build it anew".into(),
            })?;
            Ok(Checkpoint::from_bytes(&files.path(name), *bytes)?)
        }
    }
}
