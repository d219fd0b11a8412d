//! Where what was typed is kept from chat to chat: a file of the user's own under the state folder of the system.

use std::ffi::OsString;
use std::path::PathBuf;

/// Lines that are kept at most.
pub const MOST_LINES: usize = 1000;

/// `XDG_STATE_HOME/papo/history`, else `~/.local/state/papo/history`; on Windows `LOCALAPPDATA\papo\history`. `None` where the
/// system names no such place.
pub fn file() -> Option<PathBuf> {
    file_from(|name| std::env::var_os(name), std::env::home_dir())
}

fn file_from(lookup: impl Fn(&str) -> Option<OsString>, home: Option<PathBuf>) -> Option<PathBuf> {
    // A relative path here would put the file into whatever folder one happens to be in; the specification says to ignore it.
    let folder = |name: &str| lookup(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let local = if cfg!(windows) { folder("LOCALAPPDATA") } else { None };
    let state = folder("XDG_STATE_HOME")
        .or(local)
        .or_else(|| home.filter(|home| home.is_absolute()).map(|home| home.join(".local").join("state")));
    state.map(|state| state.join("papo").join("history"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_where_the_system_keeps_states() {
        let with = |state: Option<&str>, home: Option<&str>| {
            file_from(|name| state.filter(|_| name == "XDG_STATE_HOME").map(Into::into), home.map(Into::into))
        };
        assert_eq!(with(Some("/state"), Some("/home/me")), Some("/state/papo/history".into()));
        assert_eq!(with(None, Some("/home/me")), Some("/home/me/.local/state/papo/history".into()));
        assert_eq!(
            with(Some("relative"), Some("/home/me")),
            Some("/home/me/.local/state/papo/history".into())
        );
        assert_eq!(with(None, None), None);
    }
}
