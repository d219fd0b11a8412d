//! The documents of files, one after another, whatever the files hold.
//!
//! Files are read as a stream: no more than a line or a block is in memory.

use std::path::{Path, PathBuf};

use crate::blocks::line_feeds;
use crate::format::refusal;
use crate::paragraphs::{self, Sentences};
use crate::reader::Reader;
use crate::{
    Block, Blocks, DataFormat, Document, Error, Input, Lines, Paragraphs, SpecialWords, document, words,
};

/// A file of data, or two that hold the two sides of pairs, line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// The file; of two files the one with the sources.
    pub input: Input,
    /// The file with the targets, line by line.
    pub targets: Option<Input>,
    /// What it holds; `None`: what its name tells.
    pub holds: Option<DataFormat>,
}

impl DataFile {
    /// A file by itself; `-` is standard input.
    pub fn new(path: impl Into<PathBuf>) -> DataFile {
        DataFile { input: Input::new(path), targets: None, holds: None }
    }

    /// A file of sources with the file of their targets.
    pub fn with_targets(sources: impl Into<PathBuf>, targets: impl Into<PathBuf>) -> DataFile {
        DataFile { input: Input::new(sources), targets: Some(Input::new(targets)), holds: None }
    }

    /// What the file holds.
    pub fn format(&self) -> DataFormat {
        match self.targets {
            Some(_) => DataFormat::Pairs,
            None => self.holds.unwrap_or_else(|| DataFormat::of(self.input.path())),
        }
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        self.input.path()
    }

    /// All inputs behind this one.
    pub fn inputs(&self) -> impl Iterator<Item = &Input> {
        std::iter::once(&self.input).chain(&self.targets)
    }

    /// Makes sure that it can be read more than once; what is no file is kept in a temporary file in this folder.
    pub fn hold(&mut self, folder: &Path) -> Result<(), Error> {
        self.input.hold(folder)?;
        self.targets.as_mut().map_or(Ok(()), |targets| targets.hold(folder))
    }
}

/// In what portions text comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextUnit {
    /// In blocks that joined are the file.
    Stream,
    /// In lines without their ends.
    #[default]
    Line,
    /// In blocks of lines, each of which is a text of its own: for whoever has a line of any length read in little memory.
    LineBlocks,
}

/// How files are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// In what portions text comes.
    pub unit: TextUnit,
    /// Whether lines of text are joined into paragraphs and split into sentences. A stream is left as it is unless they always are.
    pub paragraphs: Paragraphs,
    /// What to do with words that are spelled like special tokens.
    pub special_words: SpecialWords,
}

/// The documents of one file.
pub struct Documents {
    path: PathBuf,
    source: Portions,
    special_words: SpecialWords,
    width: Option<usize>,
    further: u64,
    special: u64,
}

enum Portions {
    Blocks(Blocks),
    Lines(Lines),
    Sentences(Sentences),
    SentenceBlocks { sentences: Sentences, first: bool },
    Pairs(Lines),
    Dialogues(Lines),
    SideBySide { sources: Lines, targets: Lines },
}

impl Documents {
    /// Opens a file.
    pub fn open(file: &DataFile, how: Reading) -> Result<Documents, Error> {
        if file.holds.is_none()
            && let Some(reason) = refusal(file.path())
        {
            return Err(Error::Kind { path: file.path().to_owned(), reason: reason.into() });
        }
        let mut width = None;
        let source = match (&file.targets, file.format()) {
            (Some(targets), _) => {
                Portions::SideBySide { sources: Lines::open(&file.input)?, targets: Lines::open(targets)? }
            }
            (None, DataFormat::Pairs) => Portions::Pairs(Lines::open(&file.input)?),
            (None, DataFormat::Dialogues) => Portions::Dialogues(Lines::open(&file.input)?),
            (None, DataFormat::Text) => {
                let mut reader = Reader::open(&file.input)?;
                let is_asked = how.paragraphs == Paragraphs::Join
                    || (how.paragraphs == Paragraphs::Auto && how.unit != TextUnit::Stream);
                if is_asked {
                    width = paragraphs::width(&String::from_utf8_lossy(&reader.peek(paragraphs::HEAD)?));
                }
                let is_joined = how.paragraphs == Paragraphs::Join || width.is_some();
                match (is_joined, how.unit) {
                    (false, TextUnit::Line) => Portions::Lines(Lines::of(reader)),
                    (false, _) => Portions::Blocks(Blocks::of(reader)),
                    (true, TextUnit::Line) => Portions::Sentences(Sentences::new(Lines::of(reader), width)),
                    (true, _) => {
                        let sentences = Sentences::new(Lines::of(reader), width);
                        Portions::SentenceBlocks { sentences, first: true }
                    }
                }
            }
        };
        let path = file.path().to_owned();
        Ok(Documents { path, source, special_words: how.special_words, width, further: 0, special: 0 })
    }

