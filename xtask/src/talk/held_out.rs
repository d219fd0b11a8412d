//! Reads `recipes/talk/held-out`: the conversations and names that models are judged by and never learn from.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// The language that somebody speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    English,
    Portuguese,
}

impl Language {
    pub const ALL: [Language; 2] = [Language::English, Language::Portuguese];

    fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Portuguese => "pt",
        }
    }
}

/// What a person says, and what a reply to it is to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    pub says: String,
    /// Words of which a reply should take up one.
    pub mentions: Vec<String>,
    /// A name that is told here.
    pub name: Option<String>,
    /// Something told before, which is asked for here.
    pub recall: Option<String>,
}

/// A conversation to judge by.
#[derive(Clone, Debug)]
pub struct Conversation {
    pub language: Language,
    pub slug: String,
    pub turns: Vec<Turn>,
}

/// A name that is told and asked for, in its language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub language: Language,
    pub name: String,
}

/// Reads the conversations of both languages.
pub fn conversations(folder: &Path) -> Result<Vec<Conversation>> {
    let mut all = Vec::new();
    for language in Language::ALL {
        let path = folder.join(format!("{}.txt", language.code()));
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        parse(language, &text, &mut all).with_context(|| path.display().to_string())?;
    }
    ensure!(!all.is_empty(), "{} holds no conversation", folder.display());
    Ok(all)
}

fn parse(language: Language, text: &str, all: &mut Vec<Conversation>) -> Result<()> {
    let begin = all.len();
    for (number, line) in (1..).zip(text.lines()) {
        let Some((mark, rest)) = line.trim().split_once(' ').filter(|(mark, _)| *mark != "#") else {
            continue;
        };
        if mark == "@" {
            all.push(Conversation { language, slug: rest.to_owned(), turns: Vec::new() });
            continue;
        }
        let turns = match all[begin..].last_mut() {
            Some(conversation) => &mut conversation.turns,
            None => bail!("line {number}: a conversation begins with @ and its name"),
        };
        if mark == ">" {
            turns.push(Turn { says: rest.to_owned(), ..Turn::default() });
            continue;
        }
        let Some(turn) = turns.last_mut() else { bail!("line {number}: what a reply holds follows a turn") };
        match mark {
            "=" => turn.mentions = rest.split(" | ").map(str::to_owned).collect(),
            "name" => turn.name = Some(rest.to_owned()),
            "recall" => turn.recall = Some(rest.to_owned()),
            _ => bail!("line {number}: {mark:?} is none of @ > = name recall"),
        }
    }
    Ok(())
}

/// Reads the names.
pub fn names(folder: &Path) -> Result<Vec<Name>> {
    let path = folder.join("names.txt");
    let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let lines = text.lines().filter_map(|line| line.split_once(' ')).filter(|(code, _)| *code != "#");
    let mut all = Vec::new();
    for (code, names) in lines {
        let language = Language::ALL.into_iter().find(|language| language.code() == code);
        let language =
            language.with_context(|| format!("{}: a line begins with en or pt", path.display()))?;
        all.extend(names.split(' ').map(|name| Name { language, name: name.to_owned() }));
    }
    ensure!(!all.is_empty(), "{} holds no name", path.display());
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_have_what_their_replies_are_to_hold() {
        let text = "# head\n\n@ cake\n> hi, I'm Ada\nname Ada\n= Ada | hi\n> who am I?\nrecall Ada\n";
        let mut all = Vec::new();
        parse(Language::English, text, &mut all).unwrap();
        let turn = |says: &str| Turn { says: says.into(), ..Turn::default() };
        let first = Turn {
            name: Some("Ada".into()),
            mentions: vec!["Ada".into(), "hi".into()],
            ..turn("hi, I'm Ada")
        };
        assert_eq!(all[0].turns, [first, Turn { recall: Some("Ada".into()), ..turn("who am I?") }]);
        assert!(parse(Language::English, "> hi\n", &mut Vec::new()).is_err());
        assert!(parse(Language::English, "@ a\n= hi\n", &mut Vec::new()).is_err());
    }

    #[test]
    fn there_are_forty_four_conversations_and_a_hundred_names() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../recipes/talk/held-out");
        let conversations = conversations(&folder).unwrap();
        for language in Language::ALL {
            assert_eq!(conversations.iter().filter(|it| it.language == language).count(), 22);
        }
        assert!(conversations.iter().all(|it| it.turns.len() >= 4));
        let names = names(&folder).unwrap();
        assert_eq!((names.len(), names.iter().filter(|it| !it.name.is_ascii()).count()), (100, 30));
        assert_eq!(names.iter().filter(|it| it.language == Language::English).count(), 50);
    }
}
