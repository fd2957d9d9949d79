//! The engine's configuration: one typed door.
//!
//! It is read once, at start, from three layers: `config/default.toml` (compiled in, the schema of
//! all keys), a file, and the environment (`VIGIE__SECTION__KEY`). Everything that is wrong is
//! reported together, so that a deployment is put right in one go. Behind this door nobody parses
//! or checks a setting again.
//!
//! # Layout
//!
//! - `error`: what is wrong, where, and what would be right
//! - `layers`: default, file and environment, laid over each other
//! - `read`: typed values within bounds
//! - `origin`: a scheme and a host, as browsers send it

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use tracing_subscriber::filter::Targets;

mod error;
mod layers;
mod origin;
mod read;

pub use error::{ConfigError, ConfigErrors};
pub use origin::origin;

use layers::Settings;
use read::Reader;

/// Every key with its default and its meaning.
pub const DEFAULT_TOML: &str = include_str!("../config/default.toml");

/// What the engine is told about its surroundings. What concerns one site is in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// HTTP and WebSocket.
    pub http: Http,
    /// Plain TCP.
    pub tcp: Tcp,
    /// Where data is kept.
    pub data: Data,
    /// The Redis of a cluster.
    pub redis: Redis,
    /// The other nodes.
    pub cluster: Cluster,
    /// Bounds of connections.
    pub gateway: Gateway,
    /// When somebody counts as gone.
    pub presence: Presence,
    /// Sessions.
    pub session: Session,
    /// Closed sessions.
    pub retention: Retention,
    /// Bots.
    pub bots: Bots,
    /// Where operators sign in.
    pub desk: Desk,
    /// The live list.
    pub live_list: LiveList,
    /// What is told of visitors.
    pub visitor: Visitor,
    /// What the engine measures of itself.
    pub metrics: Metrics,
    /// What the engine says of itself.
    pub tracing: Tracing,
}

/// `[http]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// Where HTTP and WebSocket are served.
    pub listen: SocketAddr,
    /// The origin that people know the engine by; `None`: the address that it is bound to.
    pub public_url: Option<String>,
    /// Where built web files are read from; `None`: those in the program.
    pub web_dir: Option<PathBuf>,
}

/// `[tcp]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tcp {
    /// Whether plain TCP is served.
    pub enabled: bool,
    /// Where it is served.
    pub listen: SocketAddr,
}

/// `[data]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// The directory of the database.
    pub dir: PathBuf,
    /// Bytes that the database may grow to; `None`: no limit but the disk.
    pub size_max: Option<u64>,
}

impl Data {
    /// The file that holds the log and the store.
    pub fn database(&self) -> PathBuf {
        self.dir.join("vigie.db")
    }
}

/// `[redis]`
#[derive(Clone, PartialEq, Eq)]
pub struct Redis {
    /// Where it is; `None`: this engine is alone.
    pub url: Option<String>,
    /// What the names of all keys and channels begin with.
    pub prefix: String,
    /// How many connections are kept.
    pub connections: usize,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// The address may hold a password.
impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis")
            .field("url", &self.url.as_ref().map(|_| "…"))
            .field("prefix", &self.prefix)
            .field("connections", &self.connections)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// `[cluster]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Without a sign of life for so long, a node is taken for dead.
    pub node_timeout: Duration,
}

/// `[gateway]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Threads that serve connections: at least 1.
    pub workers: usize,
    /// The most connections at once, over all listeners.
    pub connections_max: usize,
    /// How long a client has to send `connect`.
    pub connect_timeout: Duration,
    /// The silence after which either end sends a ping.
    pub heartbeat: Duration,
    /// Bytes that may wait to be sent to one client.
    pub outbound_queue: usize,
    /// How long an HTTP request or a WebSocket handshake may take to arrive.
    pub handshake_timeout: Duration,
    /// Reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long clients have to go at shutdown.
    pub drain_timeout: Duration,
}

/// `[presence]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// How long a visitor stays in the live list without a connection.
    pub visitor_grace: Duration,
    /// How long an operator keeps control without a connection.
    pub operator_grace: Duration,
}

/// `[session]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// How long a visitor is away until their session is closed.
    pub close_after: Duration,
}

/// `[retention]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// How long a closed session is kept; `None`: for ever.
    pub keep_closed: Option<Duration>,
    /// Where it is written to before it is removed; `None`: nowhere.
    pub archive_dir: Option<PathBuf>,
}

/// `[bots]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bots {
    /// How long a bot has to answer a turn.
    pub turn_timeout: Duration,
}

/// `[desk]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desk {
    /// How long a sign-in lasts after it was used.
    pub sign_in: Duration,
}

/// `[live_list]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveList {
    /// How long changes are gathered before they are sent.
    pub flush_interval: Duration,
}

/// `[visitor]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// MaxMind DB with the country of an address.
    pub country_file: Option<PathBuf>,
    /// User-Agent rules.
    pub device_rules: Option<PathBuf>,
}

/// `[metrics]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// From where `/metrics` may be read.
    pub allow: Vec<IpNet>,
}

