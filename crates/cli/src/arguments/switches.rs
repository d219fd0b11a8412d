//! Yes-or-no options may be written `--do-sample` or `--do-sample true`.
//!
//! A parser cannot tell `--do-sample true` from `--do-sample MODEL`, so this rewrites the former to `--do-sample=true`
//! before it looks.

use std::ffi::OsString;

/// `arguments` with the values of the switches called `names` (without dashes) joined to them.
pub fn with_explicit_switches(
    arguments: impl IntoIterator<Item = OsString>,
    names: &[String],
) -> Vec<OsString> {
    let mut result: Vec<OsString> = Vec::new();
    let mut only_positional = false;
    for argument in arguments {
        let follows_switch = !only_positional
            && result
                .last()
                .and_then(|last| last.to_str()?.strip_prefix("--"))
                .is_some_and(|last| names.iter().any(|name| name == last));
        match argument.to_str() {
            Some(value) if follows_switch && is_switch_value(value) => {
                if let Some(switch) = result.last_mut() {
                    switch.push("=");
                    switch.push(value);
                }
            }
            other => {
                only_positional |= other == Some("--");
                result.push(argument);
            }
        }
    }
    result
}

/// The values that a switch of `transformers` takes, in JSON's and in Python's spelling.
fn is_switch_value(value: &str) -> bool {
    ["true", "false", "never", "null", "none"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite(line: &str) -> String {
        let names = ["do-sample".to_owned(), "early-stopping".to_owned()];
        let words = with_explicit_switches(line.split(' ').map(OsString::from), &names);
        words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_value_is_joined_and_a_model_is_not() {
        assert_eq!(rewrite("chat --do-sample true m"), "chat --do-sample=true m");
        assert_eq!(rewrite("chat --do-sample m"), "chat --do-sample m");
        assert_eq!(rewrite("chat --early-stopping never"), "chat --early-stopping=never");
        assert_eq!(
            rewrite("chat --do-sample --early-stopping False"),
            "chat --do-sample --early-stopping=False"
        );
    }

    #[test]
    fn other_flags_and_what_follows_two_dashes_stay_as_they_are() {
        assert_eq!(rewrite("next m --after true"), "next m --after true");
        assert_eq!(rewrite("next m -- --do-sample true"), "next m -- --do-sample true");
        assert_eq!(rewrite("chat --do-sample=false true"), "chat --do-sample=false true");
    }
}
