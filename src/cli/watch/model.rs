//! An operator's desk: what is on it, and what each key, command and piece of news makes of it.
//! Knows no terminal, no socket and no clock.
//!
//! Whatever must be asked of the engine is an [`Action`]; how it went comes back as an
//! [`Outcome`].

mod conversation;
mod keys;

use serde::Deserialize;
use vigie_client::{CallError, ClientEvent};
use vigie_protocol::card::{Card, Show, Sort, Totals, Window};
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::{Author, Control, Holder, Millis, Offset};
use vigie_protocol::id::{OperatorId, SessionId, SiteId};
use vigie_protocol::method::{Done, Identity, Rank, Subscribed, Watching};
use vigie_protocol::push::Live;

use crate::cli::editor::Editor;
use crate::cli::text::{duration, one_line};
use crate::core::live::Place;
pub(super) use conversation::Conversation;
use conversation::Typist;
pub(super) use keys::HELP;

/// How many cards the window holds; the totals tell of the rest.
const CARDS_MAX: u32 = 200;

/// How many of a session's latest events are fetched when it is opened.
const OPEN_EVENTS: Offset = 500;

/// An operator at work.
#[derive(Debug)]
pub(super) struct Desk {
    /// What the engine's clock shows; set before anything else is told to the desk.
    pub(super) now: Millis,
    pub(super) link: Link,
    /// The server does not hear the rest of its cluster.
    pub(super) degraded: bool,
    pub(super) me: Option<Me>,
    pub(super) window: Window,
    /// The window's cards in its order; `None` until the first snapshot.
    pub(super) cards: Option<Vec<Card>>,
    pub(super) totals: Totals,
    pub(super) selected: Option<SessionId>,
    pub(super) open: Option<Conversation>,
    pub(super) mode: Mode,
    pub(super) editor: Editor,
    pub(super) notice: Option<Notice>,
    /// When the visitor was last told that we type.
    typed: Millis,
    /// `q` was pressed while sessions are held.
    leaving: bool,
}

/// Whether a connection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Link {
    Connecting,
    Online,
    /// Why not.
    Offline(String),
}

/// Who works here.
#[derive(Debug, Clone)]
pub(super) struct Me {
    pub(super) site: SiteId,
    pub(super) id: OperatorId,
    pub(super) name: String,
    pub(super) rank: Rank,
}

/// What the keys are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Choosing and commanding.
    List,
    /// Writing to the visitor.
    Write,
    /// Writing a note.
    Note,
    /// Writing what to search for.
    Search,
    /// Writing why control is taken from another operator.
    Reason,
    /// The visitor has said this many more messages: send all the same?
    Unseen(u64),
    /// Reading what the keys do.
    Help,
}

/// A word to the operator, until the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Notice {
    Info(String),
    Problem(String),
}

/// Something to ask of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Watch(Window),
    Open { session: SessionId, offset: Offset },
    Leave(SessionId),
    TakeOver { session: SessionId, reason: Option<String> },
    Release(SessionId),
    Say { session: SessionId, text: String, seen: Offset },
    Note { session: SessionId, text: String },
    Typing(SessionId),
    Quit,
}

/// How an action went.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) action: Action,
    pub(super) result: Result<Answer, CallError>,
}

/// What the engine answers to an action.
#[derive(Debug)]
pub(super) enum Answer {
    /// The conversation is open.
    Open(Box<Subscribed>),
    /// It is in the log.
    Done(Done),
    /// Nothing but that it is so.
    Nothing,
}

/// Who answers a session, as this operator sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InControl<'a> {
    Bot,
    Me,
    Other(&'a str),
}

/// What a refusal for want of control tells.
#[derive(Deserialize)]
struct HeldBy {
    holder: Holder,
    since: Millis,
}

