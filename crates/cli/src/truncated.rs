//! What is said of a text that is longer than what the model can read, in JSON and in words.

use std::fmt;

use serde::Serialize;

/// The part of a text that was left out: `{"kept": "end", "dropped": 7}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Truncated {
    /// Always the end: what was said last.
    kept: &'static str,
    /// Tokens that the model did not read.
    dropped: usize,
}

impl Truncated {
    /// What there is to say of a text of which so many tokens were left out; nothing of one that fits.
    pub fn of(dropped: usize) -> Option<Truncated> {
        (dropped > 0).then_some(Truncated { kept: "end", dropped })
    }
}

impl fmt::Display for Truncated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a text is {} tokens longer than what the model can read; it sees only the end",
            self.dropped
        )
    }
}
