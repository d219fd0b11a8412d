//! Hard-wrapped prose as sentences: lines joined and sentences cut apart, each as it is written, capitals and marks in their places.

/// What a full stop does not end: a title or an initial.
const ABBREVIATIONS: [&str; 20] = [
    "Sr", "Sra", "Srs", "Sras", "Dr", "Dra", "Drs", "D", "S", "V", "Exa", "Ex", "Exma", "Exmo", "Ilmo",
    "Mme", "Mlle", "Mr", "Mrs", "St",
];
/// Marks that may follow the end of a sentence, and those that may stand before a word.
const CLOSING: [char; 9] = ['”', '"', '\'', '»', ')', '’', '—', '–', ']'];
const OPENING: [char; 8] = ['“', '"', '\'', '«', '(', '‘', '—', '–'];

/// The passages of a text: up to `most` sentences that follow each other, words with one space between them. A line in capitals or
/// an empty line ends what was before it, as headings are part of no sentence, and so does a dash, with which somebody else speaks.
///
/// A model of single sentences would have nothing to say after a full stop; one of passages goes on.
pub fn passages(text: &str, most: usize) -> Vec<String> {
    let mut found = Passages { lines: Vec::new(), sentences: 0, most };
    let mut words: Vec<&str> = Vec::new();
    // A question or a cry may go on in small letters: "Ah! sim, lembra-me".
    let mut wavering = false;
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || is_heading(line) {
            found.finish(&mut words);
            found.sentences = 0;
            wavering = false;
            continue;
        }
        for word in line.split_whitespace() {
            if wavering && word.chars().find(|c| c.is_alphabetic()).is_none_or(char::is_uppercase) {
                found.finish(&mut words);
            }
            words.push(word);
            let body = word.trim_end_matches(CLOSING);
            wavering = ["!", "?", "...", "\u{2026}"].iter().any(|end| body.ends_with(end)) || body == "etc.";
            if !wavering && body.strip_suffix('.').is_some_and(|stem| !is_abbreviation(stem)) {
                found.finish(&mut words);
            }
        }
    }
    found.finish(&mut words);
    found.lines
}

/// Passages in the making.
struct Passages {
    lines: Vec<String>,
    /// Sentences of the last line, as far as it goes on.
    sentences: usize,
    most: usize,
}

fn is_abbreviation(stem: &str) -> bool {
    ABBREVIATIONS.contains(&stem.trim_start_matches(OPENING))
}

impl Passages {
    /// Takes a sentence out of the words, unless there is none with a letter.
    fn finish(&mut self, words: &mut Vec<&str>) {
        if words.iter().any(|word| word.chars().any(char::is_alphabetic)) {
            let sentence = words.join(" ");
            let goes_on = (1..self.most).contains(&self.sentences) && !sentence.starts_with(['—', '–', '-']);
            match self.lines.last_mut() {
                Some(line) if goes_on => {
                    line.push(' ');
                    line.push_str(&sentence);
                    self.sentences += 1;
                }
                _ => {
                    self.lines.push(sentence);
                    self.sentences = 1;
                }
            }
        }
        words.clear();
    }
}

/// A heading: letters, and none of them small, or a bare Roman or Arabic number.
fn is_heading(line: &str) -> bool {
    !line.chars().any(char::is_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_lines_become_sentences_as_they_are_written() {
        let text = "CAPÍTULO I\nEra conveniente ao romance\nque soubesse. Mas por\noutro lado, ah! vou apresentar-lhes Miss\nDollar... Não\n\nFim";
        assert_eq!(
            passages(text, 1),
            [
                "Era conveniente ao romance que soubesse.",
                "Mas por outro lado, ah! vou apresentar-lhes Miss Dollar...",
                "Não",
                "Fim"
            ]
        );
    }

    #[test]
    fn sentences_follow_each_other_up_to_a_number_a_heading_or_a_dash() {
        let text = "Um. Dois. Três. Quatro.\n— Cinco. Seis.\n\nSete.";
        assert_eq!(passages(text, 3), ["Um. Dois. Três.", "Quatro.", "— Cinco. Seis.", "Sete."]);
    }

    #[test]
    fn titles_and_closing_marks_do_not_lead_astray() {
        assert_eq!(
            passages("O Sr. Dr. Félix veio com D. Tonica. — “Quem é?” — Eu, etc. e tal.”\nTudo.", 1),
            ["O Sr. Dr. Félix veio com D. Tonica.", "— “Quem é?”", "— Eu, etc. e tal.”", "Tudo."]
        );
    }
}
