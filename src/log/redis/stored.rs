//! Events and records as Redis holds them.

use redis::Value;
use uuid::Uuid;
use vigie_protocol::event::{Event, Offset};
use vigie_protocol::id::SessionId;

use crate::log::{LogError, SessionRecord};

/// The fields of a session that make its record, in this order.
pub(super) const RECORD: [&str; 5] = ["site", "visitor", "ordinal", "started", "closed"];

/// Reads entries of a stream, `[id, [e, event, a, append]]` each: the events after an offset, which
/// have no gap.
pub(super) fn events(entries: Value, after: Offset) -> Result<Vec<Event>, LogError> {
    let Value::Array(entries) = entries else { return Err(not_understood()) };
    entries.into_iter().zip(1..).map(|(entry, n)| event(entry, after + n)).collect()
}

fn event(entry: Value, offset: Offset) -> Result<Event, LogError> {
    let damaged = |problem: String| LogError::Damaged(format!("event {offset}: {problem}"));
    let Value::Array(parts) = entry else { return Err(not_understood()) };
    let [Value::BulkString(id), Value::Array(fields)] = parts.as_slice() else {
        return Err(not_understood());
    };
    if *id != format!("{offset}-0").into_bytes() {
        let id = String::from_utf8_lossy(id);
        return Err(damaged(format!("it is missing, and {id} stands in its place")));
    }
    let stored = fields.chunks_exact(2).find_map(|pair| match pair {
        [Value::BulkString(name), Value::BulkString(stored)] if name == b"e" => Some(stored),
        _ => None,
    });
    let stored = stored.ok_or_else(|| damaged("its entry holds none".into()))?;
    let event = Event::from_stored(stored).map_err(|error| damaged(error.to_string()))?;
    if event.offset != offset {
        return Err(damaged(format!("event {} stands in its place", event.offset)));
    }
    Ok(event)
}

/// Reads the fields of [`RECORD`]; `None` if there is no such session.
pub(super) fn record(session: SessionId, fields: Value) -> Result<Option<SessionRecord>, LogError> {
    let Value::Array(fields) = fields else { return Err(not_understood()) };
    let [site, visitor, ordinal, started, closed] = fields.as_slice() else {
        return Err(not_understood());
    };
    // Of one that was removed site, visitor and ordinal are left.
    if matches!(started, Value::Nil) {
        return Ok(None);
    }
    let read = || {
        Some(SessionRecord {
            session,
            site: text(site)?.parse().ok()?,
            visitor: Uuid::parse_str(text(visitor)?).ok()?.into(),
            ordinal: text(ordinal)?.parse().ok()?,
            started: text(started)?.parse().ok()?,
            closed: match closed {
                Value::Nil => None,
                closed => Some(text(closed)?.parse().ok()?),
            },
        })
    };
    let damaged = || LogError::Damaged(format!("the record of {session:?} cannot be read"));
    read().map(Some).ok_or_else(damaged)
}

/// Names of sessions with their scores, as a sorted set gives them: name, score, name, score …
pub(super) fn scored(members: Value) -> Result<Vec<(SessionId, f64)>, LogError> {
    let Value::Array(members) = members else { return Err(not_understood()) };
    let read = |pair: &[Value]| {
        let [name, score] = pair else { return None };
        let session = Uuid::parse_str(text(name)?).ok()?.into();
        Some((session, text(score)?.parse().ok()?))
    };
    let pairs = members.chunks(2).map(read).collect::<Option<_>>();
    pairs.ok_or_else(|| LogError::Damaged("a list of sessions cannot be read".into()))
}

pub(super) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

pub(super) fn not_understood() -> LogError {
    LogError::Failed("Redis answers what this engine does not understand".into())
}
