//! The conversation that an operator observes.

use std::collections::VecDeque;

use vigie_protocol::card::Card;
use vigie_protocol::event::{Author, Control, Event, EventBody, Millis, Offset};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::Subscribed;
use vigie_protocol::push::TypingSignal;

use super::newer;

/// How many events of a conversation are kept to be shown.
const EVENTS_MAX: usize = 2000;

/// How long somebody counts as typing.
const TYPING: Millis = 6_000;

/// One session, as far as it has come.
#[derive(Debug)]
pub(in crate::cli::watch) struct Conversation {
    pub(in crate::cli::watch) session: SessionId,
    pub(in crate::cli::watch) events: VecDeque<Event>,
    /// There are events before these.
    pub(in crate::cli::watch) has_earlier: bool,
    /// The last offset that is shown.
    pub(in crate::cli::watch) last: Offset,
    /// The last offset that was shown when the operator last wrote.
    pub(in crate::cli::watch) seen: Offset,
    /// The last event that there was when we began to follow; `None` until the engine says so.
    pub(in crate::cli::watch) head: Option<Offset>,
    pub(in crate::cli::watch) control: Option<Control>,
    /// As it was when we began to follow.
    pub(in crate::cli::watch) card: Option<Card>,
    pub(in crate::cli::watch) typing: Option<Typist>,
    /// The bot's answer so far.
    pub(in crate::cli::watch) draft: Option<String>,
    /// What this operator has begun to write.
    pub(in crate::cli::watch) unsent: String,
    /// What this operator has said and the engine has not acknowledged.
    pub(in crate::cli::watch) pending: Option<String>,
    pub(in crate::cli::watch) closed: bool,
    /// How many lines up from the end are looked at.
    pub(in crate::cli::watch) scroll: usize,
}

/// Somebody who types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli::watch) struct Typist {
    pub(in crate::cli::watch) author: Author,
    /// What they have typed, if that is told.
    pub(in crate::cli::watch) text: Option<String>,
    since: Millis,
}

impl Typist {
    /// Nobody, if the signal says that they stopped.
    pub(super) fn of(signal: TypingSignal, now: Millis) -> Option<Self> {
        let stopped = signal.text.as_ref().is_some_and(String::is_empty);
        (!stopped).then_some(Self { author: signal.author, text: signal.text, since: now })
    }

    /// Whether they still count as typing.
    pub(in crate::cli::watch) const fn is_typing(&self, now: Millis) -> bool {
        now < self.since + TYPING
    }
}

impl Conversation {
    pub(super) fn new(session: SessionId, after: Offset) -> Self {
        Self {
            session,
            events: VecDeque::new(),
            has_earlier: after > 0,
            last: after,
            seen: after,
            head: None,
            control: None,
            card: None,
            typing: None,
            draft: None,
            unsent: String::new(),
            pending: None,
            closed: false,
            scroll: 0,
        }
    }

    /// The log is another one, and comes from its first event. What the operator writes stays.
    pub(super) fn begin_anew(&mut self) {
        *self = Self {
            card: self.card.take(),
            unsent: std::mem::take(&mut self.unsent),
            pending: self.pending.take(),
            ..Self::new(self.session, 0)
        };
    }

    pub(super) fn subscribed(&mut self, subscribed: Subscribed) {
        self.head = Some(subscribed.offset);
        self.control = Some(newer(self.control.take(), subscribed.control));
        self.card = subscribed.card;
    }

    pub(super) fn happened(&mut self, event: Event) {
        self.last = event.offset;
        match &event.body {
            EventBody::Message(_) => {
                self.typing.take_if(|typing| same_side(&typing.author, &event.author));
                if matches!(event.author, Author::Bot { .. }) {
                    self.draft = None;
                }
            }
            EventBody::ControlChanged(change) => {
                let (epoch, holder) = (change.epoch, change.holder.clone());
                let control = Control { epoch, holder, since: event.time };
                self.control = Some(newer(self.control.take(), control));
                self.draft = None;
            }
            EventBody::BotFailed { .. } => self.draft = None,
            EventBody::SessionClosed { .. } => self.closed = true,
            _ => {}
        }
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
            self.has_earlier = true;
        }
        self.events.push_back(event);
    }

    /// The operator has read what is shown.
    pub(in crate::cli::watch) const fn look(&mut self) {
        self.seen = self.last;
    }

    /// Whether everything that there was when we began to follow is here.
    pub(in crate::cli::watch) fn is_caught_up(&self) -> bool {
        self.head.is_some_and(|head| head <= self.last)
    }

    /// When it began, as far as that is known.
    pub(in crate::cli::watch) fn started(&self) -> Millis {
        let card = self.card.as_ref().map(|card| card.started);
        card.or_else(|| self.events.front().map(|event| event.time)).unwrap_or_default()
    }
}

fn same_side(one: &Author, other: &Author) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}
