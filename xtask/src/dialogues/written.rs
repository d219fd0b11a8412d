//! Our own conversations, written out one by one in `recipes/talk`, and what is drawn from them.
//!
//! Each is drawn several times: with other names in its slots, typed by another hand, and now and then behind the end of another
//! conversation or with a stretch of one in its middle, so that what was told is asked for across other talk. The replies stay
//! as they were written. Whole situations are held out, never single lines.
//!
//! Read next: `slots.rs` for the names.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context, Result, bail, ensure};
use regex::Regex;

use super::Dialogue;
use super::slots::{self, Part, SLOT, Slots, Values};
use crate::chance::Chance;

/// A language that conversations are written in, by the name of its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    Portuguese,
    /// Both, with a change on the way.
    Mixed,
}

impl Language {
    pub const ALL: [Language; 3] = [Language::English, Language::Portuguese, Language::Mixed];

    pub fn folder(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Portuguese => "pt",
            Language::Mixed => "mixed",
        }
    }
}

/// A turn of a person and Papo's reply, with slots.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Exchange {
    says: String,
    reply: String,
}

#[derive(Clone, Debug)]
struct Conversation {
    language: Language,
    /// Theme and situation, as `07-music.txt/first-concert`.
    situation: String,
    exchanges: Vec<Exchange>,
}

/// All conversations.
#[derive(Debug, Default)]
pub struct Written {
    conversations: Vec<Conversation>,
    /// Ways to ask for a name that was told, and to answer: in English, in Portuguese.
    asked: [(Vec<String>, Vec<String>); 2],
}

/// One situation in so many is held out.
const HELD_OUT: u64 = 12;

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of this file compiles")
}

/// A turn that asks for something told before.
static RECALLS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bmy name\b.*\?|what('?s| is| was) my\b|who am i|remember|did i (say|tell)|i (said|told) you|forgot|\bmeu nome\b.*\?|lembra|como (eu )?me chamo|quem sou eu|eu (disse|falei|contei)|esqueceu",
    )
});
/// A turn that says who speaks.
static TELLS_NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(i'?m|i am|my name'?s?( is)?|name'?s|call me|this is|me chamo|(eu )?sou( o| a)?|meu nome é|aqui é( o| a)?|chamar de|me chamam de) \{[fm]?name\}|^\{[fm]?name\}[.!,]?( here| aqui)?",
    )
});
static GREETS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^(hi|hello|hey|good (morning|evening|afternoon|night)|oi|olá|ola|opa|alô|bom dia|boa (tarde|noite)|e aí|eai|salve|fala)\b",
    )
});
static PARTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\bbye\b|goodbye|see you|good night|tchau|até (logo|mais|amanhã)|boa noite|flw|falou")
});
static NAME: LazyLock<Regex> = LazyLock::new(|| pattern(r"\{[fm]?name2?\}"));

impl Written {
    /// Reads the conversations in the folders of all languages below `folder`.
    pub fn read(folder: &Path) -> Result<Written> {
        let mut written = Written::default();
        for language in Language::ALL {
            let folder = folder.join(language.folder());
            let failed = || format!("{} cannot be read", folder.display());
            let entries = fs::read_dir(&folder).with_context(failed)?;
            let mut paths = entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<Vec<_>, _>>()
                .with_context(failed)?;
            paths.sort();
            for path in
                paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
            {
                let text =
                    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
                let name =
                    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                written.parse(language, &name, &text)?;
            }
        }
        let path = folder.join("asked.txt");
        written
            .ask(&fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?)?;
        ensure!(!written.conversations.is_empty(), "{} holds no conversation", folder.display());
        Ok(written)
    }

    fn parse(&mut self, language: Language, file: &str, text: &str) -> Result<()> {
        let (mut situation, mut turns) = (String::new(), Vec::<&str>::new());
        for (number, line) in (1..).zip(text.lines().chain([""])) {
            let line = line.trim();
            match line.split_once(' ') {
                _ if line.is_empty() => {
                    if !turns.is_empty() {
                        ensure!(
                            turns.len() % 2 == 0,
                            "{file}:{number}: the conversation before does not end with a reply"
                        );
                        let exchanges = turns
                            .chunks(2)
                            .map(|both| Exchange { says: both[0].to_owned(), reply: both[1].to_owned() })
                            .collect();
                        self.conversations.push(Conversation {
                            language,
                            situation: situation.clone(),
                            exchanges,
                        });
                        turns.clear();
                    }
                }
                _ if line.starts_with('#') => {}
                Some(("@", slug)) => situation = format!("{file}/{slug}"),
                Some((mark @ (">" | "<"), turn)) => {
                    let expected = if turns.len() % 2 == 0 { ">" } else { "<" };
                    ensure!(
                        mark == expected,
                        "{file}:{number}: {expected:?} was expected, since the turns alternate"
                    );
                    turns.push(turn.trim());
                }
                _ => bail!("{file}:{number}: a line begins with one of # @ > <"),
            }
        }
        Ok(())
    }

