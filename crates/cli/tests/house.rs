//! The house rules that no compiler checks: which crate may know which, and where `unsafe` may live.
//!
//! The rules stand in ARCHITECTURE.md, "The house". A new arrow or a new room for `unsafe` is a decision: change it
//! there and here, in one commit.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Crate folder, and the crates of the house it may depend on.
const ARROWS: [(&str, &[&str]); 10] = [
    ("kernels", &[]),
    ("checkpoint", &[]),
    ("generate", &["papo-kernels"]),
    ("data", &[]),
    // Only its examples know `data`.
    ("ngram", &["papo-kernels", "papo-generate", "papo-data"]),
    ("retrieval", &["papo-checkpoint", "papo-generate"]),
    ("models", &["papo-kernels", "papo-checkpoint", "papo-generate"]),
    ("lab", &["papo-kernels", "papo-checkpoint", "papo-data"]),
    (
        "papo",
        &[
            "papo-kernels",
            "papo-checkpoint",
            "papo-data",
            "papo-generate",
            "papo-ngram",
            "papo-retrieval",
            "papo-models",
        ],
    ),
    ("cli", &["papo", "papo-data", "papo-ngram", "papo-retrieval", "papo-lab"]),
];

/// The only places that may hold `unsafe`: a crate and a file.
const ROOMS: [&str; 2] = ["crates/kernels/", "crates/checkpoint/src/map.rs"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace root exists")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names of the house's crates in every dependency table of a manifest, `[target.….dependencies]` included.
fn arrows(table: &toml::Table) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (key, value) in table {
        let Some(inner) = value.as_table() else { continue };
        if key.ends_with("dependencies") {
            for (name, requirement) in inner {
                let package = requirement.get("package").and_then(toml::Value::as_str).unwrap_or(name);
                if package == "papo" || package.starts_with("papo-") {
                    found.insert(package.to_owned());
                }
            }
        } else {
            found.extend(arrows(inner));
        }
    }
    found
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn arrows_only_point_down() {
    let crates = root().join("crates");
    let known: BTreeSet<_> = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let present: BTreeSet<_> = fs::read_dir(&crates)
        .expect("a folder of crates")
        .map(|entry| entry.expect("a readable entry").file_name().into_string().expect("a plain name"))
        .collect();
    assert_eq!(present, known, "every crate has a place in the house");
    for (name, allowed) in ARROWS {
        let path = crates.join(name).join("Cargo.toml");
        let manifest: toml::Table = toml::from_str(&read(&path)).expect("a manifest is TOML");
        for arrow in arrows(&manifest) {
            if name == "papo" && arrow.starts_with("papo-built-in-") {
                continue;
            }
            assert!(allowed.contains(&arrow.as_str()), "{}: {name} must not know {arrow}", path.display());
        }
    }
}

#[test]
fn the_built_in_models_are_data_and_know_nobody() {
    let folders = fs::read_dir(root().join("built-in")).expect("a folder of models");
    let models: Vec<PathBuf> = folders.map(|entry| entry.expect("a readable entry").path()).collect();
    for model in models.iter().filter(|path| path.is_dir()) {
        let manifest: toml::Table = toml::from_str(&read(&model.join("Cargo.toml"))).expect("TOML");
        assert!(!manifest.contains_key("dependencies"), "{}: data depend on nothing", model.display());
        assert!(read(&model.join("src/lib.rs")).contains("#![forbid(unsafe_code)]"), "{}", model.display());
    }
}

#[test]
fn every_crate_has_what_a_registry_shows() {
    for folder in ["crates", "built-in"] {
        let entries = fs::read_dir(root().join(folder)).expect("a folder of crates");
        for path in entries.map(|entry| entry.expect("a readable entry").path()).filter(|path| path.is_dir())
        {
            let manifest: toml::Table = toml::from_str(&read(&path.join("Cargo.toml"))).expect("TOML");
            let package = manifest["package"].as_table().expect("a package");
            for key in ["description", "license", "repository", "readme", "keywords", "categories"] {
                assert!(package.contains_key(key), "{} lacks {key}", path.display());
            }
            let readme = read(&path.join("README.md"));
            let name = package["name"].as_str().expect("a name");
            assert!(readme.starts_with(&format!("# {name}\n")), "{}", path.display());
            assert!(readme.contains("## What it does not do"), "{}", path.display());
            for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
                assert!(path.join(licence).exists(), "{} lacks {licence}", path.display());
            }
            // Where there is a library, its example is tested.
            let library = path.join("src/lib.rs");
            if library.exists() {
                assert!(read(&library).contains("include_str!(\"../README.md\")"), "{}", path.display());
                assert!(readme.contains("```rust"), "{} has no example", path.display());
            }
        }
    }
}

#[test]
fn unsafe_code_lives_in_its_rooms_only() {
    let root = root();
    let mut files = Vec::new();
    for folder in ["crates", "built-in", "fuzz", "examples", "xtask"] {
        if root.join(folder).is_dir() {
            rust_files(&root.join(folder), &mut files);
        }
    }
    assert!(files.len() > 30, "the search found the sources");
    for file in files {
        let place =
            file.strip_prefix(&root).expect("inside the workspace").to_string_lossy().replace('\\', "/");
        if ROOMS.iter().any(|room| place.starts_with(room)) || place.contains("/target/") {
            continue;
        }
        for (number, line) in read(&file).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let words: Vec<&str> = code.split_whitespace().collect();
            let opens = words.windows(2).any(|pair| {
                pair[0].ends_with("unsafe")
                    && ["{", "fn", "impl", "trait", "extern"].iter().any(|next| pair[1].starts_with(next))
            });
            assert!(!opens, "{place}:{}: unsafe outside {ROOMS:?}", number + 1);
        }
    }
}

#[test]
fn the_compiler_forbids_unsafe_code_everywhere_else() {
    for (name, _) in ARROWS {
        let source = root().join("crates").join(name).join("src");
        for file in ["lib.rs", "main.rs"] {
            let path = source.join(file);
            if name == "kernels" || !path.exists() {
                continue;
            }
            let rule = if name == "checkpoint" { "#![deny(unsafe_code)]" } else { "#![forbid(unsafe_code)]" };
            assert!(read(&path).contains(rule), "{} lacks {rule}", path.display());
        }
    }
}
