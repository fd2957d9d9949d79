//! The harness: a shop, and the people in it.
//!
//! A shop is one engine on SQLite. With `VIGIE_CLUSTER=3` it is that many engines over one Redis,
//! and everybody who comes is let in by the next one.

#[path = "support/browser.rs"]
pub mod browser;
#[path = "support/engine.rs"]
pub mod engine;
#[path = "../support/listening.rs"]
mod listening;
#[path = "support/random.rs"]
pub mod random;
#[path = "support/raw.rs"]
pub mod raw;
#[path = "../support/redis.rs"]
pub mod redis;

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use vigie::core::site::{Site, SiteSettings};
use vigie::identity::{self, Claims, Role};
use vigie::redis::Redis;
use vigie::store::Store;
use vigie::store::redis::RedisStore;
use vigie::store::sqlite::SqliteStore;
use vigie_client::{
    CallError, Client, ClientEvent, ClientOptions, Closed, Endpoint, Link, Options, as_visitor,
    with_token,
};
use vigie_protocol::card::Card;
use vigie_protocol::error::RpcError;
use vigie_protocol::event::{Author, Event, EventBody, Holder};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Connect, Operators, Rank};
use vigie_protocol::push::Push;
use vigie_protocol::rpc::Encoding;

use self::engine::{Engine, Settings};
use self::redis::RedisServer;

/// How long anything may take that should happen at once. Generous: machines are busy.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How often that is done again which may be lost.
const AGAIN: Duration = Duration::from_millis(500);

/// How long is waited between two looks at what will come by itself.
pub const GLANCE: Duration = Duration::from_millis(5);

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

/// How long the nodes of a shop wait for a sign of life, unless the story says otherwise: short, where
/// it is waited for.
const NODE_TIMEOUT: (&str, &str) = ("VIGIE__CLUSTER__NODE_TIMEOUT_MS", "1500");

/// Where no story is about it, a machine that stalls for a second or two is no dead node, and no Redis
/// that is away.
const CALM: [(&str, &str); 2] =
    [("VIGIE__CLUSTER__NODE_TIMEOUT_MS", "4000"), ("VIGIE__REDIS__TIMEOUT_MS", "10000")];

/// What the names of a shop's keys begin with: not what they do by default.
const PREFIX: (&str, &str) = ("VIGIE__REDIS__PREFIX", "shop");

/// How many engines a shop has: `VIGIE_CLUSTER`, or one.
pub fn nodes_of_a_shop() -> usize {
    std::env::var("VIGIE_CLUSTER").map_or(1, |nodes| match nodes.parse() {
        Ok(nodes @ 1..=9) => nodes,
        _ => panic!("VIGIE_CLUSTER is {nodes:?}, not a number of nodes from 1 to 9"),
    })
}

/// Whether shops are one engine each.
pub fn alone() -> bool {
    nodes_of_a_shop() == 1
}

/// Whether the story is left out because it is about one engine, and this is a cluster; it says why.
#[must_use]
pub fn only_alone(why: &str) -> bool {
    if !alone() {
        println!("left out on a cluster: {why}");
    }
    !alone()
}

/// Asks for what all nodes are to know. One engine knows at once whatever it has acknowledged; among
/// several it takes a moment, and is asked for until it is as expected.
pub async fn known<T>(
    what: impl fmt::Display,
    ask: impl AsyncFn() -> T,
    expected: impl Fn(&T) -> bool,
) -> T {
    within(what, async {
        loop {
            let answer = ask().await;
            if alone() || expected(&answer) {
                return answer;
            }
            tokio::time::sleep(GLANCE).await;
        }
    })
    .await
}

/// The demo site, served by one engine or several.
pub struct Shop {
    pub nodes: Vec<Engine>,
    /// Where the log and the store are, if not in the engine's data folder.
    pub redis: Option<RedisServer>,
    pub site: Site,
    next: AtomicUsize,
    data: TempDir,
}

impl Shop {
    /// Opens a shop as it is configured by default, but for its ports and folder.
    pub async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// Opens a shop with other settings: `("PRESENCE__VISITOR_GRACE_MS", "200")`.
    pub async fn open_with(settings: &[(&str, &str)]) -> Self {
        Self::open_as(&as_environment(settings), None).await
    }

