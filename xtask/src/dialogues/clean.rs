//! What becomes of a turn of public dialogue before a model learns from it.
//!
//! Everybody's turns are tidied; one that is odd (markup, links, other alphabets) or unsafe cuts the dialogue in two. Of what
//! is left, a reply is worth *saying* by Papo only if it is short and could be true of a program: no "my wife", no "I work
//! as a nurse". People say such things, so they stay in the history.
//!
//! Read next: `corpora.rs`, which reads the sets.

use std::sync::LazyLock;

use regex::Regex;

static ODD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)https?:|www\.|\.com\b|[\[\]{}<>|\\_^~`#@*=]|\(name\)|user ?[12]|\bhits?\b.*\bturk|\bmturk|[^\x20-\x7eé]",
    )
});

static UNSAFE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)\b(f+u+c+k\w*|motherf\w*|shit\w*|bullshit\w*|bitch\w*|ass|asses|asshole\w*|sex\w*|porn\w*|nazi\w*|hitler|rape[ds]?|rapist\w*|
        kill(s|ed|ing|er|ers)?|murder\w*|cocaine|heroin|weed|marijuana|meth|stoned|nigg\w*|negro\w*|fag\w*|dyke\w*|tranny|retard\w*|
        suicid\w*|racis\w*|slave\w*|slaver\w*|naked|nude\w*|penis\w*|dick|dicks|cock|pussy|vagina\w*|boob\w*|tits|whore\w*|slut\w*|idiot\w*|
        crap\w*|terroris\w*|abus\w*|molest\w*|pedo\w*|trump\w*|clinton|obama|shoot(ing|ings)?|shot|stab\w*|bastard\w*|pissed|goddamn\w*|
        wtf|lynch\w*|holocaust|genocide|incest|orgasm\w*|horny|hooker\w*|prostitut\w*|stripper\w*|overdos\w*|isis|jihad\w*)\b",
    )
});

/// What a person may say of a life that a program does not have.
static HUMAN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)\bmy\ (name|wife|husband|kids?|child\w*|sons?|daughters?|mom|mother|dad|father|parents?|brothers?|sisters?|family|
        boyfriend|girlfriend|friends?|dogs?|cats?|pets?|jobs?|boss|house|home|car|age|church|grand\w+|uncle|aunt|
        cousins?|school|college|work|body|hair|health|phone|number|students?|company|business|garden|apartment|future\ wife)\b|
        \bI(?:'m|\ am)\ (?:an?\ |from|in\ |at\ |[0-9]|married|single|also\ an?\ |actually\ an?\ |currently|retired|studying|
        working|pregnant|divorced|going\ to|getting)|\bI\ (?:work|live|own|have\ (?:an?|two|three|four|five|one|my)\ (?:dog|cat|kid|son|daughter|job|wife|husband|house|car|brother|sister)|
        grew\ up|was\ born|used\ to|moved|married|teach|drive|studied)\b|years\ old|
        meet\ up|hang\ out|text\ me|call\ me|give\ you\ my|my\ number|see\ you\ (?:there|then|at)|let's\ meet|matched",
    )
});

/// What a person may tell of a day that a program does not have.
static DAY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)\bI\ (?:really\ |also\ |usually\ |always\ |just\ |actually\ |even\ |mostly\ )*(?:like\ to|love\ to|enjoy|try\ to|go|went|play(?:ed)?|watch(?:ed)?|ate|eat|
        cook(?:ed)?|run|ran|saw|bought|buy|listened|listen|wear|drink|drank|met|visited|travel(?:ed)?|sleep|slept|studied|study|spend|spent|want\ to|
        need\ to|plan|got|get|took|take|made|make|wish\ I)\b|\bI(?:'ve|\ have)\ (?:been|seen|never|always|got|had|read|watched|played|to)\b|
        \b(?:we|our|us|mine)\b|\bme\ and\b|\b(?:last|this)\ (?:week|year|weekend|summer|month|night)\b",
    )
});

static SPACES: LazyLock<Regex> = LazyLock::new(|| pattern(r"\s+"));
static BEFORE_MARK: LazyLock<Regex> = LazyLock::new(|| pattern(r"\s+([.,!?])"));
static SMALL_I: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bi('(?:m|ve|ll|d))?( |$|[,!?])"));
static RUN: LazyLock<Regex> = LazyLock::new(|| pattern(r"[!?]{2,}|\.{4,}|,{2,}"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of this file compiles")
}

/// One spacing, plain quotation marks and apostrophes, no runs of marks.
pub fn tidy(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| match c {
            '\u{2018}' | '\u{2019}' | '\u{b4}' | '`' => '\'',
            '\u{201c}' | '\u{201d}' => '"',
            '\u{2013}' | '\u{2014}' => '-',
            '\u{a0}' => ' ',
            other => other,
        })
        .collect();
    let plain = plain
        .replace('\u{2026}', "...")
        .replace("&amp;", "and")
        .replace("&quot;", "\"")
        .replace("&#39;", "'");
    let plain = RUN.replace_all(&plain, |found: &regex::Captures<'_>| match found[0].as_bytes()[0] {
        b'.' => "...".to_owned(),
        _ if found[0].contains('?') => "?".to_owned(),
        mark => char::from(mark).to_string(),
    });
    let plain = SPACES.replace_all(plain.trim(), " ");
    BEFORE_MARK.replace_all(&plain, "$1").into_owned()
}

