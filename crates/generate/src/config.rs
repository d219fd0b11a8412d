//! Generation options under the names of `generation_config.json`, each unset until somebody sets it.
//!
//! One list makes everything: the struct's fields, the table that command lines are built from, reading, writing
//! and merging. Defaults are not here but in `plan.rs`, where options become decisions. Reading a file is
//! `config/parse.rs`; what Papo refuses is `config/foreign.rs`.

mod foreign;
mod parse;
mod value;

use serde_json::{Map, Value};

use crate::{Error, TokenId};
pub use parse::Origin;
pub(crate) use parse::{DEFAULT_MAX_LENGTH, is_for_sampling};
use value::OptionValue;
pub use value::{EarlyStopping, OptionKind};

/// What a command line needs to know of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionInfo {
    /// The name in `generation_config.json`, as in `num_beams`.
    pub name: &'static str,
    /// What values it takes.
    pub kind: OptionKind,
    /// One line of help.
    pub help: &'static str,
}

macro_rules! options {
    ($(#[doc = $help:literal] $name:ident: $kind:ty,)*) => {
        /// The options of one generation; an option that is `None` is left to whoever is asked next, and in the end
        /// to the reference's default.
        ///
        /// ```
        /// use papo_generate::{GenerationConfig, Origin};
        /// let checkpoint = serde_json::json!({"num_beams": 10, "length_penalty": 0.65});
        /// let own = GenerationConfig::from_json(&checkpoint, Origin::Checkpoint)?;
        /// let merged = own.merged(&GenerationConfig { num_beams: Some(4), ..Default::default() });
        /// assert_eq!((merged.num_beams, merged.length_penalty), (Some(4), Some(0.65)));
        /// # Ok::<(), papo_generate::Error>(())
        /// ```
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct GenerationConfig {
            $(#[doc = $help] pub $name: Option<$kind>,)*
            /// Options that were set to null: merging takes the other's value away.
            pub cleared: Vec<&'static str>,
            /// Names that a checkpoint's file holds, that the reference never reads when it generates, and that are
            /// ignored here too; a caller may tell its user.
            pub ignored: Vec<String>,
        }

        const OPTIONS: &[OptionInfo] = &[
            $(OptionInfo {
                name: stringify!($name),
                kind: <$kind as OptionValue>::KIND,
                help: $help.trim_ascii(),
            },)*
        ];

        impl GenerationConfig {
            /// These options, overridden by every one that `overrides` sets or sets to null.
            pub fn merged(&self, overrides: &GenerationConfig) -> GenerationConfig {
                let mut merged = self.clone();
                for &name in &overrides.cleared {
                    merged.clear(name);
                }
                $(if overrides.$name.is_some() {
                    merged.$name = overrides.$name.clone();
                    merged.cleared.retain(|&name| name != stringify!($name));
                })*
                merged
            }

            /// Sets an option from JSON of its own type; `None` if the value has another type.
            fn assign(&mut self, name: &str, value: &Value) -> Option<()> {
                match name {
                    $(stringify!($name) => self.$name = Some(OptionValue::read(value)?),)*
                    _ => return None,
                }
                self.cleared.retain(|&cleared| cleared != name);
                Some(())
            }

            /// Un-sets an option here and, through `cleared`, wherever this is merged over.
            fn clear(&mut self, name: &'static str) {
                match name {
                    $(stringify!($name) => self.$name = None,)*
                    _ => return,
                }
                if !self.cleared.contains(&name) {
                    self.cleared.push(name);
                }
            }

            /// The options that are set or null, under their names, in the order of the table.
            pub fn to_json(&self) -> Value {
                let mut object = Map::new();
                $(match &self.$name {
                    Some(value) => {
                        object.insert(stringify!($name).to_owned(), value.write());
                    }
                    None if self.cleared.contains(&stringify!($name)) => {
                        object.insert(stringify!($name).to_owned(), Value::Null);
                    }
                    None => {}
                })*
                Value::Object(object)
            }
        }
    };
}

options! {
    /// Most tokens of an answer, its start token included; `max_new_tokens` wins over it.
    max_length: usize,
    /// Most tokens of an answer, its start token not counted.
    max_new_tokens: usize,
    /// No end token before the answer has this many tokens, its start token included.
    min_length: usize,
    /// No end token before the answer has this many tokens, its start token not counted.
    min_new_tokens: usize,
    /// Whether beam search stops at enough finished beams (true), by a heuristic (false) or only when sure (never).
    early_stopping: EarlyStopping,
    /// Seconds after which the step at hand is the last one.
    max_time: f64,
    /// Text that ends an answer once it appears in it.
    stop_strings: Vec<String>,
    /// Whether tokens are drawn by chance (true) or the likeliest is taken (false).
    do_sample: bool,
    /// Number of beams; 1 is greedy search or plain sampling.
    num_beams: usize,
    /// Divides the logits before sampling: below 1 bolder in the likely, above 1 more random.
    temperature: f64,
    /// Sampling keeps this many of the likeliest tokens; 0 keeps all.
    top_k: usize,
    /// Sampling keeps the fewest likeliest tokens whose probabilities reach this sum.
    top_p: f64,
    /// Sampling keeps tokens at least this likely, relative to the likeliest.
    min_p: f64,
    /// Sampling keeps the tokens closest to the expected information, up to this probability.
    typical_p: f64,
    /// Sampling keeps tokens at least this likely.
    epsilon_cutoff: f64,
    /// Sampling keeps tokens above a bound that falls with the entropy of the distribution.
    eta_cutoff: f64,
    /// Penalty on tokens that the answer already has; above 1 discourages them.
    repetition_penalty: f64,
    /// Reward for tokens of the source; above 1 encourages them.
    encoder_repetition_penalty: f64,
    /// Exponent of the length that divides a beam's score: above 0 favours long answers.
    length_penalty: f64,
    /// No sequence of this many tokens appears twice in an answer.
    no_repeat_ngram_size: usize,
    /// No sequence of this many tokens of the source appears in the answer.
    encoder_no_repeat_ngram_size: usize,
    /// No sequence of this many tokens of an earlier reply, and no shorter reply as a whole, appears in a reply.
    reply_no_repeat_ngram_size: usize,
    /// Sequences of tokens that never appear.
    bad_words_ids: Vec<Vec<TokenId>>,
    /// Numbers added to the score of the last token of given sequences of tokens.
    sequence_bias: Vec<(Vec<TokenId>, f64)>,
    /// Whether scores are normalised again after all the rest.
    renormalize_logits: bool,
    /// The token forced right after the start token.
    forced_bos_token_id: TokenId,
    /// The token forced where the answer reaches its most tokens.
    forced_eos_token_id: Vec<TokenId>,
    /// Whether NaN and infinite scores are replaced by finite ones.
    remove_invalid_values: bool,
    /// From a start on, the end token's score grows by a factor to the power of the tokens since.
    exponential_decay_length_penalty: (usize, f64),
    /// Tokens that never appear.
    suppress_tokens: Vec<TokenId>,
    /// Tokens that do not appear first.
    begin_suppress_tokens: Vec<TokenId>,
    /// Number of answers for each source.
    num_return_sequences: usize,
    /// The token that fills up short rows; here rows are never filled up.
    pad_token_id: TokenId,
    /// The token that a sequence begins with where there is no decoder start token.
    bos_token_id: TokenId,
    /// The token, or tokens, that end an answer.
    eos_token_id: Vec<TokenId>,
    /// The token that an answer begins with.
    decoder_start_token_id: TokenId,
    /// Makes sampling repeatable: the same seed and source give the same answer.
    seed: u64,
}

impl GenerationConfig {
    /// The name, kind and help of every option, in the order of the documentation.
    pub fn option_names() -> impl Iterator<Item = &'static OptionInfo> {
        OPTIONS.iter()
    }

    /// Takes back whatever was said of an option here, a null included: merged over another configuration, that one's value counts.
    pub fn unset(&mut self, name: &str) -> Result<(), Error> {
        let name = name.replace('-', "_");
        self.put(&name, &Value::Null, Origin::Request)?;
        let option = OPTIONS.iter().find(|option| option.name == name);
        if let Some(option) = option {
            // What a null means of its own, as `top_k` has it, goes as well.
            self.clear(option.name);
            self.cleared.retain(|&cleared| cleared != option.name);
        }
        Ok(())
    }

    /// Sets one option as a command line does: `num_beams` or `num-beams`, and a value that is JSON or a bare word;
    /// `null` (or Python's `None`) un-sets it.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let name = name.replace('-', "_");
        let word = Value::String(value.to_owned());
        // A stop string may be any word.
        let is_text = OPTIONS.iter().any(|option| option.name == name && option.kind == OptionKind::Strings);
        let small = value.to_ascii_lowercase();
        let json = match small.as_str() {
            "true" if !is_text => Value::Bool(true),
            "false" if !is_text => Value::Bool(false),
            "none" | "null" if !is_text || ["None", "null"].contains(&value) => Value::Null,
            _ => serde_json::from_str(value).unwrap_or_else(|_| word.clone()),
        };
        let mut changed = self.clone();
        match changed.put(&name, &json, Origin::Request) {
            // A stop string may look like a number.
            Err(_) if !json.is_string() && changed.put(&name, &word, Origin::Request).is_ok() => {}
            outcome => outcome?,
        }
        *self = changed;
        Ok(())
    }
}

