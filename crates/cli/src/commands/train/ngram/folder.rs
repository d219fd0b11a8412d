//! The files beside `model.ngram` that make a model folder.

use std::path::Path;

use papo::{Framing, SPECIALS, TrainedTokenizer};
use papo_ngram::{Summary, Vocabulary};
use serde_json::{Value, json};

use super::tokens::Tokens;
use crate::failure::Failure;
use crate::request::{NgramTask, NgramTraining};

/// Words of a reply unless told otherwise.
const REPLY_TOKENS: usize = 60;

/// Writes tokenizer and configuration; `config.json`, which makes the folder a model, last.
pub fn save(
    request: &NgramTraining,
    task: NgramTask,
    framing: Framing,
    tokens: &Tokens,
    summary: &Summary,
) -> Result<(), Failure> {
    match &tokens.trained {
        Some(trained) => trained.save(&request.out)?,
        None => TrainedTokenizer::of_words(words(&tokens.vocabulary), framing).save(&request.out)?,
    }
    write(&request.out.join("generation_config.json"), &generation())?;
    write(&request.out.join("config.json"), &config(request, task, tokens, summary))
}

/// Writes what stands beside a model that came from an ARPA file.
pub fn save_imported(out: &Path, vocabulary: &Vocabulary, counts: &[u64]) -> Result<(), Failure> {
    TrainedTokenizer::of_words(words(vocabulary), Framing::Plain).save(out)?;
    write(&out.join("generation_config.json"), &generation())?;
    let config = json!({
        "model_type": "papo_ngram",
        "order": counts.len(),
        "vocab_size": vocabulary.len(),
        "unk_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 3,
        "ngrams": counts,
        "papo": { "task": "text" },
    });
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
    json!({
        "model_type": "papo_ngram",
        "order": request.order,
        "vocab_size": tokens.vocabulary.len(),
        "unk_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 3,
        "ngrams": summary.counts,
        "papo": own,
    })
}

/// Sampling, because the likeliest next word leads an n-gram model in circles; as the recurrent models do, from the likelier words.
fn generation() -> Value {
    json!({
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 3,
        "decoder_start_token_id": 1,
        "do_sample": true,
        "temperature": 0.7,
        "top_k": 0,
        "top_p": 0.9,
        "max_new_tokens": REPLY_TOKENS,
    })
}

fn write(path: &Path, value: &Value) -> Result<(), Failure> {
    std::fs::write(path, format!("{value:#}\n"))
        .map_err(|source| papo_ngram::Error::Write { path: path.to_owned(), source }.into())
}
