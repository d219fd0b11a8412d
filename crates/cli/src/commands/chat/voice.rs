//! How a reply reaches a person: words as soon as they are certain, broken at the terminal's width; before the first, a sign that one
//! is being thought of.
//!
//! Greedy search and sampling are certain of each word. Beam search is certain of those that all beams have that can still win.

use std::cell::RefCell;
use std::ops::ControlFlow;

use papo::conversation::TrimmedText;
use papo::generate::{StepEvent, TokenEvent};
use papo::tokenizer::DecodeStream;
use papo::{Conversation, GenerationConfig, Hooks, Reply, TokenId, Tokenizer};

use crate::failure::{Failure, Outcome};
use crate::terminal::{self, Interrupt, Notes, Output, Thinking, Wrap, printable};

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
        let spoken = RefCell::new(Spoken::new(self, conversation.model().tokenizer()));
        // Of several samples the first is the reply.
        let mut on_token = |event: &TokenEvent| match event.row {
            0 => spoken.borrow_mut().say(&[event.token]),
            _ => ControlFlow::Continue(()),
        };
        let mut on_step = |event: &StepEvent<'_>| {
            let mut spoken = spoken.borrow_mut();
            spoken.think(event.step + 1);
            let said = 1 + spoken.tokens;
            spoken.say(event.best[..event.agreed].get(said..).unwrap_or_default())
        };
        let mut hooks = Hooks::default().on_token(&mut on_token).on_step(&mut on_step);
        if let Some(interrupt) = self.interrupt {
            hooks = hooks.interrupt(interrupt.flag());
        }
        let reply = conversation.reply_with(words, config, hooks);
        let spoken = spoken.into_inner();
        match (spoken.trouble.is_some(), reply) {
            (false, Ok(reply)) => {
                spoken.finish(reply.ids.get(1..).unwrap_or_default())?;
                Ok(reply)
            }
            (_, reply) => Err(spoken.give_up(reply.err().map(Failure::from))),
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
}

/// A reply on its way.
struct Spoken<'a> {
    name: &'static str,
    output: Output,
    decoded: DecodeStream<'a>,
    text: TrimmedText,
    wrap: Wrap,
    /// Tokens so far, the start token not counted.
    tokens: usize,
    /// Until the first word.
    thinking: Option<Thinking>,
    /// Why no more can be shown.
    trouble: Option<Failure>,
}

impl<'a> Spoken<'a> {
    fn new(voice: &Voice, tokenizer: &'a Tokenizer) -> Spoken<'a> {
        Spoken {
            name: voice.name,
            output: Output::standard(),
            decoded: tokenizer.stream(),
            text: TrimmedText::default(),
            wrap: Wrap::new(terminal::width(), voice.name.len()),
            tokens: 0,
            thinking: Some(Thinking::begin(voice.notes)),
            trouble: None,
        }
    }

    fn think(&self, tokens: usize) {
        if let Some(thinking) = &self.thinking {
            thinking.show(tokens);
        }
    }

    /// Takes the next tokens.
    fn say(&mut self, tokens: &[TokenId]) -> ControlFlow<()> {
        for &token in tokens {
            self.tokens += 1;
            let shown = self.decoded.push(token).map_err(Failure::from).and_then(|piece| self.show(piece));
            if let Err(failure) = shown {
                self.trouble = Some(failure);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn show(&mut self, piece: Option<String>) -> Outcome {
        let text = self.text.push(&piece.unwrap_or_default());
        if text.is_empty() {
            return Ok(());
        }
        self.begin()?;
        let lines = self.wrap.push(&printable(&text).to_string());
        self.output.text(lines)?;
        self.output.flush()
    }

    /// The name, before the first word.
    fn begin(&mut self) -> Outcome {
        if self.thinking.take().is_some() && !self.name.is_empty() {
            self.output.text(console::style(self.name).green().bold())?;
        }
        Ok(())
    }

    /// Shows what is left of the whole reply, its start token not among `tokens`.
    fn finish(mut self, tokens: &[TokenId]) -> Outcome {
        let rest = tokens.get(self.tokens..).unwrap_or_default();
        if self.say(rest).is_break() {
            return Err(self.give_up(None));
        }
        let piece = self.decoded.finish()?;
        self.show(piece)?;
        // A reply without a word has its name all the same.
        self.begin()?;
        let held_back = self.wrap.finish();
        self.output.line(held_back)?;
        self.output.flush()
    }

    /// Ends the line, if one was begun, and says why.
    fn give_up(mut self, failure: Option<Failure>) -> Failure {
        if self.thinking.take().is_none()
            && let Err(failure) = self.output.line("").and_then(|()| self.output.flush())
        {
            return failure;
        }
        self.trouble.take().or(failure).unwrap_or(Failure::Reported)
    }
}
