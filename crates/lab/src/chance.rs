//! Random numbers by counting: the same place always gets the same number.
//!
//! No generator runs along with the training: a number is a hash of where it is used (seed, step, site, index), so a run
//! that is interrupted and resumed sees the same masks as one that never stopped. The mixing steps are those of
//! splitmix64 (Steele, Lea & Flood, 2014) and of Wellons' search for good 32-bit hashes (2018), which the compiler can vectorise.

/// The stream of random numbers of one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chance {
    key: u64,
}

impl Chance {
    /// The stream of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { key: mix(seed ^ 0x5061_706f) }
    }

    /// The stream of a place within this one.
    pub(crate) fn at(self, place: u64) -> Self {
        Self { key: mix(self.key ^ mix(place)) }
    }

    /// The stream of a named place within this one.
    pub(crate) fn named(self, name: &str) -> Self {
        name.bytes().fold(self, |chance, byte| chance.at(u64::from(byte)))
    }

    /// 32 random bits of an index.
    #[inline(always)]
    pub(crate) fn bits(self, index: u32) -> u32 {
        let mut x = index.wrapping_mul(0x9e37_79b9) ^ self.key as u32;
        x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
        x = (x ^ (x >> 15) ^ (self.key >> 32) as u32).wrapping_mul(0x846c_a68b);
        x ^ (x >> 16)
    }

    /// A number in 0 … 1, 1 excluded.
    pub(crate) fn uniform(self, index: u32) -> f32 {
        (self.bits(index) >> 8) as f32 / (1 << 24) as f32
    }

    /// A normally distributed number, by Box and Muller (1958).
    pub(crate) fn normal(self, index: u32) -> f32 {
        let radius = (-2.0 * (1.0 - f64::from(self.at(1).uniform(index))).ln()).sqrt();
        (radius * (std::f64::consts::TAU * f64::from(self.at(2).uniform(index))).cos()) as f32
    }
}

fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_numbers_fill_the_interval_evenly() {
        let chance = Chance::new(7).at(3);
        let mut tenths = [0; 10];
        for index in 0..10_000 {
            tenths[(chance.uniform(index) * 10.0) as usize] += 1;
        }
        assert!(tenths.iter().all(|count| (900..1100).contains(count)), "{tenths:?}");
    }

    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let chance = Chance::new(8).named("weights");
        let numbers: Vec<f32> = (0..10_000).map(|index| chance.normal(index)).collect();
        let mean = numbers.iter().sum::<f32>() / 1e4;
        let variance = numbers.iter().map(|x| x * x).sum::<f32>() / 1e4;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }

    #[test]
    fn places_and_neighbours_differ() {
        let chance = Chance::new(1);
        assert_ne!(chance.at(1).bits(0), chance.at(2).bits(0));
        assert_ne!(chance.bits(0), chance.bits(1));
        assert_ne!(Chance::new(1).bits(0), Chance::new(2).bits(0));
        assert_eq!(chance.at(1).bits(5), Chance::new(1).at(1).bits(5));
    }
}
