//! What goes out to those who follow: to how many, and how much of it waits.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::By;

/// What is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// An event of a session.
    Event,
    /// Typing, a draft. May be dropped.
    Signal,
    /// A change of the live list.
    LiveList,
}

/// Deliveries.
#[derive(Debug)]
pub struct Delivery {
    delivered: By<Delivered, Counter>,
    waiting: Gauge,
}

impl Delivery {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let kinds = [
            (Delivered::Event, "event"),
            (Delivered::Signal, "signal"),
            (Delivered::LiveList, "live_list"),
        ];
        let delivered = By::register(
            registry,
            "deliveries",
            "Messages put into the outbound queues of those who follow a session or watch the live \
             list: one for each receiver",
            kinds.map(|(kind, name)| (kind, [("kind", name)])),
        );
        let waiting = Gauge::default();
        registry.register_with_unit(
            "outbound_queue",
            "What waits to be written to all connections together",
            Unit::Bytes,
            waiting.clone(),
        );
        Self { delivered, waiting }
    }

    /// Something was put into so many outboxes.
    pub fn deliver(&self, what: Delivered, receivers: u64) {
        if receivers > 0 {
            self.delivered.count_all(&what, receivers);
        }
    }

    /// So many bytes wait more in an outbox.
    pub fn wait(&self, bytes: usize) {
        self.waiting.inc_by(bytes as i64);
    }

    /// So many bytes wait no longer: they were taken, or dropped.
    pub fn wait_no_more(&self, bytes: usize) {
        self.waiting.dec_by(bytes as i64);
    }
}
