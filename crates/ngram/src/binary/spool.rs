//! The entries of an order on disk: as they came, and sorted.
//!
//! A record is its words, four bytes each, then the bits of probability and back-off weight. Sorting holds as many records as the
//! memory limit allows, writes them as a sorted run, and merges the runs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

use super::section::{Growing, grow};
use crate::{Entry, MAX_ORDER};

/// An entry outside of its file; words behind the order are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Record {
    pub words: [u32; MAX_ORDER],
    pub probability: u32,
    pub backoff: u32,
}

/// Entries of one order, in the order in which they came.
pub(crate) struct Spool {
    order: usize,
    out: Growing,
    pub(crate) count: u64,
}

impl Spool {
    pub(crate) fn new(order: usize, folder: &Path) -> io::Result<Self> {
        Ok(Self { order, out: grow(folder)?, count: 0 })
    }

    pub(crate) fn push(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        let mut record = Record {
            probability: entry.log10_probability.to_bits(),
            backoff: entry.log10_backoff.to_bits(),
            ..Record::default()
        };
        record.words[..self.order].copy_from_slice(entry.words);
        self.count += 1;
        write(&mut self.out, &record, self.order)
    }

    /// The entries as they came.
    pub(crate) fn into_stream(self) -> io::Result<Stream> {
        let file = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Stream::new(file, self.order)
    }
}

/// Entries of one order, read from their beginning.
pub(crate) struct Stream {
    order: usize,
    input: BufReader<File>,
}

impl Stream {
    fn new(mut file: File, order: usize) -> io::Result<Self> {
        file.rewind()?;
        Ok(Self { order, input: BufReader::with_capacity(1 << 16, file) })
    }

    pub(crate) fn rewind(&mut self) -> io::Result<()> {
        self.input.rewind()
    }

    pub(crate) fn next(&mut self) -> io::Result<Option<Record>> {
        let mut bytes = [0; 4 * MAX_ORDER + 8];
        let bytes = &mut bytes[..4 * self.order + 8];
        if self.input.fill_buf_is_empty()? {
            return Ok(None);
        }
        self.input.read_exact(bytes)?;
        let number = |field: usize| super::bits::load_u32(bytes, 4 * field);
        let mut record =
            Record { probability: number(self.order), backoff: number(self.order + 1), ..Record::default() };
        for (field, word) in record.words[..self.order].iter_mut().enumerate() {
            *word = number(field);
        }
        Ok(Some(record))
    }

    /// The same entries sorted by their words, the first word first, holding at most `memory` bytes of them at once.
    pub(crate) fn sorted(&mut self, folder: &Path, memory: usize) -> io::Result<Self> {
        self.rewind()?;
        let most = (memory / size_of::<Record>()).max(1024);
        let mut runs = Vec::new();
        let mut held: Vec<Record> = Vec::new();
        loop {
            let record = self.next()?;
            held.extend(record);
            if held.len() == most || (record.is_none() && (!held.is_empty() || runs.is_empty())) {
                held.sort_unstable();
                let mut out = grow(folder)?;
                held.iter().try_for_each(|record| write(&mut out, record, self.order))?;
                let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
                runs.push(Self::new(file, self.order)?);
                held.clear();
            }
            if record.is_none() {
                break;
            }
        }
        drop(held);
        if runs.len() == 1
            && let Some(run) = runs.pop()
        {
            return Ok(run);
        }
        let mut out = BufWriter::with_capacity(1 << 16, tempfile::tempfile_in(folder)?);
        let mut heads = BinaryHeap::new();
        for (index, run) in runs.iter_mut().enumerate() {
            heads.extend(run.next()?.map(|record| Reverse((record, index))));
        }
        while let Some(Reverse((record, index))) = heads.pop() {
            write(&mut out, &record, self.order)?;
            heads.extend(runs[index].next()?.map(|record| Reverse((record, index))));
        }
        Self::new(out.into_inner().map_err(io::IntoInnerError::into_error)?, self.order)
    }
}

/// Whether an input is at its end.
trait AtEnd {
    fn fill_buf_is_empty(&mut self) -> io::Result<bool>;
}

impl AtEnd for BufReader<File> {
    fn fill_buf_is_empty(&mut self) -> io::Result<bool> {
        Ok(io::BufRead::fill_buf(self)?.is_empty())
    }
}

fn write(out: &mut impl Write, record: &Record, order: usize) -> io::Result<()> {
    let mut bytes = [0; 4 * MAX_ORDER + 8];
    let numbers = record.words[..order].iter().chain([&record.probability, &record.backoff]);
    for (field, number) in bytes.chunks_exact_mut(4).zip(numbers) {
        field.copy_from_slice(&number.to_le_bytes());
    }
    out.write_all(&bytes[..4 * order + 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_merged_into_one_sorted_stream() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(3, folder.path()).unwrap();
        let words = |n: u32| [n.wrapping_mul(2_654_435_761) >> 20, n % 7, n];
        for n in 0..5000 {
            let entry = Entry { words: &words(n), log10_probability: -(n as f32), log10_backoff: 0.5 };
            spool.push(&entry).unwrap();
        }
        let mut expected: Vec<_> = (0..5000).map(words).collect();
        expected.sort_unstable();
        let mut sorted = spool.into_stream().unwrap().sorted(folder.path(), 0).unwrap();
        for words in expected {
            let record = sorted.next().unwrap().unwrap();
            assert_eq!(record.words[..3], words);
            assert_eq!(f32::from_bits(record.probability), -(words[2] as f32));
        }
        assert_eq!(sorted.next().unwrap(), None);
    }
}
