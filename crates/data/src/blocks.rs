//! A running text in blocks, so that a file of any size, and a line of any length, is read in little memory.
//!
//! A block is about 64 KiB long and ends behind a line feed; a line that is longer than a block is cut before a space, or between two
//! characters where it has none. Blocks joined are the text. Where the cuts are depends on the text alone: tokens, which never reach
//! over a cut, are the same however the bytes arrive.

use std::path::Path;

use crate::reader::Reader;
use crate::{Error, Input};

/// A block is about this long, so that memory stays small and a tokenizer seldom sees a cut.
pub(crate) const BLOCK: usize = 1 << 16;

/// A part of a running text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The text, line feeds included.
    pub text: String,
    /// Whether a file begins here.
    pub first: bool,
}

/// The blocks of one input.
pub struct Blocks {
    reader: Reader,
    /// Text that is in no block yet.
    waiting: String,
    /// Bytes that are no text yet: the beginning of a character, or a carriage return that may end a line.
    raw: Vec<u8>,
    ended: bool,
    first: bool,
    /// Lines that ended before `raw`, and bytes of the line before it.
    lines: u64,
    column: u64,
    /// Lines that ended before the block that came last, and in it.
    passed: u64,
    in_last: u64,
}

impl Blocks {
    /// Opens an input.
    pub fn open(input: &Input) -> Result<Blocks, Error> {
        Ok(Blocks::of(Reader::open(input)?))
    }

    /// The blocks of what was opened.
    pub(crate) fn of(reader: Reader) -> Blocks {
        Blocks {
            reader,
            waiting: String::new(),
            raw: Vec::new(),
            ended: false,
            first: true,
            lines: 0,
            column: 0,
            passed: 0,
            in_last: 0,
        }
    }

    /// Lines that ended before the block that came last.
    pub(crate) fn lines_before(&self) -> u64 {
        self.passed
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.reader.path()
    }

    /// Bytes that were read so far, and all of them where that is known.
    pub fn progress(&self) -> (u64, Option<u64>) {
        self.reader.progress()
    }

    fn read(&mut self) -> Result<Option<Block>, Error> {
        let end = loop {
            if let Some(end) = end_of_block(&self.waiting) {
                break end;
            }
            if self.ended {
                break self.waiting.len();
            }
            self.read_more()?;
        };
        if end == 0 {
            return Ok(None);
        }
        let rest = self.waiting.split_off(end);
        let text = std::mem::replace(&mut self.waiting, rest);
        self.passed += std::mem::replace(&mut self.in_last, line_feeds(text.as_bytes()));
        Ok(Some(Block { text, first: std::mem::take(&mut self.first) }))
    }

    /// Reads some bytes and makes text of them.
    fn read_more(&mut self) -> Result<(), Error> {
        self.ended = self.reader.read_some(&mut self.raw)? == 0;
        if self.raw.contains(&0) {
            let before = self.raw.iter().position(|&byte| byte == 0).unwrap_or(0);
            let line = self.lines + line_feeds(&self.raw[..before]) + 1;
            return Err(Error::Zero { path: self.path().to_owned(), line });
        }
        let mut valid = match std::str::from_utf8(&self.raw) {
            Ok(_) => self.raw.len(),
            // The rest of the character may be on its way.
            Err(error) if error.error_len().is_none() && !self.ended => error.valid_up_to(),
            Err(error) => return Err(self.not_utf8(error.valid_up_to())),
        };
        if !self.ended && valid > 0 && self.raw[valid - 1] == b'\r' {
            valid -= 1;
        }
        let text = std::str::from_utf8(&self.raw[..valid]).unwrap_or_default();
        if text.contains('\r') {
            self.waiting.push_str(&text.replace("\r\n", "\n"));
        } else {
            self.waiting.push_str(text);
        }
        let ended = line_feeds(&self.raw[..valid]);
        self.lines += ended;
        let last = self.raw[..valid].iter().rposition(|&byte| byte == b'\n');
        self.column = last.map_or(self.column + valid as u64, |last| (valid - last - 1) as u64);
        self.raw.drain(..valid);
        Ok(())
    }

