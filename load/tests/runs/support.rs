//! The harness: an engine with the demo shop or a cluster of them, and runs of the program against it.

#[path = "../../../tests/support/listening.rs"]
mod listening;
#[path = "../../../tests/support/redis.rs"]
pub mod redis;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{interval, timeout};
use vigie_client::{Client, ClientOptions, Endpoint, Options, as_visitor, with_token};
use vigie_protocol::card::{Card, Window};
use vigie_protocol::event::{Author, Event, EventBody};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{History, Watching};
use vigie_protocol::rpc::Encoding;
use vigie_protocol::{HISTORY_PAGE_MAX, WINDOW_FIRST_MAX};

use self::listening::listening;

/// How long anything may take that should happen at once. Generous: machines are busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often the live list is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

const LOAD: &str = env!("CARGO_BIN_EXE_vigie-load");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The engine's program: VIGIE_BIN, or the one that was built beside this.
fn vigie() -> PathBuf {
    let program = match std::env::var_os("VIGIE_BIN") {
        Some(program) => root().join(program),
        None => Path::new(LOAD).with_file_name("vigie"),
    };
    assert!(program.exists(), "{} is missing: cargo build --bin vigie", program.display());
    program
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// A running engine with the demo shop.
pub struct Engine {
    process: Child,
    http: SocketAddr,
    tcp: SocketAddr,
    settings: Vec<(String, String)>,
    data: TempDir,
}

impl Engine {
    /// Starts one, with other settings than the default: `("SECTION__KEY", "value")`.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let settings: Vec<_> = settings
            .iter()
            .map(|(key, value)| (format!("VIGIE__{key}"), (*value).to_owned()))
            .collect();
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let (process, http, tcp) = serve(data.path(), &settings, nowhere, nowhere).await;
        Self { process, http, tcp, settings, data }
    }

    pub fn pid(&self) -> u32 {
        self.process.id().expect("the engine runs")
    }

    /// Ends it as a power cut would.
    pub async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// Starts it again, on the same files and at the same addresses.
    pub async fn start_again(&mut self) {
        let (process, ..) = serve(self.data.path(), &self.settings, self.http, self.tcp).await;
        self.process = process;
    }

    /// A run against this engine.
    pub fn load(&self, scenario: &str, arguments: &[&str]) -> Load {
        let load = load(&[scenario, "--per-second", "500"]).with(arguments);
        Load { addresses: Some((self.http, self.tcp)), ..load }
    }

    /// Where a visitor of this engine comes in.
    pub fn address(&self) -> String {
        self.endpoint().to_string()
    }

    /// What proves that somebody works there.
    pub async fn token(&self, role: &str) -> String {
        let arguments = ["token", "--site", "demo", "--role", role, "--id", "ann"];
        let mut command = command(self.data.path());
        let made = command.args(arguments).envs(self.settings.clone()).output().await.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    /// Somebody at the desk.
    pub async fn operator(&self) -> Operator {
        let token = self.token("operator").await;
        let (connect, options) = (with_token(token), ClientOptions::default());
        Operator(Client::connect(self.endpoint(), connect, options).await.unwrap())
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::web_socket(self.http, Encoding::MessagePack)
    }

    /// Everything that visitors have said in the sessions of the live list, as their logs have it.
    pub async fn messages_of_visitors(&self) -> Vec<(SessionId, String)> {
        let said = |(session, events): (SessionId, Vec<Event>)| {
            let said = events.into_iter().filter_map(|event| match (event.author, event.body) {
                (Author::Visitor {}, EventBody::Message(message)) => Some(message.text),
                _ => None,
            });
            said.map(move |text| (session, text)).collect::<Vec<_>>()
        };
        self.logs().await.into_iter().flat_map(said).collect()
    }

    /// The logs of the sessions of the live list.
    pub async fn logs(&self) -> Vec<(SessionId, Vec<Event>)> {
        let desk = self.operator().await;
        let cards = desk.look().await.cards;
        let mut logs = Vec::new();
        for session in cards.iter().map(|card| card.session) {
            let (mut after, mut events) = (0, Vec::new());
            loop {
                let history = History { session: Some(session), after, limit: HISTORY_PAGE_MAX };
                let page = within("a log", desk.0.call(&history)).await.unwrap();
                events.extend(page.events);
                match page.next {
                    Some(next) => after = next,
                    None => break,
                }
            }
            logs.push((session, events));
        }
        logs
    }
}

/// Starts an engine; it, and where it listens.
async fn serve(
    data: &Path,
    settings: &[(String, String)],
    http: SocketAddr,
    tcp: SocketAddr,
) -> (Child, SocketAddr, SocketAddr) {
    let mut process = command(data)
        .args(["serve", "--demo"])
        .env("VIGIE__HTTP__LISTEN", http.to_string())
        .env("VIGIE__TCP__LISTEN", tcp.to_string())
        .env("VIGIE__TRACING__LEVEL", "error")
        .envs(settings.iter().cloned())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (http, tcp) = within("the engine to listen", listening(&mut process)).await;
    (process, http, tcp)
}

/// Somebody at the desk.
pub struct Operator(Client);

impl Operator {
    /// Waits until so many visitors are in the live list; tells their cards.
    pub async fn sees(&self, count: u64) -> Vec<Card> {
        let mut looks = interval(LOOK_EVERY);
        within(&format!("{count} visitors in the live list"), async {
            loop {
                looks.tick().await;
                let seen = self.look().await;
                if seen.totals.all == count {
                    return seen.cards;
                }
            }
        })
        .await
    }

    /// Waits until visitors have said so much.
    pub async fn sees_messages(&self, count: u64) {
        let mut looks = interval(LOOK_EVERY);
        within(&format!("{count} messages in the live list"), async {
            loop {
                looks.tick().await;
                if self.look().await.cards.iter().map(|card| card.asked).sum::<u64>() >= count {
                    return;
                }
            }
        })
        .await;
    }

    /// Waits until the engine can name browsers: it reads the rules for that in the background.
    pub async fn sees_browsers(&self, engine: &Engine) {
        let mut looks = interval(LOOK_EVERY);
        within("browsers to have names", async {
            loop {
                looks.tick().await;
                let wire = Options {
                    user_agent: Some(
                        "Mozilla/5.0 (X11; rv:140.0) Gecko/20100101 Firefox/140.0".into(),
                    ),
                    ..Options::default()
                };
                let options = ClientOptions { wire, ..ClientOptions::default() };
                let visitor =
                    Client::connect(engine.endpoint(), as_visitor("demo"), options).await.unwrap();
                let named = self.look().await.cards.iter().any(|card| card.browser.is_some());
                drop(visitor);
                if named {
                    break;
                }
            }
        })
        .await;
        self.sees(0).await;
    }

    async fn look(&self) -> Watching {
        let window = Window { first: WINDOW_FIRST_MAX, ..Window::default() };
        // What the client tells meanwhile is let go, so that its queue never fills.
        let told = async {
            while self.0.next_event().await.is_some() {}
            panic!("the desk was cut off")
        };
        tokio::select! {
            seen = self.0.watch(window) => seen.unwrap(),
            cut_off = told => cut_off,
        }
    }
}

/// A run of the program that can be started.
pub struct Load {
    arguments: Vec<String>,
    addresses: Option<(SocketAddr, SocketAddr)>,
    transport: &'static str,
    limits: &'static str,
    home: TempDir,
    json: bool,
}

/// A run of the program with these arguments.
pub fn load(arguments: &[&str]) -> Load {
    let home = tempfile::tempdir().unwrap();
    let load = Load {
        arguments: vec![],
        addresses: None,
        transport: "ws",
        limits: ":",
        home,
        json: false,
    };
    load.with(arguments)
}

impl Load {
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// By this transport: ws, json, tcp.
    pub fn over(self, transport: &'static str) -> Self {
        Self { transport, ..self }
    }

    /// With what a shell has set before.
    pub fn under(self, limits: &'static str) -> Self {
        Self { limits, ..self }
    }

    /// With this scenario instead of the one that it was made for.
    pub fn of(mut self, scenario: &str) -> Self {
        let file = self.home.path().join("scenario.toml");
        std::fs::write(&file, scenario).unwrap();
        self.arguments[0] = file.to_str().unwrap().to_owned();
        self
    }

    /// With its result drawn to a file of this name.
    pub fn drawn(self, name: &str) -> Self {
        let file = self.home.path().join(name).to_str().unwrap().to_owned();
        self.with(&["--report", &file])
    }

    /// With its result as JSON.
    pub fn json(self) -> Self {
        Self { json: true, ..self }
    }

    pub fn start(self) -> Running {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{}; exec \"$@\"", self.limits), "sh", LOAD]);
        command.args(&self.arguments);
        if let Some((http, tcp)) = self.addresses {
            let to = match self.transport {
                "tcp" => format!("tcp://{tcp}"),
                "json" => format!("ws://{http}/ws?encoding=json"),
                _ => format!("ws://{http}/ws"),
            };
            command.args(["--to", &to]);
        }
        if self.json {
            command.arg("--json").arg(self.home.path().join("result.json"));
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        Running { process: command.spawn().unwrap(), home: self.home }
    }
}

