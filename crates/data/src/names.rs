//! What the names of data stand for: a file, standard input, all files of data in a folder, or all files that a pattern fits.
//!
//! Shells replace patterns by names, but not where they are quoted, and not on Windows.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::format::ending;

/// Endings of the files that are taken from a folder, `.gz` left aside. Others are named or left out: a folder of texts may hold pictures.
const ENDINGS: [&str; 6] = ["txt", "text", "tsv", "jsonl", "ndjson", "md"];

/// The files that names stand for, those of a folder or a pattern in alphabetical order.
pub fn named_files(names: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for name in names {
        if name.is_dir() {
            let found = files.len();
            collect(name, &mut files)?;
            if files.len() == found {
                return Err(Error::Kind {
                    path: name.clone(),
                    reason: format!(
                        "the folder holds no file of data (.{}, plain or .gz); name the files in it",
                        ENDINGS.join(", .")
                    ),
                });
            }
        } else if !name.exists() && is_pattern(name) {
            expand(name, &mut files)?;
        } else {
            files.push(name.clone());
        }
    }
    Ok(files)
}

fn is_pattern(name: &Path) -> bool {
    name.to_str().is_some_and(|name| name.contains(['*', '?', '[']))
}

fn expand(name: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let wrong = |reason: String| Error::Kind { path: name.to_owned(), reason };
    let pattern = name.to_str().unwrap_or_default();
    // As in a shell, a star stands for no hidden file.
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let found = glob::glob_with(pattern, options)
        .map_err(|error| wrong(format!("not a pattern of names ({error})")))?;
    let before = files.len();
    for path in found {
        let path =
            path.map_err(|error| Error::Read { path: error.path().to_owned(), source: error.into() })?;
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    if files.len() == before {
        return Err(wrong("no file has a name like this; check the pattern".into()));
    }
    Ok(())
}

/// The files of data in a folder and in the folders in it; hidden ones and links to folders are passed over.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let failed = |source| Error::Read { path: folder.to_owned(), source };
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type().map_err(failed)?.is_dir() {
            collect(&path, files)?;
        } else if path.is_file() && ENDINGS.contains(&ending(&path).as_str()) {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_patterns_stand_for_their_files_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("more/.hidden")).unwrap();
        for name in ["b.txt", "a.txt.gz", "more/c.tsv", "more/picture.png", ".d.txt", "more/.hidden/e.txt"] {
            std::fs::write(root.join(name), "x").unwrap();
        }
        let named = |name: &str| {
            let files = named_files(&[root.join(name)]).map_err(|error| error.to_string())?;
            let short = files
                .iter()
                .map(|file| file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/"));
            Ok::<_, String>(short.collect::<Vec<_>>())
        };
        assert_eq!(named("").unwrap(), ["a.txt.gz", "b.txt", "more/c.tsv"]);
        assert_eq!(named("*.txt*").unwrap(), ["a.txt.gz", "b.txt"]);
        assert_eq!(named("m?re/*.tsv").unwrap(), ["more/c.tsv"]);
        assert_eq!(named("mo*").unwrap(), ["more/c.tsv"]);
        assert_eq!(named("absent.txt").unwrap(), ["absent.txt"], "told when it is opened");
        assert!(named("*.pdf").unwrap_err().contains("no file has a name like this"));
        assert!(named("more/.hidden/").is_ok());
        std::fs::create_dir(root.join("empty")).unwrap();
        assert!(named("empty").unwrap_err().contains("holds no file of data"));
        assert_eq!(named_files(&["-".into()]).unwrap(), [PathBuf::from("-")]);
    }
}
