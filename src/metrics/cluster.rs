//! What comes over the bus, and what is seen of the other nodes.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::{By, Histogram, truth};

/// What was dropped at a bound of the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusDropped {
    /// Heard, and not taken in time.
    Heard,
    /// To be sent, and not taken by Redis.
    Sent,
}

/// The bus.
#[derive(Debug)]
pub struct Cluster {
    /// How long what this node sends itself is on its way.
    pub bus_lag: Histogram,
    /// Times at which something of the others may have been missed.
    pub gaps: Counter,
    /// Messages dropped.
    pub dropped: By<BusDropped, Counter>,
    /// Sessions of dead nodes that this one has taken over.
    pub adopted: Counter,
}

/// What is seen of the other nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Others {
    /// How many nodes live, this one among them.
    pub nodes: usize,
    /// The log's generation.
    pub generation: u64,
    /// Whether Redis answers, and brings what this node sends itself.
    pub redis_up: bool,
    /// Whether what is shown may be behind, and what is sent refused.
    pub degraded: bool,
}

impl Cluster {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let bus_lag = Histogram::of_latencies();
        registry.register_with_unit(
            "bus_lag",
            "How long a message that this node sends itself every second is on its way over Redis",
            Unit::Seconds,
            bus_lag.clone(),
        );
        let gaps = Counter::default();
        registry.register(
            "bus_gaps",
            "Times at which something of the other nodes may have been missed and was looked at \
             anew, that of the start included",
            gaps.clone(),
        );
        let directions = [(BusDropped::Heard, "heard"), (BusDropped::Sent, "sent")];
        let dropped = By::register(
            registry,
            "bus_dropped",
            "Messages between nodes that were dropped at a bound, or that Redis did not take",
            directions.map(|(direction, name)| (direction, [("direction", name)])),
        );
        let adopted = Counter::default();
        registry.register(
            "cluster_sessions_adopted",
            "Sessions of dead nodes that this node has taken over",
            adopted.clone(),
        );
        Self { bus_lag, gaps, dropped, adopted }
    }
}

impl Others {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "cluster_nodes",
            "Nodes that live, as this one sees it; itself included",
            ConstGauge::new(self.nodes),
        );
        registry.register(
            "cluster_generation",
            "The log's generation: raised when Redis has lost what was acknowledged",
            ConstGauge::new(self.generation),
        );
        registry.register(
            "cluster_degraded",
            "1 while this node does not hear the others, or cannot store",
            truth(self.degraded),
        );
        registry.register(
            "redis_up",
            "1 while Redis takes appends and brings what this node sends itself",
            truth(self.redis_up),
        );
    }
}
