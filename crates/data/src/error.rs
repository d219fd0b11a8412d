//! What can go wrong with data, in sentences that name the file, the line and what to do.

use std::io;
use std::path::PathBuf;

use crate::input::shown;

/// Why data could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system would not let us read.
    #[error(
        "cannot read {}: {source}; check that the file exists, is whole, and that you may read it",
        shown(path)
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder where a file was expected.
    #[error("{} is a folder; name the files in it", shown(path))]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// Damaged gzip data.
    #[error("{} is packed by gzip and damaged ({reason}); pack or download it again", shown(path))]
    Gzip {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        reason: String,
    },
    /// A file whose first bytes tell that it is something else than text.
    #[error("{} is {what} and no text; {advice}", shown(path))]
    NoText {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A file whose name tells that it is no data of ours.
    #[error("{}: {reason}", shown(path))]
    Kind {
        /// The file.
        path: PathBuf,
        /// A sentence: what it is and what to do.
        reason: String,
    },
    /// A byte that no text has.
    #[error(
        "{}, line {line}: there is a zero byte (NUL), so this is no text; give text in UTF-8, plain or packed by gzip",
        shown(path)
    )]
    Zero {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
    },
    /// Text in another encoding.
    #[error(
        "{}, line {line}: byte {byte} of the line is not UTF-8; convert the file, for example with iconv -f latin1 -t utf-8",
        shown(path)
    )]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The byte of the line, counted from 1.
        byte: u64,
    },
    /// A line that is absurdly long.
    #[error("{}, line {line}: longer than {} MiB; split it into shorter lines", shown(path), crate::LONGEST_LINE >> 20)]
    LongLine {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
    },
    /// A line that is not what its file is said to hold.
    #[error("{}, line {line}: {reason}", shown(path))]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// A sentence: what was expected and what to do.
        reason: String,
    },
    /// What comes through a pipe could not be kept for a second reading.
    #[error(
        "what comes from {} has to be read more than once and cannot be kept in {}: {source}; free some space there, or write \
         it to a file first",
        shown(path), folder.display()
    )]
    Spool {
        /// The pipe.
        path: PathBuf,
        /// The folder of temporary files.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
