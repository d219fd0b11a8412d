//! Documents in files: blocks of running text, pairs, dialogues.
//!
//! What a file holds is told by its name, `.gz` left aside: `.tsv` pairs (source, tab, target), `.jsonl` dialogues (an object with
//! a list `turns` on each line, and perhaps a list `targets`: the places, counted from 0, of the turns that are worth learning to
//! say), anything else text. Two files can also hold the two sides of pairs, line by line. Files are
//! read as a stream: no more than a block is in memory.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::lines::Lines;
use crate::Error;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataFormat {
    /// Running text.
    Text,
    /// On each line source, tab, target.
    Pairs,
    /// On each line a JSON object with a list of turns.
    Dialogues,
}

impl DataFormat {
    /// What a file of this name holds.
    pub fn of(path: &Path) -> DataFormat {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_ascii_lowercase();
        match name.strip_suffix(".gz").unwrap_or(&name).rsplit('.').next() {
            Some("tsv") => DataFormat::Pairs,
            Some("jsonl" | "ndjson") => DataFormat::Dialogues,
            _ => DataFormat::Text,
        }
    }
}

/// A file of training data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// The file; of two files with the sides of pairs, the one with the sources.
    pub path: PathBuf,
    /// The file with the targets, line by line.
    pub targets: Option<PathBuf>,
}

impl DataFile {
    /// A file by itself.
    pub fn new(path: impl Into<PathBuf>) -> DataFile {
        DataFile { path: path.into(), targets: None }
    }

    /// What the file holds.
    pub fn format(&self) -> DataFormat {
        if self.targets.is_some() { DataFormat::Pairs } else { DataFormat::of(&self.path) }
    }

    /// All files behind this one.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(self.path.as_path()).chain(self.targets.as_deref())
    }
}

/// One document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// A block of running text; blocks of a file follow one another, and joined they are the file.
    Block {
        /// The text, line feeds included.
        text: String,
        /// Whether a file begins here.
        first: bool,
    },
    /// Turns of a dialogue, or source and target of a pair.
    Turns {
        /// What was said, in order.
        turns: Vec<String>,
        /// Whether each turn is worth learning to say. A model that reads all turns as one text learns all of them.
        targets: Vec<bool>,
    },
}

impl Document {
    /// All text of the document, in pieces.
    pub fn texts(self) -> Vec<String> {
        match self {
            Document::Block { text, .. } => vec![text],
            Document::Turns { turns, .. } => turns,
        }
    }
}

/// The documents of files, one after another.
pub fn documents(files: &[DataFile]) -> impl Iterator<Item = Result<Document, Error>> + Send + use<> {
    let files: Vec<DataFile> = files.to_vec();
    files.into_iter().flat_map(|file| {
        let opened = open(&file);
        let (documents, failure) = match opened {
            Ok(documents) => (Some(documents), None),
            Err(failure) => (None, Some(Err(failure))),
        };
        failure.into_iter().chain(documents.into_iter().flatten())
    })
}

type Documents = Box<dyn Iterator<Item = Result<Document, Error>> + Send>;

fn open(file: &DataFile) -> Result<Documents, Error> {
    let lines = Lines::open(&file.path)?;
    if let Some(targets) = &file.targets {
        return Ok(Box::new(SideBySide { sources: lines, targets: Lines::open(targets)? }));
    }
    let path = file.path.clone();
    Ok(match file.format() {
        DataFormat::Text => Box::new(Blocks { lines, waiting: String::new(), first: true }),
        DataFormat::Pairs => Box::new(turns(lines, move |number, line| pair(&path, number, line))),
        DataFormat::Dialogues => Box::new(turns(lines, move |number, line| dialogue(&path, number, line))),
    })
}

/// A document a line; blank lines are none.
fn turns(
    lines: Lines,
    parse: impl Fn(usize, &str) -> Result<(Vec<String>, Vec<bool>), Error> + Send,
) -> impl Iterator<Item = Result<Document, Error>> + Send {
    lines.filter_map(move |line| match line {
        Err(error) => Some(Err(error)),
        Ok((_, text)) if text.trim().is_empty() => None,
        Ok((number, text)) => match parse(number, text.trim_end_matches('\n')) {
            Ok((turns, _)) if turns.is_empty() => None,
            Ok((turns, targets)) => Some(Ok(Document::Turns { turns, targets })),
            Err(error) => Some(Err(error)),
        },
    })
}

