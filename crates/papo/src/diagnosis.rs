//! What a folder is that is taken for a model and is none, or none that can be read: one sentence, with what to do.
//!
//! It is asked before a tokenizer is looked for and before anything is downloaded, so that a refusal names what is really wrong.

use std::fs;
use std::path::{Path, PathBuf};

use papo_checkpoint::{Checkpoint, other_weights};
use serde_json::Value;

use crate::Error;
use crate::files::ModelFiles;
use crate::hub::Repository;
use crate::network::Holding;

/// Names of weight files and their indices, as they are looked for.
const WEIGHTS: [&str; 5] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "model.ngram",
];

/// Refuses a folder that holds no model, and says what it holds.
pub(crate) fn check_folder(files: &ModelFiles) -> Result<(), Error> {
    let ModelFiles::Folder(folder) = files else { return Ok(()) };
    let has = |name: &str| folder.join(name).is_file();
    let is_whole = has("config.json") && WEIGHTS.iter().any(|name| has(name));
    match if is_whole { None } else { reason(folder) } {
        Some(reason) => Err(Error::NoModel { folder: folder.clone(), reason }),
        None => Ok(()),
    }
}

/// The error of a tokenizer that is not there: a folder that is no model at all is told for what it is.
pub(crate) fn no_tokenizer(files: &ModelFiles) -> Error {
    check_folder(files).err().unwrap_or_else(|| Error::NoTokenizer { folder: files.place() })
}

/// What a folder is that lacks a configuration or weights; `None` where there is nothing better to say than what it lacks.
fn reason(folder: &Path) -> Option<String> {
    let has = |name: &str| folder.join(name).is_file();
    let entries = entries(folder);
    let folders: Vec<&str> =
        entries.iter().filter(|(_, is_folder)| *is_folder).map(|(name, _)| name.as_str()).collect();
    let names: Vec<&str> =
        entries.iter().filter(|(_, is_folder)| !is_folder).map(|(name, _)| name.as_str()).collect();
    if entries.is_empty() {
        return Some("it is empty; give a folder with a config.json and weights".into());
    }
    if has("adapter_config.json") {
        return Some(adapter(&fs::read(folder.join("adapter_config.json")).unwrap_or_default()));
    }
    if let Some(reason) = part_of_the_cache(folder, &folders) {
        return Some(reason);
    }
    let mut models: Vec<&str> =
        folders.iter().copied().filter(|name| folder.join(name).join("config.json").is_file()).collect();
    // The last checkpoint of a training is its newest.
    models.sort_by_key(|name| (name.rsplit('-').next().and_then(|step| step.parse::<u64>().ok()), *name));
    if let Some(last) = models.last() {
        let listed = models.iter().rev().take(3).rev().copied().collect::<Vec<_>>().join(", ");
        let more = if models.len() > 3 { "…, " } else { "" };
        return Some(format!(
            "the models lie in folders of it ({more}{listed}); give one of these, as in {}",
            folder.join(last).display()
        ));
    }
    if !has("config.json") && folder.join("training").join("state.safetensors").is_file() {
        return Some(
            "it is a training of Papo that has saved no model yet; go on with it, `papo train … --resume`"
                .into(),
        );
    }
    if has("state.safetensors") && has("log.jsonl") && !has("config.json") {
        return Some(
            "it holds the state of a training of Papo; give the folder above it, where the model is".into(),
        );
    }
    if has("config.json") {
        let training = ["trainer_state.json", "optimizer.pt", "scheduler.pt"].iter().any(|name| has(name));
        return (training && other_weights(names.iter().copied()).is_none()).then(|| {
            "it holds what a training needs to go on, and no weights; give the folder that the model was saved in".into()
        });
    }
    if has("model_index.json") {
        return Some("it is a pipeline of the library diffusers, and those make pictures".into());
    }
    if let Some(clause) = other_weights(names.iter().copied()) {
        return Some(format!("it has no config.json, and of weights {clause}"));
    }
    let tokenizers = ["tokenizer.json", "tokenizer_config.json", "vocab.json", "spiece.model"];
    if tokenizers.iter().any(|name| has(name)) && !WEIGHTS.iter().any(|name| has(name)) {
        return Some(
            "it holds a tokenizer and no model; give the folder that has config.json and the weights, too"
                .into(),
        );
    }
    None
}

