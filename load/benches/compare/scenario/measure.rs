//! Each scenario of one round: carried out, and its figures kept.

use super::{Figure, Scale, half_rate, live_list, restart, stalled, takeover};
use crate::aims::HELD_TO;
use crate::peer::{ALL, Programs};
use crate::results::{Measure, Percentile, Results};

const MIB: f64 = (1 << 20) as f64;

/// How a percentile is called in the report.
const REPORTED: [(Percentile, &str); 2] = [(Percentile::P50, "p50"), (Percentile::P99, "p99")];

/// Where figures of one round go.
pub struct Round<'a> {
    pub programs: &'a Programs,
    pub results: &'a mut Results,
    pub scale: Scale,
    /// Which round it is.
    pub number: u32,
}

impl Round<'_> {
    /// Messages at half of the best durable rate.
    ///
    /// # Errors
    /// See [`half_rate()`].
    pub async fn half_rate(&mut self, best: f64) -> Result<(), String> {
        let rate = best / 2.0;
        let found = half_rate(self.programs, self.scale, rate).await?;
        self.keep(Figure::HalfRate, rate);
        for (percentile, name) in REPORTED {
            self.keep(Figure::Seen(percentile), found.report.latency("observed", name)?);
        }
        self.keep(Figure::SeenOwn, found.report.latency("sent", "p99")?);
        self.hold(Figure::Seen(Percentile::P99), found.commit);
        Ok(())
    }

    /// Take-overs.
    ///
    /// # Errors
    /// See [`takeover()`].
    pub async fn takeover(&mut self) -> Result<(), String> {
        let found = takeover(self.programs, self.scale).await?;
        // Told even where it is why the check fails.
        self.keep(Figure::SpokenOver, found.report.count("spoken_over")? as f64);
        found.report.sound()?;
        for (percentile, name) in REPORTED {
            self.keep(Figure::TakenOver(percentile), found.report.latency("taken_over", name)?);
        }
        self.keep(Figure::TakenOverOwn, found.report.latency("sent", "p99")?);
        self.hold(Figure::TakenOver(Percentile::P99), found.commit);
        Ok(())
    }

    /// A restart.
    ///
    /// # Errors
    /// See [`restart()`].
    pub async fn restart(&mut self) -> Result<(), String> {
        let found = restart(self.programs, self.scale).await?;
        self.keep(Figure::Back, found.back);
        self.keep(Figure::BackListening, (found.back - found.listening).max(0.0));
        self.keep(Figure::RestartResident, found.peak / MIB);
        self.hold(Figure::RestartResident, found.steady / MIB);
        Ok(())
    }

    /// The live list of a site, small and great.
    ///
    /// # Errors
    /// See [`live_list()`].
    pub async fn live_list(&mut self) -> Result<(), String> {
        let most = self.scale.people;
        let mut least = None;
        for sessions in [most / 10, most / 2, most] {
            let told = |error| format!("{sessions} sessions: {error}");
            let (programs, scale) = (self.programs, self.scale);
            let unwatched = live_list(programs, scale, sessions, false).await.map_err(told)?;
            self.keep(Figure::Unwatched(sessions), unwatched);
            let watched = live_list(programs, scale, sessions, true).await.map_err(told)?;
            self.keep(Figure::Watched(sessions), watched);
            let least = *least.get_or_insert(watched);
            if sessions == most {
                self.hold(Figure::Watched(sessions), least);
            }
        }
        Ok(())
    }

    /// Operators who stall, and the same who do not: they take turns in being the first.
    ///
    /// # Errors
    /// See [`stalled()`].
    pub async fn stalled(&mut self) -> Result<(), String> {
        let first = !self.number.is_multiple_of(2);
        for stalls in [first, !first] {
            let report = stalled(self.programs, self.scale, stalls).await?;
            for (percentile, name) in REPORTED {
                let figure = Figure::Stalled(percentile);
                if stalls {
                    self.keep(figure, report.latency("seen_stalled", name)?);
                } else {
                    self.hold(figure, report.latency("seen", name)?);
                }
            }
            if stalls {
                self.keep(Figure::CutOff, report.count("cut_off")? as f64);
            }
        }
        Ok(())
    }

    fn keep(&mut self, figure: Figure, value: f64) {
        self.results.keep(Measure::Scenario(figure), ALL[0].name, value);
    }

    /// Keeps what the figure is held to.
    fn hold(&mut self, figure: Figure, value: f64) {
        self.results.keep(Measure::Scenario(figure), HELD_TO, value);
    }
}
