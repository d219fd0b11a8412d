//! The small talk from which the built-in models learn: our own exchanges and what is clean and short in public dialogue.
//!
//! Small models learn what they hear often. So most of what they hear are our own conversations, written out one by one in English
//! and Portuguese, whose replies are the ones that should come out, and a few from an older forest of exchanges; the rest is people
//! talking, which teaches what else can be said and meant.
//!
//! A line of the files is `{"turns": […], "targets": […]}`. Targets are the places of the turns that are worth learning to *say*;
//! a model that reads a whole conversation as one text has no use for them. Dialogues are held out by whole conversations of
//! the public sets and whole situations of our own. `test.jsonl` holds public ones alone, the same ever since there is a lineage.
//! `ours.jsonl` holds each of our own conversations that is learnt from once, as it was written: what may be stored word for word.
//! `ours.jsonl` holds each of our own conversations once; `names.jsonl` those in which a name is told and asked for, from which a network
//! learns to copy before it learns to talk.
//! The Portuguese part of the ChatterBot corpus was looked at and left out: its 294 answers are love declarations, boasts and trivia.
//!
//! Read next: `written.rs`, `slots.rs` for our own voice; `forest.rs`, `walk.rs`, `roughen.rs` for the older one; `clean.rs`,
//! `corpora.rs` for everybody else's.

mod clean;
mod corpora;
mod forest;
mod held_out;
mod roughen;
mod slots;
mod walk;
mod written;

use std::collections::HashMap;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::chance::Chance;

/// How often each of our own conversations is drawn, unless told otherwise.
pub const DRAWS: usize = 6;

/// Conversations in each language in which a name is told and asked for, and conversations drawn from the forest, for each of `DRAWS`.
const NAMES: usize = 1000;
const FOREST_WALKS: usize = 500;

/// Our own small talk: the exchanges that the first model learnt, and those that came after.
const FOREST: [(&str, &str); 2] =
    [("seed.txt", include_str!("seed.txt")), ("more.txt", include_str!("more.txt"))];

/// Public conversations of each set to measure by, while training.
const VALID: usize = 40;

/// How often each dialogue of a set is heard.
const REPEATS: [(&str, usize); 8] = [
    ("talk", 1),
    ("names", 1),
    ("seed", 1),
    ("persona", 1),
    ("self", 1),
    ("rasa", 2),
    ("friendly", 3),
    ("chatterbot", 3),
];

/// A conversation and the places of the turns that a model may learn to say.
#[derive(Clone, Debug, Serialize)]
pub struct Dialogue {
    pub turns: Vec<String>,
    pub targets: Vec<usize>,
}

impl Dialogue {
    fn words(&self) -> usize {
        self.turns.iter().map(|turn| turn.split_whitespace().count()).sum()
    }
}

/// Writes `train.jsonl`, `valid.jsonl`, `test.jsonl`, `ours.jsonl`, `names.jsonl` and `names-valid.jsonl` into `out`; says on standard error what went in. Our own conversations are
/// in the folder `talk`, the public ones in `data`.
pub fn write(data: &Path, talk: &Path, out: &Path, draws: usize, seed: u64) -> Result<()> {
    let mut chance = Chance::new(seed);
    let held_out = held_out::names(talk)?;
    let all_names = first_names(&data.join("text/names/names.txt"))?;
    let (chatterbot, questions) = corpora::chatterbot(data)?;
    ensure!(!questions.is_empty(), "the ChatterBot corpus has no questions; is {} complete?", data.display());

    // Whole conversations are held out, never stretches of one that is learnt from. The public validation split of the personas
    // is learnt from, since the public training split is not at hand; their test split is shared between the three files.
    let mut persona: Vec<Dialogue> =
        corpora::persona(data, "valid", &all_names)?.into_iter().flatten().collect();
    let mut strangers = corpora::persona(data, "test", &all_names)?;
    chance.shuffle(&mut strangers);
    let mut valid: Vec<Dialogue> = strangers.drain(..100).take(VALID).flatten().collect();
    let test_strangers: Vec<Dialogue> = strangers.drain(..200).flatten().collect();
    persona.extend(strangers.into_iter().flatten());
    let mut films = corpora::self_dialogue(data)?;
    chance.shuffle(&mut films);
    valid.extend(films.drain(..100).take(VALID));
    let test: Vec<Dialogue> = test_strangers.into_iter().chain(films.drain(..200)).collect();

    let slots = slots::Slots::read(&talk.join("slots"), held_out.clone())?;
    let written = written::Written::read(talk)?;
    valid.extend(written.as_written(&slots, slots::Part::Valid, &mut chance)?);
    let names_valid = written.names(&slots, slots::Part::Valid, 2 * VALID, &mut chance)?;
    valid.extend(names_valid.iter().cloned());

    let mut forest = forest::Forest::default();
    for (origin, text) in FOREST {
        forest.read(origin, text)?;
    }
    let known: Vec<String> = all_names.into_iter().filter(|name| !held_out.contains(name)).collect();
    let walker = walk::Walker::new(&forest, &known, &questions);
    let walks = (0..draws * FOREST_WALKS).map(|_| walker.dialogue(&mut chance)).collect();

    let pair = |set: &str| corpora::pairs(&data.join("dialogue").join(set));
    let sets = [
        ("talk", written.train(&slots, draws, &mut chance)?),
        ("names", written.names(&slots, slots::Part::Train, draws * NAMES, &mut chance)?),
        ("seed", walks),
        ("persona", worth_learning(persona)),
        ("self", worth_learning(films.into_iter().step_by(3).collect())),
        ("rasa", pair("rasa-smalltalk-en/pairs.tsv")?),
        ("friendly", pair("personality-chat-ms/friendly.tsv")?),
        ("chatterbot", chatterbot),
    ];
    let (mut train, mut names) = (Vec::new(), Vec::new());
    for ((name, mut dialogues), (known, repeats)) in sets.into_iter().zip(REPEATS) {
        assert_eq!(name, known);
        let before = dialogues.len();
        dialogues.retain(|dialogue| !held_out::is_named(dialogue, &held_out));
        let words: usize = dialogues.iter().map(Dialogue::words).sum();
        let targets: usize = dialogues.iter().map(|dialogue| dialogue.targets.len()).sum();
        eprintln!(
            "{name}: {} dialogues ({} with a name that is held out are left away), {targets} turns worth saying, {words} words, \
             {repeats} times",
            dialogues.len(),
            before - dialogues.len()
        );
        if name == "names" {
            names = dialogues.clone();
        }
        let ours = ["talk", "names", "seed"].contains(&name);
        for dialogue in &dialogues {
            for _ in 0..repeats {
                train.push(if ours { dialogue.clone() } else { typed(dialogue, &mut chance) });
            }
        }
    }
    chance.shuffle(&mut train);
    // With dice of its own, so that the other files do not depend on it.
    let mut ours = written.as_written(&slots, slots::Part::Train, &mut Chance::new(seed))?;
    ours.retain(|dialogue| !held_out::is_named(dialogue, &held_out));

    fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    let files = [
        ("train", &train),
        ("valid", &valid),
        ("test", &test),
        ("ours", &ours),
        ("names", &names),
        ("names-valid", &names_valid),
    ];
    for (name, dialogues) in files {
        save(&out.join(format!("{name}.jsonl")), dialogues)?;
        let words: usize = dialogues.iter().map(Dialogue::words).sum();
        let turns: usize = dialogues.iter().map(|dialogue| dialogue.turns.len()).sum();
        let targets: usize = dialogues.iter().map(|dialogue| dialogue.targets.len()).sum();
        eprintln!(
            "{name}.jsonl: {} dialogues, {turns} turns ({targets} worth saying), {words} words",
            dialogues.len()
        );
    }
    Ok(())
}

