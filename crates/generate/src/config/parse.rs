//! Reading options from JSON: a checkpoint's file, a model's `config.json` or a request, each with its own strictness.

use serde_json::Value;

use super::foreign::{self, Treatment};
use super::{GenerationConfig, OPTIONS, OptionKind};
use crate::Error;

/// Where options come from, which decides how strictly they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A `generation_config.json`. Names that the reference's decoding does not know are noted and ignored, as it does.
    Checkpoint,
    /// A `config.json` without a `generation_config.json` beside it: generation options are picked out of the model's own
    /// settings, nulls (but that of `top_k`) mean nothing, nested configurations are not looked into.
    ModelConfig,
    /// An override from a user: every name must be known.
    Request,
}

/// The reference takes a `max_length` of this many tokens in a file for "nobody chose": it allows as many new tokens.
pub(crate) const DEFAULT_MAX_LENGTH: usize = 20;

impl GenerationConfig {
    /// Reads options under the names, types and nulls that `transformers` takes.
    ///
    /// # Errors
    /// A value of a wrong type or out of range, an option that Papo does not honour (unless it is at its default), and
    /// in a request any unknown name; the message names the option.
    pub fn from_json(value: &Value, origin: Origin) -> Result<Self, Error> {
        let Value::Object(object) = value else {
            return Err(Error::NotAnObject { found: kind_of(value) });
        };
        let mut config = Self::default();
        for (name, value) in object {
            match origin {
                // Papo's own word; in a file it means something else, such as the seed of a training.
                Origin::ModelConfig | Origin::Checkpoint if name == "seed" => {}
                // Of all nulls only this one is carried over: it switches off what is on by default.
                Origin::ModelConfig if value.is_null() && name == "top_k" => config.top_k = Some(0),
                Origin::ModelConfig if value.is_null() => {}
                Origin::ModelConfig if foreign::find(name).is_none() && !is_option(name) => {}
                _ => config.put(name, value, origin)?,
            }
        }
        if origin != Origin::Request {
            config.cleared.clear();
            config.max_length = config.max_length.filter(|&length| length != DEFAULT_MAX_LENGTH);
        }
        Ok(config)
    }

    /// Sets, clears, passes over or refuses one option.
    pub(super) fn put(&mut self, name: &str, value: &Value, origin: Origin) -> Result<(), Error> {
        let Some(option) = OPTIONS.iter().find(|option| option.name == name) else {
            return self.put_foreign(name, value, origin);
        };
        if value.is_null() {
            self.clear(option.name);
            // Unset it would be 50; null switches it off.
            if option.name == "top_k" {
                self.top_k = Some(0);
            }
            return Ok(());
        }
        // A checkpoint may say "no such token" by a negative id.
        if matches!(name, "pad_token_id" | "bos_token_id") && value.as_f64().is_some_and(|id| id < 0.0) {
            self.clear(option.name);
            return Ok(());
        }
        let in_range = |expected: &str| Error::Value {
            name: name.to_owned(),
            expected: expected.to_owned(),
            found: short(value),
        };
        let expected = range(name).map_or(option.kind.expected(), |range| range.expected);
        self.assign(name, value).ok_or_else(|| in_range(expected))?;
        match range(name) {
            // The reference reads ranges of sampling options only when it samples; so does `check`.
            Some(_) if origin != Origin::Request && is_for_sampling(name) => Ok(()),
            Some(range) if !value.as_f64().is_some_and(range.holds) => Err(in_range(expected)),
            _ if option.kind == OptionKind::Decay
                && !self.exponential_decay_length_penalty.is_some_and(|(_, x)| x > 0.0) =>
            {
                Err(in_range("a list of a start and a factor above 0 such as [15, 1.6]"))
            }
            _ => Ok(()),
        }
    }

    fn put_foreign(&mut self, name: &str, value: &Value, origin: Origin) -> Result<(), Error> {
        if foreign::is_argument(name) && origin != Origin::ModelConfig {
            return Err(Error::Unsupported {
                name: name.to_owned(),
                what: "an argument of a call in Python, not an option",
                default: "nothing".to_owned(),
            });
        }
        let Some(foreign) = foreign::find(name) else {
            if origin == Origin::Request {
                return Err(Error::Unknown { name: name.to_owned(), suggestion: suggestion(name) });
            }
            self.ignored.push(name.to_owned());
            return Ok(());
        };
        let harmless = foreign.harmless();
        let refused = match foreign.treatment {
            Treatment::Ignore => false,
            Treatment::FileOnly => origin == Origin::Request && !harmless.contains(value),
            Treatment::Refuse => !value.is_null() && !harmless.contains(value),
        };
        if refused {
            let default = harmless[0].to_string();
            return Err(Error::Unsupported { name: name.to_owned(), what: foreign.what, default });
        }
        Ok(())
    }
}

impl GenerationConfig {
    /// Checks every option's range, of the sampling ones only where there is sampling.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let mut scratch = Self::default();
        for (name, value) in self.to_json().as_object().into_iter().flatten() {
            if is_for_sampling(name) && self.do_sample != Some(true) {
                continue;
            }
            if value.is_null() && !self.cleared.contains(&name.as_str()) {
                let expected = "a finite number".to_owned();
                return Err(Error::Value {
                    name: name.clone(),
                    expected,
                    found: "NaN or an infinity".to_owned(),
                });
            }
            scratch.put(name, value, Origin::Request)?;
        }
        Ok(())
    }
}

/// Whether the option says something only when tokens are drawn by chance.
pub(crate) fn is_for_sampling(name: &str) -> bool {
    const NAMES: [&str; 7] =
        ["temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff"];
    NAMES.contains(&name)
}

/// The numbers that an option takes.
struct Range {
    expected: &'static str,
    holds: fn(f64) -> bool,
}

fn range(name: &str) -> Option<Range> {
    let (expected, holds): (_, fn(f64) -> bool) = match name {
        "num_beams" | "num_return_sequences" | "max_new_tokens" | "max_length" => {
            ("a whole number, 1 or more", |x| x >= 1.0)
        }
        "temperature" => {
            ("a number above 0 (for the likeliest token each time, set do_sample to false instead)", |x| {
                x > 0.0
            })
        }
        "top_p" => ("a number from 0 to 1", |x| (0.0..=1.0).contains(&x)),
        "min_p" => ("a number from 0 to 1", |x| (0.0..=1.0).contains(&x)),
        "typical_p" => ("a number above 0 and up to 1", |x| x > 0.0 && x <= 1.0),
        "epsilon_cutoff" | "eta_cutoff" => ("a number from 0 and below 1", |x| (0.0..1.0).contains(&x)),
        "repetition_penalty" | "encoder_repetition_penalty" => ("a number above 0", |x| x > 0.0),
        "max_time" => ("a number of seconds, 0 or more", |x| x >= 0.0),
        _ => return None,
    };
    Some(Range { expected, holds })
}

fn is_option(name: &str) -> bool {
    OPTIONS.iter().any(|option| option.name == name)
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a switch",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The value as JSON, cut where a message would grow too long.
fn short(value: &Value) -> String {
    let json = value.to_string();
    match json.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &json[..end]),
        None => json,
    }
}

/// ` (did you mean `…`?)` where a known option differs by a letter or two.
fn suggestion(name: &str) -> String {
    let nearest = OPTIONS.iter().map(|option| (distance(name, option.name), option.name)).min();
    match nearest {
        Some((edits, option)) if edits <= 2 => format!(" (did you mean `{option}`?)"),
        _ => String::new(),
    }
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.chars().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.chars().count()]
}
