//! Models as text, in the ARPA format that KenLM, SRILM and every other n-gram tool write and read.
//!
//! `read.rs` streams a file into an [`EntrySink`](crate::EntrySink): `lines.rs` cuts it into lines, `foreign.rs` tells by the
//! first bytes what is no ARPA file at all, `contexts.rs` makes up for n-grams whose context was pruned away, and `problem.rs`
//! lists what can be wrong. `write.rs` is the way back.

mod contexts;
mod foreign;
mod lines;
mod problem;
mod read;
mod write;

pub use problem::ArpaProblem;
pub(crate) use read::MISSING_UNKNOWN;
pub use read::{ArpaRemarks, import_arpa, read_arpa, read_arpa_from};
pub use write::ArpaWriter;
