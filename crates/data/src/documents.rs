//! The documents of files, one after another, whatever the files hold.
//!
//! Files are read as a stream: no more than a line or a block is in memory.

use std::path::{Path, PathBuf};

use crate::format::refusal;
use crate::{Block, Blocks, DataFormat, Document, Error, Input, Lines, document};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextUnit {
    /// In blocks that joined are the file.
    Stream,
    /// In lines without their ends.
    Line,
}

/// The documents of one file.
pub struct Documents {
    source: Reading,
    further: u64,
}

enum Reading {
    Blocks(Blocks),
    Lines(Lines),
    Pairs(Lines),
    Dialogues(Lines),
    SideBySide { sources: Lines, targets: Lines },
}

impl Documents {
    /// Opens a file; `unit` is how its text comes, if it is text.
    pub fn open(file: &DataFile, unit: TextUnit) -> Result<Documents, Error> {
        if file.holds.is_none()
            && let Some(reason) = refusal(file.path())
        {
            return Err(Error::Kind { path: file.path().to_owned(), reason: reason.into() });
        }
        let source = match (&file.targets, file.format(), unit) {
            (Some(targets), ..) => {
                Reading::SideBySide { sources: Lines::open(&file.input)?, targets: Lines::open(targets)? }
            }
            (_, DataFormat::Text, TextUnit::Stream) => Reading::Blocks(Blocks::open(&file.input)?),
            (_, DataFormat::Text, TextUnit::Line) => Reading::Lines(Lines::open(&file.input)?),
            (_, DataFormat::Pairs, _) => Reading::Pairs(Lines::open(&file.input)?),
            (_, DataFormat::Dialogues, _) => Reading::Dialogues(Lines::open(&file.input)?),
        };
        Ok(Documents { source, further: 0 })
    }

    /// The line of the document that came last, from 1; of blocks 0.
    pub fn line(&self) -> u64 {
        match &self.source {
            Reading::Blocks(_) => 0,
            Reading::Lines(lines) | Reading::Pairs(lines) | Reading::Dialogues(lines) => lines.number(),
            Reading::SideBySide { sources, .. } => sources.number(),
        }
    }

    /// Bytes that were read so far, and all of them where that is known.
    pub fn progress(&self) -> (u64, Option<u64>) {
        match &self.source {
            Reading::Blocks(blocks) => blocks.progress(),
            Reading::Lines(lines) | Reading::Pairs(lines) | Reading::Dialogues(lines) => lines.progress(),
            Reading::SideBySide { sources, .. } => sources.progress(),
        }
    }

    /// How many of the pairs so far had more than one reference.
    pub fn further_references(&self) -> u64 {
        self.further
    }

    fn read(&mut self) -> Result<Option<Document>, Error> {
        loop {
            let found = match &mut self.source {
                Reading::Blocks(blocks) => {
                    let block = blocks.next().transpose()?;
                    return Ok(block.map(|Block { text, first }| Document::Block { text, first }));
                }
                Reading::Lines(lines) => return Ok(lines.next().transpose()?.map(Document::Line)),
                Reading::SideBySide { sources, targets } => return side_by_side(sources, targets),
                Reading::Pairs(lines) | Reading::Dialogues(lines) => lines.next().transpose()?,
            };
            // Blank lines are neither pairs nor dialogues.
            let Some(line) = found else { return Ok(None) };
            if line.trim().is_empty() {
                continue;
            }
            let understood = match &self.source {
                Reading::Pairs(lines) => {
                    document::pair(&line).map(Some).map_err(|reason| lines.wrong(reason))
                }
                Reading::Dialogues(lines) => document::dialogue(&line).map_err(|reason| lines.wrong(reason)),
                _ => Ok(None),
            };
            if let Some(document) = understood? {
                if let Document::Pair { references, .. } = &document {
                    self.further += u64::from(references.len() > 1);
                }
                return Ok(Some(document));
            }
        }
    }
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
    unit: TextUnit,
) -> impl Iterator<Item = Result<Document, Error>> + Send + use<> {
    let files: Vec<DataFile> = files.to_vec();
    files.into_iter().flat_map(move |file| {
        let (documents, failure) = match Documents::open(&file, unit) {
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
        documents(&[file], TextUnit::Line)
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
        let all: Vec<_> = documents(&[DataFile::new(path)], TextUnit::Stream).map(Result::unwrap).collect();
        assert_eq!(all, [Document::Block { text: "a b\n\nc".into(), first: true }]);
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
        let mut documents = Documents::open(&file, TextUnit::Line).unwrap();
        assert_eq!(documents.next().unwrap().unwrap(), pair("a", &["b"]));
        assert_eq!(
            (documents.line(), documents.progress(), documents.further_references()),
            (1, (4, Some(4)), 0)
        );
    }
}
