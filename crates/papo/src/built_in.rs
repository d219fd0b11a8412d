//! The models that are part of the program, so that it has something to say without a network.
//!
//! Their files lie in this crate, under `models/`, laid out as on the hub; `models/README.md` says how each was made and from
//! what.

use crate::Error;
use crate::files::EmbeddedModel;

/// The files of a model folder of this crate, with their bytes.
macro_rules! files {
    ($folder:literal: $($file:literal),* $(,)?) => {
        &[$(($file, include_bytes!(concat!("../models/", $folder, "/", $file)).as_slice())),*]
    };
}

/// The models inside the program, the default of `papo chat` first.
pub const BUILT_IN: &[EmbeddedModel] = &[EmbeddedModel {
    name: "smalltalk",
    about: "Papo's first words: small talk in English, in Blenderbot's shape",
    // It was trained on whole conversations, but is too small to tell the last turn from those before.
    follows_conversations: false,
    files: files!(
        "smalltalk":
        "config.json",
        "generation_config.json",
        "pytorch_model.bin",
        "vocab.json",
        "merges.txt",
        "added_tokens.json",
        "special_tokens_map.json",
        "tokenizer_config.json",
    ),
}];

/// The built-in model of this name.
pub fn find(name: &str) -> Option<&'static EmbeddedModel> {
    BUILT_IN.iter().find(|model| model.name == name)
}

/// The built-in model that answers when no model is named.
pub fn default_model() -> Result<&'static EmbeddedModel, Error> {
    BUILT_IN.first().ok_or_else(|| Error::ModelName {
        name: String::new(),
        reason: "this program was built without a model of its own; name a folder or a model on the hub"
            .into(),
    })
}
