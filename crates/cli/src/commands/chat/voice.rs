//! How a reply reaches a person: words as they come, broken at the terminal's width, or a sign that one is being thought of.
//!
//! Greedy search and sampling show each word when it is certain. Beam search has no certain word before its end, so a sign shows
//! that it is thinking.

use std::ops::ControlFlow;

use papo::generate::{StepEvent, TokenEvent};
use papo::{ChatModel, Conversation, GenerationConfig, Hooks, Reply};

use crate::failure::{Failure, Outcome};
use crate::terminal::{self, Interrupt, Notes, Output, StreamedReply, Thinking, Wrap, printable};

/// What stands before each reply of a chat.
pub const NAME: &str = "Chatbot: ";

/// Writes replies to a terminal.
pub struct Voice {
    /// What stands before a reply; nothing before the only one.
    name: &'static str,
    output: Output,
    notes: Notes,
    /// Where Ctrl-C stops a reply and not the program.
    interrupt: Option<Interrupt>,
}

impl Voice {
    /// One that answers in a chat.
    pub fn of_chat(notes: Notes, interrupt: Interrupt) -> Voice {
        Voice { name: NAME, output: Output::standard(), notes, interrupt: Some(interrupt) }
    }

    /// One that answers a single question.
    pub fn of_answer(notes: Notes) -> Voice {
        Voice { name: "", output: Output::standard(), notes, interrupt: None }
    }

    /// Lets the model reply and shows its words.
    pub fn reply(
        &mut self,
        conversation: &mut Conversation<'_>,
        words: &str,
        config: &GenerationConfig,
    ) -> Result<Reply, Failure> {
        if has_words_on_the_way(conversation.model(), config) {
            self.stream(conversation, words, config)
        } else {
            self.think(conversation, words, config)
        }
    }

    /// Shows a few lines that are no reply.
    pub fn tell(&mut self, text: &str) -> Outcome {
        self.output.line(terminal::wrapped(&printable(text).to_string(), terminal::width()))?;
        self.output.flush()
    }

    /// Says goodbye, all of it in the chatbot's colour.
    pub fn farewell(&mut self) -> Outcome {
        let farewell = format!("{NAME}Goodbye!");
        self.output.line(console::style(farewell).green().bold())?;
        self.output.flush()
    }

    fn begin(&mut self) -> Result<Wrap, Failure> {
        if !self.name.is_empty() {
            self.output.text(console::style(self.name).green().bold())?;
            self.output.flush()?;
        }
        Ok(Wrap::new(terminal::width(), self.name.len()))
    }

    fn stream(
        &mut self,
        conversation: &mut Conversation<'_>,
        words: &str,
        config: &GenerationConfig,
    ) -> Result<Reply, Failure> {
        let mut wrap = self.begin()?;
        let model = conversation.model();
        let mut decoded = model.tokenizer().stream();
        let mut shown = StreamedReply::default();
        let mut trouble = None;
        let output = &mut self.output;
        let mut on_token = |event: &TokenEvent| {
            // Of several samples the first is the reply.
            if event.row > 0 {
                return ControlFlow::Continue(());
            }
            let piece = match decoded.push(event.token) {
                Ok(piece) => piece.unwrap_or_default(),
                Err(error) => {
                    trouble = Some(Failure::from(error));
                    return ControlFlow::Break(());
                }
            };
            let lines = wrap.push(&printable(&shown.push(&piece)).to_string());
            match output.text(lines).and_then(|()| output.flush()) {
                Ok(()) => ControlFlow::Continue(()),
                Err(failure) => {
                    trouble = Some(failure);
                    ControlFlow::Break(())
                }
            }
        };
        let mut hooks = Hooks::default().on_token(&mut on_token);
        if let Some(interrupt) = self.interrupt {
            hooks = hooks.interrupt(interrupt.flag());
        }
        let reply = conversation.reply_with(words, config, hooks);
        let reply = match (trouble, reply) {
            (None, Ok(reply)) => reply,
            (trouble, reply) => {
                self.output.line("")?;
                return Err(trouble.or(reply.err().map(Failure::from)).unwrap_or(Failure::Reported));
            }
        };
        // What the stream held back: half a character that never was completed, or a word that waited for what follows it.
        let rest = shown.push(&decoded.finish()?.unwrap_or_default());
        let rest = wrap.push(&printable(&rest).to_string()) + &wrap.finish();
        self.output.line(rest)?;
        self.output.flush()?;
        Ok(reply)
    }

    fn think(
        &mut self,
        conversation: &mut Conversation<'_>,
        words: &str,
        config: &GenerationConfig,
    ) -> Result<Reply, Failure> {
        let thinking = Thinking::begin(self.notes);
        let mut on_step = |event: &StepEvent<'_>| {
            thinking.show(event.step + 1);
            ControlFlow::Continue(())
        };
        let mut hooks = Hooks::default().on_step(&mut on_step);
        if let Some(interrupt) = self.interrupt {
            hooks = hooks.interrupt(interrupt.flag());
        }
        let reply = conversation.reply_with(words, config, hooks);
        drop(thinking);
        let reply = reply?;
        let mut wrap = self.begin()?;
        let text = wrap.push(&printable(&reply.text).to_string()) + &wrap.finish();
        self.output.line(text)?;
        self.output.flush()?;
        Ok(reply)
    }
}

/// `false` for a search that has no words before its end.
fn has_words_on_the_way(model: &ChatModel, config: &GenerationConfig) -> bool {
    model.model().generation_config().merged(config).num_beams.unwrap_or(1) == 1
}
