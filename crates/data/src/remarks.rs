//! What a reader of data has to tell besides its documents: once for all files, and in the same words for every command.

use std::path::{Path, PathBuf};

use crate::input::shown;
use crate::{Documents, SpecialWords};

/// What data are read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A model learns them.
    Learning,
    /// A model is measured by them.
    Measuring,
}

/// What was noticed in files.
#[derive(Clone, Debug, Default)]
pub struct Remarks {
    further_references: u64,
    special_words: u64,
    joined: Vec<(PathBuf, usize)>,
}

impl Remarks {
    /// Takes in what was noticed in a file that has been read.
    pub fn add(&mut self, file: &Path, documents: &Documents) {
        self.further_references += documents.further_references();
        self.special_words += documents.special_words();
        self.joined.extend(documents.joined_at().map(|width| (file.to_owned(), width)));
    }

    /// A sentence for each kind of thing that was noticed.
    pub fn sentences(&self, purpose: Purpose, special_words: SpecialWords) -> Vec<String> {
        let mut sentences = Vec::new();
        if let Some((first, width)) = self.joined.first() {
            let others = match self.joined.len() - 1 {
                0 => String::new(),
                1 => " and another file".into(),
                others => format!(" and {others} other files"),
            };
            sentences.push(format!(
                "{}{others}: the lines were cut at about {width} characters, so they are joined into paragraphs, and those are split into \
                 sentences (--paragraphs keep leaves the lines as they are)",
                shown(first)
            ));
        }
        if self.further_references > 0 {
            let what = match purpose {
                Purpose::Learning => "the first target is learnt",
                Purpose::Measuring => "which are taken for further references",
            };
            let pairs = counted(self.further_references, "pair has", "pairs have");
            sentences.push(format!("{pairs} further columns; {what}"));
        }
        if self.special_words > 0 {
            sentences.push(match special_words {
                SpecialWords::Take => {
                    let words = counted(
                        self.special_words,
                        "word is spelled like a special token",
                        "words are spelled like special tokens",
                    );
                    format!("{words} (<s>, </s>, <pad>, <unk>) and taken for one")
                }
                SpecialWords::Refuse => {
                    let words = counted(self.special_words, "word <unk>", "words <unk>");
                    format!("{words} taken for what nobody knows")
                }
                SpecialWords::Skip => {
                    let words = counted(
                        self.special_words,
                        "word that is spelled like a special token",
                        "words that are spelled like special tokens",
                    );
                    format!("{words} (<s>, </s>, <pad>, <unk>) passed over")
                }
            });
        }
        sentences
    }
}

/// A number with the words for one and for several.
fn counted(number: u64, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}
