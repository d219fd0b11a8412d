//! Text broken at words to the width of a terminal, also while it is still arriving.
//!
//! A word is held back until something follows it, since only then is it known to fit. Characters that are two columns wide
//! (Chinese, Japanese, Korean, emoji) need no space between them, so a line may end behind each. A word that is wider than the
//! terminal is left to the terminal, which breaks it anywhere. White space at the end of a line is left out.

use console::measure_text_width;

/// Breaks one text into lines.
pub struct Wrap {
    width: usize,
    column: usize,
    space: String,
    word: String,
}

impl Wrap {
    /// A text that begins in `column` of a terminal that is `width` columns wide; `None`: nothing limits it.
    pub fn new(width: Option<usize>, column: usize) -> Wrap {
        let width = width.filter(|&width| width > 0).unwrap_or(usize::MAX);
        Wrap { width, column, space: String::new(), word: String::new() }
    }

    /// Takes the next piece and returns what can be shown of the text now.
    pub fn push(&mut self, piece: &str) -> String {
        let mut shown = String::new();
        for c in piece.chars() {
            if c == '\n' {
                self.place_word(&mut shown);
                self.space.clear();
                self.column = 0;
                shown.push('\n');
            } else if c.is_whitespace() && c != '\u{a0}' {
                self.place_word(&mut shown);
                self.space.push(c);
            } else {
                let wide = measure_text_width(c.encode_utf8(&mut [0; 4])) > 1;
                if wide {
                    self.place_word(&mut shown);
                }
                self.word.push(c);
                if wide {
                    self.place_word(&mut shown);
                }
            }
        }
        shown
    }

    /// What was held back; the text is over.
    pub fn finish(&mut self) -> String {
        let mut shown = String::new();
        self.place_word(&mut shown);
        shown.push_str(&std::mem::take(&mut self.space));
        shown
    }

    fn place_word(&mut self, shown: &mut String) {
        if self.word.is_empty() {
            return;
        }
        let (space, word) = (measure_text_width(&self.space), measure_text_width(&self.word));
        if self.column > 0 && self.column.saturating_add(space + word) > self.width {
            shown.push('\n');
            self.column = 0;
        } else {
            shown.push_str(&self.space);
            self.column += space;
        }
        shown.push_str(&self.word);
        self.column = (self.column + word) % self.width.max(1);
        if self.column == 0 && word > 0 {
            // The line is full: whatever comes next belongs on another.
            self.column = self.width;
        }
        self.space.clear();
        self.word.clear();
    }
}

/// A whole text, broken at words where a line would be wider than `width`.
pub fn wrapped(text: &str, width: Option<usize>) -> String {
    let mut wrap = Wrap::new(width, 0);
    wrap.push(text) + &wrap.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_words_and_the_pieces_do_not_matter() {
        let text = "I am doing well, thank you. How are you this fine evening?\n\nAnd a new line";
        let expected = "I am doing\nwell, thank\nyou. How are\nyou this\nfine\nevening?\n\nAnd a new\nline";
        let mut wrap = Wrap::new(Some(12), 0);
        assert_eq!(wrap.push(text) + &wrap.finish(), expected);
        for size in [1, 2, 7] {
            let mut wrap = Wrap::new(Some(12), 0);
            let pieces: Vec<String> =
                text.chars().collect::<Vec<_>>().chunks(size).map(|piece| piece.iter().collect()).collect();
            let shown: String = pieces.iter().map(|piece| wrap.push(piece)).collect();
            assert_eq!(shown + &wrap.finish(), expected, "{size}");
        }
    }

    #[test]
    fn a_label_in_front_counts() {
        let mut wrap = Wrap::new(Some(20), 9);
        assert_eq!(wrap.push("I am doing well") + &wrap.finish(), "I am doing\nwell");
    }

    #[test]
    fn wide_characters_break_anywhere_and_long_words_are_left_alone() {
        assert_eq!(wrapped("日本語で話せますか", Some(8)), "日本語で\n話せます\nか");
        assert_eq!(
            wrapped("see https://example.org/a/long/address now", Some(10)),
            "see\nhttps://example.org/a/long/address now"
        );
    }

    #[test]
    fn without_a_width_nothing_changes() {
        let text = "  two  spaces\tand a tab\n";
        assert_eq!(wrapped(text, None), text);
    }
}
