//! One run of `vigie-load` against one arrangement: first nobody says anything, then everybody talks.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use vigie_load::usage::machine_busy;

use crate::Args;
use crate::arrangement::{Arrangement, Running, SITE};

const LOAD: &str = env!("CARGO_BIN_EXE_vigie-load");

/// How long nobody says anything.
const IDLE_SECONDS: u32 = 8;

/// What came of it.
pub struct Sample {
    /// Messages that were acknowledged.
    pub messages: u64,
    /// What went wrong, all together.
    pub errors: u64,
    /// Processor time of all engines, in microseconds for each message.
    pub engines: f64,
    /// The same of Redis.
    pub redis: f64,
    /// Parts of a hundred of one core, engines and Redis together, while nobody says anything.
    pub idle: f64,
    /// Scripts that Redis ran for each message.
    pub scripts: f64,
    /// Until the acknowledgement, in milliseconds: p50, p95, p99.
    pub acknowledged: [f64; 3],
    /// Until an operator has it, in milliseconds: p50, p95, p99.
    pub observed: [f64; 3],
    /// What the load added to them by itself: p99.
    pub sent: f64,
    /// Resident memory at the end, in MiB: all engines, Redis.
    pub resident: [f64; 2],
    /// Which part of the machine other programs took (0 to 1).
    pub elsewhere: f64,
}

impl Sample {
    /// Engines and Redis.
    pub fn total(&self) -> f64 {
        self.engines + self.redis
    }
}

/// Takes one.
pub fn sample(arrangement: &Arrangement, args: &Args) -> Sample {
    let running = arrangement.start(&vigie(args));
    let folder = tempfile::tempdir().expect("the folder for temporary files can be written");
    let seconds = IDLE_SECONDS.to_string();
    let idle = load(&running, folder.path(), args, &["idle", "--duration", &seconds]);

    let scenario = folder.path().join("cost.toml");
    std::fs::write(&scenario, written(args)).expect("the scenario can be written");
    let (seconds, rate) = (args.seconds.to_string(), args.rate.to_string());
    let scenario = scenario.to_string_lossy();
    let arguments = [&*scenario, "--duration", &seconds, "--messages-per-second", &rate];
    let (scripts, busy) = (running.scripts_run(), machine_busy());
    let report = load(&running, folder.path(), args, &arguments);
    let (scripts, busy) = (running.scripts_run() - scripts, machine_busy() - busy);

    let messages = count(&report, "acknowledged");
    let each = |seconds: f64| 1e6 * seconds / messages.max(1) as f64;
    let staying = &report["steps"][1];
    let mut processes = staying["processes"].as_array().into_iter().flatten();
    let redis = processes.find(|process| process["name"] == "redis");
    let redis = redis.map_or(&Value::Null, |redis| &redis["cost"]);
    let engines = &staying["server"];
    let percent = |cost: &Value| number(cost, "processor_percent");
    let idle = idle["steps"][1]["processes"].as_array().into_iter().flatten();
    let idle: f64 = idle.map(|process| percent(&process["cost"])).sum();
    let latency = |of: &str, at: &str| number(&report["latencies"][of], at);
    let mib = |cost: &Value| number(cost, "resident") / f64::from(1 << 20);
    Sample {
        messages,
        errors: errors(&report),
        engines: each(number(engines, "processor_seconds")),
        redis: each(number(redis, "processor_seconds")),
        idle,
        scripts: scripts as f64 / messages.max(1) as f64,
        acknowledged: ["p50", "p95", "p99"].map(|at| latency("acknowledged", at)),
        observed: ["p50", "p95", "p99"].map(|at| latency("observed", at)),
        sent: latency("sent", "p99"),
        resident: [mib(engines), mib(redis)],
        elsewhere: elsewhere(&report, busy.as_secs_f64()),
    }
}

/// What was refused, lost, doubled, not acknowledged or not seen.
fn errors(report: &Value) -> u64 {
    let wrong = ["turned_away", "lost", "refused", "seen_again", "misplaced", "repeated", "gaps"];
    let wrong: u64 = wrong.iter().map(|name| count(report, name)).sum();
    let intended = count(report, "intended");
    let missing = ["said", "acknowledged", "seen", "observed"]
        .iter()
        .map(|name| intended.abs_diff(count(report, name)));
    let failed = u64::from(report["passed"] != true);
    let errors = (wrong + missing.sum::<u64>()).max(failed);
    if errors > 0 {
        eprintln!("{errors} errors: {} {}", report["checks"], report["troubles"]);
    }
    errors
}

/// Which part of the machine others took while the run took place.
fn elsewhere(report: &Value, busy: f64) -> f64 {
    let steps = report["steps"].as_array().into_iter().flatten();
    let (mut own, mut wall) = (0.0, 0.0);
    for step in steps {
        wall += number(step, "seconds");
        own += number(&step["generator"], "processor_seconds");
        let processes = step["processes"].as_array().into_iter().flatten();
        own += processes.map(|process| number(&process["cost"], "processor_seconds")).sum::<f64>();
    }
    let cores = std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
    ((busy - own) / (wall * cores)).clamp(0.0, 1.0)
}

fn count(report: &Value, name: &str) -> u64 {
    report["counts"][name].as_u64().unwrap_or_else(|| panic!("the report lacks counts.{name}"))
}

/// 0 of what there is not, such as the Redis of an engine that has none.
fn number(of: &Value, name: &str) -> f64 {
    of[name].as_f64().unwrap_or(0.0)
}

/// The scenario that comes with vigie-load, with those who are asked for.
fn written(args: &Args) -> String {
    let observed = include_str!("../../scenarios/observed.toml");
    let mut scenario: toml::Table = observed.parse().expect("it is TOML");
    let mut staff = toml::Table::new();
    staff.insert("count".into(), args.observers.into());
    staff.insert("live_list".into(), args.live_list.into());
    scenario.insert("observers".into(), staff.into());
    if args.bots > 0 {
        let mut bots = toml::Table::new();
        bots.insert("count".into(), args.bots.into());
        scenario.insert("bots".into(), bots.into());
    }
    scenario.to_string()
}

/// Runs vigie-load; its report.
fn load(running: &Running, folder: &Path, args: &Args, arguments: &[&str]) -> Value {
    let json = folder.join("report.json");
    let mut command = Command::new(LOAD);
    command.args(arguments).args(["--site", SITE, "--per-second", "100", "--json"]).arg(&json);
    command.arg("--visitors").arg(args.visitors.to_string());
    for engine in &running.engines {
        let to = format!("ws://{}/ws", engine.http);
        command.args(["--to", &to, "--server-pid", &engine.pid().to_string()]);
    }
    if let Some(redis) = &running.redis {
        command.args(["--also-pid", &format!("redis={}", redis.pid())]);
    }
    command.env("VIGIE_LOAD_OPERATOR_TOKEN", running.token("operator"));
    command.env("VIGIE_LOAD_BOT_TOKEN", running.token("bot"));
    let ran = command.output().expect("vigie-load can be run");
    let said = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(ran.status.code() < Some(2), "{}{}", said(&ran.stdout), said(&ran.stderr));
    let report = std::fs::read(&json).expect("vigie-load has written its result");
    serde_json::from_slice(&report).expect("it is JSON")
}

/// The program that is measured.
fn vigie(args: &Args) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let built = || Path::new(LOAD).with_file_name("vigie");
    let program = args.vigie.as_ref().map_or_else(built, |vigie| root.join(vigie));
    let missing = "is missing: cargo build --release --bin vigie";
    assert!(program.exists(), "{} {missing}", program.display());
    program
}
