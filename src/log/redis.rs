//! The log of a cluster: sessions as Redis Streams, appended to by one atomic script.
//!
//! The script is the fence: it appends only where the author expected the log to end, and in the
//! same stroke tells the other nodes that attend the session. An append carries an id that is kept
//! with its events, so that one whose answer was lost is asked again and made once.
//!
//! # Layout
//!
//! - `lane`: appends on their way: gathered, asked, asked again
//! - `append`: the script and its verdict
//! - `reader`: what is asked of the log
//! - `removal`: sessions that go
//! - `stored`: events and records as Redis holds them

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use vigie_protocol::event::{Event, Millis, Offset};
use vigie_protocol::id::{SessionId, SiteId, VisitorId};

use self::append::Scripts;
use self::lane::{Lane, Queued};
use self::probe::Probe;
use super::shape::Entry;
use super::{Append, AppendError, Log, LogError, LogFuture, SessionRecord};
use crate::core::cluster::NodeId;
use crate::core::end::LogEnd;
use crate::redis::{Redis, RedisFault, bucket};

mod append;
mod lane;
mod probe;
mod reader;
mod removal;
mod stored;

/// The most appends that wait for an answer; beyond that they are refused as busy.
pub const APPENDS_QUEUED_MAX: usize = 8192;

/// The most appends that one pipeline holds.
pub const APPENDS_BATCHED_MAX: usize = 256;

/// The most reads and removals under way; beyond that they are refused as busy.
pub const READS_UNDERWAY_MAX: usize = 4096;

/// How many lanes appends go through, each with pipelines of its own. A session's appends all go
/// through one, in order.
const LANES: u8 = 8;

/// As many as there are slots for sessions: one for each, since a pipeline waits for the part of a
/// Redis Cluster that it goes to, and the others must not.
const CLUSTER_LANES: u8 = u8::MAX;

/// A log in Redis. What is under way when it is dropped is still asked, and nobody is told.
pub struct RedisLog {
    lanes: Vec<mpsc::UnboundedSender<Queued>>,
    /// Bounds what waits in all lanes together.
    room: Arc<Semaphore>,
    /// Bounds what is read.
    readers: Arc<Semaphore>,
    next_id: AtomicU64,
    shared: Arc<Shared>,
}

/// What the parts of the log have in common.
struct Shared {
    redis: Redis,
    scripts: Scripts,
    /// Whose appends these are; its inbox is left out.
    node: Option<NodeId>,
    probe: Probe,
}

impl RedisLog {
    /// The log in this Redis. With `node`, that node is not told of what it appends itself.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub fn open(redis: Redis, node: Option<NodeId>) -> Result<Self, LogError> {
        let first_id = getrandom::u64().map_err(|error| LogError::Failed(error.to_string()))?;
        let shared = Arc::new(Shared {
            scripts: Scripts::new(&redis),
            probe: Probe::default(),
            redis,
            node,
        });
        let lanes = 0..=if shared.redis.clustered() { CLUSTER_LANES } else { LANES - 1 };
        let lane = |number| {
            let (sender, queue) = mpsc::unbounded_channel();
            shared.redis.handle().spawn(Lane::new(number, Arc::clone(&shared)).serve(queue));
            sender
        };
        Ok(Self {
            lanes: lanes.map(lane).collect(),
            room: Arc::new(Semaphore::new(APPENDS_QUEUED_MAX)),
            readers: Arc::new(Semaphore::new(READS_UNDERWAY_MAX)),
            next_id: AtomicU64::new(first_id),
            shared,
        })
    }

    /// Queues an append at once, whether or not anybody then waits for its answer.
    fn queue(&self, append: Append) -> Result<(Instant, oneshot::Receiver<Answer>), LogError> {
        let end = append.events.last().map_or_else(LogEnd::default, LogEnd::of);
        let marks = (append.mark, end.mark);
        let entry = Entry::try_from(append)?;
        let room = Arc::clone(&self.room).try_acquire_owned().map_err(|_| LogError::Busy)?;
        let lane = &self.lanes[usize::from(bucket(entry.session)) % self.lanes.len()];
        let until = Instant::now() + self.shared.redis.timeout();
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        lane.send(Queued { entry, marks, id, until, answer, _room: room })
            .map_err(|_| stopped())?;
        Ok((until, answered))
    }

    /// Reads on the thread of whoever asks. That Redis is away is remembered.
    fn ask<T, F>(&self, question: impl FnOnce(Arc<Shared>) -> F) -> LogFuture<Result<T, LogError>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, LogError>> + Send + 'static,
    {
        match Arc::clone(&self.readers).try_acquire_owned() {
            Ok(underway) => {
                let asked = question(Arc::clone(&self.shared));
                Box::pin(async move {
                    let answer = asked.await;
                    drop(underway);
                    answer
                })
            }
            Err(_) => Box::pin(async { Err(LogError::Busy) }),
        }
    }
}

