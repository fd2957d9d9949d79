//! The session log: where everything lives that must not be lost.
//!
//! A narrow port. An append is conditional: it succeeds only at the offset that its author
//! expected, and is acknowledged only once it is on disk. Whoever loses gets the events that they
//! had missed, and decides again.

use std::future::Future;
use std::pin::Pin;

use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::{Event, Millis, Offset};
use vigie_protocol::id::{SessionId, SiteId, VisitorId};

mod health;
pub mod redis;
mod shape;
pub mod sqlite;

/// What a log's methods return: they outlive the borrow of the log.
pub type LogFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// The most events that one `read` returns, whatever its `limit`.
pub const READ_EVENTS_MAX: u32 = 1000;

/// The log of every session. One contract, `tests/log_contract.rs`, binds every backend.
pub trait Log: Send + Sync + 'static {
    /// Appends events at `expected + 1 …`, all or none. Resolves once they are durable.
    fn append(&self, append: Append) -> LogFuture<Result<(), AppendError>>;

    /// The events after an offset, in order, at most `limit` (and [`READ_EVENTS_MAX`]). Fewer than
    /// that means that the log ends there.
    fn read(
        &self,
        session: SessionId,
        after: Offset,
        limit: u32,
    ) -> LogFuture<Result<Vec<Event>, LogError>>;

    /// What is known of a session without reading its events.
    fn session(&self, session: SessionId) -> LogFuture<Result<Option<SessionRecord>, LogError>>;

    /// A visitor's sessions on a site, latest first, at most `limit`; with `before`, only those
    /// with a lower ordinal.
    fn sessions_of(
        &self,
        site: SiteId,
        visitor: VisitorId,
        before: Option<u32>,
        limit: u32,
    ) -> LogFuture<Result<Vec<SessionRecord>, LogError>>;

    /// Sessions that are not closed and whose last event is older than `before`, at most `limit`.
    fn stale(&self, before: Millis, limit: u32) -> LogFuture<Result<Vec<SessionRecord>, LogError>>;

    /// Sessions that were closed before `closed_before`, in the order in which they were, at most
    /// `limit`.
    fn expired(
        &self,
        closed_before: Millis,
        limit: u32,
    ) -> LogFuture<Result<Vec<SessionRecord>, LogError>>;

    /// Removes a closed session with all its events; with `at`, only if its log ends there still.
    /// Resolves once that is durable: to `true` if the session is gone, be it since before or
    /// because it never was, and to `false` if its log ends elsewhere and it was left as it is. An
    /// open session is refused, and left as it is.
    ///
    /// What was removed does not come back. Its ordinal counts as used ([`Log::removed`]), and an
    /// append to it is refused, also one that would start it anew: clients, archives and nodes that
    /// know the old session by its id must not take another for it.
    fn remove(&self, session: SessionId, at: Option<Offset>) -> LogFuture<Result<bool, LogError>>;

    /// The highest ordinal of those sessions of a visitor on a site that were removed; 0 if none
    /// was. A new session's ordinal is higher than this and than those of all that are there.
    fn removed(&self, site: SiteId, visitor: VisitorId) -> LogFuture<Result<u32, LogError>>;

    /// Whether others than this process append to it as a matter of course.
    fn shared(&self) -> bool;

    /// `Ok` while appends can be expected to succeed; otherwise why not.
    fn health(&self) -> Result<(), LogError>;
}

/// Events to append to one session.
#[derive(Debug, Clone)]
pub struct Append {
    /// The session's site; recorded with the first append.
    pub site: SiteId,
    /// Which session.
    pub session: SessionId,
    /// The offset of the last event that the author had folded.
    pub expected: Offset,
    /// Which event stands there, for a log that may have lost the one that the author knows; 0 if
    /// that is not to be looked at. See [`crate::core::end::LogEnd`].
    pub mark: u64,
    /// At least one; their offsets are `expected + 1 …`. The first event of a session is
    /// `session_started`.
    pub events: Vec<Event>,
}

/// What is known of a session without reading its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// Which session.
    pub session: SessionId,
    /// Its site.
    pub site: SiteId,
    /// Its visitor.
    pub visitor: VisitorId,
    /// Which of the visitor's sessions: 1, 2, 3 …
    pub ordinal: u32,
    /// When it started.
    pub started: Millis,
    /// When it was closed.
    pub closed: Option<Millis>,
}

/// Why an append was not made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AppendError {
    /// Somebody appended before: these are the events after `expected`.
    #[error("the log has moved on by {} events", missing.len())]
    Conflict {
        /// All events after the expected offset, at most [`READ_EVENTS_MAX`].
        missing: Vec<Event>,
    },
    /// The log cannot take it. Nothing was appended, as far as the log knows.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Why a log does not serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The queue of appends or reads is at its bound.
    #[error("the log's queue is full; try again shortly")]
    Busy,
    /// The disk, or the log's own size limit, is full.
    #[error("the log is out of space: {0}")]
    Full(String),
    /// The file is damaged: nothing is appended until it was restored and the engine restarted.
    #[error("the log is damaged: {0}")]
    Damaged(String),
    /// Another fault of the medium.
    #[error("the log failed: {0}")]
    Failed(String),
}

/// What a client is told.
impl From<&LogError> for RpcError {
    fn from(error: &LogError) -> Self {
        let code = match error {
            LogError::Busy => ErrorCode::Busy,
            LogError::Full(_) | LogError::Damaged(_) | LogError::Failed(_) => {
                ErrorCode::LogUnavailable
            }
        };
        Self::new(code, error.to_string())
    }
}

impl From<LogError> for RpcError {
    fn from(error: LogError) -> Self {
        Self::from(&error)
    }
}
