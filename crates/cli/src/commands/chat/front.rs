//! What a chat needs from the outside: turns in, replies out.

use papo::{ChatModel, Conversation, GenerationConfig, Memory, Reply};

use super::slash::Source;
use crate::failure::{Failure, Outcome};

/// The way in and out of a chat.
pub trait Front {
    /// Where its turns come from.
    fn source(&self) -> Source;

    /// Says with whom one talks; `asked` is what the model was asked for by.
    fn greet(&mut self, model: &ChatModel, asked: Option<&str>, memory: Memory) -> Outcome;

    /// The next turn as typed; `None` at the end of input.
    fn next_turn(&mut self) -> Result<Option<String>, Failure>;

    /// Takes note that a turn belongs to the conversation.
    fn heard(&mut self, typed: &str) -> Outcome;

    /// Lets the model reply and shows its words.
    fn reply(
        &mut self,
        conversation: &mut Conversation<'_>,
        words: &str,
        config: &GenerationConfig,
    ) -> Result<Reply, Failure>;

    /// Shows what a command had to say.
    fn tell(&mut self, text: &str) -> Outcome;

    /// Shows what went wrong; the chat goes on.
    fn complain(&mut self, sentence: &str);

    /// Says goodbye.
    fn farewell(&mut self) -> Outcome;

    /// Whether nothing went wrong, or a person saw it and went on.
    fn all_good(&self) -> bool;
}
