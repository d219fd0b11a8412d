//! A model that takes text and gives text: network, tokenizer, settings and name together.
//!
//! `conversation.rs` talks with it, `compare` lays several side by side.

use papo_generate::{Generated, GenerationConfig, Hooks, TokenId};

use crate::description::Description;
use crate::files::ModelFiles;
use crate::hub::Want;
use crate::model_ref::ModelRef;
use crate::network::Task;
use crate::{Error, LoadOptions, PretrainedModel, Tokenizer, built_in};

/// A model ready to be talked to; immutable, so several conversations may share it.
#[derive(Debug)]
pub struct ChatModel {
    name: String,
    tokenizer: Tokenizer,
    model: PretrainedModel,
    /// The ids that the tokenizer puts before a text.
    frame: Vec<TokenId>,
}

/// Ids that fit into a model, and how many were left out at their beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// The ids.
    pub ids: Vec<TokenId>,
    /// Number of ids that were left out.
    pub cut: usize,
}

impl ChatModel {
    /// Loads a built-in model, an alias, a name on the hub (`NAME` or `NAME@REVISION`) or a folder.
    pub fn load(name: &str, options: &LoadOptions<'_>) -> Result<Self, Error> {
        let reference = ModelRef::parse(name)?;
        Self::from_files(reference.name(), &reference.fetch(Want::Model, options)?, options)
    }

    /// Loads the built-in model that answers when no model is named.
    pub fn load_default(options: &LoadOptions<'_>) -> Result<Self, Error> {
        let model = built_in::default_model()?;
        Self::from_files(model.name.to_owned(), &ModelFiles::Embedded(model), options)
    }

    /// Loads the model among these files and calls it `name`.
    pub fn from_files(name: String, files: &ModelFiles, options: &LoadOptions<'_>) -> Result<Self, Error> {
        // What is wrong with the network is the first thing to know; then the tokenizer, which is small, before minutes of loading.
        Description::check(files)?;
        let tokenizer = Tokenizer::load(files)?;
        Self::assemble(name, tokenizer, PretrainedModel::load(files, options)?)
    }

    /// Puts a network and its tokenizer together and calls them `name`.
    pub fn assemble(name: String, tokenizer: Tokenizer, model: PretrainedModel) -> Result<Self, Error> {
        let mut frame = tokenizer.encode("")?;
        frame.pop();
        Ok(Self { name, tokenizer, model, frame })
    }

    /// What the model is called: its built-in name, its folder or its name on the hub.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The network and its settings.
    pub fn model(&self) -> &PretrainedModel {
        &self.model
    }

    /// Tells whether earlier turns help the model: Blenderbot and what Papo trains on dialogue know them, the others do not.
    pub fn follows_conversations(&self) -> bool {
        self.model.model_type() == "blenderbot" || self.model.training().task == Some(Task::Dialogue)
    }

    /// Generates answers as [`PretrainedModel::generate_batch`] does, with `stop_strings` looked for in what the tokens spell.
    pub fn generate(&self, sources: &[Vec<TokenId>], config: &GenerationConfig) -> Result<Generated, Error> {
        self.generate_with(sources, config, Hooks::default())
    }

    /// As [`generate`](Self::generate), with hooks that watch, stop or steer it.
    pub fn generate_with(
        &self,
        sources: &[Vec<TokenId>],
        config: &GenerationConfig,
        mut hooks: Hooks<'_>,
    ) -> Result<Generated, Error> {
        let merged = self.model.generation_config().merged(config);
        let Some(strings) = merged.stop_strings else {
            return self.model.generate_batch_with(sources, config, hooks);
        };
        let stops = |tokens: &[TokenId]| self.tokenizer.ends_in_any(tokens, &strings);
        self.model.generate_batch_with(sources, config, hooks.reborrow().stop_when(&stops))
    }

    /// Keeps the end of ids that are more than the model has positions; what stands before every text stays.
    pub fn fit(&self, ids: Vec<TokenId>) -> Fitted {
        let limit = self.model.network().max_source_tokens().unwrap_or(usize::MAX);
        if ids.len() <= limit {
            return Fitted { ids, cut: 0 };
        }
        let head = if ids.starts_with(&self.frame) { self.frame.len().min(limit) } else { 0 };
        let cut = ids.len() - limit;
        let mut kept = ids[..head].to_vec();
        kept.extend_from_slice(&ids[head + cut..]);
        Fitted { ids: kept, cut }
    }
}
