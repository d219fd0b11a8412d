//! What can be wrong with an ARPA file: a sentence for each, which `Error::Arpa` puts after the file and the line.

/// A malformation of an ARPA file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArpaProblem {
    /// The file has no line with anything on it.
    #[error("the file is empty; an ARPA file begins with \\data\\")]
    Empty,
    /// No line says that the data begin.
    #[error(
        "the file ends without a line \\data\\, with which an ARPA file begins; it begins with {found}; give a file in the ARPA format"
    )]
    NoData {
        /// The first line with anything on it.
        found: String,
    },
    /// A line of the header is no count.
    #[error("expected a count such as `ngram 1=1000`, found {found}; write the header anew")]
    CountLine {
        /// The line.
        found: String,
    },
    /// Counts are not in the order 1, 2, 3, ….
    #[error("expected the count of order {expected}, found that of order {found}; write the header anew")]
    CountOrder {
        /// The order that is due.
        expected: usize,
        /// The order that came.
        found: u64,
    },
    /// The header has no counts.
    #[error("the header has no counts; after \\data\\ come lines such as `ngram 1=1000`")]
    NoCounts,
    /// n-grams longer than are supported.
    #[error("n-grams of {order} words are too long, the longest possible is {max}; train a model of lower order", max = crate::MAX_ORDER)]
    TooLong {
        /// The order that was claimed.
        order: u64,
    },
    /// Another section, or an entry where a section should begin.
    #[error(
        "expected {expected}, found {found}; sections come in order, each with as many entries as the header says"
    )]
    Section {
        /// The line that is due.
        expected: String,
        /// The line that came.
        found: String,
    },
    /// A section ends before it has as many entries as the header says, or the header is wrong.
    #[error(
        "the header promises {claimed} entries of order {order}, found {found}; the file is cut or the count is wrong"
    )]
    Count {
        /// The order.
        order: usize,
        /// Entries that the header promises.
        claimed: u64,
        /// Entries that there are.
        found: u64,
    },
    /// A section goes on after as many entries as the header says.
    #[error(
        "the header promises {claimed} entries of order {order}, and this is one more; correct the count"
    )]
    TooManyEntries {
        /// The order.
        order: usize,
        /// Entries that the header promises.
        claimed: u64,
    },
    /// A number that is none.
    #[error("{found} is not a number; expected log₁₀ of a probability or of a back-off weight, as in -1.25")]
    Number {
        /// The text.
        found: String,
    },
    /// A probability above 1.
    #[error(
        "the log₁₀ of a probability is at most 0, found {found}; the tool that wrote this file is broken"
    )]
    Positive {
        /// The text.
        found: String,
    },
    /// Fewer words than the section's title says.
    #[error("expected {order} words after the probability, found {found}")]
    TooFewWords {
        /// Words that are due.
        order: usize,
        /// Words that there are.
        found: usize,
    },
    /// More words than the section's title says.
    #[error("expected {order} words and at most one back-off weight after the probability, found more")]
    TooManyWords {
        /// Words that are due.
        order: usize,
    },
    /// What stands after the words is no back-off weight.
    #[error(
        "expected {order} words and then a back-off weight, found {found} in its place: a word too many, or a damaged number"
    )]
    Backoff {
        /// Words that are due.
        order: usize,
        /// The text.
        found: String,
    },
    /// A back-off weight that could never apply.
    #[error(
        "entries of the highest order, {order}, have no back-off weight; remove it, or correct the header if an order is missing"
    )]
    HighestBackoff {
        /// The highest order.
        order: usize,
    },
    /// A longer n-gram has a word that is no unigram.
    #[error("the word {word} is not among the unigrams of this file; every word of a longer n-gram must be")]
    UnknownWord {
        /// The word.
        word: String,
    },
    /// The file has no `<s>` or no `</s>`.
    #[error("the unigrams lack {word}, without which no sentence begins or ends; add an entry for it")]
    NoSpecial {
        /// The word.
        word: &'static str,
    },
    /// The unknown word in both spellings.
    #[error(
        "the unigrams hold both <unk> and <UNK>, which are one word, the unknown one; remove one of the two, with its n-grams"
    )]
    TwoUnknowns,
    /// The same n-gram twice.
    #[error("the n-gram `{words}` comes twice; remove one of the two")]
    Duplicate {
        /// Its words.
        words: String,
    },
    /// The first words of an n-gram are no n-gram of their own.
    #[error(
        "the n-gram `{words}` has a context that is no entry of the order below; every context must be one"
    )]
    NoContext {
        /// Its words.
        words: String,
    },
    /// The file ends too early.
    #[error("the file ends where {expected} was expected; it is cut off, fetch or write it again")]
    MissingEnd {
        /// The line that is due.
        expected: String,
    },
    /// Bytes that are no text.
    #[error("the line is not valid UTF-8; convert the file, for example with `iconv -f latin1 -t utf-8`")]
    NotUtf8,
    /// A line that no n-gram can fill.
    #[error("the line is longer than {most} bytes; this is not an ARPA file, or its line breaks are lost")]
    LongLine {
        /// Most bytes of a line.
        most: usize,
    },
    /// The compressed file ends within its stream, or is damaged.
    #[error("the gzip stream is cut off or damaged ({reason}); fetch or compress the file again")]
    Gzip {
        /// What unpacking says.
        reason: String,
    },
}

/// The beginning of a text, between quotes and printable.
pub(super) fn quote(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{:?}…", &text[..at]),
        None => format!("{text:?}"),
    }
}