fn pair(path: &Path, line: usize, text: &str) -> Result<(Vec<String>, Vec<bool>), Error> {
    let wrong = |reason: &str| Error::Data { path: path.to_owned(), line, reason: reason.to_owned() };
    let (source, target) = text.split_once('\t').ok_or_else(|| {
        wrong("there is no tab; a pair is written as source, tab, target, and running text belongs into a .txt file")
    })?;
    if target.contains('\t') {
        return Err(wrong("there is more than one tab; a pair is written as source, tab, target"));
    }
    let (source, target) = (source.trim(), target.trim());
    if source.is_empty() || target.is_empty() {
        return Err(wrong("one side of the pair is empty; complete it or remove the line"));
    }
    Ok((vec![source.to_owned(), target.to_owned()], vec![true; 2]))
}

fn dialogue(path: &Path, line: usize, text: &str) -> Result<(Vec<String>, Vec<bool>), Error> {
    #[derive(Deserialize)]
    struct Line {
        turns: Vec<String>,
        targets: Option<Vec<usize>>,
    }
    let parsed: Line = serde_json::from_str(text).map_err(|error| Error::Data {
        path: path.to_owned(),
        line,
        reason: format!(
            "not a dialogue ({error}); each line is a JSON object with a list of strings: {{\"turns\": [\"Hi!\", \
             \"Hello!\"]}}"
        ),
    })?;
    let turns = parsed
        .turns
        .iter()
        .map(|turn| turn.trim().to_owned())
        .enumerate()
        .filter(|(_, turn)| !turn.is_empty());
    let is_target = |place: usize| parsed.targets.as_ref().is_none_or(|targets| targets.contains(&place));
    Ok(turns.map(|(place, turn)| (turn, is_target(place))).unzip())
}

/// A block is about this long, so that memory stays small and the tokenizer seldom sees a cut.
const BLOCK_BYTES: usize = 1 << 16;

/// Running text in blocks, cut behind a line feed, or inside a line that is longer than a block.
struct Blocks {
    lines: Lines,
    waiting: String,
    first: bool,
}

impl Blocks {
    fn next_block(&mut self) -> Result<Option<Document>, Error> {
        while self.waiting.len() < BLOCK_BYTES {
            match self.lines.next().transpose()? {
                Some((_, line)) => self.waiting.push_str(&line),
                None => break,
            }
        }
        if self.waiting.is_empty() {
            return Ok(None);
        }
        let rest = if self.waiting.len() > 2 * BLOCK_BYTES {
            self.waiting.split_off(cut(&self.waiting))
        } else {
            String::new()
        };
        let text = std::mem::replace(&mut self.waiting, rest);
        Ok(Some(Document::Block { text, first: std::mem::take(&mut self.first) }))
    }
}

/// Where to cut a text that is longer than a block: before the last space of the first block, else between two characters.
fn cut(text: &str) -> usize {
    let end = (0..=BLOCK_BYTES).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    let space = text[..end].rfind([' ', '\n']).filter(|&space| space > 0);
    space.unwrap_or(end)
}

impl Iterator for Blocks {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_block().transpose()
    }
}

/// Two files whose lines belong together.
struct SideBySide {
    sources: Lines,
    targets: Lines,
}

impl SideBySide {
    fn next_pair(&mut self) -> Result<Option<Document>, Error> {
        loop {
            let (number, source, target) =
                match (self.sources.next().transpose()?, self.targets.next().transpose()?) {
                    (None, None) => return Ok(None),
                    (Some((number, source)), Some((_, target))) => (number, source, target),
                    (Some((number, _)), None) => return Err(uneven(&self.sources, &self.targets, number)),
                    (None, Some((number, _))) => return Err(uneven(&self.targets, &self.sources, number)),
                };
            let (source, target) = (source.trim(), target.trim());
            match (source.is_empty(), target.is_empty()) {
                (true, true) => {}
                (false, false) => {
                    return Ok(Some(Document::Turns {
                        turns: vec![source.to_owned(), target.to_owned()],
                        targets: vec![true; 2],
                    }));
                }
                (empty, _) => {
                    return Err(Error::Data {
                        path: if empty { self.sources.path() } else { self.targets.path() }.to_owned(),
                        line: number,
                        reason:
                            "this side of the pair is empty; complete it, or remove the line from both files"
                                .into(),
                    });
                }
            }
        }
    }
}

