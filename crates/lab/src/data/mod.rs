//! From files to batches of token ids.
//!
//! 1. `lines.rs` reads a file, compressed or not, line by line, and says file and line when a line is not text.
//! 2. `documents.rs` makes documents of lines: a block of running text, a pair, a dialogue.
//! 3. `examples.rs` turns documents into one long row of ids and remembers where the examples lie in it.
//! 4. `plan.rs` decides which examples stand together in which batch of an epoch: a pure function of seed and epoch, so that
//!    the place of an interrupted run is just a number.
//! 5. `fingerprint.rs` tells whether the files of a resumed run are still the same.

mod documents;
mod examples;
mod fingerprint;
mod lines;
mod order;
mod plan;

pub use documents::{DataFile, DataFormat, Document, documents};
pub use examples::{Encode, Examples, Framing, HeldOut, Split, TextUnit};
pub use fingerprint::Fingerprint;
pub use lines::Lines;
pub use plan::{Batching, Budget, Plan};
