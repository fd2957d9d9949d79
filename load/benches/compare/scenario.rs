//! Scenarios of `vigie-load`, which runs as a program of its own beside an engine that is started anew
//! for each, and what it reports: the work that none of the others could be given.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::LOAD;
use crate::commits::Commits;
use crate::engine::{Engine, SITE};

mod figure;
mod half_rate;
mod live_list;
mod measure;
mod restart;
mod scale;
mod stalled;
mod takeover;

pub use figure::Figure;
pub use measure::Round;
pub use scale::Scale;

use half_rate::half_rate;
use live_list::live_list;
use restart::restart;
use stalled::stalled;
use takeover::takeover;

/// How long a run may take beyond its arrivals and its day: then it hangs.
const BEYOND_MAX: Duration = Duration::from_secs(180);

/// How much of what went wrong is told.
const TROUBLES_SHOWN: usize = 5;

/// What shall happen: a scenario that comes with `vigie-load`, with other values.
struct Script(toml::Table);

impl Script {
    /// One that comes with `vigie-load`, by the text of its file.
    fn of(text: &str) -> Self {
        Self(text.parse().expect("what comes with vigie-load is TOML"))
    }

    /// With another value of this key of this section.
    fn with(mut self, section: &str, key: &str, value: impl Into<toml::Value>) -> Self {
        let section = self.0.entry(section).or_insert_with(|| toml::Table::new().into());
        if let toml::Value::Table(section) = section {
            section.insert(key.to_owned(), value.into());
        }
        self
    }

