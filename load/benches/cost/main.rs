//! What a message costs: one engine on SQLite against one and three engines on Redis, in one run.
//!
//! All arrangements carry the same load, one after the other, in rounds: what else this machine does
//! meanwhile falls on all of them. The table has the medians of all rounds. Of several engines,
//! operators observe from another one than the visitor's, so that each message crosses the cluster.
//!
//! # Layout
//!
//! - `arrangement`: engines and their Redis
//! - `sample`: one run of `vigie-load` against one arrangement
//! - `table`: the medians of many

mod arrangement;
#[path = "../../../tests/support/redis.rs"]
mod redis;
mod sample;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use arrangement::{ALL, Arrangement};
use sample::{Sample, sample};

/// The most rounds: more is no better, and somebody waits for the end.
const ROUNDS_MAX: u32 = 100;

/// Say what a message costs on SQLite and on Redis
#[derive(Debug, Parser)]
#[command(name = "cost")]
struct Args {
    /// How often everything is measured
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=ROUNDS_MAX as i64))]
    rounds: u32,
    /// Seconds of messages in each measurement
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Messages per second, all visitors together
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// How many visitors talk
    #[arg(long, default_value_t = 120)]
    visitors: u32,
    /// How many operators observe them
    #[arg(long, default_value_t = 6)]
    observers: u32,
    /// How many cards of the live list each operator has on the screen
    #[arg(long, default_value_t = 0)]
    live_list: u32,
    /// How many bots answer
    #[arg(long, default_value_t = 0)]
    bots: u32,
    /// Measure these arrangements only, by the beginning of their names
    #[arg(long)]
    only: Vec<String>,
    /// The engine's program [default: the one built beside vigie-load, or VIGIE_BIN]
    #[arg(long, env = "VIGIE_BIN")]
    vigie: Option<PathBuf>,
    /// What `cargo bench` says to each of its programs.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let chosen = |arrangement: &&Arrangement| {
        args.only.is_empty() || args.only.iter().any(|name| arrangement.name.starts_with(name))
    };
    let arrangements: Vec<_> = ALL.iter().filter(chosen).collect();
    let mut samples: Vec<Vec<Sample>> = arrangements.iter().map(|_| Vec::new()).collect();
    for round in 1..=args.rounds {
        for (arrangement, samples) in arrangements.iter().zip(&mut samples) {
            let taken = sample(arrangement, &args);
            eprintln!(
                "round {round} of {}, {}: {:.0} µs a message, {:.0} % of the machine elsewhere",
                args.rounds,
                arrangement.name,
                taken.total(),
                100.0 * taken.elsewhere
            );
            samples.push(taken);
        }
    }
    print!("{}", table::tables(&args, &arrangements, &samples));
    let errors: u64 = samples.iter().flatten().map(|sample| sample.errors).sum();
    if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
