//! The engine against its limit and against what others use, in one run, on the same work.
//!
//! One driver speaks to all of them. Each is started anew for each kind of work, one after the other,
//! in rounds, so that what else this machine does falls on all of them; tables have the medians.
//! Driver and peer share the machine's cores: processor time is the peer's alone, latencies and rates
//! are of both. What none of the others can do is measured of the engine by scenarios of `vigie-load`.
//!
//! # Layout
//!
//! - `peer`: who is compared, how each is started, what each does less
//! - `tongue`: how each is spoken to
//! - `seat`: one connection of the driver
//! - `said`: what is said, and how it is known again
//! - `beat`: the moments at which messages are due
//! - `work`: idle people, relayed messages, durable ones
//! - `engine`: how the engine is set up, ended and started again
//! - `scenario`: what `vigie-load` measures of it; `commits`: how long commits took meanwhile
//! - `results`, `aims`, `table`: what came of it

mod aims;
mod beat;
mod commits;
mod engine;
mod peer;
mod results;
mod said;
mod scenario;
mod seat;
mod table;
mod tongue;
mod work;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use vigie_load::room::make_room;

use peer::{ALL, Peer, Programs, Rank};
use results::{Measure, Percentile, Results};
use scenario::{Round, Scale};
use work::durable::{bare, durable};
use work::idle::idle;
use work::relay::{Load, relay};

/// The program that the engine is built beside.
const LOAD: &str = env!("CARGO_BIN_EXE_vigie-load");

/// The most rounds: more is no better, and somebody waits for the end.
const ROUNDS_MAX: i64 = 100;

/// How many connections are made at most, beside idle ones.
const SEATS_MAX: u32 = 2_000;

/// With so many watchers a message is relayed, and how many deliveries there are each second.
const FAN_OUT: [(u32, f64); 4] = [(1, 1_000.0), (10, 5_000.0), (100, 10_000.0), (1_000, 10_000.0)];

/// Messages each second at which round trips are measured, over so many rooms with one watcher each.
const RATES: [u32; 2] = [200, 2_000];
const ROOMS: u32 = 20;

/// So many messages are under way, or in a batch.
const BATCHES: [u32; 4] = [1, 16, 64, 256];

/// Deeper than batches can be: what the engine takes at its best.
const DEEP: u32 = 1_024;

/// Compare the engine with its limit and with what others use
#[derive(Debug, Parser)]
#[command(name = "compare")]
struct Args {
    /// How often everything is measured
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=ROUNDS_MAX))]
    rounds: u32,
    /// Seconds of messages in each measurement; in a scenario four times as many
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How many people are idle at once, and how many there are in the greatest scenarios
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=15_000))]
    idle: u32,
    /// Compare these only, by the beginning of their names
    #[arg(long)]
    only: Vec<String>,
    /// Measure this work only
    #[arg(long, value_enum)]
    work: Vec<Work>,
    /// One short round: to see that all works, not for figures
    #[arg(long)]
    quick: bool,
    /// Measure nothing; only see that everybody is told everything, once, by each peer that is there
    #[arg(long)]
    check: bool,
    /// Where the result goes as JSON [default: bench.json in the folder that cargo builds in]
    #[arg(long)]
    json: Option<PathBuf>,
    /// The engine's program [default: the one built beside vigie-load, or VIGIE_BIN]
    #[arg(long, env = "VIGIE_BIN")]
    vigie: Option<PathBuf>,
    /// What `cargo bench` says to each of its programs.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Work {
    /// Many people who say nothing
    Idle,
    /// One message to 1, 10, 100 and 1,000 watchers
    FanOut,
    /// Messages at fixed rates, from when they were due until they are seen
    RoundTrip,
    /// Messages that are committed, acknowledged and delivered
    Durable,
    /// Messages at half of the best durable rate, until an operator sees them
    HalfRate,
    /// Operators who take over from bots in a busy site
    Takeover,
    /// The engine killed and started again, and all visitors coming back at once
    Restart,
    /// A small and a great site whose live list operators have on the screen
    LiveList,
    /// Operators who stop reading, and visitors who must not notice
    Stalled,
}

impl Work {
    const ALL: [Self; 9] = [
        Self::Idle,
        Self::FanOut,
        Self::RoundTrip,
        Self::Durable,
        Self::HalfRate,
        Self::Takeover,
        Self::Restart,
        Self::LiveList,
        Self::Stalled,
    ];

