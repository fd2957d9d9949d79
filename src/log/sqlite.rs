//! The embedded log: one SQLite file, one writer, many appends per fsync.
//!
//! Appends queue for the writer, which commits all that wait as one transaction and answers them
//! only then. Reads go to a few threads with connections of their own, which the writer never
//! blocks, and a further one brings what was committed into the main file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use vigie_protocol::event::{Event, Millis, Offset};
use vigie_protocol::id::{SessionId, SiteId, VisitorId};

use self::removal::Removal;
use self::writer::Request;
use super::health::Health;
use super::shape::Entry;
use super::{Append, AppendError, Log, LogError, LogFuture, SessionRecord};
use crate::sqlite::workers::{Answer, Job, Link, Workers};
use crate::sqlite::{self, Fault};

mod checkpoint;
mod reader;
mod removal;
mod stored;
mod writer;

/// The most appends that wait for the writer; beyond that they are refused as busy.
pub const APPENDS_QUEUED_MAX: usize = 8192;

/// The most appends that one transaction holds.
pub const APPENDS_BATCHED_MAX: usize = 256;

/// The most reads that wait for a reader; beyond that they are refused as busy.
pub const READS_QUEUED_MAX: usize = 4096;

/// How an SQLite log is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteLogOptions {
    /// How big the file may grow; no limit but the disk's if absent. The write-ahead log beside it
    /// is not counted.
    pub size_bytes_max: Option<u64>,
    /// How many threads read.
    pub readers: usize,
    /// Whether opening reads the whole file and refuses a damaged one; a few seconds for each
    /// gigabyte. Otherwise damage is found where it is met.
    pub check: bool,
}

/// A log in an SQLite file. Dropping it commits what is queued, and waits for that.
pub struct SqliteLog {
    // The readers go first: the last connection to close clears the write-ahead log away, and only
    // the writer's can.
    readers: Workers<Job>,
    /// `None` if opened for reading only.
    writer: Option<Workers<Request>>,
    health: Arc<Health>,
}

impl Default for SqliteLogOptions {
    fn default() -> Self {
        Self { size_bytes_max: None, readers: 2, check: true }
    }
}

impl SqliteLog {
    /// Opens the log in this file, making the file if there is none.
    pub fn open(path: impl AsRef<Path>, options: SqliteLogOptions) -> Result<Self, LogError> {
        let path = path.as_ref();
        let health = Arc::new(Health::default());
        let writer = writer::start(path.into(), &options, Arc::clone(&health))?;
        let readers = start_readers(path, options.readers)?;
        Ok(Self { readers, writer: Some(writer), health })
    }

    /// Opens the log in this file for reading only, also while an engine has it open. Appends are
    /// refused.
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self, LogError> {
        let readers = start_readers(path.as_ref(), 1)?;
        Ok(Self { readers, writer: None, health: Arc::default() })
    }

    fn writer(&self) -> Result<&Workers<Request>, LogError> {
        self.writer
            .as_ref()
            .ok_or_else(|| LogError::Failed("it was opened for reading only".into()))
    }

    /// Reads on a reader's thread. Damage that a reader meets stops the writer too.
    fn read_by<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<T, LogError> {
        let health = Arc::clone(&self.health);
        self.readers.run(move |link| {
            link.with(|connection| query(connection)).map_err(|fault| {
                let error = LogError::from(fault);
                if matches!(error, LogError::Damaged(_)) {
                    health.failed(&error);
                }
                error
            })
        })
    }
}

impl Log for SqliteLog {
    fn append(&self, append: Append) -> LogFuture<Result<(), AppendError>> {
        let queued = self.writer().and_then(|writer| Ok((writer, Entry::try_from(append)?)));
        match queued {
            Ok((writer, entry)) => writer.ask(|answer| Request::Append(entry, answer)),
            Err(error) => Box::pin(async { Err(error.into()) }),
        }
    }

    fn read(
        &self,
        session: SessionId,
        after: Offset,
        limit: u32,
    ) -> LogFuture<Result<Vec<Event>, LogError>> {
        self.read_by(move |connection| reader::events(connection, session, after, limit))
    }

    fn session(&self, session: SessionId) -> LogFuture<Result<Option<SessionRecord>, LogError>> {
        self.read_by(move |connection| reader::session(connection, session))
    }

    fn sessions_of(
        &self,
        site: SiteId,
        visitor: VisitorId,
        before: Option<u32>,
        limit: u32,
    ) -> LogFuture<Result<Vec<SessionRecord>, LogError>> {
        self.read_by(move |connection| {
            reader::sessions_of(connection, &site, visitor, before, limit)
        })
    }

    fn stale(&self, before: Millis, limit: u32) -> LogFuture<Result<Vec<SessionRecord>, LogError>> {
        self.read_by(move |connection| reader::stale(connection, before, limit))
    }

    fn expired(
        &self,
        closed_before: Millis,
        limit: u32,
    ) -> LogFuture<Result<Vec<SessionRecord>, LogError>> {
        self.read_by(move |connection| reader::expired(connection, closed_before, limit))
    }

    fn remove(&self, session: SessionId, at: Option<Offset>) -> LogFuture<Result<bool, LogError>> {
        match self.writer() {
            Ok(writer) => writer.ask(|answer| Request::Remove(Removal { session, at }, answer)),
            Err(error) => Box::pin(async { Err(error) }),
        }
    }

    fn removed(&self, site: SiteId, visitor: VisitorId) -> LogFuture<Result<u32, LogError>> {
        self.read_by(move |connection| removal::highest(connection, &site, visitor))
    }

    fn shared(&self) -> bool {
        false
    }

    fn health(&self) -> Result<(), LogError> {
        let writer = self.writer()?;
        writer.alive()?;
        let state = self.health.state();
        if state.is_err() {
            // Who asks may keep appends away until the log is well, so asking must be able to make
            // it well. A queue without room will show the state by itself.
            let _ = writer.tell(Request::Probe);
        }
        state
    }
}

fn start_readers(path: &Path, readers: usize) -> Result<Workers<Job>, Fault> {
    let link = |_| {
        let path = PathBuf::from(path);
        Ok(Link::new(sqlite::open_read_only(&path)?, move || sqlite::open_read_only(&path)))
    };
    let links = (0..readers.max(1)).map(link).collect::<Result<Vec<_>, Fault>>()?;
    Workers::with_links("log-reader", READS_QUEUED_MAX, links)
}

impl From<Fault> for LogError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Busy => Self::Busy,
            Fault::Full(text) => Self::Full(text),
            Fault::Damaged(text) => Self::Damaged(text),
            Fault::Failed(text) => Self::Failed(text),
        }
    }
}

impl From<Fault> for AppendError {
    fn from(fault: Fault) -> Self {
        Self::Log(fault.into())
    }
}