impl serde::Serialize for GenerationConfig {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

/// As strictly as a request.
impl<'de> serde::Deserialize<'de> for GenerationConfig {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_json(&value, Origin::Request).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_struct_agree() {
        for option in GenerationConfig::option_names() {
            let sample = match option.kind {
                OptionKind::Number => "0.5",
                OptionKind::Integer | OptionKind::Token | OptionKind::Tokens => "1",
                OptionKind::Switch | OptionKind::EarlyStopping => "true",
                OptionKind::TokenLists => "[[1]]",
                OptionKind::Biases => "[[[1],0.5]]",
                OptionKind::Strings => "[\"stop\"]",
                OptionKind::Decay => "[1,1.5]",
            };
            let mut config = GenerationConfig::default();
            config.set(option.name, sample).unwrap();
            let json = config.to_json();
            assert_eq!(json.as_object().unwrap().keys().collect::<Vec<_>>(), [option.name]);
            assert_eq!(GenerationConfig::from_json(&json, Origin::Request).unwrap(), config);
            assert!(option.help.ends_with('.') && option.help.len() < 120, "{}", option.name);
        }
    }

    #[test]
    fn a_null_takes_the_other_value_away() {
        let own = GenerationConfig { eos_token_id: Some(vec![2]), num_beams: Some(3), ..Default::default() };
        let request = serde_json::json!({"eos_token_id": null});
        let merged = own.merged(&GenerationConfig::from_json(&request, Origin::Request).unwrap());
        assert_eq!((merged.eos_token_id, merged.num_beams), (None, Some(3)));
    }

    #[test]
    fn command_lines_write_values_plainly() {
        let mut config = GenerationConfig::default();
        config.set("num-beams", "4").unwrap();
        config.set("early_stopping", "never").unwrap();
        config.set("do_sample", "True").unwrap();
        config.set("stop_strings", "42").unwrap();
        config.set("eos_token_id", "-1").unwrap();
        assert_eq!(config.num_beams, Some(4));
        assert_eq!(config.early_stopping, Some(EarlyStopping::Never));
        assert_eq!(config.do_sample, Some(true));
        assert_eq!(config.stop_strings, Some(vec!["42".to_owned()]));
        assert_eq!(config.eos_token_id, Some(vec![]));
        config.set("num_beams", "null").unwrap();
        assert_eq!((config.num_beams, &config.cleared[..]), (None, &["num_beams"][..]));
        let before = config.clone();
        let message = config.set("num_beams", "four").unwrap_err().to_string();
        assert_eq!(message, "`num_beams` must be a whole number, 1 or more, but found \"four\"");
        assert_eq!(config, before);
    }
}
