//! A node of a cluster, without an engine around it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, sleep, timeout};
use uuid::Uuid;
use vigie::cluster::redis::{RedisBus, RedisBusOptions};
use vigie::cluster::{Attendance, Bus, BusFuture, Heard, NodeId};
use vigie::config;
use vigie::core::end::LogEnd;
use vigie::log::redis::RedisLog;
use vigie::log::{Append, AppendError, Log};
use vigie::redis::Redis;
use vigie_protocol::event::{Author, Event, EventBody, Offset, VisitorContext};
use vigie_protocol::id::{SessionId, VisitorId};

/// So much longer than anything takes that works.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a machine under load may take longer.
pub const SLACK: Duration = Duration::from_secs(5);

/// How often is said again what may have been lost.
pub const AGAIN: Duration = Duration::from_secs(1);

/// How long a node waits for its Redis.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How often canaries are sent.
    pub canary: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// Longer than a machine under load stands still: what is lost or late is an error.
pub const PATIENT: Pace = Pace { canary: Duration::from_secs(5), timeout: Duration::from_secs(20) };

/// Short enough to be waited for, where something is meant to be lost or late.
pub const HASTY: Pace = Pace { canary: Duration::from_secs(1), timeout: Duration::from_secs(2) };

/// One node.
pub struct Node {
    pub bus: Arc<RedisBus>,
    pub log: Arc<dyn Log>,
    pace: Pace,
    heard: mpsc::Receiver<Heard>,
}

/// Patient nodes of one cluster whose Redis is there, ready to hear.
pub async fn nodes<const N: usize>(url: &str) -> [Node; N] {
    nodes_at(PATIENT, url).await
}

/// As [`nodes`], at this pace.
pub async fn nodes_at<const N: usize>(pace: Pace, url: &str) -> [Node; N] {
    let prefix = crate::redis_server::prefix();
    let mut nodes = Vec::new();
    for _ in 0..N {
        nodes.push(Node::join_at(pace, url, &prefix).await);
    }
    nodes.try_into().map_err(|_| "as many as were made").unwrap()
}

impl Node {
    /// Joins the cluster of this prefix, and waits until it hears. It is patient.
    pub async fn join(url: &str, prefix: &str) -> Self {
        Self::join_at(PATIENT, url, prefix).await
    }

    /// As [`Node::join`], at this pace.
    pub async fn join_at(pace: Pace, url: &str, prefix: &str) -> Self {
        let mut node = Self::enter(pace, url, prefix);
        node.until_healthy().await;
        node.drain_gaps();
        node
    }

    /// Joins the cluster of this prefix.
    pub fn enter(pace: Pace, url: &str, prefix: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0xfeed_0000_0000_0001);
        let me = NodeId(NEXT.fetch_add(1, Ordering::Relaxed));
        let redis = Redis::open(&config::Redis {
            url: Some(url.into()),
            prefix: prefix.into(),
            connections: 2,
            timeout: pace.timeout,
        })
        .unwrap();
        let options = RedisBusOptions { canary_every: pace.canary };
        let bus = RedisBus::open(redis.clone(), me, options);
        let heard = bus.listen();
        let log = Arc::new(RedisLog::open(redis, Some(me)).unwrap());
        Self { bus, log, pace, heard }
    }

    pub fn id(&self) -> NodeId {
        self.bus.me()
    }

    pub async fn until_healthy(&self) {
        until("the node hears", || self.bus.health().is_ok()).await;
    }

    /// What it is answered. A hasty node may be answered too late at any time, and asks again.
    pub async fn asks<T>(&self, ask: impl Fn() -> BusFuture<T>) -> T {
        if self.pace == HASTY { retried(ask).await } else { ask().await.unwrap() }
    }

    pub async fn attend(&self, session: SessionId) -> Attendance {
        self.asks(|| self.bus.attend(session, false)).await
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

    /// As [`Node::hears_nothing_before`], while messages may still be lost: another is said until the
    /// latest is heard.
    pub async fn hears_at_last(&mut self, other: &Node) {
        let talk = Uuid::new_v4().into_bytes();
        let message = |number: u64| Bytes::from([&talk[..], &number.to_be_bytes()].concat());
        let (me, from) = (self.id(), other.id());
        let hearing = async {
            let mut again = interval(AGAIN);
            let mut said = 0;
            loop {
                tokio::select! {
                    _ = again.tick() => {
                        said += 1;
                        other.bus.send(me, message(said));
                    }
                    heard = self.hears() => {
                        let is = |number| heard == Heard::Message { from, bytes: message(number) };
                        assert!((1..=said).any(is), "{heard:?}");
                        if is(said) {
                            return;
                        }
                    }
                }
            }
        };
        timeout(PATIENCE, hearing).await.expect("it hears at last");
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

/// Asks until it is answered: connections may still be broken.
pub async fn retried<T>(ask: impl Fn() -> BusFuture<T>) -> T {
    let began = Instant::now();
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(fault) => assert!(began.elapsed() < PATIENCE, "{fault}"),
        }
        sleep(Duration::from_millis(10)).await;
    }
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
