//! The name of a model on the hub, checked before it becomes part of a path or an address.

use std::fmt;

use super::Error;

/// A repository and the version of it that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Repository {
    name: String,
    revision: Option<String>,
}

impl Repository {
    /// The model called `name` (`OWNER/NAME`, or `NAME` for the oldest ones) at `revision`: a branch, a tag or a commit, `main` when
    /// nothing is said.
    ///
    /// Fails when either could not be the name of anything on the hub.
    pub fn new(name: &str, revision: Option<&str>) -> Result<Self, Error> {
        let wrong = |problem| Err(Error::Name { name: name.to_string(), problem });
        if name.split('/').count() > 2 || !name.split('/').all(is_part) || name.len() > 96 {
            return wrong("write OWNER/NAME, with letters, digits, '-', '_' and '.' only");
        }
        if name.contains("--") || name.contains("..") || name.ends_with(".git") {
            return wrong("a name has no '--', no '..' and does not end in '.git'");
        }
        if let Some(revision) = revision
            && (!revision.split('/').all(is_part) || revision.contains("..") || revision.len() > 200)
        {
            return wrong("its revision is none; write the name of a branch or tag, or a commit");
        }
        Ok(Repository { name: name.to_string(), revision: revision.map(str::to_string) })
    }

    /// Reads `OWNER/NAME` or `OWNER/NAME@REVISION`; fails as [`Repository::new`] does.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.split_once('@') {
            Some((name, revision)) => Self::new(name, Some(revision)),
            None => Self::new(text, None),
        }
    }

    /// `OWNER/NAME`
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The branch, tag or commit; `main` when nothing was said.
    pub fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or("main")
    }

    /// Whether a revision was named.
    pub fn names_revision(&self) -> bool {
        self.revision.is_some()
    }

    /// Whether the revision is a whole commit hash, which never comes to mean anything else.
    pub fn is_commit(&self) -> bool {
        is_commit(self.revision())
    }

    /// The folder of the model in a cache.
    pub(super) fn folder(&self) -> String {
        format!("models--{}", self.name.replace('/', "--"))
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.revision {
            Some(revision) => write!(f, "{}@{revision}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Whether `text` is a whole commit hash.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn is_part(part: &str) -> bool {
    let ends = |c: char| c.is_ascii_alphanumeric() || c == '_';
    part.starts_with(ends)
        && part.ends_with(ends)
        && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_revisions_of_the_hub_are_accepted() {
        for (text, name, revision) in [
            ("gpt2", "gpt2", "main"),
            ("facebook/blenderbot-400M-distill", "facebook/blenderbot-400M-distill", "main"),
            ("google/flan-t5-small@refs/pr/7", "google/flan-t5-small", "refs/pr/7"),
            ("Helsinki-NLP/opus-mt-en-ROMANCE@v1.0", "Helsinki-NLP/opus-mt-en-ROMANCE", "v1.0"),
        ] {
            let repository = Repository::parse(text).unwrap();
            assert_eq!((repository.name(), repository.revision()), (name, revision));
            assert_eq!(repository.to_string(), text);
        }
        assert_eq!(Repository::parse("a/b").unwrap().folder(), "models--a--b");
        assert!(Repository::new("a/b", Some(&"0a".repeat(20))).unwrap().is_commit());
    }

    #[test]
    fn names_that_could_leave_the_cache_are_refused() {
        for text in [
            "", "/", "a/", "/a", "a/b/c", "..", "../a", "a/..", "a b", "a--b", "a/b.git", "-a", "a\\b",
            "a%2fb", "é", "a@", "a@..", "a@../b", "a@/b", "a@b//c", "a@b/../c", "a@b c",
        ] {
            assert!(matches!(Repository::parse(text), Err(Error::Name { .. })), "{text:?} was accepted");
        }
    }
}
