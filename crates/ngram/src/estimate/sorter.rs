//! Sorting more records than memory holds: full buffers are sorted and put on disk, sorted runs are merged at the end.
//!
//! A buffer is sorted in as many parts as there are threads. Where everything fits into one buffer nothing is written:
//! its parts are merged as they are read. Records of the same n-gram become one, their payloads added.

use std::path::{Path, PathBuf};

use super::packed::{Record, same, sort};
use super::spool::{Spool, SpoolReader, SpoolWriter};
use crate::Error;

/// Runs that are merged at once; more would mean more open files and blocks than is sensible.
const WIDEST_MERGE: usize = 64;

/// Takes records in any order.
pub struct Sorter<const R: usize> {
    buffer: Vec<Record<R>>,
    capacity: usize,
    threads: usize,
    folder: PathBuf,
    runs: Vec<Spool<R>>,
}

/// All records of a sorter, to be read in order.
pub struct Sorted<const R: usize> {
    memory: Vec<Record<R>>,
    /// Where each sorted part of `memory` ends.
    ends: Vec<usize>,
    runs: Vec<Spool<R>>,
}

/// A pass over sorted records.
pub struct Merge<'a, const R: usize> {
    sources: Vec<Source<'a, R>>,
    /// The next record of each source that has one, as a heap with the smallest in front.
    heads: Vec<(Record<R>, usize)>,
}

enum Source<'a, const R: usize> {
    Memory(std::slice::Iter<'a, Record<R>>),
    Disk(SpoolReader<'a, R>),
}

impl<const R: usize> Sorter<R> {
    /// A sorter that holds at most `memory` bytes, for `expected` records if that is known.
    pub fn new(memory: usize, expected: Option<u64>, threads: usize, folder: &Path) -> Self {
        let most = (memory / size_of::<Record<R>>()).max(1024);
        let capacity = most.min(expected.map_or(most, |records| usize::try_from(records).unwrap_or(most)));
        Self {
            buffer: Vec::with_capacity(capacity),
            capacity: capacity.max(1),
            threads: threads.max(1),
            folder: folder.to_owned(),
            runs: Vec::new(),
        }
    }

    /// Takes a record.
    #[inline]
    pub fn push(&mut self, record: Record<R>) -> Result<(), Error> {
        if self.buffer.len() == self.capacity {
            self.spill()?;
        }
        self.buffer.push(record);
        Ok(())
    }

    /// Sorts the buffer part by part; returns where the parts end.
    fn sort(&mut self) -> Vec<usize> {
        let part = self.buffer.len().div_ceil(self.threads).max(4096);
        std::thread::scope(|scope| {
            for records in self.buffer.chunks_mut(part) {
                scope.spawn(move || sort(records));
            }
        });
        (0..self.buffer.len()).step_by(part).map(|start| (start + part).min(self.buffer.len())).collect()
    }

    fn spill(&mut self) -> Result<(), Error> {
        let ends = self.sort();
        let mut writer = SpoolWriter::new(&self.folder)?;
        let mut merge = Merge::new(parts(&self.buffer, &ends))?;
        while let Some(record) = merge.next()? {
            writer.push(&record)?;
        }
        self.buffer.clear();
        self.runs.push(writer.finish()?);
        if self.runs.len() == WIDEST_MERGE {
            let mut writer = SpoolWriter::new(&self.folder)?;
            let mut merge = Merge::new(readers(&mut self.runs)?)?;
            while let Some(record) = merge.next()? {
                writer.push(&record)?;
            }
            drop(merge);
            self.runs = vec![writer.finish()?];
        }
        Ok(())
    }

    /// Ends the taking. Where runs had to be written, the last one is too, and the memory is free again.
    pub fn finish(mut self) -> Result<Sorted<R>, Error> {
        if self.runs.is_empty() {
            let ends = self.sort();
            return Ok(Sorted { memory: self.buffer, ends, runs: Vec::new() });
        }
        if !self.buffer.is_empty() {
            self.spill()?;
        }
        Ok(Sorted { memory: Vec::new(), ends: Vec::new(), runs: self.runs })
    }
}

impl<const R: usize> Sorted<R> {
    /// Reads from the front.
    pub fn read(&mut self) -> Result<Merge<'_, R>, Error> {
        let mut sources = parts(&self.memory, &self.ends);
        sources.extend(readers(&mut self.runs)?);
        Merge::new(sources)
    }
}

