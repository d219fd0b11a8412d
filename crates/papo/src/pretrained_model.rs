//! A ready network with its generation settings: what the `Auto…` classes return, whatever kind of network it is.
//!
//! The networks are in `network.rs`, decoding is `papo_generate::generate`; this file only brings a model's files to them.
//! `chat_model.rs` adds the tokenizer.

use std::sync::Arc;

use papo_checkpoint::Checkpoint;
use papo_generate::{Generated, GenerationConfig, Hooks, TokenId};
use papo_kernels::Compute;
use papo_models::{LoadedTensor, WeightDtype};
use serde_json::Value;

use crate::files::ModelFiles;
use crate::hub::Want;
use crate::model_ref::ModelRef;
use crate::network::{Kind, Network, Training};
use crate::{Error, LoadOptions, Progress, diagnosis, quantized, settings, threads};

/// A network ready to generate; immutable, so it can be shared between conversations.
#[derive(Debug)]
pub struct PretrainedModel {
    network: Network,
    config: Value,
    generation_config: GenerationConfig,
}

impl PretrainedModel {
    /// Loads a built-in model, an alias, a name on the hub (`NAME` or `NAME@REVISION`) or a folder, of any kind.
    pub fn from_pretrained(name_or_folder: &str, options: &LoadOptions<'_>) -> Result<Self, Error> {
        Self::load(&ModelRef::parse(name_or_folder)?.fetch(Want::Model, options)?, options)
    }

    /// Loads the model among these files.
    pub fn load(files: &ModelFiles, options: &LoadOptions<'_>) -> Result<Self, Error> {
        let config = model_config(files)?;
        if let (true, Some(progress)) = (files.contains("adapter_config.json"), options.progress) {
            progress(Progress::Remark(
                "an adapter lies beside the model's own weights (adapter_config.json) and is not applied"
                    .into(),
            ));
        }
        let generation_config = settings::generation_config(files, &config, options.progress)?;
        let compute = Arc::new(Compute::new(options.threads.unwrap_or_else(threads::physical_cores)));
        let progress = weights_progress(options.progress);
        let loading = papo_models::LoadOptions {
            dtype: options.dtype,
            progress: Some(&progress),
            interrupt: options.interrupt,
            ..papo_models::LoadOptions::new(compute)
        };
        let network = match quantized::Entry::of(files, &config, options.dtype)? {
            Some(entry) => kept(&entry, &config, files, &loading, options)?,
            None => Network::load(&config, files, None, &loading)?,
        };
        Ok(Self { network, config, generation_config })
    }

    /// Generates one answer to one source, as Python's `model.generate(ids, **config)[0]` does.
    ///
    /// The ids are as the reference returns them: decoder start token first, special tokens kept. What `config` leaves unset is
    /// taken from the checkpoint. A model that goes on with a text returns its start token and what is new, not the text again.
    pub fn generate(&self, ids: &[TokenId], config: &GenerationConfig) -> Result<Vec<TokenId>, Error> {
        let generated = self.generate_batch(&[ids.to_vec()], config)?;
        Ok(generated.sequences.into_iter().next().map(|sequence| sequence.tokens).unwrap_or_default())
    }

    /// Generates answers to several sources at once; each gets what it would get alone.
    pub fn generate_batch(
        &self,
        sources: &[Vec<TokenId>],
        config: &GenerationConfig,
    ) -> Result<Generated, Error> {
        self.generate_batch_with(sources, config, Hooks::default())
    }

    /// As [`generate_batch`](Self::generate_batch), with hooks that watch, stop or steer it.
    pub fn generate_batch_with(
        &self,
        sources: &[Vec<TokenId>],
        config: &GenerationConfig,
        hooks: Hooks<'_>,
    ) -> Result<Generated, Error> {
        Ok(papo_generate::generate_with(
            &self.network,
            sources,
            &self.generation_config.merged(config),
            hooks,
        )?)
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

    /// What `config.json` says of models that Papo trained: what on, and how much of a conversation they read.
    pub fn training(&self) -> Training {
        Training::of(&self.config)
    }

    /// Whether the network reads a source apart from what it writes, or goes on with the text that it is given.
    pub fn kind(&self) -> Kind {
        self.network.kind()
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }
}

/// Loads a network whose weights are rounded: as they were kept, or else rounds and keeps them.
fn kept(
    entry: &quantized::Entry,
    config: &Value,
    files: &ModelFiles,
    loading: &papo_models::LoadOptions<'_>,
    options: &LoadOptions<'_>,
) -> Result<Network, Error> {
    if let Some(weights) = entry.open() {
        let as_kept = papo_models::LoadOptions { dtype: WeightDtype::Auto, ..loading.clone() };
        return Network::load(config, files, Some(weights), &as_kept);
    }
    let recorded = entry.record();
    let record = |loaded: LoadedTensor<'_>| recorded.take(&loaded);
    let network = Network::load(
        config,
        files,
        None,
        &papo_models::LoadOptions { record: Some(&record), ..loading.clone() },
    )?;
    if let (Err(error), Some(progress)) = (entry.keep(recorded), options.progress) {
        progress(Progress::Remark(format!("the rounded weights are not kept for the next time: {error}")));
    }
    Ok(network)
}

/// A listener to the loading of weights that passes on what it hears.
pub(crate) fn weights_progress<'a>(
    progress: Option<&'a dyn Fn(Progress)>,
) -> impl Fn(papo_models::Progress) + 'a {
    move |step| {
        if let Some(progress) = progress {
            progress(Progress::Weights { loaded: step.loaded, total: step.total });
        }
    }
}

/// `config.json`, which every model has.
pub(crate) fn model_config(files: &ModelFiles) -> Result<Value, Error> {
    diagnosis::check_folder(files)?;
    let hint = "it says what the model is; give a folder that holds a checkpoint, or fetch the model again";
    files.require("config.json", hint)?;
    Ok(Value::Object(files.object("config.json")?.unwrap_or_default()))
}

/// The weights among a model's files.
pub fn checkpoint(files: &ModelFiles) -> Result<Checkpoint, Error> {
    match files {
        ModelFiles::Folder(folder) => Ok(Checkpoint::open(folder)?),
        ModelFiles::Ngram(file) => Ok(Checkpoint::open(file.path())?),
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
