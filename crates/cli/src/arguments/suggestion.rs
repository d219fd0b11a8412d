//! What a mistyped word may have been meant as: a near spelling, or nothing.
//!
//! The parser's own suggestions go by shared letters, so `delete` became `generate`. Here a word is near if few of its letters
//! differ, if it begins another, or if it leaves out a part of one (`--max-tokens`).

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Puts near spellings, or none, in place of the parser's suggestions.
pub fn correct(error: &mut clap::Error, command: &mut Command, words: &[OsString]) {
    let addressed = addressed(command, words);
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidArg).cloned() else {
                return;
            };
            let flags: Vec<String> = addressed
                .get_arguments()
                .filter(|argument| !argument.is_hide_set())
                .filter_map(|argument| Some(format!("--{}", argument.get_long()?)))
                .collect();
            let near = nearest(&typed, flags.iter().map(String::as_str)).map(str::to_owned);
            let takes_text = addressed.get_positionals().any(|argument| argument.get_id() == "text");
            if near.is_some() || !takes_text {
                error.remove(ContextKind::Suggested);
            }
            error.remove(ContextKind::SuggestedArg);
            // It named the suggestion.
            error.insert(ContextKind::Usage, ContextValue::StyledStr(addressed.render_usage()));
            if let Some(near) = near {
                error.insert(ContextKind::SuggestedArg, ContextValue::String(near));
            }
        }
        ErrorKind::InvalidSubcommand => {
            let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand).cloned() else {
                return;
            };
            let names: Vec<&str> =
                addressed.get_subcommands().flat_map(Command::get_name_and_visible_aliases).collect();
            let near = nearest(&typed, names.into_iter()).map(str::to_owned);
            error.remove(ContextKind::Suggested);
            error.remove(ContextKind::SuggestedSubcommand);
            if let Some(near) = near {
                error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![near]));
            }
        }
        _ => {
            let (Some(ContextValue::String(typed)), Some(ContextValue::String(suggested))) =
                (error.get(ContextKind::InvalidValue), error.get(ContextKind::SuggestedValue))
            else {
                return;
            };
            if nearest(typed, std::iter::once(suggested.as_str())).is_none() {
                error.remove(ContextKind::SuggestedValue);
            }
        }
    }
}

/// The command that the words lead to, as deep as they can be followed.
fn addressed<'a>(command: &'a mut Command, words: &[OsString]) -> &'a mut Command {
    command.build();
    let mut path = Vec::new();
    let mut here = &*command;
    for word in words.iter().skip(1).filter_map(|word| word.to_str()) {
        if let Some(next) = here.find_subcommand(word) {
            path.push(next.get_name().to_owned());
            here = next;
        } else if !word.starts_with('-') {
            break;
        }
    }
    path.iter().fold(command, |command, name| match command.find_subcommand(name) {
        Some(_) => command.find_subcommand_mut(name).expect("it was just found"),
        None => command,
    })
}

/// The candidate that is spelled nearly as `typed`, the nearest first.
fn nearest<'a>(typed: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .filter_map(|candidate| Some((distance(typed, candidate)?, candidate)))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// How far apart two words are, if they are near at all.
fn distance(typed: &str, candidate: &str) -> Option<usize> {
    let bare = |word: &str| word.trim_start_matches('-').to_ascii_lowercase().replace('_', "-");
    let (typed, candidate) = (bare(typed), bare(candidate));
    let letters = typed.chars().count();
    let edits = strsim::damerau_levenshtein(&typed, &candidate);
    let most = match letters {
        0..=2 => 0,
        3..=5 => 1,
        6..=9 => 2,
        _ => 3,
    };
    if edits <= most {
        return Some(edits);
    }
    let begins = letters >= 3 && candidate.starts_with(&typed);
    let parts: Vec<&str> = candidate.split('-').collect();
    let leaves_out = typed.contains('-') && typed.split('-').all(|part| parts.contains(&part));
    (begins || leaves_out).then_some(10 + edits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_spellings_are_found() {
        let flags = ["--prompts", "--num-beams", "--max-new-tokens", "--epochs", "--do-sample", "--top-k"];
        for (typed, meant) in [
            ("--promts", "--prompts"),
            ("--num-beans", "--num-beams"),
            ("--num_beams", "--num-beams"),
            ("--max-tokens", "--max-new-tokens"),
            ("--epoch", "--epochs"),
            ("--topk", "--top-k"),
        ] {
            assert_eq!(nearest(typed, flags.into_iter()), Some(meant), "{typed}");
        }
        let commands = ["chat", "compare", "generate", "tokenize", "completions"];
        for (typed, meant) in
            [("chta", "chat"), ("tokenise", "tokenize"), ("gen", "generate"), ("completion", "completions")]
        {
            assert_eq!(nearest(typed, commands.into_iter()), Some(meant), "{typed}");
        }
    }

    #[test]
    fn words_that_only_share_letters_are_not_near() {
        let words = ["compare", "generate", "do-sample", "epsilon-cutoff", "chat", "eval", "rm", "list"];
        for typed in
            ["completions", "--no-stream", "--input", "delete", "run", "ask", "ls2", "serve", "-x", ""]
        {
            assert_eq!(nearest(typed, words.into_iter()), None, "{typed}");
        }
    }
}
