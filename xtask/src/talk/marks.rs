//! What people who read the replies thought of them: 0 for a reply that is wrong or beside the point, 1 for one that will do, 2 for one
//! that a good listener could have given.
//!
//! A mark belongs to a reply word for word, so that a model that is trained anew keeps only the marks of replies that it still gives:
//! `recipes/talk/held-out/marks/MODEL.tsv`, a line each of conversation, number of the turn, mark, reply.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::held_out::{Conversation, Language};

/// The marks of one model.
#[derive(Debug, Default)]
pub struct Marks(HashMap<(String, usize, String), u8>);

/// The sum of marks, how many there are, and how many replies have none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mean {
    pub sum: usize,
    pub marked: usize,
    pub unmarked: usize,
}

impl Mean {
    fn add(&mut self, mark: Option<u8>) {
        match mark {
            Some(mark) => {
                self.sum += usize::from(mark);
                self.marked += 1;
            }
            None => self.unmarked += 1,
        }
    }
}

impl std::fmt::Display for Mean {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.marked == 0 {
            return write!(f, "–");
        }
        write!(f, "{:.2}", self.sum as f64 / self.marked as f64)?;
        if self.unmarked > 0 { write!(f, " ({} without a mark)", self.unmarked) } else { Ok(()) }
    }
}

impl Marks {
    /// Reads the marks of a model; there may be none.
    pub fn read(folder: &Path, model: &str) -> Result<Marks> {
        let path = folder.join("marks").join(format!("{model}.tsv"));
        if !path.exists() {
            return Ok(Marks::default());
        }
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let mut marks = Marks::default();
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = || format!("{}:{number} is not conversation, turn, mark and reply", path.display());
            let [slug, turn, mark, reply] = line.splitn(4, '\t').collect::<Vec<_>>()[..] else {
                return Err(anyhow::anyhow!(wrong()));
            };
            let (turn, mark) = (
                turn.parse().with_context(wrong)?,
                mark.parse().ok().filter(|mark| *mark <= 2u8).with_context(wrong)?,
            );
            marks.0.insert((slug.to_owned(), turn, reply.to_owned()), mark);
        }
        Ok(marks)
    }

    /// The mark of a reply to a turn, counted from 1.
    pub fn of(&self, slug: &str, turn: usize, reply: &str) -> Option<u8> {
        self.0.get(&(slug.to_owned(), turn, reply.to_owned())).copied()
    }

    /// The mean over the conversations in a language.
    pub fn mean(&self, language: Language, conversations: &[Conversation], replies: &[Vec<String>]) -> Mean {
        let mut mean = Mean::default();
        for (conversation, replies) in
            conversations.iter().zip(replies).filter(|(it, _)| it.language == language)
        {
            for (turn, reply) in (1..).zip(replies) {
                mean.add(self.of(&conversation.slug, turn, reply));
            }
        }
        mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_belongs_to_the_very_reply() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("marks")).unwrap();
        fs::write(folder.path().join("marks/it.tsv"), "cake\t1\t2\tYum!\ncake\t2\t0\tNo.\n").unwrap();
        let marks = Marks::read(folder.path(), "it").unwrap();
        assert_eq!(
            (marks.of("cake", 1, "Yum!"), marks.of("cake", 1, "Yum."), marks.of("cake", 2, "No.")),
            (Some(2), None, Some(0))
        );
        let conversation =
            Conversation { language: Language::English, slug: "cake".into(), turns: Vec::new() };
        let replies = [["Yum!", "No.", "What?"].map(str::to_owned).to_vec()];
        let mean = marks.mean(Language::English, &[conversation], &replies);
        assert_eq!(mean.to_string(), "1.00 (1 without a mark)");
        assert_eq!(Mean::default().to_string(), "–");
        fs::write(folder.path().join("marks/bad.tsv"), "cake\t1\t3\tYum!\n").unwrap();
        assert!(Marks::read(folder.path(), "bad").is_err());
        assert!(Marks::read(folder.path(), "none").unwrap().0.is_empty());
    }
}
