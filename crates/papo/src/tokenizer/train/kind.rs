//! What a token is, as `--tokenizer` spells it: `words`, `words:N`, `chars`, `bpe:N`, `unigram:N`, or a folder.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenizerKind {
    /// What stands between white space; at most this many, special tokens included.
    Words {
        /// The size of the vocabulary, if it has a limit.
        most: Option<usize>,
    },
    /// A character.
    Chars,
    /// A piece of a word in bytes, grown by joining the commonest pair.
    Bpe {
        /// The size of the vocabulary, special tokens and the 256 bytes included.
        size: usize,
    },
    /// A piece of a word in bytes, chosen for the likelihood of the corpus.
    Unigram {
        /// The size of the vocabulary, special tokens and the 256 bytes included.
        size: usize,
    },
    /// The tokenizer of a model folder.
    Folder(PathBuf),
}

/// What happens to capitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterCase {
    /// They stay.
    Keep,
    /// They become small letters, in training and whenever the tokenizer is used.
    Lower,
}

impl FromStr for TokenizerKind {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let size = |text: &str, least: usize| match text.parse::<usize>() {
            Ok(size) if size >= least && size <= 1 << 24 => Ok(size),
            _ => Err(format!(
                "{word:?}: the size of the vocabulary is a whole number from {least} to 16777216; write for example {}:8000",
                word.split(':').next().unwrap_or("bpe")
            )),
        };
        // Four special tokens; pieces need the 256 bytes besides.
        Ok(match word.split_once(':') {
            None if word == "words" => Self::Words { most: None },
            None if word == "chars" => Self::Chars,
            None if word == "bpe" || word == "unigram" => {
                return Err(format!(
                    "{word} wants the size of its vocabulary; write for example {word}:8000"
                ));
            }
            Some(("words", text)) => Self::Words { most: Some(size(text, 5)?) },
            Some(("bpe", text)) => Self::Bpe { size: size(text, 260)? },
            Some(("unigram", text)) => Self::Unigram { size: size(text, 261)? },
            _ if word.is_empty() => {
                return Err("a tokenizer is words, chars, bpe:N, unigram:N or a folder".into());
            }
            _ => Self::Folder(PathBuf::from(word)),
        })
    }
}

impl fmt::Display for TokenizerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words { most: None } => f.write_str("words"),
            Self::Words { most: Some(most) } => write!(f, "words:{most}"),
            Self::Chars => f.write_str("chars"),
            Self::Bpe { size } => write!(f, "bpe:{size}"),
            Self::Unigram { size } => write!(f, "unigram:{size}"),
            Self::Folder(folder) => write!(f, "{}", folder.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_understood_and_printed_alike() {
        for word in ["words", "words:5000", "chars", "bpe:8000", "unigram:300", "models/smalltalk"] {
            assert_eq!(word.parse::<TokenizerKind>().unwrap().to_string(), word);
        }
    }

    #[test]
    fn sizes_that_make_no_sense_are_refused_with_an_example() {
        for word in ["bpe", "bpe:x", "bpe:100", "unigram:-1", "words:0", ""] {
            assert!(word.parse::<TokenizerKind>().is_err(), "{word:?}");
        }
        assert!("bpe".parse::<TokenizerKind>().unwrap_err().contains("bpe:8000"));
    }
}
