//! The JSON Lines of `papo generate`: what an input line may say, and what an output line looks like.
//!
//! ```text
//! in   {"text": "…"} | {"texts": […]} | {"input_ids": […]} | {"input_ids": [[…], …]}   + "id", "generation_config"
//! out  {"id": …, "sequences": [[…], …], "texts": […], "scores": […] or null, "new_tokens": n}
//!      + "truncated": {"kept": "end", "dropped": n} where the text did not fit; a list of it and null for "texts"
//!      {"id": …, "error": "…"}
//! ```
//!
//! Pure functions from text to values, so that every odd line has a small test here. An `id` is kept as the very bytes
//! that came in: whatever JSON it is, large numbers included, it goes out unchanged.

use std::collections::BTreeMap;

use papo::TokenId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::truncated::Truncated;

/// The caller's mark on a line; absent is written as `null`.
pub type Id = Option<Box<RawValue>>;

/// One thing to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Text, still to be tokenized.
    Text(String),
    /// Ids as the model takes them, special tokens included; never empty.
    Ids(Vec<TokenId>),
}

/// A line that makes sense.
#[derive(Debug)]
pub struct Job {
    /// Echoed in the answer.
    pub id: Id,
    /// At least one.
    pub sources: Vec<Source>,
    /// The line's own generation options, an object, if it has any.
    pub overrides: Option<Value>,
}

/// A line that does not, and why; the sentence names the field.
#[derive(Debug, Serialize)]
pub struct Refusal {
    /// The line's id, if so much could be read.
    pub id: Id,
    /// What is wrong and what to do.
    pub error: String,
}

/// The answer to a line.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// As it came.
    pub id: Id,
    /// Token ids as the reference returns them: decoder start first, special tokens kept, padding removed.
    pub sequences: Vec<Vec<TokenId>>,
    /// The same without special tokens, as text; `None` for a model that has no tokenizer.
    pub texts: Option<Vec<String>>,
    /// Scores of the sequences where beams were searched.
    pub scores: Option<Vec<f32>>,
    /// Tokens made, over all sequences of the line.
    pub new_tokens: usize,
    /// What of the line's texts the model could not read, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<Truncations>,
}

/// What was left out of the texts of a line.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Truncations {
    /// Of the only text.
    One(Truncated),
    /// Of each text, in order.
    Many(Vec<Option<Truncated>>),
}

impl Truncations {
    /// What there is to say of texts of which so many tokens each were left out.
    pub fn of(dropped: &[usize]) -> Option<Truncations> {
        match dropped {
            [only] => Truncated::of(*only).map(Truncations::One),
            many if many.iter().all(|&dropped| dropped == 0) => None,
            many => Some(Truncations::Many(many.iter().map(|&dropped| Truncated::of(dropped)).collect())),
        }
    }
}

/// Reads one line; blank ones are the caller's to skip.
pub fn parse(line: &str) -> Result<Job, Refusal> {
    let mut fields: BTreeMap<String, &RawValue> = serde_json::from_str(line).map_err(|error| Refusal {
        id: None,
        error: format!(
            "the line is not a JSON object ({error}); write one such as {{\"text\": \"Hello\"}} on a line of its own"
        ),
    })?;
    let id = fields.remove("id").map(ToOwned::to_owned);
    match read_fields(fields) {
        Ok((sources, overrides)) => Ok(Job { id, sources, overrides }),
        Err(error) => Err(Refusal { id, error }),
    }
}

fn read_fields(mut fields: BTreeMap<String, &RawValue>) -> Result<(Vec<Source>, Option<Value>), String> {
    // As everywhere in generation configs, null means "not given".
    fields.retain(|_, value| value.get() != "null");
    let overrides = fields.remove("generation_config").map(read_overrides).transpose()?;
    let text = fields.remove("text");
    let texts = fields.remove("texts");
    let ids = fields.remove("input_ids");
    if let Some(name) = fields.keys().next() {
        return Err(format!(
            "a line has no field \"{name}\"; it may have \"text\", \"texts\" or \"input_ids\", \"id\", and generation \
             options inside \"generation_config\""
        ));
    }
    let sources = match (text, texts, ids) {
        (Some(text), None, None) => vec![Source::Text(field("text", "a string", text)?)],
        (None, Some(texts), None) => {
            let texts: Vec<String> = field("texts", "a list of strings", texts)?;
            texts.into_iter().map(Source::Text).collect()
        }
        (None, None, Some(ids)) => read_ids(ids)?,
        (None, None, None) => {
            return Err("the line has nothing to answer; give it \"text\", \"texts\" or \"input_ids\"".into());
        }
        _ => {
            return Err(
                "the line has more than one of \"text\", \"texts\" and \"input_ids\"; give it just one"
                    .into(),
            );
        }
    };
    if sources.is_empty() {
        return Err("the line's list is empty; give at least one text or one list of ids".into());
    }
    Ok((sources, overrides))
}

fn read_overrides(value: &RawValue) -> Result<Value, String> {
    let value: Value = field("generation_config", "an object of generation options", value)?;
    if !value.is_object() {
        return Err("\"generation_config\" must be an object such as {\"num_beams\": 4}".into());
    }
    Ok(value)
}

