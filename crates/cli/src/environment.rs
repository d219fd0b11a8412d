//! The environment variables that Papo reads: what each is for, and which values make sense.
//!
//! A value that makes no sense is refused like one of an option, before anything is done. Variables that belong to others
//! (`OMP_NUM_THREADS`, `COLUMNS`) are no reason to stop: there a remark says that the value is passed over.

use std::num::NonZeroUsize;

use crate::failure::{Failure, Outcome};
use crate::language::Language;
use crate::terminal::Notes;

/// The most threads that may be asked for.
const MOST_THREADS: usize = 1024;

/// A variable, as `papo --help` tells of it.
struct Variable {
    name: &'static str,
    help: &'static str,
    /// What its values are, where not every text will do.
    takes: Option<Takes>,
}

/// What values a variable takes.
#[derive(Clone, Copy)]
enum Takes {
    Threads,
    Kernels,
    Switch,
    Seconds,
    Address,
    Token,
    Language,
}

const fn variable(name: &'static str, takes: Option<Takes>, help: &'static str) -> Variable {
    Variable { name, help, takes }
}

const VARIABLES: &[Variable] = &[
    variable("PAPO_NUM_THREADS", Some(Takes::Threads), "Threads that compute, unless --threads says so"),
    variable("OMP_NUM_THREADS", None, "The same, where PAPO_NUM_THREADS is not set"),
    variable(
        "PAPO_KERNELS",
        Some(Takes::Kernels),
        "Instruction set to compute with, of those that the machine has, such as scalar or avx2",
    ),
    variable(
        "PAPO_LANG",
        Some(Takes::Language),
        "Language of help, messages and remarks, en or pt; that of LC_ALL, LC_MESSAGES or LANG unless set",
    ),
    variable("HF_HOME", None, "Folder of the cache of models; ~/.cache/huggingface unless set"),
    variable("HF_HUB_CACHE", None, "Folder of the models themselves; HF_HOME/hub unless set"),
    variable("HF_HUB_OFFLINE", Some(Takes::Switch), "1: ask the hub for nothing, use what the cache has"),
    variable("HF_ENDPOINT", Some(Takes::Address), "Address of another hub"),
    variable("HF_TOKEN", Some(Takes::Token), "Who is asking, for models that not everybody may have"),
    variable("HF_TOKEN_PATH", None, "File with the token; HF_HOME/token unless set"),
    variable("HF_HUB_DISABLE_IMPLICIT_TOKEN", Some(Takes::Switch), "1: do not look for that file"),
    variable("HF_HUB_ETAG_TIMEOUT", Some(Takes::Seconds), "Seconds to wait for an answer of the hub"),
    variable("HF_HUB_DOWNLOAD_TIMEOUT", Some(Takes::Seconds), "Seconds that a download may stand still"),
    variable("XDG_CACHE_HOME", None, "Folder of all caches, where HF_HOME is not set"),
    variable(
        "XDG_STATE_HOME",
        None,
        "Folder of papo/history, the lines typed in chats; ~/.local/state unless set",
    ),
    variable("NO_COLOR", None, "No colours, whatever it is set to; CLICOLOR=0 means the same"),
    variable("COLUMNS", None, "Width of tables and help where no terminal tells it"),
    variable("TMPDIR", None, "Folder for temporary files"),
];

/// Older names of some of them, which are not worth a line of help.
const OLD_NAMES: &[Variable] = &[
    variable("TRANSFORMERS_OFFLINE", Some(Takes::Switch), "as HF_HUB_OFFLINE"),
    variable("HUGGINGFACE_HUB_CACHE", None, "as HF_HUB_CACHE"),
    variable("HUGGING_FACE_HUB_TOKEN", Some(Takes::Token), "as HF_TOKEN"),
];

/// The list for `--help`, in the form that options have there, in the words that `text` has for these.
pub fn help(mut text: impl FnMut(&str) -> String) -> String {
    let mut lines = vec![text("Environment variables:")];
    lines.extend(VARIABLES.iter().map(|it| format!("  {}\n          {}", it.name, text(it.help))));
    lines.join("\n")
}

