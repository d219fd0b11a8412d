//! A chat with a person: line editing, words as they come, Ctrl-C that stops a reply and nothing else.
//!
//! How turns are typed is `editor.rs`, how replies are shown `voice.rs`.

use papo::{ChatModel, Conversation, GenerationConfig, Memory, Reply};

use super::editor::LineEditor;
use super::front::Front;
use super::greeting::greeting;
use super::slash::Source;
use super::voice::Voice;
use crate::failure::{Failure, Outcome};
use crate::request::History;
use crate::terminal::{Interrupt, Notes, printable};

/// A terminal.
pub struct Interactive {
    editor: LineEditor,
    voice: Voice,
    notes: Notes,
    interrupt: Interrupt,
}

impl Interactive {
    /// Takes over the terminal's line editing and Ctrl-C.
    pub fn open(history: History, notes: Notes) -> Result<Interactive, Failure> {
        let editor = LineEditor::open(history, notes)?;
        let interrupt = Interrupt::install();
        Ok(Interactive { editor, voice: Voice::of_chat(notes, interrupt), notes, interrupt })
    }
}

impl Front for Interactive {
    fn source(&self) -> Source {
        Source::Person
    }

    fn greet(&mut self, model: &ChatModel, asked: Option<&str>, memory: Memory) -> Outcome {
        self.notes.say_wrapped(printable(&greeting(model, asked, memory)));
        Ok(())
    }

    fn next_turn(&mut self) -> Result<Option<String>, Failure> {
        let turn = self.editor.next_turn();
        // What comes of the turn, a reply or a download, can be stopped anew.
        self.interrupt.reset();
        turn
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
        let reply = self.voice.reply(conversation, words, config)?;
        if self.interrupt.came() {
            self.notes.say("(stopped)");
        }
        Ok(reply)
    }

    fn tell(&mut self, text: &str) -> Outcome {
        self.voice.tell(text)
    }

    fn complain(&mut self, sentence: &str) {
        let sentence = crate::language::sentence(sentence);
        crate::terminal::error_line(console::style(printable(&sentence)).for_stderr().red());
    }

    fn farewell(&mut self) -> Outcome {
        self.voice.farewell()
    }

    fn all_good(&self) -> bool {
        true
    }
}
