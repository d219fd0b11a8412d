//! What a turn may be besides words for the model: a farewell, or a command that begins with `/`.

use std::path::PathBuf;

/// What `/help` prints.
pub const HELP: &str = "\
/set NAME VALUE   change a generation option: /set num_beams 4, /set do_sample true, /set seed null
/set              list the options that are set
/show             show the model and the settings
/clear            forget the conversation so far
/save FILE        write the conversation to a file
/load FILE        go on with a conversation from a file
/model NAME       talk to another model: a folder, a hub name or an alias
/stats            time and tokens of the last reply
/bye              leave; so do bye, quit, exit and Ctrl-D
Ctrl-C stops a reply. The arrow keys bring back what you said.";

/// A turn, as far as the chat itself is concerned.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing but white space.
    Blank,
    /// Words for the model, as typed.
    Words,
    /// `bye`, `quit`, `exit` or `/bye`.
    Farewell,
    /// A command.
    Slash(Slash),
    /// It begins like a command and is none; the sentence says what would be.
    Mistake(String),
}

/// The commands of the chat.
#[derive(Debug, PartialEq, Eq)]
pub enum Slash {
    /// `/help`
    Help,
    /// `/clear`
    Clear,
    /// `/set NAME VALUE`
    Set { name: String, value: String },
    /// `/set` alone
    Settings,
    /// `/show`
    Show,
    /// `/save FILE`
    Save(PathBuf),
    /// `/load FILE`
    Load(PathBuf),
    /// `/model NAME`
    Model(String),
    /// `/stats`
    Stats,
}

impl Turn {
    /// Reads what was typed.
    pub fn read(typed: &str) -> Turn {
        let trimmed = typed.trim();
        if trimmed.is_empty() {
            return Turn::Blank;
        }
        if ["quit", "exit", "bye"].iter().any(|word| trimmed.eq_ignore_ascii_case(word)) {
            return Turn::Farewell;
        }
        let Some(command) = trimmed.strip_prefix('/') else { return Turn::Words };
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        match slash(&name.to_ascii_lowercase(), rest.trim()) {
            Ok(turn) => turn,
            Err(usage) => Turn::Mistake(usage),
        }
    }
}

fn slash(name: &str, rest: &str) -> Result<Turn, String> {
    let slash = match name {
        "bye" | "quit" | "exit" => return alone(name, rest, Turn::Farewell),
        "help" | "?" => return alone(name, rest, Turn::Slash(Slash::Help)),
        "clear" => return alone(name, rest, Turn::Slash(Slash::Clear)),
        "show" => return alone(name, rest, Turn::Slash(Slash::Show)),
        "stats" => return alone(name, rest, Turn::Slash(Slash::Stats)),
        "set" if rest.is_empty() => Slash::Settings,
        "set" => match rest.split_once(char::is_whitespace) {
            Some((option, value)) => Slash::Set { name: option.to_owned(), value: value.trim().to_owned() },
            None => return Err("/set takes a name and a value, as in /set num_beams 4".into()),
        },
        "save" => Slash::Save(given("save", "FILE", rest)?.into()),
        "load" => Slash::Load(given("load", "FILE", rest)?.into()),
        "model" => Slash::Model(given("model", "NAME", rest)?),
        _ => return Err(format!("there is no command /{name}; /help lists the commands")),
    };
    Ok(Turn::Slash(slash))
}

fn alone(name: &str, rest: &str, turn: Turn) -> Result<Turn, String> {
    if rest.is_empty() { Ok(turn) } else { Err(format!("/{name} stands alone; leave out {rest:?}")) }
}

fn given(name: &str, what: &str, rest: &str) -> Result<String, String> {
    if rest.is_empty() {
        Err(format!("/{name} needs a {what}, as in /{name} {what}"))
    } else {
        Ok(rest.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn farewells_in_any_case_and_with_spaces_around() {
        for word in ["bye", " BYE ", "Quit", "exit\r", "/bye", " /BYE"] {
            assert_eq!(Turn::read(word), Turn::Farewell, "{word:?}");
        }
        for word in ["bye bye", "goodbye", "bye!"] {
            assert_eq!(Turn::read(word), Turn::Words, "{word:?}");
        }
    }

    #[test]
    fn commands_with_what_they_need() {
        let set =
            |name: &str, value: &str| Turn::Slash(Slash::Set { name: name.into(), value: value.into() });
        assert_eq!(Turn::read("/set num_beams 4"), set("num_beams", "4"));
        assert_eq!(Turn::read("/set  bad_words_ids  [[1], [2]] "), set("bad_words_ids", "[[1], [2]]"));
        assert_eq!(Turn::read("/save my talk.json"), Turn::Slash(Slash::Save("my talk.json".into())));
        assert_eq!(Turn::read("/model blenderbot"), Turn::Slash(Slash::Model("blenderbot".into())));
        assert_eq!(Turn::read("/"), Turn::Mistake("there is no command /; /help lists the commands".into()));
        for line in ["/set num_beams", "/save", "/frobnicate", "/clear all"] {
            assert!(matches!(Turn::read(line), Turn::Mistake(_)), "{line}");
        }
    }

    #[test]
    fn blank_turns_are_no_turns() {
        assert_eq!(Turn::read(" \t\r"), Turn::Blank);
    }
}
