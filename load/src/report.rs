//! The result: a table for people, JSON for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::run::{Mark, Plan};
use crate::scenario::Scenario;
use crate::tally::{Counts, Measure, Sums};

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
    /// The engine's address.
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
    /// The steps of the run.
    pub steps: Vec<Step>,
}

/// Something that must be so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// How many there must be.
    pub expected: u64,
    /// How many there are.
    pub found: u64,
    /// Whether they are the same.
    pub passed: bool,
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
    /// 99 % took no longer.
    pub p99: f64,
    /// 99.9 % took no longer.
    pub p99_9: f64,
    /// The longest.
    pub max: f64,
}

/// A stretch of the run.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// Which one.
    pub name: &'static str,
    /// How long it took.
    pub seconds: f64,
    /// What this program cost.
    pub generator: Option<Cost>,
    /// What the engine cost, if its process is known.
    pub server: Option<Cost>,
}

/// What a process cost over a step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    /// Resident memory at the end, in bytes.
    pub resident: u64,
    /// The most that it ever was.
    pub resident_peak: u64,
    /// By how much resident memory grew, in bytes.
    pub grown: i64,
    /// Processor time, in seconds.
    pub processor_seconds: f64,
    /// Processor time in parts of a hundred of one core.
    pub processor_percent: f64,
}

impl Report {
    pub(crate) fn new(
        plan: &Plan,
        began: SystemTime,
        ended: Ended,
        marks: &[Mark],
        sums: &Sums,
    ) -> Self {
        let counts = sums.counts.clone();
        let checks = checks(&plan.scenario, ended, &counts);
        let began = began.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            began: u64::try_from(began.as_millis()).unwrap_or(u64::MAX),
            to: plan.target.endpoint.to_string(),
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
                .map(|measure| (measure.name(), Latency::of(sums, measure)))
                .collect(),
            troubles: sums.troubles.clone(),
            steps: steps(marks),
        }
    }
}

