//! What a user types for a model: a folder, an n-gram file, a built-in name, an alias or a name on the hub.
//!
//! Built-in names and aliases come first (`./bart-base` is the folder of that name); then whatever is a folder or looks like a path;
//! the rest must be `NAME` or `OWNER/NAME`, with `@REVISION` where a certain version is wanted, or the address of the page that the hub has
//! of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files::{EmbeddedModel, ModelFiles};
use crate::hub::{Hub, Repository, Want, address};
use crate::ngram_file::{MODEL_FILE, NgramFile};
use crate::{Error, LoadOptions, Progress, built_in, fetching};

/// Short names for the checkpoints of the course.
pub const ALIASES: [(&str, &str); 4] = [
    ("blenderbot", "facebook/blenderbot-400M-distill"),
    ("flan-t5-base", "google/flan-t5-base"),
    ("flan-t5-small", "google/flan-t5-small"),
    ("bart-base", "facebook/bart-base"),
];

/// A model as the user named it, before anything is opened or fetched.
#[derive(Clone, Debug)]
pub enum ModelRef {
    /// A model that is part of the program.
    BuiltIn(&'static EmbeddedModel),
    /// A folder on disk.
    Folder(PathBuf),
    /// An n-gram model in one file: ARPA or `.ngram`.
    Ngram(PathBuf),
    /// A repository on the hub.
    Hub {
        /// `OWNER/NAME`, or `NAME` alone for the oldest ones.
        name: String,
        /// A branch, a tag or a commit; `main` where the user said nothing.
        revision: Option<String>,
    },
}

impl ModelRef {
    /// Reads what the user typed.
    ///
    /// An error is [`Error::ModelName`]; nothing is fetched, and only the existence of a folder is looked at.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::ModelName { name: text.to_owned(), reason: reason.to_owned() };
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(wrong(
                "it is empty; give a folder, a name on the hub such as google/flan-t5-small, or an alias",
            ));
        }
        let path = Path::new(trimmed);
        let (name, revision) = match trimmed.rsplit_once('@') {
            Some((name, revision)) => (name, Some(revision)),
            None => (trimmed, None),
        };
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, full)| *full);
        if revision.is_none()
            && let Some(model) = built_in::find(trimmed)
        {
            return Ok(Self::BuiltIn(model));
        }
        if !path.is_dir() {
            built_in::check_absent(trimmed)?;
        }
        if NgramFile::is_one(path) {
            // The file of a model folder stands for the folder, where its tokenizer is.
            return Ok(match path.parent().filter(|folder| folder.join("config.json").is_file()) {
                Some(folder) if path.ends_with(MODEL_FILE) => Self::Folder(folder.to_owned()),
                _ => Self::Ngram(path.to_owned()),
            });
        }
        let endpoint = std::env::var("HF_ENDPOINT").ok();
        if !path.is_dir()
            && let Some(page) = address::parse(trimmed, endpoint.as_deref())
        {
            let (name, revision) = page.map_err(|reason| wrong(&reason))?;
            return Self::on_the_hub(text, &name, revision.as_deref());
        }
        let looks_like_path = path.is_absolute()
            || trimmed.contains('\\')
            || [".", "..", "~"].contains(&trimmed)
            || ["./", "../", "~/", ".\\", "..\\"].iter().any(|start| trimmed.starts_with(start))
            || trimmed.ends_with(['/', '\\']);
        if alias.is_none() && (looks_like_path || path.is_dir()) {
            if path.is_dir() {
                return Ok(Self::Folder(path.to_owned()));
            }
            return Err(wrong("there is no such folder; check the path, or give a name on the hub"));
        }
        if alias.is_none() && looks_like_file(trimmed) {
            return Err(wrong("there is no such file; check the path, or give a name on the hub"));
        }
        // Beside a folder of the owner's name it is a path with a slip in it, rather than something to ask the world for.
        if alias.is_none()
            && revision.is_none()
            && let Some((folder, _)) = trimmed.split_once('/')
            && Path::new(folder).is_dir()
        {
            return Err(wrong(&format!(
                "there is no such folder within {folder}; check the path, or write {trimmed}@main for the model of that name on the hub"
            )));
        }
        Self::on_the_hub(text, alias.unwrap_or(name), revision)
    }

    /// A name on the hub, as far as it can be one; `text` is what the user typed.
    fn on_the_hub(text: &str, name: &str, revision: Option<&str>) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::ModelName { name: text.to_owned(), reason: reason.to_owned() };
        let allowed = |part: &str| {
            !part.is_empty()
                && !part.starts_with(['.', '-'])
                && !part.contains("..")
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        let parts: Vec<&str> = name.split('/').collect();
        if let Some(folder) = name.strip_prefix("models--") {
            return Err(wrong(&format!(
                "it is the name of a folder in the cache; write {} for the model in it",
                folder.replacen("--", "/", 1)
            )));
        }
        if let ["datasets" | "spaces", _, ..] = parts[..] {
            return Err(wrong("it is a data set or a space of the hub, and no model"));
        }
        if parts.len() > 2 || !parts.iter().all(|part| allowed(part)) {
            return Err(wrong(
                "there is no such folder, and a name on the hub is NAME or OWNER/NAME (letters, digits, '-', '_' and '.'), \
                 with @REVISION where a certain version is wanted",
            ));
        }
        if revision == Some("") {
            return Err(wrong("nothing follows the @; write a branch, a tag or a commit there"));
        }
        Ok(Self::Hub { name: name.to_owned(), revision: revision.map(str::to_owned) })
    }

    /// The name to show: the folder's last part, the built-in name, or the name on the hub.
    pub fn name(&self) -> String {
        match self {
            Self::BuiltIn(model) => model.name.to_owned(),
            Self::Folder(folder) | Self::Ngram(folder) => {
                let full = folder.canonicalize().unwrap_or_else(|_| folder.clone());
                full.file_name()
                    .map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into_owned())
            }
            Self::Hub { name, revision: None } => name.clone(),
            Self::Hub { name, revision: Some(revision) } => format!("{name}@{revision}"),
        }
    }

    /// The files of the model, wherever they are; from the hub if need be, with the progress told and the interrupt heeded that
    /// `options` name.
    pub fn fetch(&self, want: Want, options: &LoadOptions<'_>) -> Result<ModelFiles, Error> {
        match self {
            Self::BuiltIn(model) => Ok(ModelFiles::Embedded(model)),
            Self::Folder(folder) => Ok(ModelFiles::Folder(folder.clone())),
            Self::Ngram(path) => {
                let file = NgramFile::open(path)?;
                if let Some(progress) = options.progress {
                    file.remarks().into_iter().for_each(|remark| progress(Progress::Remark(remark)));
                }
                Ok(ModelFiles::Ngram(Arc::new(file)))
            }
            Self::Hub { name, revision } => {
                let repository = Repository::new(name, revision.as_deref())?;
                Ok(ModelFiles::Folder(fetching::fetch(repository, want, options)?))
            }
        }
    }

    /// The files of a model that is on this machine; an error for one that the hub would have to be asked for.
    pub fn files_at_hand(&self) -> Result<ModelFiles, Error> {
        let Self::Hub { name, revision } = self else {
            return self.fetch(Want::Model, &LoadOptions::default());
        };
        let repository = Repository::new(name, revision.as_deref())?;
        let hub = Hub::from_env();
        match hub.cached(&repository, Want::Model) {
            Some(folder) => Ok(ModelFiles::Folder(folder)),
            None => Err(hub.why_not(&repository, Want::Model).into()),
        }
    }
}

