//! The composition root: puts the rooms together, serves, and shuts down in order.

use std::future::Future;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_http::{HttpService, Request};
use actix_rt::Arbiter;
use actix_rt::net::TcpStream;
use actix_server::Server;
use actix_service::{fn_service, map_config};
use actix_web::App;
use actix_web::dev::AppConfig;
use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;
use actix_web::web::Data;
use bytes::BytesMut;
use tokio::time::MissedTickBehavior;
use vigie_protocol::error::CloseCode;

use crate::accounts::Accounts;
use crate::actors::node::Node;
use crate::actors::relay;
use crate::cluster::{Bus, Cluster};
use crate::config::Config;
use crate::gateway::connection::{Connection, Peer};
use crate::gateway::http::web::Web;
use crate::gateway::transport::Transport;
use crate::gateway::{http, upgrade};
use crate::log::Log;
use crate::retention::Retention;
use crate::store::Store;
use crate::visitor::VisitorData;

/// How often sessions of visitors who stay away are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// How many of them are closed in one go.
const SWEEP_SESSIONS_MAX: u32 = 1000;

/// How long is waited between two looks at the connections that are still open.
const DRAIN_TICK: Duration = Duration::from_millis(20);

/// The bound sockets, before anything is served on them.
#[derive(Debug)]
pub struct Listeners {
    http: TcpListener,
    tcp: Option<TcpListener>,
}

impl Listeners {
    /// Binds what the configuration names.
    ///
    /// # Errors
    /// Says which address could not be bound.
    pub fn bind(config: &Config) -> io::Result<Self> {
        let http = listen("http.listen", config.http.listen)?;
        let tcp =
            config.tcp.enabled.then(|| listen("tcp.listen", config.tcp.listen)).transpose()?;
        Ok(Self { http, tcp })
    }

    /// Where HTTP and WebSocket are served.
    ///
    /// # Errors
    /// The system's.
    pub fn http_address(&self) -> io::Result<SocketAddr> {
        self.http.local_addr()
    }

    /// What links to this engine begin with: the address that people know it by, or else the one
    /// that is bound.
    ///
    /// # Errors
    /// The system's.
    pub fn base(&self, config: &Config) -> io::Result<String> {
        let bound = || Ok(format!("http://{}", reachable(self.http_address()?)));
        config.http.public_url.clone().map_or_else(bound, Ok)
    }

    /// Where plain TCP is served.
    ///
    /// # Errors
    /// The system's.
    pub fn tcp_address(&self) -> io::Result<Option<SocketAddr>> {
        self.tcp.as_ref().map(TcpListener::local_addr).transpose()
    }
}

/// An address at which this machine reaches what is bound to `address`.
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

fn listen(key: &str, address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
        .map_err(|e| io::Error::new(e.kind(), format!("{key} = {address} cannot be bound: {e}")))
}

/// Where things are kept, and how the other nodes are reached.
pub struct Keeps {
    /// The session log.
    pub log: Arc<dyn Log>,
    /// Sites, operators, knowledge.
    pub store: Arc<dyn Store>,
    /// The cluster that was joined; `None`: this engine is alone.
    pub cluster: Option<Arc<Cluster>>,
}

/// Joins the cluster: before this engine says that it is there.
///
/// # Errors
/// The bus does not answer.
pub async fn join(config: &Config, bus: Arc<dyn Bus>) -> io::Result<Arc<Cluster>> {
    let cluster = Arc::new(Cluster::new(bus, config.cluster.node_timeout));
    relay::join(&cluster).await.map_err(io::Error::other)?;
    Ok(cluster)
}

/// Serves until `shutdown` resolves, then lets clients go and finishes what they were promised. With
/// a `demo`, the pages of its shop are served from that directory.
///
/// # Errors
/// The listeners'.
pub async fn run(
    config: Config,
    listeners: Listeners,
    keeps: Keeps,
    demo: Option<PathBuf>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let Keeps { log, store, cluster } = keeps;
    let visitors = VisitorData::load(
        config.visitor.country_file.as_deref(),
        config.visitor.device_rules.as_deref(),
    );
    let pages = Pages {
        accounts: Accounts::new(Arc::clone(&store), config.desk.sign_in, listeners.base(&config)?)
            .map(Arc::new)
            .map_err(io::Error::other)?,
        web: Arc::new(Web::new(&config, demo)),
    };
    let desk = Arbiter::new();
    let node = Node::new(config, log, store, cluster.clone(), visitors, desk.handle());
    if let Some(cluster) = &cluster {
        desk.spawn(relay::run(Arc::clone(&node), Arc::clone(cluster)));
        relay::meet(&node, cluster).await;
    }
    let server = serve(&node, pages, listeners)?;
    let handle = server.handle();
    actix_rt::spawn(server);
    actix_rt::spawn(sweep(Arc::clone(&node)));
    actix_rt::spawn(retain(Arc::clone(&node)));

    shutdown.await;
    tracing::info!(connections = node.connections(), "shutting down");
    handle.pause().await;
    node.drain();
    let deadline = Instant::now() + node.config.gateway.drain_timeout;
    while node.connections() > 0 && Instant::now() < deadline {
        actix_rt::time::sleep(DRAIN_TICK).await;
    }
    if node.connections() > 0 {
        tracing::warn!(connections = node.connections(), "clients did not go in time");
    }
    handle.stop(false).await;
    if let Some(cluster) = &cluster {
        relay::depart(cluster).await;
    }
    desk.stop();
    Ok(())
}

