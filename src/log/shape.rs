//! What an append must look like, whatever keeps the log. It is checked before it is queued, so that
//! a malformed one disturbs nobody.

use vigie_protocol::MESSAGE_BYTES_MAX;
use vigie_protocol::event::{Event, EventBody, Millis, Offset};
use vigie_protocol::id::{SessionId, SiteId, VisitorId};

use super::{Append, LogError};

/// An append whose shape has been checked, its events in their stored form.
pub(super) struct Entry {
    pub(super) site: SiteId,
    pub(super) session: SessionId,
    pub(super) expected: Offset,
    /// At least one.
    pub(super) rows: Vec<EventRow>,
    /// Exactly if `expected` is 0.
    pub(super) start: Option<Start>,
    pub(super) closed: Option<Millis>,
}

pub(super) struct EventRow {
    pub(super) offset: Offset,
    pub(super) time: Millis,
    pub(super) data: Vec<u8>,
}

pub(super) struct Start {
    pub(super) visitor: VisitorId,
    pub(super) ordinal: u32,
    pub(super) time: Millis,
}

impl TryFrom<Append> for Entry {
    type Error = LogError;

    fn try_from(append: Append) -> Result<Self, LogError> {
        let Append { site, session, expected, events, .. } = append;
        let malformed = |why| Err(LogError::Failed(format!("a malformed append: {why}")));
        if events.is_empty() {
            return malformed("it has no events");
        }
        let follows = |(event, n): (&Event, u64)| expected.checked_add(n) == Some(event.offset);
        if !events.iter().zip(1..).all(follows) {
            return malformed("its offsets do not follow the expected one");
        }
        if events.iter().any(|event| i64::try_from(event.time).is_err()) {
            return malformed("its time is beyond all calendars");
        }
        let start = match (expected, &events[0].body) {
            (0, &EventBody::SessionStarted { visitor, ordinal, .. }) => {
                Some(Start { visitor, ordinal, time: events[0].time })
            }
            (0, _) => return malformed("a session begins with session_started"),
            _ => None,
        };
        let is_close = |body: &EventBody| matches!(body, EventBody::SessionClosed { .. });
        let closed = events.iter().find(|event| is_close(&event.body)).map(|event| event.time);
        let row = |event| {
            let data = encode(event)?;
            Ok(EventRow { offset: event.offset, time: event.time, data })
        };
        let rows = events.iter().map(row).collect::<Result<_, LogError>>()?;
        Ok(Self { site, session, expected, rows, start, closed })
    }
}

/// The stored form of an event: the one that every log keeps.
pub(super) fn encode(event: &Event) -> Result<Vec<u8>, LogError> {
    let stored = event.to_stored();
    if stored.len() > MESSAGE_BYTES_MAX {
        // What is longer could be written, but never be read and sent again.
        return Err(LogError::Failed(format!(
            "event {} is {} bytes long, and a log keeps at most {MESSAGE_BYTES_MAX} of one",
            event.offset,
            stored.len()
        )));
    }
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use vigie_protocol::event::Author;

    use super::*;

    #[test]
    fn an_event_is_written_up_to_the_length_that_can_be_read() {
        let event = |text: String| {
            let body = EventBody::Note { text, key: None };
            Event { offset: 300, time: 70_000, author: Author::System {}, body }
        };
        let around = encode(&event(String::new())).unwrap().len();
        // A text of this length has a head of three bytes instead of one.
        let longest = "x".repeat(MESSAGE_BYTES_MAX - around - 2);
        let data = encode(&event(longest.clone())).unwrap();
        assert_eq!(data.len(), MESSAGE_BYTES_MAX);
        assert!(Event::from_stored(&data).is_ok());
        let error = encode(&event(longest + "x")).unwrap_err();
        assert!(matches!(&error, LogError::Failed(why) if why.contains("event 300")), "{error}");
    }
}
