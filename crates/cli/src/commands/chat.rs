//! `papo chat`: the loop of the course, on a terminal or in a pipe; or one question and its answer.
//!
//! What a turn means is decided here, once: words go to the model, a farewell ends it, commands are obeyed
//! (`obey.rs`). How turns come in and replies go out differs, and is a [`Front`]: `plain.rs` for pipes and files,
//! `interactive.rs` for a person. What may be typed is `slash.rs`.

mod ahead;
mod answer;
mod completion;
mod editor;
mod farewell;
mod front;
mod greeting;
mod history;
mod interactive;
mod multiline;
mod obey;
mod plain;
mod slash;
mod voice;

use papo::{ChatModel, Conversation, GenerationConfig};

use crate::failure::{Failure, Outcome};
use crate::loading::{check_options, load};
use crate::request::Chat;
use crate::terminal::{self, Notes};
use front::Front;
use interactive::Interactive;
use obey::{Obeyed, Table};
use plain::Plain;
use slash::Turn;

/// How a conversation with one model ended.
enum End {
    /// With a farewell.
    Farewell,
    /// With the wish to go on with another model, ready to talk.
    OtherModel(Box<ChatModel>),
}

/// Talks until somebody says goodbye, or answers the one question that was asked.
pub fn run(request: Chat, notes: Notes) -> Outcome {
    let question = request.question.as_deref().map(answer::read).transpose()?;
    let mut model = load(request.model.as_deref(), &request.loading, notes)?;
    check_options(&model, &request.config, notes)?;
    if let Some(question) = question {
        return answer::answer(&model, &question, &request, notes);
    }
    let mut front: Box<dyn Front> = if terminal::is_interactive() {
        Box::new(Interactive::open(request.history, notes)?)
    } else {
        Box::new(Plain::new(notes))
    };
    let mut table = Table::new(request, front.source(), notes);
    front.greet(&model, table.asked(), table.memory())?;
    while let End::OtherModel(other) = talk(&model, &mut *front, &mut table)? {
        model = *other;
        front.greet(&model, table.asked(), table.memory())?;
    }
    front.farewell()?;
    if front.all_good() { Ok(()) } else { Err(Failure::Reported) }
}

/// One conversation with one model.
fn talk(model: &ChatModel, front: &mut dyn Front, table: &mut Table) -> Result<End, Failure> {
    let mut conversation = Conversation::new(model, table.memory());
    while let Some(typed) = front.next_turn()? {
        match Turn::read(&typed, front.source()) {
            Turn::Blank => {}
            Turn::Farewell => {
                front.heard(&typed)?;
                return Ok(End::Farewell);
            }
            Turn::Words(words) => say(&words, &mut conversation, front, table)?,
            Turn::NoCommand { name, words } => {
                table.remark_no_command(&name);
                say(&words, &mut conversation, front, table)?;
            }
            Turn::Mistake(sentence) => front.complain(&sentence),
            Turn::Slash(command) => match table.obey(command, model, &mut conversation) {
                Ok(Obeyed::Said(text)) => front.tell(&text)?,
                Ok(Obeyed::OtherModel(other)) => return Ok(End::OtherModel(other)),
                Err(Failure::Usage(sentence)) => front.complain(&sentence),
                Err(Failure::Error(error)) => front.complain(&error.to_string()),
                Err(other) => return Err(other),
            },
        }
    }
    Ok(End::Farewell)
}

/// Says words to the model and shows its reply.
fn say(
    words: &str,
    conversation: &mut Conversation<'_>,
    front: &mut dyn Front,
    table: &mut Table,
) -> Outcome {
    front.heard(words)?;
    match front.reply(conversation, words, table.config()) {
        Ok(reply) => table.remember(reply),
        Err(Failure::Error(error)) => front.complain(&error.to_string()),
        Err(other) => return Err(other),
    }
    Ok(())
}

/// The options that are set, a line each.
fn listed(config: &GenerationConfig) -> String {
    let json = config.to_json();
    let lines: Vec<_> =
        json.as_object().into_iter().flatten().map(|(name, value)| format!("  {name} {value}")).collect();
    if lines.is_empty() { "  none".to_owned() } else { lines.join("\n") }
}
