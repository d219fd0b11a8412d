//! The generation options that a checkpoint itself sets, from its two files, as the reference puts them together.
//!
//! * `generation_config.json` alone counts where it is there; what it leaves out is at the reference's global defaults.
//! * Without it the options are those within `config.json`, and for what *that* leaves out the defaults of the family's configuration class:
//!   BART's class forces `</s>` at the end, Blenderbot's bans the n-grams of the source.
//! * A file that says `_from_model_config` was made from `config.json` by `save_pretrained`. Where `config.json` has an option since
//!   that its class has not, the options are made from it anew (`GenerationMixin._prepare_generation_config` in
//!   transformers 4.57.6). Version 5 does not do that any more, so what it wrote counts as it stands.

use papo_generate::{GenerationConfig, Origin};
use serde_json::{Map, Value, json};

use crate::files::ModelFiles;
use crate::{Error, Progress};

const FILE: &str = "generation_config.json";

/// The checkpoint's own options; `tell` is given a remark where the two files contradict each other.
pub(crate) fn generation_config(
    files: &ModelFiles,
    config: &Value,
    tell: Option<&dyn Fn(Progress)>,
) -> Result<GenerationConfig, Error> {
    let Some(own) = files.json(FILE)? else { return of_model_config(files, config) };
    let written = GenerationConfig::from_json(&own, Origin::Checkpoint)
        .map_err(|source| Error::Settings { path: files.path(FILE), source })?;
    let derived = own.get("_from_model_config") == Some(&Value::Bool(true)) && saved_by(&own) < 5;
    if !derived || !sets_options(config) {
        return Ok(written);
    }
    let anew = of_model_config(files, config)?;
    if let Some(tell) = tell
        && anew.to_json() != written.to_json()
    {
        tell(Progress::Remark(format!(
            "{FILE} was made from config.json, which says something else by now: the options of config.json are used, as \
             the reference does; remove \"_from_model_config\" from {FILE} for those that stand there"
        )));
    }
    Ok(anew)
}

