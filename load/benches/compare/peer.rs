//! Who is compared, how each is started, and what each does less than the engine.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use vigie_load::usage::Usage;

use crate::engine;
use crate::tongue::{Centrifuge, Nats, Part, Rooms, SocketIo, Staff, Tongue, Vigie};

/// How long a peer may take to be ready.
const START_MAX: Duration = Duration::from_secs(60);

/// How often it is looked whether it is.
const POLL: Duration = Duration::from_millis(20);

/// A peer that uses no more than this over that time is taken for quiet, and how long that is waited
/// for.
const QUIET_USAGE: Duration = Duration::from_millis(10);
const QUIET: Duration = Duration::from_millis(300);
const QUIET_MAX: Duration = Duration::from_secs(10);

/// How many operators share the desks that observe.
const OPERATORS: usize = 10;

/// The peers that are programs of Node.js or of others are prepared by this.
const SETUP: &str = "run load/peers/setup.sh";

/// Which column of the result a peer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// The engine.
    Ours,
    /// What nothing on this stack can beat.
    Limit,
    /// What others use.
    Other,
}

/// Somebody to compare with.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    pub name: &'static str,
    pub rank: Rank,
    /// What it does not do that the engine does.
    pub lacks: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Vigie,
    Relay(&'static str),
    Node(&'static str),
    SocketIo,
    Nats,
    Centrifuge,
}

const NOTHING_KEPT: &str = "no log, no acknowledgement, no roles, no resuming";

/// All of them.
pub const ALL: &[Peer] = &[
    Peer { name: "vigie", rank: Rank::Ours, lacks: "", kind: Kind::Vigie },
    Peer {
        name: "bare relay",
        rank: Rank::Limit,
        lacks: "no logic at all: no log, no acknowledgement, no roles, no heartbeat, no resuming",
        kind: Kind::Relay("peer-bare-relay"),
    },
    Peer {
        name: "actix-web-actors",
        rank: Rank::Other,
        lacks: NOTHING_KEPT,
        kind: Kind::Relay("peer-textbook-relay"),
    },
    Peer { name: "socket.io", rank: Rank::Other, lacks: NOTHING_KEPT, kind: Kind::SocketIo },
    Peer {
        name: "ws",
        rank: Rank::Other,
        lacks: "no log, no acknowledgement, no roles, no heartbeat, no resuming",
        kind: Kind::Node("ws.js"),
    },
    Peer { name: "nats", rank: Rank::Other, lacks: NOTHING_KEPT, kind: Kind::Nats },
    Peer {
        name: "centrifuge",
        rank: Rank::Other,
        lacks: "no log, no roles; acknowledges what nobody keeps",
        kind: Kind::Centrifuge,
    },
];

/// Where the programs are.
#[derive(Debug)]
pub struct Programs {
    /// The engine.
    pub vigie: PathBuf,
    /// Where this workspace's other programs were built.
    pub built: PathBuf,
    /// The folder `load/peers`.
    pub peers: PathBuf,
    /// A folder on the disk that is measured.
    pub disk: PathBuf,
}

/// A peer that runs; dropped, it ends.
pub struct Running {
    process: Child,
    address: SocketAddr,
    kind: Kind,
    staff: Arc<Staff>,
    _folder: TempDir,
}

impl Peer {
    /// Starts it, on files of its own.
    ///
    /// # Errors
    /// Why there is none: it is not installed, or does not start.
    pub fn start(&self, programs: &Programs) -> Result<Running, String> {
        let folder = tempfile::tempdir_in(&programs.disk).map_err(|error| error.to_string())?;
        let mut staff = Staff { site: engine::SITE.to_owned(), tokens: Vec::new() };
        let (command, address) = match self.kind {
            Kind::Vigie => {
                engine::found(programs, folder.path())?;
                for number in 0..OPERATORS {
                    let token = engine::token(programs, folder.path(), "operator", number)?;
                    staff.tokens.push(token);
                }
                let mut command = engine::command(programs, folder.path())?;
                command.arg("serve");
                (command, None)
            }
            Kind::Relay(name) => {
                let built = "cargo build --release -p vigie-load-peers";
                (Command::new(there(programs.built.join(name), built)?), None)
            }
            Kind::SocketIo => (node(programs, "socket-io.js")?, None),
            Kind::Node(script) => (node(programs, script)?, None),
            Kind::Nats => nats(folder.path())?,
            Kind::Centrifuge => {
                let built = programs.built.parent().unwrap_or(&programs.built);
                (Command::new(there(built.join("peers/centrifuge"), SETUP)?), None)
            }
        };
        let (process, address) = match address {
            Some(address) => (silent(command)?, address),
            None => speaking(command)?,
        };
        let running =
            Running { process, address, kind: self.kind, staff: staff.into(), _folder: folder };
        running.wait_until_ready()?;
        Ok(running)
    }
}

impl Running {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How somebody speaks to it.
    pub fn tongue(&self, part: &Part) -> Box<dyn Tongue> {
        match self.kind {
            Kind::Vigie => Box::new(Vigie::new(part, &self.staff)),
            Kind::Relay(_) | Kind::Node(_) => Box::new(Rooms::new(part)),
            Kind::SocketIo => Box::new(SocketIo::new(part)),
            Kind::Nats => Box::new(Nats::new(part)),
            Kind::Centrifuge => Box::new(Centrifuge::new(part)),
        }
    }

    /// Processor time of all its threads so far; no peer has other processes. To the nanosecond where
    /// the system tells, since the ticks of [`Usage`] are as long as a thousand deliveries.
    ///
    /// # Errors
    /// It has ended.
    pub fn processor(&self) -> Result<Duration, String> {
        let coarse = self.usage()?.processor;
        Ok(fine(self.process.id()).unwrap_or(coarse))
    }

    /// What it has cost so far.
    ///
    /// # Errors
    /// It has ended.
    pub fn usage(&self) -> Result<Usage, String> {
        Usage::of(self.process.id()).ok_or_else(|| "the peer has ended".to_owned())
    }

    /// Waits until it has nothing to do, so that no measurement pays for what was before.
    ///
    /// # Errors
    /// It has ended.
    pub async fn quiet(&self) -> Result<(), String> {
        let deadline = Instant::now() + QUIET_MAX;
        while Instant::now() < deadline {
            let before = self.processor()?;
            tokio::time::sleep(QUIET).await;
            if self.processor()? <= before + QUIET_USAGE {
                break;
            }
        }
        Ok(())
    }

    fn wait_until_ready(&self) -> Result<(), String> {
        let deadline = Instant::now() + START_MAX;
        while TcpStream::connect(self.address).is_err() {
            if Instant::now() > deadline || self.usage().is_err() {
                return Err("it does not listen".to_owned());
            }
            thread::sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The time that all threads of a process were on a processor. One that has ended is not counted, which
/// the peers' do not while they are measured.
fn fine(pid: u32) -> Option<Duration> {
    let mut total = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let told = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        total += told.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(total))
}

/// The program at this place, or how to come by it.
pub fn there(program: PathBuf, how: &str) -> Result<PathBuf, String> {
    if program.exists() { Ok(program) } else { Err(format!("not built: {how}")) }
}

fn node(programs: &Programs, script: &str) -> Result<Command, String> {
    let folder = programs.peers.join("node");
    if !folder.join("node_modules").exists() {
        return Err(format!("not installed: {SETUP}"));
    }
    let mut command = Command::new("node");
    command.arg(folder.join(script)).env("NODE_ENV", "production");
    Ok(command)
}

fn nats(folder: &Path) -> Result<(Command, Option<SocketAddr>), String> {
    let free = || TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let (own, address) = match (free(), free()) {
        (Ok(own), Ok(address)) => (own, address),
        (Err(error), _) | (_, Err(error)) => return Err(error.to_string()),
    };
    let config = folder.join("nats.conf");
    let text = format!("listen: \"{own}\"\nwebsocket {{ listen: \"{address}\", no_tls: true }}\n");
    fs::write(&config, text).map_err(|error| error.to_string())?;
    let mut command = Command::new("nats-server");
    command.arg("--config").arg(config);
    Ok((command, Some(address)))
}

/// Starts what says where it listens.
pub fn speaking(mut command: Command) -> Result<(Child, SocketAddr), String> {
    let mut process = spawn(command.stdout(Stdio::piped()))?;
    let stdout = process.stdout.take().ok_or("it has no output")?;
    let mut lines = BufReader::new(stdout).lines();
    let found = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let address = line.strip_prefix("listening ")?.split(' ').next()?;
        address.trim_start_matches("http=").parse().ok()
    });
    // What it prints further is let go, so that its pipe never fills.
    thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    match found {
        Some(address) => Ok((process, address)),
        None => {
            let _ = process.kill();
            let _ = process.wait();
            Err("it ended before it listened".to_owned())
        }
    }
}

fn silent(mut command: Command) -> Result<Child, String> {
    spawn(command.stdout(Stdio::null()).stderr(Stdio::null()))
}

fn spawn(command: &mut Command) -> Result<Child, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("{program} is not installed: {SETUP}"),
        _ => format!("{program} does not start: {error}"),
    })
}
