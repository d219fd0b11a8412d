//! Names that nothing may learn from: those of the conversations that models are judged by, and a hundred more.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Dialogue;

/// Reads the names from `held-out` in the folder of our own conversations, in lower case.
pub fn names(talk: &Path) -> Result<HashSet<String>> {
    let folder = talk.join("held-out");
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))
    };
    let mut names = HashSet::new();
    for line in read("names.txt")?.lines().filter(|line| !line.starts_with('#')) {
        names.extend(line.split(' ').skip(1).map(str::to_lowercase));
    }
    for file in ["en.txt", "pt.txt"] {
        names
            .extend(read(file)?.lines().filter_map(|line| line.strip_prefix("name ")).map(str::to_lowercase));
    }
    Ok(names)
}

/// Whether a dialogue has one of the names in it, as a word by itself.
pub fn is_named(dialogue: &Dialogue, names: &HashSet<String>) -> bool {
    dialogue
        .turns
        .iter()
        .flat_map(|turn| turn.split(|letter: char| !letter.is_alphanumeric()))
        .any(|word| names.contains(&word.to_lowercase()))
}
