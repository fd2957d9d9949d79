//! The result: a table for people, JSON for programs.

mod checks;
mod costs;
mod plot;
mod text;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use checks::Check;
pub use costs::{Cost, CostPoint, ProcessCost, Step};

use crate::run::{Outcome, Plan};
use crate::scenario::Scenario;
use crate::tally::{Counts, Measure, Outage, Point, Sums};

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The scenario was carried out.
    Done,
    /// Somebody stopped it before.
    Stopped,
    /// So many visitors were turned away that the others did not come.
    TurnedAway,
}

/// The result of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The version of this program.
    pub version: &'static str,
    /// When the run began: milliseconds since 1970-01-01T00:00:00Z.
    pub began: u64,
    /// The engine's address, or those of the nodes.
    pub to: String,
    /// The public key of the site.
    pub site: String,
    /// What the engine calls itself.
    pub server: Option<String>,
    /// What was carried out.
    pub scenario: Scenario,
    /// How the run came to its end.
    pub ended: Ended,
    /// Whether every check was passed.
    pub passed: bool,
    /// What must be so.
    pub checks: Vec<Check>,
    /// What was counted.
    pub counts: Counts,
    /// Latencies by what was measured, from the moment at which it should have begun.
    pub latencies: BTreeMap<&'static str, Latency>,
    /// What went wrong, in words, and how often.
    pub troubles: BTreeMap<String, u64>,
    /// Times in which visitors had no connection, until all were back: those of the most people.
    pub outages: Vec<Outage>,
    /// The steps of the run.
    pub steps: Vec<Step>,
    /// Latencies over time.
    pub series: Vec<Point>,
    /// Memory and processor time over time.
    pub costs: Vec<CostPoint>,
}

/// How long something took, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Latency {
    /// How many were measured.
    pub count: u64,
    /// The shortest.
    pub min: f64,
    /// On average.
    pub mean: f64,
    /// Half of all took no longer.
    pub p50: f64,
    /// 90 % took no longer.
    pub p90: f64,
    /// 95 % took no longer.
    pub p95: f64,
    /// 99 % took no longer.
    pub p99: f64,
    /// 99.9 % took no longer.
    pub p99_9: f64,
    /// The longest.
    pub max: f64,
}

impl Report {
    pub(crate) fn new(plan: &Plan, outcome: Outcome) -> Self {
        let Outcome { ended, sums, marks, samples } = outcome;
        let counts = sums.counts.clone();
        let checks = checks::checks(&plan.scenario, ended, &counts);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            began: marks.first().map_or(0, |mark| mark.unix),
            to: plan
                .target
                .endpoints
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
            site: plan.target.site.clone(),
            server: sums.server.clone(),
            scenario: plan.scenario.clone(),
            ended,
            passed: checks.iter().all(|check| check.passed),
            checks,
            counts,
            latencies: Measure::ALL
                .into_iter()
                .filter(|measure| sums.measured(*measure) > 0)
                .map(|measure| (measure.name(), Latency::of(&sums, measure)))
                .collect(),
            outages: sums.outages.clone(),
            steps: costs::steps(plan, &marks),
            series: sums.series().points(),
            costs: costs::points(plan, &samples),
            troubles: sums.troubles,
        }
    }
}

impl Latency {
    fn of(sums: &Sums, measure: Measure) -> Self {
        let [min, mean, max] = sums.range(measure).map(millis);
        let at = |quantile| millis(sums.quantile(measure, quantile));
        Self {
            count: sums.measured(measure),
            min,
            mean,
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p99_9: at(0.999),
            max,
        }
    }
}

fn millis(duration: Duration) -> f64 {
    // Whole microseconds, without the dust of a division.
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
