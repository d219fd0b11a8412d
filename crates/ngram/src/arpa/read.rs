//! Reads ARPA files, plain or gzipped, of KenLM, SRILM or any other tool, as a stream.
//!
//! ```text
//! \data\
//! ngram 1=4                            how many entries each order has
//! ngram 2=2
//!
//! \1-grams:
//! -1.2<tab>céu<tab>-0.3                log₁₀ p, the words, log₁₀ of the back-off weight (left out: 0)
//! …
//!
//! \2-grams:
//! -0.5<tab>o céu
//! …
//!
//! \end\
//! ```
//!
//! Before `\data\` any text may stand. Between words and numbers stand tabs or spaces; a form feed or a no-break space is part of a word, as
//! for KenLM. `<UNK>` is `<unk>`. Empty lines mean nothing anywhere.
//!
//! Only unigrams are held (they come in any order, and a sink wants them by id); everything else passes through. What
//! the counts claim is compared and never allocated. Whatever is wrong becomes an [`ArpaProblem`] with its line. Words get
//! their ids in the order of the unigrams, after `<unk>` 0, `<s>` 1, `</s>` 2 and a `<pad>` 3, which belongs to no entry unless the
//! file has a word of that spelling, so that ids of words are ids of tokens in every model.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use super::contexts::{Contexts, MissingContexts};
use super::lines::{Lines, is_space};
use super::problem::{ArpaProblem, quote};
use crate::{END, Entry, EntrySink, Error, MAX_ORDER, START, UNKNOWN, Vocabulary};

/// log₁₀ p(`<unk>`) of a file that gives none; as KenLM has it.
pub(crate) const MISSING_UNKNOWN: f32 = -100.0;

/// log₁₀ of a probability of zero, as SRILM writes it.
const NEVER: f32 = -99.0;

/// The other spelling of the unknown word, which many tools have.
pub(super) const CAPITAL_UNKNOWN: &str = "<UNK>";

/// What a reader made up for because the file left it open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArpaRemarks {
    /// The file has no `<unk>`, which got log₁₀ p = −100, as KenLM gives it.
    pub unknown_missing: bool,
    /// Contexts of n-grams that were no n-grams themselves and were added with their backed-off probability.
    pub contexts_added: u64,
}

impl ArpaRemarks {
    /// Sentences for a person, one for each.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        if self.unknown_missing {
            sentences.push(
                "the ARPA file has no <unk>; words that it does not know get the probability 10^-100, as with KenLM".to_owned(),
            );
        }
        if self.contexts_added > 0 {
            sentences.push(format!(
                "the ARPA file lacks {} contexts of its n-grams; they were added with the probabilities that back-off gives, so \
                 that none has changed",
                self.contexts_added
            ));
        }
        sentences
    }
}

/// Streams the ARPA file at `path` into `sink`; a file that begins as gzip does is unpacked on the way.
///
/// # Errors
/// A file that cannot be read, any malformation with its line, and whatever the sink reports.
pub fn read_arpa(path: &Path, sink: &mut dyn EntrySink) -> Result<ArpaRemarks, Error> {
    let file = File::open(path).map_err(Error::reading(path))?;
    read_arpa_from(file, path, sink)
}

/// Makes a sink and streams the ARPA file at `path` into it; a file whose n-grams have contexts that are none is completed: then a
/// second sink is made.
///
/// # Errors
/// As [`read_arpa`].
pub fn import_arpa<S: EntrySink>(
    path: &Path,
    make: &mut dyn FnMut() -> Result<S, Error>,
) -> Result<(S, ArpaRemarks), Error> {
    let mut file = rewindable(path).map_err(Error::reading(path))?;
    let mut sink = make()?;
    match read_arpa_from(&file, path, &mut sink) {
        Err(Error::Arpa { problem: ArpaProblem::NoContext { .. }, .. }) => {}
        read => return Ok((sink, read?)),
    }
    drop(sink);
    let mut missing = MissingContexts::default();
    file.rewind().map_err(Error::reading(path))?;
    read_arpa_from(&file, path, &mut missing)?;
    let contexts = missing.found();
    file.rewind().map_err(Error::reading(path))?;
    let mut sink = make()?;
    let remarks = read(&file, path, &contexts, &mut sink)?;
    Ok((sink, ArpaRemarks { contexts_added: contexts.count(), ..remarks }))
}

