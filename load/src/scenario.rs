//! What shall happen: a file of TOML whose sections can be combined.
//!
//! A key that nobody knows is refused by name, since a misspelt one would silently measure
//! something else. Every number has a bound here, so that no scenario runs for ever.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

mod parts;
mod share;

pub use parts::{Bots, Chat, Dropout, Observers, Phase, Stalls, Takeovers, Visitors, Watchers};

/// The most visitors.
pub const VISITORS_MAX: u32 = 200_000;
/// The most visitors who come in one second.
pub const ARRIVALS_PER_SECOND_MAX: f64 = 10_000.0;
/// The longest that all of them may take to come.
pub const RAMP_SECONDS_MAX: f64 = 3_600.0;
/// The longest that they may stay: a day.
pub const DURATION_SECONDS_MAX: u32 = 86_400;
/// The most messages that are said in one second.
pub const MESSAGES_PER_SECOND_MAX: f64 = 100_000.0;
/// The longest file of a scenario, in bytes.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The most phases of a day.
pub const PHASES_MAX: usize = 100;
/// The most times that connections are dropped.
pub const DROPS_MAX: usize = 1_000;
/// The most operators of each kind, and the most bots.
pub const STAFF_MAX: u32 = 1_000;
/// The most sessions that one operator observes: as many as a connection may follow.
pub const OBSERVED_MAX: u32 = 256;

/// What visitors speak whose own language has no lines.
pub const COMMON_LANGUAGE: &str = "en";

/// The scenarios that come with the program.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("idle", include_str!("../scenarios/idle.toml")),
    ("chat", include_str!("../scenarios/chat.toml")),
    ("observed", include_str!("../scenarios/observed.toml")),
    ("watch", include_str!("../scenarios/watch.toml")),
    ("takeover-storm", include_str!("../scenarios/takeover-storm.toml")),
    ("reconnect-storm", include_str!("../scenarios/reconnect-storm.toml")),
    ("slow-readers", include_str!("../scenarios/slow-readers.toml")),
    ("mixed-day", include_str!("../scenarios/mixed-day.toml")),
];

/// What shall happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// How it is called: the file's name.
    #[serde(skip_deserializing)]
    pub name: String,
    /// What it shows, in a few words.
    pub about: String,
    /// What chance follows from: the same seed gives the same people and the same moments.
    pub seed: u64,
    /// How long it goes on once all visitors are there.
    pub duration_seconds: u32,
    /// Who comes.
    pub visitors: Visitors,
    /// What is said, if anything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<Chat>,
    /// Who observes those who talk, if anybody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observers: Option<Observers>,
    /// Who answers, beside the engine's own bot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bots: Option<Bots>,
    /// Who has a part of the live list on the screen, and observes nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watchers: Option<Watchers>,
    /// How operators take over from the bot those whom they observe, and release them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takeovers: Option<Takeovers>,
    /// Operators who stop reading now and then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalls: Option<Stalls>,
    /// When visitors lose their connections.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drops: Vec<Dropout>,
    /// Whether connections may break that the scenario does not break itself, as when the engine is
    /// started again meanwhile. Everybody has to come back all the same.
    #[serde(default)]
    pub losses_expected: bool,
    /// How the day rises and falls; without, all of it is the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<Phase>,
}

/// What somebody wants otherwise than the scenario has it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Changes {
    /// Instead of `seed`.
    pub seed: Option<u64>,
    /// Instead of `duration_seconds`.
    pub duration_seconds: Option<u32>,
    /// Instead of `visitors.count`.
    pub visitors: Option<u32>,
    /// Instead of `visitors.per_second`.
    pub per_second: Option<f64>,
    /// Instead of `chat.messages_per_second`.
    pub messages_per_second: Option<f64>,
    /// Instead of `takeovers.per_second`.
    pub takeovers_per_second: Option<f64>,
}

