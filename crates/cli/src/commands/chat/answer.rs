//! `papo chat MODEL "question"`: one answer, and nothing else.

use std::io::{self, IsTerminal, Read};

use papo::{ChatModel, Conversation};

use super::voice::Voice;
use crate::failure::{Failure, Outcome};
use crate::request::Chat;
use crate::terminal::{MAX_LINE, Notes, Output};

/// The question: as it stands on the command line, or all of standard input for `-`.
pub fn read(question: &str) -> Result<String, Failure> {
    let question = if question == "-" { read_all()? } else { question.to_owned() };
    if question.trim().is_empty() {
        return Err(Failure::Usage(
            "the question is empty; write one behind the model, or leave it out to talk".to_owned(),
        ));
    }
    Ok(question)
}

fn read_all() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    io::stdin().take(MAX_LINE as u64 + 1).read_to_end(&mut bytes).map_err(Failure::reading_input)?;
    if bytes.len() > MAX_LINE {
        return Err(Failure::new(format_args!(
            "the question is longer than {} MiB; ask a shorter one",
            MAX_LINE >> 20
        )));
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::new("standard input is not valid UTF-8; save the question as UTF-8 and try again")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// Answers, with what one should know of the answer on standard error.
pub fn answer(model: &ChatModel, question: &str, request: &Chat, notes: Notes) -> Outcome {
    let mut conversation = Conversation::new(model, request.memory);
    let reply = if io::stdout().is_terminal() {
        Voice::of_answer(notes).reply(&mut conversation, question, &request.config)?
    } else {
        let reply = conversation.reply(question, &request.config)?;
        let mut output = Output::standard();
        output.line(&reply.text)?;
        output.flush()?;
        reply
    };
    for remark in reply.remarks() {
        notes.say(remark);
    }
    Ok(())
}