fn parts<'a, const R: usize>(records: &'a [Record<R>], ends: &[usize]) -> Vec<Source<'a, R>> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends).map(|(start, &end)| Source::Memory(records[start..end].iter())).collect()
}

fn readers<const R: usize>(runs: &mut [Spool<R>]) -> Result<Vec<Source<'_, R>>, Error> {
    runs.iter_mut().map(|run| Ok(Source::Disk(run.read()?))).collect()
}

impl<const R: usize> Source<'_, R> {
    #[inline]
    fn next(&mut self) -> Result<Option<Record<R>>, Error> {
        match self {
            Self::Memory(records) => Ok(records.next().copied()),
            Self::Disk(reader) => reader.next(),
        }
    }
}

impl<'a, const R: usize> Merge<'a, R> {
    fn new(mut sources: Vec<Source<'a, R>>) -> Result<Self, Error> {
        let mut heads = Vec::with_capacity(sources.len());
        for (index, source) in sources.iter_mut().enumerate() {
            if let Some(record) = source.next()? {
                heads.push((record, index));
            }
        }
        heads.sort_unstable();
        Ok(Self { sources, heads })
    }

    /// The next n-gram, with the sum of its payloads.
    #[inline]
    pub fn next(&mut self) -> Result<Option<Record<R>>, Error> {
        let Some(mut record) = self.advance()? else { return Ok(None) };
        while self.heads.first().is_some_and(|(head, _)| same(head, &record)) {
            if let Some(equal) = self.advance()? {
                record[R - 1] += equal[R - 1];
            }
        }
        Ok(Some(record))
    }

    /// Takes the smallest head, and puts the next record of its source in its place.
    #[inline]
    fn advance(&mut self) -> Result<Option<Record<R>>, Error> {
        let Some(&(record, index)) = self.heads.first() else { return Ok(None) };
        match self.sources[index].next()? {
            Some(next) => self.heads[0] = (next, index),
            None => {
                self.heads.swap_remove(0);
            }
        }
        self.sink();
        Ok(Some(record))
    }

    /// Restores the heap after its front changed.
    #[inline]
    fn sink(&mut self) {
        let mut place = 0;
        loop {
            let mut least = place;
            for child in [2 * place + 1, 2 * place + 2] {
                if child < self.heads.len() && before(&self.heads[child].0, &self.heads[least].0) {
                    least = child;
                }
            }
            if least == place {
                return;
            }
            self.heads.swap(place, least);
            place = least;
        }
    }
}

#[inline]
fn before<const R: usize>(one: &Record<R>, other: &Record<R>) -> bool {
    one[..R - 1] < other[..R - 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn check(memory: usize, threads: usize, count: u64) {
        let folder = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::<3>::new(memory, None, threads, folder.path());
        let mut truth: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        let mut state = 1_u64;
        for _ in 0..count {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let key = (state >> 60, state >> 33 & 0xfff);
            *truth.entry(key).or_default() += state & 3;
            sorter.push([key.0, key.1, state & 3]).unwrap();
        }
        let mut sorted = sorter.finish().unwrap();
        for _ in 0..2 {
            let mut merge = sorted.read().unwrap();
            let mut found = Vec::new();
            while let Some(record) = merge.next().unwrap() {
                found.push(((record[0], record[1]), record[2]));
            }
            assert!(found.iter().copied().eq(truth.clone()), "memory {memory}, {threads} threads, {count}");
        }
    }

    #[test]
    fn sorting_with_and_without_disk_gives_what_a_map_gives() {
        for count in [0, 1, 1024, 1025, 50_000, 200_000] {
            check(1 << 30, 3, count);
            check(24 * 1024, 2, count);
        }
    }
}