/// Why there is no scenario to carry out.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Neither the name of one that comes with the program, nor a file.
    #[error("there is no scenario {0:?}; those that come with vigie-load are {names}, another is named by its file: ./{0}.toml", names = names())]
    Unknown(String),
    /// The file cannot be read.
    #[error("cannot read the scenario {0}: {1}")]
    Unreadable(String, std::io::Error),
    /// The file is longer than any scenario.
    #[error("{0} is longer than {FILE_BYTES_MAX} bytes; it is no scenario")]
    TooLong(String),
    /// The file is not TOML, or has keys that no scenario has, or lacks some.
    #[error("{0} is no scenario: {1}")]
    Malformed(String, toml::de::Error),
    /// Values that cannot be.
    #[error("the scenario {name} cannot be carried out:{}", problems.iter().map(|problem| format!("\n  - {problem}")).collect::<String>())]
    Refused {
        /// Which scenario.
        name: String,
        /// Everything that is wrong with it.
        problems: Vec<String>,
    },
}

impl Scenario {
    /// The scenario of this name that comes with the program, or of this file; with changes.
    ///
    /// # Errors
    /// See [`ScenarioError`].
    pub fn load(which: &str, changes: Changes) -> Result<Self, ScenarioError> {
        match BUILT_IN.iter().find(|(name, _)| *name == which) {
            Some((name, text)) => Self::parse(name, name, text, changes),
            None if which.ends_with(".toml") || which.contains('/') => {
                let stem = Path::new(which).file_stem().map(|stem| stem.to_string_lossy());
                let name = stem.unwrap_or_default().into_owned();
                Self::parse(&name, which, &read(which)?, changes)
            }
            None => Err(ScenarioError::Unknown(which.to_owned())),
        }
    }

    /// Reads a scenario; `place` is where its text stands.
    fn parse(name: &str, place: &str, text: &str, changes: Changes) -> Result<Self, ScenarioError> {
        let read: Self = toml::from_str(text)
            .map_err(|error| ScenarioError::Malformed(place.to_owned(), error))?;
        let mut problems = Vec::new();
        let scenario = Self { name: name.to_owned(), ..read }.changed(changes, &mut problems);
        scenario.check(&mut problems);
        if problems.is_empty() {
            Ok(scenario)
        } else {
            Err(ScenarioError::Refused { name: name.to_owned(), problems })
        }
    }

    /// How long it goes on once all visitors are there.
    pub fn duration(&self) -> Duration {
        Duration::from_secs(self.duration_seconds.into())
    }

    /// Whether this visitor says anything: spread evenly, and exactly the share that is asked for.
    pub fn talks(&self, visitor: u32) -> bool {
        self.talkers_before(visitor + 1) > self.talkers_before(visitor)
    }

    /// How many of the visitors before this one talk.
    pub fn talkers_before(&self, visitor: u32) -> u32 {
        self.chat.as_ref().map_or(0, |chat| (f64::from(visitor) * chat.share).floor() as u32)
    }

    /// How many work there.
    pub fn staff(&self) -> u32 {
        self.operators() + self.bots.as_ref().map_or(0, |bots| bots.count)
    }

    /// How many operators there are, whatever they do.
    pub fn operators(&self) -> u32 {
        let observers = self.observers.as_ref().map_or(0, |observers| observers.count);
        let watchers = self.watchers.as_ref().map_or(0, |watchers| watchers.count);
        observers + watchers + self.stalls.as_ref().map_or(0, |stalls| stalls.operators)
    }

    /// How many of the visitors are there so long after all were let in.
    pub fn present_at(&self, since: Duration) -> u32 {
        let part = self.along(since, |phase| phase.present);
        ((f64::from(self.visitors.count) * part).round() as u32).min(self.visitors.count)
    }

    /// How many are there when most are.
    pub fn present_most(&self) -> u32 {
        let most = self.phases.iter().map(|phase| phase.present).fold(0.0, f64::max);
        if self.phases.is_empty() {
            self.visitors.count
        } else {
            ((f64::from(self.visitors.count) * most).round() as u32).min(self.visitors.count)
        }
    }

