//! The hash that the toys' numbers come from.

/// SplitMix64's finisher over a sum, so that Python has the same in one line.
pub fn mix(hash: u64, word: u64) -> u64 {
    let mut z =
        hash.wrapping_add(word.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
