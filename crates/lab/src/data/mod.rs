//! From files to batches of token ids.
//!
//! 1. Crate `papo-data` makes documents of files: a block of running text, a line, a pair, a dialogue.
//! 2. `examples.rs` turns documents into one long row of ids and remembers where the examples lie in it.
//! 3. `plan.rs` decides which examples stand together in which batch of an epoch: a pure function of seed and epoch, so that
//!    the place of an interrupted run is just a number.
//! 4. `fingerprint.rs` tells whether the files of a resumed run are still the same.

mod examples;
mod fingerprint;
mod order;
mod plan;

pub use examples::{Encode, Examples, Framing, HeldOut, Split};
pub use fingerprint::Fingerprint;
pub use papo_data::{DataFile, DataFormat, Document, Documents, Reading, Remarks, TextUnit, documents};
pub use plan::{Batching, Budget, Plan};
