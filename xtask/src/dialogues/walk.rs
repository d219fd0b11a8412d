//! Draws conversations from the forest: a dialogue is a walk through a few trees, so that a reply is learnt in front of any
//! history, and a follow-up only behind its own question.
//!
//! Read next: `roughen.rs` for what a user's turn goes through.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::Dialogue;
use super::forest::{Forest, Place};
use super::roughen::{capitalised, roughen};
use crate::chance::Chance;

const GREETINGS: [&str; 9] =
    ["hi", "hello", "hey", "hi papo", "hello papo", "hi there", "hi chat", "hello chat", "good morning"];

const ASK_NAME: [&str; 9] = [
    "what is my name?",
    "what's my name?",
    "do you know my name?",
    "do you remember my name?",
    "who am I?",
    "say my name",
    "can you tell me my name?",
    "so what is my name?",
    "did I tell you my name?",
];

/// What nearly everybody tries first, and must work.
const FIRST: [&str; 25] = [
    "how_are_you",
    "name",
    "my_name",
    "are_you_robot",
    "age",
    "from",
    "hobbies",
    "skills",
    "music",
    "movies",
    "food",
    "weather",
    "joke",
    "thanks",
    "do_you_like_food",
    "seen_film",
    "insult",
    "love_you",
    "feeling_bad",
    "like_me",
    "live",
    "my_film",
    "my_music",
    "my_food",
    "whats_up",
];

const NAMES: [&str; 3] = ["name", "my_name", "my_name_unknown"];

/// Questions that only their own tree understands.
const VAGUE: [&str; 5] =
    ["Do you like it?", "Did you like it?", "Do you enjoy it?", "What do you think?", "What is it?"];

/// How many turns back a name may have been told when the user asks for it: the models see six turns.
const MEMORY: usize = 5;

static SLOT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\{(\w+)\}").expect("a pattern of this file compiles"));
static A: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b([Aa]) ([aeioAEIO])").expect("a pattern of this file compiles"));

/// The forest with everything that drawing needs.
pub struct Walker<'a> {
    forest: &'a Forest,
    names: &'a [String],
    questions: &'a [String],
    openings: Vec<usize>,
    closings: Vec<usize>,
    anywhere: Vec<(usize, f64)>,
    /// Under each question that a reply ends in: what may be answered to it.
    answers: HashMap<String, Vec<usize>>,
}

type Values = HashMap<String, String>;

