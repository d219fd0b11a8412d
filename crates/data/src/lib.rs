#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! Files of text, of pairs and of dialogues, read in one way for whoever trains, counts or measures.
//!
//! ```text
//! names.rs      folders and patterns                → files
//! input.rs      a file, a pipe or standard input      → bytes, as often as they are wanted
//! reader.rs     what they are packed and marked with  → bytes of text   (signature.rs: what first bytes tell)
//! lines.rs      … → lines        blocks.rs  … → blocks of a running text
//! paragraphs.rs lines that were cut at a width → sentences   (sentences.rs: where they end; words.rs: special words in them)
//! documents.rs  … → sentences, pairs, dialogues       (format.rs: which of them; document.rs: one of them)
//! ```
//!
//! What a file means is decided here and nowhere else: gzip is known by its first bytes, a byte order mark is no text, lines end with
//! a line feed with or without a carriage return before it, what is no UTF-8 is refused with its line. A name, `.gz` left aside, tells
//! what a file holds: `.tsv` pairs, `.jsonl` dialogues, anything else text.
//!
//! Start with `documents.rs`.

#![forbid(unsafe_code)]

mod blocks;
mod document;
mod documents;
mod error;
mod format;
mod input;
mod lines;
mod names;
mod paragraphs;
mod reader;
mod remarks;
mod sentences;
mod signature;
mod words;

pub use blocks::{Block, Blocks};
pub use document::Document;
pub use documents::{DataFile, Documents, Reading, TextUnit, documents};
pub use error::Error;
pub use format::DataFormat;
pub use input::{Input, Source};
pub use lines::{LONGEST_LINE, Lines};
pub use names::named_files;
pub use paragraphs::Paragraphs;
pub use remarks::{Purpose, Remarks};
pub use words::SpecialWords;
