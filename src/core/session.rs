//! The fold: a session is what its log's events make of it.
//!
//! The same events make the same session on every node, so whatever is decided on a session at
//! offset *n* holds if the append at *n* succeeds.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use vigie_protocol::card::{BotState, Card, LastMessage, Speaker};
use vigie_protocol::event::{
    Author, BotFailure, ChatMessage, Control, ControlChange, CustomData, Epoch, Event, EventBody,
    Holder, Millis, Offset, Page, Rating, VisitorContext,
};
use vigie_protocol::id::{Key, OperatorId, SessionId, VisitorId};
use vigie_protocol::method::Done;

use crate::core::end::LogEnd;
use crate::core::site::SiteSettings;
use crate::core::view::{Audience, sees};

/// The most events that one session's log takes, but for the last ones that end it.
pub const SESSION_EVENTS_MAX: Offset = 100_000;

/// How many messages and changes of control a session keeps at hand for bots.
pub const TRANSCRIPT_EVENTS_MAX: usize = 50;

/// How many bytes of text they may hold together; the latest is always kept.
pub const TRANSCRIPT_BYTES_MAX: usize = 32 * 1024;

/// How many characters of a message its card shows.
pub const PREVIEW_CHARS_MAX: usize = 120;

/// How many bytes of an address or title its card shows.
pub const CARD_LINE_BYTES_MAX: usize = 256;

/// One session, as far as its log has been folded.
#[derive(Debug, Clone)]
pub struct Session {
    id: SessionId,
    settings: Arc<SiteSettings>,
    /// The last event that was folded.
    end: LogEnd,
    /// When the last event happened.
    latest: Millis,
    /// The last offset that each audience sees.
    seen_by: [Offset; Audience::ALL.len()],
    visitor: Option<VisitorId>,
    ordinal: u32,
    started: Millis,
    context: VisitorContext,
    /// What the site's page tells of its visitor.
    data: CustomData,
    /// Whether the visitor is there, as the log has it.
    present: bool,
    closed: bool,
    control: Control,
    waiting: Option<Millis>,
    messages: u64,
    /// How many of them the visitor said.
    questions: u64,
    last: Option<Box<LastMessage>>,
    /// The visitor's last message; 0 before the first.
    asked: Offset,
    /// Whether the visitor spoke last, so that somebody owes an answer.
    unanswered: Option<Offset>,
    turn: Option<Offset>,
    failure: Option<BotFailure>,
    /// The last answered turn: which, where, and a digest of the answer.
    answered: Option<(Offset, Said)>,
    said: BTreeMap<(Scope, Key), Said>,
    /// The visitor's latest rating, and how its request was answered.
    rated: Option<Box<(Rating, Done)>>,
    ratings: u32,
    transcript: VecDeque<Arc<Event>>,
    transcript_bytes: usize,
}

/// Whose keys are told apart: one author's keys mean nothing to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    Visitor,
    Operator(Option<OperatorId>),
}

/// What a key names: a note must not pass for a message that the visitor has read.
#[derive(Debug, Clone, Copy, Hash)]
pub(super) enum Saying {
    Message,
    Note,
}

/// How a key's message was answered, and a digest to tell a retry from a reuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) done: Done,
    pub(super) digest: u64,
}

impl Session {
    /// A session before its first event.
    pub fn new(id: SessionId, settings: Arc<SiteSettings>) -> Self {
        Self {
            id,
            settings,
            end: LogEnd::default(),
            latest: 0,
            seen_by: Default::default(),
            visitor: None,
            ordinal: 0,
            started: 0,
            context: VisitorContext::default(),
            data: CustomData::new(),
            present: false,
            closed: false,
            control: Control { epoch: 1, holder: Holder::Bot {}, since: 0 },
            waiting: None,
            messages: 0,
            questions: 0,
            last: None,
            asked: 0,
            unanswered: None,
            turn: None,
            failure: None,
            answered: None,
            said: BTreeMap::new(),
            rated: None,
            ratings: 0,
            transcript: VecDeque::new(),
            transcript_bytes: 0,
        }
    }

    /// Folds the next event. Never fails: an event in the log has happened.
    ///
    /// The caller sees to the order; an event out of turn is a fault of the caller's.
    pub fn apply(&mut self, event: &Event) {
        debug_assert_eq!(
            event.offset,
            self.end.offset + 1,
            "events are folded in order, without gap"
        );
        self.end = LogEnd::of(event);
        self.latest = self.latest.max(event.time);
        for audience in Audience::ALL {
            if sees(audience, &event.body) {
                self.seen_by[audience as usize] = event.offset;
            }
        }
        match &event.body {
            EventBody::SessionStarted { visitor, ordinal, context } => {
                self.visitor = Some(*visitor);
                self.ordinal = *ordinal;
                self.started = event.time;
                self.control.since = event.time;
                self.context = context.clone();
                self.present = true;
            }
            EventBody::VisitorReturned { context } => {
                self.context = context.clone();
                self.present = true;
            }
            EventBody::VisitorLeft {} => self.present = false,
            EventBody::PageViewed { page } => self.context.page = Some(page.clone()),
            EventBody::Message(message) => self.apply_message(event, message),
            EventBody::Note { text, key } => {
                self.remember_key(event, Saying::Note, key.as_ref(), text);
            }
            EventBody::HumanRequested {} => {
                self.waiting.get_or_insert(event.time);
            }
            EventBody::ControlChanged(change) => self.apply_control(event, change),
            EventBody::BotFailed { reason, .. } => {
                self.turn = None;
                self.failure = Some(*reason);
            }
            EventBody::SessionClosed { .. } => {
                self.closed = true;
                self.turn = None;
                self.waiting = None;
            }
            EventBody::DataChanged { data } => self.data = data.clone(),
            EventBody::SessionRated(rating) => {
                let done = Done { offset: event.offset, epoch: self.epoch() };
                self.rated = Some(Box::new((rating.clone(), done)));
                self.ratings += 1;
            }
            EventBody::Unknown(_) => {}
        }
    }

