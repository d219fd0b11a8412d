//! Words of plain text: what stands between ASCII white space, a sentence a line, as KenLM counts them.
//!
//! Text comes in parts that may end anywhere, so a line may be as long as it likes. An empty line is an empty sentence,
//! `<s> </s>`, as for KenLM. Files are read by crate `papo-data`.

use std::path::{Path, PathBuf};

use crate::{Corpus, Error, UNKNOWN, Vocabulary};

/// What to do with the words `<s>`, `</s>` and `<pad>` in a text. `<unk>` is a word that nobody knows, and is counted as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialWords {
    /// Stop and say where.
    Refuse,
    /// Pass over them, and over `<unk>`, as if they were white space.
    Skip,
}

/// Puts the words of one file into a corpus and its vocabulary.
pub struct TextReader<'a> {
    corpus: &'a mut Corpus,
    vocabulary: &'a mut Vocabulary,
    special_words: SpecialWords,
    path: PathBuf,
    line: u64,
    is_line_begun: bool,
    /// The beginning of a word whose end has not come.
    word: String,
}

/// Ids below this are those of `<unk>`, `<s>` and `</s>`.
const SPECIALS: u32 = 3;

impl<'a> TextReader<'a> {
    /// Words go into `corpus`, their spellings into `vocabulary`; `path` is for errors.
    pub fn new(
        path: &Path,
        corpus: &'a mut Corpus,
        vocabulary: &'a mut Vocabulary,
        special_words: SpecialWords,
    ) -> TextReader<'a> {
        let path = path.to_owned();
        TextReader {
            corpus,
            vocabulary,
            special_words,
            path,
            line: 1,
            is_line_begun: false,
            word: String::new(),
        }
    }

    /// Adds a part of a text with a sentence a line; parts joined are the text.
    pub fn text(&mut self, text: &str) -> Result<(), Error> {
        let mut start = 0;
        for (end, &byte) in text.as_bytes().iter().enumerate() {
            if !separates(byte) {
                continue;
            }
            self.end_word(&text[start..end])?;
            start = end + 1;
            if byte == b'\n' {
                self.corpus.end_sentence()?;
                self.line += 1;
                self.is_line_begun = false;
            }
        }
        self.word.push_str(&text[start..]);
        Ok(())
    }

    /// Ends the text, and with it a line that has no line feed.
    pub fn finish(mut self) -> Result<(), Error> {
        self.end_word("")?;
        if self.is_line_begun { self.corpus.end_sentence() } else { Ok(()) }
    }

    /// Adds the words of a text that is part of a sentence, such as a turn of a dialogue; `line` is for errors.
    pub fn part(&mut self, text: &str, line: u64) -> Result<(), Error> {
        self.line = line;
        for word in text.split(|letter: char| u8::try_from(letter).is_ok_and(separates)) {
            self.end_word(word)?;
        }
        Ok(())
    }

    /// Ends what was said, a line, a turn or a dialogue, by a token of the corpus.
    pub fn push(&mut self, id: u32) -> Result<(), Error> {
        self.corpus.push(id)
    }

    /// Ends a sentence that was added in parts.
    pub fn end_sentence(&mut self) -> Result<(), Error> {
        self.corpus.end_sentence()
    }

    #[inline]
    fn end_word(&mut self, end: &str) -> Result<(), Error> {
        if self.word.is_empty() {
            return if end.is_empty() { Ok(()) } else { self.add(end) };
        }
        let mut word = std::mem::take(&mut self.word);
        word.push_str(end);
        self.add(&word)
    }

    #[inline]
    fn add(&mut self, word: &str) -> Result<(), Error> {
        self.is_line_begun = true;
        let id = self.vocabulary.add(word);
        let is_learnt = match self.special_words {
            SpecialWords::Refuse => id == UNKNOWN,
            SpecialWords::Skip => false,
        };
        if is_learnt || (id >= SPECIALS && word != "<pad>") {
            return self.corpus.push(id);
        }
        match self.special_words {
            SpecialWords::Skip => Ok(()),
            SpecialWords::Refuse => Err(Error::Text {
                path: self.path.clone(),
                line: self.line,
                reason: format!(
                    "the word {word} has a meaning of its own in a model; take it out, or pass over it with --skip-symbols"
                ),
            }),
        }
    }
}

#[inline]
fn separates(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | b'\r' | b' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Piece;

    /// The sentences of a text that comes in parts of so many characters.
    fn read_in_parts(
        text: &str,
        part: usize,
        special_words: SpecialWords,
    ) -> Result<Vec<Vec<String>>, String> {
        let mut corpus = Corpus::new(&std::env::temp_dir()).unwrap();
        let mut vocabulary = Vocabulary::new();
        let mut reader = TextReader::new(Path::new("text.txt"), &mut corpus, &mut vocabulary, special_words);
        let letters: Vec<char> = text.chars().collect();
        let parts = letters.chunks(part).map(|part| part.iter().collect::<String>());
        parts
            .into_iter()
            .try_for_each(|part| reader.text(&part))
            .and_then(|()| reader.finish())
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

    fn read(text: &str, special_words: SpecialWords) -> Result<Vec<Vec<String>>, String> {
        read_in_parts(text, usize::MAX, special_words)
    }

    #[test]
    fn words_stand_between_ascii_white_space_and_sentences_between_line_feeds() {
        let text = "O céu\té  azul.\r\n\n a\u{a0}b \nfim";
        let sentences = [vec!["O", "céu", "é", "azul."], vec![], vec!["a\u{a0}b"], vec!["fim"]];
        for part in [1, 2, 3, 100] {
            assert_eq!(read_in_parts(text, part, SpecialWords::Refuse).unwrap(), sentences);
        }
        assert!(read("", SpecialWords::Refuse).unwrap().is_empty());
    }

    #[test]
    fn words_and_lines_of_a_million_characters_are_read() {
        let long = "é".repeat(1_000_000);
        let many = "palavra ".repeat(125_000);
        let found = read_in_parts(&format!("{long}\n{many}\n"), 65_536, SpecialWords::Refuse).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], [long]);
        assert_eq!(found[1].len(), 125_000);
    }

    #[test]
    fn words_of_the_model_are_refused_or_passed_over() {
        for word in ["<s>", "</s>", "<pad>"] {
            let text = format!("a b\nc {word} d\n");
            let message = read(&text, SpecialWords::Refuse).unwrap_err();
            assert!(message.contains("line 2") && message.contains("--skip-symbols"), "{message}");
            let found = read(&text, SpecialWords::Skip).unwrap();
            assert_eq!(found, [["a", "b"], ["c", "d"]]);
        }
    }

    #[test]
    fn the_unknown_word_is_counted_or_passed_over() {
        let text = "a <unk> b <unk>\n";
        assert_eq!(read(text, SpecialWords::Refuse).unwrap(), [["a", "<unk>", "b", "<unk>"]]);
        assert_eq!(read(text, SpecialWords::Skip).unwrap(), [["a", "b"]]);
    }
}
