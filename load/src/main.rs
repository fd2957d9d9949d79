//! `vigie-load`: the command line.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use vigie_client::Endpoint;
use vigie_load::probe::{Metrics, Process, Source};
use vigie_load::processes::{PROCESSES_MAX, Part, spread, take_part};
use vigie_load::room::make_room;
use vigie_load::scenario::Changes;
use vigie_load::{Plan, Scenario, Target, Tokens, run};

/// The exit code of a run in which a check failed.
const FAILED: u8 = 1;
/// The exit code where there was no run.
const REFUSED: u8 = 2;

/// Put a Vigie engine under load, check that nothing is lost, and say how long things took
///
/// Visitors come to a site and stay; in some scenarios they talk, operators observe them and take
/// over from the bot, connections break, and some stop reading. All of it happens at moments that are
/// set beforehand, whether the engine keeps up or not, and latencies count from those moments. Each
/// message must be acknowledged, and seen by all who should exactly once.
#[derive(Debug, Parser)]
#[command(name = "vigie-load", version, after_long_help = EXAMPLES)]
struct Args {
    /// What to do: "idle" (visitors are there and say nothing), "chat" (some of them talk to the
    /// bot), "observed" (they talk, and operators observe them), "watch" (operators watch the live
    /// list of a busy site), "takeover-storm", "reconnect-storm", "slow-readers" (some operators stop
    /// reading), "mixed-day" (all of it, rising and falling), or a file of TOML
    scenario: String,
    /// The engine's address: ws://HOST:PORT/ws, with ?encoding=json for JSON, or tcp://HOST:PORT;
    /// repeat it for each node of a cluster: visitors, operators and bots are spread over them, and
    /// whoever talks is observed from another node than theirs
    #[arg(
        long,
        value_name = "ADDRESS",
        value_delimiter = ',',
        default_value = "ws://127.0.0.1:8080/ws"
    )]
    to: Vec<Endpoint>,
    /// The public key of the site to visit
    #[arg(long, value_name = "KEY", default_value = "demo")]
    site: String,
    /// How many visitors, instead of what the scenario says
    #[arg(long, value_name = "COUNT")]
    visitors: Option<u32>,
    /// How many visitors come each second
    #[arg(long, value_name = "RATE")]
    per_second: Option<f64>,
    /// How many seconds they stay once all are there
    #[arg(long, value_name = "SECONDS")]
    duration: Option<u32>,
    /// How many messages they say each second, all together
    #[arg(long, value_name = "RATE")]
    messages_per_second: Option<f64>,
    /// How many take-overs there are each second, over all operators together
    #[arg(long, value_name = "RATE")]
    takeovers_per_second: Option<f64>,
    /// What chance follows from: who comes, who talks, when, and what they say
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Write the result to this file as JSON, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the result to this file: .html or .svg; it needs nothing from elsewhere
    #[arg(long, value_name = "FILE", value_parser = drawing)]
    report: Option<PathBuf>,
    /// Spread the load over so many processes of this program, where one may not open as many
    /// sockets, or a core is not enough; histograms and checks are of all of them together
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(PROCESSES_MAX))
    )]
    processes: u32,
    /// Which of several processes this is: for these alone
    #[arg(long, value_name = "PART/PARTS", hide = true)]
    part: Option<Part>,
    /// The engine's process on this machine, to say what it costs; repeat it for each node
    #[arg(long, value_name = "PID", value_delimiter = ',')]
    server_pid: Vec<u32>,
    /// Where an engine tells what it costs, in Prometheus' form: http://127.0.0.1:8080/metrics; in
    /// place of its process, and repeated for each node
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', conflicts_with = "server_pid")]
    metrics: Vec<Metrics>,
    /// Another process on this machine to say the cost of, such as redis=4711; repeat it for more
    #[arg(long, value_name = "NAME=PID", value_parser = also)]
    also_pid: Vec<Process>,
    /// The token of the operators, if the scenario has any: `vigie token` makes one; with several,
    /// the desks are those operators' in turn
    #[arg(
        long,
        value_name = "TOKEN",
        value_delimiter = ',',
        env = "VIGIE_LOAD_OPERATOR_TOKEN",
        hide_env_values = true
    )]
    operator_token: Vec<String>,
    /// The token of the bots, if the scenario has any
    #[arg(long, value_name = "TOKEN", env = "VIGIE_LOAD_BOT_TOKEN", hide_env_values = true)]
    bot_token: Option<String>,
    /// The Origin header of visitors, for a site that takes browsers only
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// Where the pages lie that visitors say they are on [default: /demo of the engine]
    #[arg(long, value_name = "URL")]
    shop: Option<String>,
    /// Put an engine under load that is not on this machine
    #[arg(long)]
    anywhere: bool,
}

const EXAMPLES: &str = "\
Examples:
  vigie serve --demo                            an engine to put under load, in another terminal
  vigie-load idle --visitors 10000 --duration 600
  vigie-load chat --visitors 200 --messages-per-second 50 --json chat.json

Three nodes of a cluster, their processes and their Redis:
  vigie-load chat --to ws://127.0.0.1:8080/ws --to ws://127.0.0.1:8081/ws \\
    --to ws://127.0.0.1:8082/ws --server-pid 4711,4712,4713 --also-pid redis=4710