    /// Reads `asked.txt`.
    fn ask(&mut self, text: &str) -> Result<()> {
        for (number, line) in
            (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        {
            let (language, mark, choices) = match line.split(' ').take(2).collect::<Vec<_>>()[..] {
                [language @ ("en" | "pt"), mark @ (">" | "<")] => {
                    (language, mark, &line[language.len() + 3..])
                }
                _ => bail!("asked.txt:{number}: a line begins with a language and > or <"),
            };
            let (questions, answers) = &mut self.asked[usize::from(language == "pt")];
            let list = if mark == ">" { questions } else { answers };
            list.extend(choices.split(" | ").map(|choice| choice.trim().to_owned()));
        }
        ensure!(
            self.asked.iter().all(|(questions, answers)| !questions.is_empty() && !answers.is_empty()),
            "asked.txt lacks a language"
        );
        Ok(())
    }

    fn part(&self, part: Part) -> impl Iterator<Item = &Conversation> {
        self.conversations.iter().filter(move |it| {
            let aside = slots::fingerprint(&it.situation).is_multiple_of(HELD_OUT);
            aside == (part == Part::Valid)
        })
    }

    /// Draws each conversation that is learnt from `draws` times, plain ones twice as often.
    pub fn train(&self, slots: &Slots, draws: usize, chance: &mut Chance) -> Result<Vec<Dialogue>> {
        let all: Vec<&Conversation> = self.part(Part::Train).collect();
        let mut drawn = Vec::new();
        for conversation in &all {
            for _ in 0..if conversation.is_plain() { 2 * draws } else { draws } {
                let mut exchanges: Vec<(Exchange, bool)> =
                    conversation.exchanges.iter().map(|exchange| (exchange.clone(), true)).collect();
                let other = *chance.pick(&all);
                let fits = other.language == conversation.language && !other.names_somebody();
                let recall = (1..exchanges.len()).rev().find(|&i| RECALLS.is_match(&exchanges[i].0.says));
                if let Some(place) = recall
                    && fits
                    && chance.happens(0.35)
                {
                    let most = other.exchanges.len().min(2);
                    let between = other.exchanges[..1 + chance.below(most)]
                        .iter()
                        .filter(|it| !PARTS.is_match(&it.says));
                    exchanges.splice(place..place, between.map(|exchange| (exchange.clone(), false)));
                } else if fits && !GREETS.is_match(&exchanges[0].0.says) && chance.happens(0.3) {
                    let most = other.exchanges.len().min(3);
                    let before = &other.exchanges[other.exchanges.len() - 1 - chance.below(most)..];
                    exchanges.splice(0..0, before.iter().map(|exchange| (exchange.clone(), false)));
                }
                drawn.push(dialogue(&exchanges, slots, Part::Train, Typing::ByHands, chance)?);
            }
        }
        Ok(drawn)
    }

    /// Draws each conversation of a part once, typed as it was written.
    pub fn as_written(&self, slots: &Slots, part: Part, chance: &mut Chance) -> Result<Vec<Dialogue>> {
        self.part(part)
            .map(|conversation| {
                let exchanges: Vec<(Exchange, bool)> =
                    conversation.exchanges.iter().map(|exchange| (exchange.clone(), true)).collect();
                dialogue(&exchanges, slots, part, Typing::AsWritten, chance)
            })
            .collect()
    }

    /// Draws `count` conversations in each language in which somebody tells a name, talks about something else for up to three
    /// exchanges, and asks for it.
    pub fn names(
        &self,
        slots: &Slots,
        part: Part,
        count: usize,
        chance: &mut Chance,
    ) -> Result<Vec<Dialogue>> {
        let mut drawn = Vec::new();
        let typing = if part == Part::Train { Typing::ByHands } else { Typing::AsWritten };
        for language in [Language::English, Language::Portuguese] {
            // Held out are the names, not the ways to tell them: of those there are too few in the situations that are held out.
            let all: Vec<&Conversation> =
                self.part(Part::Train).filter(|it| it.language == language).collect();
            let tells: Vec<&Exchange> =
                all.iter().map(|it| &it.exchanges[0]).filter(|it| it.tells_name()).collect();
            let (questions, answers) = &self.asked[usize::from(language == Language::Portuguese)];
            let others: Vec<&&Conversation> = all.iter().filter(|it| !it.names_somebody()).collect();
            ensure!(!tells.is_empty() && !others.is_empty(), "{} tells no name", language.folder());
            for _ in 0..count {
                let tell = (*chance.pick(&tells)).clone();
                let name = NAME.find(&tell.says).map_or("{name}", |slot| slot.as_str()).to_owned();
                let mut exchanges = vec![(tell, true)];
                let other = *chance.pick(&others);
                let between = other
                    .exchanges
                    .iter()
                    .filter(|it| !GREETS.is_match(&it.says) && !PARTS.is_match(&it.says));
                exchanges.extend(between.take(chance.below(4)).map(|exchange| (exchange.clone(), false)));
                let reply = chance.pick::<String>(answers).replace("{name}", &name);
                exchanges.push((Exchange { says: chance.pick::<String>(questions).clone(), reply }, true));
                drawn.push(dialogue(&exchanges, slots, part, typing, chance)?);
            }
        }
        Ok(drawn)
    }
}

impl Conversation {
    /// Whether its replies say plainly what is to be said; they are the ones to learn most from.
    fn is_plain(&self) -> bool {
        let (file, slug) = self.situation.split_once('/').unwrap_or_default();
        slug.starts_with("plain") || file.starts_with("21-") || file.starts_with("40-")
    }

