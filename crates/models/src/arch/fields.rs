//! Reads fields of a `config.json`, each checked when it is read: type, range, and a default where the reference has one.

use std::path::{Path, PathBuf};

use papo_generate::TokenId;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Error;

/// The largest size that a configuration may name; products of two stay far from overflow.
const LARGEST: u64 = i32::MAX as u64;

/// The fields of one configuration.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: &'a Path,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(config: &'a Value, path: &'a Path) -> Result<Self, Error> {
        match config {
            Value::Object(map) => Ok(Self { map, path }),
            other => Err(Error::NotAnObject { file: path.to_path_buf(), found: kind(other) }),
        }
    }

    pub(crate) fn refuse(&self, field: &'static str, found: String, expected: impl Into<String>) -> Error {
        Error::Field { file: PathBuf::from(self.path), field, found, expected: expected.into() }
    }

    /// A field of any type; `None` where it is absent or null.
    fn read<T: DeserializeOwned>(&self, field: &'static str, expected: &str) -> Result<Option<T>, Error> {
        match self.map.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                T::deserialize(value).map(Some).map_err(|_| self.refuse(field, shown(value), expected))
            }
        }
    }

    /// A whole number from 1 on.
    pub(crate) fn size(&self, field: &'static str, default: usize) -> Result<usize, Error> {
        Ok(self.optional_size(field)?.unwrap_or(default))
    }

    /// A whole number from 1 on, or nothing.
    pub(crate) fn optional_size(&self, field: &'static str) -> Result<Option<usize>, Error> {
        let expected = format!("a whole number from 1 to {LARGEST}");
        match self.read::<u64>(field, &expected)? {
            None => Ok(None),
            Some(size) if (1..=LARGEST).contains(&size) => Ok(Some(size as usize)),
            Some(size) => Err(self.refuse(field, size.to_string(), expected)),
        }
    }

    /// A whole number from 1 on that has no default.
    pub(crate) fn required_size(&self, field: &'static str) -> Result<usize, Error> {
        match self.optional_size(field)? {
            Some(size) => Ok(size),
            None => Err(self.refuse(field, "missing".into(), format!("a whole number from 1 to {LARGEST}"))),
        }
    }

    /// A token of a vocabulary of this size.
    pub(crate) fn token(
        &self,
        field: &'static str,
        default: TokenId,
        vocabulary: usize,
    ) -> Result<TokenId, Error> {
        let expected = format!("a token id below {vocabulary}, the size of the vocabulary");
        let token = self.read::<u64>(field, &expected)?.unwrap_or(u64::from(default));
        match TokenId::try_from(token) {
            Ok(token) if (token as usize) < vocabulary => Ok(token),
            _ => Err(self.refuse(field, token.to_string(), expected)),
        }
    }

    /// True or false.
    pub(crate) fn flag(&self, field: &'static str, default: bool) -> Result<bool, Error> {
        Ok(self.optional_flag(field)?.unwrap_or(default))
    }

    /// True, false or nothing.
    pub(crate) fn optional_flag(&self, field: &'static str) -> Result<Option<bool>, Error> {
        self.read(field, "true or false")
    }

    /// A string, or nothing.
    pub(crate) fn text(&self, field: &'static str) -> Result<Option<String>, Error> {
        self.read(field, "a string")
    }

    /// A number from 0 to 1, as norms add it to a variance.
    pub(crate) fn epsilon(&self, field: &'static str, default: f32) -> Result<f32, Error> {
        let expected = "a number from 0 to 1";
        match self.read::<f64>(field, expected)? {
            None => Ok(default),
            Some(value) if (0.0..=1.0).contains(&value) => Ok(value as f32),
            Some(value) => Err(self.refuse(field, value.to_string(), expected)),
        }
    }

    /// Heads as wide together as `d_model`.
    pub(crate) fn heads(
        &self,
        field: &'static str,
        default: usize,
        d_model: usize,
    ) -> Result<papo_kernels::Heads, Error> {
        let count = self.size(field, default)?;
        if !d_model.is_multiple_of(count) {
            return Err(self.refuse(
                field,
                count.to_string(),
                format!("a divisor of `d_model`, which is {d_model}"),
            ));
        }
        Ok(papo_kernels::Heads { count, size: d_model / count })
    }

    /// The token that is masked in sources: `pad_token_id`, unless it also ends sequences, for then the reference
    /// cannot tell padding from text and masks nothing.
    pub(crate) fn padding(&self, pad: TokenId, eos: TokenId) -> Result<Option<TokenId>, Error> {
        let token = "a token id, or null";
        let pad = match self.map.get("pad_token_id") {
            Some(Value::Null) => None,
            _ => Some(self.read::<i64>("pad_token_id", token)?.unwrap_or(i64::from(pad))),
        };
        let ends = match self.map.get("eos_token_id") {
            Some(Value::Null) => Vec::new(),
            Some(Value::Array(_)) => {
                self.read("eos_token_id", "a token id, a list of them, or null")?.unwrap_or_default()
            }
            _ => vec![self.read::<i64>("eos_token_id", token)?.unwrap_or(i64::from(eos))],
        };
        // A negative id, as some configurations have it, is no token.
        Ok(pad.filter(|pad| !ends.contains(pad)).and_then(|pad| TokenId::try_from(pad).ok()))
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A value for an error message, cut where it is long.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => kind(value).to_owned(),
        Value::String(text) if text.chars().count() > 40 => {
            format!("\"{}…\"", text.chars().take(40).collect::<String>())
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sentence<T: std::fmt::Debug>(config: Value, read: impl Fn(&Fields<'_>) -> Result<T, Error>) -> String {
        read(&Fields::new(&config, Path::new("config.json")).unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn sizes_are_whole_and_within_reason() {
        for size in [json!(0), json!(-1), json!(1.5), json!("8"), json!(1_000_000_000_000_u64), json!([8])] {
            let sentence = sentence(json!({ "d_model": size }), |fields| fields.size("d_model", 8));
            assert!(sentence.starts_with("config.json: the field `d_model` is"), "{sentence}");
            assert!(sentence.ends_with("from 1 to 2147483647."), "{sentence}");
        }
    }

    #[test]
    fn absent_and_null_fields_take_the_default() {
        let config = json!({ "d_model": null });
        let fields = Fields::new(&config, Path::new("config.json")).unwrap();
        assert_eq!(fields.size("d_model", 7).unwrap(), 7);
        assert!(fields.flag("tie_word_embeddings", true).unwrap());
    }

    #[test]
    fn heads_divide_the_width() {
        let sentence = sentence(json!({ "heads": 5 }), |fields| fields.heads("heads", 1, 32));
        assert!(sentence.contains("divisor of `d_model`, which is 32"), "{sentence}");
    }

    #[test]
    fn padding_that_ends_sequences_masks_nothing() {
        let padding = |config: Value| Fields::new(&config, Path::new("c")).unwrap().padding(1, 2).unwrap();
        assert_eq!(padding(json!({})), Some(1));
        assert_eq!(padding(json!({ "pad_token_id": 2 })), None);
        assert_eq!(padding(json!({ "pad_token_id": 4, "eos_token_id": [3, 4] })), None);
        assert_eq!(padding(json!({ "pad_token_id": null })), None);
        assert_eq!(padding(json!({ "pad_token_id": -1 })), None);
        assert_eq!(padding(json!({ "pad_token_id": 2, "eos_token_id": null })), Some(2));
    }
}