    /// The line of the document that came last, from 1, or at which it began.
    pub fn line(&self) -> u64 {
        match &self.source {
            Portions::Blocks(blocks) => blocks.lines_before() + 1,
            Portions::Sentences(sentences) | Portions::SentenceBlocks { sentences, .. } => sentences.line(),
            Portions::Lines(lines) | Portions::Pairs(lines) | Portions::Dialogues(lines) => lines.number(),
            Portions::SideBySide { sources, .. } => sources.number(),
        }
    }

    /// Bytes that were read so far, and all of them where that is known.
    pub fn progress(&self) -> (u64, Option<u64>) {
        match &self.source {
            Portions::Blocks(blocks) => blocks.progress(),
            Portions::Sentences(sentences) | Portions::SentenceBlocks { sentences, .. } => {
                sentences.lines().progress()
            }
            Portions::Lines(lines) | Portions::Pairs(lines) | Portions::Dialogues(lines) => lines.progress(),
            Portions::SideBySide { sources, .. } => sources.progress(),
        }
    }

    /// How many of the pairs so far had more than one reference.
    pub fn further_references(&self) -> u64 {
        self.further
    }

    /// How many whole words so far were spelled like special tokens.
    pub fn special_words(&self) -> u64 {
        self.special
    }

    /// The width at which the lines looked cut, for which they were joined into paragraphs.
    pub fn joined_at(&self) -> Option<usize> {
        self.width
    }

    fn read(&mut self) -> Result<Option<Document>, Error> {
        loop {
            let found = match &mut self.source {
                Portions::Blocks(blocks) => {
                    blocks.next().transpose()?.map(|Block { text, first }| Document::Block { text, first })
                }
                Portions::Lines(lines) => lines.next().transpose()?.map(Document::Line),
                Portions::Sentences(sentences) => sentences.next().transpose()?.map(Document::Line),
                Portions::SentenceBlocks { sentences, first } => sentences
                    .next()
                    .transpose()?
                    .map(|text| Document::Block { text: text + "\n", first: std::mem::take(first) }),
                Portions::SideBySide { sources, targets } => side_by_side(sources, targets)?,
                Portions::Pairs(lines) => match next_filled(lines)? {
                    Some(line) => Some(document::pair(&line).map_err(|reason| lines.wrong(reason))?),
                    None => None,
                },
                Portions::Dialogues(lines) => match next_filled(lines)? {
                    Some(line) => match document::dialogue(&line).map_err(|reason| lines.wrong(reason))? {
                        Some(document) => Some(document),
                        None => continue,
                    },
                    None => None,
                },
            };
            let Some(document) = found else { return Ok(None) };
            if let Document::Pair { references, .. } = &document {
                self.further += u64::from(references.len() > 1);
            }
            if let Some(document) = self.treated(document)? {
                return Ok(Some(document));
            }
        }
    }