type Answer = Result<(), AppendError>;

impl Log for RedisLog {
    fn append(&self, append: Append) -> LogFuture<Result<(), AppendError>> {
        let session = append.session;
        let queued = self.queue(append);
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let (until, answered) = queued?;
            match timeout_at(until, answered).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(stopped().into()),
                Err(_) => Err(shared.late(session).into()),
            }
        })
    }

    fn read(
        &self,
        session: SessionId,
        after: Offset,
        limit: u32,
    ) -> LogFuture<Result<Vec<Event>, LogError>> {
        self.ask(|shared| async move { reader::events(&shared, session, after, limit).await })
    }

    fn session(&self, session: SessionId) -> LogFuture<Result<Option<SessionRecord>, LogError>> {
        self.ask(|shared| async move { reader::session(&shared, session).await })
    }

    fn sessions_of(
        &self,
        site: SiteId,
        visitor: VisitorId,
        before: Option<u32>,
        limit: u32,
    ) -> LogFuture<Result<Vec<SessionRecord>, LogError>> {
        self.ask(move |shared| async move {
            reader::sessions_of(&shared, &site, visitor, before, limit).await
        })
    }

    fn stale(&self, before: Millis, limit: u32) -> LogFuture<Result<Vec<SessionRecord>, LogError>> {
        self.ask(move |shared| async move { reader::stale(&shared, before, limit).await })
    }

    fn expired(
        &self,
        closed_before: Millis,
        limit: u32,
    ) -> LogFuture<Result<Vec<SessionRecord>, LogError>> {
        self.ask(move |shared| async move { reader::expired(&shared, closed_before, limit).await })
    }

    fn remove(&self, session: SessionId, at: Option<Offset>) -> LogFuture<Result<bool, LogError>> {
        self.ask(move |shared| async move { removal::remove(&shared, session, at).await })
    }

    fn removed(&self, site: SiteId, visitor: VisitorId) -> LogFuture<Result<u32, LogError>> {
        self.ask(move |shared| async move { removal::highest(&shared, &site, visitor).await })
    }

    fn shared(&self) -> bool {
        true
    }

    fn health(&self) -> Result<(), LogError> {
        let state = self.shared.probe.state();
        if state.is_err() {
            // Who asks may keep appends away until the log is well, so asking must be able to make
            // it well.
            Probe::start(&self.shared);
        }
        state
    }
}

impl Shared {
    /// Remembers what went wrong with a session of this bucket.
    fn failed(&self, bucket: u8, fault: RedisFault) -> LogError {
        let error = LogError::from(fault);
        self.probe.failed(bucket, &error);
        error
    }

    /// Remembers that nothing came of an append to this session in time.
    fn late(&self, session: SessionId) -> LogError {
        let limit = self.redis.timeout().as_millis();
        self.failed(bucket(session), RedisFault::Away(format!("no answer within {limit} ms")))
    }
}

impl From<RedisFault> for LogError {
    fn from(fault: RedisFault) -> Self {
        match fault {
            RedisFault::Full(text) => Self::Full(format!("Redis: {text}")),
            RedisFault::Away(_) | RedisFault::Failed(_) => Self::Failed(fault.to_string()),
        }
    }
}

fn stopped() -> LogError {
    LogError::Failed("its thread has stopped; start the engine again".into())
}
