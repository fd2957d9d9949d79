//! An event as a row holds it: its stored form, beside the columns that are searched.

use rusqlite::Row;
use rusqlite::types::Type;
use vigie_protocol::event::{Event, Millis, Offset};

/// How the map of a row begins that an earlier version wrote: author and body alone. Offset and
/// time stood in its columns only.
const AUTHOR_AND_BODY: u8 = 0x82;

/// How it begins with all four of them.
const ALL_FOUR: u8 = 0x84;

/// Reads a row of `offset, time, data`.
pub(super) fn decode(row: &Row<'_>) -> rusqlite::Result<Event> {
    let (offset, time): (Offset, Millis) = (row.get(0)?, row.get(1)?);
    let damaged =
        |problem: String| rusqlite::Error::FromSqlConversionFailure(2, Type::Blob, problem.into());
    let event = match row.get_ref(2)?.as_blob()? {
        [AUTHOR_AND_BODY, rest @ ..] => Event::from_stored(&completed(offset, time, rest)),
        stored => Event::from_stored(stored),
    };
    let event = event.map_err(|error| damaged(error.to_string()))?;
    if (event.offset, event.time) != (offset, time) {
        return Err(damaged(format!("event {} stands in the row of {offset}", event.offset)));
    }
    Ok(event)
}

/// The whole of an event of which a row holds author and body.
fn completed(offset: Offset, time: Millis, author_and_body: &[u8]) -> Vec<u8> {
    let mut stored = vec![ALL_FOUR];
    for (name, number) in [("offset", offset), ("time", time)] {
        // A fixed string of at most 31 bytes, and a number of 64 bits.
        stored.push(0xa0 | name.len() as u8);
        stored.extend_from_slice(name.as_bytes());
        stored.push(0xcf);
        stored.extend_from_slice(&number.to_be_bytes());
    }
    stored.extend_from_slice(author_and_body);
    stored
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use serde::Serialize;
    use vigie_protocol::event::{Author, EventBody};

    use super::*;
    use crate::log::shape::encode;

    fn event(text: String) -> Event {
        let body = EventBody::Note { text, key: None };
        Event { offset: 300, time: 70_000, author: Author::System {}, body }
    }

    fn read(offset: u64, time: u64, data: &[u8]) -> rusqlite::Result<Event> {
        let connection = Connection::open_in_memory().unwrap();
        connection.query_row("SELECT ?1, ?2, ?3", (offset, time, data), decode)
    }

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let event = event("hello".into());
        assert_eq!(read(300, 70_000, &encode(&event).unwrap()).unwrap(), event);
    }

    #[test]
    fn an_event_of_an_earlier_version_is_read_with_the_offset_and_time_of_its_row() {
        #[derive(Serialize)]
        struct Earlier {
            author: Author,
            body: EventBody,
        }
        let event = event("hello".into());
        let earlier = Earlier { author: event.author.clone(), body: event.body.clone() };
        let data = rmp_serde::to_vec_named(&earlier).unwrap();
        assert_eq!(read(300, 70_000, &data).unwrap(), event);
    }

    #[test]
    fn an_event_that_is_not_its_rows_is_damage() {
        let data = encode(&event("hello".into())).unwrap();
        for (offset, time) in [(301, 70_000), (300, 70_001)] {
            assert!(read(offset, time, &data).is_err());
        }
        assert!(read(300, 70_000, &data[..data.len() - 1]).is_err());
        assert!(read(300, 70_000, &[]).is_err());
    }
}