    /// By what all rates are to be multiplied so long after all were let in.
    pub fn pace_at(&self, since: Duration) -> f64 {
        self.along(since, |phase| phase.pace)
    }

    /// The most that rates are multiplied by.
    pub fn pace_most(&self) -> f64 {
        let most = self.phases.iter().map(|phase| phase.pace).fold(0.0, f64::max);
        if self.phases.is_empty() { 1.0 } else { most }
    }

    /// A value that goes evenly from the end of one phase to the end of the next; 1 without phases.
    fn along(&self, since: Duration, of: impl Fn(&Phase) -> f64) -> f64 {
        let [first, ..] = &*self.phases else { return 1.0 };
        let whole: f64 = self.phases.iter().map(|phase| phase.part).sum();
        let seconds = self.duration().as_secs_f64();
        // A phase's length is its part of the whole, however long that is.
        let mut place = if seconds > 0.0 { since.as_secs_f64() / seconds * whole } else { whole };
        let mut before = of(first);
        for phase in &self.phases {
            if place < phase.part {
                return before + (of(phase) - before) * place / phase.part;
            }
            place -= phase.part;
            before = of(phase);
        }
        before
    }

    fn changed(mut self, changes: Changes, problems: &mut Vec<String>) -> Self {
        self.seed = changes.seed.unwrap_or(self.seed);
        self.duration_seconds = changes.duration_seconds.unwrap_or(self.duration_seconds);
        self.visitors.count = changes.visitors.unwrap_or(self.visitors.count);
        self.visitors.per_second = changes.per_second.unwrap_or(self.visitors.per_second);
        match (&mut self.chat, changes.messages_per_second) {
            (Some(chat), Some(rate)) => chat.messages_per_second = rate,
            (None, Some(_)) => {
                problems.push("nobody talks in it, so there are no messages per second".into());
            }
            (_, None) => {}
        }
        match (&mut self.takeovers, changes.takeovers_per_second) {
            (Some(takeovers), Some(rate)) => takeovers.per_second = rate,
            (None, Some(_)) => problems.push("nobody takes over in it".into()),
            (_, None) => {}
        }
        self
    }

    fn check(&self, problems: &mut Vec<String>) {
        let count = f64::from(self.visitors.count);
        let rate = self.visitors.per_second;
        within(problems, "visitors.count", count, 1.0, VISITORS_MAX.into());
        within(problems, "visitors.per_second", rate, 0.1, ARRIVALS_PER_SECOND_MAX);
        if rate > 0.0 && count / rate > RAMP_SECONDS_MAX {
            problems.push(format!(
                "{count} visitors at {rate} each second take longer than {RAMP_SECONDS_MAX} s"
            ));
        }
        let (seconds, seconds_max) = (self.duration_seconds, DURATION_SECONDS_MAX);
        within(problems, "duration_seconds", seconds.into(), 0.0, seconds_max.into());
        if let Some(chat) = &self.chat {
            chat.check(problems);
            if !(0..self.visitors.count).any(|visitor| self.talks(visitor)) {
                problems.push(format!("chat.share {} of {count} visitors is nobody", chat.share));
            }
        } else if self.observers.is_some() || self.bots.is_some() {
            problems.push("nobody talks in it, so there is nothing to observe or answer".into());
        }
        self.check_staff(problems);
        if self.drops.len() > DROPS_MAX {
            problems.push(format!("there are more than {DROPS_MAX} drops"));
        }
        for drop in &self.drops {
            drop.check(problems);
        }
        if self.phases.len() > PHASES_MAX {
            problems.push(format!("there are more than {PHASES_MAX} phases"));
        }
        for phase in &self.phases {
            phase.check(problems);
        }
        if !self.phases.is_empty() && self.present_at(Duration::ZERO) == 0 {
            problems.push("phases: nobody is there at the beginning of the first".into());
        }
    }

