//! A chat in a pipe: turns are lines of standard input, and standard output is the plain transcript.
//!
//! ```text
//! You: Hi Chat, how are you?
//! Chatbot: I'm doing well, thank you.
//! You: bye
//! Chatbot: Goodbye!
//! ```
//!
//! Each turn is repeated, so that the transcript reads as the course's does on a screen. The end of input is a farewell
//! that nobody said: `Chatbot: Goodbye!` alone. Commands work and are no part of the transcript; what they say goes
//! to standard error. Where a person types and only the transcript goes elsewhere, a prompt shows on standard error.

use std::io::{self, BufRead, BufReader, IsTerminal};

use papo::{ChatModel, Conversation, GenerationConfig, Memory, Reply};

use super::editor::PROMPT;
use super::front::Front;
use super::greeting::greeting;
use super::slash::Source;
use crate::failure::{Failure, Outcome};
use crate::terminal::{BadLine, Lines, Notes, Output, complain, printable, prompt};

/// Standard input and output.
pub struct Plain {
    lines: Lines<Box<dyn BufRead>>,
    output: Output,
    source: Source,
    to_terminal: bool,
    notes: Notes,
    all_good: bool,
}

impl Plain {
    /// Reads standard input from here on.
    pub fn new(notes: Notes) -> Plain {
        let input: Box<dyn BufRead> = Box::new(BufReader::new(io::stdin()));
        let source = if io::stdin().is_terminal() { Source::Person } else { Source::Pipe };
        let to_terminal = io::stdout().is_terminal();
        Plain {
            lines: Lines::new(input),
            output: Output::standard(),
            source,
            to_terminal,
            notes,
            all_good: true,
        }
    }

    /// A file gets the very text; a terminal gets nothing that steers it.
    fn shown(&self, text: &str) -> String {
        if self.to_terminal { printable(text).to_string() } else { text.to_owned() }
    }
}

impl Front for Plain {
    fn source(&self) -> Source {
        self.source
    }

    fn greet(&mut self, model: &ChatModel, asked: Option<&str>, memory: Memory) -> Outcome {
        if self.source == Source::Person {
            self.notes.say_wrapped(printable(&greeting(model, asked, memory)));
        }
        Ok(())
    }

    fn next_turn(&mut self) -> Result<Option<String>, Failure> {
        loop {
            if self.source == Source::Person {
                prompt(PROMPT);
            }
            let line = match self.lines.next() {
                None => return Ok(None),
                Some(line) => line.map_err(Failure::reading_input)?,
            };
            match line {
                Ok(line) => return Ok(Some(line)),
                Err(bad @ BadLine::TooLong { .. }) => self.complain(&bad.to_string()),
                Err(BadLine::NotUtf8 { number, repaired }) => {
                    self.notes.say(format_args!(
                        "line {number} is not valid UTF-8; what is wrong in it was replaced by \u{fffd}"
                    ));
                    return Ok(Some(repaired));
                }
            }
        }
    }

    fn heard(&mut self, typed: &str) -> Outcome {
        // A line that came from Windows ends in a character that would garble the transcript.
        self.output.line(format_args!("You: {}", self.shown(typed.trim_end_matches('\r'))))?;
        self.output.flush()
    }

    fn reply(
        &mut self,
        conversation: &mut Conversation<'_>,
        words: &str,
        config: &GenerationConfig,
    ) -> Result<Reply, Failure> {
        let reply = conversation.reply(words.trim_end_matches('\r'), config)?;
        self.output.line(format_args!("Chatbot: {}", self.shown(&reply.text)))?;
        self.output.flush()?;
        Ok(reply)
    }

    fn tell(&mut self, text: &str) -> Outcome {
        self.notes.say_as_it_is(text);
        Ok(())
    }

    fn complain(&mut self, sentence: &str) {
        // A person sees it and goes on.
        self.all_good &= self.source == Source::Person;
        complain(sentence);
    }

    fn farewell(&mut self) -> Outcome {
        self.output.line("Chatbot: Goodbye!")?;
        self.output.flush()
    }

    fn all_good(&self) -> bool {
        self.all_good
    }
}