/// The file, or a copy of what can be read only once: a pipe, or standard input, which is called `-`.
fn rewindable(path: &Path) -> io::Result<File> {
    let mut input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        let file = File::open(path)?;
        if file.metadata()?.is_file() {
            return Ok(file);
        }
        Box::new(file)
    };
    let mut copy = tempfile::tempfile()?;
    io::copy(&mut input, &mut copy)?;
    copy.rewind()?;
    Ok(copy)
}

/// As [`read_arpa`], from any input; `name` stands in messages.
///
/// # Errors
/// As [`read_arpa`].
pub fn read_arpa_from(input: impl Read, name: &Path, sink: &mut dyn EntrySink) -> Result<ArpaRemarks, Error> {
    read(input, name, &Contexts::default(), sink)
}

/// Reads a whole file, and passes on what is to be added behind the entries of each order.
fn read(
    input: impl Read,
    name: &Path,
    added: &Contexts,
    sink: &mut dyn EntrySink,
) -> Result<ArpaRemarks, Error> {
    let input = BufReader::with_capacity(1 << 16, input);
    let mut lines = Lines::open(input, name)?;
    let counts = read_counts(&mut lines)?;
    let mut reader = Reader { lines, counts, added, vocabulary: Vocabulary::new(), pad_is_word: false };
    reader.vocabulary.add(PAD);
    let unknown_missing = reader.unigrams(sink)?;
    for order in 2..=reader.counts.len() {
        reader.section(order, sink)?;
    }
    reader.expect_end()?;
    Ok(ArpaRemarks { unknown_missing, contexts_added: 0 })
}

/// The header: `\data\` and the counts, up to the title of the first section.
fn read_counts(lines: &mut Lines<'_>) -> Result<Vec<u64>, Error> {
    skip_preamble(lines)?;
    let mut counts = Vec::new();
    loop {
        let line = match lines.next_filled()? {
            Some(line) => line.trim_matches(is_space),
            None => return Err(lines.error(ArpaProblem::MissingEnd { expected: "\\1-grams:".into() })),
        };
        if line.starts_with('\\') {
            lines.put_back();
            break;
        }
        let claim =
            line.strip_prefix("ngram").and_then(|rest| rest.split_once('=')).and_then(|(order, count)| {
                let number = |text: &str| text.trim_matches(is_space).parse::<u64>().ok();
                Some((number(order)?, number(count)?))
            });
        let problem = match claim {
            None => ArpaProblem::CountLine { found: quote(line) },
            Some((order, _)) if order > MAX_ORDER as u64 => ArpaProblem::TooLong { order },
            Some((order, _)) if order != counts.len() as u64 + 1 => {
                ArpaProblem::CountOrder { expected: counts.len() + 1, found: order }
            }
            Some((_, count)) => {
                counts.push(count);
                continue;
            }
        };
        return Err(lines.error(problem));
    }
    if counts.is_empty() {
        return Err(lines.error(ArpaProblem::NoCounts));
    }
    Ok(counts)
}

/// Passes over what stands before `\data\`, in whatever encoding it is, and over that line.
fn skip_preamble(lines: &mut Lines<'_>) -> Result<(), Error> {
    let mut first = None;
    while let Some(line) = lines.next_bytes()? {
        let line = line.trim_ascii();
        if line == b"\\data\\" {
            return Ok(());
        }
        if first.is_none() && !line.is_empty() {
            first = Some(quote(&String::from_utf8_lossy(line)));
        }
    }
    Err(lines.error(first.map_or(ArpaProblem::Empty, |found| ArpaProblem::NoData { found })))
}

/// The special token that is no word of a text.
const PAD: &str = "<pad>";

/// An ARPA file after its header.
struct Reader<'a> {
    lines: Lines<'a>,
    /// Entries of each order, as the header claims.
    counts: Vec<u64>,
    /// What is to be added to each order.
    added: &'a Contexts,
    vocabulary: Vocabulary,
    /// Whether the file has an entry for the word `<pad>`.
    pad_is_word: bool,
}

/// Numbers of an entry line, and its words.
struct Fields<'a> {
    log10_probability: f32,
    log10_backoff: f32,
    words: [&'a str; MAX_ORDER],
}

