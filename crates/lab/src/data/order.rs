//! Shuffling without a generator: each thing gets a random number by hashing, and the numbers are sorted.
//!
//! So the order of an epoch depends on the seed and the epoch alone, whatever was drawn before.

use crate::chance::Chance;

/// The numbers `0..count` in the order of an epoch.
pub(super) fn shuffled(count: usize, chance: Chance) -> Vec<u32> {
    let count = u32::try_from(count).expect("more examples than this do not fit the memory of their ids");
    let mut order: Vec<(u32, u32)> = (0..count).map(|index| (chance.bits(index), index)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, index)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_permutation_that_the_epoch_changes() {
        let first = shuffled(100, Chance::new(1).at(0));
        assert_eq!(first, shuffled(100, Chance::new(1).at(0)));
        assert_ne!(first, shuffled(100, Chance::new(1).at(1)));
        let mut sorted = first;
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..100));
    }
}
