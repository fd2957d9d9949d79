//! The one log, and what each part of it folds to.

use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use uuid::Uuid;
use vigie::core::decide::{Command, decide};
use vigie::core::effect::Wants;
use vigie::core::session::Session;
use vigie::core::site::{LeaseEnd, SiteSettings};
use vigie_protocol::event::{
    ControlCause, ControlChange, Epoch, Event, EventBody, Offset, VisitorContext,
};
use vigie_protocol::id::{SessionId, VisitorId};

use crate::clients::{Act, Move, WORDS};
use crate::machine::Receipt;

/// The log as it stands. A clone shares all that it has in common with others.
#[derive(Clone)]
pub struct Log(Arc<Prefix>);

/// The log up to some offset, with the session that it folds to.
///
/// Time stands still in it, so that the same events are the same prefix, whenever they happened.
pub struct Prefix {
    pub session: Session,
    /// The last event, and all before it; nothing before the first event.
    last: Option<(Event, Arc<Prefix>)>,
    digest: u64,
}

impl Log {
    /// The visitor has arrived. A lease that runs out appends two events at once.
    pub fn started() -> Self {
        let visitor = VisitorId::from(Uuid::from_u128(1));
        let settings = SiteSettings { lease_end: LeaseEnd::Reoffer, ..SiteSettings::default() };
        let session = Session::new(SessionId::nth(visitor, 1), Arc::new(settings));
        let context = VisitorContext::default();
        let arrive = Command::Arrive { visitor, ordinal: 1, context, data: None };
        let events = decide(&session, arrive, 0).expect("a visitor may arrive").events;
        let mut log = Self(Arc::new(Prefix { session, last: None, digest: 0 }));
        log.append(events);
        log
    }

    pub fn head(&self) -> Offset {
        self.0.session.head()
    }

    /// The prefix that ends at an offset.
    pub fn at(&self, offset: Offset) -> &Prefix {
        let mut prefix = &*self.0;
        while prefix.session.head() > offset {
            prefix = &prefix.last.as_ref().expect("the log begins at 0").1;
        }
        prefix
    }

    pub fn append(&mut self, events: Vec<Event>) {
        for event in events {
            let mut session = self.0.session.clone();
            session.apply(&event);
            let mut hasher = DefaultHasher::new();
            (self.0.digest, format!("{event:?}")).hash(&mut hasher);
            let last = Some((event, Arc::clone(&self.0)));
            self.0 = Arc::new(Prefix { session, last, digest: hasher.finish() });
        }
    }

    /// Each event with the session that it came upon, latest first.
    pub fn events(&self) -> impl Iterator<Item = (&Session, &Event)> {
        std::iter::successors(self.0.last.as_ref(), |(_, before)| before.last.as_ref())
            .map(|(event, before)| (&before.session, event))
    }

    /// Whatever the bot was ever asked, by any node, whatever it had folded.
    pub fn asked(&self) -> Vec<(Epoch, Offset)> {
        let sessions = self.events().map(|(before, _)| before).chain([&self.0.session]);
        let mut asked: Vec<_> = sessions.filter_map(|session| Wants::of(session).turn).collect();
        asked.sort_unstable();
        asked.dedup();
        asked
    }

    /// Where a client's message stands.
    pub fn said(&self, (client, number): Move) -> Vec<Offset> {
        let said = self.events().filter(|(_, event)| match &event.body {
            EventBody::Message(message) => client.wrote(event) && message.text == WORDS[number],
            _ => false,
        });
        said.map(|(_, event)| event.offset).collect()
    }

    /// Whether an acknowledged move is where it was said to be, and nowhere else.
    pub fn proves(&self, (client, number): Move, (offset, epoch): Receipt) -> bool {
        let mut changes =
            self.events().filter_map(|(_, event)| Some((event.offset, control_change(event)?)));
        match client.script()[number] {
            Act::Say => self.said((client, number)) == [offset],
            Act::TakeOver | Act::Force => {
                changes.any(|(_, change)| change.epoch == epoch && client.holds(&change.holder))
            }
            Act::Release => changes.any(|(at, change)| {
                (at, change.epoch) == (offset, epoch) && client.holds(&change.previous)
            }),
        }
    }
}

/// Whether control changed for this cause.
pub fn changed_by(event: &Event, cause: ControlCause) -> bool {
    control_change(event).is_some_and(|change| change.cause == cause)
}

pub const fn control_change(event: &Event) -> Option<&ControlChange> {
    match &event.body {
        EventBody::ControlChanged(change) => Some(change),
        _ => None,
    }
}

impl PartialEq for Log {
    fn eq(&self, other: &Self) -> bool {
        (self.head(), self.0.digest) == (other.head(), other.0.digest)
    }
}

impl Eq for Log {}

impl Hash for Log {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.digest.hash(state);
    }
}

impl Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut events: Vec<_> = self.events().map(|(_, event)| event).collect();
        events.reverse();
        events.fmt(f)
    }
}
