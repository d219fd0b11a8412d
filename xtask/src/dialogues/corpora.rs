//! Reads the public dialogue sets, each in its own form, and cuts them into clean stretches.
//!
//! Each set is permissively licensed; `built-in/README.md` credits them.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context, Result};
use regex::Regex;
use serde::Deserialize;

use super::Dialogue;
use super::clean::{is_clean, is_odd, is_sayable, is_unsafe, polish, tidy};

/// The longest turn in words that is learnt from. Longer ones are essays, not small talk.
const MOST_WORDS: usize = 22;

#[derive(Deserialize)]
struct Line {
    #[serde(default, alias = "category")]
    topic: String,
    turns: Vec<String>,
}

fn lines(path: &Path) -> Result<Vec<Line>> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    (1..)
        .zip(text.lines())
        .map(|(number, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("{}:{number} is not a dialogue", path.display()))
        })
        .collect()
}

/// The clean stretches of a conversation of at least `least` turns, polished; every turn after the first that Papo could say is a
/// target.
fn stretches(turns: &[String], least: usize) -> Vec<Dialogue> {
    let tidied: Vec<String> = turns.iter().map(|turn| tidy(turn)).collect();
    tidied
        .split(|turn| !is_clean(turn, MOST_WORDS))
        .filter(|stretch| stretch.len() >= least)
        .map(|stretch| {
            let turns: Vec<String> = stretch.iter().map(|turn| polish(turn)).collect();
            let targets = (1..turns.len()).filter(|&i| is_sayable(&turns[i])).collect();
            Dialogue { turns, targets }
        })
        .filter(|dialogue| !dialogue.targets.is_empty())
        .collect()
}

/// Synthetic-Persona-Chat, one of `valid` and `test`: whole conversations between strangers. The second speaker is called Papo where
/// the set has left a blank.
pub fn persona(folder: &Path, part: &str, names: &[String]) -> Result<Vec<Vec<Dialogue>>> {
    static BLANK: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\[?\b(?:user|person|your|my) ?([12]?)(?:'s)? ?name\]|\[user ?([12])\]")
            .expect("a pattern")
    });
    let read = lines(&folder.join(format!("dialogue/synthetic-persona-chat/{part}.jsonl")))?;
    let named = read.into_iter().enumerate().map(|(number, line)| {
        let name = super::roughen::capitalised(&names[number % names.len().min(500)]);
        let fill = |turn: &String| {
            let filled = BLANK.replace_all(turn, |blank: &regex::Captures<'_>| {
                let who = blank.get(1).or(blank.get(2)).map_or("1", |who| who.as_str());
                if who == "2" { "Papo".to_owned() } else { name.clone() }
            });
            filled.into_owned()
        };
        stretches(&line.turns.iter().map(fill).collect::<Vec<_>>(), 3)
    });
    Ok(named.filter(|stretches| !stretches.is_empty()).collect())
}

/// The Self-dialogue Corpus: films, music and sport. Whole conversations of short turns only; of sport, every fourth.
pub fn self_dialogue(folder: &Path) -> Result<Vec<Dialogue>> {
    let sport = ["nfl_football", "baseball", "basketball", "icehockey", "fast_furious"];
    let read = lines(&folder.join("dialogue/self-dialogue/dialogues.jsonl"))?;
    let kept = read
        .iter()
        .enumerate()
        .filter(|(number, line)| !sport.contains(&line.topic.as_str()) || number % 4 == 0);
    let short = kept.filter(|(_, line)| {
        let words: usize = line.turns.iter().map(|turn| turn.split_whitespace().count()).sum();
        words <= 11 * line.turns.len()
    });
    Ok(short.flat_map(|(_, line)| stretches(&line.turns, 5)).collect())
}

/// Question-and-answer files: what a chatbot may be asked, and a short answer.
pub fn pairs(path: &Path) -> Result<Vec<Dialogue>> {
    static OTHERS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)developer|cortana|siri|alexa|name ?tag|birthday|microsoft|internet connection")
            .expect("a pattern")
    });
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let both = text.lines().filter_map(|line| line.split_once('\t'));
    let read = both.map(|(question, answer)| (tidy(question), polish(&tidy(answer))));
    let kept = read.filter(|(question, answer)| {
        !question.is_empty()
            && !is_odd(answer)
            && !is_odd(question)
            && !is_unsafe(question)
            && !is_unsafe(answer)
            && !OTHERS.is_match(answer)
    });
    Ok(kept.map(|(question, answer)| Dialogue { turns: vec![question, answer], targets: vec![1] }).collect())
}

/// The English part of the ChatterBot corpus: exchanges that Papo could have, and questions that it cannot answer.
pub fn chatterbot(folder: &Path) -> Result<(Vec<Dialogue>, Vec<String>)> {
    let read = lines(&folder.join("dialogue/chatterbot-corpus/english.jsonl"))?;
    let own = ["greetings", "conversations", "food", "movies"];
    let exchanges = read.iter().filter(|line| own.contains(&line.topic.as_str()));
    let exchanges = exchanges.flat_map(|line| stretches(&line.turns[..line.turns.len().min(2)], 2)).collect();
    let unknown = ["trivia", "coding", "science", "history", "literature"];
    let questions =
        read.iter().filter(|line| unknown.contains(&line.topic.as_str())).map(|line| tidy(&line.turns[0]));
    let questions = questions.filter(|q| q.ends_with('?') && is_clean(q, 16)).collect();
    Ok((exchanges, questions))
}
