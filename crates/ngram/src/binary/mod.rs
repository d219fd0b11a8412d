//! `model.ngram`: a model in one file that is mapped and opens at once.
//!
//! ```text
//! header.rs    1 kB: magic, version, order, counts, check sums, and where each section lies
//! words.rs     the words: their text, its ends, and a hash table from words to ids
//! unigram.rs   a record for each word: probability, back-off weight, where its successors begin
//! trie.rs      layout `trie`: for each longer order the words, packed to as few bits as they need, sorted under their context
//! hashed.rs    layout `hashed`: for each longer order one hash table of whole cache lines
//! ```
//!
//! Both layouts go *forwards*: an n-gram hangs under its context. A state then knows the place of each context that the next word
//! could continue, and looking the word up in all of them is so many independent searches, whose cache misses overlap; a trie
//! over reversed n-grams, as KenLM has it, waits for each before the next. It is also what lists the successors of a
//! context, which generation needs.
//!
//! Nothing here trusts the file: opening checks the header against itself and the length, in time that does not depend on the file's
//! size, and every later read is checked against its section, so that damaged bytes give wrong numbers and never
//! a panic. [`crate::Model::verify`] finds such damage by the check sum of everything.
//!
//! Writing: `build.rs`, with `spool.rs` (entries on disk, sorted within a memory limit), `parents.rs` and `quantise.rs`.

pub(crate) mod bits;
pub(crate) mod build;
pub(crate) mod hashed;
pub(crate) mod header;
mod parents;
pub(crate) mod quantise;
mod section;
mod spool;
mod summing;
pub(crate) mod trie;
pub(crate) mod unigram;
pub(crate) mod words;
