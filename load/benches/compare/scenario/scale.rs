//! How great the scenarios are: as the aims have them, or all of it smaller in the same proportion.

/// The fewest people that a scenario makes sense with.
const PEOPLE_MIN: u32 = 40;

/// The shortest that all are there, in seconds, and how many times as long as other measurements it
/// is: what happens a few times each second needs longer to have a 99th percentile.
const SECONDS_MIN: f64 = 4.0;
const LONGER: f64 = 4.0;

/// How great, and how long.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// How many visitors there are at most.
    pub people: u32,
    /// For how long all are there.
    pub seconds: u32,
}

impl Scale {
    pub fn new(people: u32, seconds: f64) -> Self {
        let seconds = (LONGER * seconds).max(SECONDS_MIN).ceil() as u32;
        Self { people: people.max(PEOPLE_MIN), seconds }
    }

    /// So many where there are ten thousand people, fewer where there are fewer, and at least one.
    pub fn of_ten_thousand(self, many: u32) -> u32 {
        (f64::from(many) * f64::from(self.people) / 1e4).round().max(1.0) as u32
    }

    /// How many come each second: all within ten seconds.
    pub fn arrivals(self) -> f64 {
        (f64::from(self.people) / 10.0).max(20.0)
    }
}
