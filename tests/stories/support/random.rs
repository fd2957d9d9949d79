//! Chance that can be had again.

use std::ops::Range;
use std::time::Duration;

/// splitmix64: enough to choose moments, and to choose them again.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// From `VIGIE_SEED`, or from the clock; the seed is printed.
    pub fn seeded() -> Self {
        let seed = std::env::var("VIGIE_SEED").map_or_else(
            |_| std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos().into(),
            |seed| seed.parse().expect("VIGIE_SEED is a number"),
        );
        println!("VIGIE_SEED={seed}");
        Self(seed)
    }

    /// From a seed.
    pub const fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// A further one that goes its own way.
    pub fn another(&mut self) -> Self {
        Self(self.next())
    }

    pub fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    /// So many milliseconds.
    pub fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.within(range))
    }

    /// One of several.
    pub fn of<'a, T>(&mut self, several: &'a [T]) -> &'a T {
        &several[self.within(0..several.len() as u64) as usize]
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
