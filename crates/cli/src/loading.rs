//! From a name to a model that is ready, with something to look at on the way.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use papo::files::ModelFiles;
use papo::generate::Generated;
use papo::hub::{Repair, Repository, Want};
use papo::quantized::Quantized;
use papo::{
    ChatModel, GenerationConfig, Hooks, LoadOptions, ModelRef, PretrainedModel, Progress, TokenId, Tokenizer,
    WeightDtype, built_in,
};

use crate::failure::Failure;
use crate::request::Loading;
use crate::terminal::{Interrupt, LoadingBar, Notes};

/// Loads a folder, a name on the hub, an alias or, without a name, the built-in model.
pub fn load(name: Option<&str>, loading: &Loading, notes: Notes) -> Result<ChatModel, Failure> {
    let model = load_among(name, loading, notes)?;
    check_dtype(model.model(), loading)?;
    Ok(model)
}

/// Loads one of several models; the precision asked for is meant for those that have weights.
pub fn load_among(name: Option<&str>, loading: &Loading, notes: Notes) -> Result<ChatModel, Failure> {
    watched(name, loading, notes, |options| match name {
        Some(name) => ChatModel::load(name, options),
        None => ChatModel::load_default(options),
    })
}

/// Loads a network alone: what has no tokenizer can still be measured.
pub fn load_network(name: Option<&str>, loading: &Loading, notes: Notes) -> Result<PretrainedModel, Failure> {
    let model = watched(name, loading, notes, |options| match name {
        Some(name) => PretrainedModel::from_pretrained(name, options),
        None => PretrainedModel::load(&ModelFiles::Embedded(built_in::default_model()?), options),
    })?;
    check_dtype(&model, loading)?;
    Ok(model)
}

/// Refuses a precision for the one model of a command where that has no weights.
fn check_dtype(model: &PretrainedModel, loading: &Loading) -> Result<(), Failure> {
    if loading.dtype != WeightDtype::Auto && model.network().compute().is_none() {
        return Err(Failure::Usage(format!(
            "--dtype {} has no effect on a model that has no weights; leave it out",
            loading.dtype_name()
        )));
    }
    Ok(())
}

/// A model as it comes: with a tokenizer, or of ids alone.
pub enum AnyModel {
    /// Reads and writes text.
    WithText(ChatModel),
    /// Its tokenizer is missing or cannot be used, and why.
    IdsOnly(PretrainedModel, papo::Error),
}

/// What options are checked against, and what answers.
pub trait Generates {
    /// The network and its settings.
    fn network(&self) -> &PretrainedModel;

    /// Generates answers; `stop_strings` need a tokenizer.
    fn generate(
        &self,
        sources: &[Vec<TokenId>],
        config: &GenerationConfig,
        hooks: Hooks<'_>,
    ) -> Result<Generated, papo::Error>;
}

impl Generates for ChatModel {
    fn network(&self) -> &PretrainedModel {
        self.model()
    }

    fn generate(
        &self,
        sources: &[Vec<TokenId>],
        config: &GenerationConfig,
        hooks: Hooks<'_>,
    ) -> Result<Generated, papo::Error> {
        ChatModel::generate_with(self, sources, config, hooks)
    }
}

impl AnyModel {
    /// The model with its tokenizer, if it has one.
    pub fn with_text(&self) -> Option<&ChatModel> {
        match self {
            AnyModel::WithText(model) => Some(model),
            AnyModel::IdsOnly(..) => None,
        }
    }
}

impl Generates for AnyModel {
    fn network(&self) -> &PretrainedModel {
        match self {
            AnyModel::WithText(model) => model.model(),
            AnyModel::IdsOnly(network, _) => network,
        }
    }

    fn generate(
        &self,
        sources: &[Vec<TokenId>],
        config: &GenerationConfig,
        hooks: Hooks<'_>,
    ) -> Result<Generated, papo::Error> {
        match self {
            AnyModel::WithText(model) => model.generate_with(sources, config, hooks),
            AnyModel::IdsOnly(network, _) => network.generate_batch_with(sources, config, hooks),
        }
    }
}

/// Loads a model with its tokenizer, or the network alone where none can be used: a remark says why.
pub fn load_any(name: &str, loading: &Loading, notes: Notes) -> Result<AnyModel, Failure> {
    let model = watched(Some(name), loading, notes, |options| {
        let reference = ModelRef::parse(name)?;
        let files = reference.fetch(Want::Model, options)?;
        let tokenizer = Tokenizer::load(&files);
        let network = PretrainedModel::load(&files, options)?;
        match tokenizer {
            Ok(tokenizer) => {
                ChatModel::assemble(reference.name(), tokenizer, network).map(AnyModel::WithText)
            }
            Err(why) => Ok(AnyModel::IdsOnly(network, why)),
        }
    })?;
    check_dtype(model.network(), loading)?;
    if let AnyModel::IdsOnly(_, why) = &model {
        notes.say(format_args!("the model takes input_ids only, no text: {why}"));
    }
    Ok(model)
}

