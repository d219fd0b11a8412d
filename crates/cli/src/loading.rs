//! From a name to a model that is ready, with something to look at on the way.

use papo::{ChatModel, GenerationConfig, Hooks, LoadOptions, Progress};

use crate::failure::Failure;
use crate::request::Loading;
use crate::terminal::{LoadingBar, Notes};

/// Loads a folder, a name on the hub, an alias or, without a name, the built-in model.
pub fn load(name: Option<&str>, loading: &Loading, notes: Notes) -> Result<ChatModel, Failure> {
    let bar = LoadingBar::weights(notes, name.unwrap_or("the built-in model"));
    let progress = |progress: Progress| {
        if let Progress::Weights { loaded, total } = progress {
            bar.show(loaded as u64, total as u64);
        }
    };
    let options = LoadOptions { dtype: loading.dtype, threads: loading.threads, progress: Some(&progress) };
    Ok(match name {
        Some(name) => ChatModel::load(name, &options)?,
        None => ChatModel::load_default(&options)?,
    })
}

/// Refuses options that contradict each other or the model, before anything is read, and tells which have no effect.
pub fn check_options(model: &ChatModel, given: &GenerationConfig, notes: Notes) -> Result<(), Failure> {
    // Options are looked at before sources, so an answer to nobody tells all about them.
    if let Err(error) = model.generate(&[], given, Hooks::default()) {
        return Err(Failure::Usage(error.to_string()));
    }
    for warning in warnings(model, given) {
        notes.say(warning);
    }
    Ok(())
}

/// Sentences on those of the given options that have no effect beside the others.
pub fn warnings(model: &ChatModel, given: &GenerationConfig) -> Vec<String> {
    let names = given.to_json();
    let is_given = |warning: &String| {
        names.as_object().into_iter().flatten().any(|(name, _)| warning.contains(&format!("`{name}`")))
    };
    model.model().generation_config().merged(given).warnings().into_iter().filter(is_given).collect()
}