impl Reader<'_> {
    /// Reads all unigrams, which make the vocabulary, and passes them on by ascending id; tells whether `<unk>` was missing.
    fn unigrams(&mut self, sink: &mut dyn EntrySink) -> Result<bool, Error> {
        self.expect_section(1)?;
        let mut found: Vec<Option<(f32, f32)>> = vec![None; self.vocabulary.len()];
        let (claimed, highest) = (self.counts[0], self.counts.len());
        let mut count = 0;
        let mut capital = None;
        while let Some(line) = entry_line(&mut self.lines)? {
            let read = fields(line, 1, highest).and_then(|fields| {
                let word = fields.words[0];
                let id = if word == CAPITAL_UNKNOWN { UNKNOWN } else { self.vocabulary.add(word) };
                self.pad_is_word |= word == PAD;
                found.resize(self.vocabulary.len(), None);
                let before = found[id as usize].replace((fields.log10_probability, fields.log10_backoff));
                let other_spelling = id == UNKNOWN
                    && capital.replace(word == CAPITAL_UNKNOWN) == Some(word != CAPITAL_UNKNOWN);
                match before {
                    None => Ok(()),
                    Some(_) if other_spelling => Err(ArpaProblem::TwoUnknowns),
                    Some(_) => Err(ArpaProblem::Duplicate { words: word.to_owned() }),
                }
            });
            count += 1;
            let read = read.and(if count > claimed { Err(too_many(1, claimed)) } else { Ok(()) });
            read.map_err(|problem| self.lines.error(problem))?;
        }
        self.check_count(1, count)?;
        for (id, word) in [(START, "<s>"), (END, "</s>")] {
            if found[id as usize].is_none() {
                return Err(self.lines.error(ArpaProblem::NoSpecial { word }));
            }
        }
        let mut counts: Vec<u64> = (1..)
            .zip(&self.counts)
            .map(|(order, count)| count + self.added.of_order(order).len() as u64)
            .collect();
        let unknown_missing = found[UNKNOWN as usize].is_none();
        if unknown_missing {
            found[UNKNOWN as usize] = Some((MISSING_UNKNOWN, 0.0));
            counts[0] += 1;
        }
        sink.begin(&self.vocabulary, &counts)?;
        for (id, numbers) in found.into_iter().enumerate() {
            if let Some((log10_probability, log10_backoff)) = numbers {
                sink.entry(&Entry { words: &[id as u32], log10_probability, log10_backoff })?;
            }
        }
        sink.end_order(1)?;
        Ok(unknown_missing)
    }

    /// Passes the entries of an order from 2 on to the sink.
    fn section(&mut self, order: usize, sink: &mut dyn EntrySink) -> Result<(), Error> {
        self.expect_section(order)?;
        let (claimed, highest) = (self.counts[order - 1], self.counts.len());
        let mut count = 0;
        let mut ids = [0; MAX_ORDER];
        // A sink knows the number of an entry within its order; lines follow one another from each of these entries on.
        let mut runs: Vec<(u64, u64)> = Vec::new();
        let mut last_line = 0;
        while let Some(line) = entry_line(&mut self.lines)? {
            let read = fields(line, order, highest).and_then(|fields| {
                for (id, word) in ids.iter_mut().zip(&fields.words[..order]) {
                    let known = match *word {
                        CAPITAL_UNKNOWN => Some(UNKNOWN),
                        PAD if !self.pad_is_word => None,
                        word => self.vocabulary.id(word),
                    };
                    *id = known.ok_or_else(|| ArpaProblem::UnknownWord { word: quote(word) })?;
                }
                Ok((fields.log10_probability, fields.log10_backoff))
            });
            if self.lines.number() != last_line + 1 {
                runs.push((count, self.lines.number()));
            }
            last_line = self.lines.number();
            count += 1;
            let read = if count > claimed { Err(too_many(order, claimed)) } else { read };
            let (log10_probability, log10_backoff) = read.map_err(|problem| self.lines.error(problem))?;
            sink.entry(&Entry { words: &ids[..order], log10_probability, log10_backoff })?;
        }
        self.check_count(order, count)?;
        for (words, log10_probability) in self.added.of_order(order) {
            sink.entry(&Entry { words, log10_probability: *log10_probability, log10_backoff: 0.0 })?;
        }
        let line_of = |entry: u64| {
            let run = runs[..runs.partition_point(|(first, _)| *first <= entry)].last();
            run.map_or(last_line, |(first, line)| line + (entry - first))
        };
        sink.end_order(order).map_err(|error| match error {
            Error::Duplicate { words, entry, .. } => {
                self.lines.error_at(line_of(entry), ArpaProblem::Duplicate { words })
            }
            Error::NoContext { words, entry, .. } => {
                self.lines.error_at(line_of(entry), ArpaProblem::NoContext { words })
            }
            other => other,
        })
    }

    /// Reads the title of a section; one of no entries may be left out.
    fn expect_section(&mut self, order: usize) -> Result<(), Error> {
        let expected = format!("\\{order}-grams:");
        match self.lines.next_filled()? {
            Some(line) if line.trim_matches(is_space) == expected => Ok(()),
            Some(_) if self.counts[order - 1] == 0 => {
                self.lines.put_back();
                Ok(())
            }
            Some(line) => {
                let problem = ArpaProblem::Section { expected, found: quote(line) };
                Err(self.lines.error(problem))
            }
            None => Err(self.lines.error(ArpaProblem::MissingEnd { expected })),
        }
    }

    fn check_count(&self, order: usize, found: u64) -> Result<(), Error> {
        let claimed = self.counts[order - 1];
        if found == claimed {
            return Ok(());
        }
        Err(self.lines.error(ArpaProblem::Count { order, claimed, found }))
    }

    /// Reads `\end\`; what follows it is of no interest, except that it is all there.
    fn expect_end(&mut self) -> Result<(), Error> {
        let problem = match self.lines.next_filled()? {
            Some(line) if line.trim_matches(is_space) == "\\end\\" => return self.lines.check_stream(),
            Some(line) => ArpaProblem::Section { expected: "\\end\\".into(), found: quote(line) },
            None => ArpaProblem::MissingEnd { expected: "\\end\\".into() },
        };
        Err(self.lines.error(problem))
    }
}

