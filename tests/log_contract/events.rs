//! Events and appends in few words.

use serde_json::{Value, json};
use uuid::Uuid;
use vigie::log::Append;
use vigie_protocol::event::{
    Author, BotFailure, ChatMessage, Choice, ChoiceAction, CloseCause, ControlCause, ControlChange,
    Device, Event, EventBody, Holder, Offset, Page, VisitorContext,
};
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

pub fn closed() -> EventBody {
    EventBody::SessionClosed { cause: CloseCause::Away }
}

/// Of a type that no version knows.
pub fn from_the_future() -> EventBody {
    let body = json!({ "type": "poll_opened", "options": ["a", { "b": [1, -2, 2.5, null] }] });
    match body {
        Value::Object(fields) => EventBody::Unknown(fields),
        _ => unreachable!(),
    }
}

/// A start, and then events with as much in them as events can have.
pub fn rich_bodies() -> Vec<EventBody> {
    let operator = || Holder::Operator { id: Some("op-1".parse().unwrap()), name: "Ana".into() };
    let page = Page { url: "https://shop.example/ā".into(), title: Some("Shoes 👟".into()) };
    let context = VisitorContext {
        country: Some("LV".into()),
        device: Device::Tablet,
        browser: Some("Firefox 140".into()),
        language: Some("lv".into()),
        page: Some(page.clone()),
        ..VisitorContext::default()
    };
    let change = ControlChange {
        epoch: 2,
        holder: operator(),
        previous: Holder::Bot {},
        cause: ControlCause::Forced,
        reason: Some("asked for".into()),
        notice: None,
    };
    let choice = Choice { label: "A human, please".into(), action: ChoiceAction::RequestHuman };
    let answer = ChatMessage {
        text: "¿Qué?\u{0}\n".into(),
        epoch: u64::MAX,
        key: Some("key".parse().unwrap()),
        turn: Some(3),
        choices: vec![choice],
    };
    vec![
        EventBody::SessionStarted { visitor: visitor(7), ordinal: 1, context },
        EventBody::PageViewed { page },
        EventBody::HumanRequested {},
        EventBody::ControlChanged(change),
        EventBody::Message(answer),
        EventBody::Note { text: "careful".into(), key: None },
        EventBody::BotFailed { epoch: 1, turn: 3, reason: BotFailure::Timeout, detail: None },
        EventBody::VisitorLeft {},
        closed(),
    ]
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
    Append { site: shop(), session, expected, events }
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
