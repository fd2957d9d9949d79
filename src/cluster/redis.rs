//! The bus over Redis: attendance and signs of life as keys, what is told as messages on channels.
//!
//! Each node has one channel in each bucket of sessions, so that a script that changes a session can
//! tell the nodes that attend it in the same step: nothing is told that did not happen, and whoever
//! attends from some offset on hears all that follows it.
//!
//! # Layout
//!
//! - `*.lua`: what is done in one step
//! - `scripts`: how they are called and what they answer
//! - `wire`: what stands in a message
//! - `subscriber`: the connection that hears, and its canaries
//! - `health`: what the canaries say
//! - `inbox`: what was heard, on its way to the listener
//! - `outbox`: what is sent, on its way to Redis
//! - `beats`: what this node knows of its own beats
//! - `adoption`: sessions of dead nodes

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use vigie_protocol::id::SessionId;

use super::{Attendance, Bus, BusError, BusFuture, Heard, NodeId, Roll};
use crate::redis::{Redis, RedisFault, bucket};

mod adoption;
mod beats;
mod health;
mod inbox;
mod outbox;
mod scripts;
mod subscriber;
mod wire;

pub use outbox::{MESSAGE_MAX, OUTBOX_BYTES_MAX, OUTBOX_MAX};

use adoption::Adoptions;
use beats::Beats;
use health::Health;
use inbox::Inbox;
use outbox::Outbox;
use scripts::{Beaten, By, Scripts};

/// How a bus works.
#[derive(Debug, Clone)]
pub struct RedisBusOptions {
    /// How often a canary is sent. One that has not come back after two of these counts as lost.
    pub canary_every: Duration,
}

impl Default for RedisBusOptions {
    fn default() -> Self {
        Self { canary_every: Duration::from_secs(1) }
    }
}

/// A node's place in a cluster. When it is dropped, this node hears and sends nothing more; what it
/// attends stays until others adopt it.
pub struct RedisBus {
    shared: Arc<Shared>,
    tasks: [AbortHandle; 3],
}

/// What was dropped at the bounds of a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// Heard, when the listener was too slow. A [`Heard::Gap`] has told so.
    pub heard: u64,
    /// Sent, when Redis was too slow, or did not take it.
    pub sent: u64,
}

/// What the tasks of a bus share.
struct Shared {
    redis: Redis,
    me: NodeId,
    options: RedisBusOptions,
    scripts: Scripts,
    health: Health,
    inbox: Inbox,
    outbox: Outbox,
    beats: Beats,
    adoptions: Adoptions,
    /// The number of the latest change of what this node attends.
    changes: AtomicU64,
}

impl RedisBus {
    /// Takes a node's place in the cluster. It subscribes at once, and again whenever it must.
    pub fn open(redis: Redis, me: NodeId, options: RedisBusOptions) -> Arc<Self> {
        let (outbox, waiting) = Outbox::new();
        let shared = Arc::new(Shared {
            scripts: Scripts::new(&redis),
            health: Health::new(options.canary_every),
            redis,
            me,
            options,
            inbox: Inbox::default(),
            outbox,
            beats: Beats::default(),
            adoptions: Adoptions::default(),
            changes: AtomicU64::new(0),
        });
        let runtime = shared.redis.handle();
        let gaps = Arc::clone(&shared);
        let tasks = [
            runtime.spawn(subscriber::run(Arc::clone(&shared))).abort_handle(),
            runtime.spawn(outbox::run(Arc::clone(&shared), waiting)).abort_handle(),
            runtime.spawn(async move { gaps.inbox.give_gaps().await }).abort_handle(),
        ];
        Arc::new(Self { shared, tasks })
    }

    /// What was dropped so far.
    pub fn dropped(&self) -> Dropped {
        Dropped { heard: self.shared.inbox.dropped(), sent: self.shared.outbox.dropped() }
    }

    /// Work that goes on to its end on the runtime of Redis, even if nobody waits for it: what it
    /// has changed on the server is never left half known here.
    fn work<T, W>(&self, work: impl FnOnce(Arc<Shared>) -> W) -> BusFuture<T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, RedisFault>> + Send + 'static,
    {
        let work = self.shared.redis.handle().spawn(work(Arc::clone(&self.shared)));
        Box::pin(async move {
            match work.await {
                Ok(done) => done.map_err(BusError::from),
                Err(_) => Err(BusError::Failed("the thread of its connections has stopped".into())),
            }
        })
    }
}

