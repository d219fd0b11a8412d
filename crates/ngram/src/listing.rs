//! All n-grams of a mapped model as entries: the way back from `model.ngram` to an ARPA file.
//!
//! A trie lists what follows each context, so an order is a walk of that depth. Hash tables know their n-grams by place; the
//! scrambling of keys is a bijection, and `Shape::key` undoes it.

use std::ops::Range;
use std::path::Path;

use crate::binary::hashed::{BETWEEN, HIGHEST, Shape, Spot};
use crate::binary::trie::Level;
use crate::model::Orders;
use crate::{Entry, EntrySink, Error, MAX_ORDER, Model, Vocabulary};

impl<B: AsRef<[u8]>> Model<B> {
    /// Passes all n-grams on to `sink`, after [`verify`](Self::verify), as a damaged file could be walked for ever; `path` stands in messages.
    ///
    /// # Errors
    /// A damaged file, and whatever the sink reports.
    pub fn list(&self, path: &Path, sink: &mut dyn EntrySink) -> Result<(), Error> {
        self.verify(path)?;
        let vocabulary = self.vocabulary(path)?;
        let words: Vec<u32> = (0..self.vocab_size() as u32).filter(|&id| self.is_word(id)).collect();
        let mut counts = self.counts().to_vec();
        counts[0] = words.len() as u64;
        sink.begin(&vocabulary, &counts)?;
        let file = self.file.as_ref();
        for &id in &words {
            let (_, unigram) = self.unigrams.known(file, id);
            sink.entry(&Entry {
                words: &[id],
                log10_probability: unigram.log10_probability,
                log10_backoff: unigram.log10_backoff,
            })?;
        }
        sink.end_order(1)?;
        for order in 2..=self.order() {
            match &self.orders {
                Orders::Trie(levels) => {
                    let mut walk = Walk { file, levels: &levels[..order - 1], words: [0; MAX_ORDER], sink };
                    for &id in &words {
                        let (_, unigram) = self.unigrams.known(file, id);
                        walk.words[0] = id;
                        walk.descend(1, unigram.begin..unigram.end)?;
                    }
                }
                Orders::Hashed(shapes) => {
                    list_table(file, &shapes[..order - 1], order == self.order(), sink)?
                }
            }
            sink.end_order(order)?;
        }
        Ok(())
    }

    /// The words by their ids.
    fn vocabulary(&self, path: &Path) -> Result<Vocabulary, Error> {
        let mut vocabulary = Vocabulary::new();
        for id in 0..self.vocab_size() as u32 {
            let word = self.word(id).unwrap_or_default();
            if vocabulary.add(&word) != id {
                let problem = format!(
                    "has the word {word:?} twice, or in the place of a special one; make the model again"
                );
                return Err(Error::Model { path: path.to_owned(), problem });
            }
        }
        Ok(vocabulary)
    }
}

/// A walk through a trie, down to the n-grams of the last of these levels.
struct Walk<'a> {
    file: &'a [u8],
    levels: &'a [Level],
    words: [u32; MAX_ORDER],
    sink: &'a mut dyn EntrySink,
}

impl Walk<'_> {
    fn descend(&mut self, depth: usize, range: Range<u32>) -> Result<(), Error> {
        let level = &self.levels[depth - 1];
        let is_last = depth == self.levels.len();
        for at in level.within(range) {
            self.words[depth] = level.word(self.file, at);
            if is_last {
                self.sink.entry(&Entry {
                    words: &self.words[..=depth],
                    log10_probability: level.log10_probability(self.file, at),
                    log10_backoff: level.backoff_or_none(self.file, at),
                })?;
            } else {
                self.descend(depth + 1, level.children(self.file, at))?;
            }
        }
        Ok(())
    }
}

/// Passes on what the last of these tables holds.
fn list_table(
    file: &[u8],
    shapes: &[Shape],
    is_highest: bool,
    sink: &mut dyn EntrySink,
) -> Result<(), Error> {
    let order = shapes.len() + 1;
    let Some((shape, below)) = shapes.split_last() else { return Ok(()) };
    let slots = if is_highest { HIGHEST } else { BETWEEN };
    for bucket in 0..shape.homes() {
        for slot in 0..slots {
            let Some(found) = shape.occupant(file, bucket, slot) else { continue };
            let mut words = [0; MAX_ORDER];
            words[order - 1] = found.word;
            context(file, below, found.context, &mut words[..order - 1]);
            let (log10_probability, log10_backoff) = shape.numbers(file, bucket, slot, is_highest);
            sink.entry(&Entry { words: &words[..order], log10_probability, log10_backoff })?;
        }
    }
    Ok(())
}

/// The words of the n-gram at a spot of the last of these tables, or of a word where there is none.
fn context(file: &[u8], shapes: &[Shape], spot: Spot, words: &mut [u32]) {
    let (Some((shape, below)), Some((last, first))) = (shapes.split_last(), words.split_last_mut()) else {
        words[0] = spot.home;
        return;
    };
    // The offset of what was found is that of an n-gram that is there; in a file whose check sum is right.
    if let Some(found) = shape.occupant_at(file, spot) {
        *last = found.word;
        context(file, below, found.context, first);
    }
}
