//! Models as text, in the ARPA format that KenLM and SRILM read.
//!
//! ```text
//! \data\
//! ngram 1=8571                          counts, order by order
//!
//! \1-grams:
//! -2.5301237 tab the tab -0.5179114     log₁₀ p, words with spaces between, log₁₀ of the back-off weight
//! …                                     (the highest order has no back-off weight)
//! \end\
//! ```
//!
//! `<s>` is never predicted and has 0 for its probability, as KenLM writes it; the numbers are the shortest that read back as
//! the same 32-bit floats. The file appears under its name when it is complete, and not before. Formatting numbers is most of the
//! work, so it is done in blocks by all threads.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::NamedTempFile;

use super::lines::is_space;
use super::read::CAPITAL_UNKNOWN;
use crate::{Entry, EntrySink, Error, Spellings, Vocabulary};

/// Entries that are formatted at once.
const BLOCK: usize = 1 << 15;

/// Writes an ARPA file, packed where its name ends in `.gz`.
pub struct ArpaWriter {
    path: PathBuf,
    output: Output,
    threads: usize,
    spellings: Spellings,
    orders: usize,
    /// The order whose section is open.
    order: usize,
    /// Ids of the waiting entries, `order` for each.
    words: Vec<u32>,
    /// Probability and back-off of each.
    numbers: Vec<(f32, f32)>,
}

enum Output {
    Plain(BufWriter<NamedTempFile>),
    Packed(GzEncoder<BufWriter<NamedTempFile>>),
    /// Something that is no file of a name: standard output.
    Stream(BufWriter<Box<dyn Write>>),
}

impl ArpaWriter {
    /// Begins a file beside the one that it will replace.
    pub fn create(path: &Path, threads: usize) -> Result<Self, Error> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file =
            tempfile::Builder::new().prefix(".arpa-").tempfile_in(folder).map_err(Error::writing(path))?;
        let buffer = BufWriter::with_capacity(1 << 18, file);
        let packed = path.extension().is_some_and(|extension| extension == "gz");
        let output = if packed {
            Output::Packed(GzEncoder::new(buffer, Compression::fast()))
        } else {
            Output::Plain(buffer)
        };
        Ok(Self::with(output, path, threads))
    }

    /// Writes to a stream; `name` stands in messages.
    pub fn to(stream: Box<dyn Write>, name: &Path, threads: usize) -> Self {
        Self::with(Output::Stream(BufWriter::with_capacity(1 << 18, stream)), name, threads)
    }

    fn with(output: Output, path: &Path, threads: usize) -> Self {
        Self {
            path: path.to_owned(),
            output,
            threads: threads.max(1),
            spellings: Spellings::default(),
            orders: 0,
            order: 1,
            words: Vec::new(),
            numbers: Vec::new(),
        }
    }

    fn write(&mut self, text: &str) -> Result<(), Error> {
        self.output.write_all(text.as_bytes()).map_err(Error::writing(&self.path))
    }

    /// Formats and writes the waiting entries.
    fn flush(&mut self) -> Result<(), Error> {
        let part = self.numbers.len().div_ceil(self.threads).max(1024);
        let (spellings, order, last) = (&self.spellings, self.order, self.order == self.orders);
        let texts: Vec<Result<String, Error>> = std::thread::scope(|scope| {
            let parts = self.words.chunks(part * order).zip(self.numbers.chunks(part));
            let workers: Vec<_> = parts
                .map(|(words, numbers)| {
                    scope.spawn(move || format_lines(spellings, words, numbers, order, last))
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().expect("formatting does not panic")).collect()
        });
        self.words.clear();
        self.numbers.clear();
        for text in texts {
            self.write(&text?)?;
        }
        Ok(())
    }

    /// Ends the file and gives it its name.
    pub fn finish(mut self) -> Result<(), Error> {
        self.write("\n\\end\\\n")?;
        let path = self.path;
        let file = match self.output {
            Output::Plain(buffer) => buffer.into_inner().map_err(|error| error.into_error()),
            Output::Stream(mut stream) => return stream.flush().map_err(Error::writing(&path)),
            Output::Packed(encoder) => {
                encoder.finish().and_then(|buffer| buffer.into_inner().map_err(|error| error.into_error()))
            }
        };
        let file = file.map_err(Error::writing(&path))?;
        file.as_file().sync_all().map_err(Error::writing(&path))?;
        readable(file.as_file()).map_err(Error::writing(&path))?;
        file.persist(&path).map_err(|error| Error::Write { path: path.clone(), source: error.error })?;
        Ok(())
    }
}

