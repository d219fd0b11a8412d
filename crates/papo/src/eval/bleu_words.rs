//! What BLEU takes for a word: sacreBLEU's tokenizers, by its names.
//!
//! Each is a row of replacements over the whole line, whose order and left-to-right matching are part of the definition: `13a` is NIST's
//! mteval-v13a script, `intl` its successor for all languages.

use std::sync::LazyLock;

use regex::Regex;

/// How a line is cut into words before n-grams are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BleuWords {
    /// `13a`: ASCII punctuation stands apart, but for marks inside numbers. The usual one.
    #[default]
    V13a,
    /// `intl`: punctuation and symbols of all scripts stand apart.
    International,
    /// `char`: each character is a word.
    Characters,
    /// `none`: white space separates words.
    AsIs,
}

impl BleuWords {
    /// The name in sacreBLEU.
    pub fn name(self) -> &'static str {
        match self {
            BleuWords::V13a => "13a",
            BleuWords::International => "intl",
            BleuWords::Characters => "char",
            BleuWords::AsIs => "none",
        }
    }

    /// The tokenizer with this name in sacreBLEU.
    pub fn from_name(name: &str) -> Option<BleuWords> {
        [BleuWords::V13a, BleuWords::International, BleuWords::Characters, BleuWords::AsIs]
            .into_iter()
            .find(|words| words.name() == name)
    }

    /// The line with white space between its words.
    pub(super) fn separated(self, line: &str) -> String {
        match self {
            BleuWords::V13a => v13a(line),
            BleuWords::International => replaced(line.to_owned(), &INTERNATIONAL),
            BleuWords::Characters => line.chars().flat_map(|letter| [letter, ' ']).collect(),
            BleuWords::AsIs => line.to_owned(),
        }
    }
}

type Replacements = LazyLock<Vec<(Regex, &'static str)>>;

static V13A: Replacements = LazyLock::new(|| {
    compiled(&[
        (r"([\{-~\[-` -\&\(-\+:-@/])", " ${1} "),
        // A full stop or comma stands apart unless a digit is before it, and unless one is behind it.
        (r"([^0-9])([.,])", "${1} ${2} "),
        (r"([.,])([^0-9])", " ${1} ${2}"),
        // A hyphen stands apart behind a digit.
        (r"([0-9])(-)", "${1} ${2} "),
    ])
});

static INTERNATIONAL: Replacements = LazyLock::new(|| {
    compiled(&[(r"(\P{N})(\p{P})", "${1} ${2} "), (r"(\p{P})(\P{N})", " ${1} ${2}"), (r"(\p{S})", " ${1} ")])
});

fn compiled(rows: &[(&str, &'static str)]) -> Vec<(Regex, &'static str)> {
    rows.iter().map(|(pattern, by)| (Regex::new(pattern).expect("a pattern of this file"), *by)).collect()
}

fn replaced(line: String, rows: &[(Regex, &str)]) -> String {
    rows.iter().fold(line, |line, (pattern, by)| pattern.replace_all(&line, *by).into_owned())
}

fn v13a(line: &str) -> String {
    let mut line = line.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    if line.contains('&') {
        for (entity, letter) in [("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")] {
            line = line.replace(entity, letter);
        }
    }
    replaced(format!(" {line} "), &V13A)
}
