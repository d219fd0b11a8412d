//! Lists of any lengths in two flat arrays: all items one behind the other, and where each list ends.
//!
//! ```text
//! items   h e l l o h i b y e
//! ends             5   7     10
//! ```

/// Lists, one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lists<T> {
    pub items: Vec<T>,
    pub ends: Vec<u32>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self { items: Vec::new(), ends: Vec::new() }
    }
}

impl<T> Lists<T> {
    /// Lists of these lengths; whether they fit the items, [`is_sound`](Self::is_sound) tells.
    pub fn new(items: Vec<T>, lengths: &[u32]) -> Self {
        let mut end = 0_u32;
        let ends = lengths.iter().map(|length| {
            end = end.saturating_add(*length);
            end
        });
        Self { ends: ends.collect(), items }
    }

    /// How long each list is.
    pub fn lengths(&self) -> Vec<u32> {
        let begins = [0].iter().chain(&self.ends);
        self.ends.iter().zip(begins).map(|(end, begin)| end - begin).collect()
    }

    /// Adds a list. More than `u32::MAX` items in all are refused when the index is finished, not here.
    pub fn push(&mut self, list: impl IntoIterator<Item = T>) {
        self.items.extend(list);
        self.ends.push(u32::try_from(self.items.len()).unwrap_or(u32::MAX));
    }

    /// The number of lists.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// A list.
    pub fn get(&self, number: usize) -> &[T] {
        let begin = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.items[begin as usize..self.ends[number] as usize]
    }

    /// All lists.
    pub fn iter(&self) -> impl Iterator<Item = &[T]> {
        (0..self.len()).map(|number| self.get(number))
    }

    /// Whether the ends fit the items, which everything else relies on.
    pub fn is_sound(&self) -> bool {
        self.ends.is_sorted() && self.ends.last().copied().unwrap_or(0) as usize == self.items.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back_as_they_were_put_in() {
        let mut lists = Lists::default();
        [&b"hello"[..], b"", b"bye"].iter().for_each(|list| lists.push(list.iter().copied()));
        assert_eq!(lists.iter().collect::<Vec<_>>(), [&b"hello"[..], b"", b"bye"]);
        assert_eq!(lists.lengths(), [5, 0, 3]);
        assert!(lists.is_sound() && Lists::new(lists.items.clone(), &lists.lengths()) == lists);
        for lengths in [&[5, 0, 2][..], &[5, 0, 4], &[u32::MAX, u32::MAX], &[]] {
            assert!(!Lists::new(lists.items.clone(), lengths).is_sound(), "{lengths:?}");
        }
    }
}
