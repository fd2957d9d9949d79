//! The one thread that appends: all that waits goes into one transaction, so that one fsync serves
//! many, and each is answered only once that is committed.
//!
//! A batch that fails is refused as a whole. What the writer believes is dropped with it and read
//! again, because nobody can say how much of a failed commit is on the disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use quick_cache::unsync::Cache;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use tokio::sync::oneshot;
use vigie_protocol::event::Offset;
use vigie_protocol::id::{SessionId, SiteId};

use super::checkpoint::{self, Checkpoints, WalPages};
use super::removal::{self, Removal};
use super::{APPENDS_BATCHED_MAX, APPENDS_QUEUED_MAX, SqliteLogOptions, reader};
use crate::log::health::Health;
use crate::log::shape::{Entry, Start};
use crate::log::{AppendError, LogError, READ_EVENTS_MAX};
use crate::metrics::metrics;
use crate::sqlite::workers::{Link, Queue, Workers};
use crate::sqlite::{self, Fault, column};

/// How many sessions' heads the writer remembers.
const HEADS_MAX: usize = 65_536;

/// How much room must be found for the log to be called well again: more than any one append.
const PROBE_BYTES: u32 = 64 * 1024;

/// What the writer is asked.
pub(super) enum Request {
    Append(Entry, oneshot::Sender<Result<(), AppendError>>),
    Remove(Removal, oneshot::Sender<Result<bool, LogError>>),
    /// To find out whether the log is well again.
    Probe,
}

/// What became of a request, once the transaction is committed.
enum Verdict {
    Append(Result<(), AppendError>),
    Remove(Result<bool, LogError>),
    Probe,
}

/// Where a session's log ends.
#[derive(Clone)]
struct Head {
    sid: i64,
    site: SiteId,
    offset: Offset,
}

struct Writer {
    // Its connection goes first, as those of the readers do.
    checkpoints: Checkpoints,
    link: Link,
    heads: Heads,
    health: Arc<Health>,
}

/// The ends of the sessions that were appended to of late.
struct Heads {
    known: Cache<SessionId, Head>,
    /// SQLite's count of what other connections have committed.
    data_version: i64,
}

/// Opens the file, checks it if so wanted, and starts the writer's thread.
pub(super) fn start(
    path: PathBuf,
    options: &SqliteLogOptions,
    health: Arc<Health>,
) -> Result<Workers<Request>, Fault> {
    let pages = WalPages::default();
    let connection = open(&path, options, &pages)?;
    if options.check {
        sqlite::check(&connection, &path)?;
    }
    let options = options.clone();
    let checkpoints = Checkpoints::start(&path, Arc::clone(&pages), Arc::clone(&health))?;
    let link = Link::new(connection, move || reopen(&path, &options, &pages));
    let writer = Writer { checkpoints, link, heads: Heads::new(), health };
    Workers::start("log-writer", APPENDS_QUEUED_MAX, [move |queue| writer.run(queue)])
}

fn open(path: &Path, options: &SqliteLogOptions, pages: &WalPages) -> Result<Connection, Fault> {
    let mut connection = sqlite::open(path)?;
    limit_size(&connection, options.size_bytes_max)?;
    checkpoint::watch(&mut connection, pages)?;
    Ok(connection)
}

/// After a failure. A failed fsync may leave frames in the write-ahead log that can be read but are
/// not on the disk: nothing may be acknowledged on top of them.
fn reopen(path: &Path, options: &SqliteLogOptions, pages: &WalPages) -> Result<Connection, Fault> {
    let connection = open(path, options, pages)?;
    sqlite::checkpoint(&connection)?;
    Ok(connection)
}

fn limit_size(connection: &Connection, size_bytes_max: Option<u64>) -> rusqlite::Result<()> {
    let Some(bytes) = size_bytes_max else { return Ok(()) };
    let page_bytes: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = (bytes / page_bytes).clamp(1, u32::MAX.into());
    // SQLite answers with the limit that it took: never less than what the file has already.
    connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
}

