//! What ends a chat: the words by which people say goodbye, in English and in Portuguese.
//!
//! A turn is a farewell only as a whole. Case, accents, punctuation and the space around it do not count, a thank-you may stand
//! before it and a word such as "now" behind it; `how do I say goodbye?` and `good night` go to the model.

/// Whole farewells, without punctuation and accents.
const FAREWELLS: &[&str] = &[
    "quit",
    "exit",
    "bye",
    "bye bye",
    "byebye",
    "goodbye",
    "good bye",
    "farewell",
    "see you",
    "see ya",
    "cya",
    "see you later",
    "see ya later",
    "see you soon",
    "see you again",
    "see you tomorrow",
    "see you next time",
    "talk to you later",
    "until next time",
    "so long",
    "tchau",
    "tchau tchau",
    "tchauzinho",
    "xau",
    "adeus",
    "ate logo",
    "ate mais",
    "ate mais tarde",
    "ate mais ver",
    "ate breve",
    "ate ja",
    "ate amanha",
    "ate a proxima",
    "ate a vista",
    "sair",
];

/// What may stand before a farewell.
const BEFORE: &[&str] = &[
    "ok",
    "okay",
    "well",
    "alright",
    "thanks",
    "thank you",
    "thx",
    "and",
    "so",
    "obrigado",
    "obrigada",
    "valeu",
    "bom",
    "bem",
    "entao",
    "e",
];

/// What may stand behind one, longer before shorter.
const BEHIND: &[&str] = &[
    "for now",
    "now",
    "then",
    "chat",
    "chatbot",
    "bot",
    "papo",
    "all",
    "everyone",
    "my friend",
    "friend",
    "entao",
    "amigo",
    "amiga",
    "pessoal",
];

/// Tells whether a turn ends the chat.
pub fn is_farewell(turn: &str) -> bool {
    // No farewell is longer than a line of its own; a book need not be looked through.
    if turn.trim().len() > 100 {
        return false;
    }
    let words = plain_words(turn);
    let mut rest = words.as_str();
    while !ends_a_chat(rest) {
        match BEFORE.iter().find_map(|word| rest.strip_prefix(word)?.strip_prefix(' ')) {
            Some(shorter) => rest = shorter,
            None => return false,
        }
    }
    true
}

/// A farewell, with or without a word behind it.
fn ends_a_chat(words: &str) -> bool {
    let mut rest = words;
    while !FAREWELLS.contains(&rest) {
        match BEHIND.iter().find_map(|word| rest.strip_suffix(word)?.strip_suffix(' ')) {
            Some(shorter) => rest = shorter,
            None => return false,
        }
    }
    true
}

/// The words of a turn in small letters, without accents and punctuation, a space between them.
fn plain_words(turn: &str) -> String {
    let letters = turn.chars().flat_map(char::to_lowercase).filter_map(|c| match c {
        'á' | 'à' | 'â' | 'ã' => Some('a'),
        'é' | 'ê' => Some('e'),
        'í' => Some('i'),
        'ó' | 'ô' | 'õ' => Some('o'),
        'ú' | 'ü' => Some('u'),
        'ç' => Some('c'),
        // An accent of its own, behind its letter.
        '\u{300}'..='\u{36f}' => None,
        '\'' | '’' => None,
        c if c.is_alphanumeric() => Some(c),
        // Smileys, full stops, commas, hyphens.
        _ => Some(' '),
    });
    letters.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn farewells_as_people_write_them() {
        for turn in [
            "bye",
            " BYE ",
            "Quit",
            "exit\r",
            "bye!",
            "Bye.",
            "Bye bye",
            "bye-bye!",
            "goodbye",
            "Good-bye!",
            "GOODBYE…",
            "see you",
            "See you later!",
            "see ya",
            "ok, bye",
            "Thanks, bye!",
            "thank you, goodbye.",
            "bye now",
            "bye for now",
            "Goodbye, Chatbot!",
            "bye 👋",
            "tchau",
            "Tchau!",
            "tchau, tchau",
            "até logo",
            "Até logo!",
            "ate logo",
            "ATÉ MAIS",
            "ate\u{301} mais",
            "Adeus.",
            "até amanhã",
            "obrigado, tchau!",
            "Valeu, até mais!",
            "exit()",
            "quit;",
            "so long!",
            "so long, chatbot",
        ] {
            assert!(is_farewell(turn), "{turn:?}");
        }
    }

    #[test]
    fn what_only_speaks_of_farewells_goes_to_the_model() {
        for turn in [
            "",
            "!",
            "now",
            "ok",
            "ate",
            "long",
            "thanks",
            "good night",
            "bye the way",
            "how do I say goodbye?",
            "I said bye",
            "see",
            "see you at the station at five",
            "goodbye yellow brick road",
            "até que enfim",
            "falou",
            "logo",
            "the exit",
            "exit code 2",
            "quit smoking",
            "say tchau",
            "by",
            "byes",
        ] {
            assert!(!is_farewell(turn), "{turn:?}");
        }
    }
}