/// A tidied turn as one writes in books: capitals at the start and for `I`, a mark at the end.
pub fn polish(text: &str) -> String {
    let text = SMALL_I.replace_all(text, "I$1$2");
    let mut characters = text.chars();
    let first = characters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let mut polished = first + characters.as_str();
    if !polished.ends_with(['.', '!', '?', '"', '\'']) {
        let trimmed = polished.trim_end_matches([',', ';', ':', '-', ' ']).len();
        polished.truncate(trimmed);
        let question = [
            "who", "what", "where", "when", "why", "how", "do you", "are you", "have you", "did you", "is it",
        ];
        let lower = polished.to_lowercase();
        polished.push(if question.iter().any(|q| lower.starts_with(q)) { '?' } else { '.' });
    }
    polished
}

/// Whether a tidied turn may stand in training data at all: nobody has to read it twice, and it hurts nobody.
pub fn is_clean(text: &str, most_words: usize) -> bool {
    let words = text.split(' ').count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let capitals = text.chars().filter(|c| c.is_uppercase()).count();
    !text.is_empty()
        && words <= most_words
        && letters * 2 >= text.len()
        && (capitals * 2 < letters || letters < 4)
        && text.split(' ').all(|word| word.len() <= 20)
        && !ODD.is_match(text)
        && !is_unsafe(text)
        && !stutters(text)
}

/// Whether a text holds a word that a friendly program does not say.
pub fn is_unsafe(text: &str) -> bool {
    UNSAFE.is_match(text)
}

/// Whether a text has characters or markup that do not belong into small talk.
pub fn is_odd(text: &str) -> bool {
    ODD.is_match(text)
}

/// Whether a clean turn is one that Papo itself could say.
pub fn is_sayable(text: &str) -> bool {
    text.split(' ').count() <= 25 && !HUMAN.is_match(text)
}

/// Whether a sayable turn is what a good listener could say to the turn before: it asks, it takes up a word, or it is short; and it tells
/// nothing of a day that a program does not have.
pub fn listens(before: &str, reply: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '\'');
        words.filter(|word| word.len() >= 4).map(str::to_lowercase).collect()
    };
    let told = words(before);
    !DAY.is_match(reply)
        && (reply.ends_with('?')
            || reply.split(' ').count() <= 6
            || words(reply).iter().any(|word| told.contains(word)))
}

/// The same word three times in a row.
fn stutters(text: &str) -> bool {
    let words: Vec<_> = text.split(' ').collect();
    words.windows(3).any(|three| three[0] == three[1] && three[1] == three[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_tidied_and_polished() {
        assert_eq!(tidy("  I don\u{2019}t   know ,  really ???? "), "I don't know, really?");
        assert_eq!(polish("i think i'm fine"), "I think I'm fine.");
        assert_eq!(polish("who sang it"), "Who sang it?");
        assert_eq!(polish("it is,"), "It is.");
    }

    #[test]
    fn odd_unsafe_and_human_turns_are_told_apart() {
        assert!(is_clean("Do you like music?", 20));
        for odd in [
            "see www.example.org",
            "what the fuck",
            "LOOK AT THIS NOW",
            "no no no no",
            "[User 1's name]",
            "olá тест",
        ] {
            assert!(!is_clean(odd, 20), "{odd}");
        }
        assert!(is_sayable("I like that song too."));
        assert!(!is_sayable("My wife likes it."));
        assert!(!is_sayable("I work as a nurse."));
        assert!(listens("I baked bread today.", "Fresh bread smells so good in the whole house."));
        assert!(listens("I baked bread today.", "What kind did you bake?"));
        assert!(!listens("I baked bread today.", "I went to the park and it was really nice there."));
        assert!(!listens("I baked bread today.", "The park is very nice at that time of the year."));
    }
}
