//! Hard-wrapped prose as sentences: lines joined, sentences cut apart, words and marks separated, lower case: the form in which
//! `../shared/data/kenlm/train.txt` has Machado's works.

/// The sentences of a text, each as words and marks with one space between them, in lower case. A line in capitals or an empty line
/// ends what was before it: headings are not part of a sentence.
pub fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut tokens: Vec<String> = Vec::new();
    // A question or a cry may go on in small letters: "Ah! sim, lembra-me".
    let mut wavering = false;
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || is_heading(line) {
            finish(&mut tokens, &mut found);
            wavering = false;
            continue;
        }
        for word in line.split_whitespace() {
            if wavering && word.chars().find(|c| c.is_alphabetic()).is_none_or(char::is_uppercase) {
                finish(&mut tokens, &mut found);
            }
            tokens.extend(marks_apart(word));
            let last = tokens.last().map_or("", String::as_str);
            wavering = matches!(last, "!" | "?" | "..." | "\u{2026}");
            if last == "." {
                finish(&mut tokens, &mut found);
            }
        }
    }
    finish(&mut tokens, &mut found);
    found
}

/// Takes a sentence out of the tokens, unless it has no word or begins with what closes the one before.
fn finish(tokens: &mut Vec<String>, found: &mut Vec<String>) {
    if tokens.iter().any(|token| token.chars().any(char::is_alphabetic)) {
        found.push(tokens.join(" "));
    }
    tokens.clear();
}

/// A heading: letters, and none of them small, or a bare Roman or Arabic number.
fn is_heading(line: &str) -> bool {
    !line.chars().any(char::is_lowercase)
}

/// A word with its punctuation taken apart, in lower case; three dots stay together.
fn marks_apart(word: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut inside = false;
    for letter in word.chars().flat_map(char::to_lowercase) {
        let part_of_word = letter.is_alphanumeric() || matches!(letter, '\u{300}'..='\u{36f}' | 'º' | 'ª');
        let dots = letter == '.' && parts.last().is_some_and(|last| last.starts_with('.'));
        match parts.last_mut() {
            Some(last) if (part_of_word && inside) || dots => last.push(letter),
            _ => parts.push(letter.to_string()),
        }
        inside = part_of_word;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_lines_become_sentences() {
        let text = "CAPÍTULO I\nEra conveniente ao romance\nque soubesse. Mas por\noutro lado, ah! vou apresentar-lhes Miss\nDollar... Não\n\nFim";
        assert_eq!(
            sentences(text),
            [
                "era conveniente ao romance que soubesse .",
                "mas por outro lado , ah ! vou apresentar - lhes miss dollar ...",
                "não",
                "fim"
            ]
        );
    }
}
