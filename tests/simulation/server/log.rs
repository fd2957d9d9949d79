//! The log of every session, with its fence.

use std::collections::BTreeMap;
use std::sync::Arc;

use vigie::core::end::LogEnd;
use vigie::core::session::Session;
use vigie::core::site::SiteSettings;
use vigie_protocol::event::{Event, EventBody, Offset};
use vigie_protocol::id::{SessionId, VisitorId};

use crate::world::Time;

/// The log of every session.
#[derive(Debug)]
pub struct Log {
    settings: Arc<SiteSettings>,
    pub sessions: BTreeMap<SessionId, Stored>,
    /// Appends wherever a log ends.
    pub unfenced: bool,
}

/// One session's log, and what was true of it at each moment.
#[derive(Debug)]
pub struct Stored {
    pub visitor: VisitorId,
    pub ordinal: u32,
    pub events: Vec<Event>,
    /// By which append each event came.
    ids: Vec<u64>,
    /// What the first so many events make of the session.
    pub folds: Vec<Session>,
    /// Since when the log has so many events.
    grown: Vec<(Time, Offset)>,
}

/// What became of an append.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// These were appended.
    Made(Vec<Event>),
    /// They had been before: the answer was lost.
    MadeBefore,
    Conflict,
    /// They do not begin where the log ends, or start no session.
    Refused(String),
}

impl Log {
    pub fn new(settings: Arc<SiteSettings>, unfenced: bool) -> Self {
        Self { settings, sessions: BTreeMap::new(), unfenced }
    }

    pub const fn settings(&self) -> &Arc<SiteSettings> {
        &self.settings
    }

    pub fn append(
        &mut self,
        (session, id): (SessionId, u64),
        expected: Offset,
        mut events: Vec<Event>,
        now: Time,
    ) -> Verdict {
        let head = self.head(session);
        if self.unfenced {
            for (event, offset) in events.iter_mut().zip(head + 1..) {
                event.offset = offset;
            }
        } else if expected < head {
            let made = self.sessions.get(&session).is_some_and(|s| s.ids[expected as usize] == id);
            return if made { Verdict::MadeBefore } else { Verdict::Conflict };
        } else if expected > head {
            return Verdict::Refused(format!("{expected} is beyond the log's end at {head}"));
        }
        let stored = match (self.sessions.get_mut(&session), events.first().map(|e| &e.body)) {
            (Some(stored), _) => stored,
            (None, Some(EventBody::SessionStarted { visitor, ordinal, .. })) => {
                let fold = Session::new(session, Arc::clone(&self.settings));
                self.sessions.entry(session).or_insert(Stored {
                    visitor: *visitor,
                    ordinal: *ordinal,
                    events: Vec::new(),
                    ids: Vec::new(),
                    folds: vec![fold],
                    grown: vec![(0, 0)],
                })
            }
            (None, _) => return Verdict::Refused("a session starts with its start".into()),
        };
        for event in &events {
            if event.offset != stored.head() + 1 {
                return Verdict::Refused(format!("offset {} after {head}", event.offset));
            }
            stored.push(event.clone(), id);
        }
        stored.grown.push((now, stored.head()));
        Verdict::Made(events)
    }

    /// Which event stands at an offset.
    pub fn end(&self, session: SessionId, offset: Offset) -> LogEnd {
        let last =
            self.sessions.get(&session).and_then(|s| s.events.get(offset.checked_sub(1)? as usize));
        last.map_or_else(LogEnd::default, LogEnd::of)
    }

    pub fn head(&self, session: SessionId) -> Offset {
        self.sessions.get(&session).map_or(0, Stored::head)
    }

    /// The events after an offset; none if there is no such session.
    pub fn read(&self, session: SessionId, after: Offset) -> Option<Vec<Event>> {
        let stored = self.sessions.get(&session)?;
        Some(stored.events.iter().skip(after as usize).cloned().collect())
    }

    /// A visitor's latest session: its number, and whether it is closed.
    pub fn latest(&self, visitor: VisitorId) -> Option<(u32, bool)> {
        let own = self.sessions.values().filter(|stored| stored.visitor == visitor);
        own.max_by_key(|stored| stored.ordinal).map(|s| (s.ordinal, s.now().closed()))
    }
}

impl Stored {
    fn push(&mut self, event: Event, id: u64) {
        let mut fold = self.now().clone();
        fold.apply(&event);
        self.folds.push(fold);
        self.events.push(event);
        self.ids.push(id);
    }

    pub const fn head(&self) -> Offset {
        self.events.len() as Offset
    }

    /// What the whole log makes of the session.
    pub fn now(&self) -> &Session {
        &self.folds[self.events.len()]
    }

    /// How long the log was at a moment.
    pub fn head_at(&self, time: Time) -> Offset {
        self.grown.iter().rev().find(|(at, _)| *at < time).map_or(0, |(_, head)| *head)
    }
}
