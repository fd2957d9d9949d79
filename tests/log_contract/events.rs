//! Events and appends in few words, for every test of a log.

use uuid::Uuid;
use vigie::log::Append;
use vigie_protocol::event::{Author, ChatMessage, Event, EventBody, Offset, VisitorContext};
use vigie_protocol::id::{SessionId, SiteId, VisitorId};

pub fn shop() -> SiteId {
    "shop".parse().unwrap()
}

pub fn visitor(n: u128) -> VisitorId {
    Uuid::from_u128(n).into()
}

/// Visitor 7's first session.
pub fn session() -> SessionId {
    SessionId::nth(visitor(7), 1)
}

pub fn started(visitor: VisitorId, ordinal: u32) -> EventBody {
    EventBody::SessionStarted { visitor, ordinal, context: VisitorContext::default() }
}

pub fn said(text: impl Into<String>) -> EventBody {
    let text = text.into();
    EventBody::Message(ChatMessage { text, epoch: 1, key: None, turn: None, choices: vec![] })
}

/// The event at an offset, at that time.
pub fn event(offset: Offset, body: EventBody) -> Event {
    Event { offset, time: 1000 * offset, author: Author::Visitor {}, body }
}

/// An append to [`session`] after `expected`.
pub fn append(expected: Offset, bodies: impl IntoIterator<Item = EventBody>) -> Append {
    append_to(session(), expected, bodies)
}

pub fn append_to(
    session: SessionId,
    expected: Offset,
    bodies: impl IntoIterator<Item = EventBody>,
) -> Append {
    let events = (expected + 1..).zip(bodies).map(|(offset, body)| event(offset, body)).collect();
    Append { site: shop(), session, expected, mark: 0, events }
}

/// The append that begins [`session`].
pub fn start() -> Append {
    append(0, [started(visitor(7), 1)])
}

/// What was said in these events, the start left out.
pub fn texts(events: &[Event]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| match &event.body {
            EventBody::Message(message) => Some(message.text.as_str()),
            _ => None,
        })
        .collect()
}
