//! The `tokenizers` crate panics on some files of strangers (an added token that its normalizer turns into nothing); here that becomes
//! an error like any other.
//!
//! The panic is caught, and its message is kept from standard error: it speaks to programmers, and the error says it again. A
//! panic of another thread, or outside of a guarded call, is reported as ever.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Calls into the `tokenizers` crate; the error is what it said, or what it panicked with.
pub(super) fn guarded<T>(call: impl FnOnce() -> tokenizers::Result<T>) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                before(info);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    // What the call may leave half done are its caches, which it drops itself when their locks are poisoned.
    let done = panic::catch_unwind(AssertUnwindSafe(call));
    GUARDED.set(outer);
    match done {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(payload) => Err(format!(
            "its files make the tokenizers library fail ({}); look for an added token that the tokenizer's own \
             normalizer changes or strips, and set \"normalized\" to false for it",
            message(&*payload)
        )),
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_an_error_stays_one() {
        let error = guarded::<()>(|| panic!("bad {}", "split")).unwrap_err();
        assert!(error.contains("(bad split)"), "{error}");
        assert_eq!(guarded::<()>(|| Err("no".into())).unwrap_err(), "no");
        assert_eq!(guarded(|| Ok(1)).unwrap(), 1);
    }
}
