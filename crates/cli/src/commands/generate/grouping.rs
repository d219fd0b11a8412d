//! Which lines are answered together.
//!
//! A batch answers each of its rows as if it were alone, so greedy and beam search may be grouped at will. What depends
//! on more than the row itself, a stream of random numbers or the clock, is answered line by line: an answer never
//! depends on the grouping.

/// What makes two lines fit for one batch: equal keys. `None` is answered alone.
pub type Key = Option<String>;

/// The positions of `keys` in groups, each group in order, groups in the order of their first member.
pub fn groups<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Vec<Vec<usize>> {
    let mut groups: Vec<(&Key, Vec<usize>)> = Vec::new();
    for (position, key) in keys.into_iter().enumerate() {
        match groups.iter_mut().find(|(known, _)| known.is_some() && *known == key) {
            Some((_, members)) => members.push(position),
            None => groups.push((key, vec![position])),
        }
    }
    groups.into_iter().map(|(_, members)| members).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_meet_and_the_others_stay_alone() {
        let keys = [Some("a"), None, Some("b"), Some("a"), None].map(|key| key.map(String::from));
        assert_eq!(groups(&keys), [vec![0, 3], vec![1], vec![2], vec![4]]);
    }
}