/// What browsers are given beside the socket.
#[derive(Clone)]
struct Pages {
    accounts: Arc<Accounts>,
    web: Arc<Web>,
}

fn serve(node: &Arc<Node>, pages: Pages, listeners: Listeners) -> io::Result<Server> {
    let gateway = &node.config.gateway;
    let mut server = Server::build()
        .workers(gateway.workers)
        .max_concurrent_connections(gateway.connections_max)
        .disable_signals();
    let for_http = Arc::clone(node);
    server = server.listen("http", listeners.http, move || {
        let (for_app, for_upgrade) = (Arc::clone(&for_http), Arc::clone(&for_http));
        let Pages { accounts, web } = pages.clone();
        let app = App::new()
            .wrap(DefaultHeaders::new().add((header::X_CONTENT_TYPE_OPTIONS, "nosniff")))
            .app_data(Data::new(for_app))
            .app_data(Data::new(accounts))
            .app_data(Data::new(web))
            .configure(http::routes);
        HttpService::build()
            .client_request_timeout(for_http.config.gateway.handshake_timeout)
            .tcp_nodelay(true)
            .upgrade(fn_service(move |(request, framed): (Request, _)| {
                let handshake_timeout = for_upgrade.config.gateway.handshake_timeout;
                let upgrade = upgrade::upgrade(Arc::clone(&for_upgrade), request, framed);
                async move {
                    // A peer that does not take its answer in time is dropped.
                    let done = actix_rt::time::timeout(handshake_timeout, upgrade).await;
                    done.unwrap_or(Ok(())).map_err(actix_web::Error::from)
                }
            }))
            .finish(map_config(app, |()| AppConfig::default()))
            .tcp()
    })?;
    if let Some(tcp) = listeners.tcp {
        let node = Arc::clone(node);
        server = server.listen("tcp", tcp, move || {
            let node = Arc::clone(&node);
            fn_service(move |socket: TcpStream| {
                accept_tcp(Arc::clone(&node), socket);
                std::future::ready(Ok::<_, io::Error>(()))
            })
        })?;
    }
    Ok(server.run())
}

fn accept_tcp(node: Arc<Node>, socket: TcpStream) {
    let Some(admission) = node.admit() else { return turn_away(socket) };
    let Ok(address) = socket.peer_addr() else { return };
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "a socket keeps its small writes back");
    }
    let peer = Peer { address: address.ip(), origin: None, user_agent: None, language: None };
    Connection::open(node, admission, Box::new(socket), Transport::tcp(), BytesMut::new(), peer);
}

/// A connection more than the node takes is told so, as far as its socket takes that at once: there
/// is no room to wait for it.
fn turn_away(socket: TcpStream) {
    let mut bye = BytesMut::new();
    Transport::tcp().write_close(CloseCode::Busy, &mut bye);
    // Written past the reactor, which does not know yet that the socket takes it.
    if let Err(error) = socket.into_std().and_then(|mut socket| socket.write(&bye)) {
        tracing::debug!(%error, "a connection too many was closed without a word");
    }
}

/// Closes the sessions of visitors who have been away for too long.
async fn sweep(node: Arc<Node>) {
    use crate::actors::session::{Answer, Do};
    use crate::core::decide::Command;

    let away = node.config.session.close_after.as_millis() as u64;
    let mut ticks = actix_rt::time::interval(SWEEP_INTERVAL.min(node.config.session.close_after));
    loop {
        ticks.tick().await;
        // One of the nodes does it for all.
        if node.cluster.as_ref().is_some_and(|cluster| !cluster.leads()) {
            continue;
        }
        let before = node.now().saturating_sub(away);
        let stale = match node.log.stale(before, SWEEP_SESSIONS_MAX).await {
            Ok(stale) => stale,
            Err(error) => {
                tracing::warn!(%error, "stale sessions could not be looked for");
                continue;
            }
        };
        for record in stale {
            let command = Command::Close { by: None };
            let close = Do { site: record.site, command, answer: Answer::Nobody };
            // One that is busy is not stale; it is found again if it becomes so.
            let _ = node.session(record.session).try_send(close);
        }
    }
}

/// Removes the sessions that have been closed for long enough, after they were archived.
async fn retain(node: Arc<Node>) {
    let Some(retention) = Retention::new(&node.config.retention) else { return };
    let mut ticks = actix_rt::time::interval(retention.interval());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut trouble = None;
    loop {
        ticks.tick().await;
        if node.cluster.as_ref().is_some_and(|cluster| !cluster.leads()) {
            continue;
        }
        trouble = remove_expired(&node, &retention, trouble).await;
    }
}

/// One run; returns what it met. The same trouble is told once only.
async fn remove_expired(
    node: &Node,
    retention: &Retention,
    before: Option<String>,
) -> Option<String> {
    match retention.run(&*node.log, node.now()).await {
        Ok(run) => {
            if before.is_some() {
                tracing::info!("closed sessions are removed again");
            }
            if run.removed > 0 {
                tracing::info!(sessions = run.removed, "removed closed sessions");
            }
            None
        }
        Err(error) => {
            let trouble = error.advice(node.config.retention.archive_dir.as_deref());
            if before.as_ref() != Some(&trouble) {
                tracing::error!("{trouble}");
            }
            Some(trouble)
        }
    }
}
