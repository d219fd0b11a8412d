//! Writes a user's turn as somebody might type it: case, apostrophes, marks, typing errors. People do not type like books,
//! and a model that has only seen books does not understand them.

use std::sync::LazyLock;

use regex::Regex;

use crate::chance::Chance;

static LONE_I: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\bi\b").expect("a pattern of this file compiles"));

/// Roughens a turn; about a third of the turns stay as they are but for their capitals.
pub fn roughen(text: &str, chance: &mut Chance) -> String {
    let mark = text.chars().last().filter(|c| "?!".contains(*c));
    let body = mark.map_or(text, |mark| &text[..text.len() - mark.len_utf8()]);
    let mut body = capitalised(&LONE_I.replace_all(body, "I"));
    if chance.happens(0.06) {
        let before = chance.word(&["So, ", "Well, ", "Ok, ", "And ", "Hmm, ", "Oh, ", "So "]);
        body = format!("{before}{}", LONE_I.replace_all(&uncapitalised(&body), "I"));
    }
    if mark == Some('?') && chance.happens(0.08) && !body.contains("apo") {
        body += chance.word(&[", Papo", " Papo", ", my friend", ", chat", " please", ", please"]);
    }
    body += match mark {
        Some('?') => {
            weighted(chance, &[("?", 70.0), ("", 22.0), (" ?", 3.0), ("??", 2.0), ("?!", 1.0), (".", 2.0)])
        }
        Some('!') => "!",
        _ if body.ends_with(char::is_alphanumeric) => {
            weighted(chance, &[(".", 38.0), ("", 40.0), ("!", 18.0), ("!!", 1.0), ("..", 1.0), ("...", 2.0)])
        }
        _ => "",
    };
    match chance.share() {
        dice if dice < 0.38 => body = body.to_lowercase(),
        dice if dice < 0.40 => body = body.to_uppercase(),
        _ => {}
    }
    if chance.happens(0.10) {
        body = body.replace('\'', chance.word(&["", "\u{2019}"]));
    }
    if chance.happens(0.06) {
        body = misspell(&body, chance);
    }
    if chance.happens(0.04) {
        body = body.replace("favorite", "favourite").replace("color", "colour");
    }
    body
}

/// One typing error: a letter dropped, doubled or swapped with its neighbour.
fn misspell(text: &str, chance: &mut Chance) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let spots: Vec<usize> = (1..letters.len().saturating_sub(1))
        .filter(|&i| letters[i].is_alphabetic() && letters[i + 1].is_alphabetic())
        .collect();
    if spots.len() >= 3 {
        let spot = *chance.pick(&spots);
        match chance.below(3) {
            0 => drop(letters.remove(spot)),
            1 => letters.insert(spot, letters[spot]),
            _ => letters.swap(spot, spot + 1),
        }
    }
    letters.into_iter().collect()
}

fn weighted<'a>(chance: &mut Chance, choices: &[(&'a str, f64)]) -> &'a str {
    choices[chance.weighted(choices.iter().map(|(_, weight)| *weight))].0
}

/// The text with a capital first letter.
pub fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().to_string() + characters.as_str()).unwrap_or_default()
}

fn uncapitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_lowercase().to_string() + characters.as_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_turns_stay_as_books_have_them_and_others_do_not() {
        let mut chance = Chance::new(5);
        let drawn: Vec<String> = (0..500).map(|_| roughen("how are you?", &mut chance)).collect();
        let count = |text: &str| drawn.iter().filter(|turn| *turn == text).count();
        assert!((120..280).contains(&count("How are you?")), "{}", count("How are you?"));
        assert!((60..200).contains(&count("how are you?")), "{}", count("how are you?"));
        assert!(drawn.iter().all(|turn| (9..=26).contains(&turn.chars().count())), "{drawn:?}");
    }

    #[test]
    fn a_typing_error_touches_one_letter() {
        let mut chance = Chance::new(5);
        for _ in 0..100 {
            let wrong = misspell("hello you", &mut chance);
            assert!((8..=10).contains(&wrong.len()) && wrong.starts_with('h'), "{wrong}");
        }
    }
}
