//! Strings that end an answer, sought in what the tokens spell (the reference's `StopStringCriteria`).
//!
//! Each token counts for the bytes that it adds to a text that has begun: spaces are not cleaned up, special tokens are spelled as they are
//! written, the first word has its space, and none is invented. A string is found when the token that completes it is chosen; it may begin in
//! any token before, the start token included, and the token that completes it may go on.

use papo_generate::TokenId;

use super::Tokenizer;

impl Tokenizer {
    /// Tells whether the last of these tokens completes one of the strings. The empty string is complete at once.
    pub fn ends_in_any(&self, tokens: &[TokenId], strings: &[String]) -> bool {
        let Some((last, before)) = tokens.split_last() else { return false };
        let Some(mut spelled) = self.backend.sought(*last) else {
            return strings.iter().any(String::is_empty);
        };
        let longest = strings.iter().map(String::len).max().unwrap_or(0);
        let new = spelled.len();
        for &token in before.iter().rev() {
            if spelled.len() >= new + longest {
                break;
            }
            // What has no token spells nothing that a string could go over.
            let Some(mut longer) = self.backend.sought(token) else { break };
            longer.append(&mut spelled);
            spelled = longer;
        }
        let first_end = spelled.len() - new;
        strings.iter().any(|string| {
            let string = string.as_bytes();
            string.is_empty()
                || spelled
                    .windows(string.len())
                    .enumerate()
                    .any(|(at, part)| at + string.len() > first_end && part == string)
        })
    }
}
