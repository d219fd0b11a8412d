//! The small talk from which the built-in models learn: our own exchanges and what is clean and short in public dialogue.
//!
//! Small models learn what they hear often. So most of what they hear are conversations drawn from our own forest, whose replies
//! are the ones that should come out; the rest is people talking, which teaches what else can be said and meant.
//!
//! A line of the files is `{"turns": […], "targets": […]}`. Targets are the places of the turns that are worth learning to *say*;
//! a model that reads a whole conversation as one text has no use for them. Dialogues are held out by whole conversations of
//! the public sets. The forest has no part in `test.jsonl`: what is drawn from it twice is nearly the same.
//!
//! Read next: `forest.rs`, `walk.rs`, `roughen.rs` for our own voice; `clean.rs`, `corpora.rs` for everybody else's.

mod clean;
mod corpora;
mod forest;
mod roughen;
mod walk;

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::chance::Chance;

/// Conversations drawn from our own small talk, unless told otherwise.
pub const DRAWS: usize = 40_000;

/// Our own small talk: the exchanges that the first model learnt, and those that came after.
const FOREST: [(&str, &str); 2] =
    [("seed.txt", include_str!("seed.txt")), ("more.txt", include_str!("more.txt"))];

/// How often each dialogue of a set is heard.
const REPEATS: [(&str, usize); 7] = [
    ("seed", 1),
    ("persona", 2),
    ("self", 1),
    ("topical", 1),
    ("rasa", 6),
    ("friendly", 12),
    ("chatterbot", 12),
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

/// Writes `train.jsonl`, `valid.jsonl` and `test.jsonl` into `out`; says on standard error what went in.
pub fn write(data: &Path, out: &Path, draws: usize, seed: u64) -> Result<()> {
    let mut chance = Chance::new(seed);
    let names = first_names(&data.join("text/names/names.txt"))?;
    let (chatterbot, questions) = corpora::chatterbot(data)?;
    ensure!(!questions.is_empty(), "the ChatterBot corpus has no questions; is {} complete?", data.display());

    // Whole conversations are held out, never stretches of one that is learnt from. The public validation split of the personas
    // is learnt from, since the public training split is not at hand; their test split is shared between the three files.
    let mut persona: Vec<Dialogue> = corpora::persona(data, "valid", &names)?.into_iter().flatten().collect();
    let mut strangers = corpora::persona(data, "test", &names)?;
    chance.shuffle(&mut strangers);
    let mut valid: Vec<Dialogue> = strangers.drain(..100).flatten().collect();
    let mut test: Vec<Dialogue> = strangers.drain(..200).flatten().collect();
    persona.extend(strangers.into_iter().flatten());
    let mut films = corpora::self_dialogue(data)?;
    chance.shuffle(&mut films);
    valid.extend(films.drain(..100));
    test.extend(films.drain(..200));

    let mut forest = forest::Forest::default();
    for (origin, text) in FOREST {
        forest.read(origin, text)?;
    }
    let walker = walk::Walker::new(&forest, &names, &questions);
    valid.extend((0..300).map(|_| walker.dialogue(&mut chance)));
    let drawn = (0..draws).map(|_| walker.dialogue(&mut chance)).collect();

    let pair = |set: &str| corpora::pairs(&data.join("dialogue").join(set));
    let sets = [
        ("seed", drawn),
        ("persona", persona),
        ("self", films),
        ("topical", corpora::topical(data)?),
        ("rasa", pair("rasa-smalltalk-en/pairs.tsv")?),
        ("friendly", pair("personality-chat-ms/friendly.tsv")?),
        ("chatterbot", chatterbot),
    ];
    let mut train = Vec::new();
    for ((name, dialogues), (known, repeats)) in sets.into_iter().zip(REPEATS) {
        assert_eq!(name, known);
        let words: usize = dialogues.iter().map(Dialogue::words).sum();
        eprintln!("{name}: {} dialogues, {words} words, {repeats} times", dialogues.len());
        for dialogue in &dialogues {
            for _ in 0..repeats {
                train.push(if name == "seed" { dialogue.clone() } else { typed(dialogue, &mut chance) });
            }
        }
    }
    chance.shuffle(&mut train);

    fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    for (name, dialogues) in [("train", &train), ("valid", &valid), ("test", &test)] {
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
