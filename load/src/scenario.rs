//! What shall happen: a file of TOML whose sections can be combined.
//!
//! A key that nobody knows is refused by name, since a misspelt one would silently measure
//! something else. Every number has a bound here, so that no scenario runs for ever.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vigie_protocol::TEXT_BYTES_MAX;

/// The most visitors of one process.
pub const VISITORS_MAX: u32 = 50_000;
/// The most visitors who come in one second.
pub const ARRIVALS_PER_SECOND_MAX: f64 = 10_000.0;
/// The longest that all of them may take to come.
pub const RAMP_SECONDS_MAX: f64 = 3_600.0;
/// The longest that they may stay: a day.
pub const DURATION_SECONDS_MAX: u32 = 86_400;
/// The most messages that are said in one second.
pub const MESSAGES_PER_SECOND_MAX: f64 = 100_000.0;
/// The most lines to say in one language.
pub const LINES_MAX: usize = 1_000;
/// The most languages.
pub const LANGUAGES_MAX: usize = 50;
/// The longest file of a scenario, in bytes.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What visitors speak whose own language has no lines.
pub const COMMON_LANGUAGE: &str = "en";

/// The scenarios that come with the program.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("idle", include_str!("../scenarios/idle.toml")),
    ("chat", include_str!("../scenarios/chat.toml")),
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
    /// What is said, by language.
    #[serde(skip_serializing)]
    pub lines: BTreeMap<String, Vec<String>>,
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
        let Some(chat) = &self.chat else { return false };
        let before = |count: u32| (f64::from(count) * chat.share).floor();
        before(visitor + 1) > before(visitor)
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
        }
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

    fn check(&self, problems: &mut Vec<String>) {
        within(problems, "chat.share", self.share, 0.0, 1.0);
        let rate = self.messages_per_second;
        within(problems, "chat.messages_per_second", rate, 0.01, MESSAGES_PER_SECOND_MAX);
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
    BUILT_IN.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" and ")
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
        assert!(problem.contains("idle and chat"), "{problem}");
    }
}