/// Temporary files are for their owner only; a model is for everybody.
fn readable(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

fn format_lines(
    spellings: &Spellings,
    words: &[u32],
    numbers: &[(f32, f32)],
    order: usize,
    last: bool,
) -> Result<String, Error> {
    let mut text = String::with_capacity(numbers.len() * (24 + 8 * order));
    for (words, (probability, backoff)) in words.chunks_exact(order).zip(numbers) {
        push_number(&mut text, *probability);
        for (position, &id) in words.iter().enumerate() {
            text.push(if position == 0 { '\t' } else { ' ' });
            text.push_str(spellings.word(id).expect("an entry's words are in the vocabulary"));
        }
        if !last {
            text.push('\t');
            push_number(&mut text, *backoff);
        }
        text.push('\n');
    }
    Ok(text)
}

/// The shortest decimal that reads back as this number.
#[inline]
fn push_number(text: &mut String, number: f32) {
    let mut buffer = zmij::Buffer::new();
    // A weight of 1 may be marked by the sign of its zero; nothing is said by that in a text.
    let digits = buffer.format(number + 0.0);
    text.push_str(digits.strip_suffix(".0").unwrap_or(digits));
}

impl EntrySink for ArpaWriter {
    fn begin(&mut self, vocabulary: &Vocabulary, counts: &[u64]) -> Result<(), Error> {
        // A tokenizer's words, too, may be of any kind; those of a text never hold these.
        let separates = |character: char| is_space(character) || character == '\0';
        let unwritable =
            |word: &&str| word.is_empty() || word.contains(separates) || *word == CAPITAL_UNKNOWN;
        if let Some(word) = vocabulary.words().find(unwritable) {
            return Err(Error::Unwritable { word: word.to_owned() });
        }
        self.spellings = vocabulary.spellings();
        self.orders = counts.len();
        let mut head = "\\data\\\n".to_owned();
        for (count, order) in counts.iter().zip(1..) {
            // Writing into a string cannot fail.
            let _ = writeln!(head, "ngram {order}={count}");
        }
        self.write(&head)?;
        self.write("\n\\1-grams:\n")
    }

    #[inline]
    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        self.words.extend_from_slice(entry.words);
        self.numbers.push((entry.log10_probability, entry.log10_backoff));
        if self.numbers.len() == BLOCK * self.threads { self.flush() } else { Ok(()) }
    }

    fn end_order(&mut self, order: usize) -> Result<(), Error> {
        self.flush()?;
        self.order = order + 1;
        if order < self.orders { self.write(&format!("\n\\{}-grams:\n", order + 1)) } else { Ok(()) }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Packed(file) => file.write(bytes),
            Self::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Packed(file) => file.flush(),
            Self::Stream(stream) => stream.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut vocabulary = Vocabulary::new();
        let word = vocabulary.add("céu");
        let mut writer = ArpaWriter::create(&path, 2).unwrap();
        writer.begin(&vocabulary, &[4, 1]).unwrap();
        for (id, log10_probability, log10_backoff) in
            [(0, -4.650381, 0.0), (1, 0.0, -0.8037869), (2, -1.0, 0.0), (word, -0.00001, -0.25)]
        {
            writer.entry(&Entry { words: &[id], log10_probability, log10_backoff }).unwrap();
        }
        writer.end_order(1).unwrap();
        writer.entry(&Entry { words: &[1, word], log10_probability: -0.5, log10_backoff: 0.0 }).unwrap();
        writer.end_order(2).unwrap();
        assert!(!path.exists(), "the name is given last");
        writer.finish().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
        std::fs::read(&path).unwrap()
    }

    const EXPECTED: &str = "\\data\\\nngram 1=4\nngram 2=1\n\n\\1-grams:\n-4.650381\t<unk>\t0\n0\t<s>\t-0.8037869\n\
                            -1\t</s>\t0\n-0.00001\tcéu\t-0.25\n\n\\2-grams:\n-0.5\t<s> céu\n\n\\end\\\n";

    #[test]
    fn a_file_has_the_lines_of_the_format() {
        assert_eq!(String::from_utf8(written("model.arpa")).unwrap(), EXPECTED);
    }

    #[test]
    fn a_name_in_gz_is_packed() {
        let mut text = String::new();
        let packed = written("model.arpa.gz");
        io::Read::read_to_string(&mut flate2::read::GzDecoder::new(packed.as_slice()), &mut text).unwrap();
        assert_eq!(text, EXPECTED);
    }

    #[test]
    fn a_token_with_a_space_in_it_is_refused() {
        let mut vocabulary = Vocabulary::new();
        vocabulary.add("two words");
        let folder = tempfile::tempdir().unwrap();
        let mut writer = ArpaWriter::create(&folder.path().join("model.arpa"), 1).unwrap();
        let message = writer.begin(&vocabulary, &[1]).unwrap_err().to_string();
        assert!(message.contains("two words"), "{message}");
    }
}