    /// The document with its special words treated; `None` where nothing else was in it.
    fn treated(&mut self, mut document: Document) -> Result<Option<Document>, Error> {
        match &mut document {
            Document::Line(text) | Document::Block { text, .. } => self.treat(text)?,
            Document::Pair { source, references } => {
                self.treat(source)?;
                references.iter_mut().try_for_each(|reference| self.treat(reference))?;
                references.retain(|reference| !reference.is_empty());
                if source.is_empty() || references.is_empty() {
                    return Ok(None);
                }
            }
            Document::Dialogue { turns, targets } => {
                turns.iter_mut().try_for_each(|turn| self.treat(turn))?;
                let mut filled = turns.iter().map(|turn| !turn.is_empty()).collect::<Vec<_>>().into_iter();
                targets.retain(|_| filled.next().unwrap_or_default());
                turns.retain(|turn| !turn.is_empty());
                if turns.is_empty() {
                    return Ok(None);
                }
            }
        }
        Ok(Some(document))
    }

    fn treat(&mut self, text: &mut String) -> Result<(), Error> {
        let treated = words::treated(text, self.special_words).map_err(|(place, word)| {
            let line = match &self.source {
                Portions::Blocks(blocks) => blocks.lines_before() + line_feeds(&text.as_bytes()[..place]) + 1,
                _ => self.line(),
            };
            Error::Line { path: self.path.clone(), line, reason: words::refusal(word) }
        })?;
        self.special += treated.count;
        if let Some(kept) = treated.text {
            *text = match &self.source {
                Portions::Blocks(_) | Portions::SentenceBlocks { .. } => kept,
                _ => kept.trim().to_owned(),
            };
        }
        Ok(())
    }
}

/// The next line that is not blank: blank lines are neither pairs nor dialogues.
fn next_filled(lines: &mut Lines) -> Result<Option<String>, Error> {
    lines.find(|line| line.as_ref().map_or(true, |line| !line.trim().is_empty())).transpose()
}

