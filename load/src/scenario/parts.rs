//! The sections of a scenario, and the bounds of each.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vigie_protocol::card::{Alerts, Show, Sort, Window};
use vigie_protocol::{TEXT_BYTES_MAX, WINDOW_FIRST_MAX};

use super::{
    COMMON_LANGUAGE, DURATION_SECONDS_MAX, MESSAGES_PER_SECOND_MAX, OBSERVED_MAX, STAFF_MAX, within,
};

/// The most lines to say in one language.
pub const LINES_MAX: usize = 1_000;
/// The most languages.
pub const LANGUAGES_MAX: usize = 50;
/// The longest that an operator keeps a session, in seconds.
pub const HELD_SECONDS_MAX: f64 = 600.0;
/// The longest that somebody stops reading: less than an engine waits for a sign of life.
pub const STALL_SECONDS_MAX: f64 = 20.0;
/// The most that rates are multiplied by.
pub const PACE_MAX: f64 = 100.0;
/// The longest that a bot thinks, in milliseconds.
pub const BOT_DELAY_MS_MAX: u32 = 20_000;

/// Operators at their desks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observers {
    /// How many.
    pub count: u32,
    /// How many cards of the live list each has on the screen; 0: none.
    pub live_list: u32,
}

/// Operators who have a part of the live list on the screen, and nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watchers {
    /// How many.
    pub count: u32,
    /// How many cards each has on the screen.
    pub first: u32,
    /// Which sessions.
    #[serde(default)]
    pub show: Show,
    /// In which order.
    #[serde(default)]
    pub sort: Sort,
    /// What rings.
    #[serde(default)]
    pub alerts: Alerts,
    /// How often each turns to the next stretch of the list; 0: never.
    #[serde(default)]
    pub turn_seconds: f64,
}

/// Bots that answer each turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bots {
    /// How many.
    pub count: u32,
    /// How long each thinks about an answer, in milliseconds; what happens meanwhile does not keep
    /// it from answering.
    #[serde(default)]
    pub delay_ms: u32,
}

/// Take-overs of sessions from the bot, and their release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Takeovers {
    /// Over all operators together, at random moments.
    pub per_second: f64,
    /// How long a session is kept.
    pub held_seconds: f64,
    /// Whether the operator says something meanwhile.
    pub reply: bool,
}

/// Operators who observe as many as they may, and stop reading again and again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stalls {
    /// How many.
    pub operators: u32,
    /// For how long they stop.
    pub seconds: f64,
    /// How often, from one stop to the next: what lies between is what it is compared with.
    pub every_seconds: f64,
}

/// A moment at which visitors lose their connections, all at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// When, from when all are there.
    pub at_seconds: f64,
    /// Which part of the visitors.
    pub share: f64,
}

/// A part of the day, at the end of which something is so; on the way there it changes evenly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// How long it is, beside the others.
    pub part: f64,
    /// By what all rates are multiplied.
    pub pace: f64,
    /// Which part of the visitors is there.
    #[serde(default = "all")]
    pub present: f64,
}

const fn all() -> f64 {
    1.0
}

/// Who comes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visitors {
    /// How many.
    pub count: u32,
    /// How many come each second.
    pub per_second: f64,
}

/// What visitors say to the bot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chat {
    /// Which part of the visitors says anything at all.
    pub share: f64,
    /// Messages per second, over all visitors together.
    pub messages_per_second: f64,
    /// How long each message is made, in bytes; 0: as long as its line.
    #[serde(default)]
    pub bytes: u32,
    /// What is said, by language.
    #[serde(skip_serializing)]
    pub lines: BTreeMap<String, Vec<String>>,
}

impl Observers {
    pub(super) fn check(&self, talkers: u32, problems: &mut Vec<String>) {
        let Self { count, live_list } = *self;
        within(problems, "observers.count", count.into(), 1.0, STAFF_MAX.into());
        within(problems, "observers.live_list", live_list.into(), 0.0, WINDOW_FIRST_MAX.into());
        if talkers > count.saturating_mul(OBSERVED_MAX) {
            problems.push(format!(
                "{talkers} visitors talk, but {count} operators observe {OBSERVED_MAX} each"
            ));
        }
    }

    /// What each has on the screen.
    pub fn window(&self) -> Option<Window> {
        (self.live_list > 0).then(|| Window { first: self.live_list, ..Window::default() })
    }
}

impl Watchers {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        within(problems, "watchers.count", self.count.into(), 1.0, STAFF_MAX.into());
        within(problems, "watchers.first", self.first.into(), 1.0, WINDOW_FIRST_MAX.into());
        let most = DURATION_SECONDS_MAX.into();
        within(problems, "watchers.turn_seconds", self.turn_seconds, 0.0, most);
        if self.turn_seconds > 0.0 && self.turn_seconds < 0.1 {
            problems.push("watchers.turn_seconds is less than 0.1; 0 means never".into());
        }
    }

    /// What each has on the screen at first.
    pub fn window(&self) -> Window {
        let Self { first, show, sort, alerts, .. } = *self;
        Window { first, show, sort, alerts, ..Window::default() }
    }
}