impl Writer {
    fn run(mut self, queue: Queue<Request>) {
        let mut batch = Vec::with_capacity(APPENDS_BATCHED_MAX);
        while queue.next_batch(&mut batch, APPENDS_BATCHED_MAX) {
            // First, and apart: what is removed makes room, and must not fail for the lack of it.
            let is_removal = |request: &mut Request| matches!(request, Request::Remove(..));
            let mut removals = batch.extract_if(.., is_removal).collect::<Vec<_>>();
            self.serve(&mut removals);
            self.serve(&mut batch);
        }
    }

    fn serve(&mut self, batch: &mut Vec<Request>) {
        if batch.is_empty() {
            return;
        }
        let begun = Instant::now();
        match self.commit(batch) {
            Ok(verdicts) => {
                let made = batch.iter().zip(&verdicts).filter_map(|(asked, said)| asked.made(said));
                metrics().storage.committed(begun.elapsed(), made);
                for (request, verdict) in batch.drain(..).zip(verdicts) {
                    request.answer(verdict);
                }
                // Now that nobody waits for this batch any more.
                if self.checkpoints.writer_is_due() {
                    checkpoint::bring_in(&mut self.link, &self.health);
                }
            }
            Err(error) => {
                metrics().storage.failed();
                self.heads.forget();
                self.health.failed(&error);
                for request in batch.drain(..) {
                    request.refuse(error.clone());
                }
            }
        }
    }

    /// Everything in one transaction. The verdicts are valid only because it was committed: even a
    /// conflict may be with an append of the same batch.
    fn commit(&mut self, batch: &[Request]) -> Result<Vec<Verdict>, LogError> {
        self.health.undamaged()?;
        let heads = &mut self.heads;
        let verdicts = self.link.with(|connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            heads.mind_other_writers(&transaction)?;
            let verdicts = batch
                .iter()
                .map(|request| match request {
                    Request::Append(entry, _) => {
                        append(&transaction, heads, entry).map(Verdict::Append)
                    }
                    Request::Remove(removal, _) => {
                        heads.known.remove(&removal.session);
                        removal::remove(&transaction, *removal).map(Verdict::Remove)
                    }
                    Request::Probe => probe(&transaction),
                })
                .collect::<rusqlite::Result<Vec<_>>>()?;
            transaction.commit()?;
            Ok(verdicts)
        })?;
        if verdicts.iter().any(Verdict::proves_the_disk) {
            self.health.proven();
        }
        Ok(verdicts)
    }
}

impl Request {
    /// How many events it has stored, if it is an append that was made.
    fn made(&self, verdict: &Verdict) -> Option<usize> {
        match (self, verdict) {
            (Self::Append(entry, _), Verdict::Append(Ok(()))) => Some(entry.rows.len()),
            _ => None,
        }
    }

    fn answer(self, verdict: Verdict) {
        // Whoever stopped waiting will find out from the log.
        match (self, verdict) {
            (Self::Append(_, answer), Verdict::Append(verdict)) => drop(answer.send(verdict)),
            (Self::Remove(_, answer), Verdict::Remove(verdict)) => drop(answer.send(verdict)),
            _ => {}
        }
    }

    fn refuse(self, error: LogError) {
        let verdict = match &self {
            Self::Append(..) => Verdict::Append(Err(error.into())),
            Self::Remove(..) => Verdict::Remove(Err(error)),
            Self::Probe => Verdict::Probe,
        };
        self.answer(verdict);
    }
}

impl Verdict {
    /// Conflicts alone write nothing, and so prove nothing; nor does a removal of what was gone.
    fn proves_the_disk(&self) -> bool {
        matches!(self, Self::Append(Ok(())) | Self::Probe)
    }
}

