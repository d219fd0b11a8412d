//! Where sentences end in a paragraph.
//!
//! A sentence ends with a full stop, a question or exclamation mark or an ellipsis, the quotes and brackets that close behind it included,
//! where white space follows and then something that may begin a sentence. A full stop behind an abbreviation, an initial or the number of
//! a list ends none. The abbreviations are those that prose in English, Portuguese, Spanish, French and German has in front of names.

/// In small letters, without their full stop.
const ABBREVIATIONS: [&str; 66] = [
    "mr", "mrs", "ms", "dr", "st", "prof", "rev", "hon", "gen", "col", "capt", "lieut", "lt", "sgt",
    "messrs", "esq", "jr", "vol", "no", "nos", "fig", "p", "pp", "ch", "cf", "vs", "viz", "e.g", "i.e",
    "etc", "al", "sr", "sra", "srta", "sres", "dra", "d", "exmo", "exma", "v", "v.ex", "v.exa", "ex", "exa",
    "pe", "fr", "fl", "pág", "cap", "art", "av", "gal", "cel", "ten", "mme", "mlle", "mm", "m", "hr", "hrn",
    "fr.l", "nr", "bzw", "z.b", "d.h", "u.a",
];

/// The sentences of a paragraph that is one line; joined by single spaces they are the paragraph.
pub(crate) fn sentences(paragraph: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut begin = 0;
    for (place, mark) in paragraph.char_indices() {
        if place < begin || !matches!(mark, '.' | '!' | '?' | '…') {
            continue;
        }
        let rest = &paragraph[place + mark.len_utf8()..];
        // Further marks, and what closes behind them.
        let closed =
            rest.trim_start_matches(['.', '!', '?', '…', '"', '\'', '”', '’', '»', ')', ']', '_', '*']);
        let end = paragraph.len() - closed.len();
        let next = closed.trim_start();
        if next.len() == closed.len() || !may_begin(next) {
            continue;
        }
        if mark == '.' && rest.len() == closed.len() && is_abbreviated(&paragraph[begin..place]) {
            continue;
        }
        found.push(paragraph[begin..end].trim());
        begin = paragraph.len() - next.len();
    }
    let last = paragraph[begin..].trim();
    if !last.is_empty() {
        found.push(last);
    }
    found
}

/// Whether a sentence may begin like this: with a capital, a number, or a dash or quote before either. A letter of a script without
/// capitals may, too.
fn may_begin(text: &str) -> bool {
    let opening = ['"', '\'', '“', '‘', '«', '(', '[', '—', '–', '-', '¿', '¡', '_', '*', ' '];
    text.trim_start_matches(opening)
        .chars()
        .next()
        .is_none_or(|first| first.is_numeric() || (first.is_alphabetic() && !first.is_lowercase()))
}

/// Whether a text ends with a word that a full stop shortens, and does not end.
fn is_abbreviated(text: &str) -> bool {
    let word = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    let word = word.trim_start_matches(|letter: char| !letter.is_alphanumeric());
    let mut letters = word.chars();
    let is_initial = letters.next().is_some_and(char::is_uppercase) && letters.next().is_none();
    // "I" ends a sentence as often as it is an initial; a number ends one unless nothing else stands before it.
    let is_number = !word.is_empty() && word == text.trim() && word.chars().all(char::is_numeric);
    (is_initial && word != "I") || is_number || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_with_their_marks_and_what_closes_behind() {
        assert_eq!(
            sentences("It rained. “Did it?” asked Ann. “Yes!” (So it did.) Well… Then 3 came."),
            ["It rained.", "“Did it?” asked Ann.", "“Yes!”", "(So it did.)", "Well…", "Then 3 came."]
        );
        assert_eq!(sentences("Who? Me?! No."), ["Who?", "Me?!", "No."]);
        assert_eq!(
            sentences("— Não sei. — Nem eu. Boa noite, disse ele."),
            ["— Não sei.", "— Nem eu.", "Boa noite, disse ele."]
        );
        assert_eq!(sentences("no end"), ["no end"]);
        assert!(sentences(" ").is_empty());
    }

    #[test]
    fn abbreviations_initials_and_decimals_end_none() {
        for whole in [
            "Mr. Darcy met Mrs. Bennet at St. James.",
            "O sr. Brás e a sra. D. Plácida, v. ex. sabe.",
            "J. R. R. Tolkien wrote 3.5 pages, e.g. Not this one.",
            "“Oh!” cried she. no capital here",
            "1. Introduction",
        ] {
            assert_eq!(sentences(whole), [whole]);
        }
        assert_eq!(
            sentences("It was I. He left in 1881. Nobody"),
            ["It was I.", "He left in 1881.", "Nobody"]
        );
    }
}
