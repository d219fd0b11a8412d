//! Writing `model.ngram` from a stream of entries.
//!
//! Memory: the vocabulary and twelve bytes a word, [`WriteOptions::memory`] for sorting, and for layout `hashed` the tables
//! themselves, which are filled at random. Everything else is on disk, in nameless files next to the destination: about `4 n + 8`
//! bytes for an n-gram of n words, twice for layout `trie`. The file gets its name when it is whole.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::bits::BitWriter;
use super::hashed::{Inserted, Spot, Table};
use super::header::{HEADER, Header, Layout, MOST_ENTRIES, Section};
use super::parents::{Children, Parents};
use super::quantise::{Book, Histogram};
use super::section::{Growing, grow, join};
use super::spool::{Record, Spool, Stream};
use super::summing::Summing;
use super::{unigram, words};
use crate::{Entry, EntrySink, Error, MAX_ORDER, Vocabulary};

/// How a model is written.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// How n-grams are kept.
    pub layout: Layout,
    /// Bits of a quantised probability and back-off weight, 1 to 16; `None`: exact. Only for [`Layout::Trie`].
    pub quantise: Option<u8>,
    /// Bytes that sorting may hold.
    pub memory: usize,
}

impl Default for WriteOptions {
    /// An exact trie, sorted within 256 MiB.
    fn default() -> Self {
        Self { layout: Layout::Trie, quantise: None, memory: 256 << 20 }
    }
}

/// Writes a mapped model from the entries that it is given; [`finish`](Self::finish) gives the file its name.
pub struct ModelWriter {
    path: PathBuf,
    folder: PathBuf,
    options: WriteOptions,
    header: Header,
    sections: Vec<(Section, Part)>,
    unigrams: Vec<(f32, f32)>,
    /// First bigram of each word, and one more; layout `trie`.
    bigrams_of: Vec<u32>,
    spool: Option<Spool>,
    /// Layout `trie`: the sorted entries of the last order, which are the contexts of the next.
    contexts: Option<Stream>,
    /// Layout `hashed`: the tables so far.
    tables: Vec<Table>,
    ended: usize,
}

/// What a section is made of.
enum Part {
    File(Growing),
    Bytes(Vec<u8>),
}

impl ModelWriter {
    /// Prepares to write a model to `path`.
    ///
    /// # Errors
    /// Options that do not fit together.
    pub fn new(path: &Path, options: WriteOptions) -> Result<Self, Error> {
        if let Some(bits) = options.quantise {
            if !(1..=16).contains(&bits) {
                return Err(Error::QuantiseBits { bits });
            }
            if options.layout == Layout::Hashed {
                return Err(Error::QuantiseHashed);
            }
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Self {
            path: path.to_owned(),
            folder,
            options,
            header: Header::new(options.layout, 1, 0),
            sections: Vec::new(),
            unigrams: Vec::new(),
            bigrams_of: Vec::new(),
            spool: None,
            contexts: None,
            tables: Vec::new(),
            ended: 0,
        })
    }

    /// Writes the file, under a temporary name until it is whole.
    ///
    /// # Errors
    /// What the operating system reports, with the path.
    ///
    /// # Panics
    /// Where entries of an announced order have not come.
    pub fn finish(mut self) -> Result<(), Error> {
        assert!(self.ended > 0 && self.ended == self.header.order, "every announced order has ended");
        self.contexts = None;
        for (index, table) in std::mem::take(&mut self.tables).into_iter().enumerate() {
            let mut out = grow(&self.folder).map_err(Error::writing(&self.path))?;
            table.write_to(&mut out).map_err(Error::writing(&self.path))?;
            self.sections.push((Section::Words(index + 2), Part::File(out)));
        }
        let records = self.unigram_section();
        self.sections.push((Section::Unigrams, Part::Bytes(records)));
        self.assemble().map_err(|source| Error::Write { path: self.path.clone(), source })
    }