/// What an adapter is: `config` is the text of its `adapter_config.json`.
pub(crate) fn adapter(config: &[u8]) -> String {
    let config: Value = serde_json::from_slice(config).unwrap_or_default();
    let text = |name: &str| config[name].as_str().filter(|text| !text.is_empty());
    let kind = match text("peft_type") {
        Some("LORA") => "a LoRA adapter".to_owned(),
        Some(kind) => format!("an adapter ({kind})"),
        None => "an adapter".to_owned(),
    };
    let base = text("base_model_name_or_path").or(text("model_name"));
    format!(
        "it holds {kind} for {}, which is no model by itself; merge the two in Python, \
         `PeftModel.from_pretrained(BASE, ADAPTER).merge_and_unload().save_pretrained(FOLDER)`, and give that folder",
        base.unwrap_or("a model that it does not name")
    )
}

/// What a folder of the hub's cache is, above the one that holds a model's files.
fn part_of_the_cache(folder: &Path, folders: &[&str]) -> Option<String> {
    let full = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let cached =
        |path: &Path| Some(path.file_name()?.to_str()?.strip_prefix("models--")?.replacen("--", "/", 1));
    if let Some(owner) = full.ancestors().take(3).find(|path| cached(path).is_some()) {
        let name = cached(owner)?;
        let mut snapshots: Vec<PathBuf> = entries(&owner.join("snapshots"))
            .into_iter()
            .map(|(commit, _)| owner.join("snapshots").join(commit))
            .filter(|snapshot| snapshot.join("config.json").is_file())
            .collect();
        snapshots
            .sort_by_key(|snapshot| fs::metadata(snapshot).and_then(|metadata| metadata.modified()).ok());
        let snapshot = snapshots.pop().map(|snapshot| format!(", or the folder {}", snapshot.display()));
        return Some(format!(
            "it is a folder of the hub's cache, for {name}; give that name{}",
            snapshot.unwrap_or_default()
        ));
    }
    let first = folders.iter().find_map(|name| cached(Path::new(name)))?;
    Some(format!("it is a cache of models; set HF_HUB_CACHE to it and give a model's name, as in {first}"))
}

/// The names in a folder, sorted, each with whether it is a folder.
fn entries(folder: &Path) -> Vec<(String, bool)> {
    let mut names: Vec<(String, bool)> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path().is_dir()))
        .collect();
    names.sort();
    names
}

/// How a configuration says that its weights were quantised by another program, in words.
pub(crate) fn quantised(config: &Value) -> Option<String> {
    let quantisation = config.get("quantization_config").filter(|value| value.is_object())?;
    let is_on = |name: &str| quantisation[name].as_bool() == Some(true);
    let in_bits = match (is_on("load_in_4bit"), is_on("load_in_8bit")) {
        (true, _) => " in 4 bits".to_owned(),
        (_, true) => " in 8 bits".to_owned(),
        _ => quantisation["bits"].as_u64().map_or_else(String::new, |bits| format!(" in {bits} bits")),
    };
    match quantisation["quant_method"].as_str() {
        Some("papo") => None,
        Some(method) if method.starts_with("bitsandbytes") => Some(format!("bitsandbytes{in_bits}")),
        Some(method) => Some(format!("{method}{in_bits}")),
        // Before it had a name there was only one.
        None if is_on("load_in_4bit") || is_on("load_in_8bit") => Some(format!("bitsandbytes{in_bits}")),
        None => Some("a method that it does not name".into()),
    }
}

