//! What a model reads of a conversation before it answers: the ids of the last turns in the form in which it was trained.
//!
//! * A model that Papo trained on dialogue reads turns with an end token behind each, as many whole turns as its configuration
//!   allows (`context_turns`, `context_tokens`).
//! * Blenderbot reads its own format: each turn of the user with a space before it, each reply as decoded (it begins with a
//!   space), joined by two spaces, of the ids the last as many as there are positions, so that the closing `</s>` stays.
//! * Any other model reads the last turn alone, as in the course; made to remember, it is shown Blenderbot's format.

use papo_generate::TokenId;

use crate::network::Task;
use crate::{ChatModel, Error, Turn};

/// What a model reads, and what of the conversation it does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The ids.
    pub ids: Vec<TokenId>,
    /// Earlier turns of which the model sees the end at most.
    pub dropped_turns: usize,
    /// Ids cut from the beginning of the last turn because there are more than the model can read.
    pub cut: usize,
}

impl ChatModel {
    /// What the model reads to answer the last of these turns, oldest first, if it is shown the earlier ones.
    pub fn reading(&self, turns: &[Turn]) -> Result<Reading, Error> {
        match turns {
            [] => Ok(Reading::default()),
            _ if self.model().training().task == Some(Task::Dialogue) => self.whole_turns(turns),
            [only] => self.one_turn(only),
            _ => self.joined_turns(turns),
        }
    }

    /// The turn alone.
    pub(crate) fn one_turn(&self, turn: &Turn) -> Result<Reading, Error> {
        let fitted = self.fit(self.tokenizer().encode(&turn.text)?);
        Ok(Reading { ids: fitted.ids, dropped_turns: 0, cut: fitted.cut })
    }

    /// As many whole turns as fit, each with its end token.
    fn whole_turns(&self, turns: &[Turn]) -> Result<Reading, Error> {
        let Some((last, earlier)) = turns.split_last() else { return Ok(Reading::default()) };
        let training = self.model().training();
        let room =
            training.context_tokens.min(self.model().network().max_source_tokens().unwrap_or(usize::MAX));
        let mut reading = self.one_turn(last)?;
        let mut seen = 0;
        for turn in earlier.iter().rev().take(training.context_turns.saturating_sub(1)) {
            let mut ids = self.tokenizer().encode(&turn.text)?;
            if ids.len() + reading.ids.len() > room {
                break;
            }
            ids.append(&mut reading.ids);
            reading.ids = ids;
            seen += 1;
        }
        // Turns beyond the configured number are the model's own way of reading, not a lack of room.
        reading.dropped_turns = earlier.len().min(training.context_turns.saturating_sub(1)) - seen;
        Ok(reading)
    }

    /// All turns in Blenderbot's format, cut at the left.
    fn joined_turns(&self, turns: &[Turn]) -> Result<Reading, Error> {
        let seen: Vec<String> = turns.iter().map(Turn::as_seen).collect();
        let fitted = |first: usize| -> Result<_, Error> {
            Ok(self.fit(self.tokenizer().encode(&seen[first..].join("  "))?))
        };
        let whole = fitted(0)?;
        let mut reading = Reading { ids: whole.ids, dropped_turns: 0, cut: 0 };
        if whole.cut > 0 {
            // The latest turns that fit as a whole: all before them are cut.
            let last = turns.len() - 1;
            reading.dropped_turns = last;
            while reading.dropped_turns > 0 && fitted(reading.dropped_turns - 1)?.cut == 0 {
                reading.dropped_turns -= 1;
            }
            reading.cut = fitted(last)?.cut;
        }
        Ok(reading)
    }
}