/// How often one and the same public reply is learnt. What everybody says ("What do you like to do for fun?") is what a model would say
/// to everybody.
const SAME: usize = 3;

/// Dialogues with fewer targets: only replies that a good listener could have given, none of them too often.
fn worth_learning(dialogues: Vec<Dialogue>) -> Vec<Dialogue> {
    let mut said: HashMap<String, usize> = HashMap::new();
    let kept = dialogues.into_iter().filter_map(|mut dialogue| {
        let Dialogue { turns, targets } = &mut dialogue;
        targets.retain(|&place| {
            if !clean::listens(&turns[place - 1], &turns[place]) {
                return false;
            }
            let times = said.entry(turns[place].to_lowercase()).or_default();
            *times += 1;
            *times <= SAME
        });
        // What comes after the last target teaches nothing.
        turns.truncate(targets.last()? + 1);
        Some(dialogue)
    });
    kept.collect()
}

/// Somebody else's conversation as Papo would meet it: in a third of them the first speaker is a user who types as users do.
fn typed(dialogue: &Dialogue, chance: &mut Chance) -> Dialogue {
    if !chance.happens(0.35) {
        return dialogue.clone();
    }
    let mut typed = dialogue.clone();
    for turn in typed.turns.iter_mut().step_by(2) {
        *turn = roughen::roughen(turn.trim_end_matches('.'), chance);
    }
    let replies: Vec<usize> = typed.targets.iter().copied().filter(|place| place % 2 == 1).collect();
    if replies.is_empty() {
        return dialogue.clone();
    }
    typed.targets = replies;
    typed
}

fn save(path: &Path, dialogues: &[Dialogue]) -> Result<()> {
    let file = fs::File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
    let mut file = BufWriter::new(file);
    for dialogue in dialogues {
        serde_json::to_writer(&mut file, dialogue)?;
        file.write_all(b"\n")?;
    }
    file.flush().with_context(|| format!("{} cannot be written", path.display()))
}

/// First names, from common to rare, that are neither very short nor very long.
fn first_names(path: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(text.split_whitespace().filter(|name| (3..=9).contains(&name.len())).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_says_is_learnt_a_few_times() {
        let dialogue = || Dialogue {
            turns: ["I like soup.", "What do you do for fun?", "I ski.", "Where do you ski?"]
                .map(str::to_owned)
                .to_vec(),
            targets: vec![1],
        };
        assert_eq!(worth_learning((0..10).map(|_| dialogue()).collect()).len(), SAME);
        assert_eq!(
            worth_learning(vec![dialogue()])[0].turns.len(),
            2,
            "what comes after the last target goes"
        );
    }

    #[test]
    fn our_own_small_talk_draws_clean_conversations() {
        let mut forest = forest::Forest::default();
        for (origin, text) in FOREST {
            forest.read(origin, text).unwrap();
        }
        let names = ["anna".to_owned(), "paulo".to_owned()];
        let questions = ["Who wrote Hamlet?".to_owned()];
        let walker = walk::Walker::new(&forest, &names, &questions);
        let mut chance = Chance::new(1);
        for _ in 0..2000 {
            let dialogue = walker.dialogue(&mut chance);
            for &place in &dialogue.targets {
                let reply = &dialogue.turns[place];
                assert!(!reply.contains(['{', '}', '|', '(']), "{reply}");
                assert!(reply.ends_with(['.', '!', '?', '"']), "{reply}");
                assert!(
                    reply.starts_with(|c: char| c.is_uppercase() || c == '"' || c.is_numeric()),
                    "{reply}"
                );
            }
        }
    }
}