    /// Whether a name or a question about one is in it, which another conversation would confuse.
    fn names_somebody(&self) -> bool {
        self.exchanges.iter().any(|it| {
            NAME.is_match(&it.says)
                || NAME.is_match(&it.reply)
                || RECALLS.is_match(&it.says)
                || it.reply.contains("name")
                || it.reply.contains("nome")
        })
    }
}

impl Exchange {
    fn tells_name(&self) -> bool {
        let slots: Vec<&str> = NAME.find_iter(&self.says).map(|slot| slot.as_str()).collect();
        TELLS_NAME.is_match(&self.says) && slots.len() == 1 && self.reply.contains(slots[0])
    }
}

/// The conversation with its slots filled; exchanges marked `false` are only read, not learnt to say.
fn dialogue(
    exchanges: &[(Exchange, bool)],
    slots: &Slots,
    part: Part,
    typing: Typing,
    chance: &mut Chance,
) -> Result<Dialogue> {
    let mut values = Values::new();
    for (exchange, _) in exchanges {
        slots.draw(&exchange.says, part, &mut values, chance)?;
        slots.draw(&exchange.reply, part, &mut values, chance)?;
    }
    let hand = if typing == Typing::ByHands { Hand::draw(chance) } else { Hand::default() };
    let mut drawn = Dialogue { turns: Vec::new(), targets: Vec::new() };
    for (exchange, learnt) in exchanges {
        drawn.turns.push(hand.types(&exchange.says, &values, chance));
        if *learnt {
            drawn.targets.push(drawn.turns.len());
        }
        drawn.turns.push(slots::filled(&exchange.reply, &values));
    }
    Ok(drawn)
}

/// Who types what a person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Typing {
    /// It stays as it was written.
    AsWritten,
    /// Somebody else in each conversation.
    ByHands,
}

/// How somebody types, all through a conversation.
#[derive(Clone, Copy, Debug, Default)]
struct Hand {
    /// Without capitals.
    lower: bool,
    /// Names, too.
    lower_names: bool,
    /// Without accents, but in names.
    plain: bool,
    /// Without a mark at the end.
    bare: bool,
    /// With round apostrophes, as telephones have them.
    round: bool,
}

impl Hand {
    fn draw(chance: &mut Chance) -> Hand {
        let lower = chance.happens(0.2);
        Hand {
            lower,
            lower_names: lower && chance.happens(0.4),
            plain: chance.happens(0.08),
            bare: chance.happens(0.2),
            round: chance.happens(0.15),
        }
    }

