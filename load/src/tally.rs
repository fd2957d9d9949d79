//! What was counted and how long it took, over all visitors.
//!
//! Latencies go into histograms of three significant digits, so that a run of any length takes the
//! same memory and its rarest values are still there at the end.

mod series;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

pub use series::{POINTS_MAX, Point, Series};

/// The longest latency that is told apart; longer ones count as this.
pub const LATENCY_MAX: Duration = Duration::from_secs(600);

/// How exact latencies are, in significant digits.
const DIGITS: u8 = 3;

/// How many times without a connection are told one by one: those of the most people.
pub const OUTAGES_MAX: usize = 20;

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
    /// The message is seen by its visitor, while some operators do not read.
    SeenStalled,
    /// The message is seen by its visitor, while everybody reads.
    SeenUnstalled,
    /// The message is seen by the operator who observes its session.
    Observed,
    /// The bot's answer to it is seen.
    Answered,
    /// A take-over is acknowledged.
    TakenOver,
    /// The visitor sees who has taken over.
    TakeoverSeen,
    /// The visitor sees what the operator says: from the moment at which that asked to say it.
    ReplySeen,
    /// A visitor who lost the connection is in their session again, with all its events.
    Resumed,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Arrived,
        Self::Sent,
        Self::Acknowledged,
        Self::Seen,
        Self::SeenStalled,
        Self::SeenUnstalled,
        Self::Observed,
        Self::Answered,
        Self::TakenOver,
        Self::TakeoverSeen,
        Self::ReplySeen,
        Self::Resumed,
    ];

    /// Its name in tables and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arrived => "arrived",
            Self::Sent => "sent",
            Self::Acknowledged => "acknowledged",
            Self::Seen => "seen",
            Self::SeenStalled => "seen_stalled",
            Self::SeenUnstalled => "seen_unstalled",
            Self::Observed => "observed",
            Self::Answered => "answered",
            Self::TakenOver => "taken_over",
            Self::TakeoverSeen => "takeover_seen",
            Self::ReplySeen => "reply_seen",
            Self::Resumed => "resumed",
        }
    }
}

/// Defines [`Counts`] once: its fields, and that all of them add up.
macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What was counted.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counts {
            /// Adds what another process counted.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
            }
        }
    };
}

counts! {
    /// Visitors who set out.
    started,
    /// Visitors who are in their session.
    arrived,
    /// Visitors who could not be reached or were turned away.
    turned_away,
    /// Visitors who were on their way when the run was ended.
    called_back,
    /// Connections that ended though nobody meant it: of visitors, operators and bots.
    lost,
    /// Connections that the scenario broke.
    dropped,
    /// Connections that the engine ended because their operator did not read.
    cut_off,
    /// Times that somebody came back after one of these, with all that had happened meanwhile.
    resumed,
    /// Visitors who came back into another session than theirs.
    renewed,
    /// Times that the log had become another one, or had lost its end.
    rolled_back,
    /// Messages that should have been said.
    intended,
    /// Messages that were sent.
    said,
    /// Messages that were sent again, under their old key: after a lost connection, or when the
    /// engine was too busy.
    said_again,
    /// Messages that were acknowledged.
    acknowledged,
    /// Messages that their visitor saw.
    seen,
    /// Messages that their visitor saw once more.
    seen_again,
    /// What was seen at another offset than the acknowledged one.
    misplaced,
    /// Messages that the operator saw who observes their session.
    observed,
    /// Messages that were refused for good.
    refused,
    /// Events that came though they had come already.
    repeated,
    /// Times that something was missing between two events.
    gaps,
    /// Answers of the bot.
    answers,
    /// Turns that the bot failed.
    bot_failures,
    /// Answers that a bot gave too late, and that the engine has refused, as it should.
    answers_refused,
    /// Messages of the bot while an operator was in control.
    spoken_over,
    /// Take-overs that should have happened.
    takeovers,
    /// Take-overs that were acknowledged.
    taken_over,
    /// Take-overs that their visitor saw.
    takeovers_seen,
    /// Releases that were acknowledged.
    released,
    /// Releases that their visitor saw.
    releases_seen,
    /// What operators said, acknowledged.
    replies,
    /// What operators said, and their visitor saw.
    replies_seen,
    /// Control that changed, and words of operators, that no operator of this run has asked for.
    unexplained,
    /// Windows that operators were given.
    windows,
    /// Changes that their windows had.
    deltas,
    /// Cards that came into windows, or changed in them.
    cards_changed,
    /// Cards that left windows.
    cards_removed,
    /// Changes that were missing between two.
    deltas_missing,
    /// Times that a window did not hold as many cards as it should, or one that is older than it was.
    windows_wrong,
    /// Operators who stop reading now and then.
    stalling,
    /// Times that one of them did.
    stalls,
    /// Those of them who had everything in the end.
    caught_up,
}