fn read_ids(value: &RawValue) -> Result<Vec<Source>, String> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Ids {
        One(Vec<TokenId>),
        Many(Vec<Vec<TokenId>>),
    }
    let rows = match field("input_ids", "a list of token ids, or a list of such lists", value)? {
        Ids::One(row) => vec![row],
        Ids::Many(rows) => rows,
    };
    if let Some(row) = rows.iter().position(Vec::is_empty) {
        return Err(format!("\"input_ids\" has no id in row {}; a model reads at least one token", row + 1));
    }
    Ok(rows.into_iter().map(Source::Ids).collect())
}

fn field<T: DeserializeOwned>(name: &str, expected: &str, value: &RawValue) -> Result<T, String> {
    serde_json::from_str(value.get()).map_err(|_| {
        let found: String = value.get().chars().take(40).collect();
        let dots = if found.len() < value.get().len() { " …" } else { "" };
        format!("\"{name}\" must be {expected}, and is {found}{dots}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> Refusal {
        parse(line).expect_err(line)
    }

    #[test]
    fn the_four_ways_to_ask() {
        let text = |text: &str| Source::Text(text.into());
        assert_eq!(parse(r#"{"text":"Hi"}"#).unwrap().sources, [text("Hi")]);
        assert_eq!(parse(r#"{"texts":["a",""]}"#).unwrap().sources, [text("a"), text("")]);
        assert_eq!(parse(r#"{"input_ids":[1,2]}"#).unwrap().sources, [Source::Ids(vec![1, 2])]);
        let two = [Source::Ids(vec![1]), Source::Ids(vec![2, 3])];
        assert_eq!(parse(r#"{"input_ids":[[1],[2,3]]}"#).unwrap().sources, two);
    }

    #[test]
    fn an_id_of_any_type_comes_back_as_it_was_written() {
        for id in
            ["7", "\"a\\u00e9\"", "null", "[1, {\"x\": 2}]", "123456789012345678901234567890", "1.50", "true"]
        {
            let job = parse(&format!(r#"{{"text": "Hi", "id": {id}}}"#)).unwrap();
            let answer = Answer {
                id: job.id,
                sequences: vec![vec![2]],
                texts: None,
                scores: Some(vec![-0.25]),
                new_tokens: 0,
                truncated: None,
            };
            assert_eq!(
                serde_json::to_string(&answer).unwrap(),
                format!(r#"{{"id":{id},"sequences":[[2]],"texts":null,"scores":[-0.25],"new_tokens":0}}"#)
            );
        }
        assert!(parse(r#"{"text": "Hi"}"#).unwrap().id.is_none());
    }

    #[test]
    fn what_was_left_out_is_told_for_the_text_that_it_was_left_out_of() {
        let told = |dropped: &[usize]| serde_json::to_value(Truncations::of(dropped)).unwrap();
        assert_eq!(told(&[0]), Value::Null);
        assert_eq!(told(&[7]), serde_json::json!({"kept": "end", "dropped": 7}));
        assert_eq!(told(&[0, 0]), Value::Null);
        assert_eq!(told(&[0, 7]), serde_json::json!([null, {"kept": "end", "dropped": 7}]));
    }

    #[test]
    fn a_bad_line_keeps_its_id_and_names_the_field() {
        let cases = [
            (r#"{"id":1}"#, "nothing to answer"),
            (r#"{"id":1,"text":null}"#, "nothing to answer"),
            (r#"{"id":1,"text":5}"#, "\"text\""),
            (r#"{"id":1,"text":"a","texts":["b"]}"#, "just one"),
            (r#"{"id":1,"texts":[]}"#, "empty"),
            (r#"{"id":1,"texts":["a",2]}"#, "\"texts\""),
            (r#"{"id":1,"input_ids":[]}"#, "row 1"),
            (r#"{"id":1,"input_ids":[[3],[]]}"#, "row 2"),
            (r#"{"id":1,"input_ids":[-1]}"#, "\"input_ids\""),
            (r#"{"id":1,"input_ids":[1.5]}"#, "\"input_ids\""),
            (r#"{"id":1,"input_ids":[[1],2]}"#, "\"input_ids\""),
            (r#"{"id":1,"text":"a","num_beams":4}"#, "\"num_beams\""),
            (r#"{"id":1,"text":"a","generation_config":[]}"#, "\"generation_config\""),
        ];
        for (line, named) in cases {
            let refusal = refused(line);
            assert_eq!(refusal.id.unwrap().get(), "1", "{line}");
            assert!(refusal.error.contains(named), "{line}: {}", refusal.error);
        }
    }

    #[test]
    fn what_is_no_json_object_is_refused_and_never_a_crash() {
        let deep = "[".repeat(100_000);
        let nested = format!(r#"{{"text":{deep}"#);
        for line in [
            "{",
            "[1]",
            "3",
            "null",
            r#"{"text":"a"} x"#,
            "\u{feff}{}",
            r#"{"text":"\ud800"}"#,
            &deep,
            &nested,
        ] {
            assert!(refused(line).error.len() < 400);
        }
    }

    #[test]
    fn options_come_through_as_they_were_given() {
        let job =
            parse(r#"{"text":"a","generation_config":{"early_stopping":"never","num_beams":null}}"#).unwrap();
        assert_eq!(job.overrides.unwrap(), serde_json::json!({"early_stopping": "never", "num_beams": null}));
        assert!(parse(r#"{"text":"a","generation_config":null}"#).unwrap().overrides.is_none());
    }
}