impl Bots {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        within(problems, "bots.count", self.count.into(), 1.0, STAFF_MAX.into());
        within(problems, "bots.delay_ms", self.delay_ms.into(), 0.0, BOT_DELAY_MS_MAX.into());
    }
}

impl Takeovers {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        let rate = self.per_second;
        within(problems, "takeovers.per_second", rate, 0.01, MESSAGES_PER_SECOND_MAX);
        within(problems, "takeovers.held_seconds", self.held_seconds, 0.0, HELD_SECONDS_MAX);
    }

    /// How long a session is kept.
    pub fn held(&self) -> Duration {
        Duration::from_secs_f64(self.held_seconds)
    }
}

impl Stalls {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        within(problems, "stalls.operators", self.operators.into(), 1.0, STAFF_MAX.into());
        within(problems, "stalls.seconds", self.seconds, 0.1, STALL_SECONDS_MAX);
        let most = DURATION_SECONDS_MAX.into();
        within(problems, "stalls.every_seconds", self.every_seconds, self.seconds, most);
    }

    /// Whether they stop reading so long after all were let in: at the end of each round.
    pub fn is_stalled(&self, since: Duration) -> bool {
        since.as_secs_f64() % self.every_seconds >= self.every_seconds - self.seconds
    }

    /// How long it is, from then, until that changes.
    pub fn until_change(&self, since: Duration) -> Duration {
        let place = since.as_secs_f64() % self.every_seconds;
        let stop = self.every_seconds - self.seconds;
        let next = if place < stop { stop } else { self.every_seconds };
        // A little more, so that rounding does not leave it just before.
        Duration::from_secs_f64(next - place) + Duration::from_micros(1)
    }
}

impl Dropout {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        let most = DURATION_SECONDS_MAX.into();
        within(problems, "drops.at_seconds", self.at_seconds, 0.0, most);
        within(problems, "drops.share", self.share, 0.0, 1.0);
    }
}

impl Phase {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        within(problems, "phases.part", self.part, 0.001, 1e6);
        within(problems, "phases.pace", self.pace, 0.0, PACE_MAX);
        within(problems, "phases.present", self.present, 0.0, 1.0);
    }
}

impl Chat {
    /// What somebody of this language says.
    pub fn lines_for(&self, language: &str) -> &[String] {
        let primary = language.split('-').next().unwrap_or(language);
        self.lines
            .get(primary)
            .or_else(|| self.lines.get(COMMON_LANGUAGE))
            .map_or(&[], Vec::as_slice)
    }

    /// A line as it is said: as long as it has to be.
    pub fn said(&self, line: &str) -> String {
        let mut said = line.to_owned();
        while said.len() < self.bytes as usize {
            said.push(' ');
            said.extend(line.chars().take(self.bytes as usize - said.len()));
        }
        said
    }

    pub(super) fn check(&self, problems: &mut Vec<String>) {
        within(problems, "chat.share", self.share, 0.0, 1.0);
        let rate = self.messages_per_second;
        within(problems, "chat.messages_per_second", rate, 0.01, MESSAGES_PER_SECOND_MAX);
        // Two bytes and more for one character could go beyond it: half leaves room for that.
        let most = TEXT_BYTES_MAX / 2;
        within(problems, "chat.bytes", self.bytes.into(), 0.0, most as f64);
        if !self.lines.contains_key(COMMON_LANGUAGE) {
            problems.push(format!(
                "chat.lines lacks {COMMON_LANGUAGE:?}, which all speak who have no lines of their own"
            ));
        }
        if self.lines.len() > LANGUAGES_MAX {
            problems.push(format!("chat.lines has more than {LANGUAGES_MAX} languages"));
        }
        for (language, lines) in &self.lines {
            if lines.is_empty() || lines.len() > LINES_MAX {
                let count = lines.len();
                problems
                    .push(format!("chat.lines.{language} has {count} lines, not 1 to {LINES_MAX}"));
            }
            if lines.iter().any(|line| line.trim().is_empty() || line.len() > TEXT_BYTES_MAX) {
                problems.push(format!(
                    "chat.lines.{language} has a line that is empty or longer than {TEXT_BYTES_MAX} bytes"
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_stall_at_the_end_of_each_round() {
        let stalls = Stalls { operators: 1, seconds: 2.0, every_seconds: 5.0 };
        let at = |seconds| Duration::from_secs_f64(seconds);
        for (seconds, stalled) in
            [(0.0, false), (2.9, false), (3.1, true), (4.9, true), (5.1, false), (8.1, true)]
        {
            assert_eq!(stalls.is_stalled(at(seconds)), stalled, "{seconds}");
            let change = at(seconds) + stalls.until_change(at(seconds));
            assert_ne!(stalls.is_stalled(change), stalled, "{seconds}");
        }
    }

    #[test]
    fn a_line_is_said_as_long_as_it_has_to_be() {
        let lines = BTreeMap::new();
        let chat =
            |bytes| Chat { share: 1.0, messages_per_second: 1.0, bytes, lines: lines.clone() };
        assert_eq!(chat(0).said("Hello"), "Hello");
        assert_eq!(chat(3).said("Hello"), "Hello");
        assert_eq!(chat(14).said("Hello"), "Hello Hello He");
    }
}
