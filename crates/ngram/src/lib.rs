#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! n-gram language models with modified Kneser–Ney smoothing.
//!
//! A model is a list of [`Entry`]s over a [`Vocabulary`]. Whatever makes entries (estimation from counts, an ARPA file)
//! streams them into an [`EntrySink`], order by order, and whatever keeps them (an ARPA file, the mapped binary, a test)
//! is such a sink: neither side ever holds a whole model that is not its own. Start with `entries.rs`.

#![forbid(unsafe_code)]

mod arpa;
mod binary;
mod corpus;
mod entries;
mod error;
mod estimate;
mod language_model;
mod listing;
mod model;
mod state;
mod text;
mod vocabulary;

pub use arpa::{ArpaProblem, ArpaRemarks, ArpaWriter, import_arpa, read_arpa, read_arpa_from};
pub use binary::build::{ModelWriter, WriteOptions};
pub use binary::header::Layout;
pub use corpus::{Corpus, Piece};
pub use entries::{Entry, EntrySink};
pub use error::Error;
pub use estimate::{CountsOfCounts, Discounts, Observer, Settings, Step, Summary, estimate};
pub use language_model::{Generator, Rows};
pub use model::Model;
pub use state::{Score, State};
pub use text::{SpecialWords, TextReader};
pub use vocabulary::{END, START, Spellings, UNKNOWN, Vocabulary};

/// The longest n-gram that models may have.
pub const MAX_ORDER: usize = 8;