/// `[tracing]`
#[derive(Debug, Clone, PartialEq)]
pub struct Tracing {
    /// What is written, by module.
    pub level: Targets,
    /// How it is written.
    pub format: TracingFormat,
}

/// How the engine's own messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TracingFormat {
    /// For humans.
    Text,
    /// One JSON object per line.
    Json,
}

impl Config {
    /// Reads and checks the configuration: the defaults, a file over them, the environment over
    /// both. Of the environment only names that begin with `VIGIE__` are looked at.
    ///
    /// # Errors
    /// Everything that is wrong, together.
    pub fn load(
        file: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        explain(file, env).map(|(config, _)| config)
    }

    /// What is allowed but deserves a second look, for the log.
    pub fn warnings(&self) -> Vec<String> {
        let Retention { keep_closed, archive_dir } = &self.retention;
        let unused = (keep_closed.is_none() && archive_dir.is_some()).then(|| {
            "retention.archive_dir is not used: retention.keep_closed_ms is 0, so that every \
             session is kept in the log"
                .to_owned()
        });
        let tcp = self.tcp.enabled.then_some(("tcp", self.tcp.listen));
        [Some(("http", self.http.listen)), tcp]
            .into_iter()
            .flatten()
            .filter(|(_, address)| !address.ip().is_loopback())
            .map(|(section, address)| {
                format!(
                    "{section}.listen = {address} is reachable from other machines, unencrypted: \
                     put a proxy that ends TLS before it"
                )
            })
            .chain(unused)
            .collect()
    }

    fn read(read: &mut Reader) -> Self {
        let config = Self {
            http: Http {
                listen: read.address("http.listen"),
                public_url: read.origin("http.public_url"),
                web_dir: read.file("http.web_dir"),
            },
            tcp: Tcp { enabled: read.flag("tcp.enabled"), listen: read.address("tcp.listen") },
            data: Data {
                dir: read.directory("data.dir"),
                size_max: read.mebibytes("data.size_mib_max", 1 << 20),
            },
            redis: Redis {
                url: read.redis("redis.url"),
                prefix: read.word("redis.prefix", 64),
                connections: read.count("redis.connections", 1..=64),
                timeout: read.millis("redis.timeout_ms", 50..=60_000),
            },
            cluster: Cluster { node_timeout: read.millis("cluster.node_timeout_ms", 500..=60_000) },
            gateway: Gateway {
                workers: read.workers("gateway.workers"),
                connections_max: read.count("gateway.connections_max", 1..=1_000_000),
                connect_timeout: read.millis("gateway.connect_timeout_ms", 50..=60_000),
                heartbeat: read.millis("gateway.heartbeat_ms", 100..=300_000),
                outbound_queue: read.count("gateway.outbound_queue_kib", 64..=65_536) * 1024,
                handshake_timeout: read.millis("gateway.handshake_timeout_ms", 50..=60_000),
                trusted_proxies: read.networks("gateway.trusted_proxies"),
                drain_timeout: read.millis("gateway.drain_timeout_ms", 0..=600_000),
            },
            presence: Presence {
                visitor_grace: read.millis("presence.visitor_grace_ms", 0..=3_600_000),
                operator_grace: read.millis("presence.operator_grace_ms", 0..=3_600_000),
            },
            session: Session {
                close_after: read.millis("session.close_after_ms", 100..=31_536_000_000),
            },
            retention: Retention {
                keep_closed: Some(read.millis("retention.keep_closed_ms", 0..=3_153_600_000_000))
                    .filter(|keep| !keep.is_zero()),
                archive_dir: read.file("retention.archive_dir"),
            },
            bots: Bots { turn_timeout: read.millis("bots.turn_timeout_ms", 10..=600_000) },
            desk: Desk { sign_in: read.millis("desk.sign_in_ms", 1000..=31_536_000_000) },
            live_list: LiveList {
                flush_interval: read.millis("live_list.flush_interval_ms", 1..=10_000),
            },
            visitor: Visitor {
                country_file: read.file("visitor.country_file"),
                device_rules: read.file("visitor.device_rules"),
            },
            metrics: Metrics { allow: read.networks("metrics.allow") },
            tracing: Tracing {
                level: read.targets("tracing.level"),
                format: read.choice(
                    "tracing.format",
                    &[("text", TracingFormat::Text), ("json", TracingFormat::Json)],
                ),
            },
        };
        if config.tcp.enabled
            && config.tcp.listen == config.http.listen
            && config.tcp.listen.port() != 0
        {
            read.refuse("tcp.listen", "is also http.listen", "give it another port");
        }
        config
    }
}

/// As [`Config::load`], and beside it the effective configuration as TOML, each value with a
/// comment that says where it comes from.
///
/// # Errors
/// Everything that is wrong, together.
pub fn explain(
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
) -> Result<(Config, String), ConfigErrors> {
    let mut errors = Vec::new();
    let settings = Settings::gather(file, env, &mut errors);
    let mut reader = Reader::new(&settings, &mut errors);
    let config = Config::read(&mut reader);
    match ConfigErrors::new(errors) {
        Some(errors) => Err(errors),
        None => Ok((config, settings.to_string())),
    }
}

#[cfg(test)]
mod tests;
