//! The log of a training, a line of JSON for each thing worth telling: `training/log.jsonl`.
//!
//! A resumed run takes back the lines that were written after the state it goes on from, so that no step is told twice.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use papo_checkpoint::replace_file;
use serde::{Deserialize, Serialize};

use super::source_use::SourceUse;
use crate::Error;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Entry {
    /// How the training goes.
    Step(StepEntry),
    /// What the held-out data say.
    Validation(ValidationEntry),
}

/// How the training goes, over the steps since the entry before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepEntry {
    /// Steps taken.
    pub step: u64,
    /// Epochs gone through, the one under way as a fraction.
    pub epoch: f64,
    /// Nats for each target token, without label smoothing.
    pub loss: f64,
    /// The learning rate of the last step.
    pub learning_rate: f64,
    /// The norm of the last step's gradients, before clipping.
    pub gradient_norm: f64,
    /// Tokens through the network, sources and targets, a second.
    pub tokens_per_s: f64,
    /// Seconds of training since its beginning, all runs together.
    pub seconds: f64,
}

/// What the held-out data say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidationEntry {
    /// Steps taken.
    pub step: u64,
    /// Epochs gone through.
    pub epoch: f64,
    /// Nats for each target token; of the training data where nothing is held out.
    pub validation_loss: f64,
    /// Whether no validation before was better.
    pub best: bool,
    /// What its source tells an encoder-decoder; `None` for models without a source.
    #[serde(flatten)]
    pub source: Option<SourceUse>,
    /// Seconds of training since its beginning, all runs together.
    pub seconds: f64,
}

impl Entry {
    fn step(&self) -> u64 {
        match self {
            Entry::Step(entry) => entry.step,
            Entry::Validation(entry) => entry.step,
        }
    }
}

/// A log that is being written.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Opens the log at `path`, taking back what was told after `step`.
    pub fn open(path: &Path, step: u64) -> Result<Log, Error> {
        let failed = |source| Error::Write { path: path.to_owned(), source };
        if path.exists() {
            let kept: Vec<Entry> =
                Log::read(path)?.into_iter().filter(|entry| entry.step() <= step).collect();
            replace_file(path, |file| {
                kept.iter().try_for_each(|entry| file.write_all(line(entry).as_bytes()))
            })?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
        Ok(Log { path: path.to_owned(), file })
    }

    /// The entries of a log; a last line that a crash cut short is left out.
    pub fn read(path: &Path) -> Result<Vec<Entry>, Error> {
        let failed = |source| Error::Read { path: path.to_owned(), source };
        let mut entries = Vec::new();
        for line in BufReader::new(File::open(path).map_err(failed)?).lines() {
            if let Ok(entry) = serde_json::from_str(&line.map_err(failed)?) {
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    /// Adds a line.
    pub fn write(&mut self, entry: &Entry) -> Result<(), Error> {
        self.file
            .write_all(line(entry).as_bytes())
            .map_err(|source| Error::Write { path: self.path.clone(), source })
    }
}

fn line(entry: &Entry) -> String {
    serde_json::to_string(entry).map(|text| text + "\n").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(step: u64) -> Entry {
        Entry::Validation(ValidationEntry {
            step,
            epoch: 0.5,
            validation_loss: 2.0,
            best: true,
            source: (step > 2).then_some(SourceUse { source_gain: 0.5, copy_gain: 1.5 }),
            seconds: 1.0,
        })
    }

    #[test]
    fn what_was_told_after_the_state_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut log = Log::open(&path, 0).unwrap();
        for step in 1..=4 {
            log.write(&entry(step)).unwrap();
        }
        log.file.write_all(b"{\"event\": \"step\", \"st").unwrap();
        drop(log);
        Log::open(&path, 2).unwrap().write(&entry(3)).unwrap();
        assert_eq!(Log::read(&path).unwrap(), [entry(1), entry(2), entry(3)]);
    }
}