/// Whether a name ends as files do and repositories do not: it is never asked of the hub.
fn looks_like_file(name: &str) -> bool {
    let endings = [
        ".arpa",
        ".lm",
        ".ngram",
        ".gz",
        ".bz2",
        ".xz",
        ".zst",
        ".zip",
        ".tar",
        ".json",
        ".jsonl",
        ".safetensors",
        ".bin",
        ".pt",
        ".pth",
        ".ckpt",
        ".onnx",
        ".txt",
        ".tsv",
        ".csv",
    ];
    let name = name.to_ascii_lowercase();
    endings.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(text: &str) -> (String, Option<String>) {
        match ModelRef::parse(text).unwrap() {
            ModelRef::Hub { name, revision } => (name, revision),
            other => panic!("{text} became {other:?}"),
        }
    }

    #[test]
    fn aliases_and_revisions_are_understood() {
        assert_eq!(hub("blenderbot"), ("facebook/blenderbot-400M-distill".into(), None));
        assert_eq!(hub("flan-t5-small@abc"), ("google/flan-t5-small".into(), Some("abc".into())));
        assert_eq!(hub("org/name@refs/pr/3"), ("org/name".into(), Some("refs/pr/3".into())));
        assert_eq!(hub("gpt2"), ("gpt2".into(), None));
    }

    #[test]
    fn the_address_of_a_page_is_its_models_name() {
        assert_eq!(hub("https://huggingface.co/org/name/tree/v1"), ("org/name".into(), Some("v1".into())));
        assert_eq!(hub("hf.co/org/name"), ("org/name".into(), None));
        for (text, word) in [
            ("https://huggingface.co/datasets/org/name", "data set"),
            ("datasets/org/name", "data set"),
            ("https://github.com/org/name", "github.com"),
            ("https://huggingface.co/org/..", "a name on the hub is"),
            ("models--org--name", "write org/name"),
        ] {
            let sentence = ModelRef::parse(text).unwrap_err().to_string();
            assert!(sentence.contains(word), "{sentence}");
        }
    }

    #[test]
    fn what_looks_like_a_path_is_never_asked_of_the_hub() {
        // The tests run in the folder of this crate.
        for name in ["src/absent", "./src/absent", "src\\absent", "src/", "~/absent"] {
            let outcome = ModelRef::parse(name);
            assert!(
                matches!(&outcome, Ok(ModelRef::Folder(_))) == (name == "src/"),
                "{name:?} became {outcome:?}"
            );
        }
        assert_eq!(hub("src/absent@main"), ("src/absent".into(), Some("main".into())));
    }

    #[test]
    fn a_name_that_could_leave_the_cache_is_refused() {
        for name in ["", "  ", "a/b/c", "../x/y", "a/..", "a b", "org/", "/nowhere/at/all", "x@", "-x"] {
            assert!(ModelRef::parse(name).is_err(), "{name:?} was taken");
        }
    }

    #[test]
    fn a_file_is_read_whatever_it_is_called_and_a_name_of_a_file_is_never_asked_of_the_hub() {
        for name in ["Cargo.toml", "src/lib.rs"] {
            assert!(
                matches!(ModelRef::parse(name).unwrap(), ModelRef::Ngram(path) if path == Path::new(name))
            );
        }
        for name in ["absent.arpa", "folder/absent.lm", "absent.arpa.gz", "model.SAFETENSORS", "talk.bin"] {
            let sentence = ModelRef::parse(name).unwrap_err().to_string();
            assert!(sentence.contains("no such file"), "{sentence}");
        }
    }

    #[test]
    fn a_name_that_is_a_folder_is_that_folder() {
        assert!(
            matches!(ModelRef::parse("src").unwrap(), ModelRef::Folder(path) if path == Path::new("src"))
        );
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().to_str().unwrap().to_owned();
        assert!(matches!(ModelRef::parse(&text).unwrap(), ModelRef::Folder(path) if path == folder.path()));
    }
}
