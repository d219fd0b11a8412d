//! The models that are part of the program, so that it has something to say without a network: six generations of one lineage,
//! trained by Papo on the same small talk, and a model of Brazilian literature.
//!
//! Their files lie in this crate, under `models/`, laid out as `papo train` leaves them; `models/README.md` says how each was made
//! and from what. A model is added by its folder and a line in [`BUILT_IN`].

use crate::Error;
use crate::files::EmbeddedModel;

/// The files of a model folder of this crate, with their bytes.
macro_rules! model {
    ($name:literal, $weights:literal, $about:literal) => {
        EmbeddedModel {
            name: $name,
            about: $about,
            files: model!(@ $name: "config.json", "generation_config.json", $weights, "tokenizer.json", "tokenizer_config.json"),
        }
    };
    (@ $name:literal: $($file:expr),*) => {
        &[$(($file, include_bytes!(concat!("../models/", $name, "/", $file)).as_slice())),*]
    };
}

/// How many of [`BUILT_IN`] are the lineage: one model of each generation, oldest first.
const GENERATIONS: usize = 6;

/// The one that holds the pleasantest conversation.
const DEFAULT: &str = "transformer";

/// The models inside the program: the lineage from n-gram to transformer, then the others.
///
/// A `static`, because every crate that names a constant gets a copy of all their bytes.
pub static BUILT_IN: &[EmbeddedModel] = &[
    model!("ngram", "model.ngram", "counts of token sequences, smoothed (Kneser-Ney 1995)"),
    model!("rnn", "model.safetensors", "a state carried from token to token (Elman 1990)"),
    model!("lstm", "model.safetensors", "a memory behind gates (Hochreiter and Schmidhuber 1997)"),
    model!("gru", "model.safetensors", "fewer gates, no separate memory (Cho et al. 2014)"),
    model!(
        "seq2seq",
        "model.safetensors",
        "an encoder, and a decoder that looks back (Bahdanau et al. 2015)"
    ),
    model!("transformer", "model.safetensors", "attention is all it needs (Vaswani et al. 2017)"),
    model!("machado", "model.ngram", "Machado de Assis as an n-gram of words, in Portuguese"),
];

/// The lineage: one model of each generation, oldest first, all trained on the same conversations.
pub fn lineage() -> &'static [EmbeddedModel] {
    &BUILT_IN[..GENERATIONS]
}

/// The built-in model of this name.
pub fn find(name: &str) -> Option<&'static EmbeddedModel> {
    BUILT_IN.iter().find(|model| model.name == name)
}

/// The built-in model that answers when no model is named.
pub fn default_model() -> Result<&'static EmbeddedModel, Error> {
    find(DEFAULT).ok_or_else(|| Error::ModelName {
        name: String::new(),
        reason: "this program was built without a model of its own; name a folder or a model on the hub"
            .into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::ModelFiles;

    #[test]
    fn each_generation_is_what_its_name_says() {
        let types = ["papo_ngram", "papo_rnn", "papo_lstm", "papo_gru", "papo_seq2seq", "marian"];
        assert_eq!(lineage().len(), types.len());
        for (model, expected) in lineage().iter().zip(types) {
            let config = ModelFiles::Embedded(model).json("config.json").unwrap().unwrap();
            assert_eq!(config["model_type"], expected, "{}", model.name);
            assert_eq!(config["papo"]["task"], "dialogue", "{}", model.name);
        }
    }

    #[test]
    fn all_generations_together_take_at_most_forty_megabytes() {
        let bytes: usize = lineage().iter().flat_map(|model| model.files).map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes <= 40_000_000, "{bytes}");
    }
}
