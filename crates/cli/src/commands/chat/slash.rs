//! What a turn may be besides words for the model: a farewell, or a command that begins with `/`.
//!
//! Words that begin with a slash are written with two. A person who mistypes a command is told so. A pipe of turns is data: there a
//! slash and a word that is no command are words like any others.

use std::path::{Path, PathBuf};

use super::farewell::is_farewell;
use crate::output_file::ExistingFile;

/// What `/help` prints: what is typed, and what it does.
pub const HELP: &[(&str, &str)] = &[
    (
        "/set NAME VALUE",
        "change a generation option: /set num_beams 4, /set do_sample true; null switches it off",
    ),
    ("/unset NAME", "take back what you set: the model's own value counts again"),
    ("/set", "list the options that you have set"),
    ("/show", "show the model and the settings in force"),
    ("/clear", "forget the conversation so far"),
    ("/save FILE", "write the conversation to a new file; /save! FILE writes over one"),
    ("/load FILE", "go on with a conversation from a file"),
    ("/model NAME", "talk to another model: a folder, a hub name or an alias"),
    ("/stats", "time and tokens of the last reply"),
    ("/bye", "leave; so do bye, quit, exit, goodbye, see you, tchau, até logo and Ctrl-D"),
    ("//words", "say words that begin with a slash"),
    ("several lines", "end a line with \\ to go on in the next, or put \"\"\" before and behind them"),
    (
        "keys",
        "Ctrl-C stops a reply or a download; the arrow keys and Ctrl-R bring back what you said; Tab completes",
    ),
    ("history", "what you type is kept for the next chat, but not in one begun with --no-history"),
];

/// The commands, as typed, for completion.
pub const COMMANDS: &[&str] = &[
    "/bye", "/clear", "/exit", "/help", "/load", "/model", "/quit", "/save", "/save!", "/set", "/show",
    "/stats", "/unset",
];

/// Where turns come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Somebody types them.
    Person,
    /// They stand in a file or come from a program.
    Pipe,
}

/// A turn, as far as the chat itself is concerned.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing but white space.
    Blank,
    /// Words for the model.
    Words(String),
    /// Words for the model that begin like a command of this name, which there is not.
    NoCommand {
        /// What stands behind the slash.
        name: String,
        /// The whole turn.
        words: String,
    },
    /// `bye` and its like.
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
    /// `/unset NAME`
    Unset(String),
    /// `/set` alone
    Settings,
    /// `/show`
    Show,
    /// `/save FILE` or `/save! FILE`
    Save { file: PathBuf, existing: ExistingFile },
    /// `/load FILE`
    Load(PathBuf),
    /// `/model NAME`
    Model(String),
    /// `/stats`
    Stats,
}

impl Turn {
    /// Reads what came in.
    pub fn read(typed: &str, source: Source) -> Turn {
        // A line that came from Windows ends in a character that no model should see.
        let typed = typed.trim_end_matches('\r');
        let trimmed = typed.trim();
        if trimmed.is_empty() {
            return Turn::Blank;
        }
        if is_farewell(trimmed) {
            return Turn::Farewell;
        }
        let Some(command) = trimmed.strip_prefix('/') else { return Turn::Words(typed.to_owned()) };
        if command.starts_with('/') {
            return Turn::Words(command.to_owned());
        }
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        match (slash(&name.to_ascii_lowercase(), rest.trim()), source) {
            (Some(Ok(turn)), _) => turn,
            (Some(Err(usage)), _) => Turn::Mistake(usage),
            (None, Source::Pipe) => Turn::NoCommand { name: name.to_owned(), words: typed.to_owned() },
            (None, Source::Person) => {
                let shown: String = name.chars().take(30).collect();
                Turn::Mistake(format!(
                    "there is no command /{shown}; /help lists the commands, and //{shown} is said and not obeyed"
                ))
            }
        }
    }
}

