//! The pickle inside a `.bin`, run on a machine that can only build plain data.
//!
//! A pickle is a program for a small stack machine, and Python's machine lets it call any function there is: loading a
//! stranger's `.bin` in Python can run anything. This machine knows the few dozen opcodes that `torch.save` writes and the dozen
//! globals that plain weights need (`value.rs`). Whatever else a pickle names is refused by that name, before anything happens.
//!
//! It is bounded by construction rather than by guards:
//!
//! * values are small handles into a [`Heap`], and each opcode makes a bounded number of them, so memory is linear in the
//!   number of opcodes, which is itself limited (`MAX_STEPS`); a "billion laughs" pickle stays as small as it is written;
//! * strings and bytes are borrowed from the file, so a claimed length is checked against what is there and never reserved;
//! * nothing walks values recursively, so cycles and depth are harmless: they are handles pointing at handles.
//!
//! `value.rs` has the values, `machine.rs` the opcodes, `calls.rs` the globals; `torch.rs` reads weights out of the result.

mod calls;
mod machine;
mod value;

pub(crate) use machine::{Built, run};
pub(crate) use value::{Heap, Storage, TensorRecord, Value};

/// Why a pickle is refused; the caller knows the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is cut off or contradicts itself.
    Damaged(String),
    /// It names a global that is not part of plain weights.
    Forbidden(String),
    /// It uses something that `torch.save` never writes for weights.
    Unsupported(String),
}

impl Refusal {
    /// The error of a whole file.
    pub(crate) fn of(self, path: &std::path::Path) -> crate::Error {
        let path = path.to_path_buf();
        match self {
            Refusal::Damaged(problem) => crate::Error::Damaged { path, problem },
            Refusal::Forbidden(global) => crate::Error::ForbiddenGlobal { path, global },
            Refusal::Unsupported(problem) => crate::Error::Unsupported { path, problem },
        }
    }
}
