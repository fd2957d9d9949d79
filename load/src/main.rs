//! `vigie-load`: the command line.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use vigie_client::Endpoint;
use vigie_load::room::make_room;
use vigie_load::scenario::Changes;
use vigie_load::{Plan, Report, Scenario, Target, run};

/// The exit code of a run in which a check failed.
const FAILED: u8 = 1;
/// The exit code where there was no run.
const REFUSED: u8 = 2;

/// Put a Vigie engine under load, check that nothing is lost, and say how long things took
///
/// Visitors come to a site and stay; in some scenarios they talk to its bot. They come and speak
/// at moments that are set beforehand, whether the engine keeps up or not, and latencies count from
/// those moments. Each message must be acknowledged, and seen by its visitor exactly once.
#[derive(Debug, Parser)]
#[command(name = "vigie-load", version, after_long_help = EXAMPLES)]
struct Args {
    /// What to do: "idle" (visitors are there and say nothing), "chat" (some of them talk to the
    /// bot), or a file of TOML
    scenario: String,
    /// The engine's address: ws://HOST:PORT/ws, with ?encoding=json for JSON, or tcp://HOST:PORT
    #[arg(long, value_name = "ADDRESS", default_value = "ws://127.0.0.1:8080/ws")]
    to: Endpoint,
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
    /// What chance follows from: who comes, who talks, when, and what they say
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Write the result to this file as JSON, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The engine's process on this machine, to say what it costs
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,
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

Visitors seem to come from many countries if the engine believes their X-Forwarded-For:
  VIGIE__GATEWAY__TRUSTED_PROXIES=127.0.0.1 vigie serve --demo

Ctrl-C ends a run in order, with the result so far; a second one ends it at once.

Exit code: 0 if every check is passed, 1 if one is not, 2 if there was no run.";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match carry_out(Args::parse()).await {
        Ok(report) if report.passed => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(FAILED),
        Err(problem) => {
            eprintln!("vigie-load: {problem}");
            ExitCode::from(REFUSED)
        }
    }
}

async fn carry_out(args: Args) -> Result<Report, Box<dyn std::error::Error>> {
    let changes = Changes {
        seed: args.seed,
        duration_seconds: args.duration,
        visitors: args.visitors,
        per_second: args.per_second,
        messages_per_second: args.messages_per_second,
    };
    let scenario = Scenario::load(&args.scenario, changes)?;
    let found = Target::find(args.to, args.site, args.anywhere).await?;
    let target = Target {
        origin: args.origin,
        shop: args.shop.map_or(found.shop, |shop| shop.trim_end_matches('/').to_owned()),
        ..found
    };
    make_room(scenario.visitors.count)?;
    // Before the run: an hour of load whose result cannot be written would be a pity.
    let json = args.json.map(|path| create(&path)).transpose()?;
    let stop = stopped()?;
    let report = run(Plan { scenario, target, server_pid: args.server_pid }, stop).await?;
    if let Some(mut json) = json {
        serde_json::to_writer_pretty(&mut json, &report)?;
        writeln!(json)?;
    }
    print!("{report}");
    Ok(report)
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
