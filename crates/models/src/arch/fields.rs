//! Reads fields of a `config.json`, each checked when it is read: type, range, and a default where the reference has one.
//!
//! Values count for what Python takes them for: `12.0` for a whole number, `1` and `0` for true and false, and a null that stands
//! where the reference has a switch for false, though the class's default is true.

use std::path::{Path, PathBuf};

use papo_generate::TokenId;
use serde_json::{Map, Value};

use crate::Error;

/// The largest size that a configuration may name; products of two stay far from overflow.
const LARGEST: i64 = i32::MAX as i64;

/// The fields of one configuration.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: &'a Path,
    second_names: SecondNames,
}

/// Second names of fields, each with the first: the `attribute_map` of a configuration class. The reference assigns them last.
pub(crate) type SecondNames = &'static [(&'static str, &'static str)];

impl<'a> Fields<'a> {
    pub(crate) fn new(config: &'a Value, path: &'a Path) -> Result<Self, Error> {
        match config {
            Value::Object(map) => Ok(Self { map, path, second_names: &[] }),
            other => Err(Error::NotAnObject { file: path.to_path_buf(), found: kind(other) }),
        }
    }

    pub(crate) fn refuse(&self, field: &'static str, found: String, expected: impl Into<String>) -> Error {
        Error::Field { file: PathBuf::from(self.path), field, found, expected: expected.into() }
    }

    /// The same fields, read under second names too.
    pub(crate) fn with_names(self, second_names: SecondNames) -> Self {
        Self { second_names, ..self }
    }

    /// The value of a field and the name under which it stands.
    fn get(&self, field: &'static str) -> (&'static str, Option<&'a Value>) {
        let second = self.second_names.iter().filter(|(_, first)| *first == field);
        let stated = |name: &'static str| self.map.get(name).filter(|value| !value.is_null());
        let found = second.map(|(second, _)| *second).find_map(|name| Some((name, Some(stated(name)?))));
        found.unwrap_or((field, self.map.get(field)))
    }

    /// A field of any type; `None` where it is absent or null.
    fn read<T>(
        &self,
        field: &'static str,
        expected: &str,
        take: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        match self.get(field) {
            (_, None | Some(Value::Null)) => Ok(None),
            (name, Some(value)) => {
                take(value).map(Some).ok_or_else(|| self.refuse(name, shown(value), expected))
            }
        }
    }

    /// The first number of the version that saved the checkpoint, as in 4.57.6; 0 where nothing is said.
    pub(crate) fn saved_by(&self) -> u64 {
        let version = self.map.get("transformers_version").and_then(Value::as_str).unwrap_or_default();
        version.split('.').next().and_then(|first| first.parse().ok()).unwrap_or(0)
    }

