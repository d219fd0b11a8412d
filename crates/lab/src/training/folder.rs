//! The folder of a model that is being trained: the best weights so far, and below them what the training needs.
//!
//! ```text
//! DIR/config.json, generation_config.json        the network and how it is asked
//! DIR/model.safetensors                          the best weights so far
//! DIR/tokenizer.json, tokenizer_config.json      put there by the caller before the training begins
//! DIR/training/state.safetensors, log.jsonl      to go on from, and what was told
//! ```
//!
//! The model can be used while the training goes on: every file is replaced whole.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use papo_checkpoint::{Dtype, NewTensor, replace_file, write_safetensors};
use serde_json::{Value, json};

use crate::parameters::Weight;
use crate::{Error, NetworkConfig};

use super::recipe::{Recipe, Task};

/// Precision of saved weights; training itself is always in f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveDtype {
    /// Two bytes a weight.
    F16,
    /// Four bytes a weight.
    F32,
}

/// The folder of a model that is being trained.
#[derive(Clone, Debug)]
pub struct ModelFolder {
    path: PathBuf,
    dtype: SaveDtype,
}

impl ModelFolder {
    /// A folder, which need not be there yet.
    pub fn new(path: impl Into<PathBuf>, dtype: SaveDtype) -> ModelFolder {
        ModelFolder { path: path.into(), dtype }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the state is kept to go on from.
    pub fn state(&self) -> PathBuf {
        self.path.join("training").join("state.safetensors")
    }

    /// The recipe of the training that was begun here, as it was saved; `None` where there is nothing to go on from.
    ///
    /// # Errors
    /// A state that cannot be read.
    pub fn begun_recipe(&self) -> Result<Option<Value>, Error> {
        let path = self.state();
        path.exists().then(|| super::state::recipe(&path)).transpose()
    }

    /// Where the log is kept.
    pub fn log(&self) -> PathBuf {
        self.path.join("training").join("log.jsonl")
    }

    /// Makes the folder and the one below it.
    pub fn create(&self) -> Result<(), Error> {
        let training = self.path.join("training");
        fs::create_dir_all(&training).map_err(|source| Error::Write { path: training, source })
    }

    /// Writes `config.json` and `generation_config.json`.
    pub(super) fn save_config(&self, recipe: &Recipe) -> Result<(), Error> {
        replace(&self.path.join("config.json"), &config(recipe, self.dtype))?;
        replace(&self.path.join("generation_config.json"), &generation_config(recipe))
    }

    /// Puts these weights in the place of the model's.
    pub(super) fn save_model(&self, weights: &[Weight]) -> Result<(), Error> {
        let rows: Vec<(&str, &[usize], Vec<u8>)> = weights
            .iter()
            .map(|weight| (weight.name.as_str(), weight.shape.as_slice(), self.bytes(&weight.values)))
            .collect();
        let dtype = match self.dtype {
            SaveDtype::F16 => Dtype::F16,
            SaveDtype::F32 => Dtype::F32,
        };
        let tensors: Vec<NewTensor<'_>> =
            rows.iter().map(|&(name, shape, ref bytes)| NewTensor { name, dtype, shape, bytes }).collect();
        Ok(write_safetensors(&self.path.join("model.safetensors"), &tensors, &Default::default())?)
    }

    fn bytes(&self, values: &[f32]) -> Vec<u8> {
        match self.dtype {
            SaveDtype::F16 => {
                values.iter().flat_map(|&value| half::f16::from_f32(value).to_le_bytes()).collect()
            }
            SaveDtype::F32 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }
}

fn replace(path: &Path, value: &Value) -> Result<(), Error> {
    Ok(replace_file(path, |file| writeln!(file, "{value:#}"))?)
}

/// `config.json`: the network in the words of its family, and what the model is for.
fn config(recipe: &Recipe, dtype: SaveDtype) -> Value {
    let mut config = serde_json::to_value(&recipe.network).unwrap_or_else(|_| json!({}));
    config["papo"] = serde_json::to_value(&recipe.task).unwrap_or(Value::Null);
    if matches!(recipe.network, NetworkConfig::Transformer(_) | NetworkConfig::Seq2Seq(_)) {
        config["papo"]["target_tokens"] = json!(recipe.target_tokens);
    }
    config["torch_dtype"] = json!(if dtype == SaveDtype::F16 { "float16" } else { "float32" });
    if matches!(recipe.network, NetworkConfig::Transformer(_)) {
        config["architectures"] = json!(["MarianMTModel"]);
        // Marian's own default would end every text with token 0.
        config["forced_eos_token_id"] = Value::Null;
    }
    config
}

/// `generation_config.json`: a causal model draws its words, an encoder-decoder searches.
fn generation_config(recipe: &Recipe) -> Value {
    let start = recipe.batching().start;
    let mut config =
        json!({ "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 3, "decoder_start_token_id": start });
    let Task { task, .. } = &recipe.task;
    match &recipe.network {
        NetworkConfig::Rnn(_) | NetworkConfig::Lstm(_) | NetworkConfig::Gru(_) => {
            config["do_sample"] = json!(true);
            config["temperature"] = json!(if task == "dialogue" { 0.7 } else { 0.8 });
            config["top_k"] = json!(0);
            config["top_p"] = json!(0.9);
        }
        NetworkConfig::Seq2Seq(_) | NetworkConfig::Transformer(_) => config["num_beams"] = json!(4),
    }
    config["max_new_tokens"] = json!(if task == "text" { 200 } else { 80 });
    if matches!(recipe.network, NetworkConfig::Transformer(_)) {
        config["bad_words_ids"] = json!([[3]]);
    }
    config
}
