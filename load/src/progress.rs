//! Bars on a terminal, and a line for each step where there is none.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{Instant, interval};

use crate::scenario::Scenario;
use crate::tally::Measure;
use crate::visitor::{Phase, Stage};

/// How often a bar is drawn.
const EVERY: Duration = Duration::from_millis(250);

/// Tells on stderr how far a run has come, for as long as it is awaited.
pub(crate) async fn show(scenario: &Scenario, stage: &Stage) {
    let mut step = Step::new(scenario, stage, Phase::Arriving);
    let mut ticks = interval(EVERY);
    loop {
        ticks.tick().await;
        let phase = *stage.phase.borrow();
        if phase != step.phase {
            step = Step::new(scenario, stage, phase);
        }
        step.draw();
    }
}

struct Step<'a> {
    scenario: &'a Scenario,
    stage: &'a Stage,
    phase: Phase,
    since: Instant,
    bar: ProgressBar,
}

impl<'a> Step<'a> {
    fn new(scenario: &'a Scenario, stage: &'a Stage, phase: Phase) -> Self {
        let length = match phase {
            Phase::Arriving => scenario.visitors.count.into(),
            _ => scenario.duration_seconds.into(),
        };
        // It draws nothing where stderr is no terminal.
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        // A style that cannot be read leaves the one that there is.
        if let Ok(style) = ProgressStyle::with_template("{prefix:>9} {wide_bar} {pos}/{len} {msg}")
        {
            bar.set_style(style);
        }
        let step = Self { scenario, stage, phase, since: Instant::now(), bar };
        step.begin();
        step
    }

    fn begin(&self) {
        let (count, seconds) = (self.scenario.visitors.count, self.scenario.duration_seconds);
        let (prefix, line) = match self.phase {
            Phase::Arriving => {
                let rate = self.scenario.visitors.per_second;
                ("arriving", format!("{count} visitors come, {rate} each second"))
            }
            Phase::Staying => {
                let arrived = self.stage.tally.counts().arrived;
                ("staying", format!("{arrived} visitors are there, and stay for {seconds} s"))
            }
            Phase::Finishing | Phase::Leaving => ("leaving", "visitors leave".to_owned()),
        };
        self.bar.set_prefix(prefix);
        if !std::io::stderr().is_terminal() {
            eprintln!("vigie-load: {line}");
        }
    }

    fn draw(&self) {
        if self.bar.is_hidden() {
            return;
        }
        let counts = self.stage.tally.counts();
        match self.phase {
            Phase::Arriving => {
                self.bar.set_position(counts.arrived + counts.turned_away);
                self.bar.set_message(format!("visitors, {} turned away", counts.turned_away));
            }
            _ => {
                self.bar.set_position(self.since.elapsed().as_secs());
                let late = self.stage.tally.quantile(Measure::Acknowledged, 0.99);
                let said = match &self.scenario.chat {
                    Some(_) => format!(
                        "s, {} messages, {} acknowledged, p99 {:.1} ms",
                        counts.said,
                        counts.acknowledged,
                        late.as_secs_f64() * 1e3
                    ),
                    None => format!("s, {} connections lost", counts.lost),
                };
                self.bar.set_message(said);
            }
        }
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
