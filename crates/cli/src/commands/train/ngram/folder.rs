//! The files beside `model.ngram` that make a model folder.

use std::io::Write;
use std::path::Path;

use papo::files::{ngram_config, ngram_generation_config, replace_file};
use papo::tokenizer::{Framing, SPECIALS, TrainedTokenizer};
use papo_ngram::{Summary, Vocabulary};
use serde_json::{Value, json};

use super::tokens::Tokens;
use crate::failure::Failure;
use crate::request::{NgramTask, NgramTraining};

/// Writes tokenizer and configuration; `config.json`, which makes the folder a model, last.
pub fn save(
    request: &NgramTraining,
    out: &Path,
    task: NgramTask,
    framing: Framing,
    tokens: &Tokens,
    summary: &Summary,
) -> Result<(), Failure> {
    match &tokens.trained {
        Some(trained) => trained.save(out)?,
        None => TrainedTokenizer::of_words(words(&tokens.vocabulary), framing).save(out)?,
    }
    write(&out.join("generation_config.json"), &ngram_generation_config())?;
    write(&out.join("config.json"), &config(request, task, tokens, summary))
}

/// Writes what stands beside a model that came from an ARPA file.
pub fn save_imported(out: &Path, vocabulary: &Vocabulary, counts: &[u64]) -> Result<(), Failure> {
    TrainedTokenizer::of_words(words(vocabulary), Framing::Plain).save(out)?;
    write(&out.join("generation_config.json"), &ngram_generation_config())?;
    let config = ngram_config(counts, vocabulary.len(), json!({ "task": "text" }));
    write(&out.join("config.json"), &config)
}

fn words(vocabulary: &Vocabulary) -> impl Iterator<Item = &str> {
    vocabulary.words().skip(SPECIALS.len())
}

fn config(request: &NgramTraining, task: NgramTask, tokens: &Tokens, summary: &Summary) -> Value {
    let context = request.order - 1;
    let own = match task {
        NgramTask::Text => json!({ "task": task.name() }),
        // More than the words of a context is never looked at.
        _ => json!({ "task": task.name(), "context_turns": 4, "context_tokens": 4 * context.max(1) }),
    };
    ngram_config(&summary.counts, tokens.vocabulary.len(), own)
}

fn write(path: &Path, value: &Value) -> Result<(), Failure> {
    Ok(replace_file(path, |file| writeln!(file, "{value:#}"))?)
}