/// The options within `config.json`, the defaults of its class among them.
fn of_model_config(files: &ModelFiles, config: &Value) -> Result<GenerationConfig, Error> {
    let mut options = class_defaults(config);
    // What stands there counts, nulls too.
    options
        .extend(config.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
    if let Some(token) = forced_start(config, &options) {
        options.insert("forced_bos_token_id".into(), token);
    }
    GenerationConfig::from_json(&Value::Object(options), Origin::ModelConfig)
        .map_err(|source| Error::Settings { path: files.path("config.json"), source })
}

/// BART's old word for a forced start: the token is that of `bos_token_id`.
fn forced_start(config: &Value, options: &Map<String, Value>) -> Option<Value> {
    let asked = match config.get("force_bos_token_to_be_generated")? {
        Value::Bool(asked) => *asked,
        Value::Number(number) => number.as_f64() != Some(0.0),
        _ => false,
    };
    let named = options.get("forced_bos_token_id").is_some_and(|token| !token.is_null());
    (asked && !named && model_type(config) == "bart").then(|| options.get("bos_token_id").cloned())?
}

/// What the reference's configuration class of the family has for options that a `config.json` leaves out.
fn class_defaults(config: &Value) -> Map<String, Value> {
    let defaults = match model_type(config) {
        "bart" => json!({
            "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "decoder_start_token_id": 2, "forced_eos_token_id": 2,
        }),
        "blenderbot" => json!({
            "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1, "forced_eos_token_id": 2,
            "encoder_no_repeat_ngram_size": 3,
        }),
        "marian" => json!({
            "pad_token_id": 58100, "eos_token_id": 0, "decoder_start_token_id": 58100, "forced_eos_token_id": 0,
        }),
        "mt5" => json!({ "pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0 }),
        "t5" => json!({ "pad_token_id": 0, "eos_token_id": 1 }),
        _ => Value::Null,
    };
    match defaults {
        Value::Object(defaults) => defaults,
        _ => Map::new(),
    }
}

/// Whether `config.json` sets an option otherwise than its class does. The reference looks at these options only.
fn sets_options(config: &Value) -> bool {
    let global = json!({
        "max_length": 20, "min_length": 0, "do_sample": false, "early_stopping": false, "num_beams": 1, "temperature": 1.0,
        "top_k": 50, "top_p": 1.0, "typical_p": 1.0, "repetition_penalty": 1.0, "length_penalty": 1.0,
        "no_repeat_ngram_size": 0, "encoder_no_repeat_ngram_size": 0, "bad_words_ids": null, "num_return_sequences": 1,
        "output_scores": false, "return_dict_in_generate": false, "forced_bos_token_id": null, "forced_eos_token_id": null,
        "remove_invalid_values": false, "exponential_decay_length_penalty": null, "suppress_tokens": null,
        "begin_suppress_tokens": null, "num_beam_groups": 1, "diversity_penalty": 0.0,
    });
    let of_class = class_defaults(config);
    let differs = |(name, global): (&String, &Value)| {
        let value = config.get(name).filter(|value| !value.is_null());
        value.is_some_and(|value| !equal(value, of_class.get(name).unwrap_or(global)))
    };
    global.as_object().into_iter().flatten().any(differs)
        || forced_start(config, &of_class).is_some_and(|token| !token.is_null())
}

/// Whether two values are the same to Python, for which 1, 1.0 and True are.
fn equal(a: &Value, b: &Value) -> bool {
    let number =
        |value: &Value| value.as_bool().map_or(value.as_f64(), |flag| Some(f64::from(u8::from(flag))));
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

fn model_type(config: &Value) -> &str {
    config.get("model_type").and_then(Value::as_str).unwrap_or_default()
}

/// The first number of the version of the reference that wrote a file; 0 where it does not say.
fn saved_by(file: &Value) -> u64 {
    let version = file.get("transformers_version").and_then(Value::as_str).unwrap_or_default();
    version.split('.').next().and_then(|first| first.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::path::Path;

    use super::*;

    /// A folder with these two files.
    fn folder(config: &Value, own: &Value) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        if !own.is_null() {
            std::fs::write(folder.path().join(FILE), own.to_string()).unwrap();
        }
        folder
    }

    fn options(config: &Value, own: &Value) -> (GenerationConfig, Vec<Progress>) {
        let folder = folder(config, own);
        let remarks = RefCell::new(Vec::new());
        let tell = |remark| remarks.borrow_mut().push(remark);
        let files = ModelFiles::Folder(folder.path().to_owned());
        let options = generation_config(&files, config, Some(&tell)).unwrap();
        (options, remarks.into_inner())
    }

    /// `tools/make_settings_goldens.py` asked the reference.
    #[test]
    fn options_equal_the_references_for_every_family_and_pair_of_files() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/goldens/settings.jsonl");
        let text = std::fs::read_to_string(path).unwrap();
        let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let defaults = lines.next().unwrap()["defaults"].clone();
        let mut cases = 0;
        for case in lines {
            let (found, _) = options(&case["config"], &case["generation_config"]);
            let found = found.to_json();
            for (name, default) in defaults.as_object().unwrap() {
                let or_default =
                    |value: Option<&Value>| value.filter(|value| !value.is_null()).unwrap_or(default).clone();
                let mut expected = or_default(case["options"].get(name));
                if name == "top_k" && case["options"].get(name) == Some(&Value::Null) {
                    // None switches it off, as 0 does here.
                    expected = json!(0);
                }
                let found = or_default(found.get(name));
                assert!(equal(&found, &expected), "{name} is {found} and not {expected}: {case}");
            }
            cases += 1;
        }
        assert_eq!(cases, 170);
    }

    #[test]
    fn a_contradiction_is_told_and_version_5_means_what_it_wrote() {
        let config = json!({ "model_type": "bart", "num_beams": 4 });
        let own = |version: &str| json!({ "_from_model_config": true, "transformers_version": version, "num_beams": 2 });
        let (options_of_4, remarks) = options(&config, &own("4.57.6"));
        assert_eq!((options_of_4.num_beams, remarks.len()), (Some(4), 1));
        assert!(format!("{remarks:?}").contains("config.json"), "{remarks:?}");
        let (options_of_5, remarks) = options(&config, &own("5.24.0"));
        assert_eq!((options_of_5.num_beams, remarks.len()), (Some(2), 0));
    }

    #[test]
    fn what_papo_trains_has_no_class_and_no_defaults() {
        let (options, _) = options(&json!({ "model_type": "papo_lstm", "bos_token_id": 1 }), &Value::Null);
        assert_eq!(options.to_json(), json!({ "bos_token_id": 1 }));
    }
}