    fn apply_message(&mut self, event: &Event, message: &ChatMessage) {
        let from = match event.author {
            Author::Visitor {} => Speaker::Visitor,
            Author::Operator { .. } => Speaker::Operator,
            Author::Bot { .. } | Author::System {} | Author::Unknown => Speaker::Bot,
        };
        self.messages += 1;
        self.last = Some(Box::new(LastMessage {
            from,
            text: preview(&message.text),
            time: event.time,
            offset: event.offset,
        }));
        self.remember_key(event, Saying::Message, message.key.as_ref(), &message.text);
        self.remember_event(event);
        match from {
            Speaker::Visitor => {
                self.questions += 1;
                self.asked = event.offset;
                self.unanswered = Some(event.offset);
                self.turn = (!self.held()).then_some(event.offset);
                self.failure = None;
            }
            Speaker::Operator => self.unanswered = None,
            Speaker::Bot => {
                self.unanswered = None;
                self.turn = None;
                self.failure = None;
                if let Some(turn) = message.turn {
                    let said = self.said_at(event, Saying::Message, &message.text);
                    self.answered = Some((turn, said));
                }
            }
        }
    }

    fn apply_control(&mut self, event: &Event, change: &ControlChange) {
        self.control =
            Control { epoch: change.epoch, holder: change.holder.clone(), since: event.time };
        self.failure = None;
        if self.held() {
            self.turn = None;
            self.waiting = None;
        } else {
            // Handed back with the visitor's last word unanswered: the bot owes the answer now.
            self.turn = self.unanswered;
        }
        self.remember_event(event);
    }

    fn remember_key(&mut self, event: &Event, saying: Saying, key: Option<&Key>, text: &str) {
        let scope = match &event.author {
            Author::Visitor {} => Scope::Visitor,
            Author::Operator { id, .. } => Scope::Operator(id.clone()),
            Author::Bot { .. } | Author::System {} | Author::Unknown => return,
        };
        if let Some(key) = key {
            self.said.insert((scope, key.clone()), self.said_at(event, saying, text));
        }
    }

    fn said_at(&self, event: &Event, saying: Saying, text: &str) -> Said {
        let done = Done { offset: event.offset, epoch: self.epoch() };
        Said { done, digest: digest(saying, text) }
    }

    fn remember_event(&mut self, event: &Event) {
        self.transcript.push_back(Arc::new(event.clone()));
        self.transcript_bytes += text_bytes(event);
        while self.transcript.len() > TRANSCRIPT_EVENTS_MAX
            || (self.transcript_bytes > TRANSCRIPT_BYTES_MAX && self.transcript.len() > 1)
        {
            if let Some(oldest) = self.transcript.pop_front() {
                self.transcript_bytes -= text_bytes(&oldest);
            }
        }
    }

    /// Which session it is.
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// The site's settings, as this session was folded under.
    pub fn settings(&self) -> &SiteSettings {
        &self.settings
    }

    /// The last folded offset; 0 before the first event.
    pub const fn head(&self) -> Offset {
        self.end.offset
    }

    /// The last event that was folded.
    pub const fn end(&self) -> LogEnd {
        self.end
    }

    /// When the last event happened; 0 before the first.
    pub const fn latest(&self) -> Millis {
        self.latest
    }

    /// The last folded offset that an audience sees.
    pub const fn head_for(&self, audience: Audience) -> Offset {
        self.seen_by[audience as usize]
    }

    /// Whose session it is; `None` before its first event.
    pub const fn visitor(&self) -> Option<VisitorId> {
        self.visitor
    }

    /// Which of the visitor's sessions it is; 0 before its first event.
    pub const fn ordinal(&self) -> u32 {
        self.ordinal
    }

    /// From where the visitor comes, and on what device.
    pub const fn context(&self) -> &VisitorContext {
        &self.context
    }

    /// What the site's page tells of its visitor.
    pub const fn data(&self) -> &CustomData {
        &self.data
    }

    /// The visitor's latest rating.
    pub fn rating(&self) -> Option<&Rating> {
        self.rated().map(|(rating, _)| rating)
    }

    /// The visitor's latest rating, and how its request was answered.
    pub(super) fn rated(&self) -> Option<&(Rating, Done)> {
        self.rated.as_deref()
    }

