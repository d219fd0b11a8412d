//! The training text as ids in a temporary file: read once as text, then counted without its letters.
//!
//! Counting can begin when all words are known, for only then it is clear how few bits an id takes. The file takes four
//! bytes a token and has no name, so nothing remains of it.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::{END, Error, START};

/// Ends a sentence in the file; no word has this id.
const BREAK: u32 = u32::MAX;
const BLOCK: usize = 1 << 18;

/// Sentences of ids.
pub struct Corpus {
    file: File,
    folder: PathBuf,
    block: Vec<u8>,
    tokens: u64,
    sentences: u64,
    /// Tokens of the sentence that is being written.
    current: u64,
    longest: u64,
    highest: u32,
}

/// What a pass over a corpus meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A token.
    Token(u32),
    /// The end of a sentence.
    Break,
}

impl Corpus {
    /// An empty corpus, whose file will be in this folder.
    pub fn new(folder: &Path) -> Result<Self, Error> {
        Ok(Self {
            file: tempfile::tempfile_in(folder).map_err(Error::temporary(folder))?,
            folder: folder.to_owned(),
            block: Vec::with_capacity(BLOCK + 4),
            tokens: 0,
            sentences: 0,
            current: 0,
            longest: 0,
            highest: END,
        })
    }

    /// Adds a token to the sentence at the end; `</s>` inside a sentence separates the turns of a dialogue.
    ///
    /// Fails for `<s>`, which only stands before sentences, where estimation puts it.
    #[inline]
    pub fn push(&mut self, token: u32) -> Result<(), Error> {
        if token == START || token == BREAK {
            return Err(Error::StartInside { sentence: self.sentences + 1 });
        }
        self.highest = self.highest.max(token);
        self.current += 1;
        self.write(token)
    }

    /// Ends the sentence; what is `</s>` in the model is added here.
    #[inline]
    pub fn end_sentence(&mut self) -> Result<(), Error> {
        self.longest = self.longest.max(self.current);
        self.tokens += self.current;
        self.current = 0;
        self.sentences += 1;
        self.write(BREAK)
    }

    #[inline]
    fn write(&mut self, id: u32) -> Result<(), Error> {
        self.block.extend_from_slice(&id.to_le_bytes());
        if self.block.len() >= BLOCK { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.file.write_all(&self.block).map_err(Error::temporary(&self.folder))?;
        self.block.clear();
        Ok(())
    }

    /// Tokens in complete sentences, ends not counted.
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    /// Complete sentences, empty ones included.
    pub fn sentences(&self) -> u64 {
        self.sentences
    }

    /// Tokens of the longest sentence.
    pub fn longest(&self) -> u64 {
        self.longest
    }

    /// The highest id of all tokens.
    pub fn highest(&self) -> u32 {
        self.highest
    }

    /// Shows every piece from the front to `take`.
    pub fn read(&mut self, mut take: impl FnMut(Piece) -> Result<(), Error>) -> Result<(), Error> {
        self.flush()?;
        self.file.seek(SeekFrom::Start(0)).map_err(Error::temporary(&self.folder))?;
        let mut reader = BufReader::with_capacity(BLOCK, &self.file);
        let mut block = vec![0; BLOCK];
        let mut left = 4 * (self.tokens + self.current + self.sentences);
        while left > 0 {
            let length = left.min(BLOCK as u64) as usize;
            reader.read_exact(&mut block[..length]).map_err(Error::temporary(&self.folder))?;
            left -= length as u64;
            for bytes in block[..length].chunks_exact(4) {
                let id = u32::from_le_bytes(bytes.try_into().expect("a chunk of 4 bytes"));
                take(if id == BREAK { Piece::Break } else { Piece::Token(id) })?;
            }
        }
        self.file.seek(SeekFrom::End(0)).map_err(Error::temporary(&self.folder))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_come_back_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut corpus = Corpus::new(folder.path()).unwrap();
        let mut expected = Vec::new();
        for sentence in 0..3000_u32 {
            for token in 0..sentence % 90 {
                corpus.push(3 + token).unwrap();
                expected.push(Piece::Token(3 + token));
            }
            corpus.end_sentence().unwrap();
            expected.push(Piece::Break);
        }
        for _ in 0..2 {
            let mut found = Vec::new();
            let take = |piece| {
                found.push(piece);
                Ok(())
            };
            corpus.read(take).unwrap();
            assert_eq!(found, expected);
        }
        assert_eq!(corpus.sentences(), 3000);
        assert_eq!(corpus.tokens(), expected.len() as u64 - 3000);
        assert_eq!((corpus.longest(), corpus.highest()), (89, 91));
    }

    #[test]
    fn the_start_of_a_sentence_is_no_token() {
        let mut corpus = Corpus::new(&std::env::temp_dir()).unwrap();
        corpus.end_sentence().unwrap();
        let message = corpus.push(START).unwrap_err().to_string();
        assert!(message.contains("sentence 2") && message.contains("<s>"), "{message}");
    }
}
