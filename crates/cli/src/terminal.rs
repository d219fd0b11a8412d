//! Everything this program knows about terminals, pipes and signals.
//!
//! Results go to standard output through [`Output`]; everything else goes to standard error through [`Notes`] and is
//! silent under `--quiet`. Neither panics when the other end is gone, which `println!` and `eprintln!` would. Read
//! `output.rs` first, then `lines.rs` for what comes in.

mod interrupt;
mod lines;
mod notes;
mod output;
mod progress;
mod streamed;

pub use interrupt::Interrupt;
pub use lines::{BadLine, Lines};
pub use notes::{Notes, complain};
pub use output::{Output, printable};
pub use progress::{LoadingBar, Thinking, Working};

pub use streamed::StreamedReply;

use std::io::{self, IsTerminal};

/// Whether a person sits at both ends: only then do line editing, colours and streaming make sense.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}
