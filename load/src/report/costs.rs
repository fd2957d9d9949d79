//! What a run cost: by its steps, and over time.

use serde::Serialize;

use crate::probe::Mark;
use crate::run::Plan;
use crate::usage::Usage;

/// A stretch of the run.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// Which one.
    pub name: &'static str,
    /// How long it took.
    pub seconds: f64,
    /// What this program cost.
    pub generator: Option<Cost>,
    /// What the engine cost, if its process is known: all nodes together.
    pub server: Option<Cost>,
    /// What each process cost that was named.
    pub processes: Vec<ProcessCost>,
}

/// What a process cost over a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProcessCost {
    /// How it was called.
    pub name: String,
    /// `None` if it was not there.
    pub cost: Option<Cost>,
}

/// What a process cost over a step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    /// Resident memory at the end, in bytes.
    pub resident: u64,
    /// The most that it ever was; read from `/metrics`, the most that was seen.
    pub resident_peak: u64,
    /// By how much resident memory grew, in bytes.
    pub grown: i64,
    /// Processor time, in seconds.
    pub processor_seconds: f64,
    /// Processor time in parts of a hundred of one core.
    pub processor_percent: f64,
}

/// What all cost at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostPoint {
    /// When: milliseconds since 1970-01-01T00:00:00Z.
    pub at: u64,
    /// By name, with `vigie-load` for this program: resident memory in bytes, and processor time in
    /// parts of a hundred of one core since the point before.
    pub of: Vec<(String, u64, f64)>,
}

/// How this program is called among the others.
const OWN: &str = "vigie-load";

/// The stretches between marks: a run that ends early lacks some in the middle.
pub(super) fn steps(plan: &Plan, marks: &[Mark]) -> Vec<Step> {
    let names: &[&str] = match marks.len() {
        0..=2 => &["arriving"],
        3 => &["arriving", "staying"],
        _ => &["arriving", "staying", "leaving"],
    };
    let pairs = marks.iter().zip(marks.iter().skip(1));
    names.iter().zip(pairs).map(|(name, (from, to))| Step::between(plan, name, from, to)).collect()
}

/// What all cost over time.
pub(super) fn points(plan: &Plan, marks: &[Mark]) -> Vec<CostPoint> {
    let pairs = marks.iter().zip(marks.iter().skip(1));
    pairs
        .map(|(from, to)| {
            let seconds = (to.at - from.at).as_secs_f64();
            let names = plan.processes.iter().map(|process| process.name.as_str());
            let all = from.processes.iter().zip(&to.processes).map(|(from, to)| (*from, *to));
            let all = names.zip(all).chain([(OWN, (from.own, to.own))]);
            let of = all.filter_map(|(name, (from, to))| {
                let cost = Cost::between(from, to, seconds)?;
                Some((name.to_owned(), cost.resident, cost.processor_percent))
            });
            CostPoint { at: to.unix, of: of.collect() }
        })
        .collect()
}

impl Step {
    fn between(plan: &Plan, name: &'static str, from: &Mark, to: &Mark) -> Self {
        let seconds = (to.at - from.at).as_secs_f64();
        let pairs = from.processes.iter().zip(&to.processes);
        let costs: Vec<_> = pairs.map(|(&from, &to)| Cost::between(from, to, seconds)).collect();
        let of_engines = plan.processes.iter().zip(&costs).filter(|(process, _)| process.engine);
        let engines: Option<Vec<_>> = of_engines.map(|(_, cost)| *cost).collect();
        let names = plan.processes.iter().map(|process| process.name.clone());
        Self {
            name,
            seconds,
            generator: Cost::between(from.own, to.own, seconds),
            server: engines.and_then(|engines| engines.into_iter().reduce(Cost::and)),
            processes: names.zip(costs).map(|(name, cost)| ProcessCost { name, cost }).collect(),
        }
    }
}

impl Cost {
    fn between(from: Option<Usage>, to: Option<Usage>, seconds: f64) -> Option<Self> {
        let (from, to) = (from?, to?);
        let processor_seconds = to.processor.saturating_sub(from.processor).as_secs_f64();
        Some(Self {
            resident: to.resident,
            resident_peak: to.resident_peak,
            grown: to.resident.cast_signed() - from.resident.cast_signed(),
            processor_seconds,
            processor_percent: 100.0 * processor_seconds / seconds.max(1e-3),
        })
    }

    fn and(self, other: Self) -> Self {
        Self {
            resident: self.resident + other.resident,
            resident_peak: self.resident_peak + other.resident_peak,
            grown: self.grown + other.grown,
            processor_seconds: self.processor_seconds + other.processor_seconds,
            processor_percent: self.processor_percent + other.processor_percent,
        }
    }
}
