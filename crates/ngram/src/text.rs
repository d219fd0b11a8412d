//! Words of plain text: what stands between ASCII white space, a sentence a line, as KenLM counts them.
//!
//! Text is read block by block and never as a whole line, so a line may be as long as it likes. An empty line is an empty
//! sentence, `<s> </s>`, as for KenLM. What is no text (a zero byte, invalid UTF-8) is refused with its line.

use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::{Corpus, Error, Vocabulary};

const BLOCK: usize = 1 << 18;

/// What to do with `<s>`, `</s>` and `<unk>` in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialWords {
    /// Stop and say where.
    Refuse,
    /// Pass over them as if they were white space.
    Skip,
}

/// Puts words into a corpus and its vocabulary.
pub struct TextReader<'a> {
    /// Where the words go.
    pub corpus: &'a mut Corpus,
    /// Where their spellings go.
    pub vocabulary: &'a mut Vocabulary,
    /// What to do with `<s>`, `</s>` and `<unk>`.
    pub special_words: SpecialWords,
}

/// Ids below this are for words that no text may hold.
const SPECIALS: u32 = 3;

impl TextReader<'_> {
    /// Reads a file with a sentence a line, packed where its name ends in `.gz`; `observe` hears how many bytes came.
    pub fn read_file(
        &mut self,
        path: &Path,
        observe: &mut dyn FnMut(u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let file = std::fs::File::open(path).map_err(Error::reading(path))?;
        if path.extension().is_some_and(|extension| extension == "gz") {
            self.read(MultiGzDecoder::new(BufReader::with_capacity(BLOCK, file)), path, observe)
        } else {
            self.read(file, path, observe)
        }
    }

    /// Reads text with a sentence a line; `path` is for errors.
    pub fn read(
        &mut self,
        mut input: impl Read,
        path: &Path,
        observe: &mut dyn FnMut(u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut block = vec![0; BLOCK];
        // The beginning of a word whose end has not been read stands in block[..held].
        let mut held = 0;
        let mut line = 1;
        let mut at_line_start = true;
        loop {
            if held == block.len() {
                block.resize(2 * held, 0);
            }
            let read = loop {
                match input.read(&mut block[held..]) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    result => break result.map_err(Error::reading(path))?,
                }
            };
            if read == 0 {
                break;
            }
            observe(read as u64)?;
            let filled = held + read;
            let mut start = 0;
            for end in held..filled {
                let byte = block[end];
                if !separates(byte) {
                    continue;
                }
                if byte == 0 {
                    return Err(refusal(
                        path,
                        line,
                        "a zero byte, so this is no text; give a file of UTF-8 text",
                    ));
                }
                if start < end {
                    self.word(&block[start..end], path, line)?;
                    at_line_start = false;
                }
                start = end + 1;
                if byte == b'\n' {
                    self.corpus.end_sentence()?;
                    line += 1;
                    at_line_start = true;
                }
            }
            block.copy_within(start..filled, 0);
            held = filled - start;
        }
        if held > 0 {
            self.word(&block[..held], path, line)?;
            at_line_start = false;
        }
        if !at_line_start {
            self.corpus.end_sentence()?;
        }
        Ok(())
    }

    /// Adds the words of a text that is part of a sentence, such as a turn of a dialogue; `path` and `line` are for errors.
    pub fn part(&mut self, text: &str, path: &Path, line: u64) -> Result<(), Error> {
        for word in text.as_bytes().split(|&byte| separates(byte)).filter(|word| !word.is_empty()) {
            self.word(word, path, line)?;
        }
        Ok(())
    }

    #[inline]
    fn word(&mut self, bytes: &[u8], path: &Path, line: u64) -> Result<(), Error> {
        let Ok(word) = std::str::from_utf8(bytes) else {
            return Err(refusal(
                path,
                line,
                "not UTF-8; convert the file, for example with iconv -f latin1 -t utf-8",
            ));
        };
        let id = self.vocabulary.add(word);
        if id >= SPECIALS && word != "<pad>" {
            return self.corpus.push(id);
        }
        match self.special_words {
            SpecialWords::Skip => Ok(()),
            SpecialWords::Refuse => Err(refusal(
                path,
                line,
                &format!(
                    "the word {word} has a meaning of its own in a model; take it out, or pass over it with --skip-symbols"
                ),
            )),
        }
    }
}

#[inline]
fn separates(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | b'\r' | b' ')
}

fn refusal(path: &Path, line: u64, reason: &str) -> Error {
    Error::Text { path: path.to_owned(), line, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Piece;

    fn read(text: &[u8], special_words: SpecialWords) -> Result<Vec<Vec<String>>, String> {
        let mut corpus = Corpus::new(&std::env::temp_dir()).unwrap();
        let mut vocabulary = Vocabulary::new();
        TextReader { corpus: &mut corpus, vocabulary: &mut vocabulary, special_words }
            .read(text, Path::new("text.txt"), &mut |_| Ok(()))
            .map_err(|error| error.to_string())?;
        let mut sentences = Vec::new();
        let mut sentence = Vec::new();
        corpus
            .read(|piece| {
                match piece {
                    Piece::Token(id) => sentence.push(vocabulary.word(id).unwrap().to_owned()),
                    Piece::Break => sentences.push(std::mem::take(&mut sentence)),
                }
                Ok(())
            })
            .unwrap();
        Ok(sentences)
    }

    #[test]
    fn words_stand_between_ascii_white_space_and_sentences_between_line_feeds() {
        let text = "O céu\té  azul.\r\n\n a\u{a0}b \nfim".as_bytes();
        let found = read(text, SpecialWords::Refuse).unwrap();
        assert_eq!(found, [vec!["O", "céu", "é", "azul."], vec![], vec!["a\u{a0}b"], vec!["fim"]]);
        assert!(read(b"", SpecialWords::Refuse).unwrap().is_empty());
    }

    #[test]
    fn words_and_lines_of_a_million_characters_are_read() {
        let long = "é".repeat(1_000_000);
        let many = "palavra ".repeat(125_000);
        let found = read(format!("{long}\n{many}\n").as_bytes(), SpecialWords::Refuse).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], [long]);
        assert_eq!(found[1].len(), 125_000);
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_line() {
        let binary = read(b"one\ntwo\x00three\n", SpecialWords::Refuse).unwrap_err();
        assert!(binary.contains("text.txt, line 2") && binary.contains("zero byte"), "{binary}");
        let latin = read(b"um\ndois\nn\xe3o\n", SpecialWords::Refuse).unwrap_err();
        assert!(latin.contains("text.txt, line 3") && latin.contains("UTF-8"), "{latin}");
    }

    #[test]
    fn words_of_the_model_are_refused_or_passed_over() {
        for word in ["<s>", "</s>", "<unk>"] {
            let text = format!("a b\nc {word} d\n");
            let message = read(text.as_bytes(), SpecialWords::Refuse).unwrap_err();
            assert!(message.contains("line 2") && message.contains("--skip-symbols"), "{message}");
            let found = read(text.as_bytes(), SpecialWords::Skip).unwrap();
            assert_eq!(found, [["a", "b"], ["c", "d"]]);
        }
    }
}
