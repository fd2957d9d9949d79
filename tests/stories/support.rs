//! The harness: a shop, and the people in it.

pub mod browser;
pub mod raw;

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use vigie::core::site::{Site, SiteSettings};
use vigie::identity::{self, Claims, Role};
use vigie::store::Store;
use vigie::store::sqlite::SqliteStore;
use vigie_client::{
    CallError, Client, ClientEvent, ClientOptions, Endpoint, Link, Options, as_visitor, with_token,
};
use vigie_protocol::card::Card;
use vigie_protocol::error::RpcError;
use vigie_protocol::event::{Author, Event, EventBody, Holder};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Connect, Rank};
use vigie_protocol::rpc::Encoding;

/// How long anything may take that should happen at once. Generous: machines are busy.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Which way a client speaks to the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    Tcp,
    WebSocket,
    Json,
}

/// Makes one test of each transport out of a story.
macro_rules! over_every_transport {
    ($(#[$doc:meta])* async fn $name:ident($via:ident) $body:block) => {
        mod $name {
            use super::*;

            $(#[$doc])*
            async fn story($via: Via) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn over_tcp() {
                story(Via::Tcp).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn over_websocket() {
                story(Via::WebSocket).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn over_json() {
                story(Via::Json).await;
            }
        }
    };
}
pub(crate) use over_every_transport;

/// A running engine with the demo site.
pub struct Shop {
    process: Child,
    pub http: SocketAddr,
    pub tcp: SocketAddr,
    pub site: Site,
    settings: Vec<(String, String)>,
    data: TempDir,
}

impl Shop {
    /// Opens a shop as it is configured by default, but for its ports and folder.
    pub async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// Opens a shop with other settings: `("PRESENCE__VISITOR_GRACE_MS", "200")`.
    pub async fn open_with(settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let settings = as_environment(settings);
        let (process, http, tcp) = serve(data.path(), &settings, None).await;
        let store = SqliteStore::open(data.path().join("vigie.db")).unwrap();
        let site = store.site("demo".parse().unwrap()).await.unwrap().expect("the demo site");
        Self { process, http, tcp, site, settings, data }
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The process id of the engine.
    pub fn pid(&self) -> u32 {
        self.process.id().expect("the engine runs")
    }

    /// Ends the engine as a power cut would.
    pub async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// Sends SIGTERM; returns once the engine has ended by itself.
    pub async fn close(&mut self) -> std::process::ExitStatus {
        let pid = self.pid().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
        within("the engine to end", self.process.wait()).await.unwrap()
    }

    /// Opens the same shop again, at the same addresses.
    pub async fn reopen(&mut self) {
        let at = Some((self.http, self.tcp));
        let (process, ..) = serve(self.data.path(), &self.settings, at).await;
        self.process = process;
    }

    /// Opens it again with other settings.
    pub async fn reopen_with(&mut self, settings: &[(&str, &str)]) {
        self.settings = as_environment(settings);
        self.reopen().await;
    }

    pub fn endpoint(&self, via: Via) -> Endpoint {
        match via {
            Via::Tcp => Endpoint::tcp(self.tcp),
            Via::WebSocket => Endpoint::web_socket(self.http, Encoding::MessagePack),
            Via::Json => Endpoint::web_socket(self.http, Encoding::Json),
        }
    }

    /// A raw connection that has not said who it is.
    pub async fn link(&self, via: Via) -> Link {
        Link::open(&self.endpoint(via), &vigie_client::Options::default()).await.unwrap()
    }

    pub async fn visitor(&self, via: Via) -> Person {
        self.visitor_with(via, None).await
    }

    /// A visitor who was here before.
    pub async fn visitor_with(&self, via: Via, resume: Option<String>) -> Person {
        let mut connect = as_visitor(&*self.site.key);
        connect.resume = resume;
        connect.language = Some("en".into());
        let client = Client::connect(self.endpoint(via), connect, patient()).await.unwrap();
        Person::new("the visitor", client)
    }

    /// A visitor whose `connect` and WebSocket headers are as given.
    pub async fn visitor_as(&self, via: Via, connect: Connect, wire: Options) -> Person {
        let options = ClientOptions { wire, ..patient() };
        let client = Client::connect(self.endpoint(via), connect, options).await.unwrap();
        Person::new("the visitor", client)
    }

    pub async fn operator(&self, via: Via, id: &str, rank: Rank) -> Person {
        let token = self.operator_token(id, rank);
        let client = Client::connect(self.endpoint(via), with_token(token), patient()).await;
        Person::new(id, client.unwrap())
    }

    pub async fn bot(&self, via: Via) -> Person {
        self.bot_named(via, "helper").await
    }

    /// One of several bots; its display name is its id with a capital.
    pub async fn bot_named(&self, via: Via, id: &str) -> Person {
        let token = self.token(Role::Bot, id, Some(&display_name(id)), None, 3600);
        let client = Client::connect(self.endpoint(via), with_token(token), patient()).await;
        let client = client.unwrap();
        client.serve().await.unwrap();
        Person::new("the bot", client)
    }

    /// Goes on at another site of the same engine: like the demo, but without its articles, and
    /// with these settings.
    pub async fn settle(&mut self, change: impl FnOnce(&mut SiteSettings)) {
        self.site.id = "other".parse().unwrap();
        self.site.key = "other".into();
        change(&mut self.site.settings);
        let store = SqliteStore::open(self.data.path().join("vigie.db")).unwrap();
        store.put_site(self.site.clone()).await.unwrap();
    }

    /// A reverse proxy before the shop, which adds a header to the request of each connection.
    pub async fn proxy(&self, header: &str) -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::web_socket(listener.local_addr().unwrap(), Encoding::Json);
        let (shop, header) = (self.http, format!("{header}\r\n"));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, shop, header.clone()));
            }
        });
        endpoint
    }

    /// A token for an operator whose display name is their id with a capital.
    pub fn operator_token(&self, id: &str, rank: Rank) -> String {
        self.token(Role::Operator, id, Some(&display_name(id)), Some(rank), 3600)
    }

    /// Any token that the site may sign; negative seconds have passed already.
    pub fn token(
        &self,
        role: Role,
        id: &str,
        name: Option<&str>,
        rank: Option<Rank>,
        seconds: i64,
    ) -> String {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let claims = Claims {
            site: self.site.id.clone(),
            role,
            sub: id.into(),
            name: name.map(str::to_owned),
            rank,
            exp: now.saturating_add_signed(seconds),
            iat: None,
        };
        identity::issue(&self.site, &claims)
    }
}

