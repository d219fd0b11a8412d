//! What a model reads of a conversation before it answers: the ids of the last turns in the form in which it was trained.
//!
//! A model that Papo trained on dialogue reads each turn followed by its end token, as many whole turns as its configuration allows.
//! Blenderbot reads all turns in its own format, cut at the left. Any other model reads the last turn alone.

use papo_generate::TokenId;

use crate::{ChatModel, Error};

impl ChatModel {
    /// The ids that the model reads to answer the last of these turns, oldest first.
    pub fn source_of(&self, turns: &[String]) -> Result<Vec<TokenId>, Error> {
        let Some((last, earlier)) = turns.split_last() else { return Ok(Vec::new()) };
        let tokenizer = self.tokenizer();
        let own = self.model().config().get("papo");
        if own.and_then(|own| own.get("task")).and_then(serde_json::Value::as_str) == Some("dialogue") {
            let limit = |name: &str| {
                own.and_then(|own| own.get(name))
                    .and_then(serde_json::Value::as_u64)
                    .map_or(usize::MAX, |n| n as usize)
            };
            let mut ids = self.fit(tokenizer.encode(last)?).ids;
            let room =
                limit("context_tokens").min(self.model().network().max_source_tokens().unwrap_or(usize::MAX));
            for turn in earlier.iter().rev().take(limit("context_turns").saturating_sub(1)) {
                let mut longer = tokenizer.encode(turn)?;
                if longer.len() + ids.len() > room {
                    break;
                }
                longer.append(&mut ids);
                ids = longer;
            }
            return Ok(ids);
        }
        if self.model().model_type() == "blenderbot" && self.follows_conversations() {
            let seen: Vec<String> = turns.iter().map(|turn| format!(" {turn}")).collect();
            return Ok(self.fit(tokenizer.encode(&seen.join("  "))?).ids);
        }
        Ok(self.fit(tokenizer.encode(last)?).ids)
    }
}
