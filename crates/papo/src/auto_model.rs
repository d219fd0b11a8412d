//! Models found by name, as in Python: `AutoModelForSeq2SeqLM::from_pretrained`, and its sister for models that continue text.
//!
//! Both give a [`PretrainedModel`] (`pretrained_model.rs`); they differ in what they refuse.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use papo_models::WeightDtype;

use crate::files::ModelFiles;
use crate::hub::Want;
use crate::model_ref::ModelRef;
use crate::network::Kind;
use crate::{Error, PretrainedModel, hub};

/// How to load a model.
#[derive(Clone, Copy, Default)]
pub struct LoadOptions<'a> {
    /// The precision in which weights are held; `Auto` keeps the checkpoint's own.
    pub dtype: WeightDtype,
    /// Threads that compute; `None`: one for each physical core.
    pub threads: Option<NonZeroUsize>,
    /// Called as loading advances.
    pub progress: Option<&'a dyn Fn(Progress)>,
    /// Once it is true, a download or the reading of weights ends soon with an error for which [`Error::is_interrupt`] holds.
    pub interrupt: Option<&'a AtomicBool>,
}

impl std::fmt::Debug for LoadOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadOptions")
            .field("dtype", &self.dtype)
            .field("threads", &self.threads)
            .field("progress", &self.progress.is_some())
            .field("interrupt", &self.interrupt.is_some())
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
            hub::Progress::Damaged { file, found, expected } => Self::Remark(format!(
                "{file} in the cache has {found} bytes and should have {expected}: it is fetched again"
            )),
            hub::Progress::Waiting { file } => {
                Self::Remark(format!("another program is downloading {file}; waiting for it"))
            }
            hub::Progress::Stale { reason } => Self::Remark(format!("{reason}; using what the cache has")),
            hub::Progress::Looking { .. } => return None,
        })
    }
}

/// Finds and loads models that read a source and then write, as the class of this name does in Python.
#[derive(Clone, Copy, Debug)]
pub struct AutoModelForSeq2SeqLM;

/// Finds and loads models that go on with a text (n-grams, recurrent language models), as the class of this name does in Python.
#[derive(Clone, Copy, Debug)]
pub struct AutoModelForCausalLM;

/// The three ways in, the same for both classes.
macro_rules! loads {
    ($class:ident, $kind:expr) => {
        impl $class {
            /// Loads a built-in model, an alias, a name on the hub (`NAME` or `NAME@REVISION`) or a folder.
            pub fn from_pretrained(name_or_folder: &str) -> Result<PretrainedModel, Error> {
                Self::with_options(name_or_folder, &LoadOptions::default())
            }

            /// As [`from_pretrained`](Self::from_pretrained), with a say in precision and threads.
            pub fn with_options(
                name_or_folder: &str,
                options: &LoadOptions<'_>,
            ) -> Result<PretrainedModel, Error> {
                let files = ModelRef::parse(name_or_folder)?.fetch(Want::Model, options)?;
                load_as($kind, &files, options)
            }

            /// Loads the model in a folder.
            pub fn from_folder(folder: &Path, options: &LoadOptions<'_>) -> Result<PretrainedModel, Error> {
                load_as($kind, &ModelFiles::Folder(folder.to_owned()), options)
            }
        }
    };
}

loads!(AutoModelForSeq2SeqLM, Kind::EncoderDecoder);
loads!(AutoModelForCausalLM, Kind::Causal);

/// Loads a model that must be of a kind.
fn load_as(kind: Kind, files: &ModelFiles, options: &LoadOptions<'_>) -> Result<PretrainedModel, Error> {
    let model = PretrainedModel::load(files, options)?;
    if model.kind() == kind {
        return Ok(model);
    }
    let reason = match kind {
        Kind::EncoderDecoder => {
            "its network goes on with a text and has no encoder; load it with AutoModelForCausalLM"
        }
        Kind::Causal => "its network has an encoder and a decoder; load it with AutoModelForSeq2SeqLM",
    };
    Err(Error::Content { path: files.path("config.json"), reason: reason.into() })
}