async fn forward(client: TcpStream, shop: SocketAddr, header: String) -> std::io::Result<()> {
    let (mut client, mut shop) = (BufReader::new(client), TcpStream::connect(shop).await?);
    let mut request_line = String::new();
    client.read_line(&mut request_line).await?;
    shop.write_all((request_line + &header).as_bytes()).await?;
    tokio::io::copy_bidirectional(&mut client, &mut shop).await.map(drop)
}

/// `ann` is shown as `Ann`.
pub fn display_name(id: &str) -> String {
    let mut letters = id.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn as_environment(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(key, value)| (format!("VIGIE__{key}"), (*value).into())).collect()
}

async fn serve(
    data: &Path,
    settings: &[(String, String)],
    at: Option<(SocketAddr, SocketAddr)>,
) -> (Child, SocketAddr, SocketAddr) {
    start(engine(data, settings, at)).await
}

/// How the engine is started.
fn engine(
    data: &Path,
    settings: &[(String, String)],
    at: Option<(SocketAddr, SocketAddr)>,
) -> Command {
    let any = || "127.0.0.1:0".to_owned();
    let (http, tcp) = at.map_or_else(|| (any(), any()), |(h, t)| (h.to_string(), t.to_string()));
    let program = std::env::var("VIGIE_BIN");
    let program = program.as_deref().unwrap_or(env!("CARGO_BIN_EXE_vigie"));
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(program));
    command
        .args(["serve", "--demo"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("VIGIE__DATA__DIR", data)
        .env("VIGIE__HTTP__LISTEN", http)
        .env("VIGIE__TCP__LISTEN", tcp)
        .env("VIGIE__TRACING__LEVEL", "warn")
        .env("VIGIE__GATEWAY__WORKERS", "2")
        .envs(settings.iter().map(|(key, value)| (key, value)))
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Starts it, and waits until it listens.
async fn start(mut engine: Command) -> (Child, SocketAddr, SocketAddr) {
    let mut process = engine.spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let listening = within("the engine to listen", async {
        loop {
            let line = lines.next_line().await.unwrap().expect("the engine ended at its start");
            if let Some(addresses) = line.strip_prefix("listening http=") {
                return addresses.to_owned();
            }
        }
    })
    .await;
    // What the engine prints further is read and let go, so that its pipe never fills.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let (http, tcp) = listening.split_once(" tcp=").expect("both addresses");
    (process, http.parse().unwrap(), tcp.parse().unwrap())
}

/// Clients of tests reconnect quickly.
pub fn patient() -> ClientOptions {
    ClientOptions {
        retry_first: Duration::from_millis(20),
        retry_max: Duration::from_millis(200),
        first_connect: PATIENCE,
        ..ClientOptions::default()
    }
}

/// Somebody with a client: a visitor, an operator, a bot.
pub struct Person {
    name: String,
    pub client: Client,
    /// Every event that their client was given, in order.
    pub seen: Vec<Event>,
    /// Everything that their client was given.
    pub heard: Vec<ClientEvent>,
}

impl Person {
    pub fn new(name: &str, client: Client) -> Self {
        Self { name: name.to_owned(), client, seen: vec![], heard: vec![] }
    }

    /// The visitor's own session.
    pub fn session(&self) -> SessionId {
        self.client.session().expect("only visitors have a session of their own")
    }

    /// The visitor's private token: with it they come back.
    pub fn resume(&self) -> Option<String> {
        self.client.resume_token()
    }

    /// Waits for a card of the live list.
    pub async fn sees_card(&mut self, what: &str, wanted: impl Fn(&Card) -> bool) -> Card {
        self.until(what, |heard| match heard {
            ClientEvent::Live(live) => live.upsert.iter().find(|card| wanted(card)).cloned(),
            ClientEvent::Snapshot(list) => list.cards.iter().find(|card| wanted(card)).cloned(),
            _ => None,
        })
        .await
    }

    /// Waits until something comes that `wanted` takes, and returns what it makes of it.
    pub async fn until<T>(&mut self, what: &str, wanted: impl Fn(&ClientEvent) -> Option<T>) -> T {
        let waiting = timeout(PATIENCE, async {
            loop {
                let event = self.client.next_event().await.expect("the client has ended");
                if let ClientEvent::Event { event, .. } = &event {
                    self.seen.push(event.clone());
                }
                let found = wanted(&event);
                self.heard.push(event);
                if let Some(found) = found {
                    return found;
                }
            }
        });
        match waiting.await {
            Ok(found) => found,
            Err(_) => panic!("{} waited for {what} in vain; heard {:#?}", self.name, self.heard),
        }
    }

    /// Waits for a session's event.
    pub async fn sees(&mut self, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        self.until(what, |heard| match heard {
            ClientEvent::Event { event, .. } if wanted(event) => Some(event.clone()),
            _ => None,
        })
        .await
    }

    /// Waits for a message of the bot, and returns its text.
    pub async fn sees_bot_answer(&mut self) -> String {
        let event = self.sees("an answer of the bot", by_bot).await;
        text(&event).to_owned()
    }

    /// Waits for a message with this text.
    pub async fn sees_message(&mut self, wanted: &str) -> Event {
        self.sees(&format!("{wanted:?}"), |event| text(event) == wanted).await
    }

    /// Waits for control to change; returns the new holder's name, none for the bot.
    pub async fn sees_control_change(&mut self) -> Option<String> {
        let event = self
            .sees("a change of control", |e| matches!(e.body, EventBody::ControlChanged(_)))
            .await;
        match event.body {
            EventBody::ControlChanged(change) => match change.holder {
                Holder::Operator { name, .. } => Some(name),
                Holder::Bot {} => None,
            },
            _ => unreachable!("only changes of control were waited for"),
        }
    }
}

/// Why a call was refused.
pub fn refusal<T: fmt::Debug>(outcome: Result<T, CallError>) -> RpcError {
    match outcome {
        Err(CallError::Refused(error)) => error,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Whether a bot said it.
pub fn by_bot(event: &Event) -> bool {
    matches!((&event.author, &event.body), (Author::Bot { .. }, EventBody::Message(_)))
}

/// A message's text; empty for other events.
pub fn text(event: &Event) -> &str {
    match &event.body {
        EventBody::Message(message) => &message.text,
        _ => "",
    }
}

/// Waits for something, but not forever.
pub async fn within<T>(what: impl fmt::Display, future: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited for {what} in vain"),
    }
}
