//! Fills the slots of written conversations, from lists and with made-up words: what is drawn anew each time can't be remembered, so
//! that a model has to copy it.
//!
//! Read next: `written.rs`, which holds the conversations with the slots.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context, Result, bail, ensure};
use regex::Regex;

use super::roughen::capitalised;
use crate::chance::Chance;

pub static SLOT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\{(\w+)\}").expect("a pattern of this file compiles"));

/// How often a name is one that nobody has.
const MADE_UP: f64 = 0.45;

/// Whether what is drawn is learnt from or measured by: a tenth of each list is kept for measuring, and only that is drawn then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Train,
    Valid,
}

/// The values of the slots of one conversation.
pub type Values = HashMap<String, String>;

/// The lists that slots are filled from.
pub struct Slots {
    lists: HashMap<&'static str, [Vec<String>; 2]>,
    /// Names, in lower case, that are never drawn.
    kept_aside: HashSet<String>,
}

impl Slots {
    /// Reads the lists of a folder; none of the names `kept_aside` (in lower case) is ever drawn.
    pub fn read(folder: &Path, kept_aside: HashSet<String>) -> Result<Slots> {
        let mut lists = HashMap::new();
        for name in ["women", "men", "surnames", "pets", "cities"] {
            let path = folder.join(format!("{name}.txt"));
            let text =
                fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            let separator = if name == "cities" { ';' } else { ' ' };
            let values = text.split([separator, '\n']).map(str::trim).filter(|value| !value.is_empty());
            let known = values.filter(|value| !kept_aside.contains(&value.to_lowercase()));
            let (valid, train): (Vec<String>, Vec<String>) =
                known.map(str::to_owned).partition(|value: &String| fingerprint(value).is_multiple_of(10));
            ensure!(
                !train.is_empty() && !valid.is_empty(),
                "{} is too short to learn from and to measure by",
                path.display()
            );
            lists.insert(name, [train, valid]);
        }
        Ok(Slots { lists, kept_aside })
    }

    /// Draws a value for each slot that `text` has and `values` lacks; no two slots of a conversation are filled alike.
    pub fn draw(&self, text: &str, part: Part, values: &mut Values, chance: &mut Chance) -> Result<()> {
        for slot in SLOT.captures_iter(text) {
            if values.contains_key(&slot[1]) {
                continue;
            }
            let mut value = self.value(&slot[1], part, chance)?;
            while values.values().any(|other| *other == value)
                || self.kept_aside.contains(&value.to_lowercase())
            {
                value = self.value(&slot[1], part, chance)?;
            }
            values.insert(slot[1].to_owned(), value);
        }
        Ok(())
    }

    fn value(&self, slot: &str, part: Part, chance: &mut Chance) -> Result<String> {
        let slot = slot.trim_end_matches('2');
        let list = |name: &str| &self.lists[name][usize::from(part == Part::Valid)];
        let person = |name: &str, chance: &mut Chance| match chance.share() {
            dice if dice < MADE_UP / 2.0 => blended(list(name), chance),
            dice if dice < MADE_UP => made_up(2 + chance.below(2), chance),
            _ => chance.pick(list(name)).clone(),
        };
        Ok(match slot {
            "name" => {
                let name = chance.word(&["women", "men"]);
                person(name, chance)
            }
            "fname" => person("women", chance),
            "mname" => person("men", chance),
            "surname" => person("surnames", chance),
            "pet" => person("pets", chance),
            "city" if chance.happens(0.3) => made_up(2 + chance.below(2), chance),
            "city" => chance.pick(list("cities")).clone(),
            "word" => made_up(1 + chance.below(3), chance),
            "age" => (5 + chance.below(86)).to_string(),
            "number" => (2 + chance.below(59)).to_string(),
            other => {
                bail!("{{{other}}} is no slot; they are listed in the README of the written conversations")
            }
        })
    }
}

