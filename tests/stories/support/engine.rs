//! One engine: its process, its addresses, and how it ends.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use tokio::process::{Child, Command};
use vigie_client::Endpoint;
use vigie_protocol::rpc::Encoding;

use super::listening::listening;
use super::{Via, within};

/// Environment variables: name and value.
pub type Settings = Vec<(String, String)>;

/// A running engine. Dropped, it is killed.
pub struct Engine {
    process: Child,
    pub http: SocketAddr,
    pub tcp: SocketAddr,
    settings: Settings,
    data: PathBuf,
    words: Option<PathBuf>,
}

impl Engine {
    /// Starts one on free ports.
    pub async fn start(data: PathBuf, settings: Settings) -> Self {
        Self::launch(data, settings, None).await
    }

    /// Starts one whose standard error goes into a file.
    pub async fn start_logged(data: PathBuf, settings: Settings, words: &Path) -> Self {
        Self::launch(data, settings, Some(words.to_owned())).await
    }

    async fn launch(data: PathBuf, settings: Settings, words: Option<PathBuf>) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let command = command(&data, &settings, any, any, words.as_deref());
        let (process, http, tcp) = started(command).await;
        Self { process, http, tcp, settings, data, words }
    }

    /// Where a client reaches it.
    pub fn endpoint(&self, via: Via) -> Endpoint {
        endpoint(via, self.http, self.tcp)
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.id().expect("the engine runs")
    }

    /// A command of the program on the same data.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .envs(self.settings.iter().map(|(key, value)| (key, value)))
            .env("VIGIE__DATA__DIR", &self.data)
            .kill_on_drop(true);
        command
    }

    /// Ends it as a power cut would.
    pub async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// Stops it in the midst of what it does: nothing is closed, nothing is answered.
    pub async fn freeze(&self) {
        self.signal("-STOP").await;
    }

    /// Lets it go on as if nothing had been.
    pub async fn thaw(&self) {
        self.signal("-CONT").await;
    }

    /// Sends SIGTERM; returns once it has ended by itself.
    pub async fn close(&mut self) -> ExitStatus {
        self.signal("-TERM").await;
        within("the engine to end", self.process.wait()).await.unwrap()
    }

    /// Starts it again at the same addresses; the process before has ended.
    pub async fn reopen(&mut self) {
        let words = self.words.as_deref();
        let command = command(&self.data, &self.settings, self.http, self.tcp, words);
        (self.process, ..) = started(command).await;
    }

    /// The same with other settings.
    pub async fn reopen_with(&mut self, settings: Settings) {
        self.settings = settings;
        self.reopen().await;
    }

    async fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().await.unwrap();
        assert!(sent.success(), "kill {signal} {pid}: {sent}");
    }
}

/// Where a client reaches these addresses.
pub fn endpoint(via: Via, http: SocketAddr, tcp: SocketAddr) -> Endpoint {
    match via {
        Via::Tcp => Endpoint::tcp(tcp),
        Via::WebSocket => Endpoint::web_socket(http, Encoding::MessagePack),
        Via::Json => Endpoint::web_socket(http, Encoding::Json),
    }
}

/// The program that is tested.
fn program() -> PathBuf {
    let program = std::env::var("VIGIE_BIN");
    let program = program.as_deref().unwrap_or(env!("CARGO_BIN_EXE_vigie"));
    Path::new(env!("CARGO_MANIFEST_DIR")).join(program)
}

fn command(
    data: &Path,
    settings: &[(String, String)],
    http: SocketAddr,
    tcp: SocketAddr,
    words: Option<&Path>,
) -> Command {
    let mut command = Command::new(program());
    command
        .args(["serve", "--demo"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("VIGIE__DATA__DIR", data)
        .env("VIGIE__HTTP__LISTEN", http.to_string())
        .env("VIGIE__TCP__LISTEN", tcp.to_string())
        .env("VIGIE__TRACING__LEVEL", "warn")
        .env("VIGIE__GATEWAY__WORKERS", "2")
        .envs(settings.iter().map(|(key, value)| (key, value)))
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    if let Some(words) = words {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(words).unwrap();
        command.stderr(file);
    }
    command
}

/// Starts it, and waits until it listens.
async fn started(mut command: Command) -> (Child, SocketAddr, SocketAddr) {
    let mut process = command.spawn().unwrap();
    let (http, tcp) = within("the engine to listen", listening(&mut process)).await;
    (process, http, tcp)
}