impl Iterator for Documents {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// The documents of files, one after another.
pub fn documents(
    files: &[DataFile],
    how: Reading,
) -> impl Iterator<Item = Result<Document, Error>> + Send + use<> {
    let files: Vec<DataFile> = files.to_vec();
    files.into_iter().flat_map(move |file| {
        let (documents, failure) = match Documents::open(&file, how) {
            Ok(documents) => (Some(documents), None),
            Err(failure) => (None, Some(Err(failure))),
        };
        failure.into_iter().chain(documents.into_iter().flatten())
    })
}

/// The next pair of two files whose lines belong together.
fn side_by_side(sources: &mut Lines, targets: &mut Lines) -> Result<Option<Document>, Error> {
    loop {
        let (source, target) = match (sources.next().transpose()?, targets.next().transpose()?) {
            (None, None) => return Ok(None),
            (Some(source), Some(target)) => (source, target),
            (Some(_), None) => return Err(uneven(sources, targets)),
            (None, Some(_)) => return Err(uneven(targets, sources)),
        };
        let (source, target) = (source.trim(), target.trim());
        match (source.is_empty(), target.is_empty()) {
            (true, true) => {}
            (false, false) => {
                return Ok(Some(Document::Pair {
                    source: source.to_owned(),
                    references: vec![target.to_owned()],
                }));
            }
            (empty, _) => {
                let side = if empty { sources } else { targets };
                return Err(side.wrong(
                    "this side of the pair is empty; complete it, or remove the line from both files",
                ));
            }
        }
    }
}

fn uneven(longer: &Lines, shorter: &Lines) -> Error {
    longer.wrong(format!(
        "{} has no such line; the two files must hold the two sides of the same pairs, line by line",
        crate::input::shown(shorter.path())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: Reading =
        Reading { unit: TextUnit::Stream, paragraphs: Paragraphs::Keep, special_words: SpecialWords::Take };

    fn read(files: &[(&str, &str)]) -> Result<Vec<Document>, String> {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = files.iter().map(|(name, _)| folder.path().join(name)).collect();
        for (path, (_, content)) in paths.iter().zip(files) {
            std::fs::write(path, content).unwrap();
        }
        let file = match paths.as_slice() {
            [sources, targets] => DataFile::with_targets(sources, targets),
            _ => DataFile::new(&paths[0]),
        };
        documents(&[file], Reading::default())
            .map(|document| document.map_err(|error| error.to_string()))
            .collect()
    }

    fn pair(source: &str, references: &[&str]) -> Document {
        Document::Pair {
            source: source.into(),
            references: references.iter().map(|&reference| reference.into()).collect(),
        }
    }

    fn dialogue(turns: &[&str], targets: &[bool]) -> Document {
        Document::Dialogue {
            turns: turns.iter().map(|&turn| turn.into()).collect(),
            targets: targets.to_vec(),
        }
    }

    #[test]
    fn text_comes_in_lines_or_in_blocks() {
        let line = |text: &str| Document::Line(text.into());
        assert_eq!(read(&[("a.txt", "a b\n\nc\r\n")]).unwrap(), [line("a b"), line(""), line("c")]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "a b\r\n\nc").unwrap();
        let all: Vec<_> = documents(&[DataFile::new(path)], STREAM).map(Result::unwrap).collect();
        assert_eq!(all, [Document::Block { text: "a b\n\nc".into(), first: true }]);
    }

    #[test]
    fn words_that_look_special_are_refused_with_their_line_or_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let read = |name: &str, content: &str, unit: TextUnit, special_words: SpecialWords| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            let how = Reading { unit, special_words, ..Reading::default() };
            documents(&[DataFile::new(path)], how)
                .map(|document| document.map(|document| document.texts().concat()))
                .collect::<Result<Vec<String>, Error>>()
                .map_err(|error| error.to_string())
        };
        let far = "a <unk> b <s>c</s>\n".repeat(5000);
        for unit in [TextUnit::Stream, TextUnit::Line, TextUnit::LineBlocks] {
            let text = format!("{far}one </s> two\n");
            let error = read("a.txt", &text, unit, SpecialWords::Refuse).unwrap_err();
            assert!(
                error.contains("line 5001: the word </s>") && error.contains("--skip-symbols"),
                "{error}"
            );
            let kept = read("a.txt", "x <pad> y\n", unit, SpecialWords::Skip).unwrap().concat();
            assert_eq!(kept.trim(), "x  y");
        }
        let dialogues =
            "{\"turns\": [\"a\", \"</s>\", \"<s> b\"], \"targets\": [2]}\n{\"turns\": [\"<s>\"]}\n";
        assert_eq!(read("a.jsonl", dialogues, TextUnit::Line, SpecialWords::Skip).unwrap(), ["ab"]);
        let error = read("a.jsonl", dialogues, TextUnit::Line, SpecialWords::Refuse).unwrap_err();
        assert!(error.contains("line 1: the word </s>"), "{error}");
        let pairs = "a\t<s>\nb\tc </s>\n";
        assert_eq!(read("a.tsv", pairs, TextUnit::Line, SpecialWords::Skip).unwrap(), ["bc"]);
        assert_eq!(read("a.tsv", pairs, TextUnit::Line, SpecialWords::Take).unwrap(), ["a<s>", "bc </s>"]);
    }

    #[test]
    fn a_text_that_was_cut_at_a_width_is_joined_where_that_is_asked_for_or_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book.txt");
        let prose = "It was a long and weary way to the old mill by the river, and\n\
            the two of them had walked it many a time in better days than\nthese. Now it rained.\n\n"
            .replace("two", "three");
        let book: String = (0..6).map(|n| prose.replace("many", &format!("{n}th"))).collect();
        std::fs::write(&path, &book).unwrap();
        let count = |unit: TextUnit, paragraphs: Paragraphs| {
            let how = Reading { unit, paragraphs, ..Reading::default() };
            let mut documents = Documents::open(&DataFile::new(&path), how).unwrap();
            let texts: Vec<String> =
                documents.by_ref().map(|document| document.unwrap().texts().concat()).collect();
            (texts.len(), texts.concat().len(), documents.joined_at().is_some())
        };
        let joined = book.replace("\n\n", "").replace('\n', " ").len() - 6;
        assert_eq!(count(TextUnit::Line, Paragraphs::Auto), (12, joined, true));
        assert_eq!(count(TextUnit::LineBlocks, Paragraphs::Auto), (12, joined + 12, true));
        assert_eq!(count(TextUnit::Line, Paragraphs::Keep), (24, book.len() - 24, false));
        assert_eq!(count(TextUnit::Stream, Paragraphs::Auto), (1, book.len(), false));
        assert_eq!(count(TextUnit::Stream, Paragraphs::Join), (12, joined + 12, true));
    }

