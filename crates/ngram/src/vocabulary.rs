//! Words and their ids: all words in one string, and a hash table that holds ids only.
//!
//! A vocabulary counts against the memory a user allows, so a word costs its letters and about 16 bytes, not a `String`
//! and an entry of a map each.

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;
use std::sync::Arc;

/// Id of `<unk>`, which stands for every word that is not in the vocabulary.
pub const UNKNOWN: u32 = 0;
/// Id of `<s>`, the context that every sentence starts with.
pub const START: u32 = 1;
/// Id of `</s>`, the end of every sentence.
pub const END: u32 = 2;

/// Words by id and ids by word; the first three are always `<unk>`, `<s>` and `</s>`.
#[derive(Clone)]
pub struct Vocabulary {
    spellings: Spellings,
    /// Ids, found by the hash of their word.
    ids: HashTable<u32>,
}

/// Words by id; cloning shares them.
#[derive(Clone, Default)]
pub struct Spellings {
    /// All words, one after the other.
    text: Arc<String>,
    /// Where each word ends in `text`.
    ends: Arc<Vec<u64>>,
}

impl Spellings {
    /// The word with an id, if there is one.
    pub fn word(&self, id: u32) -> Option<&str> {
        ((id as usize) < self.ends.len()).then(|| word_at(&self.text, &self.ends, id))
    }
}

impl Default for Vocabulary {
    fn default() -> Self {
        Self::new()
    }
}

impl Vocabulary {
    /// The vocabulary of `<unk>`, `<s>` and `</s>`.
    pub fn new() -> Self {
        let mut vocabulary = Self { spellings: Spellings::default(), ids: HashTable::new() };
        for word in ["<unk>", "<s>", "</s>"] {
            vocabulary.add(word);
        }
        vocabulary
    }

    /// The id of a word, which gets the next free one if it is new.
    ///
    /// # Panics
    /// After 2³² words.
    pub fn add(&mut self, word: &str) -> u32 {
        let hash = FxBuildHasher.hash_one(word);
        let Spellings { text, ends } = &mut self.spellings;
        if let Some(&id) = self.ids.find(hash, |&id| word_at(text, ends, id) == word) {
            return id;
        }
        let id = u32::try_from(ends.len()).expect("fewer than 2^32 words");
        // Copies only what somebody shares, and nobody does while words are being added.
        Arc::make_mut(text).push_str(word);
        Arc::make_mut(ends).push(text.len() as u64);
        self.ids.insert_unique(hash, id, |&id| FxBuildHasher.hash_one(word_at(text, ends, id)));
        id
    }

    /// The id of a word, if it has one.
    pub fn id(&self, word: &str) -> Option<u32> {
        let hash = FxBuildHasher.hash_one(word);
        let Spellings { text, ends } = &self.spellings;
        self.ids.find(hash, |&id| word_at(text, ends, id) == word).copied()
    }

    /// The word with an id, if there is one.
    pub fn word(&self, id: u32) -> Option<&str> {
        self.spellings.word(id)
    }

    /// The words alone, without the way from a word to its id.
    pub fn spellings(&self) -> Spellings {
        self.spellings.clone()
    }

    /// Number of words, the three special ones included.
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.spellings.ends.len()
    }

    /// The words by ascending id.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let Spellings { text, ends } = &self.spellings;
        (0..ends.len()).map(|id| word_at(text, ends, id as u32))
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        self.spellings.text.capacity() + 8 * self.spellings.ends.capacity() + self.ids.allocation_size()
    }
}

fn word_at<'a>(text: &'a str, ends: &[u64], id: u32) -> &'a str {
    let id = id as usize;
    let start = if id == 0 { 0 } else { ends[id - 1] as usize };
    &text[start..ends[id] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_the_id_they_got_first() {
        let mut vocabulary = Vocabulary::new();
        assert_eq!(
            (vocabulary.id("<unk>"), vocabulary.id("<s>"), vocabulary.id("</s>")),
            (Some(UNKNOWN), Some(START), Some(END))
        );
        let ids: Vec<u32> =
            ["céu", "é", "céu", "", "azul", ""].iter().map(|word| vocabulary.add(word)).collect();
        assert_eq!(ids, [3, 4, 3, 5, 6, 5]);
        assert_eq!(vocabulary.len(), 7);
        assert_eq!(vocabulary.word(6), Some("azul"));
        assert_eq!(vocabulary.word(7), None);
        assert_eq!(vocabulary.id("mar"), None);
        assert_eq!(vocabulary.words().collect::<Vec<_>>(), ["<unk>", "<s>", "</s>", "céu", "é", "", "azul"]);
    }

    #[test]
    fn thousands_of_words_are_all_found_again() {
        let mut vocabulary = Vocabulary::new();
        for number in 0..20_000 {
            assert_eq!(vocabulary.add(&number.to_string()), number + 3);
        }
        for number in 0..20_000 {
            assert_eq!(vocabulary.id(&number.to_string()), Some(number + 3));
        }
        assert!(vocabulary.bytes() < 20_000 * 40);
    }
}
