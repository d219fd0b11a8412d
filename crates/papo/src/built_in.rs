//! The models that are part of the program, so that it has something to say without a network: seven generations of one lineage,
//! made by Papo of the same small talk, and a model of Brazilian literature.
//!
//! Their files lie in crates of their own, `built-in/NAME`, laid out as `papo train` leaves them; `built-in/README.md` says how each
//! was made and from what. A model is added by its crate and a line in [`BUILT_IN`]. Without the feature `built-in-models` there are
//! none, and only their names are known.

use crate::Error;
use crate::files::EmbeddedModel;

/// How many of the models are the lineage: one model of each generation, oldest first.
const GENERATIONS: usize = 7;

/// The one that holds the pleasantest conversation.
const DEFAULT: &str = "transformer";

/// The names of the models, whether or not this program was built with them: the lineage from looked-up replies to transformer, then the others.
pub const NAMES: [&str; 8] =
    ["retrieval", "ngram", "rnn", "lstm", "gru", "seq2seq", "transformer", "machado"];

/// The models inside the program: the lineage from looked-up replies to transformer, then the others.
///
/// A `static`, because every crate that names a constant gets a copy of all their bytes.
#[cfg(feature = "built-in-models")]
pub static BUILT_IN: &[EmbeddedModel] = &[
    EmbeddedModel {
        name: papo_built_in_retrieval::NAME,
        about: "the nearest of stored replies, by their words (Salton et al. 1975)",
        files: papo_built_in_retrieval::FILES,
    },
    EmbeddedModel {
        name: papo_built_in_ngram::NAME,
        about: "counts of token sequences, smoothed (Kneser-Ney 1995)",
        files: papo_built_in_ngram::FILES,
    },
    EmbeddedModel {
        name: papo_built_in_rnn::NAME,
        about: "a state carried from token to token (Elman 1990)",
        files: papo_built_in_rnn::FILES,
    },
    EmbeddedModel {
        name: papo_built_in_lstm::NAME,
        about: "a memory behind gates (Hochreiter and Schmidhuber 1997)",
        files: papo_built_in_lstm::FILES,
    },
    EmbeddedModel {
        name: papo_built_in_gru::NAME,
        about: "fewer gates, no separate memory (Cho et al. 2014)",
        files: papo_built_in_gru::FILES,
    },
    EmbeddedModel {
        name: papo_built_in_seq2seq::NAME,
        about: "an encoder, and a decoder that looks back (Bahdanau et al. 2015)",
        files: papo_built_in_seq2seq::FILES,
    },
    EmbeddedModel {
        name: papo_built_in_transformer::NAME,
        about: "attention is all it needs (Vaswani et al. 2017)",
        files: papo_built_in_transformer::FILES,
    },
    EmbeddedModel {
        name: papo_built_in_machado::NAME,
        about: "Machado de Assis as an n-gram of pieces of words, in Portuguese",
        files: papo_built_in_machado::FILES,
    },
];

/// The models inside the program: none, it was built without the feature `built-in-models`.
#[cfg(not(feature = "built-in-models"))]
pub static BUILT_IN: &[EmbeddedModel] = &[];

/// The lineage: one model of each generation, oldest first, all made of the same conversations.
pub fn lineage() -> &'static [EmbeddedModel] {
    &BUILT_IN[..GENERATIONS.min(BUILT_IN.len())]
}

/// The language, or the languages, that the built-in model of this name was trained on.
pub fn language(name: &str) -> Option<&'static str> {
    match find(name)?.name {
        "machado" => Some("Portuguese"),
        "retrieval" => Some("English and Portuguese"),
        _ => Some("English"),
    }
}

/// The built-in model of this name.
pub fn find(name: &str) -> Option<&'static EmbeddedModel> {
    BUILT_IN.iter().find(|model| model.name == name)
}

/// The built-in model that answers when no model is named.
///
/// Fails where the program was built without.
pub fn default_model() -> Result<&'static EmbeddedModel, Error> {
    find(DEFAULT).ok_or(Error::NoBuiltInModels)
}

/// An error where this is the name of a built-in model that this program was built without.
pub(crate) fn check_absent(name: &str) -> Result<(), Error> {
    if BUILT_IN.is_empty() && NAMES.contains(&name) { Err(Error::NoBuiltInModels) } else { Ok(()) }
}

#[cfg(all(test, feature = "built-in-models"))]
mod tests {
    use super::*;
    use crate::files::ModelFiles;

    #[test]
    fn each_generation_is_what_its_name_says() {
        let types =
            ["papo_retrieval", "papo_ngram", "papo_rnn", "papo_lstm", "papo_gru", "papo_seq2seq", "marian"];
        assert_eq!(lineage().len(), types.len());
        assert!(BUILT_IN.iter().map(|model| model.name).eq(NAMES));
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