    /// Whether all peers can do it; others keep nothing.
    const fn is_for_all(self) -> bool {
        matches!(self, Self::Idle | Self::FanOut | Self::RoundTrip)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut args = Args::parse();
    if args.quick {
        (args.rounds, args.seconds, args.idle) = (1, args.seconds.min(1.0), args.idle.min(500));
    }
    match compare(&args).await {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("compare: {problem}");
            ExitCode::from(2)
        }
    }
}

async fn compare(args: &Args) -> Result<ExitCode, String> {
    make_room(args.idle.max(SEATS_MAX) + SEATS_MAX).map_err(|error| error.to_string())?;
    let (programs, json) = places(args)?;
    let chosen = |peer: &&Peer| {
        args.only.is_empty() || args.only.iter().any(|name| peer.name.starts_with(&**name))
    };
    let peers: Vec<&Peer> = ALL.iter().filter(chosen).collect();
    if peers.is_empty() {
        return Err("nobody has such a name".to_owned());
    }
    let mut bench = Bench { args, programs, results: Results::default() };
    if args.check {
        return Ok(bench.check(&peers).await);
    }
    for round in 1..=args.rounds {
        let asked = |work: &Work| args.work.is_empty() || args.work.contains(work);
        for work in Work::ALL.into_iter().filter(asked) {
            let able = |peer: &&&Peer| work.is_for_all() || peer.rank == Rank::Ours;
            for peer in peers.iter().filter(able) {
                eprintln!("round {round} of {}: {work:?}, {}", args.rounds, peer.name);
                bench.measure(peer, work, round).await;
            }
            if work == Work::Durable {
                eprintln!("round {round} of {}: {work:?}, the disk alone", args.rounds);
                bench.measure_disk();
            }
        }
    }
    let rows = aims::rows(&bench.results);
    print!("{}", table::tables(&rows, &bench.results, &peers));
    let text = serde_json::to_string_pretty(&rows).map_err(|error| error.to_string())?;
    std::fs::write(&json, text + "\n").map_err(|error| format!("{}: {error}", json.display()))?;
    eprintln!("written to {}", json.display());
    let failed = !bench.results.faults.is_empty();
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn places(args: &Args) -> Result<(Programs, PathBuf), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the crate has no folder")?;
    let built = Path::new(LOAD).parent().ok_or("the program has no folder")?;
    let target = built.parent().ok_or("the program has no folder")?;
    let vigie = args.vigie.as_ref().map_or(built.join("vigie"), |vigie| root.join(vigie));
    let disk = target.join("bench-data");
    std::fs::create_dir_all(&disk).map_err(|error| format!("{}: {error}", disk.display()))?;
    let json = args.json.clone().unwrap_or_else(|| target.join("bench.json"));
    Ok((Programs { vigie, built: built.into(), peers: root.join("load/peers"), disk }, json))
}

struct Bench<'a> {
    args: &'a Args,
    programs: Programs,
    results: Results,
}