    fn unigram_section(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity((self.unigrams.len() + 1) * unigram::RECORD);
        for id in 0..=self.unigrams.len() {
            let (log10_p, log10_backoff) = self.unigrams.get(id).copied().unwrap_or((0.0, 0.0));
            let begin = self.bigrams_of.get(id).copied().unwrap_or(0);
            for number in [log10_p.to_bits(), log10_backoff.to_bits(), begin] {
                bytes.extend(number.to_le_bytes());
            }
        }
        bytes
    }

    fn assemble(&mut self) -> io::Result<()> {
        let mut file =
            tempfile::Builder::new().prefix(".model-").suffix(".part").tempfile_in(&self.folder)?;
        self.write_sections(file.as_file_mut())?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }

    fn write_sections(&mut self, file: &mut File) -> io::Result<()> {
        let mut out = Summing { out: BufWriter::new(file), at: 0, crc: crc32fast::Hasher::new() };
        out.out.write_all(&[0; HEADER])?;
        for (section, part) in std::mem::take(&mut self.sections) {
            let rest = out.at.next_multiple_of(64) - out.at;
            out.write_all(&[0; 64][..rest as usize])?;
            let begin = out.at;
            match part {
                Part::File(growing) => join(growing, &mut out).map(drop)?,
                Part::Bytes(bytes) => out.write_all(&bytes)?,
            }
            self.header.place(section, HEADER as u64 + begin, out.at - begin);
        }
        self.header.file_bytes = HEADER as u64 + out.at;
        self.header.body_crc = out.crc.finalize();
        let out = out.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        out.seek(SeekFrom::Start(0))?;
        out.write_all(&self.header.encode())?;
        out.sync_all()?;
        readable_by_all(out)
    }

    /// Sorts an order and writes its part of the trie, and the children of the order below.
    fn end_trie_order(&mut self, order: usize, mut spool: Stream) -> Result<(), Error> {
        let (folder, path) = (self.folder.clone(), self.path.clone());
        let is_highest = order == self.header.order;
        let books = self.books(order, &mut spool).map_err(Error::writing(&path))?;
        let mut sorted = spool.sorted(&folder, self.options.memory).map_err(Error::writing(&path))?;
        let writing = |error| Error::Write { path: path.clone(), source: error };
        let grow = || grow(&folder).map_err(Error::writing(&path));
        let word_bits = self.header.word_bits();
        let (mut words, mut values) = (BitWriter::new(grow()?), BitWriter::new(grow()?));
        let mut parents =
            Parents::new(&self.unigrams, self.contexts.take(), order, &folder).map_err(writing)?;
        let mut last: Option<Record> = None;
        while let Some(record) = sorted.next().map_err(writing)? {
            if last.is_some_and(|last| last.words == record.words) {
                let (entry, words) =
                    (find(&mut spool, &record, 1).map_err(writing)?, self.text(&record, order));
                return Err(Error::Duplicate { order, words, entry });
            }
            if !parents.reach(&record).map_err(writing)? {
                let (entry, words) =
                    (find(&mut spool, &record, 0).map_err(writing)?, self.text(&record, order));
                return Err(Error::NoContext { order, words, entry });
            }
            let mut write = || {
                words.push(record.words[order - 1], word_bits)?;
                match &books {
                    None => values.push(record.probability, 32)?,
                    Some((book, _, bits)) => {
                        values.push(book.code(f32::from_bits(record.probability)), *bits)?
                    }
                }
                match &books {
                    _ if is_highest => Ok(()),
                    None => values.push(record.backoff, 32),
                    Some((_, book, bits)) => values.push(book.code(f32::from_bits(record.backoff)), *bits),
                }
            };
            write().map_err(writing)?;
            last = Some(record);
        }
        let children = parents.finish().map_err(writing)?;
        match children {
            Children::Words(begins) => self.bigrams_of = begins,
            Children::Lists(unary, samples) => {
                self.sections.push((Section::Unary(order - 1), Part::File(unary)));
                self.sections.push((Section::Samples(order - 1), Part::File(samples)));
            }
        }
        self.sections.push((Section::Words(order), Part::File(words.finish().map_err(writing)?)));
        self.sections.push((Section::Values(order), Part::File(values.finish().map_err(writing)?)));
        if let Some((probabilities, backoffs, bits)) = books {
            let bytes = |book: &Book| Part::Bytes(book.padded(bits).flat_map(f32::to_le_bytes).collect());
            self.sections.push((Section::ProbabilityBook(order), bytes(&probabilities)));
            if !is_highest {
                self.sections.push((Section::BackoffBook(order), bytes(&backoffs)));
            }
        }
        sorted.rewind().map_err(writing)?;
        self.contexts = Some(sorted);
        Ok(())
    }