impl<'a> Walker<'a> {
    /// Prepares the forest; `names` run from common to rare, `questions` are ones that Papo cannot answer.
    pub fn new(forest: &'a Forest, names: &'a [String], questions: &'a [String]) -> Walker<'a> {
        let at =
            |place| forest.roots.iter().copied().filter(|&root| forest.nodes[root].place == place).collect();
        let (openings, middles, closings): (Vec<_>, Vec<_>, Vec<_>) =
            (at(Place::Opening), at(Place::Middle), at(Place::Closing));
        let favoured =
            |root: usize| if FIRST.contains(&forest.nodes[root].name.as_str()) { 2.5 } else { 1.0 };
        // Broad exchanges (many slots, many phrasings, long trees) need more showing than a one-liner.
        let broad = middles
            .iter()
            .map(|&root| (root, (1.0 + 0.15 * size(forest, root).min(12) as f64) * favoured(root)));
        let anywhere = broad.chain(openings.iter().map(|&root| (root, favoured(root)))).collect();
        let mut answers: HashMap<String, Vec<usize>> = HashMap::new();
        for node in &forest.nodes {
            for question in node.replies.iter().filter_map(|reply| question_of(reply)) {
                let known = answers.entry(question.to_owned()).or_default();
                let fresh: Vec<_> =
                    node.follows.iter().filter(|follow| !known.contains(follow)).copied().collect();
                known.extend(fresh);
            }
        }
        Walker { forest, names, questions, openings, closings, anywhere, answers }
    }

    /// Draws a conversation: the user's turns at even places, Papo's replies at odd ones.
    pub fn dialogue(&self, chance: &mut Chance) -> Dialogue {
        let mut roots = Vec::new();
        if chance.happens(0.35) {
            roots.push(*chance.pick(&self.openings));
        }
        for _ in 0..*chance.pick(&[1, 1, 2, 2, 3, 4]) {
            roots.push(self.anywhere[chance.weighted(self.anywhere.iter().map(|(_, weight)| *weight))].0);
        }
        if chance.happens(0.15) {
            roots.push(*chance.pick(&self.closings));
        }
        let (mut turns, mut name, mut told) = (Vec::new(), None, 0);
        let mut last: Vec<usize> = Vec::new();
        for root in roots {
            let node = &self.forest.nodes[root];
            let about_names = NAMES.contains(&node.name.as_str());
            if about_names && name.is_some() {
                continue;
            }
            let (start, middle) = (turns.len(), node.place == Place::Middle);
            let mut opening = None;
            if turns.is_empty() && middle && chance.happens(0.12) {
                opening = Some(chance.word(&GREETINGS).to_owned());
            } else if !turns.is_empty() && middle && !last.is_empty() && chance.happens(0.15) {
                // People answer Papo's question and ask their own in one breath; the newer question counts.
                let answer = self.user_turn(*chance.pick(&last), &mut Values::new(), chance);
                opening = Some(answer.trim_end_matches(['?', '!', '.']).to_owned());
            }
            let mut values = Values::new();
            let template = self.walk(root, &mut turns, &mut values, opening, chance);
            last = question_of(&template)
                .and_then(|question| self.answers.get(question))
                .cloned()
                .unwrap_or_default();
            if about_names && let Some(value) = values.get("name") {
                let place = (start..turns.len())
                    .step_by(2)
                    .find(|&i| turns[i].to_lowercase().contains(&value.to_lowercase()));
                if let Some(place) = place {
                    (name, told) = (Some(value.clone()), place);
                }
            }
        }
        if let Some(name) = name
            && turns.len() - told <= MEMORY
            && chance.happens(0.5)
        {
            turns.push(roughen(chance.word(&ASK_NAME), chance));
            turns.push(format!("Your name is {name}!"));
        }
        let targets = (1..turns.len()).step_by(2).collect();
        Dialogue { turns, targets }
    }

    /// Appends a tree's turns: its root, then follow-ups most of the time; `opening` goes before the first user turn.
    /// Gives the last reply as it is written in the file.
    fn walk(
        &self,
        root: usize,
        turns: &mut Vec<String>,
        values: &mut Values,
        opening: Option<String>,
        chance: &mut Chance,
    ) -> String {
        let (mut place, mut opening) = (root, opening);
        loop {
            let node = &self.forest.nodes[place];
            let mut user = self.user_turn(place, values, chance);
            let template = chance.pick(&node.replies).clone();
            // An answer shared between trees may speak of something that this conversation has not named.
            if SLOT.captures_iter(&template).any(|slot| !values.contains_key(&slot[1])) {
                return template;
            }
            let reply = capitalised(&A.replace_all(&self.fill(&template, values, chance), "${1}n $2"));
            let mut greeting = "";
            if let Some(before) = opening.take() {
                user = format!("{before}{}{user}", chance.word(&[", ", "! ", ". ", " "]));
                let greets = ["Hi", "Hello", "Good "].iter().any(|hello| reply.starts_with(hello));
                if turns.is_empty() && !greets && node.place == Place::Middle {
                    greeting = chance.word(&["Hi! ", "Hello! "]);
                }
            }
            turns.push(roughen(&user, chance));
            turns.push(format!("{greeting}{reply}"));
            let shared = question_of(&template).and_then(|question| self.answers.get(question));
            let shared = shared.into_iter().flatten().filter(|follow| !node.follows.contains(follow));
            let follows: Vec<usize> =
                node.follows.iter().chain(&node.follows).chain(shared).copied().collect();
            if follows.is_empty() || !chance.happens(0.8) {
                return template;
            }
            place = *chance.pick(&follows);
        }
    }

    /// Something that a user may say at this node, its slots filled; richer phrasings are drawn more often.
    fn user_turn(&self, node: usize, values: &mut Values, chance: &mut Chance) -> String {
        let says = &self.forest.nodes[node].says;
        let place = chance.weighted(says.iter().map(|say| (variants(say) as f64).sqrt()));
        let text = expand(&says[place], chance);
        self.fill(&text, values, chance)
    }

    /// Puts values for the slots; a slot keeps its value through `values`.
    fn fill(&self, text: &str, values: &mut Values, chance: &mut Chance) -> String {
        let mut filled = text.to_owned();
        for slot in SLOT.captures_iter(text) {
            let value = match values.get(&slot[1]) {
                Some(value) => value.clone(),
                None => self.value(&slot[1], chance),
            };
            filled = filled.replace(&slot[0], &value);
            values.insert(slot[1].to_owned(), value);
        }
        filled
    }

    fn value(&self, slot: &str, chance: &mut Chance) -> String {
        match slot {
            // The common names are met more often, as in life.
            "name" => capitalised(&self.names[(self.names.len() as f64 * chance.share().powi(3)) as usize]),
            "question" => chance.pick(self.questions).clone(),
            "gibberish" => gibberish(chance),
            _ => chance.pick(&self.forest.slots[slot]).clone(),
        }
    }
}

fn gibberish(chance: &mut Chance) -> String {
    let letters = chance.word(&["abcdefghijklmnopqrstuvwxyz", "asdfghjkl", "qwertyuiop"]).as_bytes();
    let words: Vec<String> = (0..*chance.pick(&[1, 1, 2, 3]))
        .map(|_| (0..3 + chance.below(7)).map(|_| char::from(*chance.pick(letters))).collect())
        .collect();
    words.join(" ")
}

/// Draws one branch of each `(a|b)`, innermost first; `\(` stands for itself.
fn expand(text: &str, chance: &mut Chance) -> String {
    let mut text = text.replace("\\(", "\u{1}").replace("\\)", "\u{2}");
    while let Some(end) = text.find(')') {
        let Some(start) = text[..end].rfind('(') else { break };
        let branches: Vec<&str> = text[start + 1..end].split('|').collect();
        let branch = chance.word(&branches).to_owned();
        text.replace_range(start..=end, &branch);
    }
    text.replace('\u{1}', "(").replace('\u{2}', ")").trim().to_owned()
}

/// About how many strings `expand` may draw.
fn variants(text: &str) -> usize {
    let choices = text.split('(').skip(1).filter_map(|rest| rest.split_once(')'));
    choices.fold(1, |total: usize, (inside, _)| total.saturating_mul(inside.matches('|').count() + 1)).min(40)
}

fn size(forest: &Forest, node: usize) -> usize {
    let node = &forest.nodes[node];
    let slots = SLOT.find_iter(&node.says.join(" ")).count();
    node.follows.iter().map(|&follow| 1 + size(forest, follow)).sum::<usize>() + slots
}

/// The question that a reply ends in, unless it ends in none, or in one that only its own tree understands.
fn question_of(reply: &str) -> Option<&str> {
    let marks = ['.', '!', '?'];
    let start = reply.match_indices(' ').map(|(i, _)| i).rfind(|&i| reply[..i].ends_with(marks));
    let last = start.map_or(reply, |i| &reply[i + 1..]);
    (last.ends_with('?') && !VAGUE.contains(&last)).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forest(text: &str) -> Forest {
        let mut forest = Forest::default();
        forest.read("test", text).unwrap();
        forest
    }

    #[test]
    fn choices_are_drawn_innermost_first() {
        let mut chance = Chance::new(1);
        for _ in 0..50 {
            let drawn = expand("(a|b(c|d)|) x \\)", &mut chance);
            assert!(["a x )", "bc x )", "bd x )", "x )"].contains(&drawn.as_str()), "{drawn}");
        }
    }

    #[test]
    fn a_conversation_answers_itself_and_keeps_its_slots() {
        let text = "% pet: dog | owl\n@ hello opening\n> hi\n< Hello! Do you have a pet?\n  > i have a {pet}\n  < I like a {pet}!\n\
                    @ bye closing\n> bye\n< Goodbye!\n@ ok\n> ok\n< Fine.\n";
        let forest = forest(text);
        let walker = Walker::new(&forest, &[], &[]);
        let mut chance = Chance::new(3);
        let (mut pets, mut words) = (0, String::new());
        for _ in 0..200 {
            let dialogue = walker.dialogue(&mut chance);
            assert!(dialogue.turns.len().is_multiple_of(2) && !dialogue.turns.is_empty());
            assert_eq!(dialogue.targets, (1..dialogue.turns.len()).step_by(2).collect::<Vec<_>>());
            pets += dialogue.turns.iter().filter(|turn| turn.starts_with("I like a")).count();
            words += &dialogue.turns.join("\n");
        }
        assert!(pets > 20);
        assert!(words.contains("I like an owl!") && words.contains("I like a dog!"));
    }

    #[test]
    fn only_a_last_question_counts() {
        assert_eq!(question_of("Fine! How are you?"), Some("How are you?"));
        assert_eq!(question_of("How are you? Fine."), None);
        assert_eq!(question_of("Ah. Do you like it?"), None);
    }
}