/// Counts and latencies of a run, shared by all who take part.
#[derive(Debug)]
pub struct Tally {
    sums: Mutex<Sums>,
    /// The same moment on both clocks.
    clock: (Instant, SystemTime),
}

/// What a tally holds.
#[derive(Debug, Clone)]
pub struct Sums {
    /// What was counted.
    pub counts: Counts,
    /// What went wrong, in words, and how often.
    pub troubles: BTreeMap<String, u64>,
    /// What the engine calls itself.
    pub server: Option<String>,
    /// Times without a connection, the longest and those of the most people.
    pub outages: Vec<Outage>,
    latencies: [Histogram<u64>; Measure::ALL.len()],
    series: Series,
}

/// A time in which visitors had no connection, from the first who lost it to the last who was back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Outage {
    /// When it began: milliseconds since 1970-01-01T00:00:00Z.
    pub began: u64,
    /// How many came back.
    pub people: u64,
    /// How long it took.
    pub seconds: f64,
}

impl Tally {
    /// Nothing yet.
    ///
    pub fn new() -> Self {
        Self { sums: Mutex::new(Sums::default()), clock: (Instant::now(), SystemTime::now()) }
    }

    /// Counts something.
    pub fn count(&self, what: impl FnOnce(&mut Counts)) {
        what(&mut self.sums().counts);
    }

    /// Something that was due then has happened now.
    pub fn took(&self, measure: Measure, due: Instant) {
        self.lasted(measure, due, due.elapsed());
    }

    /// Something that was due then took so long.
    pub fn lasted(&self, measure: Measure, due: Instant, latency: Duration) {
        let second = self.unix(due).as_secs();
        self.sums().record(measure, second, latency);
    }

    /// Visitors were without a connection from then until now.
    pub fn outage(&self, since: Instant, people: u64) {
        let began = u64::try_from(self.unix(since).as_millis()).unwrap_or(u64::MAX);
        let outage = Outage { began, people, seconds: since.elapsed().as_secs_f64() };
        self.sums().outages.push(outage);
        self.sums().keep_outages();
    }

    /// How long after 1970 this moment is.
    pub fn unix(&self, at: Instant) -> Duration {
        let (then, clock) = self.clock;
        let since_1970 = clock.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        (since_1970 + at.saturating_duration_since(then))
            .saturating_sub(then.saturating_duration_since(at))
    }

    /// Something went wrong.
    pub fn trouble(&self, what: impl Into<String>) {
        self.sums().trouble(what.into(), 1);
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
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            counts: Counts::default(),
            troubles: BTreeMap::new(),
            server: None,
            outages: Vec::new(),
            latencies: Measure::ALL.map(|_| histogram()),
            series: Series::default(),
        }
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, micros(LATENCY_MAX), DIGITS)
        .expect("1 µs to 10 min at three digits")
}