fn uneven(longer: &Lines, shorter: &Lines, line: usize) -> Error {
    Error::Data {
        path: longer.path().to_owned(),
        line,
        reason: format!(
            "{} has no such line; the two files must hold the two sides of the same pairs, line by line",
            shorter.path().display()
        ),
    }
}

impl Iterator for SideBySide {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_pair().transpose()
    }
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
            [sources, targets] => DataFile { path: sources.clone(), targets: Some(targets.clone()) },
            _ => DataFile::new(&paths[0]),
        };
        documents(&[file]).map(|document| document.map_err(|error| error.to_string())).collect()
    }

    fn turns(turns: &[&str]) -> Document {
        let turns: Vec<String> = turns.iter().map(|turn| (*turn).to_owned()).collect();
        Document::Turns { targets: vec![true; turns.len()], turns }
    }

    #[test]
    fn blocks_joined_are_the_file() {
        let line = "a line of words that goes on and on for a while, ".repeat(3000);
        let content = format!("{line}\nshort\n\n{}", "x".repeat(1_000_000));
        let found = read(&[("a.txt", &content)]).unwrap();
        assert!(found.len() > 8);
        let mut joined = String::new();
        for (index, document) in found.into_iter().enumerate() {
            let Document::Block { text, first } = document else { panic!("not a block") };
            assert!(text.len() <= 2 * BLOCK_BYTES && first == (index == 0));
            joined.push_str(&text);
        }
        assert_eq!(joined, content);
    }

    #[test]
    fn pairs_and_dialogues_are_read_a_line_at_a_time() {
        assert_eq!(
            read(&[("a.tsv", "hallo\thello\n\nwelt \t world\n")]).unwrap(),
            [turns(&["hallo", "hello"]), turns(&["welt", "world"])]
        );
        let lines = "{\"topic\": 3, \"turns\": [\"Hi!\", \" \", \"Hello!\"]}\n{\"turns\": []}\n";
        assert_eq!(read(&[("a.jsonl", lines)]).unwrap(), [turns(&["Hi!", "Hello!"])]);
        let chosen = "{\"turns\": [\"Hi!\", \"\", \"Hello!\", \"Bye!\"], \"targets\": [2]}\n";
        let Document::Turns { targets, .. } = &read(&[("a.jsonl", chosen)]).unwrap()[0] else {
            panic!("no turns")
        };
        assert_eq!(targets, &[false, true, false]);
        assert_eq!(
            read(&[("a.de", "hallo\nwelt\n"), ("a.en", "hello\nworld\n")]).unwrap(),
            [turns(&["hallo", "hello"]), turns(&["welt", "world"])]
        );
    }

    #[test]
    fn a_line_that_is_no_pair_or_no_dialogue_is_named() {
        for (name, content, words) in [
            ("a.tsv", "a\tb\nno tab here\n", ["a.tsv", "line 2", "no tab"]),
            ("a.tsv", "a\tb\tc\n", ["a.tsv", "line 1", "more than one tab"]),
            ("a.tsv", "a\tb\na\t\n", ["a.tsv", "line 2", "empty"]),
            ("a.jsonl", "{\"turns\": []}\n\n{\"text\": \"\"}\n", ["a.jsonl", "line 3", "turns"]),
            ("a.jsonl", "{\"turns\": [1]}\n", ["a.jsonl", "line 1", "turns"]),
            ("a.jsonl", "Hi!\n", ["a.jsonl", "line 1", "turns"]),
        ] {
            let error = read(&[(name, content)]).unwrap_err();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
        let error = read(&[("a.de", "eins\nzwei\n"), ("a.en", "one\n")]).unwrap_err();
        assert!(error.contains("line 2") && error.contains("a.en"), "{error}");
    }

    #[test]
    fn names_tell_formats() {
        for (name, format) in [
            ("x.tsv", DataFormat::Pairs),
            ("x.TSV.gz", DataFormat::Pairs),
            ("x.jsonl", DataFormat::Dialogues),
            ("x.jsonl.gz", DataFormat::Dialogues),
            ("x.txt.gz", DataFormat::Text),
            ("README", DataFormat::Text),
        ] {
            assert_eq!(DataFormat::of(Path::new(name)), format, "{name}");
        }
    }
}
