//! `--init-from MODEL`: a finished model is trained further. Its shape, its weights and its tokenizer are where the new one begins.

use papo::files::{self, ModelFiles};
use papo::hub::Want;
use papo::{LoadOptions, ModelRef};
use papo_lab::{NetworkConfig, Weight};
use serde_json::Value;
use tempfile::TempDir;

use crate::arguments::Cell;
use crate::failure::Failure;
use crate::request::{NetworkTraining, Shape};
use crate::terminal::Notes;

/// What a training begins with.
pub enum Beginning {
    /// Weights that are drawn.
    New,
    /// The weights of a model.
    With(Box<Init>),
}

/// A model to begin with.
pub struct Init {
    name: String,
    config: NetworkConfig,
    weights: Vec<Weight>,
    /// With the model's tokenizer.
    folder: TempDir,
}

impl Beginning {
    /// Reads the model that the request names, if it names one.
    pub fn read(request: &NetworkTraining) -> Result<Beginning, Failure> {
        let Some(name) = &request.init_from else { return Ok(Beginning::New) };
        let found = ModelRef::parse(name)?.fetch(Want::Model, &LoadOptions::default())?;
        let config = found.json("config.json")?.unwrap_or_default();
        let config = shape(name, &config, request)?;
        let weights = papo_lab::read_weights(&files::weights(&found)?)?;
        Ok(Beginning::With(Box::new(Init {
            name: name.clone(),
            config,
            weights,
            folder: tokenizer(name, &found)?,
        })))
    }
}

impl Init {
    /// The network's shape, with another dropout where one is asked for.
    pub fn network(&self, dropout: Option<f64>) -> NetworkConfig {
        let mut config = self.config.clone();
        if let Some(dropout) = dropout {
            match &mut config {
                NetworkConfig::Rnn(it) | NetworkConfig::Lstm(it) | NetworkConfig::Gru(it) => {
                    it.dropout = dropout
                }
                NetworkConfig::Seq2Seq(it) => it.dropout = dropout,
                NetworkConfig::Transformer(it) => it.dropout = dropout,
                _ => {}
            }
        }
        config
    }

    /// The request with texts no longer than the model has positions.
    pub fn fitted(&self, request: &NetworkTraining, notes: Notes) -> NetworkTraining {
        let mut fitted = request.clone();
        if let NetworkConfig::Transformer(config) = &self.config {
            let most = config.max_position_embeddings;
            fitted.context_tokens = request.context_tokens.min(most);
            // The start token takes one.
            fitted.target_tokens = request.target_tokens.min(most.saturating_sub(1)).max(1);
            if (fitted.context_tokens, fitted.target_tokens)
                != (request.context_tokens, request.target_tokens)
            {
                notes.say(format_args!(
                    "{} has {most} positions: sources are cut to {} tokens, targets to {}",
                    self.name, fitted.context_tokens, fitted.target_tokens
                ));
            }
        }
        fitted
    }

    /// What the recipe says of it: the name, and a checksum that tells these weights from others.
    pub fn record(&self) -> String {
        format!("{} (weights {:016x})", self.name, papo_lab::checksum(&self.weights))
    }

    /// The weights by name.
    pub fn weights(&self) -> &[Weight] {
        &self.weights
    }

    /// A folder with the model's tokenizer.
    pub fn tokenizer(&self) -> &std::path::Path {
        self.folder.path()
    }
}

/// The model's shape, which must be of the kind that is asked for and agree with the flags that were given.
fn shape(name: &str, config: &Value, request: &NetworkTraining) -> Result<NetworkConfig, Failure> {
    let wanted = match request.shape {
        Shape::Recurrent { cell: Cell::Rnn, .. } => ("rnn", "papo_rnn"),
        Shape::Recurrent { cell: Cell::Lstm, .. } => ("lstm", "papo_lstm"),
        Shape::Recurrent { cell: Cell::Gru, .. } => ("gru", "papo_gru"),
        Shape::Seq2Seq { .. } => ("seq2seq", "papo_seq2seq"),
        Shape::Transformer { .. } => ("transformer", "marian"),
    };
    let found = config.get("model_type").and_then(Value::as_str).unwrap_or("none");
    if found != wanted.1 {
        let kinds = [
            ("papo_rnn", "rnn"),
            ("papo_lstm", "lstm"),
            ("papo_gru", "gru"),
            ("papo_seq2seq", "seq2seq"),
            ("marian", "transformer"),
        ];
        let advice = match kinds.iter().find(|(model_type, _)| *model_type == found) {
            Some((_, kind)) => format!("say `papo train {kind}`"),
            None => "only networks that Papo trains can be trained further".to_owned(),
        };
        return Err(Failure::new(format_args!(
            "--init-from {name} is of the type {found} and no {}; {advice}",
            wanted.0
        )));
    }
    if config.get("quantization_config").is_some() {
        return Err(Failure::new(format_args!(
            "--init-from {name} has rounded weights, which cannot be trained; give the model that it was rounded from"
        )));
    }
    let shape = NetworkConfig::from_json(config)?;
    for (flag, value) in &request.shape_flags {
        let own = own_value(&shape, flag);
        if own != *value {
            return Err(Failure::Usage(format!(
                "{flag} {value} is not what --init-from {name} has, {own}; leave it out, the shape comes with the model"
            )));
        }
    }
    Ok(shape)
}

/// What a flag of the shape is in a model.
fn own_value(shape: &NetworkConfig, flag: &str) -> String {
    let json = serde_json::to_value(shape).unwrap_or_default();
    let field = match (flag, shape) {
        ("--hidden", _) => "d_hidden",
        ("--embedding", _) => "d_embedding",
        ("--layers", NetworkConfig::Transformer(_)) => "encoder_layers",
        ("--layers", _) => "n_layers",
        ("--tie-embeddings", _) => "tie_embeddings",
        ("--d-model", _) => "d_model",
        ("--heads", _) => "encoder_attention_heads",
        ("--feed-forward", _) => "encoder_ffn_dim",
        ("--max-positions", _) => "max_position_embeddings",
        (other, _) => other.trim_start_matches("--"),
    };
    match json.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "nothing of the kind".to_owned(),
    }
}

/// A folder with the model's tokenizer, wherever its files are.
fn tokenizer(name: &str, files: &ModelFiles) -> Result<TempDir, Failure> {
    let folder = tempfile::tempdir()?;
    let mut found = false;
    for file in ["tokenizer.json", "tokenizer_config.json", "config.json"] {
        if let Some(bytes) = files.read(file)? {
            std::fs::write(folder.path().join(file), bytes)?;
            found |= file == "tokenizer.json";
        }
    }
    if !found {
        return Err(Failure::new(format_args!(
            "--init-from {name} has no tokenizer.json, as models that Papo trains have; only those can be trained further"
        )));
    }
    Ok(folder)
}