/// What a tally holds, as one process tells it to another.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told {
    counts: Counts,
    troubles: BTreeMap<String, u64>,
    server: Option<String>,
    outages: Vec<Outage>,
    /// Of each measure: value in microseconds, and how often.
    latencies: Vec<Vec<(u64, u64)>>,
    series: series::Told,
}

impl From<&Sums> for Told {
    fn from(sums: &Sums) -> Self {
        let values = |histogram: &Histogram<u64>| {
            let recorded = histogram.iter_recorded();
            recorded.map(|at| (at.value_iterated_to(), at.count_at_value())).collect()
        };
        Self {
            counts: sums.counts.clone(),
            troubles: sums.troubles.clone(),
            server: sums.server.clone(),
            outages: sums.outages.clone(),
            latencies: sums.latencies.iter().map(values).collect(),
            series: sums.series.told(),
        }
    }
}

impl Sums {
    /// Adds what another process tells.
    pub fn add(&mut self, told: Told) {
        self.counts.add(&told.counts);
        for (trouble, count) in told.troubles {
            self.trouble(trouble, count);
        }
        self.server = self.server.take().or(told.server);
        self.outages.extend(told.outages);
        self.keep_outages();
        for (histogram, values) in self.latencies.iter_mut().zip(told.latencies) {
            for (value, count) in values {
                histogram.saturating_record_n(value, count);
            }
        }
        self.series.add(told.series);
    }

    /// What was measured over time.
    pub const fn series(&self) -> &Series {
        &self.series
    }

    fn record(&mut self, measure: Measure, second: u64, latency: Duration) {
        let micros = micros(latency.min(LATENCY_MAX));
        self.latencies[measure as usize].saturating_record(micros);
        self.series.record(measure, second, micros);
    }

    fn trouble(&mut self, mut what: String, count: u64) {
        if self.troubles.len() >= TROUBLES_MAX && !self.troubles.contains_key(&what) {
            what = "other trouble".to_owned();
        }
        *self.troubles.entry(what).or_default() += count;
    }

    fn keep_outages(&mut self) {
        self.outages.sort_by(|one, other| {
            other.people.cmp(&one.people).then(other.seconds.total_cmp(&one.seconds))
        });
        self.outages.truncate(OUTAGES_MAX);
    }

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
            tally.lasted(Measure::Seen, Instant::now(), Duration::from_millis(millis));
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

    #[test]
    fn what_several_processes_counted_adds_up_to_what_one_would_have() {
        let (one, other, whole) = (Tally::new(), Tally::new(), Tally::new());
        let now = Instant::now();
        for number in 1..2000u32 {
            let latency = Duration::from_micros(u64::from(number) * 37);
            let of = if number % 3 == 0 { &one } else { &other };
            for tally in [of, &whole] {
                tally.lasted(Measure::Acknowledged, now, latency);
                tally.count(|counts| counts.acknowledged += 1);
                tally.trouble(format!("trouble {}", number % 2));
            }
        }
        let mut sums = Sums::default();
        for tally in [&one, &other] {
            let told = serde_json::to_string(&Told::from(&tally.snapshot())).unwrap();
            sums.add(serde_json::from_str(&told).unwrap());
        }
        let whole = whole.snapshot();
        assert_eq!(sums.counts, whole.counts);
        assert_eq!(sums.troubles, whole.troubles);
        for quantile in [0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0] {
            let of = |sums: &Sums| sums.quantile(Measure::Acknowledged, quantile);
            assert_eq!(of(&sums), of(&whole), "{quantile}");
        }
        assert_eq!(sums.series.points().len(), whole.series.points().len());
    }

    #[test]
    fn the_times_without_a_connection_of_the_most_people_are_kept() {
        let tally = Tally::new();
        for people in 0..100 {
            tally.outage(Instant::now(), people);
        }
        let outages = tally.snapshot().outages;
        assert_eq!(outages.len(), OUTAGES_MAX);
        assert!(outages.iter().all(|outage| outage.people >= 80));
    }
}