    fn check_staff(&self, problems: &mut Vec<String>) {
        let talkers = self.talkers_before(self.visitors.count);
        if let Some(bots) = &self.bots {
            bots.check(problems);
        }
        if let Some(observers) = &self.observers {
            observers.check(talkers, problems);
        }
        if let Some(watchers) = &self.watchers {
            watchers.check(problems);
        }
        if let Some(takeovers) = &self.takeovers {
            takeovers.check(problems);
            if self.observers.is_none() {
                problems.push("takeovers need observers: who observes takes over".into());
            }
        }
        if let Some(stalls) = &self.stalls {
            stalls.check(problems);
            if self.chat.is_none() {
                problems.push(
                    "nobody talks in it, so there is nothing that stalls.operators read".into(),
                );
            }
        }
    }
}

fn within(problems: &mut Vec<String>, key: &str, value: f64, least: f64, most: f64) {
    if !(least..=most).contains(&value) {
        problems.push(format!("{key} is {value}, not {least} to {most}"));
    }
}

fn read(file: &str) -> Result<String, ScenarioError> {
    let unreadable = |error| ScenarioError::Unreadable(file.to_owned(), error);
    if std::fs::metadata(file).map_err(unreadable)?.len() > FILE_BYTES_MAX {
        return Err(ScenarioError::TooLong(file.to_owned()));
    }
    std::fs::read_to_string(file).map_err(unreadable)
}

