//! Files to measure with: text, a sentence a line; pairs, source TAB reference; dialogues, an object with `turns` a line.
//!
//! What a file holds is told by its name as in training: `.tsv` pairs, `.jsonl` dialogues, anything else text. Read as a stream. An empty
//! line of text is a sentence without words, as for KenLM's query; elsewhere blank lines are passed over.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Error;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKind {
    /// A sentence a line.
    Text,
    /// On each line a source, a tab and a reference; further references behind further tabs.
    Pairs,
    /// On each line a JSON object with a list of `turns`.
    Dialogues,
}

impl DataKind {
    /// What a file of this name holds.
    pub fn of(path: &Path) -> DataKind {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "tsv" => DataKind::Pairs,
            "jsonl" | "ndjson" => DataKind::Dialogues,
            _ => DataKind::Text,
        }
    }

    /// The name of the kind, as in `papo train --task`.
    pub fn name(self) -> &'static str {
        match self {
            DataKind::Text => "text",
            DataKind::Pairs => "pairs",
            DataKind::Dialogues => "dialogue",
        }
    }
}

/// One line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A sentence.
    Text(String),
    /// Something to translate or to answer, and what it may become.
    Pair {
        /// What the model reads.
        source: String,
        /// What it should say, at least one.
        references: Vec<String>,
    },
    /// The turns of a conversation, at least two.
    Dialogue(Vec<String>),
}

/// The longest line that is read, in bytes.
const LONGEST: u64 = 64 << 20;

/// The items of one file, one after another.
pub struct Items {
    path: PathBuf,
    kind: DataKind,
    reader: BufReader<File>,
    line: usize,
    bytes: u64,
    total: u64,
}

impl Items {
    /// Opens a file; `kind` is what it holds.
    pub fn open(path: &Path, kind: DataKind) -> Result<Items, Error> {
        let read = |source| Error::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(read)?;
        let about = file.metadata().map_err(read)?;
        if about.is_dir() {
            return Err(Error::Content {
                path: path.to_owned(),
                reason: "it is a folder; name the files in it".to_owned(),
            });
        }
        Ok(Items {
            path: path.to_owned(),
            kind,
            reader: BufReader::new(file),
            line: 0,
            bytes: 0,
            total: about.len(),
        })
    }

    /// Bytes read so far, and of the whole file.
    pub fn progress(&self) -> (u64, u64) {
        (self.bytes, self.total.max(self.bytes))
    }

    fn wrong(&self, reason: impl std::fmt::Display) -> Error {
        Error::Content { path: self.path.clone(), reason: format!("line {}: {reason}", self.line) }
    }

    fn next_line(&mut self) -> Result<Option<String>, Error> {
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(LONGEST + 1).read_until(b'\n', &mut bytes);
        let read = read.map_err(|source| Error::Read { path: self.path.clone(), source })?;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        self.bytes += read as u64;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        } else if read as u64 > LONGEST {
            return Err(
                self.wrong(format_args!("longer than {} MiB; split it into shorter lines", LONGEST >> 20))
            );
        }
        if bytes.contains(&0) {
            return Err(self.wrong("there is a NUL byte, so this is no text file; give text in UTF-8"));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(self.wrong("not valid UTF-8; save the file as UTF-8 and try again")),
        }
    }

    fn understand(&self, line: String) -> Result<Option<Item>, Error> {
        let text = line.strip_suffix('\r').unwrap_or(&line);
        match self.kind {
            DataKind::Text => Ok(Some(Item::Text(text.to_owned()))),
            _ if text.trim().is_empty() => Ok(None),
            DataKind::Pairs => {
                let mut sides = text.split('\t').map(|side| side.trim().to_owned());
                let source = sides.next().unwrap_or_default();
                let references: Vec<String> = sides.collect();
                if references.is_empty() {
                    return Err(self.wrong(
                        "there is no tab; a pair is written as source, tab, reference, and running text belongs into a \
                         .txt file",
                    ));
                }
                if source.is_empty() || references.iter().any(String::is_empty) {
                    return Err(self.wrong("one side of the pair is empty; complete it or remove the line"));
                }
                Ok(Some(Item::Pair { source, references }))
            }
            DataKind::Dialogues => {
                #[derive(Deserialize)]
                struct Line {
                    turns: Vec<String>,
                }
                let parsed: Line = serde_json::from_str(text).map_err(|error| {
                    self.wrong(format_args!(
                        "not a dialogue ({error}); each line is a JSON object with a list of strings: {{\"turns\": \
                         [\"Hi!\", \"Hello!\"]}}"
                    ))
                })?;
                let turns = parsed.turns.iter().map(|turn| turn.trim().to_owned());
                let turns: Vec<String> = turns.filter(|turn| !turn.is_empty()).collect();
                Ok((turns.len() > 1).then_some(Item::Dialogue(turns)))
            }
        }
    }
}

impl Iterator for Items {
    type Item = Result<Item, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let understood = match self.next_line() {
                Ok(None) => return None,
                Ok(Some(line)) => self.understand(line),
                Err(error) => Err(error),
            };
            if let Some(item) = understood.transpose() {
                return Some(item);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(kind: DataKind, content: &[u8]) -> Result<Vec<Item>, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        Items::open(file.path(), kind).unwrap().collect::<Result<_, _>>().map_err(|error| error.to_string())
    }

    #[test]
    fn every_kind_is_read_line_by_line() {
        let text = |text: &str| Item::Text(text.to_owned());
        assert_eq!(read(DataKind::Text, b"a b\n\nc\r\n").unwrap(), [text("a b"), text(""), text("c")]);
        let pair = Item::Pair { source: "hallo".into(), references: vec!["hello".into(), "hi".into()] };
        assert_eq!(read(DataKind::Pairs, b"\nhallo\thello\thi\n").unwrap(), [pair]);
        let lines = b"{\"turns\": [\"Hi!\", \" \", \"Hello!\"], \"topic\": 1}\n{\"turns\": [\"alone\"]}\n";
        assert_eq!(
            read(DataKind::Dialogues, lines).unwrap(),
            [Item::Dialogue(vec!["Hi!".into(), "Hello!".into()])]
        );
    }

    #[test]
    fn what_is_no_data_is_named_with_its_line() {
        let told = |kind, content: &[u8], what: &str| {
            let error = read(kind, content).unwrap_err();
            assert!(error.contains("line 2") && error.contains(what), "{error}");
        };
        told(DataKind::Text, b"a\nb\xff\n", "UTF-8");
        told(DataKind::Text, b"a\nb\0c\n", "NUL");
        told(DataKind::Pairs, b"a\tb\nno tab here\n", "tab");
        told(DataKind::Pairs, b"a\tb\nc\t\n", "empty");
        told(DataKind::Dialogues, b"{\"turns\": []}\n{\"turn\": []}\n", "turns");
    }

    #[test]
    fn names_tell_what_files_hold() {
        let kinds = ["a.tsv", "a.JSONL", "a.txt", "a"].map(|name| DataKind::of(Path::new(name)));
        assert_eq!(kinds, [DataKind::Pairs, DataKind::Dialogues, DataKind::Text, DataKind::Text]);
    }
}
