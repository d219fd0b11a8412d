//! `papo list`: the models at hand, built in and in the cache.

use indicatif::HumanBytes;
use papo::built_in::BUILT_IN;
use papo::hub::{CachedModel, CachedRevision, Hub};
use serde_json::json;

use crate::failure::Outcome;
use crate::language::sentence;
use crate::request::Format;
use crate::terminal::{Output, printable};

/// Lists them, a line each.
pub fn run(format: Format) -> Outcome {
    let cached = Hub::from_env().list()?;
    let mut output = Output::standard();
    match format {
        Format::Json => {
            for model in BUILT_IN {
                output
                    .line(json!({"name": model.name, "place": "built in", "bytes": built_in_size(model)}))?;
            }
            for model in &cached {
                let revisions: Vec<_> = model
                    .revisions
                    .iter()
                    .map(|revision| json!({"commit": revision.commit, "refs": revision.refs, "bytes": revision.size}))
                    .collect();
                output.line(json!({
                    "name": model.name, "place": model.folder, "bytes": model.size, "unfinished": model.unfinished,
                    "revisions": revisions,
                }))?;
            }
        }
        Format::Text => {
            for model in BUILT_IN {
                let size = HumanBytes(built_in_size(model)).to_string();
                let about = format!("built in: {}", model.about);
                output.line(format_args!("{size:>12}  {}  {}", model.name, sentence(&about)))?;
            }
            for model in &cached {
                let size = HumanBytes(model.size).to_string();
                output.line(format_args!(
                    "{size:>12}  {}  {}",
                    printable(&model.name),
                    printable(&versions(model))
                ))?;
            }
        }
    }
    output.flush()
}

fn built_in_size(model: &papo::files::EmbeddedModel) -> u64 {
    model.files.iter().map(|(_, bytes)| bytes.len() as u64).sum()
}

/// Which versions of a model are there, as people read it.
fn versions(model: &CachedModel) -> String {
    let mut words: Vec<String> = model.revisions.iter().map(CachedRevision::title).collect();
    if model.unfinished > 0 {
        let size = HumanBytes(model.unfinished);
        words.push(sentence(&format!("{size} of an unfinished download")).into_owned());
    }
    words.join("; ")
}