fn too_many(order: usize, claimed: u64) -> ArpaProblem {
    ArpaProblem::TooManyEntries { order, claimed }
}

/// The next line of a section; `None` where the section ends.
fn entry_line<'a>(lines: &'a mut Lines<'_>) -> Result<Option<&'a str>, Error> {
    match lines.next_filled()? {
        None => Ok(None),
        // A word may begin with a backslash, an entry, which begins with a number, may not.
        Some(line) if line.trim_start_matches(is_space).starts_with('\\') => {
            lines.put_back();
            Ok(None)
        }
        Some(_) => Ok(Some(lines.current())),
    }
}

/// Takes an entry line of an order apart.
fn fields(line: &str, order: usize, highest: usize) -> Result<Fields<'_>, ArpaProblem> {
    let mut pieces = line.split(is_space).filter(|piece| !piece.is_empty());
    let first = pieces.next().unwrap_or_default();
    let log10_probability = number(first)?;
    if log10_probability > 0.0 {
        return Err(ArpaProblem::Positive { found: quote(first) });
    }
    let mut words = [""; MAX_ORDER];
    for (at, word) in words[..order].iter_mut().enumerate() {
        *word = pieces.next().ok_or(ArpaProblem::TooFewWords { order, found: at })?;
    }
    let backoff = pieces.next();
    if pieces.next().is_some() {
        return Err(ArpaProblem::TooManyWords { order });
    }
    let log10_backoff = match backoff {
        None => 0.0,
        Some(text) => match number(text) {
            Ok(value) => value,
            // Most likely not a weight at all but another word.
            Err(_) => return Err(ArpaProblem::Backoff { order, found: quote(text) }),
        },
    };
    if order == highest && log10_backoff != 0.0 {
        return Err(ArpaProblem::HighestBackoff { order });
    }
    Ok(Fields { log10_probability, log10_backoff, words })
}

fn number(text: &str) -> Result<f32, ArpaProblem> {
    match text.parse::<f32>() {
        // Some tools write −∞ for a probability of zero; others, and we, a number that is as good as that.
        Ok(f32::NEG_INFINITY) => Ok(NEVER),
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(ArpaProblem::Number { found: quote(text) }),
    }
}
