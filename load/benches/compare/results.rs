//! What was measured, over all rounds: values by what they say and of whom, and who is missing why.

use std::collections::BTreeMap;

use crate::scenario::Figure;

/// Something that is measured of each peer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Bytes.
    ResidentPerIdle,
    /// Each second.
    Connections,
    /// Microseconds of the peer's processor time.
    ProcessorPerConnection,
    /// Microseconds of the peer's processor time, with so many watchers.
    ProcessorPerDelivery(u32),
    /// Milliseconds at so many messages each second.
    RoundTrip(u32, Percentile),
    /// Messages each second, with so many under way or in a batch.
    Durable(u32),
    /// Of the engine alone.
    Scenario(Figure),
}

/// Of all that took so long, how many took no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Percentile {
    P50,
    P99,
    P999,
}

impl Percentile {
    pub const ALL: [Self; 3] = [Self::P50, Self::P99, Self::P999];

    pub fn of_hundred(self) -> f64 {
        match self {
            Self::P50 => 50.0,
            Self::P99 => 99.0,
            Self::P999 => 99.9,
        }
    }
}

impl Measure {
    pub fn name(&self) -> String {
        match self {
            Self::ResidentPerIdle => "RSS per idle connection".to_owned(),
            Self::Connections => "connections per second".to_owned(),
            Self::ProcessorPerConnection => "CPU per connection".to_owned(),
            Self::ProcessorPerDelivery(1) => "CPU per delivery, 1 watcher".to_owned(),
            Self::ProcessorPerDelivery(watchers) => {
                format!("CPU per delivery, {watchers} watchers")
            }
            Self::RoundTrip(rate, percentile) => {
                format!("round trip at {rate} messages/s, p{}", percentile.of_hundred())
            }
            Self::Durable(count) => format!("durable messages per second, {count} at a time"),
            Self::Scenario(figure) => figure.name(),
        }
    }

    pub fn unit(&self) -> &'static str {
        match self {
            Self::ResidentPerIdle => "bytes",
            Self::Connections | Self::Durable(_) => "1/s",
            Self::ProcessorPerConnection | Self::ProcessorPerDelivery(_) => "µs",
            Self::RoundTrip(..) => "ms",
            Self::Scenario(figure) => figure.unit(),
        }
    }
}

/// All of it.
#[derive(Debug, Default)]
pub struct Results {
    values: BTreeMap<Measure, BTreeMap<String, Vec<f64>>>,
    /// Who could not be started, and why.
    pub missing: BTreeMap<String, String>,
    /// What went wrong with those who could: nothing may.
    pub faults: Vec<String>,
}

impl Results {
    /// Keeps a value of one round.
    pub fn keep(&mut self, measure: Measure, who: &str, value: f64) {
        self.values.entry(measure).or_default().entry(who.to_owned()).or_default().push(value);
    }

    /// The median of all rounds; `None` if it was not measured.
    pub fn of(&self, measure: &Measure, who: &str) -> Option<f64> {
        median(self.values.get(measure)?.get(who)?)
    }

    /// The most that is durable, whatever is under way.
    pub fn best_durable(&self, who: &str) -> Option<f64> {
        let durable = |measure: &&Measure| matches!(measure, Measure::Durable(_));
        let rates = self.measures().filter(durable).filter_map(|each| self.of(each, who));
        rates.max_by(f64::total_cmp)
    }

    /// What was measured at all, of anybody.
    pub fn measures(&self) -> impl Iterator<Item = &Measure> {
        self.values.keys()
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 { *upper } else { (sorted[middle - 1] + upper) / 2.0 })
}
