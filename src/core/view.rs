//! What each audience may see of an event: one pure function, used for pushes, history and export.

use std::borrow::Cow;

use vigie_protocol::event::{
    Author, ChatMessage, Control, ControlChange, Event, EventBody, Holder,
};

/// Whoever follows a session sees it as one of these does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// The session's visitor.
    Visitor = 0,
    /// The site's operators.
    Operator = 1,
    /// The site's bots.
    Bot = 2,
}

impl Audience {
    /// Each of them, at the index of its number.
    pub const ALL: [Self; 3] = [Self::Visitor, Self::Operator, Self::Bot];
}

/// Whether an audience may see an event at all.
pub const fn sees(audience: Audience, body: &EventBody) -> bool {
    match body {
        EventBody::Message(_)
        | EventBody::ControlChanged(_)
        | EventBody::HumanRequested {}
        | EventBody::SessionClosed { .. } => true,
        EventBody::BotFailed { .. } | EventBody::SessionRated(_) => {
            !matches!(audience, Audience::Bot)
        }
        EventBody::SessionStarted { .. }
        | EventBody::PageViewed { .. }
        | EventBody::DataChanged { .. } => !matches!(audience, Audience::Visitor),
        // What this version does not know may be meant for operators alone.
        EventBody::VisitorReturned { .. }
        | EventBody::VisitorLeft {}
        | EventBody::Note { .. }
        | EventBody::Unknown(_) => matches!(audience, Audience::Operator),
    }
}

/// The event as an audience may see it, or `None` if it may not.
pub fn visible_to(event: &Event, audience: Audience) -> Option<Cow<'_, Event>> {
    if !sees(audience, &event.body) {
        return None;
    }
    Some(match audience {
        Audience::Operator => for_operators(event),
        Audience::Visitor | Audience::Bot => for_outsiders(event, audience),
    })
}

/// Control as an audience may see it.
pub fn control_for(control: &Control, audience: Audience) -> Control {
    match audience {
        Audience::Operator => control.clone(),
        Audience::Visitor | Audience::Bot => {
            Control { holder: holder_without_id(&control.holder), ..control.clone() }
        }
    }
}

/// An author as an audience may see them.
pub fn author_for(author: &Author, audience: Audience) -> Author {
    match (author, audience) {
        (Author::Operator { name, .. }, Audience::Visitor | Audience::Bot) => {
            Author::Operator { id: None, name: name.clone() }
        }
        (other, _) => other.clone(),
    }
}

/// Operators see everything but the keys of visitors.
fn for_operators(event: &Event) -> Cow<'_, Event> {
    match (&event.author, &event.body) {
        (Author::Visitor {}, EventBody::Message(message)) if message.key.is_some() => {
            let body = EventBody::Message(without_key(message));
            Cow::Owned(Event { body, author: event.author.clone(), ..*event })
        }
        _ => Cow::Borrowed(event),
    }
}

/// Visitors and bots see no ids of operators, no reasons, no details, no keys but their own.
fn for_outsiders(event: &Event, audience: Audience) -> Cow<'_, Event> {
    let body = match &event.body {
        EventBody::Message(message) => {
            let own = audience == Audience::Visitor && matches!(event.author, Author::Visitor {});
            EventBody::Message(if own { message.clone() } else { without_key(message) })
        }
        EventBody::ControlChanged(change) => EventBody::ControlChanged(without_reason(change)),
        EventBody::BotFailed { epoch, turn, reason, .. } => {
            EventBody::BotFailed { epoch: *epoch, turn: *turn, reason: *reason, detail: None }
        }
        other => other.clone(),
    };
    let author = author_for(&event.author, audience);
    Cow::Owned(Event { offset: event.offset, time: event.time, author, body })
}

fn without_key(message: &ChatMessage) -> ChatMessage {
    ChatMessage { key: None, ..message.clone() }
}

fn without_reason(change: &ControlChange) -> ControlChange {
    ControlChange {
        holder: holder_without_id(&change.holder),
        previous: holder_without_id(&change.previous),
        reason: None,
        ..change.clone()
    }
}

