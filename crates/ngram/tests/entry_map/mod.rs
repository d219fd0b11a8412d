//! Whole models as maps from words to numbers, for comparing small ones.

use std::collections::BTreeMap;
use std::path::Path;

use papo_ngram::{
    Corpus, Entry, EntrySink, Error, Settings, SpecialWords, Spellings, TextReader, Vocabulary, estimate,
};

/// log₁₀ probability and back-off by n-gram.
#[derive(Default)]
pub struct EntryMap {
    pub entries: BTreeMap<Vec<String>, (f32, f32)>,
    spellings: Spellings,
    /// Entries announced for each order.
    pub counts: Vec<u64>,
    /// Orders that have ended.
    ended: usize,
}

impl EntrySink for EntryMap {
    fn begin(&mut self, vocabulary: &Vocabulary, counts: &[u64]) -> Result<(), Error> {
        self.spellings = vocabulary.spellings();
        self.counts = counts.to_vec();
        Ok(())
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        assert_eq!(entry.words.len(), self.ended + 1, "entries come order by order");
        let words =
            entry.words.iter().map(|&id| self.spellings.word(id).expect("a word").to_owned()).collect();
        let before = self.entries.insert(words, (entry.log10_probability, entry.log10_backoff));
        assert!(before.is_none(), "each entry comes once: {entry:?}");
        Ok(())
    }

    fn end_order(&mut self, order: usize) -> Result<(), Error> {
        self.ended = order;
        let found = self.entries.keys().filter(|words| words.len() == order).count();
        assert_eq!(found as u64, self.counts[order - 1], "as many {order}-grams as announced");
        Ok(())
    }
}

impl EntryMap {
    /// Both have the same n-grams, and no number differs by more than the tolerance.
    #[track_caller]
    pub fn assert_close(&self, other: &EntryMap, tolerance: f32) {
        for words in self.entries.keys() {
            assert!(other.entries.contains_key(words), "{words:?} should not be there");
        }
        for (words, &(probability, backoff)) in &other.entries {
            let Some(found) = self.entries.get(words) else { panic!("{words:?} is missing") };
            assert!(
                (found.0 - probability).abs() <= tolerance && (found.1 - backoff).abs() <= tolerance,
                "{words:?}: found {found:?}, expected {:?}",
                (probability, backoff)
            );
        }
    }
}

/// The model of a text with a sentence a line.
pub fn estimated(text: &str, settings: &Settings) -> Result<EntryMap, Error> {
    let mut corpus = Corpus::new(&settings.temporary)?;
    let mut vocabulary = Vocabulary::new();
    let mut reader = TextReader::new(Path::new("text"), &mut corpus, &mut vocabulary, SpecialWords::Refuse);
    reader.text(text)?;
    reader.finish()?;
    let mut found = EntryMap::default();
    estimate(&mut corpus, &vocabulary, settings, &mut |_| Ok(()), &mut found)?;
    Ok(found)
}
