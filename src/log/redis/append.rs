//! The append: what the scripts are called with, and what they say.

use redis::{Cmd, Value};
use vigie_protocol::event::Offset;

use super::lane::Queued;
use super::{Answer, Shared, stored};
use crate::log::shape::Entry;
use crate::log::{AppendError, LogError, READ_EVENTS_MAX};
use crate::redis::{Redis, Script, bucket};

/// The member of a visitor's list whose score is the highest ordinal that was removed.
pub(super) const HIGHEST_REMOVED: &str = "removed";

pub(super) struct Scripts {
    append: Script,
    begin: Script,
    pub(super) remove: Script,
}

impl Scripts {
    pub(super) fn new(redis: &Redis) -> Self {
        Self {
            append: redis.script(include_str!("append.lua")),
            begin: redis.script(include_str!("begin.lua")),
            remove: redis.script(include_str!("remove.lua")),
        }
    }
}

/// Enters a session in its visitor's list; `None` if it has begun before.
pub(super) fn begin(shared: &Shared, entry: &Entry) -> Option<Cmd> {
    let start = entry.start.as_ref()?;
    let list = shared.redis.names().visitor(&entry.site, start.visitor);
    let mut call = shared.scripts.begin.call(&[list]);
    call.arg(entry.session.to_string()).arg(start.ordinal).arg(HIGHEST_REMOVED);
    Some(call)
}

/// What [`begin`] says: whether the append may follow.
pub(super) fn begun(entry: &Entry, answer: &Value) -> Answer {
    match answer {
        Value::Int(1) => Ok(()),
        Value::Int(_) => refuse(format!("{:?} was removed", entry.session)),
        _ => Err(stored::not_understood().into()),
    }
}

/// The append itself. `sharded`: how the others are told.
pub(super) fn append(shared: &Shared, sharded: bool, queued: &Queued) -> Cmd {
    let Entry { site, session, expected, rows, start, closed } = &queued.entry;
    let names = shared.redis.names();
    let bucket = bucket(*session);
    let mut call = shared.scripts.append.call(&[
        names.session(*session),
        names.events(*session),
        names.attendance(*session),
        names.open(bucket),
        names.closed(bucket),
    ]);
    call.arg(shared.node.map_or_else(String::new, |node| node.to_string()))
        .arg(queued.id.to_be_bytes().as_slice())
        .arg(*expected)
        .arg(known(queued.marks.0))
        .arg(known(queued.marks.1))
        .arg(site.as_str())
        .arg(session.to_string())
        .arg(session.uuid().as_bytes().as_slice())
        .arg(names.inboxes(bucket))
        .arg(if sharded { "SPUBLISH" } else { "PUBLISH" })
        .arg(READ_EVENTS_MAX)
        .arg(rows.last().map_or(0, |row| row.time))
        .arg(closed.map_or_else(String::new, |time| time.to_string()));
    match start {
        Some(start) => {
            call.arg(start.visitor.to_string()).arg(start.ordinal).arg(start.time);
        }
        None => {
            call.arg("").arg("").arg("");
        }
    }
    for row in rows {
        call.arg(row.data.as_slice());
    }
    call
}

/// A mark as it is kept: its bytes, or nothing.
fn known(mark: u64) -> Vec<u8> {
    if mark == 0 { Vec::new() } else { mark.to_be_bytes().to_vec() }
}

/// What [`append`] says.
pub(super) fn appended(entry: &Entry, answer: Value) -> Answer {
    let Value::Array(parts) = answer else { return Err(stored::not_understood().into()) };
    let mut parts = parts.into_iter();
    let (verdict, detail) = (parts.next(), parts.next());
    let Entry { session, expected, site, .. } = entry;
    match (verdict.as_ref().and_then(stored::text), detail) {
        (Some("made"), _) => Ok(()),
        (Some("conflict"), Some(missing)) => conflict(*expected, missing),
        (Some("beyond"), Some(end)) => {
            let end = stored::text(&end).unwrap_or_default();
            refuse(format!("{session:?} ends at {end}, before the expected {expected}"))
        }
        (Some("parted"), _) => {
            refuse(format!("{session:?} holds another event at {expected}: it has lost some"))
        }
        (Some("elsewhere"), _) => refuse(format!("{session:?} is not of {site:?}")),
        (Some("removed"), _) => refuse(format!("{session:?} was removed")),
        _ => Err(stored::not_understood().into()),
    }
}

fn conflict(expected: Offset, missing: Value) -> Answer {
    let missing = stored::events(missing, expected)?;
    if missing.is_empty() {
        let lost = format!("the events after {expected} are not there");
        return Err(LogError::Damaged(lost).into());
    }
    Err(AppendError::Conflict { missing })
}

fn refuse(why: String) -> Answer {
    Err(LogError::Failed(why).into())
}