/// A run of the program.
pub struct Running {
    process: Child,
    home: TempDir,
}

impl Running {
    /// What Ctrl-C does.
    pub async fn interrupt(&self) {
        self.signal("-INT").await;
    }

    /// Ends the process that was started, and only that, as the system does when memory is short.
    pub async fn kill(&self) {
        self.signal("-KILL").await;
    }

    async fn signal(&self, signal: &str) {
        let pid = self.process.id().expect("the run has not ended").to_string();
        Command::new("kill").args([signal, &pid]).status().await.unwrap();
    }

    pub async fn ended(self) -> Ended {
        let output = within("the run to end", self.process.wait_with_output()).await.unwrap();
        Ended {
            code: output.status.code().expect("it ends by itself"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            json: std::fs::read_to_string(self.home.path().join("result.json")).ok(),
            home: self.home,
        }
    }
}

/// What a run has left.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    json: Option<String>,
    home: TempDir,
}

impl Ended {
    /// What was drawn to the file of this name.
    pub fn drawing(&self, name: &str) -> String {
        std::fs::read_to_string(self.home.path().join(name)).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.json.as_deref().expect("a result")).unwrap()
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code {}\n{}\n{}", self.code, self.stdout, self.stderr)
    }
}

fn command(data: &Path) -> Command {
    let mut command = Command::new(vigie());
    command.current_dir(root()).env("VIGIE__DATA__DIR", data).kill_on_drop(true);
    command
}