/// The text with its slots filled.
pub fn filled(text: &str, values: &Values) -> String {
    SLOT.replace_all(text, |slot: &regex::Captures<'_>| values[&slot[1]].clone()).into_owned()
}

/// A number that a text always has (FNV-1a).
pub fn fingerprint(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The beginning of one name and the end of another.
fn blended(names: &[String], chance: &mut Chance) -> String {
    let half = |name: &str, chance: &mut Chance| {
        let letters: Vec<char> = name.chars().collect();
        let cut = (letters.len() / 2 + chance.below(2)).clamp(1, letters.len().max(2) - 1);
        (letters[..cut].iter().collect::<String>(), letters[cut..].iter().collect::<String>())
    };
    let (begin, _) = half(chance.pick::<String>(names), chance);
    let (_, end) = half(chance.pick::<String>(names), chance);
    capitalised(&(begin + &end.to_lowercase()))
}

/// A word of so many syllables that is in no list, some of them with accents.
fn made_up(syllables: usize, chance: &mut Chance) -> String {
    const BEGIN: [&str; 40] = [
        "b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "x", "y", "z",
        "br", "cl", "cr", "dr", "fl", "gr", "pr", "tr", "ch", "sh", "th", "lh", "nh", "qu", "st", "", "",
        "m", "l", "t",
    ];
    const MIDDLE: [&str; 24] = [
        "a", "e", "i", "o", "u", "a", "e", "i", "o", "u", "a", "e", "o", "ia", "ei", "ou", "á", "é", "í",
        "ó", "ã", "ê", "ô", "ú",
    ];
    const END: [&str; 12] = ["", "", "", "", "n", "r", "l", "s", "m", "k", "z", "nd"];
    let mut word = String::new();
    for _ in 0..syllables {
        word += chance.word(&BEGIN);
        word += chance.word(&MIDDLE);
        word += chance.word(&END);
    }
    if word.chars().count() < 3 { capitalised(&(word + "na")) } else { capitalised(&word) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(folder: &Path) -> Slots {
        let many = |begin: &str, separator: &str| {
            (0..60).map(|number| format!("{begin}{number}")).collect::<Vec<_>>().join(separator)
        };
        for name in ["women", "men", "surnames", "pets"] {
            fs::write(folder.join(format!("{name}.txt")), many("Bruna", " ")).unwrap();
        }
        fs::write(folder.join("cities.txt"), many("Porto ", "; ")).unwrap();
        Slots::read(folder, HashSet::from(["bruna7".to_owned()])).unwrap()
    }

    #[test]
    fn a_slot_keeps_its_value_and_shares_it_with_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let slots = slots(folder.path());
        let mut chance = Chance::new(1);
        for _ in 0..200 {
            let mut values = Values::new();
            slots.draw("{name} {name2} {fname} {city}", Part::Train, &mut values, &mut chance).unwrap();
            let before = values.clone();
            slots.draw("{name} {age}", Part::Train, &mut values, &mut chance).unwrap();
            assert!(before.iter().all(|(slot, value)| values[slot] == *value));
            let distinct: HashSet<&String> = values.values().collect();
            assert_eq!(distinct.len(), values.len());
            assert!(values.values().all(|value| value.to_lowercase() != "bruna7"), "{values:?}");
            assert!(!filled("{name}, {city}", &values).contains('{'));
        }
        assert!(slots.draw("{nome}", Part::Train, &mut Values::new(), &mut chance).is_err());
    }

    #[test]
    fn what_is_kept_for_measuring_is_never_drawn_for_learning() {
        let folder = tempfile::tempdir().unwrap();
        let slots = slots(folder.path());
        assert!(slots.lists.values().all(|[train, valid]| train.iter().all(|value| !valid.contains(value))));
        assert!(slots.lists.values().all(|[train, valid]| !train.is_empty() && !valid.is_empty()));
    }

    #[test]
    fn made_up_words_differ_and_have_accents_now_and_then() {
        let mut chance = Chance::new(2);
        let words: HashSet<String> = (0..1000).map(|_| made_up(2, &mut chance)).collect();
        assert!(words.len() > 900);
        assert!((100..700).contains(&words.iter().filter(|word| !word.is_ascii()).count()));
        assert!(words.iter().all(|word| word.chars().count() >= 3 && word.starts_with(char::is_uppercase)));
    }
}