    #[test]
    fn pairs_have_a_first_reference_and_perhaps_others() {
        assert_eq!(
            read(&[("a.tsv", "hallo\thello\n\nwelt \t world\tearth\t\n")]).unwrap(),
            [pair("hallo", &["hello"]), pair("welt", &["world", "earth"])]
        );
        assert_eq!(pair("welt", &["world", "earth"]).texts(), ["welt", "world"]);
        assert_eq!(
            read(&[("a.de", "hallo\n\nwelt\n"), ("a.en", "hello\n\n world\n")]).unwrap(),
            [pair("hallo", &["hello"]), pair("welt", &["world"])]
        );
    }

    #[test]
    fn turns_are_trimmed_and_those_without_a_word_are_none() {
        let lines = "{\"topic\": 3, \"turns\": [\"Hi!\", \" \", \" Hello!\\n\"]}\n{\"turns\": []}\n";
        assert_eq!(read(&[("a.jsonl", lines)]).unwrap(), [dialogue(&["Hi!", "Hello!"], &[true, true])]);
        let chosen = "{\"turns\": [\"Hi!\", \"\", \"Hello!\", \"Bye!\"], \"targets\": [2]}\n";
        let expected = dialogue(&["Hi!", "Hello!", "Bye!"], &[false, true, false]);
        assert_eq!(read(&[("a.jsonl", chosen)]).unwrap(), std::slice::from_ref(&expected));
        assert_eq!(read(&[("a.json", chosen)]).unwrap(), [expected], "JSON Lines under another name");
    }

    #[test]
    fn a_line_that_is_no_pair_or_no_dialogue_is_named() {
        for (name, content, words) in [
            ("a.tsv", "a\tb\nno tab here\n", ["a.tsv", "line 2", "no tab"]),
            ("a.tsv", "a\tb\na\t\tc\n", ["a.tsv", "line 2", "empty"]),
            ("a.jsonl", "{\"turns\": []}\n\n{\"text\": \"\"}\n", ["a.jsonl", "line 3", "turns"]),
            ("a.jsonl", "{\"turns\": [1]}\n", ["a.jsonl", "line 1", "turns"]),
            ("a.jsonl", "Hi!\n", ["a.jsonl", "line 1", "turns"]),
            ("a.json", "[{\"turns\": [\"Hi!\"]},\n", ["line 1", "array", "jq -c '.[]'"]),
            ("a.json", "{\n  \"turns\": [\"Hi!\"]\n}\n", ["line 1", "several lines", "jq -c ."]),
            ("a.csv", "a,b\n", ["a.csv", "comma-separated", ".tsv"]),
            ("a.csv.gz", "a,b\n", ["a.csv", "comma-separated", ".tsv"]),
        ] {
            let error = read(&[(name, content)]).unwrap_err();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
        let error = read(&[("a.de", "eins\nzwei\n"), ("a.en", "one\n")]).unwrap_err();
        assert!(error.contains("line 2") && error.contains("a.en"), "{error}");
    }

    #[test]
    fn what_a_file_is_said_to_hold_goes_before_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "a\tb\n").unwrap();
        let file = DataFile { holds: Some(DataFormat::Pairs), ..DataFile::new(path) };
        let mut documents = Documents::open(&file, Reading::default()).unwrap();
        assert_eq!(documents.next().unwrap().unwrap(), pair("a", &["b"]));
        assert_eq!(
            (documents.line(), documents.progress(), documents.further_references()),
            (1, (4, Some(4)), 0)
        );
    }
}
