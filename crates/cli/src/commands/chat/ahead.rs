//! Lines that came in one piece, and the beginning of one that did not come whole.
//!
//! The keys that mean something in a line editor mean the same here, as far as a program may send them: Ctrl-C drops the line,
//! Ctrl-D on an empty one is the end, Backspace and Ctrl-U rub out. Lines of a marked paste belong to one turn.

use std::collections::VecDeque;

use super::multiline::is_complete;

/// What is still to be heard before anything else is read.
#[derive(Debug, Default)]
pub struct Ahead {
    lines: VecDeque<Line>,
    begun: String,
}

/// A part of what came.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A whole turn.
    Typed(String),
    /// Ctrl-D.
    End,
}

impl Ahead {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.begun.is_empty()
    }

    /// The next of the lines.
    pub fn next_line(&mut self) -> Option<Line> {
        self.lines.pop_front()
    }

    /// The beginning of a line that is not whole.
    pub fn take_begun(&mut self) -> String {
        std::mem::take(&mut self.begun)
    }

    /// Takes a piece in; `false` if some of it was not UTF-8 and was replaced.
    pub fn hear(&mut self, piece: &[u8]) -> bool {
        let text = String::from_utf8_lossy(piece);
        let mut rest = text.as_ref();
        let mut pasted = false;
        while let Some(c) = rest.chars().next() {
            if let Some(behind) = rest.strip_prefix("\u{1b}[200~") {
                pasted = true;
                rest = behind;
                continue;
            }
            if let Some(behind) = rest.strip_prefix("\u{1b}[201~") {
                pasted = false;
                rest = behind;
                continue;
            }
            if c == '\u{1b}' {
                rest = behind_sequence(rest);
                continue;
            }
            rest = rest.strip_prefix("\r\n").unwrap_or(&rest[c.len_utf8()..]);
            match c {
                '\r' | '\n' if pasted || !is_complete(&self.begun) => self.begun.push('\n'),
                '\r' | '\n' => self.lines.push_back(Line::Typed(std::mem::take(&mut self.begun))),
                '\t' => self.begun.push(c),
                _ if pasted && c.is_control() => {}
                '\u{3}' | '\u{15}' => self.begun.clear(),
                '\u{4}' if self.begun.is_empty() => self.lines.push_back(Line::End),
                '\u{7f}' | '\u{8}' => drop(self.begun.pop()),
                c if c.is_control() => {}
                c => self.begun.push(c),
            }
        }
        !text.contains(char::REPLACEMENT_CHARACTER) || std::str::from_utf8(piece).is_ok()
    }
}

/// What stands behind an escape sequence, such as that of an arrow key.
fn behind_sequence(text: &str) -> &str {
    let inside = &text[1..];
    let end = match inside.chars().next() {
        Some('[') => {
            inside.find(|c: char| c.is_ascii_alphabetic() || c == '~').map_or(inside.len(), |at| at + 1)
        }
        Some('O') => inside.char_indices().nth(2).map_or(inside.len(), |(at, _)| at),
        Some(c) => c.len_utf8(),
        None => 0,
    };
    &inside[end..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(piece: impl AsRef<[u8]>) -> (Vec<String>, String, bool) {
        let mut ahead = Ahead::default();
        let whole = ahead.hear(piece.as_ref());
        let mut lines = Vec::new();
        while let Some(line) = ahead.next_line() {
            lines.push(match line {
                Line::Typed(line) => line,
                Line::End => "END".to_owned(),
            });
        }
        (lines, ahead.take_begun(), whole)
    }

    fn lines(piece: impl AsRef<[u8]>) -> Vec<String> {
        heard(piece).0
    }

    #[test]
    fn each_line_end_ends_a_line_and_the_rest_waits() {
        assert_eq!(
            heard("one\rtwo\nthree\r\n\rfour"),
            (["one", "two", "three", ""].map(Into::into).to_vec(), "four".into(), true)
        );
    }

    #[test]
    fn bytes_that_are_no_text_cost_nothing_else() {
        assert_eq!(
            heard(b"Hi \xff there\rbye\r"),
            (["Hi \u{fffd} there", "bye"].map(Into::into).to_vec(), String::new(), false)
        );
    }

    #[test]
    fn several_lines_belong_to_one_turn_where_they_are_held_together() {
        assert_eq!(lines("one \\\rtwo\rbye\r"), ["one \\\ntwo", "bye"]);
        assert_eq!(lines("\"\"\"one\rtwo\"\"\"\rbye\r"), ["\"\"\"one\ntwo\"\"\"", "bye"]);
        assert_eq!(lines("\u{1b}[200~one\rtwo\nthree\u{1b}[201~\rbye\r"), ["one\ntwo\nthree", "bye"]);
    }

    #[test]
    fn keys_mean_what_they_mean_to_an_editor() {
        assert_eq!(
            lines("oops\u{3}one\rtwos\u{7f}\u{1b}[A\u{1b}OB\rx\u{15}three\r\u{4}"),
            ["one", "two", "three", "END"]
        );
    }
}
