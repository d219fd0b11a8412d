#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

/// The name by which people ask for the model.
pub const NAME: &str = "retrieval";

/// The files of the model's folder, each with its name.
///
/// A `static`, because every crate that names a constant gets a copy of all its bytes.
pub static FILES: &[(&str, &[u8])] = &[
    ("config.json", include_bytes!("../config.json")),
    ("generation_config.json", include_bytes!("../generation_config.json")),
    ("model.safetensors", include_bytes!("../model.safetensors")),
    ("tokenizer.json", include_bytes!("../tokenizer.json")),
    ("tokenizer_config.json", include_bytes!("../tokenizer_config.json")),
];