    /// The same fields, read under their own names only.
    pub(crate) fn without_names(&self) -> Fields<'a> {
        Fields { second_names: &[], ..*self }
    }

    /// A whole number from 1 on.
    pub(crate) fn size(&self, field: &'static str, default: usize) -> Result<usize, Error> {
        Ok(self.optional_size(field)?.unwrap_or(default))
    }

    /// A whole number from 1 on, or nothing.
    pub(crate) fn optional_size(&self, field: &'static str) -> Result<Option<usize>, Error> {
        let expected = format!("a whole number from 1 to {LARGEST}");
        let size = |value: &Value| whole(value).filter(|size| (1..=LARGEST).contains(size));
        Ok(self.read(field, &expected, size)?.map(|size| size as usize))
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
        let known = |&token: &TokenId| (token as usize) < vocabulary;
        let token = |value: &Value| TokenId::try_from(whole(value)?).ok().filter(known);
        match self.read(field, &expected, token)?.unwrap_or(default) {
            token if known(&token) => Ok(token),
            token => Err(self.refuse(field, token.to_string(), expected)),
        }
    }

    /// True or false; the default only where nothing stands, for null is false.
    pub(crate) fn flag(&self, field: &'static str, default: bool) -> Result<bool, Error> {
        Ok(self.optional_flag(field)?.unwrap_or(default))
    }

    /// True, false or nothing.
    pub(crate) fn optional_flag(&self, field: &'static str) -> Result<Option<bool>, Error> {
        let (name, value) = self.get(field);
        match value {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(false)),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::Number(number)) => Ok(Some(number.as_f64() != Some(0.0))),
            Some(other) => Err(self.refuse(name, shown(other), "true or false")),
        }
    }

    /// A string, or nothing.
    pub(crate) fn text(&self, field: &'static str) -> Result<Option<String>, Error> {
        self.read(field, "a string", |value| value.as_str().map(str::to_owned))
    }

    /// A number from 0 to 1, as norms add it to a variance.
    pub(crate) fn epsilon(&self, field: &'static str, default: f32) -> Result<f32, Error> {
        let expected = "a number from 0 to 1";
        let number = |value: &Value| value.as_f64().filter(|value| (0.0..=1.0).contains(value));
        Ok(self.read(field, expected, number)?.map_or(default, |value| value as f32))
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
                self.get(field).0,
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
            _ => Some(self.read("pad_token_id", token, whole)?.unwrap_or(i64::from(pad))),
        };
        let ends = match self.map.get("eos_token_id") {
            Some(Value::Null) => Vec::new(),
            Some(Value::Array(ids)) => {
                let ids = |_: &Value| ids.iter().map(whole).collect::<Option<Vec<i64>>>();
                self.read("eos_token_id", "a token id, a list of them, or null", ids)?.unwrap_or_default()
            }
            _ => vec![self.read("eos_token_id", token, whole)?.unwrap_or(i64::from(eos))],
        };
        // A negative id, as some configurations have it, is no token.
        Ok(pad.filter(|pad| !ends.contains(pad)).and_then(|pad| TokenId::try_from(pad).ok()))
    }
}

/// A whole number, also one that is written as 12.0.
fn whole(value: &Value) -> Option<i64> {
    let exact = |number: &f64| number.fract() == 0.0 && number.abs() < (1_i64 << 53) as f64;
    value.as_i64().or_else(|| value.as_f64().filter(exact).map(|number| number as i64))
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
    fn absent_fields_take_the_default_and_a_null_is_no_switch_that_is_on() {
        let config = json!({ "d_model": null, "share": null });
        let fields = Fields::new(&config, Path::new("config.json")).unwrap();
        assert_eq!(fields.size("d_model", 7).unwrap(), 7);
        assert!(fields.flag("tie_word_embeddings", true).unwrap());
        assert!(!fields.flag("share", true).unwrap());
    }

    #[test]
    fn numbers_and_switches_count_for_what_python_takes_them_for() {
        let config =
            json!({ "size": 12.0, "half": 0.5, "on": 1, "off": 0, "word": "false", "pad_token_id": 3.0 });
        let fields = Fields::new(&config, Path::new("config.json")).unwrap();
        assert_eq!(fields.size("size", 7).unwrap(), 12);
        assert!(fields.size("half", 7).is_err());
        assert!(fields.flag("on", false).unwrap() && !fields.flag("off", true).unwrap());
        assert!(fields.flag("word", true).is_err());
        assert_eq!(fields.padding(1, 2).unwrap(), Some(3));
    }

    #[test]
    fn a_second_name_is_read_and_wins() {
        let config = json!({ "hidden_size": 32, "d_model": 16, "head_dim": null, "d_kv": 4, "wide": 0 });
        let names = &[("hidden_size", "d_model"), ("head_dim", "d_kv"), ("wide", "d_ff")];
        let fields = Fields::new(&config, Path::new("config.json")).unwrap().with_names(names);
        assert_eq!((fields.size("d_model", 7).unwrap(), fields.size("d_kv", 7).unwrap()), (32, 4));
        let sentence = fields.size("d_ff", 7).unwrap_err().to_string();
        assert!(sentence.contains("the field `wide` is 0"), "{sentence}");
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
