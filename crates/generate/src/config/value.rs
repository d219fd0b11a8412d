//! How the value of an option is read from JSON and written back: one small trait, one impl a type.

use serde_json::Value;

use crate::TokenId;

/// When a beam search with enough finished beams stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlyStopping {
    /// `false`: as soon as the best running beam, at its present length, cannot beat the worst finished one.
    Heuristic,
    /// `true`: as soon as there are as many finished beams as beams.
    First,
    /// `"never"`: only when no running beam can beat the worst finished one at any length.
    Never,
}

/// The kind of value that an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// A whole number, 0 or more.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Switch,
    /// `true`, `false` or `"never"`.
    EarlyStopping,
    /// A token id.
    Token,
    /// A token id or a list of them.
    Tokens,
    /// A list of lists of token ids.
    TokenLists,
    /// A list of `[[ids…], bias]`.
    Biases,
    /// A string or a list of them.
    Strings,
    /// `[start, factor]`.
    Decay,
}

impl OptionKind {
    /// How a value is written on a command line, as in `N`.
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::Integer => "N",
            Self::Number => "X",
            Self::Switch => "true|false",
            Self::EarlyStopping => "true|false|never",
            Self::Token => "ID",
            Self::Tokens => "ID|[IDS]",
            Self::TokenLists => "[[IDS]]",
            Self::Biases => "[[[IDS], X]]",
            Self::Strings => "TEXT|[TEXTS]",
            Self::Decay => "[N, X]",
        }
    }

    /// What an error message says was expected.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Integer => "a whole number, 0 or more",
            Self::Number => "a number",
            Self::Switch => "true or false",
            Self::EarlyStopping => "true, false or \"never\"",
            Self::Token => "a token id (a whole number, 0 or more)",
            Self::Tokens => "a token id or a list of token ids",
            Self::TokenLists => "a list of lists of token ids such as [[5], [7, 8]], none of them empty",
            Self::Biases => "a list of sequences and their biases such as [[[5], -2.0], [[7, 8], 1.5]]",
            Self::Strings => "a string or a list of strings, none of them empty",
            Self::Decay => "a list of a start and a factor such as [15, 1.6]",
        }
    }
}

/// A whole number, also one that is written as 12.0.
fn whole(value: &Value) -> Option<i64> {
    let exact = |number: &f64| number.fract() == 0.0 && number.abs() < (1_i64 << 53) as f64;
    value.as_i64().or_else(|| value.as_f64().filter(exact).map(|number| number as i64))
}

/// A type that an option's value can have.
pub(crate) trait OptionValue: Sized {
    const KIND: OptionKind;
    /// Reads the value, or nothing if it is of another type.
    fn read(value: &Value) -> Option<Self>;
    fn write(&self) -> Value;
}

impl OptionValue for usize {
    const KIND: OptionKind = OptionKind::Integer;
    fn read(value: &Value) -> Option<Self> {
        usize::try_from(whole(value)?).ok()
    }
    fn write(&self) -> Value {
        (*self).into()
    }
}

impl OptionValue for u64 {
    const KIND: OptionKind = OptionKind::Integer;
    fn read(value: &Value) -> Option<Self> {
        value.as_u64()
    }
    fn write(&self) -> Value {
        (*self).into()
    }
}

impl OptionValue for f64 {
    const KIND: OptionKind = OptionKind::Number;
    fn read(value: &Value) -> Option<Self> {
        value.as_f64().filter(|x| x.is_finite())
    }
    fn write(&self) -> Value {
        (*self).into()
    }
}

impl OptionValue for bool {
    const KIND: OptionKind = OptionKind::Switch;
    fn read(value: &Value) -> Option<Self> {
        value.as_bool()
    }
    fn write(&self) -> Value {
        (*self).into()
    }
}

impl OptionValue for EarlyStopping {
    const KIND: OptionKind = OptionKind::EarlyStopping;
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(true) => Some(Self::First),
            Value::Bool(false) => Some(Self::Heuristic),
            Value::String(word) if word == "never" => Some(Self::Never),
            _ => None,
        }
    }
    fn write(&self) -> Value {
        match self {
            Self::Heuristic => false.into(),
            Self::First => true.into(),
            Self::Never => "never".into(),
        }
    }
}

impl OptionValue for TokenId {
    const KIND: OptionKind = OptionKind::Token;
    fn read(value: &Value) -> Option<Self> {
        match value {
            // A list of one is what some files hold for a single decoder start.
            Value::Array(list) if list.len() == 1 => Self::read(&list[0]),
            _ => TokenId::try_from(whole(value)?).ok(),
        }
    }
    fn write(&self) -> Value {
        (*self).into()
    }
}

impl OptionValue for Vec<TokenId> {
    const KIND: OptionKind = OptionKind::Tokens;
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Array(list) => list.iter().filter_map(known_token).collect(),
            single => known_token(single).into_iter().collect(),
        }
    }
    fn write(&self) -> Value {
        match self[..] {
            [single] => single.into(),
            _ => self.clone().into(),
        }
    }
}

/// A token of a set: the outer nothing is "no token can be this" (a negative id, as in the habit of switching the end
/// token off with -1), the inner one a value of another type.
fn known_token(value: &Value) -> Option<Option<TokenId>> {
    match whole(value) {
        Some(id) if id < 0 => None,
        Some(id) => Some(TokenId::try_from(id).ok()),
        None => Some(None),
    }
}

impl OptionValue for Vec<Vec<TokenId>> {
    const KIND: OptionKind = OptionKind::TokenLists;
    fn read(value: &Value) -> Option<Self> {
        let lists = value.as_array().filter(|lists| !lists.is_empty())?;
        lists.iter().map(sequence).collect()
    }
    fn write(&self) -> Value {
        self.clone().into()
    }
}

impl OptionValue for Vec<(Vec<TokenId>, f64)> {
    const KIND: OptionKind = OptionKind::Biases;
    fn read(value: &Value) -> Option<Self> {
        let pairs = value.as_array().filter(|pairs| !pairs.is_empty())?;
        let pair = |pair: &Value| match &pair.as_array()?[..] {
            [tokens, bias] => Some((sequence(tokens)?, f64::read(bias)?)),
            _ => None,
        };
        pairs.iter().map(pair).collect()
    }
    fn write(&self) -> Value {
        self.iter().map(|(tokens, bias)| serde_json::json!([tokens, bias])).collect()
    }
}

/// A sequence of at least one token.
fn sequence(value: &Value) -> Option<Vec<TokenId>> {
    let tokens = value.as_array().filter(|tokens| !tokens.is_empty())?;
    tokens.iter().map(|token| TokenId::try_from(whole(token)?).ok()).collect()
}

impl OptionValue for Vec<String> {
    const KIND: OptionKind = OptionKind::Strings;
    fn read(value: &Value) -> Option<Self> {
        let string = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        match value {
            Value::Array(list) => list.iter().map(string).collect(),
            single => Some(vec![string(single)?]),
        }
    }
    fn write(&self) -> Value {
        self.clone().into()
    }
}

impl OptionValue for (usize, f64) {
    const KIND: OptionKind = OptionKind::Decay;
    fn read(value: &Value) -> Option<Self> {
        match &value.as_array()?[..] {
            [start, factor] => Some((usize::read(start)?, f64::read(factor)?)),
            _ => None,
        }
    }
    fn write(&self) -> Value {
        serde_json::json!([self.0, self.1])
    }
}
