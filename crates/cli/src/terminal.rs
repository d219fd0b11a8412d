//! Everything this program knows about terminals, pipes and signals.
//!
//! Results go to standard output through [`Output`]; everything else goes to standard error through [`Notes`] and is
//! silent under `--quiet`. Neither panics when the other end is gone, which `println!` and `eprintln!` would. Read
//! `output.rs` first, then `lines.rs` for what comes in.

pub mod burst;
mod interrupt;
mod lines;
mod notes;
mod output;
mod progress;
mod wrap;

pub use interrupt::Interrupt;
pub use lines::{BadLine, Lines, MAX_LINE};
pub use notes::{Notes, complain, error_line, prompt};
pub use output::{Output, printable};
pub use progress::{LoadingBar, Thinking, Working};
pub use wrap::{Wrap, wrapped};

use std::io::{self, IsTerminal};

/// Whether a person sits at both ends: only then do line editing, colours and streaming make sense.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Columns of the terminal that shows standard output; `None` where it goes elsewhere.
pub fn width() -> Option<usize> {
    let terminal = console::Term::stdout();
    terminal.is_term().then(|| terminal.size().1.into())
}
