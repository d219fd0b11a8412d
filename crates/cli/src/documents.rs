//! Lines of training files, whatever their format: sentences, pairs, dialogues.
//!
//! A file's format is told by its name, `.gz` left aside: `.jsonl` dialogues, `.tsv` pairs, all else sentences.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use papo_ngram::Error;
use serde::Deserialize;

/// What the lines of a file hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFormat {
    /// A sentence.
    Sentence,
    /// Source, tab, target.
    Pair,
    /// A JSON object with a list `turns`.
    Dialogue,
}

impl LineFormat {
    /// What a file of this name holds.
    pub fn of(path: &Path) -> LineFormat {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_ascii_lowercase();
        match name.strip_suffix(".gz").unwrap_or(&name).rsplit_once('.') {
            Some((_, "jsonl" | "ndjson")) => LineFormat::Dialogue,
            Some((_, "tsv")) => LineFormat::Pair,
            _ => LineFormat::Sentence,
        }
    }
}

/// A line: its turns, or the one sentence that it is.
pub struct Document {
    /// The line's number, from 1.
    pub line: u64,
    /// What was said, in order.
    pub turns: Vec<String>,
}

/// The lines of a file, one after the other.
pub struct Documents {
    path: PathBuf,
    format: LineFormat,
    input: Box<dyn BufRead>,
    line: u64,
    bytes: Vec<u8>,
}

#[derive(Deserialize)]
struct Dialogue {
    turns: Vec<String>,
}

impl Documents {
    /// Opens a file.
    pub fn open(path: &Path) -> Result<Documents, Error> {
        let file = BufReader::with_capacity(1 << 18, File::open(path).map_err(Error::reading(path))?);
        let packed = path.extension().is_some_and(|extension| extension == "gz");
        let input: Box<dyn BufRead> =
            if packed { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
        Ok(Documents {
            path: path.to_owned(),
            format: LineFormat::of(path),
            input,
            line: 0,
            bytes: Vec::new(),
        })
    }

    fn read(&mut self) -> Result<Option<Document>, Error> {
        loop {
            self.bytes.clear();
            if self.input.read_until(b'\n', &mut self.bytes).map_err(Error::reading(&self.path))? == 0 {
                return Ok(None);
            }
            self.line += 1;
            let line = std::str::from_utf8(&self.bytes).map_err(|_| {
                self.refusal("not UTF-8; convert the file, for example with iconv -f latin1 -t utf-8")
            })?;
            if line.contains('\0') {
                return Err(self.refusal("a zero byte, so this is no text; give a file of UTF-8 text"));
            }
            let line = line.strip_suffix('\n').unwrap_or(line);
            let line = line.strip_suffix('\r').unwrap_or(line);
            // Only in a text does an empty line mean something.
            if line.trim().is_empty() && self.format != LineFormat::Sentence {
                continue;
            }
            let turns = self.turns(line)?;
            return Ok(Some(Document { line: self.line, turns }));
        }
    }

    fn turns(&self, line: &str) -> Result<Vec<String>, Error> {
        match self.format {
            LineFormat::Sentence => Ok(vec![line.to_owned()]),
            LineFormat::Pair => match line.split_once('\t') {
                Some((source, target)) => Ok(vec![source.to_owned(), target.to_owned()]),
                None => Err(self.refusal("a pair without a tab; write the source, a tab and the target")),
            },
            LineFormat::Dialogue => {
                let dialogue: Dialogue = serde_json::from_str(line).map_err(|error| {
                    self.refusal(&format!(
                        "no dialogue ({error}); write {{\"turns\": [\"…\", \"…\"]}} on each line"
                    ))
                })?;
                Ok(dialogue.turns)
            }
        }
    }

    fn refusal(&self, reason: &str) -> Error {
        Error::Text { path: self.path.clone(), line: self.line, reason: reason.to_owned() }
    }
}

impl Iterator for Documents {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