    /// The books of an order, where numbers are to be quantised: of probabilities, of back-off weights, and their bits.
    fn books(&mut self, order: usize, spool: &mut Stream) -> io::Result<Option<(Book, Book, u32)>> {
        let Some(bits) = self.options.quantise else { return Ok(None) };
        let (mut probabilities, mut backoffs) = (Histogram::new(), Histogram::new());
        while let Some(record) = spool.next()? {
            probabilities.add(f32::from_bits(record.probability));
            backoffs.add(f32::from_bits(record.backoff));
        }
        (self.header.probability_bits[order - 1], self.header.backoff_bits[order - 1]) = (bits, bits);
        let bits = u32::from(bits);
        Ok(Some((probabilities.into_book(bits), backoffs.into_book(bits), bits)))
    }

    /// Fills the hash table of an order.
    fn end_hashed_order(&mut self, order: usize, mut spool: Stream, count: u64) -> Result<(), Error> {
        let path = self.path.clone();
        let writing = |error| Error::Write { path: path.clone(), source: error };
        let below = self.tables.last().map_or(u64::from(self.header.words), Table::homes);
        let is_highest = order == self.header.order;
        'attempts: for attempt in 0.. {
            let mut table = Table::new(count, self.header.word_bits(), below, is_highest, attempt);
            if table.homes() >= 1 << 29 {
                break;
            }
            spool.rewind().map_err(writing)?;
            let mut entry = 0;
            while let Some(record) = spool.next().map_err(writing)? {
                let (context, word) = (&record.words[..order - 1], record.words[order - 1]);
                let Some(place) = self.mark_context(context) else {
                    return Err(Error::NoContext { order, words: self.text(&record, order), entry });
                };
                let numbers = (f32::from_bits(record.probability), f32::from_bits(record.backoff));
                match table.insert(place, word, numbers.0, numbers.1) {
                    Inserted::New => {}
                    Inserted::Crowded => continue 'attempts,
                    Inserted::Duplicate => {
                        return Err(Error::Duplicate { order, words: self.text(&record, order), entry });
                    }
                }
                entry += 1;
            }
            self.tables.push(table);
            return Ok(());
        }
        Err(Error::TooMany { order, count })
    }

    /// Where the context is kept in its order, after noting that it goes on.
    fn mark_context(&mut self, context: &[u32]) -> Option<Spot> {
        let (&first, rest) = context.split_first()?;
        let (log10_p, log10_backoff) = self.unigrams.get_mut(first as usize)?;
        if *log10_p == unigram::ABSENT {
            return None;
        }
        if *log10_backoff == 0.0 {
            *log10_backoff = 0.0;
        }
        let mut place = Spot::of_word(first);
        for (table, &word) in self.tables.iter().zip(rest) {
            place = table.find(place, word)?;
        }
        if let Some(last) = rest.len().checked_sub(1) {
            self.tables[last].mark_extended(place);
        }
        Some(place)
    }

    /// The words of a record, as they are written.
    fn text(&self, record: &Record, order: usize) -> String {
        let section = |wanted: Section| {
            self.sections.iter().find_map(|(section, part)| match part {
                Part::Bytes(bytes) if *section == wanted => Some(bytes.as_slice()),
                _ => None,
            })
        };
        let ends = section(Section::WordEnds).unwrap_or_default();
        let text = section(Section::WordText).unwrap_or_default();
        let end = |id: u32| super::bits::load_u32(ends, id as usize * 4) as usize;
        let word = |&id: &u32| {
            let begin = if id == 0 { 0 } else { end(id - 1) };
            String::from_utf8_lossy(text.get(begin..end(id)).unwrap_or_default()).into_owned()
        };
        record.words[..order].iter().map(word).collect::<Vec<_>>().join(" ")
    }
}

