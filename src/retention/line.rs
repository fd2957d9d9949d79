//! A session as JSON lines: what `vigie export` prints, and what an archive holds.
//!
//! In an archive the events of each session follow a line with what is known of the session.

use std::io::{self, Write};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use vigie_protocol::event::{Event, Millis};
use vigie_protocol::id::{SessionId, SiteId, VisitorId};

use crate::log::SessionRecord;

/// The line before the events of a session. Its members, unlike those of the log, only grow.
#[derive(Serialize)]
struct Head {
    session: SessionId,
    site: SiteId,
    visitor: VisitorId,
    ordinal: u32,
    started: Millis,
    closed: Option<Millis>,
}

/// Writes an event's line.
///
/// # Errors
/// Those of `out`.
pub fn write_event(event: &Event, out: impl Write) -> io::Result<()> {
    write(event, out)
}

/// Writes the line that stands before a session's events.
///
/// # Errors
/// Those of `out`.
pub fn write_record(record: &SessionRecord, out: impl Write) -> io::Result<()> {
    let SessionRecord { session, site, visitor, ordinal, started, closed } = record.clone();
    write(&Head { session, site, visitor, ordinal, started, closed }, out)
}

/// Which session's events follow this line; `None` if it is an event's itself.
pub fn begins(line: &str) -> Option<SessionId> {
    // Events that this version does not know may have any member, but all have an offset.
    #[derive(Deserialize)]
    struct Line {
        session: SessionId,
        offset: Option<IgnoredAny>,
    }
    let line: Line = serde_json::from_str(line).ok()?;
    line.offset.is_none().then_some(line.session)
}

fn write(line: &impl Serialize, mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut out, line)?;
    out.write_all(b"\n")
}