impl Drop for RedisBus {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Bus for RedisBus {
    fn me(&self) -> NodeId {
        self.shared.me
    }

    fn listen(&self) -> mpsc::Receiver<Heard> {
        self.shared.inbox.listen()
    }

    fn beat(&self, count: u64) -> BusFuture<Roll> {
        self.work(move |shared| async move { shared.beat(count).await })
    }

    fn attend(&self, session: SessionId, visitor: bool) -> BusFuture<Attendance> {
        // Numbered in the order in which it is asked.
        let by = self.shared.next_change();
        self.work(move |shared| async move {
            let bytes = shared.scripts.attend(&shared.redis, by, session, visitor).await?;
            Attendance::decode(session, &bytes)
                .ok_or_else(|| RedisFault::Failed("an attendance cannot be read".into()))
        })
    }

    fn leave(&self, session: SessionId) -> BusFuture<Attendance> {
        let by = self.shared.next_change();
        self.work(move |shared| async move {
            let bytes = shared.scripts.leave(&shared.redis, by, session).await?;
            Attendance::decode(session, &bytes)
                .ok_or_else(|| RedisFault::Failed("an attendance cannot be read".into()))
        })
    }

    fn adopt(&self, dead: NodeId, live: Vec<NodeId>, limit: u32) -> BusFuture<Vec<SessionId>> {
        self.work(move |shared| async move { adoption::adopt(&shared, dead, &live, limit).await })
    }

    fn bury(&self, dead: NodeId) -> BusFuture<()> {
        self.work(move |shared| async move { shared.scripts.bury(&shared.redis, dead).await })
    }

    fn depart(&self) -> BusFuture<()> {
        self.work(
            move |shared| async move { shared.scripts.depart(&shared.redis, shared.me).await },
        )
    }

    fn send(&self, to: NodeId, bytes: Bytes) {
        self.shared.outbox.send(to, bytes);
    }

    fn raise_generation(&self, from: u64) -> BusFuture<u64> {
        self.work(move |shared| async move { shared.scripts.raise(&shared.redis, from).await })
    }

    fn health(&self) -> Result<(), BusError> {
        self.shared.health.health()
    }
}

impl From<RedisFault> for BusError {
    fn from(fault: RedisFault) -> Self {
        match fault {
            RedisFault::Away(text) => Self::Away(text),
            RedisFault::Full(text) | RedisFault::Failed(text) => Self::Failed(text),
        }
    }
}

impl Shared {
    fn next_change(&self) -> By {
        By { node: self.me, number: self.changes.fetch_add(1, Ordering::Relaxed) + 1 }
    }

    async fn beat(&self, count: u64) -> Result<Roll, RedisFault> {
        // Each kind of news comes once: buried, lost, and then the roll.
        for _ in 0..3 {
            let (acknowledged, tombstone) = self.beats.known();
            let beat = self.scripts.beat(&self.redis, self.me, count, acknowledged, &tombstone);
            match beat.await? {
                Beaten::Buried(tombstone) => self.beats.buried(tombstone),
                Beaten::Lost => self.beats.lost(),
                Beaten::Known { beats, gone, generation } => {
                    let lineage = self.beats.lineage(self.redis.lineage().await)?;
                    let own = self.beats.acknowledged(count);
                    return Ok(Roll { beats, gone, own, generation, lineage });
                }
            }
        }
        Err(RedisFault::Failed("the others bury this node again and again".into()))
    }

    /// Publishes messages on channels of one bucket, in this order.
    async fn publish(&self, bucket: u8, messages: Vec<(NodeId, Bytes)>) -> Result<(), RedisFault> {
        let command = publish_command(&self.redis).await?;
        let mut pipeline = redis::Pipeline::with_capacity(messages.len());
        for (to, message) in messages {
            let channel = self.redis.names().inbox(bucket, to);
            pipeline.cmd(command).arg(channel).arg(&message[..]);
        }
        let answers = self.redis.run(bucket, &pipeline).await?;
        answers.into_iter().try_for_each(|answer| answer.map(drop))
    }
}

async fn publish_command(redis: &Redis) -> Result<&'static str, RedisFault> {
    Ok(if redis.sharded().await? { "SPUBLISH" } else { "PUBLISH" })
}
