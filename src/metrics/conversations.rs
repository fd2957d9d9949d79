//! What becomes durable in sessions, counted by the node that has appended it: so the sum over all
//! nodes is what there is.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use vigie_protocol::event::{Author, ControlCause, Event, EventBody};

use super::By;

/// The types of events, as the log has them; and those of other versions.
const TYPES: [&str; 13] = [
    "session_started",
    "visitor_returned",
    "visitor_left",
    "page_viewed",
    "message",
    "note",
    "human_requested",
    "control_changed",
    "bot_failed",
    "session_closed",
    "data_changed",
    "session_rated",
    "unknown",
];

const AUTHORS: [&str; 5] = ["visitor", "operator", "bot", "system", "unknown"];

const CAUSES: [&str; 7] =
    ["take_over", "forced", "release", "transfer", "revoke", "lease_expired", "unknown"];

/// Conversations.
#[derive(Debug)]
pub struct Conversations {
    events: By<&'static str, Counter>,
    messages: By<&'static str, Counter>,
    control_changes: By<&'static str, Counter>,
}

impl Conversations {
    pub(super) fn new(registry: &mut Registry) -> Self {
        Self {
            events: By::register(
                registry,
                "events",
                "Events that this node has appended, by type",
                TYPES.map(|name| (name, [("type", name)])),
            ),
            messages: By::register(
                registry,
                "messages",
                "Messages that this node has appended, by who said them",
                AUTHORS.map(|name| (name, [("author", name)])),
            ),
            control_changes: By::register(
                registry,
                "control_changes",
                "Changes of control that this node has appended: takeovers, releases and others",
                CAUSES.map(|name| (name, [("cause", name)])),
            ),
        }
    }

    /// Events are durable that this node has appended.
    pub fn committed(&self, events: &[Event]) {
        for event in events {
            self.events.count(&type_name(&event.body));
            match &event.body {
                EventBody::Message(_) => self.messages.count(&author_name(&event.author)),
                EventBody::ControlChanged(change) => {
                    self.control_changes.count(&cause_name(change.cause));
                }
                _ => {}
            }
        }
    }
}

const fn type_name(body: &EventBody) -> &'static str {
    match body {
        EventBody::SessionStarted { .. } => "session_started",
        EventBody::VisitorReturned { .. } => "visitor_returned",
        EventBody::VisitorLeft {} => "visitor_left",
        EventBody::PageViewed { .. } => "page_viewed",
        EventBody::Message(_) => "message",
        EventBody::Note { .. } => "note",
        EventBody::HumanRequested {} => "human_requested",
        EventBody::ControlChanged(_) => "control_changed",
        EventBody::BotFailed { .. } => "bot_failed",
        EventBody::SessionClosed { .. } => "session_closed",
        EventBody::DataChanged { .. } => "data_changed",
        EventBody::SessionRated(_) => "session_rated",
        EventBody::Unknown(_) => "unknown",
    }
}

const fn author_name(author: &Author) -> &'static str {
    match author {
        Author::Visitor {} => "visitor",
        Author::Operator { .. } => "operator",
        Author::Bot { .. } => "bot",
        Author::System {} => "system",
        Author::Unknown => "unknown",
    }
}

const fn cause_name(cause: ControlCause) -> &'static str {
    match cause {
        ControlCause::TakeOver => "take_over",
        ControlCause::Forced => "forced",
        ControlCause::Release => "release",
        ControlCause::Transfer => "transfer",
        ControlCause::Revoke => "revoke",
        ControlCause::LeaseExpired => "lease_expired",
        ControlCause::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_event_has_its_place() {
        for known in EventBody::TYPES {
            assert!(TYPES.contains(known), "{known} would not be counted");
        }
        assert_eq!(TYPES.len(), EventBody::TYPES.len() + 1, "and one for all others");
    }
}
