//! Which class of the reference a tokenizer follows, chosen as its `AutoTokenizer` chooses, and what each class brings along.
//!
//! A class is a row of [`Rules`]: its names, the networks that use it where no name is given, the files it can be built from, and
//! the special tokens that it has without being told. What is done with the files is in `byte_pairs.rs`, `unigram.rs`, `word_pieces.rs`,
//! `marian.rs` and `bytes.rs`.

use tokenizers::AddedToken;

use super::settings::{Named, Settings};
use crate::files::ModelFiles;
use crate::{Error, diagnosis};

/// The classes of tokenizers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenizerClass {
    /// Byte-level byte pairs, `<s> A </s>`: BART and RoBERTa.
    Bart,
    /// Byte-level byte pairs, `A </s>`.
    Blenderbot,
    /// Byte-level byte pairs with nothing around them.
    Gpt2,
    /// SentencePiece unigram with extra ids, `A </s>`.
    T5,
    /// Bytes, `A </s>`.
    ByT5,
    /// Two SentencePiece models and one vocabulary.
    Marian,
    /// Pieces of words, `[CLS] A [SEP]`.
    Bert,
    /// Whatever `tokenizer.json` says.
    Generic,
}

/// What a class knows by itself.
pub(super) struct Rules {
    class: TokenizerClass,
    /// `tokenizer_class`, without a trailing `Fast`.
    names: &'static [&'static str],
    /// `model_type` of networks that have this class where none is named.
    model_types: &'static [&'static str],
    /// What it is built from without `tokenizer.json`; no files at all for bytes.
    pub files: &'static [&'static str],
    /// Special tokens where the files leave the role open.
    roles: &'static [(&'static str, &'static str)],
    /// Whether a mask that is named by its text swallows the space before it.
    greedy_mask: bool,
}

const ROBERTA_ROLES: &[(&str, &str)] = &[
    ("bos_token", "<s>"),
    ("eos_token", "</s>"),
    ("unk_token", "<unk>"),
    ("sep_token", "</s>"),
    ("pad_token", "<pad>"),
    ("cls_token", "<s>"),
    ("mask_token", "<mask>"),
];

const T5_ROLES: &[(&str, &str)] = &[("eos_token", "</s>"), ("unk_token", "<unk>"), ("pad_token", "<pad>")];

const RULES: &[Rules] = &[
    Rules {
        class: TokenizerClass::Bart,
        names: &["BartTokenizer", "RobertaTokenizer", "LEDTokenizer", "LongformerTokenizer", "MvpTokenizer"],
        model_types: &["bart", "led", "mvp", "roberta"],
        files: &["vocab.json", "merges.txt"],
        roles: ROBERTA_ROLES,
        greedy_mask: true,
    },
    Rules {
        class: TokenizerClass::Blenderbot,
        names: &["BlenderbotTokenizer"],
        model_types: &["blenderbot"],
        files: &["vocab.json", "merges.txt"],
        roles: ROBERTA_ROLES,
        greedy_mask: true,
    },
    Rules {
        class: TokenizerClass::Gpt2,
        names: &["GPT2Tokenizer"],
        model_types: &["gpt2"],
        files: &["vocab.json", "merges.txt"],
        roles: &[
            ("bos_token", "<|endoftext|>"),
            ("eos_token", "<|endoftext|>"),
            ("unk_token", "<|endoftext|>"),
        ],
        greedy_mask: false,
    },
    Rules {
        class: TokenizerClass::T5,
        names: &["T5Tokenizer", "MT5Tokenizer"],
        model_types: &["t5", "mt5", "umt5", "longt5", "switch_transformers"],
        files: &["spiece.model"],
        roles: T5_ROLES,
        greedy_mask: false,
    },
    Rules {
        class: TokenizerClass::ByT5,
        names: &["ByT5Tokenizer"],
        model_types: &[],
        files: &[],
        // `bytes.rs` gives them, with flags.
        roles: &[],
        greedy_mask: false,
    },
    Rules {
        class: TokenizerClass::Marian,
        names: &["MarianTokenizer"],
        model_types: &["marian"],
        files: &["source.spm", "target.spm", "vocab.json"],
        roles: T5_ROLES,
        greedy_mask: false,
    },
    Rules {
        class: TokenizerClass::Bert,
        names: &[
            "BertTokenizer",
            "DistilBertTokenizer",
            "ElectraTokenizer",
            "MobileBertTokenizer",
            "ConvBertTokenizer",
            "SqueezeBertTokenizer",
            "RetriBertTokenizer",
            "LayoutLMTokenizer",
            "LxmertTokenizer",
        ],
        model_types: &["bert", "distilbert", "electra"],
        files: &["vocab.txt"],
        roles: &[
            ("unk_token", "[UNK]"),
            ("sep_token", "[SEP]"),
            ("pad_token", "[PAD]"),
            ("cls_token", "[CLS]"),
            ("mask_token", "[MASK]"),
        ],
        greedy_mask: false,
    },
    Rules {
        class: TokenizerClass::Generic,
        // The last is what version 5 of the reference calls it.
        names: &["PreTrainedTokenizer", "TokenizersBackend"],
        model_types: &[],
        files: &["tokenizer.json"],
        roles: &[],
        greedy_mask: false,
    },
];