    fn not_utf8(&self, valid: usize) -> Error {
        let before = &self.raw[..valid];
        let last = before.iter().rposition(|&byte| byte == b'\n');
        Error::NotUtf8 {
            path: self.path().to_owned(),
            line: self.lines + line_feeds(before) + 1,
            byte: last.map_or(self.column + valid as u64, |last| (valid - last - 1) as u64) + 1,
        }
    }
}

/// Where the first block of a text ends; `None` where that is not to be seen yet.
fn end_of_block(text: &str) -> Option<usize> {
    let tail = text.as_bytes().get(BLOCK - 1..)?;
    match tail.iter().take(BLOCK + 1).position(|&byte| byte == b'\n') {
        Some(feed) => Some(BLOCK + feed),
        None if text.len() > 2 * BLOCK => Some(cut(text)),
        None => None,
    }
}

/// Where to cut a text that is longer than a block: before the last space of the first block, else between two characters.
fn cut(text: &str) -> usize {
    let end = (0..=BLOCK).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    let space = text[..end].rfind([' ', '\n']).filter(|&space| space > 0);
    space.unwrap_or(end)
}

pub(crate) fn line_feeds(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

impl Iterator for Blocks {
    type Item = Result<Block, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn blocks(bytes: &[u8]) -> Result<Vec<Block>, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let blocks = Blocks::open(&Input::new(file.path())).map_err(|error| error.to_string())?;
        blocks.map(|block| block.map_err(|error| error.to_string())).collect()
    }

    fn joined(blocks: &[Block]) -> String {
        blocks.iter().map(|block| block.text.as_str()).collect()
    }

    #[test]
    fn blocks_joined_are_the_file() {
        let line = "a line of words that goes on and on for a while, ".repeat(3000);
        let content = format!("{line}\nshort\n\n{}", "é".repeat(500_000));
        let found = blocks(content.as_bytes()).unwrap();
        assert!(found.len() > 8);
        assert!(found.iter().all(|block| block.text.len() <= 2 * BLOCK));
        assert!(found.iter().enumerate().all(|(place, block)| block.first == (place == 0)));
        assert_eq!(joined(&found), content);
    }

    #[test]
    fn blocks_end_behind_the_first_line_feed_that_makes_them_long_enough() {
        let line = format!("{}\n", "x".repeat(999));
        let found = blocks(line.repeat(200).as_bytes()).unwrap();
        let lengths: Vec<usize> = found.iter().map(|block| block.text.len()).collect();
        assert_eq!(lengths, [66_000, 66_000, 66_000, 2_000]);
        let exact = format!("{}\nnext\n", "x".repeat(BLOCK - 1));
        assert_eq!(blocks(exact.as_bytes()).unwrap()[0].text.len(), BLOCK);
    }

    #[test]
    fn carriage_returns_before_line_feeds_are_dropped_wherever_the_reads_end() {
        let text = "um céu azul\r\n".repeat(100_000);
        assert_eq!(joined(&blocks(text.as_bytes()).unwrap()), text.replace('\r', ""));
        assert_eq!(joined(&blocks(b"\xef\xbb\xbfa\rb\r").unwrap()), "a\rb\r");
        assert!(blocks(b"").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_text_is_refused_by_its_line() {
        let far = "fine\n".repeat(300_000);
        let told = |bytes: &[u8], words: &str| {
            let error = blocks(&[far.as_bytes(), bytes].concat()).unwrap_err();
            assert!(error.contains(words), "{error}");
        };
        told(b"ok\nno \0\n", "line 300002: there is a zero byte");
        told(b"caf\xe9\n", "line 300001: byte 4 of the line is not UTF-8");
        told(b"ok\ncaf\xc3", "line 300002: byte 4 of the line is not UTF-8");
    }
}