    /// How often the visitor has rated the session.
    pub const fn ratings(&self) -> u32 {
        self.ratings
    }

    /// How many messages were said, by anyone.
    pub const fn messages(&self) -> u64 {
        self.messages
    }

    /// The last message, cut short.
    pub fn last(&self) -> Option<&LastMessage> {
        self.last.as_deref()
    }

    /// Whether the visitor is there, as the log has it.
    pub const fn present(&self) -> bool {
        self.present
    }

    /// Whether nothing more is appended.
    pub const fn closed(&self) -> bool {
        self.closed
    }

    /// Who answers.
    pub const fn control(&self) -> &Control {
        &self.control
    }

    /// Whether an operator is in control.
    pub const fn held(&self) -> bool {
        matches!(self.control.holder, Holder::Operator { .. })
    }

    /// The operator in control.
    pub const fn holder(&self) -> Option<&OperatorId> {
        match &self.control.holder {
            Holder::Operator { id, .. } => id.as_ref(),
            Holder::Bot {} => None,
        }
    }

    /// The turn that the bot owes an answer to: the offset of the visitor's last message.
    pub const fn turn(&self) -> Option<Offset> {
        self.turn
    }

    /// Since when the visitor waits for a human.
    pub const fn waiting(&self) -> Option<Millis> {
        self.waiting
    }

    /// Why the last turn was not answered.
    pub const fn failure(&self) -> Option<BotFailure> {
        self.failure
    }

    /// The current epoch.
    pub const fn epoch(&self) -> Epoch {
        self.control.epoch
    }

    pub(super) fn said(&self, scope: Scope, key: &Key) -> Option<Said> {
        self.said.get(&(scope, key.clone())).copied()
    }

    /// The answer to a turn, if it is the last that was answered.
    pub(super) fn answer_to(&self, turn: Offset) -> Option<Said> {
        self.answered.filter(|(answered, _)| *answered == turn).map(|(_, said)| said)
    }

    pub(super) const fn asked(&self) -> Offset {
        self.asked
    }

    /// How many messages the visitor has said after an offset, as far as they are at hand; at
    /// least one if there is any.
    pub fn said_by_visitor_after(&self, offset: Offset) -> usize {
        if self.asked <= offset {
            return 0;
        }
        let at_hand = self
            .transcript
            .iter()
            .rev()
            .take_while(|event| event.offset > offset)
            .filter(|event| {
                matches!((&event.author, &event.body), (Author::Visitor {}, EventBody::Message(_)))
            });
        at_hand.count().max(1)
    }

    /// The latest messages and changes of control, oldest first.
    pub fn transcript(&self) -> impl DoubleEndedIterator<Item = &Arc<Event>> {
        self.transcript.iter()
    }

    /// What a human did, from taking control to handing it back, and whether its beginning is no
    /// longer at hand.
    pub fn human_stretch(&self) -> (Vec<Arc<Event>>, bool) {
        let held = |holder: &Holder| matches!(holder, Holder::Operator { .. });
        let mut stretch = VecDeque::new();
        let mut inside = false;
        for event in self.transcript.iter().rev() {
            if let EventBody::ControlChanged(change) = &event.body {
                inside |= held(&change.previous);
                if !held(&change.previous) {
                    stretch.push_front(Arc::clone(event));
                    return (stretch.into(), false);
                }
            }
            if inside {
                stretch.push_front(Arc::clone(event));
            }
        }
        (stretch.into(), true)
    }

    /// The session's summary for the live list.
    pub fn card(&self, online: bool) -> Option<Card> {
        let context = &self.context;
        Some(Card {
            session: self.id,
            visitor: self.visitor?,
            ordinal: self.ordinal,
            started: self.started,
            country: context.country.clone(),
            device: context.device,
            browser: context.browser.clone(),
            os: context.os.clone(),
            language: context.language.clone(),
            referrer: context.referrer.as_deref().map(cut),
            page: context
                .page
                .as_ref()
                .map(|page| Page { url: cut(&page.url), title: page.title.as_deref().map(cut) }),
            messages: self.messages,
            asked: self.questions,
            last: self.last.as_deref().cloned(),
            control: self.control.clone(),
            waiting: self.waiting,
            bot: match (self.turn, self.failure) {
                (Some(_), _) => BotState::Answering,
                (None, Some(_)) => BotState::Failed,
                (None, None) => BotState::Idle,
            },
            online,
            offset: self.end.offset,
        })
    }
}

/// Tells a retry from a reuse of its key; never leaves the process.
pub(super) fn digest(saying: Saying, text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (saying, text).hash(&mut hasher);
    hasher.finish()
}

fn cut(line: &str) -> String {
    line[..line.floor_char_boundary(CARD_LINE_BYTES_MAX)].to_owned()
}

fn preview(text: &str) -> String {
    text.chars().take(PREVIEW_CHARS_MAX).collect()
}

fn text_bytes(event: &Event) -> usize {
    match &event.body {
        EventBody::Message(message) => message.text.len(),
        _ => 0,
    }
}