/// What must be so after a run. One that was stopped is held to what it got to.
fn checks(scenario: &Scenario, ended: Ended, counts: &Counts) -> Vec<Check> {
    let check = |name, found, expected| Check { name, expected, found, passed: found == expected };
    let visitors = match ended {
        Ended::Stopped => counts.started - counts.called_back,
        Ended::Done | Ended::TurnedAway => scenario.visitors.count.into(),
    };
    let mut checks = vec![
        check("every visitor is let in", counts.arrived, visitors),
        check("no connection is lost", counts.lost, 0),
        check("no event is missing", counts.gaps, 0),
        check("no event comes twice", counts.repeated, 0),
    ];
    if scenario.chat.is_some() {
        checks.extend([
            check("every message is sent", counts.said, counts.intended),
            check("every message is acknowledged", counts.acknowledged, counts.intended),
            check("every message is seen by its visitor", counts.seen, counts.intended),
            check("no message is seen twice", counts.seen_again, 0),
            check("messages are where the acknowledgement says", counts.misplaced, 0),
        ]);
    }
    checks
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

/// The stretches between marks: a run that ends early lacks some in the middle.
fn steps(marks: &[Mark]) -> Vec<Step> {
    let names: &[&str] = match marks.len() {
        0..=2 => &["arriving"],
        3 => &["arriving", "staying"],
        _ => &["arriving", "staying", "leaving"],
    };
    let pairs = marks.iter().zip(marks.iter().skip(1));
    names.iter().zip(pairs).map(|(name, (from, to))| Step::between(name, from, to)).collect()
}

impl Step {
    fn between(name: &'static str, from: &Mark, to: &Mark) -> Self {
        let seconds = (to.at - from.at).as_secs_f64();
        let cost = |from: Option<crate::usage::Usage>, to: Option<crate::usage::Usage>| {
            let (from, to) = (from?, to?);
            let processor_seconds = to.processor.saturating_sub(from.processor).as_secs_f64();
            Some(Cost {
                resident: to.resident,
                resident_peak: to.resident_peak,
                grown: to.resident.cast_signed() - from.resident.cast_signed(),
                processor_seconds,
                processor_percent: 100.0 * processor_seconds / seconds.max(1e-3),
            })
        };
        Self {
            name,
            seconds,
            generator: cost(from.own, to.own),
            server: cost(from.server, to.server),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, counts, .. } = self;
        writeln!(f, "{}: {}", scenario.name, scenario.about)?;
        let server = self.server.as_deref().unwrap_or("an engine");
        writeln!(f, "{server} at {}, site {}, seed {}", self.to, self.site, scenario.seed)?;
        match self.ended {
            Ended::Done => {}
            Ended::Stopped => writeln!(f, "stopped before its end")?,
            Ended::TurnedAway => writeln!(f, "ended early: too many visitors were turned away")?,
        }
        let Counts { arrived, turned_away, lost, .. } = counts;
        writeln!(f, "\nvisitors   {arrived} came, {turned_away} turned away, {lost} lost")?;
        if scenario.chat.is_some() {
            let Counts { said, acknowledged, seen, answers, .. } = counts;
            write!(f, "messages   {said} said, {acknowledged} acknowledged, {seen} seen")?;
            writeln!(f, "; {answers} answers of the bot, which failed {}", counts.bot_failures)?;
        }
        self.write_latencies(f)?;
        self.write_steps(f)?;
        writeln!(f)?;
        for Check { name, expected, found, passed } in &self.checks {
            match (passed, expected) {
                (true, 0) => writeln!(f, "ok    {name}")?,
                (true, _) => writeln!(f, "ok    {name}: {found}")?,
                (false, _) => writeln!(f, "FAIL  {name}: {found}, not {expected}")?,
            }
        }
        for (trouble, count) in &self.troubles {
            writeln!(f, "{count:>6} times: {trouble}")?;
        }
        Ok(())
    }
}

impl Report {
    fn write_latencies(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["count", "p50", "p90", "p99", "p99.9", "max"];
        write!(f, "\n{:<13}", "ms")?;
        for name in head {
            write!(f, "{name:>11}")?;
        }
        writeln!(f)?;
        for measure in Measure::ALL {
            let Some(latency) = self.latencies.get(measure.name()) else { continue };
            write!(f, "{:<13}{:>11}", measure.name(), latency.count)?;
            let Latency { p50, p90, p99, p99_9, max, .. } = *latency;
            for value in [p50, p90, p99, p99_9, max] {
                write!(f, "{value:>11.2}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }

    fn write_steps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:<13}{:>11}  {:<32}{:<32}",
            "step", "seconds", "this program", "the engine"
        )?;
        for step in &self.steps {
            write!(f, "{:<13}{:>11.1}", step.name, step.seconds)?;
            for cost in [&step.generator, &step.server].into_iter().flatten() {
                let resident = cost.resident as f64 / f64::from(1 << 20);
                let said = format!("{resident:.1} MiB, {:.1} % of a core", cost.processor_percent);
                write!(f, "  {said:<30}")?;
            }
            writeln!(f)?;
        }
        if let Some(arriving) = self.steps.first() {
            for (who, cost) in
                [("this program", arriving.generator), ("the engine", arriving.server)]
            {
                if let Some(cost) = cost.filter(|_| self.counts.arrived > 0) {
                    let each = cost.grown as f64 / self.counts.arrived as f64 / 1024.0;
                    writeln!(f, "{each:.1} KiB for each visitor in {who}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Changes;

    fn failed(ended: Ended, counts: &Counts) -> Vec<&'static str> {
        let changes = Changes { visitors: Some(10), ..Changes::default() };
        let scenario = Scenario::load("chat", changes).unwrap();
        let checks = checks(&scenario, ended, counts);
        checks.into_iter().filter(|check| !check.passed).map(|check| check.name).collect()
    }

    fn sound() -> Counts {
        Counts {
            started: 10,
            arrived: 10,
            intended: 5,
            said: 5,
            acknowledged: 5,
            seen: 5,
            ..Counts::default()
        }
    }

    #[test]
    fn a_run_in_which_all_is_well_passes() {
        assert_eq!(failed(Ended::Done, &sound()), [""; 0]);
    }

    #[test]
    fn each_fault_fails_the_check_that_is_about_it() {
        type Fault = fn(&mut Counts);
        let faults: [(Fault, &str); 9] = [
            (|counts| counts.arrived = 9, "every visitor is let in"),
            (|counts| counts.lost = 1, "no connection is lost"),
            (|counts| counts.gaps = 1, "no event is missing"),
            (|counts| counts.repeated = 1, "no event comes twice"),
            (|counts| counts.said = 4, "every message is sent"),
            (|counts| counts.acknowledged = 4, "every message is acknowledged"),
            (|counts| counts.seen = 4, "every message is seen by its visitor"),
            (|counts| counts.seen_again = 1, "no message is seen twice"),
            (|counts| counts.misplaced = 1, "messages are where the acknowledgement says"),
        ];
        for (fault, name) in faults {
            let mut counts = sound();
            fault(&mut counts);
            assert_eq!(failed(Ended::Done, &counts), [name]);
        }
    }

    #[test]
    fn a_run_that_was_stopped_is_held_to_what_it_got_to() {
        let stopped = Counts { started: 7, arrived: 4, called_back: 3, ..sound() };
        assert_eq!(failed(Ended::Stopped, &stopped), [""; 0]);
        let shut_out = Counts { started: 7, arrived: 4, called_back: 2, turned_away: 1, ..sound() };
        assert_eq!(failed(Ended::Stopped, &shut_out), ["every visitor is let in"]);
        assert_eq!(failed(Ended::TurnedAway, &stopped), ["every visitor is let in"]);
    }
}