/// What a refusal of a message that was written blindly tells.
#[derive(Deserialize)]
struct Unseen {
    unseen: u64,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self {
            now: 0,
            link: Link::Connecting,
            degraded: false,
            me: None,
            window: Window { sort: Sort::Waiting, first: CARDS_MAX, ..Window::default() },
            cards: None,
            totals: Totals::default(),
            selected: None,
            open: None,
            mode: Mode::List,
            editor: Editor::default(),
            notice: None,
            typed: 0,
            leaving: false,
        }
    }

    /// What to ask of the engine first.
    pub(super) fn begin(&self) -> Vec<Action> {
        vec![Action::Watch(self.window.clone())]
    }

    /// Takes in what the client tells.
    pub(super) fn hear(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::Connected(identity) => self.connected(identity),
            ClientEvent::Disconnected(error) => {
                self.degraded = false;
                let reason = error.closed().map(|closed| closed.reason.clone());
                self.link = Link::Offline(reason.unwrap_or_else(|| error.to_string()));
            }
            ClientEvent::Snapshot(watching) => self.snapshot(watching),
            ClientEvent::Live(live) => self.change(live),
            ClientEvent::Event { session, event } => {
                let by_me = self.is_me(&event.author);
                if let Some(open) = self.opened(session) {
                    open.happened(event);
                    self.check_control(by_me);
                }
            }
            ClientEvent::Typing(signal) => {
                let now = self.now;
                if let Some(open) = self.opened(signal.session) {
                    open.typing = Typist::of(signal, now);
                }
            }
            ClientEvent::Draft(signal) => {
                if let Some(open) = self.opened(signal.session) {
                    open.draft = Some(signal.text);
                }
            }
            ClientEvent::Restarted { session } => {
                if let Some(open) = self.opened(session) {
                    open.begin_anew();
                }
            }
            ClientEvent::Resync => self.begin_anew(),
            ClientEvent::Renewed(subscribed) => {
                if let Some(open) = self.opened(subscribed.session) {
                    open.subscribed(subscribed);
                    self.check_control(false);
                }
            }
            ClientEvent::Status(status) => self.degraded = status.degraded,
            ClientEvent::Unfollowed { session, error } if self.opened(session).is_some() => {
                self.shut();
                self.problem(format!("This conversation cannot be followed: {error}"));
            }
            _ => {}
        }
    }

    /// Takes in how an action went.
    pub(super) fn learn(&mut self, outcome: Outcome) {
        let Outcome { action, result } = outcome;
        match (action, result) {
            (Action::Open { session, .. }, Ok(Answer::Open(subscribed))) => {
                if let Some(open) = self.opened(session) {
                    open.subscribed(*subscribed);
                }
            }
            (Action::Open { session, .. }, Err(error)) => {
                if self.opened(session).is_some() {
                    self.shut();
                }
                self.problem(format!("Cannot be opened: {error}"));
            }
            (Action::TakeOver { session, .. }, Ok(answer)) => self.taken(session, &answer),
            (Action::TakeOver { .. }, Err(error)) => self.not_taken(&error),
            (Action::Release(_), Ok(_)) => self.info("Handed back to the bot."),
            (Action::Say { session, .. }, Ok(_)) => self.not_pending(session),
            (Action::Say { session, text, .. }, Err(error)) => {
                self.not_pending(session);
                self.not_said(session, text, &error);
            }
            (Action::Note { .. }, Ok(_)) => self.info("Noted. Only operators see it."),
            (Action::Note { text, .. }, Err(error)) => {
                self.problem(format!("Not noted ({error}): {}", one_line(&text)));
            }
            (_, Err(error)) => self.problem(error.to_string()),
            (_, Ok(_)) => {}
        }
    }

    /// Moves the selection by so many cards.
    pub(super) fn select(&mut self, by: isize) {
        let cards = self.cards.as_deref().unwrap_or_default();
        let Some(last) = cards.len().checked_sub(1) else { return };
        let at = self.selected_at().map_or(0, |at| at.saturating_add_signed(by).min(last));
        self.selected = cards.get(at).map(|card| card.session);
    }

    /// Where the selected card stands.
    pub(super) fn selected_at(&self) -> Option<usize> {
        let selected = self.selected?;
        self.cards.as_ref()?.iter().position(|card| card.session == selected)
    }

    /// Observes a session; nobody is told.
    pub(super) fn observe(&mut self, session: SessionId) -> Vec<Action> {
        self.selected = Some(session);
        if self.opened(session).is_some() {
            return vec![];
        }
        let head = self.card(session).map_or(0, |card| card.offset);
        let offset = head.saturating_sub(OPEN_EVENTS);
        let mut actions = self.shut();
        self.open = Some(Conversation::new(session, offset));
        actions.push(Action::Open { session, offset });
        actions
    }

    /// Stops observing.
    pub(super) fn shut(&mut self) -> Vec<Action> {
        self.mode = Mode::List;
        self.editor.take();
        self.open.take().map(|open| Action::Leave(open.session)).into_iter().collect()
    }

    /// Takes control of a session, and opens it.
    pub(super) fn take_over(&mut self, session: SessionId, reason: Option<String>) -> Vec<Action> {
        let mut actions = self.observe(session);
        actions.push(Action::TakeOver { session, reason });
        actions
    }

    /// Hands the open session back to the bot.
    pub(super) fn release(&mut self) -> Vec<Action> {
        match &self.open {
            Some(open) => vec![Action::Release(open.session)],
            None => self.nothing_open(),
        }
    }

    /// Says something in the open session, written against what had been seen of it.
    pub(super) fn say(&mut self, text: String) -> Vec<Action> {
        let Some(open) = &mut self.open else { return self.nothing_open() };
        let (session, seen) = (open.session, open.seen);
        open.pending = Some(text.clone());
        vec![Action::Say { session, text, seen }]
    }

    /// Writes a note on the open session.
    pub(super) fn note(&mut self, text: String) -> Vec<Action> {
        match &self.open {
            Some(open) => vec![Action::Note { session: open.session, text }],
            None => self.nothing_open(),
        }
    }

    /// Watches other sessions.
    pub(super) fn show(&mut self, show: Show) -> Vec<Action> {
        self.window.show = show;
        vec![Action::Watch(self.window.clone())]
    }

    /// Watches the sessions in which these words occur; all if there are none.
    pub(super) fn search(&mut self, words: &str) -> Vec<Action> {
        let words = words.trim();
        self.window.search = (!words.is_empty()).then(|| words.to_owned());
        vec![Action::Watch(self.window.clone())]
    }

    /// A session's card, if it is in the window or open.
    pub(super) fn card(&self, session: SessionId) -> Option<&Card> {
        let listed = self.cards.iter().flatten().find(|card| card.session == session);
        let open = self.open.as_ref().filter(|open| open.session == session);
        listed.or_else(|| open.and_then(|open| open.card.as_ref()))
    }

    /// Who answers.
    pub(super) fn in_control<'a>(&self, holder: &'a Holder) -> InControl<'a> {
        match (holder, &self.me) {
            (Holder::Bot {}, _) => InControl::Bot,
            (Holder::Operator { id: Some(id), .. }, Some(me)) if *id == me.id => InControl::Me,
            (Holder::Operator { name, .. }, _) => InControl::Other(name),
        }
    }

    /// Whether this operator answers the open session.
    pub(super) fn controls_open(&self) -> bool {
        let control = self.open.as_ref().and_then(|open| open.control.as_ref());
        control.is_some_and(|control| self.in_control(&control.holder) == InControl::Me)
    }

    pub(super) fn info(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice::Info(text.into()));
    }

    pub(super) fn problem(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice::Problem(text.into()));
    }

    fn nothing_open(&mut self) -> Vec<Action> {
        self.problem("Open a conversation first.");
        vec![]
    }

    fn opened(&mut self, session: SessionId) -> Option<&mut Conversation> {
        self.open.as_mut().filter(|open| open.session == session)
    }

    fn is_me(&self, author: &Author) -> bool {
        let Author::Operator { id: Some(id), .. } = author else { return false };
        self.me.as_ref().is_some_and(|me| me.id == *id)
    }

    /// Whoever has lost control of the open session stops writing, and is told if it was not
    /// their own doing.
    fn check_control(&mut self, by_me: bool) {
        if !matches!(self.mode, Mode::Write | Mode::Unseen(_)) || self.controls_open() {
            return;
        }
        // While a log comes anew, who is in control now is not known yet.
        if self.open.as_ref().is_some_and(|open| open.head.is_none()) {
            return;
        }
        self.stop_writing();
        if by_me {
            return;
        }
        let control = self.open.as_ref().and_then(|open| open.control.as_ref());
        let now = match control.map(|control| self.in_control(&control.holder)) {
            Some(InControl::Other(name)) => format!("{} is in control now.", one_line(name)),
            _ => "The bot is in control now.".to_owned(),
        };
        self.problem(now);
    }

    fn not_pending(&mut self, session: SessionId) {
        if let Some(open) = self.opened(session) {
            open.pending = None;
        }
    }

    fn connected(&mut self, identity: Identity) {
        self.link = Link::Online;
        if let Identity::Operator { site, id, name, rank, .. } = identity {
            self.me = Some(Me { site, id, name, rank });
        }
    }

    /// The server has lost what came last: what it has comes anew. What is being written stays.
    fn begin_anew(&mut self) {
        self.cards = None;
        if let Some(open) = &mut self.open {
            open.begin_anew();
        }
        self.problem("The server has lost what came last. What is shown now is what it has.");
    }

    fn snapshot(&mut self, watching: Watching) {
        let at = self.selected_at();
        self.cards = Some(watching.cards);
        self.totals = watching.totals;
        self.arrange(at);
    }

    fn change(&mut self, live: Live) {
        let at = self.selected_at();
        let cards = self.cards.get_or_insert_default();
        cards.retain(|card| {
            !live.remove.contains(&card.session)
                && !live.upsert.iter().any(|changed| changed.session == card.session)
        });
        cards.extend(live.upsert);
        self.totals = live.totals;
        self.arrange(at);
    }

    /// Puts the cards in order; when the selected one is gone, the one in its place is selected.
    fn arrange(&mut self, selected_before: Option<usize>) {
        let sort = self.window.sort;
        let Some(cards) = &mut self.cards else { return };
        cards.sort_by_key(|card| Place::of(sort, card));
        if !cards.iter().any(|card| Some(card.session) == self.selected) {
            let at = selected_before.unwrap_or(0).min(cards.len().saturating_sub(1));
            self.selected = cards.get(at).map(|card| card.session);
        }
    }

    fn taken(&mut self, session: SessionId, answer: &Answer) {
        self.info("You are in control. The bot is silent.");
        let mine = self
            .me
            .as_ref()
            .map(|me| Holder::Operator { id: Some(me.id.clone()), name: me.name.clone() });
        let since = self.now;
        let Some(open) = self.opened(session) else { return };
        // The event that says so may still be on its way, behind older ones.
        if let (Some(holder), Answer::Done(done)) = (mine, answer) {
            let control = Control { epoch: done.epoch, holder, since };
            open.control = Some(newer(open.control.take(), control));
        }
        if self.mode == Mode::List && self.controls_open() {
            self.write_on();
        }
    }

    fn not_taken(&mut self, error: &CallError) {
        let Some(held) = detail::<HeldBy>(error, ErrorCode::Held) else {
            return self.problem(format!("Not taken over: {error}"));
        };
        let Holder::Operator { name, .. } = held.holder else {
            return self.problem(format!("Not taken over: {error}"));
        };
        let since = duration(self.now.saturating_sub(held.since));
        let may_force = self.me.as_ref().is_some_and(|me| me.rank >= Rank::Supervisor);
        let hint = if may_force { " You may take it by force, with a reason." } else { "" };
        let name = one_line(&name);
        self.problem(format!("{name} was faster: in control for {since}.{hint}"));
    }

    fn not_said(&mut self, session: SessionId, text: String, error: &CallError) {
        let here = self.opened(session).is_some();
        let free = matches!(self.mode, Mode::List | Mode::Write) && self.editor.is_blank();
        if !here || !free {
            self.problem(format!("Not sent ({error}): {}", one_line(&text)));
            return;
        }
        self.editor.set(text);
        match detail::<Unseen>(error, ErrorCode::Unseen) {
            Some(Unseen { unseen }) => self.mode = Mode::Unseen(unseen),
            None => {
                self.stop_writing();
                self.problem(format!("Not sent: {error}"));
            }
        }
    }
}

/// What a refusal with this code tells.
fn detail<T: for<'de> Deserialize<'de>>(error: &CallError, code: ErrorCode) -> Option<T> {
    let refusal: &RpcError = error.refusal().filter(|refusal| refusal.code == code)?;
    T::deserialize(refusal.data.as_ref()?).ok()
}

/// The newer of two states of control.
fn newer(one: Option<Control>, other: Control) -> Control {
    match one {
        Some(one) if one.epoch > other.epoch => one,
        _ => other,
    }
}

#[cfg(test)]
pub(super) mod tests;