/// Refuses by its configuration a model of the hub whose weights need not be downloaded.
pub(crate) fn check_configuration(folder: &Path, repository: &Repository) -> Result<(), Error> {
    let files = ModelFiles::Folder(folder.to_owned());
    let Some(config) = files.object("config.json")?.map(Value::Object) else { return Ok(()) };
    if Holding::of(&config) != Holding::Weights {
        return Ok(());
    }
    papo_models::read_architecture(&config, &files.path("config.json"))?;
    match quantised(&config) {
        Some(method) => Err(refusal_of_quantised(PathBuf::from(repository.to_string()), &method)),
        None => Ok(()),
    }
}

/// The refusal of weights that another program quantised.
pub(crate) fn refusal_of_quantised(place: PathBuf, method: &str) -> Error {
    Error::NoModel {
        folder: place,
        reason: format!(
            "its weights were quantised by {method}, which Papo does not read; use the model that it was made from (`--dtype int8` or int4 \
             rounds that one while it is loaded)"
        ),
    }
}

/// The error of a network whose tensors are not what they should be, or what is really wrong: another program quantised them.
///
/// A configuration alone is no proof; some that were saved with one have plain weights, and those run.
pub(crate) fn explained(
    error: Error,
    config: &Value,
    files: &ModelFiles,
    checkpoint: Option<&Checkpoint>,
) -> Error {
    let of_tensors = matches!(
        &error,
        Error::Model(
            papo_models::Error::NotFloats { .. }
                | papo_models::Error::MissingTensor { .. }
                | papo_models::Error::WrongShape { .. }
        ) | Error::Checkpoint(papo_checkpoint::Error::Unsupported { .. })
    );
    let marked = || {
        let marks = [".SCB", ".absmax", ".quant_map", ".qweight", ".qzeros"];
        let mut names = checkpoint?.names();
        let is_marked = |name: &str| {
            marks.iter().any(|mark| name.ends_with(mark)) || name.contains(".quant_state.bitsandbytes")
        };
        let name = names.find(|name| is_marked(name))?;
        let by_gptq = name.ends_with(".qweight") || name.ends_with(".qzeros");
        Some(if by_gptq { "GPTQ or AWQ" } else { "bitsandbytes" }.to_owned())
    };
    match if of_tensors { quantised(config).or_else(marked) } else { None } {
        Some(method) => refusal_of_quantised(files.place(), &method),
        None => error,
    }
}

