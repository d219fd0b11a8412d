//! What the tab key knows in a chat: commands, names of options and their values, files, names of models.

use std::fs;
use std::path::Path;

use papo::generate::OptionKind;
use papo::hub::Hub;
use papo::{ALIASES, GenerationConfig, built_in};
use rustyline::completion::Pair;

use super::slash::{COMMANDS, in_home};

/// Where the word at the end of what is typed begins, and what it may become; words for the model are left alone.
pub fn complete(typed: &str) -> (usize, Vec<Pair>) {
    let begin = typed.rfind(char::is_whitespace).map_or(0, |space| space + 1);
    let word = &typed[begin..];
    let before: Vec<&str> = typed[..begin].split_whitespace().collect();
    let candidates = match before[..] {
        [] if word.starts_with('/') && !word.starts_with("//") => {
            matching(COMMANDS.iter().map(|command| (*command).to_owned()), word)
        }
        ["/set" | "/unset"] => {
            matching(GenerationConfig::option_names().map(|option| option.name.to_owned()), word)
        }
        ["/set", option] => matching(values(option), word),
        // A file's name may have spaces and is everything behind the command.
        ["/save" | "/save!" | "/load", ..] => {
            let path = typed.find(' ').map_or("", |space| typed[space..].trim_start());
            return files(path, typed.len());
        }
        ["/model"] => match matching(model_names(), word) {
            models if models.is_empty() => return files(word, typed.len()),
            models => models,
        },
        _ => Vec::new(),
    };
    (begin, candidates)
}

/// Files and folders whose path begins so, where that path ends at `end`.
fn files(path: &str, end: usize) -> (usize, Vec<Pair>) {
    let name = path.rfind(std::path::is_separator).map_or(0, |separator| separator + 1);
    let (folder, begun) = path.split_at(name);
    let folder = if folder.is_empty() { Path::new(".").to_owned() } else { in_home(folder) };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut pairs: Vec<Pair> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let hidden = name.starts_with('.') && !begun.starts_with('.');
            let slash = if entry.path().is_dir() { "/" } else { "" };
            let fits = name.starts_with(begun) && !hidden;
            fits.then(|| Pair { display: format!("{name}{slash}"), replacement: format!("{name}{slash}") })
        })
        .collect();
    pairs.sort_by(|a, b| a.display.cmp(&b.display));
    (end - begun.len(), pairs)
}

/// The candidates that begin as the word does, with a space behind where only one does.
fn matching(candidates: impl Iterator<Item = String>, word: &str) -> Vec<Pair> {
    let word = word.replace('-', "_");
    let fits = |candidate: &String| candidate.replace('-', "_").starts_with(&word);
    let mut pairs: Vec<Pair> = candidates
        .filter(fits)
        .map(|candidate| Pair { display: candidate.clone(), replacement: candidate })
        .collect();
    if let [only] = &mut pairs[..] {
        only.replacement.push(' ');
    }
    pairs
}

/// The words that an option takes, if they can be counted.
fn values(option: &str) -> impl Iterator<Item = String> {
    let option = option.replace('-', "_");
    let kind = GenerationConfig::option_names().find(|known| known.name == option).map(|known| known.kind);
    let words: &[&str] = match kind {
        Some(OptionKind::Switch) => &["true", "false", "null"],
        Some(OptionKind::EarlyStopping) => &["true", "false", "never", "null"],
        Some(_) => &["null"],
        None => &[],
    };
    words.iter().map(|word| (*word).to_owned())
}

/// Models that are at hand, or have a short name.
fn model_names() -> impl Iterator<Item = String> {
    let cached = Hub::from_env().list().unwrap_or_default();
    let mut names: Vec<String> = built_in::BUILT_IN.iter().map(|model| model.name.to_owned()).collect();
    names.extend(ALIASES.iter().map(|(alias, _)| (*alias).to_owned()));
    names.extend(cached.into_iter().map(|model| model.name));
    names.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(line: &str) -> (usize, Vec<String>) {
        let (begin, pairs) = complete(line);
        (begin, pairs.into_iter().map(|pair| pair.replacement).collect())
    }

    #[test]
    fn commands_options_and_values_are_completed() {
        assert_eq!(completed("/he"), (0, vec!["/help ".into()]));
        assert_eq!(completed("/s").1, ["/save", "/save!", "/set", "/show", "/stats"]);
        assert_eq!(completed("/set num_b"), (5, vec!["num_beams ".into()]));
        assert_eq!(completed("/set num-b").1, ["num_beams "]);
        assert_eq!(completed("/set do_sample "), (15, vec!["true".into(), "false".into(), "null".into()]));
        assert_eq!(completed("/set do_sample t").1, ["true "]);
        assert!(completed("/model transf").1.contains(&"transformer ".to_owned()));
        assert!(completed("/model blender").1.contains(&"blenderbot ".to_owned()));
    }

    #[test]
    fn files_are_completed_and_words_for_the_model_are_not() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("talk of today.json"), "").unwrap();
        let typed = format!("/load {}/talk o", folder.path().display());
        assert_eq!(completed(&typed), (typed.len() - 6, vec!["talk of today.json".into()]));
        assert_eq!(completed("hel").1, [""; 0]);
        assert_eq!(completed("say /he").1, [""; 0]);
        assert_eq!(completed("//he").1, [""; 0]);
    }
}
