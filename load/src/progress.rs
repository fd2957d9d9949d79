//! Bars on a terminal, and a line for each step where there is none.

use std::convert::Infallible;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, interval};

use crate::scenario::Scenario;
use crate::stage::{Stage, Step};
use crate::tally::{Counts, Measure};

/// How often a bar is drawn.
pub(crate) const EVERY: Duration = Duration::from_millis(250);

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stretch {
    Arriving,
    Staying,
    Leaving,
}

/// How far a run has come, and what was counted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) stretch: Stretch,
    pub(crate) counts: Counts,
    /// The 99th of a hundred until a message was acknowledged, in milliseconds.
    pub(crate) late: f64,
}

impl Progress {
    pub(crate) fn of(stage: &Stage) -> Self {
        let stretch = match stage.scene.borrow().step {
            Step::Arriving => Stretch::Arriving,
            Step::Staying => Stretch::Staying,
            Step::Settling | Step::Finishing | Step::Leaving => Stretch::Leaving,
        };
        let late = stage.tally.quantile(Measure::Acknowledged, 0.99).as_secs_f64() * 1e3;
        Self { stretch, counts: stage.tally.counts(), late }
    }

    /// Of one that has told nothing yet.
    pub(crate) fn none() -> Self {
        Self { stretch: Stretch::Arriving, counts: Counts::default(), late: 0.0 }
    }

    /// Of several processes together: as far as the one that is behind.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.stretch = self.stretch.min(other.stretch);
        self.counts.add(&other.counts);
        self.late = self.late.max(other.late);
        self
    }
}

/// Tells on stderr how far a run has come, for as long as it is awaited.
pub(crate) async fn show(scenario: &Scenario, progress: impl Fn() -> Progress) -> Infallible {
    let mut part = Part::new(scenario, &progress());
    let mut ticks = interval(EVERY);
    loop {
        ticks.tick().await;
        let progress = progress();
        if progress.stretch != part.stretch {
            part = Part::new(scenario, &progress);
        }
        part.draw(&progress);
    }
}

/// A stretch of the run on the terminal.
struct Part<'a> {
    scenario: &'a Scenario,
    stretch: Stretch,
    since: Instant,
    bar: ProgressBar,
}

impl<'a> Part<'a> {
    fn new(scenario: &'a Scenario, progress: &Progress) -> Self {
        let length = match progress.stretch {
            Stretch::Arriving => scenario.present_at(Duration::ZERO).into(),
            _ => scenario.duration_seconds.into(),
        };
        // It draws nothing where stderr is no terminal.
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        // A style that cannot be read leaves the one that there is.
        if let Ok(style) = ProgressStyle::with_template("{prefix:>9} {wide_bar} {pos}/{len} {msg}")
        {
            bar.set_style(style);
        }
        let part = Self { scenario, stretch: progress.stretch, since: Instant::now(), bar };
        part.begin(&progress.counts);
        part
    }

    fn begin(&self, counts: &Counts) {
        let seconds = self.scenario.duration_seconds;
        let (prefix, line) = match self.stretch {
            Stretch::Arriving => {
                let count = self.scenario.present_at(Duration::ZERO);
                let rate = self.scenario.visitors.per_second;
                ("arriving", format!("{count} visitors come, {rate} each second"))
            }
            Stretch::Staying => {
                let arrived = counts.arrived;
                ("staying", format!("{arrived} visitors are there, and stay for {seconds} s"))
            }
            Stretch::Leaving => ("leaving", "visitors leave".to_owned()),
        };
        self.bar.set_prefix(prefix);
        if !std::io::stderr().is_terminal() {
            eprintln!("vigie-load: {line}");
        }
    }

    fn draw(&self, Progress { counts, late, .. }: &Progress) {
        if self.bar.is_hidden() {
            return;
        }
        if self.stretch == Stretch::Arriving {
            self.bar.set_position(counts.arrived + counts.turned_away);
            return self.bar.set_message(format!("visitors, {} turned away", counts.turned_away));
        }
        self.bar.set_position(self.since.elapsed().as_secs());
        let mut said = match &self.scenario.chat {
            Some(_) => {
                let Counts { said, acknowledged, .. } = counts;
                format!("s, {said} messages, {acknowledged} acknowledged, p99 {late:.1} ms")
            }
            None => format!("s, {} connections lost", counts.lost),
        };
        if self.scenario.takeovers.is_some() {
            said += &format!(", {} taken over", counts.taken_over);
        }
        self.bar.set_message(said);
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