impl EntrySink for ModelWriter {
    fn begin(&mut self, vocabulary: &Vocabulary, counts: &[u64]) -> Result<(), Error> {
        assert!((1..=MAX_ORDER).contains(&counts.len()), "1 to {MAX_ORDER} orders");
        let words = vocabulary.len() as u32;
        self.header = Header::new(self.options.layout, counts.len(), words);
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        for word in vocabulary.words() {
            text.extend(word.as_bytes());
            let end = u32::try_from(text.len()).map_err(|_| Error::TooMuchText)?;
            ends.extend(end.to_le_bytes());
        }
        let table = words::table(vocabulary).into_iter().flat_map(u32::to_le_bytes).collect();
        self.sections = [(Section::WordEnds, ends), (Section::WordText, text), (Section::WordTable, table)]
            .map(|(section, bytes)| (section, Part::Bytes(bytes)))
            .into();
        // Hashed: nothing goes on from a word until an n-gram shows it does.
        self.unigrams = vec![(unigram::ABSENT, -0.0); words as usize];
        Ok(())
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        if let &[id] = entry.words {
            let nothing_follows = if entry.log10_backoff == 0.0 { -0.0 } else { entry.log10_backoff };
            self.unigrams[id as usize] = (entry.log10_probability, nothing_follows);
            self.header.counts[0] += 1;
            return Ok(());
        }
        if self.spool.is_none() {
            let spool = Spool::new(entry.words.len(), &self.folder).map_err(Error::writing(&self.path))?;
            self.spool = Some(spool);
        }
        let Some(spool) = &mut self.spool else { return Ok(()) };
        spool.push(entry).map_err(Error::writing(&self.path))
    }

    fn end_order(&mut self, order: usize) -> Result<(), Error> {
        self.ended = order;
        if order == 1 {
            let (log10_p, _) = &mut self.unigrams[crate::UNKNOWN as usize];
            if *log10_p == unigram::ABSENT {
                *log10_p = crate::arpa::MISSING_UNKNOWN;
            }
            return Ok(());
        }
        let spool = match self.spool.take() {
            Some(spool) => spool,
            None => Spool::new(order, &self.folder).map_err(Error::writing(&self.path))?,
        };
        let count = spool.count;
        if count >= MOST_ENTRIES {
            return Err(Error::TooMany { order, count });
        }
        self.header.counts[order - 1] = count;
        let stream = spool.into_stream().map_err(Error::writing(&self.path))?;
        match self.options.layout {
            Layout::Trie => self.end_trie_order(order, stream),
            Layout::Hashed => self.end_hashed_order(order, stream, count),
        }
    }
}

/// Which entry of the spool has a record's words, so many equal ones before it left out.
fn find(spool: &mut Stream, wanted: &Record, mut before: u32) -> io::Result<u64> {
    spool.rewind()?;
    let mut at = 0;
    while let Some(record) = spool.next()? {
        if record.words == wanted.words {
            if before == 0 {
                return Ok(at);
            }
            before -= 1;
        }
        at += 1;
    }
    Ok(at)
}

/// A temporary file belongs to its maker alone; a model is for whoever may read the folder.
fn readable_by_all(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}
