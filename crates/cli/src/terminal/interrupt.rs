//! Ctrl-C while a reply is being made or a model is being fetched: stop that, not the program.
//!
//! The handler only raises a flag that decoding looks at between two tokens, and loading between two pieces. It is installed when a
//! chat or a comparison begins, so every other command, and the loading of a chat's first model, still ends at once as terminals
//! are used to.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

static RAISED: AtomicBool = AtomicBool::new(false);
static INSTALLED: OnceLock<bool> = OnceLock::new();

/// The flag that Ctrl-C raises.
#[derive(Clone, Copy)]
pub struct Interrupt(());

impl Interrupt {
    /// Takes Ctrl-C over; where the system refuses, Ctrl-C keeps its usual meaning.
    pub fn install() -> Interrupt {
        INSTALLED.get_or_init(|| {
            ctrlc::set_handler(|| {
                // A second Ctrl-C before the first was heeded: whatever hangs, the user wants out.
                if RAISED.swap(true, Ordering::SeqCst) {
                    std::process::exit(130);
                }
            })
            .is_ok()
        });
        Interrupt(())
    }

    /// The flag, where Ctrl-C has been taken over.
    pub fn installed() -> Option<&'static AtomicBool> {
        INSTALLED.get().is_some_and(|&installed| installed).then_some(&RAISED)
    }

    /// Lowers the flag before a new reply.
    pub fn reset(self) {
        RAISED.store(false, Ordering::SeqCst);
    }

    /// Whether Ctrl-C came since the last reset.
    pub fn came(self) -> bool {
        RAISED.load(Ordering::SeqCst)
    }

    /// The flag itself, for decoding to look at.
    pub fn flag(self) -> &'static AtomicBool {
        &RAISED
    }
}
