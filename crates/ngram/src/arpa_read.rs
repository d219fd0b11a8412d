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
//! Only unigrams are held (they come in any order, and a sink wants them by id); everything else passes through. What
//! the counts claim is compared and never allocated. Whatever is wrong becomes an [`ArpaProblem`] with its line. Words get
//! their ids in the order of the unigrams, after `<unk>` 0, `<s>` 1, `</s>` 2 and a `<pad>` 3 that belongs to no entry, so
//! that ids of words are ids of tokens in every model.
//!
//! `arpa_lines.rs` cuts the input into lines; `arpa_problem.rs` lists what can be wrong.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::arpa_lines::{Lines, is_space};
use crate::arpa_problem::{ArpaProblem, quote};
use crate::{END, Entry, EntrySink, Error, MAX_ORDER, START, UNKNOWN, Vocabulary};

/// log₁₀ p(`<unk>`) of a file that gives none; as KenLM has it.
pub(crate) const MISSING_UNKNOWN: f32 = -100.0;

/// log₁₀ of a probability of zero, as SRILM writes it.
const NEVER: f32 = -99.0;

/// Streams the ARPA file at `path` into `sink`; a file that begins as gzip does is unpacked on the way.
///
/// # Errors
/// A file that cannot be read, any malformation with its line, and whatever the sink reports.
pub fn read_arpa(path: &Path, sink: &mut dyn EntrySink) -> Result<(), Error> {
    let file = File::open(path).map_err(Error::reading(path))?;
    read_arpa_from(file, path, sink)
}

/// As [`read_arpa`], from any input; `name` stands in messages.
///
/// # Errors
/// As [`read_arpa`].
pub fn read_arpa_from(input: impl Read, name: &Path, sink: &mut dyn EntrySink) -> Result<(), Error> {
    let input = BufReader::with_capacity(1 << 16, input);
    let mut lines = Lines::open(input, name)?;
    let counts = read_counts(&mut lines)?;
    let mut reader = Reader { lines, counts, vocabulary: Vocabulary::new() };
    reader.vocabulary.add("<pad>");
    reader.unigrams(sink)?;
    for order in 2..=reader.counts.len() {
        reader.section(order, sink)?;
    }
    reader.expect_end()
}

/// The header: from `\data\` to the empty line after the counts.
fn read_counts(lines: &mut Lines<'_>) -> Result<Vec<u64>, Error> {
    match lines.next_filled()? {
        Some(line) if line.trim_matches(is_space) == "\\data\\" => {}
        Some(line) => {
            let problem = ArpaProblem::NoData { found: quote(line) };
            return Err(lines.error(problem));
        }
        None => return Err(lines.error(ArpaProblem::Empty)),
    }
    let mut counts = Vec::new();
    loop {
        let line = match lines.next_line()? {
            Some(line) => line.trim_matches(is_space),
            None => return Err(lines.error(ArpaProblem::MissingEnd { expected: "\\1-grams:".into() })),
        };
        if line.is_empty() && counts.is_empty() {
            continue;
        }
        if line.is_empty() || line.starts_with('\\') {
            if line.starts_with('\\') {
                lines.put_back();
            }
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

/// An ARPA file after its header.
struct Reader<'a> {
    lines: Lines<'a>,
    /// Entries of each order, as the header claims.
    counts: Vec<u64>,
    vocabulary: Vocabulary,
}

/// Numbers of an entry line, and its words.
struct Fields<'a> {
    log10_probability: f32,
    log10_backoff: f32,
    words: [&'a str; MAX_ORDER],
}

impl Reader<'_> {
    /// Reads all unigrams, which make the vocabulary, and passes them on by ascending id.
    fn unigrams(&mut self, sink: &mut dyn EntrySink) -> Result<(), Error> {
        self.expect_section(1)?;
        let mut found: Vec<Option<(f32, f32)>> = vec![None; self.vocabulary.len()];
        let (claimed, highest) = (self.counts[0], self.counts.len());
        let mut count = 0;
        while let Some(line) = entry_line(&mut self.lines)? {
            let read = fields(line, 1, highest).and_then(|fields| {
                let word = fields.words[0];
                let id = self.vocabulary.add(word) as usize;
                found.resize(self.vocabulary.len(), None);
                match found[id].replace((fields.log10_probability, fields.log10_backoff)) {
                    None => Ok(()),
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
        let mut counts = self.counts.clone();
        if found[UNKNOWN as usize].is_none() {
            found[UNKNOWN as usize] = Some((MISSING_UNKNOWN, 0.0));
            counts[0] += 1;
        }
        sink.begin(&self.vocabulary, &counts)?;
        for (id, numbers) in found.into_iter().enumerate() {
            if let Some((log10_probability, log10_backoff)) = numbers {
                sink.entry(&Entry { words: &[id as u32], log10_probability, log10_backoff })?;
            }
        }
        sink.end_order(1)
    }

    /// Passes the entries of an order from 2 on to the sink.
    fn section(&mut self, order: usize, sink: &mut dyn EntrySink) -> Result<(), Error> {
        self.expect_section(order)?;
        let first_line = self.lines.number() + 1;
        let (claimed, highest) = (self.counts[order - 1], self.counts.len());
        let mut count = 0;
        let mut ids = [0; MAX_ORDER];
        while let Some(line) = entry_line(&mut self.lines)? {
            let read = fields(line, order, highest).and_then(|fields| {
                for (id, word) in ids.iter_mut().zip(&fields.words[..order]) {
                    let known = self.vocabulary.id(word).filter(|_| *word != "<pad>");
                    *id = known.ok_or_else(|| ArpaProblem::UnknownWord { word: quote(word) })?;
                }
                Ok((fields.log10_probability, fields.log10_backoff))
            });
            count += 1;
            let read = if count > claimed { Err(too_many(order, claimed)) } else { read };
            let (log10_probability, log10_backoff) = read.map_err(|problem| self.lines.error(problem))?;
            sink.entry(&Entry { words: &ids[..order], log10_probability, log10_backoff })?;
        }
        self.check_count(order, count)?;
        // A sink knows the number of an entry within its order, and lines without gaps make that a line.
        sink.end_order(order).map_err(|error| match error {
            Error::Duplicate { words, entry, .. } => {
                self.lines.error_at(first_line + entry, ArpaProblem::Duplicate { words })
            }
            Error::NoContext { words, entry, .. } => {
                self.lines.error_at(first_line + entry, ArpaProblem::NoContext { words })
            }
            other => other,
        })
    }

    /// Reads the title of a section.
    fn expect_section(&mut self, order: usize) -> Result<(), Error> {
        let expected = format!("\\{order}-grams:");
        match self.lines.next_filled()? {
            Some(line) if line.trim_matches(is_space) == expected => Ok(()),
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
    match lines.next_line()? {
        None => return Ok(None),
        Some(line) => {
            let line = line.trim_matches(is_space);
            // A word may begin with a backslash, an entry, which begins with a number, may not.
            if line.starts_with('\\') {
                lines.put_back();
                return Ok(None);
            }
            if line.is_empty() {
                return Ok(None);
            }
        }
    }
    Ok(Some(lines.current()))
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