impl Bench<'_> {
    /// One kind of work by one of them, in one round. What goes wrong is kept, and the others go on.
    async fn measure(&mut self, peer: &Peer, work: Work, round: u32) {
        if self.results.missing.contains_key(peer.name) {
            return;
        }
        match self.carry_out(peer, work, round).await {
            Ok(()) => {}
            Err(Wrong::Missing(why)) => {
                eprintln!("{} is missing: {why}", peer.name);
                self.results.missing.insert(peer.name.to_owned(), why);
            }
            Err(Wrong::Fault(fault)) => {
                eprintln!("{}, {work:?}: {fault}", peer.name);
                self.results.faults.push(format!("{}, {work:?}: {fault}", peer.name));
            }
        }
    }

    async fn carry_out(&mut self, peer: &Peer, work: Work, round: u32) -> Result<(), Wrong> {
        let start = |programs| peer.start(programs).map_err(Wrong::Missing);
        let done = match work {
            Work::Idle => self.idle(peer, &start(&self.programs)?).await,
            Work::FanOut => self.fan_out(peer, &start(&self.programs)?).await,
            Work::RoundTrip => self.round_trip(peer, &start(&self.programs)?).await,
            Work::Durable => self.durable(peer, &start(&self.programs)?).await,
            Work::HalfRate => {
                let best = match self.results.best_durable(peer.name) {
                    Some(best) => Ok(best),
                    None => durable(&start(&self.programs)?, DEEP, self.args.seconds).await,
                };
                self.round(round).half_rate(best.map_err(Wrong::Fault)?).await
            }
            Work::Takeover => self.round(round).takeover().await,
            Work::Restart => self.round(round).restart().await,
            Work::LiveList => self.round(round).live_list().await,
            Work::Stalled => self.round(round).stalled().await,
        };
        done.map_err(Wrong::Fault)
    }

    /// For what `vigie-load` measures, each time of an engine of its own.
    fn round(&mut self, number: u32) -> Round<'_> {
        let scale = Scale::new(self.args.idle, self.args.seconds);
        Round { programs: &self.programs, results: &mut self.results, scale, number }
    }

    async fn idle(&mut self, peer: &Peer, running: &peer::Running) -> Result<(), String> {
        let found = idle(running, self.args.idle).await?;
        let mut keep = |measure, value| self.results.keep(measure, peer.name, value);
        keep(Measure::ResidentPerIdle, found.resident);
        keep(Measure::Connections, found.per_second);
        keep(Measure::ProcessorPerConnection, found.processor);
        Ok(())
    }

    async fn fan_out(&mut self, peer: &Peer, running: &peer::Running) -> Result<(), String> {
        for (watchers, deliveries) in FAN_OUT {
            let rate = deliveries / f64::from(watchers);
            let load = Load { rooms: 1, watchers, rate, seconds: self.args.seconds };
            let found =
                relay(running, load).await.map_err(|e| format!("{watchers} watchers: {e}"))?;
            let measure = Measure::ProcessorPerDelivery(watchers);
            self.results.keep(measure, peer.name, found.processor);
        }
        Ok(())
    }

    async fn round_trip(&mut self, peer: &Peer, running: &peer::Running) -> Result<(), String> {
        for rate in RATES {
            let seconds = self.args.seconds;
            let load = Load { rooms: ROOMS, watchers: 1, rate: rate.into(), seconds };
            let found = relay(running, load).await.map_err(|e| format!("{rate}/s: {e}"))?;
            for percentile in Percentile::ALL {
                let micros = found.latency.value_at_percentile(percentile.of_hundred());
                let measure = Measure::RoundTrip(rate, percentile);
                self.results.keep(measure, peer.name, micros as f64 / 1e3);
            }
        }
        Ok(())
    }

    async fn durable(&mut self, peer: &Peer, running: &peer::Running) -> Result<(), String> {
        for under_way in BATCHES.into_iter().chain([DEEP]) {
            let rate = durable(running, under_way, self.args.seconds).await;
            let rate = rate.map_err(|error| format!("{under_way} under way: {error}"))?;
            self.results.keep(Measure::Durable(under_way), peer.name, rate);
        }
        Ok(())
    }

    /// What the disk takes without an engine.
    fn measure_disk(&mut self) {
        let program = self.programs.built.join("peer-bare-insert");
        for (into, name) in [("sqlite", aims::SQLITE), ("fdatasync", aims::FDATASYNC)] {
            for batch in BATCHES {
                match bare(&program, &self.programs.disk, into, batch, self.args.seconds) {
                    Ok(rate) => self.results.keep(Measure::Durable(batch), name, rate),
                    Err(why) => drop(self.results.missing.insert(name.to_owned(), why)),
                }
            }
        }
    }

    /// Whether each of them tells everybody everything, once: few messages, many ways.
    async fn check(&mut self, peers: &[&Peer]) -> ExitCode {
        for peer in peers {
            match self.check_one(peer).await {
                Ok(deliveries) => println!("{}: {deliveries} deliveries, each once", peer.name),
                Err(Wrong::Missing(why)) => println!("{} is missing: {why}", peer.name),
                Err(Wrong::Fault(fault)) => {
                    println!("FAULT: {}: {fault}", peer.name);
                    self.results.faults.push(fault);
                }
            }
        }
        let failed = !self.results.faults.is_empty();
        if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    async fn check_one(&self, peer: &Peer) -> Result<u64, Wrong> {
        let running = peer.start(&self.programs).map_err(Wrong::Missing)?;
        let mut deliveries = 0;
        for (rooms, watchers, rate) in [(1, 1, 200.0), (1, 50, 20.0), (7, 3, 200.0)] {
            let load = Load { rooms, watchers, rate, seconds: 0.5 };
            let expected = u64::from(watchers) * ((rate * 0.5) as u64).max(rooms.into());
            let relayed = relay(&running, load).await.map_err(Wrong::Fault)?;
            if relayed.deliveries != expected {
                let fault = format!("{} deliveries, not {expected}", relayed.deliveries);
                return Err(Wrong::Fault(fault));
            }
            deliveries += relayed.deliveries;
        }
        idle(&running, 50).await.map_err(Wrong::Fault)?;
        if peer.rank == Rank::Ours {
            durable(&running, 8, 0.2).await.map_err(Wrong::Fault)?;
        }
        Ok(deliveries)
    }
}

/// Why somebody does not pass.
enum Wrong {
    Missing(String),
    Fault(String),
}