    async fn open_as(settings: &[(String, String)], words: Option<&Path>) -> Self {
        let redis = (!alone()).then(RedisServer::start);
        let urls = redis.iter().flat_map(|redis| vec![redis.url(); nodes_of_a_shop()]).collect();
        let calm = CALM.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let settings: Vec<_> = calm.into_iter().chain(settings.iter().cloned()).collect();
        Self::open_at(redis, urls, &settings, words).await
    }

    /// Opens a shop with a node for each of these ways to one Redis.
    pub async fn open_over(
        redis: RedisServer,
        urls: Vec<String>,
        settings: &[(&str, &str)],
    ) -> Self {
        Self::open_at(Some(redis), urls, &as_environment(settings), None).await
    }

    async fn open_at(
        redis: Option<RedisServer>,
        urls: Vec<String>,
        settings: &[(String, String)],
        words: Option<&Path>,
    ) -> Self {
        let data = tempfile::tempdir().unwrap();
        let start = |folder: String, settings: Settings| {
            let folder = data.path().join(folder);
            async move {
                match words {
                    Some(words) => Engine::start_logged(folder, settings, words).await,
                    None => Engine::start(folder, settings).await,
                }
            }
        };
        let mut nodes = vec![];
        if redis.is_none() {
            nodes.push(start("".into(), settings.to_vec()).await);
        }
        let of_cluster = |(n, url): (usize, String)| {
            let url = ("VIGIE__REDIS__URL".to_owned(), url);
            let own = [PREFIX, NODE_TIMEOUT].map(|(key, value)| (key.to_owned(), value.to_owned()));
            let settings = [url].into_iter().chain(own).chain(settings.iter().cloned());
            start(format!("node-{n}"), settings.collect())
        };
        let mut of_cluster = urls.into_iter().enumerate().map(of_cluster);
        // The first one brings the demo along.
        if let Some(first) = of_cluster.next() {
            nodes.push(first.await);
            nodes.extend(join_all(of_cluster).await);
        }
        let store = store_of(&data, redis.as_ref());
        let site = store.site("demo".parse().unwrap()).await.unwrap().expect("the demo site");
        let shop = Self { nodes, redis, site, next: AtomicUsize::new(0), data };
        shop.meet().await;
        shop
    }

    /// Waits until every node knows every other and shares the site with it: whoever comes before
    /// that is known elsewhere somewhat later than usual.
    async fn meet(&self) {
        // Who is listed was told behind all that was asked for when it connected.
        for _ in 0..2 {
            self.all_know().await;
        }
        if self.redis.is_some() {
            let ready = self.nodes.iter().map(|node| async {
                while !raw::is_ready(node.http).await.unwrap() {
                    tokio::time::sleep(GLANCE).await;
                }
            });
            within("every node to be ready", join_all(ready)).await;
        }
    }

    /// Waits until every node knows of all operators and bots who are connected to any. What a node
    /// tells of them the others hear in that order: so somebody connects to each, and is waited for.
    pub async fn all_know(&self) {
        if self.nodes.len() == 1 {
            return;
        }
        static MARKERS: AtomicUsize = AtomicUsize::new(0);
        let markers = self.nodes.iter().map(|node| async move {
            let id = format!("zz-marker-{}", MARKERS.fetch_add(1, Ordering::Relaxed));
            let link = Link::open(&node.endpoint(Via::Tcp), &Options::default()).await.unwrap();
            link.call(&with_token(self.operator_token(&id, Rank::Agent))).await.unwrap();
            (id, link)
        });
        let markers = within("every node to let somebody in", join_all(markers)).await;
        let seen = markers.iter().map(|(_, link)| async {
            loop {
                let seen = link.call(&Operators {}).await.unwrap().operators;
                let is_there = |id: &str| seen.iter().any(|c| c.connected && c.id.as_str() == id);
                if markers.iter().all(|(id, _)| is_there(id)) {
                    return;
                }
                tokio::time::sleep(GLANCE).await;
            }
        });
        within("every node to know whom the others have let in", join_all(seen)).await;
    }

    /// The data folder of the one engine.
    pub fn data(&self) -> &Path {
        assert!(self.redis.is_none(), "what a cluster keeps is in Redis");
        self.data.path()
    }

    /// Everything that is kept, as bytes on the disk.
    pub fn kept_on_disk(&self) -> Vec<u8> {
        match &self.redis {
            Some(redis) => files_in(redis.folder()),
            None => files_in(self.data()),
        }
    }

    /// The store, as the command line would open it.
    pub fn store(&self) -> Arc<dyn Store> {
        store_of(&self.data, self.redis.as_ref())
    }

