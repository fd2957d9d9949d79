//! What is asked of the log.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;
use vigie_protocol::event::{Event, Millis, Offset};
use vigie_protocol::id::{SessionId, SiteId, VisitorId};

use super::stored;
use crate::log::{READ_EVENTS_MAX, SessionRecord};
use crate::sqlite::column;

/// The events after an offset, in order.
pub(super) fn events(
    connection: &Connection,
    session: SessionId,
    after: Offset,
    limit: u32,
) -> rusqlite::Result<Vec<Event>> {
    let mut query = connection.prepare_cached(
        "SELECT offset, time, data FROM events
         WHERE sid = (SELECT sid FROM sessions WHERE session = ?1) AND offset > ?2
         ORDER BY offset LIMIT ?3",
    )?;
    // Beyond what SQLite can count there are no events.
    let after = after.min(i64::MAX as u64);
    let limit = limit.min(READ_EVENTS_MAX);
    query.query_map(params![session.uuid(), after, limit], stored::decode)?.collect()
}

pub(super) fn session(
    connection: &Connection,
    session: SessionId,
) -> rusqlite::Result<Option<SessionRecord>> {
    let mut query = connection.prepare_cached(
        "SELECT session, site, visitor, ordinal, started, closed FROM sessions WHERE session = ?1",
    )?;
    query.query_row([session.uuid()], record).optional()
}

/// A visitor's sessions, latest first.
pub(super) fn sessions_of(
    connection: &Connection,
    site: &SiteId,
    visitor: VisitorId,
    before: Option<u32>,
    limit: u32,
) -> rusqlite::Result<Vec<SessionRecord>> {
    let mut query = connection.prepare_cached(
        "SELECT session, site, visitor, ordinal, started, closed FROM sessions
         WHERE site = ?1 AND visitor = ?2 AND ordinal < ?3 ORDER BY ordinal DESC LIMIT ?4",
    )?;
    let before = before.map_or(i64::MAX, i64::from);
    query.query_map(params![site.as_str(), visitor.uuid(), before, limit], record)?.collect()
}

/// Open sessions whose last event is older than `before`, the oldest first.
///
/// Who asks closes them, so that those that started before and are open still are few: the index
/// on open sessions leads to them, and one lookup each finds their last event.
pub(super) fn stale(
    connection: &Connection,
    before: Millis,
    limit: u32,
) -> rusqlite::Result<Vec<SessionRecord>> {
    let mut query = connection.prepare_cached(
        "SELECT session, site, visitor, ordinal, started, closed FROM sessions
         WHERE closed IS NULL AND started < ?1 AND ?1 > (
             SELECT time FROM events WHERE events.sid = sessions.sid ORDER BY offset DESC LIMIT 1
         )
         ORDER BY started LIMIT ?2",
    )?;
    let before = before.min(i64::MAX as u64);
    query.query_map(params![before, limit], record)?.collect()
}

/// Sessions that were closed before, the first first.
pub(super) fn expired(
    connection: &Connection,
    closed_before: Millis,
    limit: u32,
) -> rusqlite::Result<Vec<SessionRecord>> {
    let mut query = connection.prepare_cached(
        "SELECT session, site, visitor, ordinal, started, closed FROM sessions
         WHERE closed < ? ORDER BY closed, sid LIMIT ?",
    )?;
    let closed_before = closed_before.min(i64::MAX as u64);
    query.query_map(params![closed_before, limit], record)?.collect()
}

fn record(row: &Row<'_>) -> rusqlite::Result<SessionRecord> {
    Ok(SessionRecord {
        session: row.get::<_, Uuid>(0)?.into(),
        site: column::parsed(row, 1)?,
        visitor: row.get::<_, Uuid>(2)?.into(),
        ordinal: row.get(3)?,
        started: row.get(4)?,
        closed: row.get(5)?,
    })
}
