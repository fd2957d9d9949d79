//! The stored form of an event: MessagePack of what its row does not hold.
//!
//! Named fields, so that an event of a later version is carried through this one unharmed.

use rusqlite::Row;
use rusqlite::types::Type;
use serde::{Deserialize, Serialize};
use vigie_protocol::event::{Author, Event, EventBody};

use crate::log::LogError;

#[derive(Serialize)]
struct Written<'a> {
    author: &'a Author,
    body: &'a EventBody,
}

#[derive(Deserialize)]
struct Stored {
    author: Author,
    body: EventBody,
}

pub(super) fn encode(event: &Event) -> Result<Vec<u8>, LogError> {
    let written = Written { author: &event.author, body: &event.body };
    rmp_serde::to_vec_named(&written)
        .map_err(|error| LogError::Failed(format!("event {} has no form: {error}", event.offset)))
}

/// Reads a row of `offset, time, data`.
pub(super) fn decode(row: &Row<'_>) -> rusqlite::Result<Event> {
    let data = row.get_ref(2)?.as_blob()?;
    let Stored { author, body } = rmp_serde::from_slice(data).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(2, Type::Blob, Box::new(error))
    })?;
    if let Some(known) = body.misread() {
        let problem = format!("an event's {known:?} is not as this version knows it");
        return Err(rusqlite::Error::FromSqlConversionFailure(2, Type::Blob, problem.into()));
    }
    Ok(Event { offset: row.get(0)?, time: row.get(1)?, author, body })
}
