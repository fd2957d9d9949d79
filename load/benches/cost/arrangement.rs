//! Engines and their Redis, each measurement with new ones in folders of their own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::redis::RedisServer;

/// How long an engine may take to be ready.
const START_MAX: Duration = Duration::from_secs(60);

/// How often it is asked for that.
const POLL: Duration = Duration::from_millis(20);

/// The site, and its key.
pub const SITE: &str = "cost";

/// What is compared.
pub const ALL: &[Arrangement] = &[
    Arrangement { name: "1 engine, SQLite", engines: 1, redis: None },
    Arrangement { name: "1 engine, Redis everysec", engines: 1, redis: Some("everysec") },
    Arrangement { name: "1 engine, Redis always", engines: 1, redis: Some("always") },
    Arrangement { name: "3 engines, Redis everysec", engines: 3, redis: Some("everysec") },
];

/// How many engines, and where their log is.
pub struct Arrangement {
    pub name: &'static str,
    pub engines: usize,
    /// Redis with this `appendfsync`; SQLite if there is none.
    pub redis: Option<&'static str>,
}

/// An arrangement that runs; dropped, all of it ends.
pub struct Running {
    pub engines: Vec<Engine>,
    pub redis: Option<RedisServer>,
    vigie: PathBuf,
    environment: Vec<(&'static str, String)>,
    folder: TempDir,
}

/// One engine.
pub struct Engine {
    process: Child,
    /// Its host and port of HTTP.
    pub http: String,
}

impl Arrangement {
    pub fn start(&self, vigie: &Path) -> Running {
        let redis = self.redis.map(|fsync| RedisServer::start_with(&["--appendfsync", fsync]));
        let mut environment = vec![
            ("VIGIE__HTTP__LISTEN", "127.0.0.1:0".to_owned()),
            ("VIGIE__TCP__LISTEN", "127.0.0.1:0".to_owned()),
            ("VIGIE__TRACING__LEVEL", "error".to_owned()),
            // Read in the background after the start, which would count as cost of the first.
            ("VIGIE__VISITOR__COUNTRY_FILE", String::new()),
            ("VIGIE__VISITOR__DEVICE_RULES", String::new()),
        ];
        if let Some(redis) = &redis {
            environment.push(("VIGIE__REDIS__URL", redis.url()));
        }
        let folder = tempfile::tempdir().expect("the folder for temporary files can be written");
        let vigie = vigie.to_owned();
        let mut running = Running { engines: vec![], redis, vigie, environment, folder };
        running.run(&["site", "add", SITE, "--key", SITE, "--bot", "peer"]);
        for number in 0..self.engines {
            let engine = Engine::start(running.command(number));
            running.engines.push(engine);
        }
        running
    }
}

impl Running {
    /// What proves that somebody works at the site.
    pub fn token(&self, role: &str) -> String {
        self.run(&["token", "--site", SITE, "--role", role, "--id", "ann"])
    }

    /// How often Redis was asked to run a script so far.
    pub fn scripts_run(&self) -> u64 {
        let Some(redis) = &self.redis else { return 0 };
        let known = redis.cli(&["INFO", "commandstats"]);
        let calls = known.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
        calls.and_then(|calls| calls.split(',').next()?.parse().ok()).unwrap_or(0)
    }

    fn run(&self, arguments: &[&str]) -> String {
        let ran = self.command(0).args(arguments).output().expect("vigie can be run");
        let complaint = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "vigie {}: {complaint}", arguments.join(" "));
        String::from_utf8_lossy(&ran.stdout).trim().to_owned()
    }

    fn command(&self, engine: usize) -> Command {
        let mut command = Command::new(&self.vigie);
        command
            .envs(self.environment.iter().map(|(key, value)| (key, value)))
            .env("VIGIE__DATA__DIR", self.folder.path().join(engine.to_string()));
        command
    }
}

impl Engine {
    fn start(mut command: Command) -> Self {
        let mut process =
            command.arg("serve").stdout(Stdio::piped()).spawn().expect("vigie can be run");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let http = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                let addresses = line.strip_prefix("listening http=")?;
                addresses.split(' ').next().map(str::to_owned)
            })
            .expect("the engine listens");
        // What it prints further is let go, so that its pipe never fills.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let engine = Self { process, http };
        let deadline = Instant::now() + START_MAX;
        while !engine.is_ready() {
            assert!(Instant::now() < deadline, "the engine at {} is not ready", engine.http);
            thread::sleep(POLL);
        }
        engine
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    fn is_ready(&self) -> bool {
        let asked = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(&self.http)?;
            let host = &self.http;
            write!(stream, "GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        asked().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