/// The command of this name with what stands behind it; an error is a sentence, and `None` is no command at all.
fn slash(name: &str, rest: &str) -> Option<Result<Turn, String>> {
    let slash = match name {
        "bye" | "quit" | "exit" | "bye!" => return Some(alone(name, rest, Turn::Farewell)),
        "help" | "?" => return Some(alone(name, rest, Turn::Slash(Slash::Help))),
        "clear" => return Some(alone(name, rest, Turn::Slash(Slash::Clear))),
        "show" => return Some(alone(name, rest, Turn::Slash(Slash::Show))),
        "stats" => return Some(alone(name, rest, Turn::Slash(Slash::Stats))),
        "set" if rest.is_empty() => Ok(Slash::Settings),
        "set" => match rest.split_once(char::is_whitespace) {
            Some((option, value)) => {
                Ok(Slash::Set { name: option.to_owned(), value: value.trim().to_owned() })
            }
            None => Err("/set takes a name and a value, as in /set num_beams 4".to_owned()),
        },
        "unset" => given("unset", "NAME", rest).map(Slash::Unset),
        "save" | "save!" => given(name, "FILE", rest).map(|file| Slash::Save {
            file: in_home(&file),
            existing: if name == "save!" { ExistingFile::Replace } else { ExistingFile::Refuse },
        }),
        "load" => given("load", "FILE", rest).map(|file| Slash::Load(in_home(&file))),
        "model" => given("model", "NAME", rest).map(Slash::Model),
        _ => return None,
    };
    Some(slash.map(Turn::Slash))
}

/// A path as a shell would take it: `~/` is the user's own folder.
pub fn in_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => Path::new(path).to_owned(),
    }
}

fn alone(name: &str, rest: &str, turn: Turn) -> Result<Turn, String> {
    if rest.is_empty() {
        Ok(turn)
    } else {
        Err(format!("/{name} stands alone; leave out {rest:?}, or say it all with //{name} …"))
    }
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

    fn typed(line: &str) -> Turn {
        Turn::read(line, Source::Person)
    }

    #[test]
    fn farewells_with_a_slash_and_without() {
        for word in ["bye", " BYE ", "exit\r", "/bye", " /BYE", "/quit", "see you!", "Tchau"] {
            assert_eq!(typed(word), Turn::Farewell, "{word:?}");
            assert_eq!(Turn::read(word, Source::Pipe), Turn::Farewell, "{word:?}");
        }
    }

    #[test]
    fn commands_with_what_they_need() {
        let set =
            |name: &str, value: &str| Turn::Slash(Slash::Set { name: name.into(), value: value.into() });
        let save = |file: &str, existing| Turn::Slash(Slash::Save { file: file.into(), existing });
        for source in [Source::Person, Source::Pipe] {
            let read = |line| Turn::read(line, source);
            assert_eq!(read("/set num_beams 4"), set("num_beams", "4"));
            assert_eq!(read("/set  bad_words_ids  [[1], [2]] "), set("bad_words_ids", "[[1], [2]]"));
            assert_eq!(read("/save my talk.json"), save("my talk.json", ExistingFile::Refuse));
            assert_eq!(read("/save! my talk.json"), save("my talk.json", ExistingFile::Replace));
            assert_eq!(read("/model blenderbot"), Turn::Slash(Slash::Model("blenderbot".into())));
            for line in ["/set num_beams", "/save", "/clear all"] {
                assert!(matches!(read(line), Turn::Mistake(_)), "{line}");
            }
        }
    }

    #[test]
    fn a_word_that_is_no_command_is_a_mistake_of_a_person_and_words_in_a_pipe() {
        for (line, name) in [("/frobnicate now", "frobnicate"), ("/etc/passwd", "etc/passwd"), ("/", "")] {
            assert!(
                matches!(typed(line), Turn::Mistake(sentence) if sentence.contains(&format!("/{name};")))
            );
            let words = Turn::NoCommand { name: name.into(), words: line.into() };
            assert_eq!(Turn::read(line, Source::Pipe), words);
        }
    }

    #[test]
    fn two_slashes_are_words_that_begin_with_one() {
        for source in [Source::Person, Source::Pipe] {
            let read = |line| Turn::read(line, source);
            assert_eq!(read("//help"), Turn::Words("/help".into()));
            assert_eq!(read("  //save talk.json\r"), Turn::Words("/save talk.json".into()));
            assert_eq!(read("//"), Turn::Words("/".into()));
            assert_eq!(read("a //b"), Turn::Words("a //b".into()));
        }
    }

    #[test]
    fn blank_turns_are_no_turns() {
        assert_eq!(typed(" \t\r"), Turn::Blank);
    }

    #[test]
    fn every_command_that_is_completed_exists() {
        for command in COMMANDS {
            let with = format!("{command} file");
            let known =
                [*command, &with].iter().any(|line| matches!(typed(line), Turn::Slash(_) | Turn::Farewell));
            assert!(known, "{command}");
        }
    }
}
