//! Which family's rules a tokenizer follows, chosen as the reference's `AutoTokenizer` chooses its class.

use super::settings::Settings;
use crate::Error;
use crate::files::ModelFiles;

/// The families whose tokenizer can be built without `tokenizer.json`, and the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenizerClass {
    /// Byte-level byte pairs, `<s> A </s>`.
    Bart,
    /// Byte-level byte pairs, `A </s>`.
    Blenderbot,
    /// SentencePiece unigram with extra ids, `A </s>`.
    T5,
    /// Two SentencePiece models and one vocabulary.
    Marian,
    /// Whatever `tokenizer.json` says.
    Generic,
}

impl TokenizerClass {
    pub(super) fn choose(files: &ModelFiles, settings: &Settings) -> Result<Self, Error> {
        let ready = files.contains("tokenizer.json");
        let by_class = settings.class.as_deref().and_then(|class| match class {
            "BartTokenizer" => Some(Self::Bart),
            "BlenderbotTokenizer" => Some(Self::Blenderbot),
            "T5Tokenizer" | "MT5Tokenizer" => Some(Self::T5),
            "MarianTokenizer" => Some(Self::Marian),
            _ => None,
        });
        if let Some(class) = by_class {
            return Ok(class);
        }
        if let Some(class) = &settings.class
            && class != "PreTrainedTokenizer"
        {
            return if ready {
                Ok(Self::Generic)
            } else {
                Err(Error::Content {
                    path: files.path("tokenizer_config.json"),
                    reason: format!(
                        "the tokenizer class {class} can only be read from a tokenizer.json; save the model with one, or \
                         use a BART, Blenderbot, T5 or Marian model"
                    ),
                })
            };
        }
        match settings.model_type.as_deref() {
            Some("bart") => Ok(Self::Bart),
            Some("blenderbot") => Ok(Self::Blenderbot),
            Some("t5" | "mt5" | "umt5" | "longt5" | "switch_transformers") => Ok(Self::T5),
            // A transformer that Papo trained is Marian-shaped and has one tokenizer.json for both languages.
            Some("marian") if files.contains("source.spm") || !ready => Ok(Self::Marian),
            _ if ready => Ok(Self::Generic),
            _ if files.contains("source.spm") => Ok(Self::Marian),
            _ if files.contains("spiece.model") => Ok(Self::T5),
            _ if files.contains("vocab.json") && files.contains("merges.txt") => Err(Error::MissingFile {
                folder: files.place(),
                file: "config.json".into(),
                hint: "vocab.json and merges.txt alone do not tell BART from Blenderbot; add config.json with its \
                       model_type"
                    .into(),
            }),
            _ => Err(Error::NoTokenizer { folder: files.place() }),
        }
    }
}
