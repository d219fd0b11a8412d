//! Running text whose lines were cut at a width, as Project Gutenberg's books are, read as sentences.
//!
//! Such a file looks like this: nearly every line that goes on in the next could not have held that one's first word, and many lines begin
//! with a small letter. Verse, lists and corpora of a sentence a line do not. Lines between blank ones are joined into a paragraph, and
//! the paragraph is split into sentences. A paragraph of which no line was cut at the width and none begins with a small letter, such as a
//! stanza or a table of contents, stays as it is.

use std::collections::VecDeque;

use crate::sentences::sentences;
use crate::{Error, Lines};

/// Whether lines are joined into paragraphs and split into sentences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paragraphs {
    /// Where the file looks as if its lines were cut at a width.
    Auto,
    /// Always.
    Join,
    /// Never: each line is what it is.
    #[default]
    Keep,
}

/// Bytes of a file that are looked at.
pub(crate) const HEAD: usize = 1 << 16;

/// Lines that go on in the next, at least, for a width to be seen.
const LEAST: usize = 8;

/// The width at which the lines of a text were cut, if they were; of the beginning of a file.
pub(crate) fn width(head: &str) -> Option<usize> {
    let lines: Vec<&str> = head.lines().map(str::trim_end).collect();
    // Each line that goes on: its length, and the first word of the next.
    let going_on: Vec<(usize, &str)> = lines
        .windows(2)
        .filter(|pair| !pair[0].is_empty() && !pair[1].is_empty())
        .map(|pair| (pair[0].chars().count(), pair[1].split_whitespace().next().unwrap_or_default()))
        .collect();
    if going_on.len() < LEAST {
        return None;
    }
    let mut lengths: Vec<usize> = going_on.iter().map(|(length, _)| *length).collect();
    lengths.sort_unstable();
    // A line that is longer than the others was not cut, for want of a space.
    let width = lengths[(lengths.len() - 1) * 95 / 100];
    let part = |count: usize| count as f64 / going_on.len() as f64;
    let cut = going_on.iter().filter(|(length, next)| length + 1 + next.chars().count() > width).count();
    let small = going_on.iter().filter(|(_, next)| begins_small(next)).count();
    // Records of one length look cut, too: lines of prose differ.
    let different: std::collections::HashSet<&str> = lines.iter().copied().collect();
    let spaced = lines.iter().filter(|line| line.trim().contains(' ')).count();
    let is_wrapped = (40..=120).contains(&width)
        && part(cut) >= 0.75
        && part(small) >= 0.4
        && different.len() * 4 >= lines.len()
        && spaced * 10 >= lines.iter().filter(|line| !line.is_empty()).count() * 7;
    is_wrapped.then_some(width)
}

fn begins_small(word: &str) -> bool {
    word.chars().find(|letter| letter.is_alphanumeric()).is_some_and(char::is_lowercase)
}

/// The sentences of a text with lines that were cut.
pub(crate) struct Sentences {
    lines: Lines,
    /// The width, where it is known.
    width: Option<usize>,
    /// Sentences of the paragraph that was read last.
    waiting: VecDeque<String>,
    /// Its first line.
    line: u64,
}

impl Sentences {
    pub fn new(lines: Lines, width: Option<usize>) -> Sentences {
        Sentences { lines, width, waiting: VecDeque::new(), line: 0 }
    }

    /// The lines beneath.
    pub fn lines(&self) -> &Lines {
        &self.lines
    }

    /// The line at which the paragraph of the sentence that came last begins.
    pub fn line(&self) -> u64 {
        self.line
    }

    fn read(&mut self) -> Result<Option<String>, Error> {
        while self.waiting.is_empty() {
            let mut paragraph = Vec::new();
            let mut ended = true;
            while let Some(line) = self.lines.next().transpose()? {
                let text = line.trim();
                if text.is_empty() && paragraph.is_empty() {
                    continue;
                }
                if text.is_empty() {
                    ended = false;
                    break;
                }
                if paragraph.is_empty() {
                    self.line = self.lines.number();
                }
                paragraph.push(text.to_owned());
            }
            if paragraph.is_empty() && ended {
                return Ok(None);
            }
            self.waiting = split(&paragraph, self.width).into();
        }
        Ok(self.waiting.pop_front())
    }
}

