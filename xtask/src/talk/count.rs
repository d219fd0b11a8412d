//! What can be counted of replies: names, what was told, the language, repetitions.

use std::collections::HashSet;
use std::ops::AddAssign;

use whatlang::{Detector, Lang};

use super::held_out::{Conversation, Language};

/// How many of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub good: usize,
    pub of: usize,
}

impl Share {
    pub fn add(&mut self, good: bool) {
        self.good += usize::from(good);
        self.of += 1;
    }
}

impl AddAssign for Share {
    fn add_assign(&mut self, other: Share) {
        self.good += other.good;
        self.of += other.of;
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.good, self.of)
    }
}

/// What was counted in conversations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Names that were greeted when they were told.
    pub named: Share,
    /// Things told before that came back when they were asked for.
    pub recalled: Share,
    /// Replies that take up a word of what was said.
    pub mentioned: Share,
    /// Replies in the language of their turn.
    pub language: Share,
    /// Replies that are like none before in their conversation.
    pub new: Share,
}

impl Counts {
    /// Counts in one conversation.
    pub fn of(conversation: &Conversation, replies: &[String]) -> Counts {
        let mut counts = Counts::default();
        let mut before = HashSet::new();
        for (turn, reply) in conversation.turns.iter().zip(replies) {
            if let Some(name) = &turn.name {
                counts.named.add(holds(reply, name));
            }
            if let Some(told) = &turn.recall {
                counts.recalled.add(holds(reply, told));
            }
            if !turn.mentions.is_empty() {
                counts.mentioned.add(turn.mentions.iter().any(|word| holds(reply, word)));
            }
            counts.language.add(keeps_to(conversation.language, reply));
            counts.new.add(before.insert(reply.as_str()));
        }
        counts
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.named += other.named;
        self.recalled += other.recalled;
        self.mentioned += other.mentioned;
        self.language += other.language;
        self.new += other.new;
    }
}

/// Whether a text holds a word, or words, by themselves, whatever their case.
pub fn holds(text: &str, words: &str) -> bool {
    let (text, words) = (text.to_lowercase(), words.to_lowercase());
    text.match_indices(&words).any(|(place, found)| {
        let free = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
        free(text[..place].chars().next_back()) && free(text[place + found.len()..].chars().next())
    })
}

/// Whether a reply is in a language; one too short to tell, a name say, is in any.
pub fn keeps_to(language: Language, reply: &str) -> bool {
    let detector = Detector::with_allowlist(vec![Lang::Eng, Lang::Por]);
    let (own, other) = match language {
        Language::English => (ENGLISH, PORTUGUESE),
        Language::Portuguese => (PORTUGUESE, ENGLISH),
    };
    // Small words tell more of a short sentence than its letters do.
    let count = |list: &[&str]| {
        let words = reply.split(|letter: char| !letter.is_alphanumeric() && letter != '\'');
        words.filter(|word| list.contains(&word.to_lowercase().as_str())).count()
    };
    match count(own).cmp(&count(other)) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => {
            let wanted = if language == Language::English { Lang::Eng } else { Lang::Por };
            detector.detect(reply).is_none_or(|found| found.lang() == wanted || !found.is_reliable())
        }
    }
}

const ENGLISH: &[&str] = &[
    "the", "and", "you", "your", "is", "are", "was", "that", "it", "it's", "i'm", "i", "to", "of", "what",
    "how", "do", "did", "does", "have", "has", "with", "for", "this", "there", "not", "in", "on", "good",
    "hello", "hi", "my", "yes", "thanks", "goodbye", "bye",
];
const PORTUGUESE: &[&str] = &[
    "de", "que", "não", "é", "e", "um", "uma", "você", "vc", "com", "para", "pra", "em", "na", "da", "do",
    "os", "se", "mais", "por", "eu", "está", "tá", "foi", "isso", "seu", "sua", "qual", "quem", "como", "já",
    "tem", "oi", "olá", "boa", "bom", "sim", "tchau", "obrigado",
];

#[cfg(test)]
mod tests {
    use super::super::held_out::Turn;
    use super::*;

    #[test]
    fn words_are_found_by_themselves() {
        assert!(holds("Nice to meet you, João!", "joão"));
        assert!(!holds("Nice to meet you, Joãozinho!", "João"));
        assert!(holds("At 4 o'clock.", "4") && !holds("At 42.", "4"));
    }

    #[test]
    fn languages_of_short_replies_are_told_apart() {
        for reply in [
            "Your name is Inês.",
            "Good night! Sleep well.",
            "Three goals, what a match.",
            "Thandiwe.",
            "That sounds great!",
        ] {
            assert!(keeps_to(Language::English, reply), "{reply}");
        }
        for reply in [
            "Seu nome é Wilbur.",
            "Boa noite! Durma bem.",
            "Que beleza!",
            "João.",
            "Três gols, que jogo.",
            "Parabéns pela formatura!",
        ] {
            assert!(keeps_to(Language::Portuguese, reply), "{reply}");
        }
        assert!(!keeps_to(Language::English, "Que bom! O que você fez depois?"));
        assert!(!keeps_to(Language::Portuguese, "Good night! Sleep well."));
    }

    #[test]
    fn a_conversation_is_counted() {
        let turn = |says: &str| Turn { says: says.into(), ..Turn::default() };
        let conversation = Conversation {
            language: Language::English,
            slug: "ada".into(),
            turns: vec![
                Turn {
                    name: Some("Ada".into()),
                    mentions: vec!["Ada".into(), "hello".into()],
                    ..turn("I'm Ada")
                },
                turn("It rains."),
                Turn { recall: Some("Ada".into()), ..turn("Who am I?") },
            ],
        };
        let replies = ["Hello, Ada!", "I like it here.", "I like it here."].map(str::to_owned);
        let counts = Counts::of(&conversation, &replies);
        let share = |good, of| Share { good, of };
        assert_eq!(
            (counts.named, counts.recalled, counts.mentioned),
            (share(1, 1), share(0, 1), share(1, 1))
        );
        assert_eq!((counts.language, counts.new), (share(3, 3), share(2, 3)));
    }
}
