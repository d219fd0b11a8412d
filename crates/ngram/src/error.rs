//! What can go wrong, in sentences that tell what to do.

use std::io;
use std::path::{Path, PathBuf};

use crate::ArpaProblem;

/// Everything that fails in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read.
    #[error("{path}: cannot be read: {source}.", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("{path}: cannot be written: {source}; check the rights and the free space there.", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A temporary file could not be made, written or read.
    #[error(
        "a temporary file in {folder} cannot be used: {source}; free some space there, or name another folder with \
         --temporary.",
        folder = folder.display()
    )]
    Temporary {
        /// The folder of temporary files.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// An order that is too low or too high.
    #[error("an n-gram model cannot have the order {order}; choose one from 1 to {max}.", max = crate::MAX_ORDER)]
    Order {
        /// The order asked for.
        order: usize,
    },
    /// No sentence is as long as the n-grams should be.
    #[error(
        "the order {order} is larger than any sentence: the longest has {longest} words with <s> and </s>; choose an order \
         up to that."
    )]
    OrderTooLong {
        /// The order asked for.
        order: usize,
        /// Words of the longest sentence.
        longest: u64,
    },
    /// Thresholds that make no sense.
    #[error(
        "the thresholds of --prune make no sense: {reason}; give 0 for single words and then, order by order, numbers that \
         do not fall, such as 0 0 1."
    )]
    Prune {
        /// What is wrong.
        reason: String,
    },
    /// Nothing to count.
    #[error("the training data has no words; give a text with at least one.")]
    EmptyCorpus,
    /// A token that is not in the vocabulary.
    #[error(
        "the corpus has a token {id}, and the vocabulary only ids below {words}; give the vocabulary of its tokenizer."
    )]
    UnknownId {
        /// The token.
        id: u32,
        /// Size of the vocabulary.
        words: usize,
    },
    /// `<s>` as a token.
    #[error(
        "sentence {sentence} of the corpus holds the token <s>, which only stands before sentences; leave it out."
    )]
    StartInside {
        /// The sentence's number, from 1.
        sentence: u64,
    },
    /// Less memory than the vocabulary and the smallest buffers take.
    #[error(
        "{given} bytes of memory are too few: this vocabulary and the smallest buffers take {least}; give --memory {}M or \
         more.",
        least.div_ceil(1 << 20)
    )]
    Memory {
        /// Bytes allowed.
        given: usize,
        /// Bytes needed.
        least: usize,
    },
    /// Discounts that cannot be computed, or are out of range.
    #[error(
        "Kneser-Ney discounts of {order}-grams are out of range: {reason} (there are {} {order}-grams with the adjusted count \
         1, {} with 2, {} with 3 and {} with 4). The text is too small or artificial for this order; give more text, a lower \
         order, or --discount-fallback to use 0.5, 1 and 1.5 instead.",
        statistics[0], statistics[1], statistics[2], statistics[3]
    )]
    Discounts {
        /// The order in question.
        order: usize,
        /// What is wrong.
        reason: String,
        /// How many n-grams have the adjusted counts 1 to 4.
        statistics: [u64; 4],
    },
    /// Training text that is not text.
    #[error("{path}, line {line}: {reason}.", path = path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// A word that an ARPA file cannot hold.
    #[error(
        "the token {word:?} cannot stand in an ARPA file, where white space separates words and <UNK> is the unknown word; \
         write no ARPA file of this model, or train it with another tokenizer."
    )]
    Unwritable {
        /// The word.
        word: String,
    },
    /// Whoever watches the work asked for its end.
    #[error("interrupted; nothing was written.")]
    Interrupted,
    /// An ARPA file is malformed.
    #[error("{path}, line {line}: {problem}.", path = path.display())]
    Arpa {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        problem: ArpaProblem,
    },
    /// A file of another format where an ARPA file was expected.
    #[error("{path} is {what}, and an ARPA file is text, plain or packed with gzip; {advice}.", path = path.display())]
    NotArpa {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// An n-gram comes twice.
    #[error("entry {entry} of order {order}, `{words}`, has come before; give each n-gram once.", entry = entry + 1)]
    Duplicate {
        /// Number of words.
        order: usize,
        /// The words.
        words: String,
        /// Which of its order's entries it is, from 0.
        entry: u64,
    },
    /// The context of an n-gram is no n-gram.
    #[error("entry {entry} of order {order}, `{words}`, has a context that is no entry of the order below; every context must be one.", entry = entry + 1)]
    NoContext {
        /// Number of words.
        order: usize,
        /// The words.
        words: String,
        /// Which of its order's entries it is, from 0.
        entry: u64,
    },
    /// A file is no model, or a damaged one.
    #[error("{path} {problem}.", path = path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do, as the end of a sentence.
        problem: String,
    },
    /// More n-grams of an order than the format has room for.
    #[error(
        "{count} n-grams of order {order} are more than a model can hold; prune that order, for example `--prune 0 0 1`."
    )]
    TooMany {
        /// Number of words.
        order: usize,
        /// Number of n-grams.
        count: u64,
    },
    /// A vocabulary beyond what the format has room for.
    #[error("the words of the vocabulary have more than 4 GB of text; leave rare ones out.")]
    TooMuchText,
    /// A number of bits that quantisation does not know.
    #[error("numbers can be quantised to 1 to 16 bits, not {bits}; 8 is a good choice.")]
    QuantiseBits {
        /// What was asked for.
        bits: u8,
    },
    /// Quantisation where it would not help.
    #[error(
        "the hashed layout keeps its numbers exact; quantise with the trie layout, or leave quantisation out."
    )]
    QuantiseHashed,
}

impl Error {
    /// Makes, for `map_err`, what turns an error with a temporary file into one that names the folder.
    pub(crate) fn temporary(folder: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Temporary { folder: folder.to_owned(), source }
    }

    /// Makes, for `map_err`, what turns an input error into one that names the file.
    pub fn reading(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Read { path: path.to_owned(), source }
    }

    /// Makes, for `map_err`, what turns an output error into one that names the file.
    pub fn writing(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Write { path: path.to_owned(), source }
    }
}