Operators and bots need tokens:
  export VIGIE_LOAD_OPERATOR_TOKEN=$(vigie token --site demo --role operator --id ann)
  export VIGIE_LOAD_BOT_TOKEN=$(vigie token --site demo --role bot --id bo)
  vigie-load takeover-storm --takeovers-per-second 100 --report storm.html

Thirty thousand visitors, where a process may open 20,000 sockets:
  vigie-load idle --visitors 30000 --processes 2 --metrics http://127.0.0.1:8080/metrics

Visitors seem to come from many countries if the engine believes their X-Forwarded-For:
  VIGIE__GATEWAY__TRUSTED_PROXIES=127.0.0.1 vigie serve --demo

Ctrl-C ends a run in order, with the result so far; a second one ends it at once.

Exit code: 0 if every check is passed, 1 if one is not, 2 if there was no run.";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match carry_out(Args::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(problem) => {
            eprintln!("vigie-load: {problem}");
            ExitCode::from(REFUSED)
        }
    }
}

/// Whether every check is passed.
async fn carry_out(args: Args) -> Result<bool, Box<dyn std::error::Error>> {
    let changes = Changes {
        seed: args.seed,
        duration_seconds: args.duration,
        visitors: args.visitors,
        per_second: args.per_second,
        messages_per_second: args.messages_per_second,
        takeovers_per_second: args.takeovers_per_second,
    };
    let scenario = Scenario::load(&args.scenario, changes)?;
    let found = Target::find(args.to, args.site, args.anywhere).await?;
    let target = Target {
        origin: args.origin,
        shop: args.shop.map_or(found.shop, |shop| shop.trim_end_matches('/').to_owned()),
        ..found
    };
    if !args.anywhere {
        for metrics in &args.metrics {
            metrics.is_here().await?;
        }
    }
    let tokens = Tokens { operators: args.operator_token, bot: args.bot_token };
    let mut plan = Plan { scenario, target, tokens, processes: Vec::new() };
    let parts = args.part.map_or(args.processes, |part| part.parts);
    // Before any process is started: each has to have enough to do.
    let shares: Result<Vec<_>, _> =
        (0..parts).map(|part| plan.scenario.share(part, parts)).collect();
    let shares = shares?;
    if let Some(part) = args.part {
        // Ctrl-C is told to all of a terminal's programs; the first process says what it means.
        let _interrupts = signal(SignalKind::interrupt())?;
        plan.scenario = shares[part.part as usize].clone();
        make_room(plan.scenario.visitors.count + plan.scenario.staff())?;
        take_part(&plan, part).await?;
        return Ok(true);
    }
    let most = shares.iter().map(|share| share.visitors.count + share.staff()).max();
    make_room(most.unwrap_or(0))?;
    // Before the run: an hour of load whose result cannot be written would be a pity.
    let json = args.json.map(|path| create(&path)).transpose()?;
    let drawing = args.report.map(|path| Ok::<_, String>((create(&path)?, path))).transpose()?;
    let stop = stopped()?;
    plan.processes = engines(&args.server_pid, args.metrics).chain(args.also_pid).collect();
    let report = if parts > 1 {
        spread(plan, parts, std::env::args_os().skip(1).collect(), stop).await?
    } else {
        run(plan, stop).await?
    };
    if let Some(mut json) = json {
        serde_json::to_writer_pretty(&mut json, &report)?;
        writeln!(json)?;
    }
    if let Some((mut file, path)) = drawing {
        let is_svg = path.extension().is_some_and(|extension| extension == "svg");
        let drawn = if is_svg { report.to_svg() } else { report.to_html() };
        file.write_all(drawn.as_bytes())?;
    }
    print!("{report}");
    Ok(report.passed)
}

fn engines(pids: &[u32], metrics: Vec<Metrics>) -> impl Iterator<Item = Process> {
    let pids = pids.iter().map(|pid| Source::Pid(*pid));
    let sources: Vec<_> = pids.chain(metrics.into_iter().map(Source::Metrics)).collect();
    let alone = sources.len() == 1;
    sources.into_iter().enumerate().map(move |(number, source)| {
        let name = if alone { "engine".to_owned() } else { format!("engine {}", number + 1) };
        Process { name, source, engine: true }
    })
}

fn drawing(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension {
        Some("html" | "svg") => Ok(path),
        _ => Err("its name has to end in .html or .svg".to_owned()),
    }
}

fn also(text: &str) -> Result<Process, String> {
    let process = text.split_once('=').and_then(|(name, pid)| {
        let pid = pid.parse().ok().filter(|_| !name.is_empty())?;
        Some(Process { name: name.to_owned(), source: Source::Pid(pid), engine: false })
    });
    process.ok_or_else(|| "write NAME=PID, such as redis=4711".to_owned())
}

fn create(path: &PathBuf) -> Result<File, String> {
    File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Resolves when somebody stops the run. Told a second time, it does not end in order.
fn stopped() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut told = async move || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    Ok(async move {
        told().await;
        tokio::spawn(async move {
            told().await;
            std::process::exit(REFUSED.into());
        });
    })
}
