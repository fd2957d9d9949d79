//! What the engine counts and measures of itself, in the form that Prometheus reads.
//!
//! There is one set for the process, which the rooms write to by typed handles: an increment is one
//! relaxed atomic, nothing waits for anything, and no connection or session is a byte larger for
//! being counted. Labels have values from fixed lists only: never an id, an address or a text.
//!
//! # Layout
//!
//! - `connections`: who is connected, how they go, what they are refused
//! - `conversations`: what becomes durable in sessions
//! - `delivery`: what goes out to those who follow
//! - `storage`: appends and commits
//! - `cluster`: what comes over the bus, and what is seen of the other nodes
//! - `by`, `histogram`: families with a label, distributions
//! - `process`: memory, processor time, open files

use std::fmt;
use std::sync::LazyLock;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

mod by;
mod cluster;
mod connections;
mod conversations;
mod delivery;
mod histogram;
mod process;
mod storage;

pub use by::By;
pub use cluster::{BusDropped, Cluster, Others};
pub use connections::{Connections, Transport, Who};
pub use conversations::Conversations;
pub use delivery::{Delivered, Delivery};
pub use histogram::Histogram;
pub use storage::Storage;

/// What the answer to a scrape is.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What every name begins with but those of the process.
const PREFIX: &str = "vigie";

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// What this process measures.
pub fn metrics() -> &'static Metrics {
    &METRICS
}

/// Everything that is counted as it happens.
pub struct Metrics {
    /// Who is connected.
    pub connections: Connections,
    /// What becomes durable in sessions.
    pub conversations: Conversations,
    /// What goes out to those who follow.
    pub delivery: Delivery,
    /// Appends and commits.
    pub storage: Storage,
    /// What comes over the bus.
    pub cluster: Cluster,
    always: Registry,
    /// What is shown by nodes of a cluster only.
    in_a_cluster: Registry,
}

/// What is looked at when somebody asks, rather than counted as it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Sessions with an actor at this node.
    pub sessions: usize,
    /// Whether the log takes appends.
    pub log_up: bool,
    /// What is seen of the other nodes; `None`: this one is alone.
    pub others: Option<Others>,
}

impl Metrics {
    fn new() -> Self {
        let mut always = Registry::with_prefix(PREFIX);
        let mut in_a_cluster = Registry::with_prefix(PREFIX);
        always.register(
            "build",
            "The version that runs",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        Self {
            connections: Connections::new(&mut always),
            conversations: Conversations::new(&mut always),
            delivery: Delivery::new(&mut always),
            storage: Storage::new(&mut always),
            cluster: Cluster::new(&mut in_a_cluster),
            always,
            in_a_cluster,
        }
    }

    /// All of it as text. It reads files of the system: not for a thread that serves sockets.
    ///
    /// # Errors
    /// A value cannot be written.
    pub fn write(&self, standing: &Standing) -> Result<String, fmt::Error> {
        let mut now = Registry::with_prefix(PREFIX);
        standing.register(&mut now);
        let mut of_process = Registry::default();
        process::register(&mut of_process);
        let of_cluster = standing.others.map(|_| &self.in_a_cluster);
        let mut text = String::new();
        for registry in [&self.always, &now, &of_process].into_iter().chain(of_cluster) {
            encode_registry(&mut text, registry)?;
        }
        encode_eof(&mut text)?;
        Ok(text)
    }
}

impl Standing {
    fn register(&self, registry: &mut Registry) {
        registry.register(
            "sessions",
            "Sessions that this node holds: somebody is in them, or something is awaited",
            ConstGauge::new(self.sessions),
        );
        registry.register(
            "log_up",
            "1 while the log takes appends, 0 while it refuses them",
            truth(self.log_up),
        );
        if let Some(others) = &self.others {
            others.register(registry);
        }
    }
}

fn truth(value: bool) -> ConstGauge<i64> {
    ConstGauge::new(i64::from(value))
}

#[cfg(test)]
mod tests;
