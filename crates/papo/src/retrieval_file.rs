//! A store of replies among a model's files: `model.safetensors` with its index, and how it is looked up in `config.json`.
//!
//! The numbers of a lookup stand in the configuration as data: `lookup` has `earlier_weight`, `temperature` and `back_off`
//! ([`papo_retrieval::Settings`]; what is not there is as usual), `papo` the turns that are looked at, as with every model that Papo made.
//! What tokens spell is kept in the index itself, so that the words of what was said are known wherever the network is, tokenizer or not.

use papo_generate::TokenId;
use papo_retrieval::{Index, Retriever, Settings};
use serde_json::{Value, json};

use crate::Error;
use crate::files::{ModelFiles, kind};
use crate::pretrained_model::checkpoint;
use crate::tokenizer::{SPECIALS, Tokenizer};
use crate::training::Training;

/// The index among these files.
pub(crate) fn index(files: &ModelFiles) -> Result<Index, Error> {
    Ok(Index::read(&checkpoint(files)?, &files.path("model.safetensors"))?)
}

/// The index ready to answer, as its configuration says.
pub(crate) fn retriever(config: &Value, files: &ModelFiles) -> Result<Retriever, Error> {
    let settings =
        settings(config).map_err(|reason| Error::Content { path: files.path("config.json"), reason })?;
    Ok(Retriever::new(index(files)?, settings)?)
}

/// How replies are looked up, by a configuration; the error is a sentence.
fn settings(config: &Value) -> Result<Settings, String> {
    let usual = Settings::default();
    let number = |name: &str, usual: f32| match config.get("lookup").and_then(|lookup| lookup.get(name)) {
        None => Ok(usual),
        Some(Value::Number(number)) => Ok(number.as_f64().unwrap_or(f64::NAN) as f32),
        Some(other) => {
            Err(format!("\"lookup\" has {} as {name}, and a number belongs there; correct it", kind(other)))
        }
    };
    Ok(Settings {
        context_turns: Training::of(config).context_turns,
        earlier_weight: number("earlier_weight", usual.earlier_weight)?,
        temperature: number("temperature", usual.temperature)?,
        back_off: number("back_off", usual.back_off)?,
    })
}

/// What each token of a tokenizer adds to a text; special ones nothing. An index is built with these.
pub fn retrieval_pieces(tokenizer: &Tokenizer) -> impl Iterator<Item = Vec<u8>> {
    let specials = SPECIALS.len() as TokenId;
    (0..tokenizer.vocab_size() as TokenId).map(move |id| match id < specials {
        true => Vec::new(),
        false => tokenizer.spelling(id).unwrap_or_default(),
    })
}

/// `config.json` of a store of replies: its sizes, how it is looked up, and what it is for (`"dialogue"` or `"pairs"`).
pub fn retrieval_config(index: &Index, settings: &Settings, task: &str) -> Value {
    // As they are written by people, not with the digits that a float has when it is widened.
    let short = |number: f32| number.to_string().parse::<f64>().unwrap_or_default();
    json!({
        "model_type": "papo_retrieval",
        "vocab_size": index.vocab_size(),
        "unk_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 3,
        "replies": index.exchanges(),
        "lookup": {
            "earlier_weight": short(settings.earlier_weight),
            "temperature": short(settings.temperature),
            "back_off": short(settings.back_off),
        },
        "papo": { "task": task, "context_turns": settings.context_turns },
    })
}

/// How a store of replies is asked unless told otherwise: the likeliest token each time, which gives the nearest reply.
pub fn retrieval_generation_config() -> Value {
    json!({
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 3,
        "decoder_start_token_id": 1,
        "do_sample": false,
        "max_new_tokens": 150,
    })
}

#[cfg(test)]
mod tests {
    use papo_retrieval::IndexBuilder;

    use super::*;

    #[test]
    fn settings_come_back_from_the_configuration_that_they_were_written_in() {
        let mut builder = IndexBuilder::new((0..6).map(|token| vec![token]));
        builder.add(&[vec![4], vec![5]], &[false, true]);
        let index = builder.finish().unwrap();
        let own = Settings { context_turns: 3, earlier_weight: 0.1, temperature: 0.07, back_off: 0.02 };
        assert_eq!(settings(&retrieval_config(&index, &own, "dialogue")).unwrap(), own);
        let usual = settings(&json!({ "papo": { "context_turns": 4 } })).unwrap();
        assert_eq!(usual, Settings::default());
        let sentence = settings(&json!({ "lookup": { "back_off": "little" } })).unwrap_err();
        assert!(sentence.contains("a string as back_off"), "{sentence}");
    }
}
