//! A node of a cluster, without an engine around it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;
use vigie::cluster::redis::{RedisBus, RedisBusOptions};
use vigie::cluster::{Attendance, Bus, Heard, NodeId};
use vigie::config;
use vigie::core::end::LogEnd;
use vigie::log::redis::RedisLog;
use vigie::log::{Append, AppendError, Log};
use vigie::redis::Redis;
use vigie_protocol::event::{Author, Event, EventBody, Offset, VisitorContext};
use vigie_protocol::id::{SessionId, VisitorId};

/// So much longer than anything takes that works.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How often canaries are sent in tests.
pub const CANARY: Duration = Duration::from_millis(200);

/// How long an answer of Redis may take in tests.
pub const TIMEOUT: Duration = Duration::from_millis(1000);

/// One node.
pub struct Node {
    pub bus: Arc<RedisBus>,
    pub log: Arc<dyn Log>,
    heard: mpsc::Receiver<Heard>,
}

/// Nodes of one cluster whose Redis is there, ready to hear.
pub async fn nodes<const N: usize>(url: &str) -> [Node; N] {
    let prefix = crate::redis_server::prefix();
    let mut nodes = Vec::new();
    for _ in 0..N {
        nodes.push(Node::join(url, &prefix).await);
    }
    nodes.try_into().map_err(|_| "as many as were made").unwrap()
}

impl Node {
    /// Joins the cluster of this prefix, and waits until it hears.
    pub async fn join(url: &str, prefix: &str) -> Self {
        let mut node = Self::enter(url, prefix);
        node.until_healthy().await;
        node.drain_gaps();
        node
    }

    /// Joins the cluster of this prefix.
    pub fn enter(url: &str, prefix: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0xfeed_0000_0000_0001);
        let me = NodeId(NEXT.fetch_add(1, Ordering::Relaxed));
        let redis = Redis::open(&config::Redis {
            url: Some(url.into()),
            prefix: prefix.into(),
            connections: 2,
            timeout: TIMEOUT,
        })
        .unwrap();
        let options = RedisBusOptions { canary_every: CANARY };
        let bus = RedisBus::open(redis.clone(), me, options);
        let heard = bus.listen();
        let log = Arc::new(RedisLog::open(redis, Some(me)).unwrap());
        Self { bus, log, heard }
    }

    pub fn id(&self) -> NodeId {
        self.bus.me()
    }

    pub async fn until_healthy(&self) {
        until("the node hears", || self.bus.health().is_ok()).await;
    }

    pub async fn attend(&self, session: SessionId) -> Attendance {
        self.bus.attend(session, false).await.unwrap()
    }

    /// What is heard next, but for gaps.
    pub async fn hears(&mut self) -> Heard {
        loop {
            match self.hears_or_gap().await {
                Heard::Gap => {}
                heard => return heard,
            }
        }
    }

    /// What is heard next.
    pub async fn hears_or_gap(&mut self) -> Heard {
        let heard = timeout(PATIENCE, self.heard.recv()).await.expect("something is heard");
        heard.expect("the inbox is open")
    }

    /// Waits for a gap; returns what was heard before it.
    pub async fn hears_until_gap(&mut self) -> Vec<Heard> {
        let mut before = Vec::new();
        loop {
            match self.hears_or_gap().await {
                Heard::Gap => return before,
                heard => before.push(heard),
            }
        }
    }

    /// Proves that this node has heard nothing so far but what was looked at: what another says
    /// last is what it hears first.
    pub async fn hears_nothing_before(&mut self, other: &Node) {
        let bytes = Uuid::new_v4().into_bytes().to_vec();
        other.bus.send(self.id(), bytes.clone().into());
        let last = Heard::Message { from: other.id(), bytes: bytes.into() };
        assert_eq!(self.hears().await, last);
    }

    /// Appends events; returns what another that attends hears of it.
    pub async fn append(&self, session: SessionId, after: Offset, count: u64) -> Heard {
        let events = events(after, count);
        let site = "shop".parse().unwrap();
        let append = Append { site, session, expected: after, mark: 0, events: events.clone() };
        self.log.append(append).await.unwrap();
        Heard::Events { session, after: end(after), events }
    }

    /// As [`Node::append`], while its connections may still be broken.
    pub async fn append_at_last(&self, session: SessionId, after: Offset, count: u64) -> Heard {
        let events = events(after, count);
        let began = Instant::now();
        loop {
            let site = "shop".parse().unwrap();
            let append = Append { site, session, expected: after, mark: 0, events: events.clone() };
            match self.log.append(append).await {
                Ok(()) => break,
                // It was made, and the answer was lost.
                Err(AppendError::Conflict { missing }) if missing == events => break,
                Err(fault) => assert!(began.elapsed() < PATIENCE, "{fault}"),
            }
            sleep(Duration::from_millis(10)).await;
        }
        Heard::Events { session, after: end(after), events }
    }

    fn drain_gaps(&mut self) {
        while let Ok(heard) = self.heard.try_recv() {
            assert_eq!(heard, Heard::Gap);
        }
    }
}

/// Where a log ends that a test has appended to.
pub fn end(offset: Offset) -> LogEnd {
    events(offset.saturating_sub(1), offset.min(1)).last().map_or_else(LogEnd::default, LogEnd::of)
}

/// The events that a test appends, after an offset.
pub fn events(after: Offset, count: u64) -> Vec<Event> {
    let event = |offset| {
        let body = if offset == 1 { start() } else { EventBody::VisitorLeft {} };
        Event { offset, time: 7, author: Author::System {}, body }
    };
    (after + 1..=after + count).map(event).collect()
}

fn start() -> EventBody {
    let visitor = VisitorId::from(Uuid::from_u128(7));
    EventBody::SessionStarted { visitor, ordinal: 1, context: VisitorContext::default() }
}

pub fn session() -> SessionId {
    SessionId::from(Uuid::new_v4())
}

/// Waits until it is so; returns how long that took.
pub async fn until(what: &str, condition: impl Fn() -> bool) -> Duration {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "in vain: {what}");
        sleep(Duration::from_millis(2)).await;
    }
    began.elapsed()
}
