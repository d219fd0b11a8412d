//! What a model is, told from its files without loading its weights: family, shape, size and settings.

use std::collections::BTreeMap;

use papo_generate::GenerationConfig;
use papo_models::Architecture;
use serde_json::Value;

use crate::Error;
use crate::files::ModelFiles;
use crate::pretrained_model::{checkpoint, generation_config, model_config};

/// What a model's files say of it.
#[derive(Clone, Debug)]
pub struct Description {
    /// `model_type` of `config.json`, as in `t5`.
    pub model_type: String,
    /// What people call the family, as in `T5`.
    pub family: &'static str,
    /// The shape of the network.
    pub architecture: Architecture,
    /// Stored weights, shared ones once.
    pub parameters: usize,
    /// Number of stored tensors in each precision, as in `f16`.
    pub precisions: BTreeMap<String, usize>,
    /// The checkpoint's own generation settings.
    pub generation_config: GenerationConfig,
    /// Every file with its size in bytes, by name.
    pub files: Vec<(String, u64)>,
}

impl Description {
    /// Reads the configuration and the headers of the weight files, not the weights.
    pub fn read(files: &ModelFiles) -> Result<Self, Error> {
        let config = model_config(files)?;
        let architecture = papo_models::read_architecture(&config, &files.path("config.json"))?;
        let checkpoint = checkpoint(files)?;
        let mut precisions = BTreeMap::new();
        for name in checkpoint.names() {
            if let Some(tensor) = checkpoint.get(name)? {
                *precisions.entry(tensor.dtype.name().to_ascii_lowercase()).or_default() += 1;
            }
        }
        let model_type = config.get("model_type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let family = papo_models::families().iter().find(|family| family.model_type == model_type);
        Ok(Self {
            family: family.map_or("", |family| family.title),
            model_type,
            architecture,
            parameters: checkpoint.parameter_count(),
            precisions,
            generation_config: generation_config(files, &config)?,
            files: files.list()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_tiny_checkpoint_is_described_without_being_loaded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/checkpoints/t5-bf16");
        let described = Description::read(&ModelFiles::Folder(folder)).unwrap();
        assert_eq!((described.model_type.as_str(), described.family), ("t5", "T5"));
        assert_eq!(described.precisions.keys().collect::<Vec<_>>(), ["bf16"]);
        assert!(described.parameters > 10_000);
        assert!(
            matches!(&described.architecture, Architecture::EncoderDecoder(spec) if spec.decoder.layers > 0)
        );
        assert!(described.files.iter().any(|(name, size)| name == "model.safetensors" && *size > 10_000));
        assert_eq!(described.generation_config.decoder_start_token_id, Some(0));
    }
}
