//! Real Redis servers for tests: each on a free port, in a folder of its own, gone when the test is.
//!
//! Plain threads and processes, so that any test can use it whatever it runs on.
#![allow(dead_code)]

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take to answer after it was started, with its file to be read.
const START_MAX: Duration = Duration::from_secs(30);

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(10);

/// How many ports are tried: another program may take a free one first.
const PORTS_TRIED_MAX: usize = 20;

/// Where ports are looked for: below those that the system gives to connections, so that none of
/// these has one that a server is about to listen on, or to listen on again.
const PORTS: Range<u16> = 12_000..32_000;

#[path = "redis/groups.rs"]
pub mod groups;

/// A redis-server of its own, killed when dropped.
pub struct RedisServer {
    folder: PathBuf,
    port: u16,
    /// All that the program is called with.
    arguments: Vec<String>,
    process: Option<Child>,
    guard: Guard,
}

/// Kills the server and clears the folder away when this process ends, in whichever way: its end of
/// the pipe closes then.
struct Guard {
    process: Child,
    /// `None` only while dropping.
    pipe: Option<ChildStdin>,
}

impl RedisServer {
    /// A server that keeps what it has acknowledged.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// A server with these arguments beside, such as `["--requirepass", "secret"]`.
    pub fn start_with(arguments: &[&str]) -> Self {
        Self::start_with_each(|| arguments.iter().copied().map(str::to_owned).collect())
    }

    /// As [`RedisServer::start_with`], with other arguments each time that it is tried: they may name
    /// a port as well.
    pub fn start_with_each(arguments: impl Fn() -> Vec<String>) -> Self {
        Self::start_among(free_port, arguments)
    }

    /// A server on one of these ports.
    fn start_among(ports: impl Fn() -> u16, arguments: impl Fn() -> Vec<String>) -> Self {
        Self::start_as(ports, |port, folder| {
            let (port, folder) = (port.to_string(), folder.to_string_lossy());
            let own = ["--bind", "127.0.0.1", "--port", &port, "--dir", &folder];
            let keeping = ["--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"];
            let all = [&own[..], &keeping[..]].concat();
            all.into_iter().map(str::to_owned).chain(arguments()).collect()
        })
    }

    /// A server that is called with these arguments.
    fn start_as(ports: impl Fn() -> u16, arguments: impl Fn(u16, &Path) -> Vec<String>) -> Self {
        install();
        for _ in 0..PORTS_TRIED_MAX {
            if let Some(server) = Self::start_on(ports(), &arguments) {
                return server;
            }
        }
        panic!("no redis-server could be started on {PORTS_TRIED_MAX} free ports");
    }

    /// `None` if the port is taken.
    fn start_on(port: u16, arguments: impl Fn(u16, &Path) -> Vec<String>) -> Option<Self> {
        let folder = own_folder();
        let arguments = arguments(port, &folder);
        let guard = Guard::of(&folder);
        let mut server = Self { folder, port, arguments, process: None, guard };
        server.spawn().then_some(server)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process that serves.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("redis-server runs").id()
    }

    /// Where it keeps its files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// SIGSTOP: it does not answer, and its connections stay.
    pub fn stop(&self) {
        self.signal("STOP");
    }