fn holder_without_id(holder: &Holder) -> Holder {
    match holder {
        Holder::Bot {} => Holder::Bot {},
        Holder::Operator { name, .. } => Holder::Operator { id: None, name: name.clone() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_protocol::event::{
        BotFailure, CloseCause, ControlCause, CustomData, Page, Rating, VisitorContext,
    };
    use vigie_protocol::id::VisitorId;

    fn operator() -> Author {
        Author::Operator { id: "ann".parse().ok(), name: "Ann".into() }
    }

    fn check(author: Author, body: EventBody, visitor: bool, bot: bool) {
        let event = Event { offset: 1, time: 2, author, body };
        let seen = |audience| visible_to(&event, audience).map(Cow::into_owned);
        assert!(seen(Audience::Operator).is_some(), "operators see everything: {event:?}");
        assert_eq!(seen(Audience::Visitor).is_some(), visitor, "{event:?}");
        assert_eq!(seen(Audience::Bot).is_some(), bot, "{event:?}");
        for audience in [Audience::Visitor, Audience::Bot] {
            let text = serde_json::to_string(&seen(audience)).unwrap();
            for hidden in ["\"ann\"", "because", "stack trace", "secret note"] {
                assert!(!text.contains(hidden), "{audience:?} must not see {hidden}: {text}");
            }
        }
    }

    #[test]
    fn each_audience_sees_what_is_meant_for_it() {
        let page = Page { url: "https://shop.example/".into(), title: None };
        let context = VisitorContext::default();
        let visitor = VisitorId::from(uuid::Uuid::nil());
        let message = |key: Option<&str>| {
            EventBody::Message(ChatMessage {
                text: "hi".into(),
                epoch: 1,
                key: key.and_then(|key| key.parse().ok()),
                turn: None,
                choices: vec![],
            })
        };
        let change = EventBody::ControlChanged(ControlChange {
            epoch: 2,
            holder: Holder::Operator { id: "ann".parse().ok(), name: "Ann".into() },
            previous: Holder::Bot {},
            cause: ControlCause::Forced,
            reason: Some("because".into()),
            notice: Some("Ann is here".into()),
        });
        let failed = EventBody::BotFailed {
            epoch: 1,
            turn: 1,
            reason: BotFailure::Error,
            detail: Some("stack trace".into()),
        };
        let started = EventBody::SessionStarted { visitor, ordinal: 1, context: context.clone() };
        check(Author::System {}, started, false, true);
        check(Author::System {}, EventBody::VisitorReturned { context }, false, false);
        check(Author::System {}, EventBody::VisitorLeft {}, false, false);
        check(Author::Visitor {}, EventBody::PageViewed { page }, false, true);
        check(Author::Visitor {}, message(Some("k")), true, true);
        check(operator(), message(Some("k")), true, true);
        check(operator(), EventBody::Note { text: "secret note".into(), key: None }, false, false);
        check(Author::Visitor {}, EventBody::HumanRequested {}, true, true);
        check(operator(), change, true, true);
        check(Author::System {}, failed, true, false);
        check(operator(), EventBody::SessionClosed { cause: CloseCause::Operator }, true, true);
        let data = CustomData::from([("plan".to_owned(), "pro".to_owned())]);
        check(Author::Visitor {}, EventBody::DataChanged { data }, false, true);
        let rating = Rating { score: 4, comment: Some("quick".into()) };
        check(Author::Visitor {}, EventBody::SessionRated(rating), true, false);
        check(Author::System {}, EventBody::Unknown(Default::default()), false, false);
    }

    #[test]
    fn keys_are_shown_to_their_authors_side_only() {
        let message = |author| Event {
            offset: 1,
            time: 2,
            author,
            body: EventBody::Message(ChatMessage {
                text: "hi".into(),
                epoch: 1,
                key: "my-key".parse().ok(),
                turn: None,
                choices: vec![],
            }),
        };
        let shows = |author, audience| {
            let event = message(author);
            let seen = visible_to(&event, audience).unwrap();
            matches!(&seen.body, EventBody::Message(message) if message.key.is_some())
        };
        assert!(shows(Author::Visitor {}, Audience::Visitor));
        assert!(!shows(Author::Visitor {}, Audience::Operator));
        assert!(!shows(operator(), Audience::Visitor));
        assert!(shows(operator(), Audience::Operator));
        assert!(!shows(Author::Visitor {}, Audience::Bot));
    }
}