    /// A turn as this hand types it; what stands in slots keeps its letters, but for their case.
    fn types(self, text: &str, values: &Values, chance: &mut Chance) -> String {
        let mut typed = String::new();
        let mut rest = text;
        while let Some(slot) = SLOT.captures(rest) {
            let whole = slot.get(0).expect("a match");
            typed += &self.letters(&rest[..whole.start()]);
            let value = &values[&slot[1]];
            typed += &if self.lower_names { value.to_lowercase() } else { value.clone() };
            rest = &rest[whole.end()..];
        }
        typed += &self.letters(rest);
        if self.bare && chance.happens(0.8) {
            let end = typed.trim_end_matches(['.', '?', '!']).len();
            if end > 0 {
                typed.truncate(end);
            }
        }
        typed
    }

    fn letters(self, text: &str) -> String {
        let mut text = if self.lower { text.to_lowercase() } else { text.to_owned() };
        if self.plain {
            text = text.chars().map(without_accent).collect();
        }
        if self.round { text.replace('\'', "\u{2019}") } else { text }
    }
}

fn without_accent(letter: char) -> char {
    const PLAIN: [(&str, char); 12] = [
        ("áàãâ", 'a'),
        ("éê", 'e'),
        ("í", 'i'),
        ("óõô", 'o'),
        ("úü", 'u'),
        ("ç", 'c'),
        ("ÁÀÃÂ", 'A'),
        ("ÉÊ", 'E'),
        ("Í", 'I'),
        ("ÓÕÔ", 'O'),
        ("ÚÜ", 'U'),
        ("Ç", 'C'),
    ];
    PLAIN.iter().find(|(with, _)| with.contains(letter)).map_or(letter, |(_, plain)| *plain)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::held_out;
    use super::*;

    fn talk() -> (Written, Slots) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../recipes/talk");
        let aside = held_out::names(&folder).unwrap();
        (Written::read(&folder).unwrap(), Slots::read(&folder.join("slots"), aside).unwrap())
    }

    #[test]
    fn a_conversation_is_turns_that_alternate() {
        let mut written = Written::default();
        written
            .parse(Language::English, "a.txt", "# b\n@ rain\n> it rains\n< Take a coat.\n\n> oh\n< Yes.\n")
            .unwrap();
        assert_eq!(written.conversations.len(), 2);
        assert_eq!(written.conversations[1].situation, "a.txt/rain");
        for (text, line) in [("> a\n> b\n", "a.txt:2"), ("> a\n\n", "a.txt:2"), ("hello there\n", "a.txt:1")]
        {
            let error = written.parse(Language::English, "a.txt", text).unwrap_err().to_string();
            assert!(error.starts_with(line), "{error}");
        }
    }

    #[test]
    fn what_is_drawn_has_no_slot_left_and_whole_situations_are_held_out() {
        let (written, slots) = talk();
        let situations = |part| written.part(part).map(|it| it.situation.clone()).collect::<HashSet<_>>();
        assert!(situations(Part::Train).is_disjoint(&situations(Part::Valid)));
        let drawn = written.train(&slots, 1, &mut Chance::new(1)).unwrap();
        for Dialogue { turns, targets } in &drawn {
            assert!(
                turns.len().is_multiple_of(2)
                    && targets.iter().all(|place| place % 2 == 1 && *place < turns.len())
            );
            assert!(!turns.iter().any(|turn| SLOT.is_match(turn) || turn.is_empty()), "{turns:?}");
        }
        assert!(drawn.len() > 4000);
    }

    #[test]
    fn a_name_that_was_told_is_in_the_reply_that_is_asked_for() {
        let (written, slots) = talk();
        for part in [Part::Train, Part::Valid] {
            for Dialogue { turns, targets } in written.names(&slots, part, 200, &mut Chance::new(2)).unwrap()
            {
                assert_eq!(targets, [1, turns.len() - 1]);
                let told = turns[0].to_lowercase();
                let last = turns[turns.len() - 1].to_lowercase();
                let shared = last
                    .split(|letter: char| !letter.is_alphabetic() && letter != '\'')
                    .any(|word| told.contains(word));
                assert!(shared, "{turns:?}");
            }
        }
    }
}