/// Appends if the log of the session ends where the author expected. `Err` fails the batch.
fn append(
    transaction: &Transaction<'_>,
    heads: &mut Heads,
    entry: &Entry,
) -> rusqlite::Result<Result<(), AppendError>> {
    let head = heads.head(transaction, entry.session)?;
    let end = head.as_ref().map_or(0, |head| head.offset);
    if let Some(head) = &head
        && head.site != entry.site
    {
        return Ok(refuse(format!("{:?} is not of {:?}", entry.session, entry.site)));
    }
    if entry.expected < end {
        let missing = reader::events(transaction, entry.session, entry.expected, READ_EVENTS_MAX)?;
        return Ok(Err(AppendError::Conflict { missing }));
    }
    if entry.expected > end {
        let Entry { session, expected, .. } = entry;
        return Ok(refuse(format!("{session:?} ends at {end}, before the expected {expected}")));
    }
    let sid = match (head, &entry.start) {
        (Some(head), _) => head.sid,
        (None, Some(start)) => {
            if start.ordinal <= removal::highest(transaction, &entry.site, start.visitor)? {
                return Ok(refuse(format!("{:?} was removed", entry.session)));
            }
            insert_session(transaction, entry, start)?
        }
        (None, None) => return Ok(refuse(format!("{:?} has no start", entry.session))),
    };
    insert_events(transaction, sid, entry)?;
    let offset = end + entry.rows.len() as Offset;
    heads.known.insert(entry.session, Head { sid, site: entry.site.clone(), offset });
    Ok(Ok(()))
}

fn refuse(why: String) -> Result<(), AppendError> {
    Err(LogError::Failed(why).into())
}

fn insert_session(
    transaction: &Transaction<'_>,
    entry: &Entry,
    start: &Start,
) -> rusqlite::Result<i64> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO sessions (session, site, visitor, ordinal, started) VALUES (?, ?, ?, ?, ?)",
    )?;
    let (session, visitor) = (entry.session.uuid(), start.visitor.uuid());
    insert.insert(params![session, entry.site.as_str(), visitor, start.ordinal, start.time])
}

fn insert_events(transaction: &Transaction<'_>, sid: i64, entry: &Entry) -> rusqlite::Result<()> {
    let mut insert = transaction
        .prepare_cached("INSERT INTO events (sid, offset, time, data) VALUES (?, ?, ?, ?)")?;
    for row in &entry.rows {
        insert.execute(params![sid, row.offset, row.time, row.data])?;
    }
    if let Some(closed) = entry.closed {
        transaction
            .prepare_cached("UPDATE sessions SET closed = ? WHERE sid = ?")?
            .execute(params![closed, sid])?;
    }
    Ok(())
}

/// Finds room and gives it back: fails if either the file or the disk has none.
fn probe(transaction: &Transaction<'_>) -> rusqlite::Result<Verdict> {
    transaction.execute("INSERT INTO probe (filler) VALUES (zeroblob(?))", [PROBE_BYTES])?;
    transaction.execute("DELETE FROM probe", [])?;
    Ok(Verdict::Probe)
}

impl Heads {
    fn new() -> Self {
        Self { known: Cache::new(HEADS_MAX), data_version: 0 }
    }

    fn forget(&mut self) {
        self.known.clear();
    }

    /// Forgets everything if another connection has written to the file. There should be none that
    /// appends; if there is, the fence holds all the same.
    fn mind_other_writers(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let data_version =
            transaction.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if data_version != self.data_version {
            self.forget();
            self.data_version = data_version;
        }
        Ok(())
    }

    /// Where the session's log ends, with all that the transaction has appended before.
    fn head(
        &self,
        transaction: &Transaction<'_>,
        session: SessionId,
    ) -> rusqlite::Result<Option<Head>> {
        if let Some(head) = self.known.get(&session) {
            return Ok(Some(head.clone()));
        }
        let mut query = transaction.prepare_cached(
            "SELECT sid, site, (SELECT max(offset) FROM events WHERE events.sid = sessions.sid)
             FROM sessions WHERE session = ?",
        )?;
        let head = |row: &rusqlite::Row<'_>| {
            Ok(Head { sid: row.get(0)?, site: column::parsed(row, 1)?, offset: row.get(2)? })
        };
        query.query_row([session.uuid()], head).optional()
    }
}
