//! What was counted and how long it took, over all visitors.
//!
//! Latencies go into histograms of three significant digits, so that a run of any length takes the
//! same memory and its rarest values are still there at the end.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest latency that is told apart; longer ones count as this.
pub const LATENCY_MAX: Duration = Duration::from_secs(600);

/// How exact latencies are, in significant digits.
const DIGITS: u8 = 3;

/// How many kinds of trouble are told apart; further ones are counted together.
pub const TROUBLES_MAX: usize = 20;

/// Something that takes time, always from the moment at which it should have begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// A visitor comes, and is in their session with all its events.
    Arrived,
    /// A message is handed to the socket: what this program itself adds to those below.
    Sent,
    /// A message is acknowledged.
    Acknowledged,
    /// The message is seen by its own visitor.
    Seen,
    /// The bot's answer to it is seen.
    Answered,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Arrived, Self::Sent, Self::Acknowledged, Self::Seen, Self::Answered];

    /// Its name in tables and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arrived => "arrived",
            Self::Sent => "sent",
            Self::Acknowledged => "acknowledged",
            Self::Seen => "seen",
            Self::Answered => "answered",
        }
    }
}

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Visitors who set out.
    pub started: u64,
    /// Visitors who are in their session.
    pub arrived: u64,
    /// Visitors who could not be reached or were turned away.
    pub turned_away: u64,
    /// Visitors who were on their way when the run was ended.
    pub called_back: u64,
    /// Visitors whose connection ended before they left.
    pub lost: u64,
    /// Messages that should have been said.
    pub intended: u64,
    /// Messages that were sent.
    pub said: u64,
    /// Messages that were acknowledged.
    pub acknowledged: u64,
    /// Messages that their visitor saw.
    pub seen: u64,
    /// Messages that their visitor saw once more.
    pub seen_again: u64,
    /// Messages that were seen at another offset than the acknowledged one.
    pub misplaced: u64,
    /// Messages that were refused.
    pub refused: u64,
    /// Events that came though they had come already.
    pub repeated: u64,
    /// Times that something was missing between two events.
    pub gaps: u64,
    /// Answers of the bot.
    pub answers: u64,
    /// Turns that the bot failed.
    pub bot_failures: u64,
}

/// Counts and latencies of a run, shared by all who take part.
#[derive(Debug)]
pub struct Tally(Mutex<Sums>);

/// What a tally holds.
#[derive(Debug, Clone)]
pub struct Sums {
    /// What was counted.
    pub counts: Counts,
    /// What went wrong, in words, and how often.
    pub troubles: BTreeMap<String, u64>,
    /// What the engine calls itself.
    pub server: Option<String>,
    latencies: [Histogram<u64>; Measure::ALL.len()],
}

impl Tally {
    /// Nothing yet.
    ///
    /// # Panics
    /// Never: the bounds of its histograms are sound.
    pub fn new() -> Self {
        let most = micros(LATENCY_MAX);
        let histogram =
            || Histogram::new_with_bounds(1, most, DIGITS).expect("1 µs to 10 min at three digits");
        Self(Mutex::new(Sums {
            counts: Counts::default(),
            troubles: BTreeMap::new(),
            server: None,
            latencies: Measure::ALL.map(|_| histogram()),
        }))
    }

    /// Counts something.
    pub fn count(&self, what: impl FnOnce(&mut Counts)) {
        what(&mut self.sums().counts);
    }

    /// Something took so long.
    pub fn took(&self, measure: Measure, latency: Duration) {
        self.sums().latencies[measure as usize].saturating_record(micros(latency.min(LATENCY_MAX)));
    }

    /// Something went wrong.
    pub fn trouble(&self, what: impl Into<String>) {
        let mut sums = self.sums();
        let mut what = what.into();
        if sums.troubles.len() >= TROUBLES_MAX && !sums.troubles.contains_key(&what) {
            what = "other trouble".to_owned();
        }
        *sums.troubles.entry(what).or_default() += 1;
    }

    /// The engine has said what it is.
    pub fn met(&self, server: String) {
        self.sums().server.get_or_insert(server);
    }

    /// Everything so far.
    pub fn snapshot(&self) -> Sums {
        self.sums().clone()
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.sums().counts.clone()
    }

    /// The latency that this part of all (0 to 1) did not exceed so far.
    pub fn quantile(&self, measure: Measure, quantile: f64) -> Duration {
        self.sums().quantile(measure, quantile)
    }

    fn sums(&self) -> MutexGuard<'_, Sums> {
        // Nothing that holds this lock leaves it half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

impl Sums {
    /// The latency that this part of all (0 to 1) did not exceed.
    pub fn quantile(&self, measure: Measure, quantile: f64) -> Duration {
        Duration::from_micros(self.latencies[measure as usize].value_at_quantile(quantile))
    }

    /// How many were measured.
    pub fn measured(&self, measure: Measure) -> u64 {
        self.latencies[measure as usize].len()
    }

    /// The shortest, the mean and the longest.
    pub fn range(&self, measure: Measure) -> [Duration; 3] {
        let histogram = &self.latencies[measure as usize];
        let mean = Duration::from_secs_f64(histogram.mean() / 1e6);
        [Duration::from_micros(histogram.min()), mean, Duration::from_micros(histogram.max())]
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_kept_to_three_digits_and_to_the_bound() {
        let tally = Tally::new();
        for millis in [1, 2, 1_000_000] {
            tally.took(Measure::Seen, Duration::from_millis(millis));
        }
        let sums = tally.snapshot();
        let near = |found: Duration, expected: Duration| {
            let off = found.abs_diff(expected).as_secs_f64() / expected.as_secs_f64();
            assert!(off < 0.002, "{found:?} {expected:?}");
        };
        near(sums.quantile(Measure::Seen, 0.5), Duration::from_millis(2));
        near(sums.range(Measure::Seen)[2], LATENCY_MAX);
        assert_eq!((sums.measured(Measure::Seen), sums.measured(Measure::Sent)), (3, 0));
    }

    #[test]
    fn trouble_of_a_thousand_kinds_takes_little_room() {
        let tally = Tally::new();
        for kind in 0..1000 {
            tally.trouble(format!("trouble {kind}"));
        }
        let troubles = tally.snapshot().troubles;
        assert_eq!(troubles.len(), TROUBLES_MAX + 1);
        assert_eq!(troubles.values().sum::<u64>(), 1000);
    }
}
