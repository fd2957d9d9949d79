//! What is measured by scenarios, of the engine alone: a value, and for some another one of the same
//! run that it is held to.

use crate::results::Percentile;

/// Something that a scenario measures. The order is that of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// Messages each second: half of what is durable at best.
    HalfRate,
    /// From when a message was due until its operator sees it; held to the commits' time.
    Seen(Percentile),
    /// The part of it that `vigie-load` itself takes.
    SeenOwn,
    /// Until a take-over is acknowledged; held to the commits' time.
    TakenOver(Percentile),
    /// What `vigie-load` itself takes to say something, in that run.
    TakenOverOwn,
    /// Messages of the bot while an operator was in control.
    SpokenOver,
    /// From the kill of the engine until all are back.
    Back,
    /// The same, from when it listens again.
    BackListening,
    /// The most memory of the engine that was started again; held to what was steady before.
    RestartResident,
    /// Processor time with so many sessions, watched by operators; held to that with the fewest.
    Watched(u32),
    /// The same without operators.
    Unwatched(u32),
    /// Until a visitor sees their own message while operators stall; held to that while the same
    /// operators read.
    Stalled(Percentile),
    /// How often the engine cut somebody off who stalled.
    CutOff,
}

impl Figure {
    pub fn name(self) -> String {
        let at = |percentile: Percentile| format!("p{}", percentile.of_hundred());
        match self {
            Self::HalfRate => "half of the best durable rate".to_owned(),
            Self::Seen(percentile) => {
                format!("send → operator sees it at that rate, {}", at(percentile))
            }
            Self::SeenOwn => "of that vigie-load's own, p99".to_owned(),
            Self::TakenOver(percentile) => format!("takeover, {}", at(percentile)),
            Self::TakenOverOwn => "of that vigie-load's own, p99 of messages".to_owned(),
            Self::SpokenOver => "bot messages after a takeover's acknowledgement".to_owned(),
            Self::Back => "all visitors back, from the kill of the engine".to_owned(),
            Self::BackListening => "all visitors back, from when it listens again".to_owned(),
            Self::RestartResident => "RSS peak after the restart".to_owned(),
            Self::Watched(sessions) => format!("live list, {sessions} sessions, with operators"),
            Self::Unwatched(sessions) => {
                format!("live list, {sessions} sessions, without operators")
            }
            Self::Stalled(percentile) => {
                format!("message seen by its visitor while operators stall, {}", at(percentile))
            }
            Self::CutOff => "operators cut off who stalled".to_owned(),
        }
    }

    pub fn unit(self) -> &'static str {
        match self {
            Self::HalfRate => "1/s",
            Self::Seen(_)
            | Self::SeenOwn
            | Self::TakenOver(_)
            | Self::TakenOverOwn
            | Self::Stalled(_) => "ms",
            Self::Back | Self::BackListening => "s",
            Self::RestartResident => "MiB",
            Self::Watched(_) | Self::Unwatched(_) => "% of a core",
            Self::SpokenOver | Self::CutOff => "count",
        }
    }
}
