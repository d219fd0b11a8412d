//! A chat with a person: line editing, words as they come, Ctrl-C that stops a reply and nothing else.
//!
//! Greedy search and sampling show each word when it is certain. Beam search has no certain word before its end, so a
//! sign shows that it is thinking. What was typed is remembered for the arrow keys until the chat ends and written
//! nowhere: whoever wants to keep a conversation says `/save`.

use std::ops::ControlFlow;

use papo::generate::{StepEvent, TokenEvent};
use papo::{ChatModel, Conversation, GenerationConfig, Hooks, Reply};
use rustyline::config::Configurer;
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Editor};

use super::front::Front;
use crate::failure::{Failure, Outcome};
use crate::terminal::{Interrupt, Notes, Output, StreamedReply, Thinking, printable};

const PROMPT: &str = "You: ";
const NAME: &str = "Chatbot: ";

/// A terminal.
pub struct Interactive {
    editor: Editor<(), MemHistory>,
    output: Output,
    notes: Notes,
    interrupt: Interrupt,
}

impl Interactive {
    /// Takes over the terminal's line editing and Ctrl-C.
    pub fn open(notes: Notes) -> Result<Interactive, Failure> {
        let mut editor = Editor::with_history(Config::builder().build(), MemHistory::new())?;
        editor.set_auto_add_history(true);
        Ok(Interactive { editor, output: Output::standard(), notes, interrupt: Interrupt::install() })
    }

    /// Shows words while they come; `false` for a search that has none before its end.
    fn has_words_on_the_way(model: &ChatModel, config: &GenerationConfig) -> bool {
        model.model().generation_config().merged(config).num_beams.unwrap_or(1) == 1
    }

    fn stream(
        &mut self,
        conversation: &mut Conversation<'_>,
        words: &str,
        config: &GenerationConfig,
    ) -> Result<Reply, Failure> {
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
            match output.text(printable(&shown.push(&piece))).and_then(|()| output.flush()) {
                Ok(()) => ControlFlow::Continue(()),
                Err(failure) => {
                    trouble = Some(failure);
                    ControlFlow::Break(())
                }
            }
        };
        let hooks = Hooks::default().on_token(&mut on_token).interrupt(self.interrupt.flag());
        let reply = conversation.reply_with(words, config, hooks);
        let reply = match (trouble, reply) {
            (None, Ok(reply)) => reply,
            (trouble, reply) => {
                self.output.line("")?;
                return Err(trouble.or(reply.err().map(Failure::from)).unwrap_or(Failure::Reported));
            }
        };
        // What the stream held back: half a character that never was completed, or a word awaiting its punctuation.
        let rest = shown.push(&decoded.finish()?.unwrap_or_default());
        self.output.line(printable(&rest))?;
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
        let hooks = Hooks::default().on_step(&mut on_step).interrupt(self.interrupt.flag());
        let reply = conversation.reply_with(words, config, hooks);
        drop(thinking);
        let reply = reply?;
        self.output.line(format_args!("{NAME}{}", printable(&reply.text)))?;
        self.output.flush()?;
        Ok(reply)
    }
}

impl Front for Interactive {
    fn greet(&mut self, model: &ChatModel) -> Outcome {
        self.notes
            .say(format_args!("Talking to {}. Say bye to leave, /help for more.", printable(model.name())));
        Ok(())
    }

    fn next_turn(&mut self) -> Result<Option<String>, Failure> {
        loop {
            match self.editor.readline(PROMPT) {
                Ok(line) => return Ok(Some(line)),
                Err(ReadlineError::Interrupted) => {
                    self.notes.say("Ctrl-C stops a reply; Ctrl-D or bye leaves.")
                }
                Err(ReadlineError::Eof) => return Ok(None),
                Err(error) => {
                    return Err(Failure::new(format_args!(
                        "cannot read from the terminal: {error}; try again"
                    )));
                }
            }
        }
    }

    fn heard(&mut self, _: &str) -> Outcome {
        Ok(())
    }

    fn reply(
        &mut self,
        conversation: &mut Conversation<'_>,
        words: &str,
        config: &GenerationConfig,
    ) -> Result<Reply, Failure> {
        self.interrupt.reset();
        let reply = if Self::has_words_on_the_way(conversation.model(), config) {
            self.output.text(NAME)?;
            self.output.flush()?;
            self.stream(conversation, words, config)?
        } else {
            self.think(conversation, words, config)?
        };
        if self.interrupt.came() {
            self.notes.say("(stopped)");
        }
        Ok(reply)
    }

    fn tell(&mut self, text: &str) -> Outcome {
        self.output.line(printable(text))?;
        self.output.flush()
    }

    fn complain(&mut self, sentence: &str) {
        crate::terminal::complain(console::style(printable(sentence)).for_stderr().red());
    }

    fn farewell(&mut self) -> Outcome {
        self.output.line(format_args!("{NAME}Goodbye!"))?;
        self.output.flush()
    }

    fn all_good(&self) -> bool {
        true
    }
}
