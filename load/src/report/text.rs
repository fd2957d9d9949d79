//! The result for people.

use std::fmt;

use super::{Check, Ended, Latency, Report};
use crate::tally::{Counts, Measure};

/// How many storms are told one by one.
const OUTAGES_SHOWN: usize = 5;

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
        let Counts { arrived, turned_away, lost, dropped, resumed, .. } = counts;
        write!(f, "\nvisitors   {arrived} came, {turned_away} turned away, {lost} lost")?;
        if dropped + resumed > 0 {
            write!(f, "; {dropped} connections broken by the scenario, {resumed} times back")?;
        }
        writeln!(f)?;
        if scenario.chat.is_some() {
            let Counts { said, acknowledged, seen, answers, .. } = counts;
            write!(f, "messages   {said} said, {acknowledged} acknowledged, {seen} seen")?;
            writeln!(f, "; {answers} answers of the bot, which failed {}", counts.bot_failures)?;
        }
        self.write_operators(f)?;
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
    fn write_operators(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, counts, .. } = self;
        if scenario.takeovers.is_some() {
            let Counts { taken_over, released, replies, spoken_over, .. } = counts;
            write!(f, "take-overs {taken_over}, {released} given back, {replies} replies; ")?;
            writeln!(f, "the bot spoke {spoken_over} times meanwhile")?;
        }
        if counts.windows > 0 {
            let Counts { windows, deltas, cards_changed, cards_removed, .. } = counts;
            write!(f, "windows    {windows} shown, {deltas} changes: ")?;
            writeln!(f, "{cards_changed} cards came or changed, {cards_removed} left")?;
        }
        if counts.stalls > 0 {
            let Counts { stalling, stalls, cut_off, .. } = counts;
            writeln!(f, "stalls     {stalling} operators {stalls} times, {cut_off} times cut off")?;
        }
        for outage in self.outages.iter().filter(|outage| outage.people > 1).take(OUTAGES_SHOWN) {
            let after = (outage.began.saturating_sub(self.began)) as f64 / 1e3;
            let (people, seconds) = (outage.people, outage.seconds);
            writeln!(
                f,
                "storm      after {after:.1} s: {people} visitors, all back in {seconds:.3} s"
            )?;
        }
        Ok(())
    }

    fn write_latencies(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["count", "p50", "p90", "p99", "p99.9", "max"];
        write!(f, "\n{:<15}", "ms")?;
        for name in head {
            write!(f, "{name:>11}")?;
        }
        writeln!(f)?;
        for measure in Measure::ALL {
            let Some(latency) = self.latencies.get(measure.name()) else { continue };
            write!(f, "{:<15}{:>11}", measure.name(), latency.count)?;
            let Latency { p50, p90, p99, p99_9, max, .. } = *latency;
            for value in [p50, p90, p99, p99_9, max] {
                write!(f, "{value:>11.2}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }

    fn write_steps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{:<15}{:>11}", "step", "seconds")?;
        for step in &self.steps {
            writeln!(f, "{:<15}{:>11.1}", step.name, step.seconds)?;
            let own = ("this program", step.generator);
            let others = step.processes.iter().map(|process| (&*process.name, process.cost));
            for (who, cost) in std::iter::once(own).chain(others) {
                let Some(cost) = cost else { continue };
                let resident = cost.resident as f64 / f64::from(1 << 20);
                let percent = cost.processor_percent;
                writeln!(f, "  {who:<14}{resident:>8.1} MiB {percent:>6.1} % of a core")?;
            }
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
