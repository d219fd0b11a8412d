//! What a model is, told from its files without loading its weights: family, shape, size and settings.

use std::collections::BTreeMap;

use papo_checkpoint::Dtype;
use papo_generate::GenerationConfig;
use papo_models::{Architecture, scales_name};
use papo_ngram::Layout;
use serde_json::Value;

use crate::Error;
use crate::files::ModelFiles;
use crate::network::Holding;
use crate::pretrained_model::{checkpoint, model_config};
use crate::{diagnosis, settings};
use crate::{ngram_file, retrieval_file};

/// The shape of a network of any kind.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Layers and their widths.
    Neural(Box<Architecture>),
    /// Counts of n-grams.
    Ngram(NgramShape),
    /// Stored replies.
    Retrieval(RetrievalShape),
}

/// The shape of an n-gram model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NgramShape {
    /// n-grams of each order, unigrams first.
    pub counts: Vec<u64>,
    /// Words of the vocabulary.
    pub words: usize,
    /// How they are kept.
    pub layout: Layout,
    /// Bits of a quantised number; `None` where numbers are exact.
    pub quantised: Option<u8>,
}

/// The shape of a store of replies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrievalShape {
    /// Stored replies.
    pub replies: usize,
    /// Turns that they are found by.
    pub turns: usize,
    /// Different words in those.
    pub words: usize,
    /// Tokens of the vocabulary.
    pub vocabulary: usize,
}

/// What a model's files say of it.
#[derive(Clone, Debug)]
pub struct Description {
    /// `model_type` of `config.json`, as in `t5`.
    pub model_type: String,
    /// What people call the family, as in `T5`.
    pub family: &'static str,
    /// The shape of the network.
    pub shape: Shape,
    /// Weights of the network, shared ones once.
    pub parameters: usize,
    /// Number of stored tensors in each precision, as in `f16`.
    pub precisions: BTreeMap<String, usize>,
    /// The checkpoint's own generation settings.
    pub generation_config: GenerationConfig,
    /// Every file with its size in bytes, by name.
    pub files: Vec<(String, u64)>,
}

impl Description {
    /// Refuses what cannot be loaded whatever its tensors are: no model at all, no weights, a family that nobody knows.
    pub(crate) fn check(files: &ModelFiles) -> Result<(), Error> {
        let config = model_config(files)?;
        if Holding::of(&config) == Holding::Weights {
            papo_models::read_architecture(&config, &files.path("config.json"))?;
            checkpoint(files).map_err(|error| diagnosis::explained(error, &config, files, None))?;
        }
        Ok(())
    }

    /// Reads the configuration and the headers of the weight files, not the weights.
    pub fn read(files: &ModelFiles) -> Result<Self, Error> {
        let config = model_config(files)?;
        match Holding::of(&config) {
            Holding::Counts => return Self::of_ngram(files, &config),
            Holding::Replies => return Self::of_retrieval(files, &config),
            Holding::Weights => {}
        }
        let architecture = papo_models::read_architecture(&config, &files.path("config.json"))?;
        let checkpoint =
            checkpoint(files).map_err(|error| diagnosis::explained(error, &config, files, None))?;
        let mut precisions = BTreeMap::new();
        let mut parameters = checkpoint.parameter_count();
        for name in checkpoint.names() {
            if let Some(tensor) = checkpoint.get(name)? {
                let scales = checkpoint.get(&scales_name(name))?;
                let precision = match (tensor.dtype, &scales) {
                    (Dtype::I8, Some(_)) => "int8".to_owned(),
                    (Dtype::U8, Some(_)) => "int4".to_owned(),
                    (dtype, _) => dtype.name().to_ascii_lowercase(),
                };
                // Two numbers a byte; the scales are no weights.
                parameters += if precision == "int4" { tensor.elements() } else { 0 };
                parameters -= scales.map_or(0, |scales| scales.elements());
                *precisions.entry(precision).or_default() += 1;
            }
        }
        if matches!(architecture, Architecture::EncoderDecoder(_)) {
            // Files may hold more than the network uses: buffers, copies of tied tables.
            parameters = papo_models::count_parameters(&config, &files.path("config.json"), &checkpoint)?;
        }
        let model_type = config.get("model_type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let family = papo_models::families().iter().find(|family| family.model_type == model_type);
        Ok(Self {
            family: family.map_or("", |family| family.title),
            model_type,
            shape: Shape::Neural(Box::new(architecture)),
            parameters,
            precisions,
            generation_config: settings::generation_config(files, &config, None)?,
            files: files.list()?,
        })
    }

    fn of_ngram(files: &ModelFiles, config: &Value) -> Result<Self, Error> {
        let model = ngram_file::model(files)?;
        Ok(Self {
            model_type: "papo_ngram".to_owned(),
            family: "n-gram",
            shape: Shape::Ngram(NgramShape {
                counts: model.counts().to_vec(),
                words: model.vocab_size(),
                layout: model.layout(),
                quantised: model.quantised(),
            }),
            parameters: model.parameters(),
            precisions: BTreeMap::new(),
            generation_config: settings::generation_config(files, config, None)?,
            files: files.list()?,
        })
    }

    fn of_retrieval(files: &ModelFiles, config: &Value) -> Result<Self, Error> {
        let index = retrieval_file::index(files)?;
        Ok(Self {
            model_type: "papo_retrieval".to_owned(),
            family: "nearest neighbour",
            shape: Shape::Retrieval(RetrievalShape {
                replies: index.exchanges(),
                turns: index.turns(),
                words: index.words(),
                vocabulary: index.vocab_size(),
            }),
            parameters: index.words(),
            precisions: BTreeMap::new(),
            generation_config: settings::generation_config(files, config, None)?,
            files: files.list()?,
        })
    }
}

/// The most tokens of a source that the model with these files reads; `None` where nothing limits them, or nothing says so.
pub fn max_source_tokens(files: &ModelFiles) -> Option<usize> {
    let config = model_config(files).ok()?;
    match papo_models::read_architecture(&config, &files.path("config.json")).ok()? {
        Architecture::EncoderDecoder(spec) => spec.max_positions(),
        Architecture::RecurrentLm(_) | Architecture::RecurrentSeq2Seq(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn parameters_are_counted_as_the_loaded_network_counts_them() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/checkpoints");
        for entry in std::fs::read_dir(fixtures).unwrap() {
            let files = ModelFiles::Folder(entry.unwrap().path());
            let loaded = crate::PretrainedModel::load(&files, &crate::LoadOptions::default()).unwrap();
            let described = Description::read(&files).unwrap();
            assert_eq!(described.parameters, loaded.network().parameters(), "{}", files.place().display());
        }
    }

    #[test]
    fn a_tiny_checkpoint_is_described_without_being_loaded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/checkpoints/t5-bf16");
        let described = Description::read(&ModelFiles::Folder(folder)).unwrap();
        assert_eq!((described.model_type.as_str(), described.family), ("t5", "T5"));
        assert_eq!(described.precisions.keys().collect::<Vec<_>>(), ["bf16"]);
        assert!(described.parameters > 10_000);
        assert!(
            matches!(&described.shape, Shape::Neural(shape) if matches!(&**shape, Architecture::EncoderDecoder(spec) if spec.decoder.layers > 0))
        );
        assert!(described.files.iter().any(|(name, size)| name == "model.safetensors" && *size > 10_000));
        assert_eq!(described.generation_config.decoder_start_token_id, Some(0));
    }
}