impl TokenizerClass {
    pub(super) fn rules(self) -> &'static Rules {
        // Every class has a row; the last is the one that knows nothing.
        RULES.iter().find(|rules| rules.class == self).unwrap_or(&RULES[RULES.len() - 1])
    }

    pub(super) fn choose(files: &ModelFiles, settings: &Settings) -> Result<Self, Error> {
        let ready = files.contains("tokenizer.json");
        if let Some(written) = settings.class.as_deref() {
            let name = written.strip_suffix("Fast").unwrap_or(written);
            return match RULES.iter().find(|rules| rules.names.contains(&name)) {
                Some(rules) if rules.class != Self::Generic || ready => Ok(rules.class),
                None if ready => Ok(Self::Generic),
                _ => Err(Error::TokenizerClass {
                    folder: files.place(),
                    class: written.to_owned(),
                    hint: hint(files, settings.own_code),
                }),
            };
        }
        let model_type = settings.model_type.as_deref().unwrap_or_default();
        let by_model =
            RULES.iter().find(|rules| rules.model_types.contains(&model_type)).map(|rules| rules.class);
        match by_model {
            // A transformer that Papo trained is Marian-shaped and has one tokenizer.json for both languages.
            Some(Self::Marian) if ready && !files.contains("source.spm") => Ok(Self::Generic),
            Some(class) => Ok(class),
            None if ready => Ok(Self::Generic),
            None if files.contains("source.spm") => Ok(Self::Marian),
            None if files.contains("spiece.model") => Ok(Self::T5),
            None if files.contains("vocab.json") && files.contains("merges.txt") => {
                Err(families_unknown(files))
            }
            None => Err(diagnosis::no_tokenizer(files)),
        }
    }

    /// Gives the roles that the files leave open to the tokens of the class.
    pub(super) fn default_roles(self, settings: &mut Settings) {
        let rules = self.rules();
        for (role, content) in rules.roles {
            settings.default_role(role, Named::text(*content));
        }
        if rules.greedy_mask
            && let Some(Some(mask)) = settings.roles.get_mut("mask_token")
            && mask.by_text
        {
            let token = AddedToken::from(mask.token.content.clone(), true).lstrip(true);
            *mask = Named { token, by_text: false };
        }
    }

    /// Tells whether a class that is named so needs no vocabulary file.
    pub(crate) fn needs_no_files(name: &str) -> bool {
        let name = name.strip_suffix("Fast").unwrap_or(name);
        RULES.iter().any(|rules| rules.files.is_empty() && rules.names.contains(&name))
    }
}

/// What would help where a class cannot be built.
fn hint(files: &ModelFiles, own_code: bool) -> String {
    let tokenizer_json = "a tokenizer.json, which `AutoTokenizer.from_pretrained(…).save_pretrained(…)` writes wherever the class has a \
                          fast version";
    if files.contains("tokenizer.json") || !own_code {
        return format!("it can be read from {tokenizer_json}");
    }
    format!(
        "its Python code is the repository's own and never runs here; it can be read from {tokenizer_json}"
    )
}

/// `vocab.json` and `merges.txt` beside a configuration that no class belongs to, or beside none.
fn families_unknown(files: &ModelFiles) -> Error {
    if files.contains("config.json") {
        return Error::TokenizerClass {
            folder: files.place(),
            class: "of vocab.json and merges.txt".into(),
            hint: "neither tokenizer_config.json nor config.json names its class; add \"tokenizer_class\" \
                   (\"BartTokenizer\", \"BlenderbotTokenizer\", \"GPT2Tokenizer\" …) to tokenizer_config.json"
                .into(),
        };
    }
    Error::MissingFile {
        folder: files.place(),
        file: "config.json".into(),
        hint: "vocab.json and merges.txt alone do not tell BART from Blenderbot; add config.json with its model_type"
            .into(),
    }
}