    /// The process id of the one engine.
    pub fn pid(&self) -> u32 {
        let [one] = self.nodes.as_slice() else { panic!("there are {} nodes", self.nodes.len()) };
        one.pid()
    }

    /// The node that lets the next one in.
    pub fn node(&self) -> &Engine {
        &self.nodes[self.next.fetch_add(1, Ordering::Relaxed) % self.nodes.len()]
    }

    /// The next node's address of HTTP and WebSocket.
    pub fn http(&self) -> SocketAddr {
        self.node().http
    }

    /// The next node's address of plain TCP.
    pub fn tcp(&self) -> SocketAddr {
        self.node().tcp
    }

    /// Ends every engine as a power cut would.
    pub async fn kill(&mut self) {
        join_all(self.nodes.iter_mut().map(Engine::kill)).await;
    }

    /// Sends SIGTERM to every engine; returns once all have ended by themselves, how the worst did.
    pub async fn close(&mut self) -> ExitStatus {
        let ends = join_all(self.nodes.iter_mut().map(Engine::close)).await;
        ends.into_iter().min_by_key(ExitStatus::success).expect("a shop has an engine")
    }

    /// Opens the same shop again, at the same addresses.
    pub async fn reopen(&mut self) {
        join_all(self.nodes.iter_mut().map(Engine::reopen)).await;
        self.meet().await;
    }

    /// Opens the one engine again with other settings.
    pub async fn reopen_with(&mut self, settings: &[(&str, &str)]) {
        let [one] = self.nodes.as_mut_slice() else { panic!("settings are for one engine here") };
        one.reopen_with(as_environment(settings)).await;
    }

    /// Where the next client connects to.
    pub fn endpoint(&self, via: Via) -> Endpoint {
        self.node().endpoint(via)
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
        self.all_know().await;
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
        self.all_know().await;
        Person::new("the bot", client)
    }

    /// Goes on at another site of the same engine: like the demo, but without its articles, and
    /// with these settings.
    pub async fn settle(&mut self, change: impl FnOnce(&mut SiteSettings)) {
        self.site.id = "other".parse().unwrap();
        self.site.key = "other".into();
        change(&mut self.site.settings);
        self.store().put_site(self.site.clone()).await.unwrap();
        self.meet().await;
    }

    /// A reverse proxy before the shop, which adds a header to the request of each connection.
    pub async fn proxy(&self, header: &str) -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::web_socket(listener.local_addr().unwrap(), Encoding::Json);
        let (shop, header) = (self.http(), format!("{header}\r\n"));
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

/// The store that engines have which keep their data there.
fn store_of(data: &TempDir, redis: Option<&RedisServer>) -> Arc<dyn Store> {
    match redis {
        Some(redis) => redis_store(redis.url()),
        None => Arc::new(SqliteStore::open(data.path().join("vigie.db")).unwrap()),
    }
}

/// The store of a cluster.
fn redis_store(url: String) -> Arc<dyn Store> {
    let (prefix, connections, timeout) = (PREFIX.1.to_owned(), 1, PATIENCE);
    let config = vigie::config::Redis { url: Some(url), prefix, connections, timeout };
    Arc::new(RedisStore::open(Redis::open(&config).unwrap()).unwrap())
}

/// All files below a folder, one behind the other.
fn files_in(folder: &Path) -> Vec<u8> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let bytes = entries.flat_map(|path| match path.is_dir() {
        true => files_in(&path),
        false => std::fs::read(&path).unwrap(),
    });
    bytes.collect()
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

    /// As [`Self::until`], of what may be lost on its way, as signals may: it is `done` again and again
    /// meanwhile.
    pub async fn until_again<T, D: Future>(
        &mut self,
        what: &str,
        wanted: impl Fn(&ClientEvent) -> Option<T>,
        done: impl Fn() -> D,
    ) -> T {
        let again = async {
            let mut moments = tokio::time::interval(AGAIN);
            loop {
                moments.tick().await;
                done().await;
            }
        };
        tokio::select! {
            found = self.until(what, wanted) => found,
            () = again => unreachable!("it is done for ever"),
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

/// The next push, but for how well the node is: that is told at any time (ND6).
pub async fn next_push(link: &Link) -> Result<Push, Closed> {
    loop {
        match link.next_push().await {
            Ok(Push::Status(_)) => {}
            other => return other,
        }
    }
}

/// Waits for something, but not forever.
pub async fn within<T>(what: impl fmt::Display, future: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited for {what} in vain"),
    }
}