/// The names of those that come with the program, for people.
pub fn names() -> String {
    BUILT_IN.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: &str = "about = 'a'\nseed = 1\nduration_seconds = 5\n\
        [visitors]\ncount = 10\nper_second = 100\n\
        [chat]\nshare = 0.5\nmessages_per_second = 20\nlines = { en = ['Hi'], fr = ['Salut'] }\n";

    fn parse(text: &str) -> Result<Scenario, ScenarioError> {
        Scenario::parse("test", "test.toml", text, Changes::default())
    }

    #[test]
    fn those_that_come_with_the_program_can_be_carried_out() {
        for (name, _) in BUILT_IN {
            let scenario = Scenario::load(name, Changes::default()).unwrap();
            assert_eq!(&scenario.name, name);
        }
    }

    #[test]
    fn a_key_that_nobody_knows_is_refused_by_name() {
        for (from, to, name) in [
            ("count", "counts", "counts"),
            ("[chat]", "[chatter]", "chatter"),
            ("share", "part", "part"),
            ("seed = 1", "seed = 1\nname = 'x'", "name"),
        ] {
            let problem = parse(&CHAT.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(problem.contains("test.toml") && problem.contains(name), "{problem}");
        }
    }

    #[test]
    fn all_that_is_out_of_bounds_is_told_together() {
        let wrong = CHAT
            .replace("count = 10", "count = 0")
            .replace("share = 0.5", "share = 1.5")
            .replace("messages_per_second = 20", "messages_per_second = nan")
            .replace("en = ['Hi']", "de = [' ']");
        let problem = parse(&wrong).unwrap_err().to_string();
        for key in ["visitors.count", "chat.share", "messages_per_second", "\"en\"", "lines.de"] {
            assert!(problem.contains(key), "{key}: {problem}");
        }
    }

    #[test]
    fn a_ramp_that_takes_hours_is_refused() {
        let slow = CHAT.replace("count = 10", "count = 50000").replace("= 100", "= 1");
        assert!(parse(&slow).unwrap_err().to_string().contains("longer than 3600 s"));
    }

    #[test]
    fn exactly_the_share_talks() {
        let mut scenario = parse(CHAT).unwrap();
        for (share, expected) in [(0.5, 500), (0.2, 200), (1.0, 1000), (0.001, 1)] {
            scenario.chat.as_mut().unwrap().share = share;
            assert_eq!((0..1000).filter(|visitor| scenario.talks(*visitor)).count(), expected);
        }
    }

    #[test]
    fn more_talkers_than_can_be_observed_are_refused() {
        let crowd = CHAT.replace("count = 10", "count = 1000");
        let with = |more: &str| parse(&format!("{crowd}{more}")).map_err(|e| e.to_string());
        let observers = |count| format!("[observers]\ncount = {count}\nlive_list = 0\n");
        assert!(with(&observers(2)).is_ok());
        assert!(with(&observers(1)).unwrap_err().contains("500 visitors talk"));
        assert!(with("[bots]\ncount = 0\n").unwrap_err().contains("bots.count"));
        let idle = &CHAT[..CHAT.find("[chat]").unwrap()];
        let problem = parse(&format!("{idle}[bots]\ncount = 1\n")).unwrap_err().to_string();
        assert!(problem.contains("nobody talks"), "{problem}");
    }

    #[test]
    fn everybody_has_something_to_say() {
        let chat = parse(CHAT).unwrap().chat.unwrap();
        assert_eq!(chat.lines_for("fr-CA"), ["Salut"]);
        assert_eq!(chat.lines_for("lv"), ["Hi"]);
    }

    #[test]
    fn changes_are_held_to_the_same_bounds() {
        let load = |which, changes| Scenario::load(which, changes).map_err(|e| e.to_string());
        let more = Changes { visitors: Some(VISITORS_MAX + 1), ..Changes::default() };
        assert!(load("idle", more).unwrap_err().contains("visitors.count"));
        let talk = Changes { messages_per_second: Some(5.0), ..Changes::default() };
        assert!(load("idle", talk).unwrap_err().contains("nobody talks"));
        assert_eq!(load("chat", talk).unwrap().chat.unwrap().messages_per_second, 5.0);
    }

    #[test]
    fn a_name_that_nobody_knows_tells_those_that_there_are() {
        let problem = Scenario::load("storm", Changes::default()).unwrap_err().to_string();
        assert!(problem.contains("idle, chat, observed, watch"), "{problem}");
    }

    #[test]
    fn what_comes_with_the_program_is_what_is_promised() {
        let promised = [
            "idle",
            "chat",
            "watch",
            "takeover-storm",
            "reconnect-storm",
            "slow-readers",
            "mixed-day",
        ];
        assert!(promised.iter().all(|name| names().split(", ").any(|known| known == *name)));
    }

    #[test]
    fn a_day_rises_and_falls_evenly_and_keeps_its_shape_however_long_it_is() {
        let phases = "[[phases]]\npart = 1\npace = 0.2\npresent = 0.5\n\
            [[phases]]\npart = 2\npace = 1\n[[phases]]\npart = 1\npace = 0\npresent = 0\n";
        let mut day = parse(&format!("{CHAT}{phases}")).unwrap();
        for seconds in [5, 5000] {
            day.duration_seconds = seconds;
            let at = |part: f64| Duration::from_secs_f64(f64::from(seconds) * part);
            for (part, pace, present) in [
                (0.0, 0.2, 5),
                (0.25, 0.2, 5),
                (0.5, 0.6, 8),
                (0.75, 1.0, 10),
                (0.875, 0.5, 5),
                (1.0, 0.0, 0),
            ] {
                assert!((day.pace_at(at(part)) - pace).abs() < 1e-6, "{part}");
                assert_eq!(day.present_at(at(part)), present, "{part}");
            }
        }
        assert_eq!((day.present_most(), day.pace_most()), (10, 1.0));
        let even = parse(CHAT).unwrap();
        assert_eq!((even.present_most(), even.pace_at(Duration::ZERO)), (10, 1.0));
    }

    #[test]
    fn takeovers_without_operators_who_observe_are_refused() {
        let storm = "[takeovers]\nper_second = 5\nheld_seconds = 1\nreply = true\n";
        let problem = parse(&format!("{CHAT}{storm}")).unwrap_err().to_string();
        assert!(problem.contains("takeovers need observers"), "{problem}");
        let staffed = format!("{CHAT}[observers]\ncount = 1\nlive_list = 0\n{storm}");
        assert!(parse(&staffed).is_ok());
    }
}
