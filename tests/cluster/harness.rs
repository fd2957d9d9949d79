//! A cluster that can be broken: a shop of three nodes, each with its own way to Redis, and what
//! stands before them.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use vigie::identity::Role;
use vigie_client::{CallError, Client, Link, Options, as_visitor, with_token};
use vigie_protocol::event::Event;
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Connect, History, Method, Rank};

use crate::balancer::Balancer;
use crate::history::without_key;
use crate::proxy::Proxy;
use crate::support::engine::Engine;
use crate::support::redis::RedisServer;
use crate::support::{PATIENCE, Shop, Via, display_name, patient, within};

/// How long is waited between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// How many nodes a cluster has.
pub const NODES: usize = 3;

/// How long nodes wait for Redis where everything that is waited for is short.
pub const REDIS_TIMEOUT: Duration = Duration::from_secs(1);

/// Everything that is waited for is short.
pub const QUICK: &[(&str, &str)] = &[
    ("GATEWAY__HEARTBEAT_MS", "2500"),
    ("GATEWAY__DRAIN_TIMEOUT_MS", "2000"),
    ("REDIS__TIMEOUT_MS", "1000"),
];

/// The same where nodes die and Redis does not: that a machine stalls is no fault of Redis.
pub const MORTAL: &[(&str, &str)] = &[
    ("GATEWAY__HEARTBEAT_MS", "2500"),
    ("GATEWAY__DRAIN_TIMEOUT_MS", "2000"),
    ("REDIS__TIMEOUT_MS", "10000"),
];

/// Where nothing breaks, nothing is shorter than a machine may stall.
pub const CALM: &[(&str, &str)] = &[
    ("GATEWAY__DRAIN_TIMEOUT_MS", "2000"),
    ("REDIS__TIMEOUT_MS", "20000"),
    ("CLUSTER__NODE_TIMEOUT_MS", "20000"),
];

pub struct Cluster {
    pub shop: Shop,
    /// One before Redis for each node.
    pub proxies: Vec<Proxy>,
    pub balancer: Balancer,
}

impl Cluster {
    pub async fn open(settings: &[(&str, &str)]) -> Self {
        Self::open_on(RedisServer::start(), settings).await
    }

    pub async fn open_on(redis: RedisServer, settings: &[(&str, &str)]) -> Self {
        let target = address_of(&redis);
        let proxies = join_all((0..NODES).map(|_| Proxy::before(target))).await;
        let urls = proxies.iter().map(|proxy| format!("redis://{}", proxy.address)).collect();
        let shop = Shop::open_over(redis, urls, settings).await;
        let balancer = Balancer::before(&shop.nodes).await;
        Self { shop, proxies, balancer }
    }

    pub fn nodes(&self) -> &[Engine] {
        &self.shop.nodes
    }

    pub fn redis(&mut self) -> &mut RedisServer {
        self.shop.redis.as_mut().expect("a cluster has one")
    }

    /// What a visitor says to be let in.
    pub fn as_visitor(&self) -> Connect {
        Connect { language: Some("en".into()), ..as_visitor(&*self.shop.site.key) }
    }

    /// What an operator says to be let in.
    pub fn as_operator(&self, id: &str, rank: Rank) -> Connect {
        with_token(self.shop.operator_token(id, rank))
    }

    /// What a bot says to be let in.
    pub fn as_bot(&self, id: &str) -> Connect {
        with_token(self.shop.token(Role::Bot, id, Some(&display_name(id)), None, 3600))
    }

    /// A client that reconnects, by the balancer.
    pub async fn client(&self, via: Via, connect: Connect) -> Client {
        Client::connect(self.balancer.endpoint(via), connect, patient()).await.unwrap()
    }

    /// One connection to one node, which says who it is.
    pub async fn link(&self, node: usize, connect: &Connect) -> Link {
        let endpoint = self.nodes()[node].endpoint(Via::Tcp);
        within("a connection", async {
            // What a test does not read meanwhile is kept for it.
            let options = Options { pushes_max: 64 * 1024, ..Options::default() };
            let link = Link::open(&endpoint, &options).await.unwrap();
            asked(&link, connect).await.unwrap();
            link
        })
        .await
    }

    /// A session's log as a node tells it.
    pub async fn log_at(&self, node: usize, session: SessionId) -> Vec<Event> {
        let link = self.link(node, &self.as_operator("reader", Rank::Agent)).await;
        log_of(&link, session).await
    }

    /// A session's log as the command line exports it.
    pub async fn exported(&self, session: SessionId) -> Vec<Event> {
        let mut export = self.nodes()[0].command(&["export", &session.to_string()]);
        // A command does not ask twice: it gets the time that a busy machine may take.
        export.env("VIGIE__REDIS__TIMEOUT_MS", "20000");
        let exported = within("the export", export.output()).await.unwrap();
        let complaint = String::from_utf8_lossy(&exported.stderr);
        assert!(exported.status.success(), "{}: {complaint}", exported.status);
        let lines = String::from_utf8(exported.stdout).unwrap();
        lines.lines().map(|line| without_key(serde_json::from_str(line).unwrap())).collect()
    }
}

/// Where a server listens.
pub fn address_of(redis: &RedisServer) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], redis.port()))
}

/// All of it, page by page.
pub async fn log_of(link: &Link, session: SessionId) -> Vec<Event> {
    let (mut log, mut after) = (vec![], 0);
    loop {
        let page = History { session: Some(session), after, limit: 500 };
        let page = within("a page of the log", asked(link, &page)).await.unwrap();
        log.extend(page.events.into_iter().map(without_key));
        match page.next {
            Some(next) => after = next,
            None => return log,
        }
    }
}

/// Asks again while the answer is to do so.
pub async fn asked<M: Method>(link: &Link, params: &M) -> Result<M::Result, CallError> {
    loop {
        match link.call(params).await {
            Err(CallError::Refused(error)) if error.retry => tokio::time::sleep(PAUSE).await,
            answer => return answer,
        }
    }
}

/// Looks again and again until it is so; returns how long it took.
pub async fn until(what: &str, patience: Duration, mut so: impl AsyncFnMut() -> bool) -> Duration {
    let began = std::time::Instant::now();
    let looking = async {
        while !so().await {
            tokio::time::sleep(PAUSE).await;
        }
    };
    match tokio::time::timeout(patience, looking).await {
        Ok(()) => began.elapsed(),
        Err(_) => panic!("{patience:?} were not enough for {what}"),
    }
}

/// The same with the patience of all tests.
pub async fn soon(what: &str, so: impl AsyncFnMut() -> bool) -> Duration {
    until(what, PATIENCE, so).await
}