    /// SIGCONT.
    pub fn cont(&self) {
        self.signal("CONT");
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("redis-server can be killed");
            process.wait().expect("redis-server ends");
            self.guard.watch(None);
        }
    }

    /// Starts it anew on the same port with the same files; killed first if it still runs.
    pub fn restart(&mut self) {
        self.kill();
        assert!(self.spawn(), "redis-server cannot be started on port {} again", self.port);
    }

    /// What `redis-cli` answers.
    pub fn cli(&self, arguments: &[&str]) -> String {
        cli(self.port, arguments)
    }

    /// Starts it, and waits until it answers. `false` if it ended instead.
    fn spawn(&mut self) -> bool {
        let log =
            File::create(self.folder.join("log")).expect("the server's folder can be written");
        let process = Command::new("redis-server")
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be opened twice"))
            .stderr(log)
            .spawn()
            .expect("redis-server can be run");
        self.guard.watch(Some(process.id()));
        let process = self.process.insert(process);
        let deadline = Instant::now() + START_MAX;
        loop {
            if process.try_wait().expect("a child can be asked for").is_some() {
                self.process = None;
                self.guard.watch(None);
                return false;
            }
            if answers(self.port, process.id()) {
                return true;
            }
            assert!(Instant::now() < deadline, "redis-server does not answer: {}", self.log());
            thread::sleep(POLL);
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn signal(&self, signal: &str) {
        let process = self.process.as_ref().expect("redis-server runs");
        let id = process.id().to_string();
        let sent =
            Command::new("kill").args(["-s", signal, &id]).status().expect("kill can be run");
        assert!(sent.success(), "kill -s {signal} {id}");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Guard {
    fn of(folder: &Path) -> Self {
        const SCRIPT: &str = r#"
            trap "" INT TERM HUP
            process=
            while read -r line; do process=$line; done
            [ -z "$process" ] || kill -s KILL "$process" 2>/dev/null
            rm -rf "$1""#;
        let mut process = Command::new("sh")
            .args(["-c", SCRIPT, "guard"])
            .arg(folder)
            .stdin(Stdio::piped())
            .spawn()
            .expect("sh can be run");
        let pipe = process.stdin.take();
        Self { process, pipe }
    }

    /// Which process is to be killed.
    fn watch(&mut self, process: Option<u32>) {
        let line = process.map_or_else(String::new, |id| id.to_string());
        let mut pipe = self.pipe.as_ref().expect("the guard is there");
        writeln!(pipe, "{line}").expect("the guard listens");
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.pipe = None;
        // It may have been killed with the whole group; then there is nothing to wait for.
        let _ = self.process.wait();
    }
}

/// One server for all tests of this process.
pub fn shared() -> &'static RedisServer {
    static SHARED: OnceLock<RedisServer> = OnceLock::new();
    SHARED.get_or_init(RedisServer::start)
}

/// Begins the names of one test's keys, so that tests may share a server.
pub fn prefix() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    free_port_among(PORTS)
}

/// Each call looks further, and each process begins somewhere else.
fn free_port_among(ports: Range<u16>) -> u16 {
    static FIRST: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(()));
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let count = ports.len() as u64;
    let another = || {
        let number = FIRST.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        ports.start + (number % count) as u16
    };
    (0..count).map(|_| another()).find(|port| is_free(*port)).expect("a port is free")
}

/// Whether nobody listens there.
fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// What `redis-cli` answers.
pub fn cli(port: u16, arguments: &[&str]) -> String {
    let output = Command::new("redis-cli")
        .args(["-p", &port.to_string()])
        .args(arguments)
        .output()
        .expect("redis-cli can be run");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A new folder for one server.
fn own_folder() -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name =
        format!("vigie-redis-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(name);
    // What a process of the same id left behind.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
    folder
}

/// Whether the server that this process is serves there, and has read its files: another may have
/// taken the port, and this one not have noticed yet. One that wants a password first is taken for it.
fn answers(port: u16, process: u32) -> bool {
    let asked = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"PING\r\nINFO server\r\n")?;
        let mut lines = BufReader::new(stream).lines();
        let pong = lines.next().transpose()?.unwrap_or_default();
        if pong != "+PONG" {
            return Ok(pong.starts_with("-NOAUTH"));
        }
        for line in lines {
            if let Some(serves) = line?.strip_prefix("process_id:") {
                return Ok(serves == process.to_string());
            }
        }
        Ok(false)
    };
    asked().unwrap_or(false)
}

/// Installs Debian's redis-server if there is none, once however many tests start at a time.
pub fn install() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        let there = || {
            let version = Command::new("redis-server").arg("--version").output();
            version.is_ok_and(|output| output.status.success())
        };
        if there() {
            return;
        }
        eprintln!("Installing redis-server …");
        let script = include_str!("install.sh");
        let installed = Command::new("sh").args(["-c", script, "sh", "redis-server"]).status();
        assert!(
            installed.is_ok_and(|status| status.success()) && there(),
            "these tests need the programs redis-server and redis-cli, version 7 or later. Only root \
             may install them; on Debian, as root: apt-get install redis-server"
        );
    });
}