/// What repairs a damaged file, as the end of a sentence: known of files in the hub's cache.
pub(crate) fn cure(damaged: Option<&Path>) -> String {
    let parts =
        || damaged.into_iter().flat_map(Path::components).filter_map(|part| part.as_os_str().to_str());
    let owner = parts().zip(parts().skip(1)).find(|(_, next)| *next == "snapshots").map(|(owner, _)| owner);
    match owner.and_then(|owner| owner.strip_prefix("models--")) {
        Some(name) => format!(" (`papo pull {}` repairs it)", name.replacen("--", "/", 1)),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A folder with these files, empty unless they say more.
    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn sentence(files: &[(&str, &str)], below: &str) -> String {
        let folder = folder(files);
        let files = ModelFiles::Folder(folder.path().join(below));
        check_folder(&files).unwrap_err().to_string()
    }

    #[test]
    fn a_folder_that_is_no_model_is_told_for_what_it_is() {
        let lora = r#"{"peft_type": "LORA", "base_model_name_or_path": "google/flan-t5-base"}"#;
        let snapshot = "models--org--tiny/snapshots/0123456789abcdef0123456789abcdef01234567/config.json";
        for (files, below, words) in [
            (
                &[("adapter_config.json", lora), ("adapter_model.safetensors", "")][..],
                "",
                ["a LoRA adapter", "google/flan-t5-base"],
            ),
            (&[("adapter_config.json", lora), ("config.json", "{}")], "", ["LoRA", "merge_and_unload"]),
            (&[("adapter_config.json", "{")], "", ["an adapter", "does not name"]),
            (
                &[("checkpoint-500/config.json", ""), ("checkpoint-1500/config.json", ""), ("x/y", "")],
                "",
                ["checkpoint-500, checkpoint-1500", "checkpoint-1500"],
            ),
            (&[("best/config.json", ""), ("config.json", "{}")], "", ["(best)", "give one of these"]),
            (
                &[(snapshot, ""), ("models--org--tiny/refs/main", "")],
                "models--org--tiny",
                ["org/tiny", "snapshots/0123"],
            ),
            (&[(snapshot, "")], "models--org--tiny/snapshots", ["org/tiny", "snapshots/0123"]),
            (&[("models--org--tiny/blobs/abc", "")], "models--org--tiny/blobs", ["org/tiny", "hub's cache"]),
            (&[(snapshot, ""), ("models--org--other/refs/main", "")], "", ["HF_HUB_CACHE", "org/other"]),
            (&[("tokenizer.json", "{}")], "", ["a tokenizer and no model", "config.json"]),
            (&[("model-q4.gguf", "")], "", ["no config.json", "llama.cpp's"]),
            (
                &[("config.json", "{}"), ("trainer_state.json", ""), ("optimizer.pt", "")],
                "",
                ["training", "no weights"],
            ),
            (&[("training/state.safetensors", "")], "", ["saved no model yet", "--resume"]),
            (&[("state.safetensors", ""), ("log.jsonl", "")], "", ["the state of a training", "above it"]),
            (&[("empty/x", "")], "empty/y", ["is no model", "empty"]),
        ] {
            let sentence = sentence(files, below);
            assert!(words.iter().all(|word| sentence.contains(word)), "{files:?}: {sentence}");
        }
    }

    #[test]
    fn a_model_is_none_of_these_whatever_lies_beside_it() {
        for files in [
            &[("config.json", "{}"), ("model.safetensors", ""), ("adapter_config.json", "{}")][..],
            &[("config.json", "{}"), ("pytorch_model.bin", ""), ("checkpoint-5/config.json", "{}")],
            &[("config.json", "{}"), ("tf_model.h5", "")],
        ] {
            check_folder(&ModelFiles::Folder(folder(files).path().to_owned())).unwrap();
        }
    }

    #[test]
    fn what_repairs_a_file_is_known_in_the_cache_alone() {
        let cached = Path::new("/hf/hub/models--org--tiny/snapshots/0123/config.json");
        assert_eq!(cure(Some(cached)), " (`papo pull org/tiny` repairs it)");
        assert_eq!(cure(Some(Path::new("/home/me/snapshots/config.json"))), "");
        let source = serde_json::from_str::<Value>("").unwrap_err();
        let error = Error::Json { path: cached.to_owned(), source }.to_string();
        assert!(error.ends_with("(`papo pull org/tiny` repairs it)"), "{error}");
        let error =
            papo_checkpoint::Error::Damaged { path: cached.to_owned(), problem: "it is cut off".into() };
        assert!(Error::from(error).to_string().contains("papo pull org/tiny"));
    }

    #[test]
    fn who_quantised_is_read_from_the_configuration() {
        for (config, method) in [
            (json!({ "quant_method": "bitsandbytes", "load_in_8bit": true }), Some("bitsandbytes in 8 bits")),
            (json!({ "load_in_4bit": true, "bnb_4bit_quant_type": "nf4" }), Some("bitsandbytes in 4 bits")),
            (json!({ "quant_method": "gptq", "bits": 4 }), Some("gptq in 4 bits")),
            (json!({ "quant_method": "fp8" }), Some("fp8")),
            (json!({ "quant_method": "papo", "bits": 8 }), None),
            (json!(null), None),
        ] {
            assert_eq!(quantised(&json!({ "quantization_config": config })).as_deref(), method);
        }
        assert_eq!(quantised(&json!({})), None);
    }
}