impl Iterator for Sentences {
    type Item = Result<String, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// The sentences of a paragraph of lines.
fn split(lines: &[String], width: Option<usize>) -> Vec<String> {
    if lines.len() > 1 && is_verse(lines, width) {
        return lines.to_vec();
    }
    let mut joined = String::new();
    for line in lines {
        // A word that is written with a hyphen may have been cut behind it, and a dash needs no space.
        let glued = joined.ends_with(['-', '—']) && !joined.ends_with(" -") && !joined.ends_with(" —");
        if !joined.is_empty() && !glued {
            joined.push(' ');
        }
        joined.push_str(line);
    }
    sentences(&joined).into_iter().map(str::to_owned).collect()
}

/// Whether no line was cut at the width and none begins with a small letter.
fn is_verse(lines: &[String], width: Option<usize>) -> bool {
    let Some(width) = width else { return false };
    lines.windows(2).all(|pair| {
        let next = pair[1].split_whitespace().next().unwrap_or_default();
        pair[0].chars().count() + 1 + next.chars().count() <= width && !begins_small(next)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Input;
    use std::io::Write;

    const PROSE: &str = "The harbour lay quiet under a thin and silver fog, and\n\
        nobody on the long stone pier had seen the boat come\n\
        in. Mr. Alves, who kept the light, put down his cup and\n\
        went to the window. He counted three lamps, then four,\n\
        and then none at all.\n\
        \n\
        \"That is odd,\" he said to the cat. \"There were\n\
        four of them a minute ago, and it is far too early for\n\
        anybody to be asleep. What do you make of it, then?\" The\n\
        cat made nothing of it, and washed a paw that was well-\n\
        washed already.\n\
        \n\
        Four little lamps upon the sea,\n\
        And none of them was lit for me.\n";

    fn read(text: &str, width: Option<usize>) -> Vec<String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let lines = Lines::open(&Input::new(file.path())).unwrap();
        Sentences::new(lines, width).map(Result::unwrap).collect()
    }

    #[test]
    fn cut_lines_become_sentences_and_verse_stays() {
        let width = width(PROSE);
        assert_eq!(width, Some(55));
        assert_eq!(
            read(PROSE, width),
            [
                "The harbour lay quiet under a thin and silver fog, and nobody on the long stone pier had seen the boat come in.",
                "Mr. Alves, who kept the light, put down his cup and went to the window.",
                "He counted three lamps, then four, and then none at all.",
                "\"That is odd,\" he said to the cat.",
                "\"There were four of them a minute ago, and it is far too early for anybody to be asleep.",
                "What do you make of it, then?\"",
                "The cat made nothing of it, and washed a paw that was well-washed already.",
                "Four little lamps upon the sea,",
                "And none of them was lit for me.",
            ]
        );
        let windows = PROSE.replace('\n', "\r\n");
        assert_eq!(super::width(&windows), width);
        assert_eq!(read(&windows, width), read(PROSE, width));
    }

    #[test]
    fn verse_lists_and_corpora_do_not_look_cut() {
        let verse = "Shall I compare thee to a summer's day?\nThou art more lovely and more temperate:\n\
            Rough winds do shake the darling buds of May,\nAnd summer's lease hath all too short a date;\n"
            .repeat(5);
        let corpus: String = (0..60)
            .map(|n| {
                format!(
                    "a line of {} words or so, {}in small letters\n",
                    n % 13,
                    "and more ".repeat(n * 7 % 11)
                )
            })
            .collect();
        let names = "ana\nbruno\ncarla\n".repeat(20);
        let same = "the very same line again and again, and nothing else in it\n".repeat(30);
        for text in [verse.as_str(), &corpus, &names, "", "one line\n"] {
            assert_eq!(width(text), None, "{}", &text[..text.len().min(60)]);
        }
        assert_eq!(width(&same), None, "records of one length");
    }

    #[test]
    fn sentences_know_the_line_of_their_paragraph() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"\n\nOne. Two\nthree.\n\nFour.\n").unwrap();
        let mut sentences = Sentences::new(Lines::open(&Input::new(file.path())).unwrap(), None);
        let mut places = Vec::new();
        while let Some(sentence) = sentences.next() {
            places.push((sentences.line(), sentence.unwrap()));
        }
        assert_eq!(places, [(3, "One.".into()), (3, "Two three.".into()), (6, "Four.".into())]);
    }
}