/// Refuses values that make no sense; those of other programs' variables are remarked on.
pub fn check(notes: Notes) -> Outcome {
    for variable in VARIABLES.iter().chain(OLD_NAMES) {
        let Some(value) = std::env::var_os(variable.name).filter(|value| !value.is_empty()) else { continue };
        let Some(takes) = variable.takes else { continue };
        let value = value.to_str();
        if let Some(expected) = refused(takes, value) {
            // A secret is not shown, not even a wrong one.
            let shown = match (takes, value) {
                (Takes::Token, _) => "not a token".to_owned(),
                (_, Some(value)) => format!("{value:?}"),
                (_, None) => "not valid UTF-8".to_owned(),
            };
            return Err(Failure::Usage(format!(
                "the environment variable {} is {shown}; it takes {expected}: set it so, or unset it",
                variable.name
            )));
        }
    }
    if std::env::var_os("PAPO_NUM_THREADS").is_none_or(|value| value.is_empty())
        && let Some(value) = set("OMP_NUM_THREADS")
        && omp_threads(&value).is_none()
    {
        notes.say(format_args!(
            "OMP_NUM_THREADS is {value:?}, which is no number of threads; it is passed over"
        ));
    }
    Ok(())
}

/// What the variable takes, if this is not it.
fn refused(takes: Takes, value: Option<&str>) -> Option<String> {
    let (good, expected) = match takes {
        Takes::Threads => (
            value.is_some_and(|text| threads_in(text).is_some()),
            format!("a whole number from 1 to {MOST_THREADS}"),
        ),
        Takes::Kernels => {
            let names = papo::kernel_names();
            (
                value.is_some_and(|text| names.contains(&text)),
                format!("what this machine has: {}", names.join(", ")),
            )
        }
        Takes::Switch => (value.is_some_and(is_switch), "1 or 0".to_owned()),
        Takes::Seconds => (
            value.is_some_and(|text| text.parse::<u64>().is_ok_and(|seconds| seconds > 0)),
            "a whole number of seconds, 1 or more".to_owned(),
        ),
        Takes::Address => (
            value.is_some_and(|text| text.starts_with("https://") || text.starts_with("http://")),
            "an address such as https://huggingface.co".to_owned(),
        ),
        Takes::Token => (
            value.is_some_and(|text| papo::hub::Token::new(text).is_some()),
            "a token of letters, digits and signs without spaces".to_owned(),
        ),
        Takes::Language => (value.is_some_and(|text| Language::named(text).is_some()), "en or pt".to_owned()),
    };
    (!good).then_some(expected)
}

/// The words of `huggingface_hub` for yes, and their opposites.
fn is_switch(text: &str) -> bool {
    ["1", "on", "yes", "true", "0", "off", "no", "false"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The number of threads that the environment asks for.
pub fn threads() -> Option<NonZeroUsize> {
    set("PAPO_NUM_THREADS")
        .and_then(|text| threads_in(&text))
        .or_else(|| set("OMP_NUM_THREADS").and_then(|text| omp_threads(&text)))
}

/// The width that the environment gives to what is no terminal.
pub fn columns(notes: Notes) -> Option<usize> {
    let text = set("COLUMNS")?;
    let columns = text.trim().parse().ok().filter(|columns| (1..=10_000).contains(columns));
    if columns.is_none() {
        notes.say(format_args!("COLUMNS is {text:?}, which is no width; it is passed over"));
    }
    columns
}

fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn threads_in(text: &str) -> Option<NonZeroUsize> {
    text.trim().parse().ok().filter(|threads: &NonZeroUsize| threads.get() <= MOST_THREADS)
}

/// OpenMP's variable may be a list, a number for each level of nesting; the first is that of the outermost.
fn omp_threads(text: &str) -> Option<NonZeroUsize> {
    threads_in(text.split(',').next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_make_sense_are_taken_and_the_others_are_not() {
        let cases: [(Takes, &[&str], &[&str]); 7] = [
            (
                Takes::Threads,
                &["1", " 8 ", "1024"],
                &["0", "-1", "1025", "four", "2.5", "99999999999999999999"],
            ),
            (Takes::Kernels, &["scalar"], &["SCALAR", "sse", "avx"]),
            (Takes::Switch, &["1", "0", "TRUE", "off", "No"], &["2", "maybe", "y"]),
            (Takes::Seconds, &["1", "30"], &["0", "-3", "1.5", "10s"]),
            (
                Takes::Address,
                &["https://mirror.example", "http://127.0.0.1:80"],
                &["mirror.example", "ftp://x"],
            ),
            (Takes::Token, &["hf_abc"], &["two words", "tök"]),
            (Takes::Language, &["en", "pt", "pt_BR", "pt-BR.UTF-8"], &["tlh", "portuguese"]),
        ];
        for (takes, good, bad) in cases {
            for value in good {
                assert_eq!(refused(takes, Some(value)), None, "{value}");
            }
            for value in bad {
                assert!(refused(takes, Some(value)).is_some(), "{value}");
            }
            assert!(refused(takes, None).is_some());
        }
    }

    #[test]
    fn a_list_of_openmp_begins_with_the_outermost_level() {
        assert_eq!(omp_threads("4,3,2").map(NonZeroUsize::get), Some(4));
        assert_eq!(omp_threads("many"), None);
    }
}