    /// With another value of a key that stands in no section.
    fn set(mut self, key: &str, value: impl Into<toml::Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// Without this section.
    fn without(mut self, section: &str) -> Self {
        self.0.remove(section);
        self
    }

    /// How long it takes until all are there and the day is over.
    fn length(&self) -> Duration {
        let number = |value: Option<&toml::Value>| match value {
            Some(toml::Value::Integer(number)) => *number as f64,
            Some(toml::Value::Float(number)) => *number,
            _ => 0.0,
        };
        let of_visitors = |key| number(self.0.get("visitors").and_then(|it| it.get(key)));
        let ramp = of_visitors("count") / of_visitors("per_second").max(0.1);
        Duration::from_secs_f64(ramp + number(self.0.get("duration_seconds")))
    }
}

/// Who works at the site while it happens.
struct Staff {
    operators: Vec<String>,
    bot: Option<String>,
}

impl Staff {
    /// So many operators, and a bot if there is to be one.
    fn of(engine: &Engine<'_>, operators: u32, bot: bool) -> Result<Self, String> {
        let bot = engine.tokens("bot", u32::from(bot))?.pop();
        Ok(Self { operators: engine.tokens("operator", operators)?, bot })
    }
}

/// A run that is under way; dropped, it ends.
struct Run {
    process: Child,
    most: Duration,
    folder: TempDir,
}

impl Run {
    /// Begins it. `engine_stays`: then the run can say what the engine cost.
    fn start(
        engine: &Engine<'_>,
        script: &Script,
        staff: &Staff,
        engine_stays: bool,
    ) -> Result<Self, String> {
        let told = |error: std::io::Error| error.to_string();
        let folder = tempfile::tempdir().map_err(told)?;
        let file = folder.path().join("scenario.toml");
        std::fs::write(&file, script.0.to_string()).map_err(told)?;
        let mut command = Command::new(LOAD);
        command.arg(file).args(["--site", SITE, "--json"]).arg(folder.path().join(REPORT));
        command.args(["--to", &format!("ws://{}/ws", engine.address())]);
        if engine_stays {
            command.args(["--server-pid", &engine.pid().to_string()]);
        }
        if !staff.operators.is_empty() {
            command.env("VIGIE_LOAD_OPERATOR_TOKEN", staff.operators.join(","));
        }
        command.envs(staff.bot.iter().map(|bot| ("VIGIE_LOAD_BOT_TOKEN", bot)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let process = command.kill_on_drop(true).spawn().map_err(told)?;
        Ok(Self { process, most: script.length() + BEYOND_MAX, folder })
    }

    /// Whether it has ended already.
    fn is_over(&mut self) -> bool {
        !matches!(self.process.try_wait(), Ok(None))
    }

    /// Waits until it has ended, and looks at the engine's commits meanwhile.
    async fn ended_with_commits(self, engine: &Engine<'_>) -> Result<WithCommits, String> {
        let mut commits = Commits::default();
        let metrics = engine.metrics()?;
        let report = tokio::select! {
            report = self.ended() => report?,
            never = commits.watch(&metrics) => match never {},
        };
        let commit = commits.quantile(report.stay()?, 0.99)?;
        Ok(WithCommits { report, commit })
    }

    /// Waits until it has ended.
    async fn ended(self) -> Result<Report, String> {
        let ended = timeout(self.most, self.process.wait_with_output()).await;
        let output = ended
            .map_err(|_| format!("vigie-load does not end within {:?}", self.most))?
            .map_err(|error| error.to_string())?;
        let report = std::fs::read(self.folder.path().join(REPORT)).ok();
        match report.and_then(|report| serde_json::from_slice(&report).ok()) {
            Some(report) => Ok(Report(report)),
            None => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        }
    }
}

/// A run, and what the engine's log did in it.
struct WithCommits {
    report: Report,
    /// How long 99 % of the commits took at most while all were there, in milliseconds.
    commit: f64,
}

const REPORT: &str = "report.json";

/// Which step of a run is meant: people come, all are there.
const ARRIVING: usize = 0;
const STAYING: usize = 1;

/// What `vigie-load` says of a run.
struct Report(Value);

impl Report {
    /// That every check was passed.
    fn sound(&self) -> Result<(), String> {
        if self.0["passed"] == true {
            return Ok(());
        }
        let checks = self.0["checks"].as_array().into_iter().flatten();
        let failed = checks.filter(|check| check["passed"] != true).map(|check| {
            let name = check["name"].as_str().unwrap_or_default();
            format!("{name}: {} of {}", check["found"], check["expected"])
        });
        let troubles = self.0["troubles"].as_object().into_iter().flatten();
        let troubles =
            troubles.take(TROUBLES_SHOWN).map(|(what, count)| format!("{count} × {what}"));
        Err(failed.chain(troubles).collect::<Vec<_>>().join("; "))
    }

    /// How much there was of something.
    fn count(&self, name: &str) -> Result<u64, String> {
        self.0["counts"][name].as_u64().ok_or_else(|| format!("the report lacks counts.{name}"))
    }

    /// How long something took, in milliseconds: `p50` and so on.
    fn latency(&self, name: &str, at: &str) -> Result<f64, String> {
        let value = self.0["latencies"][name][at].as_f64();
        value.ok_or_else(|| format!("the report lacks latencies.{name}.{at}"))
    }

    /// Processor time of the engine while all were there, in parts of a hundred of one core.
    fn engine_percent(&self) -> Result<f64, String> {
        let percent = self.0["steps"][STAYING]["server"]["processor_percent"].as_f64();
        percent.ok_or_else(|| "the report lacks the engine's processor time".to_owned())
    }

    /// From when on all were there, and until when, in milliseconds since 1970.
    fn stay(&self) -> Result<(u64, u64), String> {
        let began = self.0["began"].as_u64().ok_or("the report lacks when it began")?;
        let length = |step: usize| {
            let seconds = self.0["steps"][step]["seconds"].as_f64();
            seconds.map(|seconds| (1e3 * seconds) as u64).ok_or("the report lacks a step")
        };
        let from = began + length(ARRIVING)?;
        Ok((from, from + length(STAYING)?))
    }

    /// How many lost their connections at the same time, and in how many seconds all of them were
    /// back: the greatest such time.
    fn outage(&self) -> Result<(u64, f64), String> {
        let outage = &self.0["outages"][0];
        let known = outage["people"].as_u64().zip(outage["seconds"].as_f64());
        known.ok_or_else(|| "nobody lost the connection".to_owned())
    }
}
