//! Sessions that are gone: taken out of the file, and never begun again.
//!
//! Their pages are used again for what is appended next; the file does not shrink.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use uuid::Uuid;
use vigie_protocol::event::Offset;
use vigie_protocol::id::{SessionId, SiteId, VisitorId};

use crate::log::LogError;

/// Which session to remove.
#[derive(Clone, Copy)]
pub(super) struct Removal {
    pub(super) session: SessionId,
    /// Only if its log ends here still.
    pub(super) at: Option<Offset>,
}

/// What [`remove`] must know of a session.
struct Found {
    sid: i64,
    site: String,
    visitor: Uuid,
    ordinal: u32,
    closed: bool,
    end: Offset,
}

/// Removes a closed session; whether it is gone now. `Err` fails the batch.
pub(super) fn remove(
    transaction: &Transaction<'_>,
    removal: Removal,
) -> rusqlite::Result<Result<bool, LogError>> {
    let Some(found) = find(transaction, removal.session)? else { return Ok(Ok(true)) };
    if !found.closed {
        let why = format!("{:?} is open, and only closed sessions are removed", removal.session);
        return Ok(Err(LogError::Failed(why)));
    }
    if removal.at.is_some_and(|at| at != found.end) {
        return Ok(Ok(false));
    }
    for delete in ["DELETE FROM events WHERE sid = ?", "DELETE FROM sessions WHERE sid = ?"] {
        transaction.prepare_cached(delete)?.execute([found.sid])?;
    }
    transaction
        .prepare_cached(
            "INSERT INTO removed (site, visitor, ordinal) VALUES (?, ?, ?)
             ON CONFLICT DO UPDATE SET ordinal = max(ordinal, excluded.ordinal)",
        )?
        .execute(params![found.site, found.visitor, found.ordinal])?;
    Ok(Ok(true))
}

/// The highest ordinal of a visitor's sessions that were removed; 0 if none was.
pub(super) fn highest(
    connection: &Connection,
    site: &SiteId,
    visitor: VisitorId,
) -> rusqlite::Result<u32> {
    let mut query =
        connection.prepare_cached("SELECT ordinal FROM removed WHERE site = ? AND visitor = ?")?;
    let ordinal = query.query_row(params![site.as_str(), visitor.uuid()], |row| row.get(0));
    Ok(ordinal.optional()?.unwrap_or(0))
}

fn find(transaction: &Transaction<'_>, session: SessionId) -> rusqlite::Result<Option<Found>> {
    let mut query = transaction.prepare_cached(
        "SELECT sid, site, visitor, ordinal, closed IS NOT NULL,
                (SELECT max(offset) FROM events WHERE events.sid = sessions.sid)
         FROM sessions WHERE session = ?",
    )?;
    let found = |row: &rusqlite::Row<'_>| {
        Ok(Found {
            sid: row.get(0)?,
            site: row.get(1)?,
            visitor: row.get(2)?,
            ordinal: row.get(3)?,
            closed: row.get(4)?,
            end: row.get(5)?,
        })
    };
    query.query_row([session.uuid()], found).optional()
}