/// Fetches a model into the cache without loading it, and returns the folder of its files.
pub fn pull(repository: &Repository, repair: Repair, notes: Notes) -> Result<PathBuf, Failure> {
    let watching = Watching::begin(&repository.to_string(), notes);
    let progress = |progress| watching.show(progress);
    let options = LoadOptions { progress: Some(&progress), ..LoadOptions::default() };
    Ok(papo::pull(repository.clone(), repair, &options)?)
}

/// Makes a folder with a rounded copy of a model.
pub fn quantize(name: &str, out: &Path, loading: &Loading, notes: Notes) -> Result<Quantized, Failure> {
    watched(Some(name), loading, notes, |options| {
        let files = ModelRef::parse(name)?.fetch(Want::Model, options)?;
        papo::quantized::quantize(&files, out, options)
    })
}

fn watched<T>(
    name: Option<&str>,
    loading: &Loading,
    notes: Notes,
    load: impl Fn(&LoadOptions<'_>) -> Result<T, papo::Error>,
) -> Result<T, Failure> {
    let watching = Watching::begin(name.unwrap_or("the built-in model"), notes);
    let progress = |progress| watching.show(progress);
    let options = LoadOptions {
        dtype: loading.dtype,
        threads: loading.threads,
        progress: Some(&progress),
        interrupt: Interrupt::installed(),
    };
    Ok(load(&options)?)
}

/// Somebody who watches: a bar for each stage, remarks in between.
struct Watching {
    name: String,
    notes: Notes,
    bar: RefCell<Option<(Counted, LoadingBar)>>,
}

/// What a bar counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    Bytes,
    Weights,
}

impl Watching {
    fn begin(name: &str, notes: Notes) -> Watching {
        Watching { name: name.to_owned(), notes, bar: RefCell::new(None) }
    }

    fn show(&self, progress: Progress) {
        match progress {
            Progress::Download { bytes, total } => {
                self.advance(Counted::Bytes, bytes, total.unwrap_or(bytes))
            }
            Progress::Weights { loaded, total } => {
                self.advance(Counted::Weights, loaded as u64, total as u64)
            }
            Progress::Remark(remark) => {
                // A bar would draw over it.
                self.bar.take();
                self.notes.say(remark);
            }
            _ => {}
        }
    }

    fn advance(&self, counted: Counted, done: u64, total: u64) {
        let mut bar = self.bar.borrow_mut();
        if bar.as_ref().is_none_or(|(other, _)| *other != counted) {
            // The old one clears its line before the new one draws.
            bar.take();
            let new = match counted {
                Counted::Bytes => LoadingBar::bytes(self.notes, &self.name),
                Counted::Weights => LoadingBar::weights(self.notes, &self.name),
            };
            *bar = Some((counted, new));
        }
        if let Some((_, bar)) = &*bar {
            bar.show(done, total);
        }
    }
}

/// Refuses options that contradict each other or the model, before anything is read, and tells which have no effect.
pub fn check_options(model: &impl Generates, given: &GenerationConfig, notes: Notes) -> Result<(), Failure> {
    // Options are looked at before sources, so an answer to nobody tells all about them.
    if let Err(error) = model.generate(&[], given, Hooks::default()) {
        return Err(Failure::Usage(error.to_string()));
    }
    for warning in warnings(model, given) {
        notes.say(warning);
    }
    Ok(())
}

/// As [`check_options`], and refuses those that have no effect: a measurement must not seem to be of something that it is not of.
pub fn check_strictly(model: &impl Generates, given: &GenerationConfig) -> Result<(), Failure> {
    check_options(model, given, Notes::silent())?;
    refuse_idle_options(given, &model.network().generation_config().merged(given))
}

/// Refuses an option that was given and has no effect beside the `whole` of them.
pub fn refuse_idle_options(given: &GenerationConfig, whole: &GenerationConfig) -> Result<(), Failure> {
    match idle(given, whole).first() {
        None => Ok(()),
        Some(warning) => Err(Failure::Usage(format!(
            "{} (its flag is named alike); leave it out, or give what it needs",
            warning.trim_end_matches('.')
        ))),
    }
}

/// Sentences on those of the given options that have no effect beside the others.
pub fn warnings(model: &impl Generates, given: &GenerationConfig) -> Vec<String> {
    idle(given, &model.network().generation_config().merged(given))
}

fn idle(given: &GenerationConfig, whole: &GenerationConfig) -> Vec<String> {
    let names = given.to_json();
    let is_given = |warning: &String| {
        names.as_object().into_iter().flatten().any(|(name, _)| warning.starts_with(&format!("`{name}`")))
    };
    whole.warnings().into_iter().filter(is_given).collect()
}
