//! What a command appends, or why it is refused: the one place where the rules of a conversation
//! stand.
//!
//! `decide` sees a session at some offset; the log takes its events only at that offset. So every
//! rule here holds on the log itself, whoever else decides at the same time.

use serde_json::json;
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::{
    Author, BotFailure, ChatMessage, Choice, CloseCause, Control, ControlCause, ControlChange,
    CustomData, Epoch, Event, EventBody, Holder, Millis, Offset, Page, Rating, VisitorContext,
};
use vigie_protocol::id::{Key, OperatorId, VisitorId};
use vigie_protocol::method::{Done, Rank};
use vigie_protocol::{
    CHOICE_BYTES_MAX, CHOICES_MAX, DATA_ENTRIES_MAX, DATA_KEY_BYTES_MAX, DATA_VALUE_BYTES_MAX,
    LINE_BYTES_MAX, RATING_SCORE_MAX, RATINGS_MAX, TEXT_BYTES_MAX,
};

use crate::core::notice::notice;
use crate::core::session::{SESSION_EVENTS_MAX, Saying, Scope, Session, digest};
use crate::core::site::LeaseEnd;

/// Something that somebody wants to happen in a session.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// A connection of the visitor has opened.
    Arrive {
        /// Whose session it is.
        visitor: VisitorId,
        /// Which of the visitor's sessions.
        ordinal: u32,
        /// From where, on what.
        context: VisitorContext,
        /// What the site's page tells of them; if none, what it told before stays.
        data: Option<CustomData>,
    },
    /// The visitor's last connection has been gone for the grace time.
    Depart,
    /// The visitor opened a page.
    ViewPage(Page),
    /// The visitor says something.
    Ask {
        /// Names the message.
        key: Key,
        /// What they say.
        text: String,
    },
    /// The visitor asks for a human.
    RequestHuman,
    /// The site's page tells something of its visitor, in place of what it told before.
    SetData(CustomData),
    /// The visitor says how they were served.
    Rate(Rating),
    /// The visitor ends their session.
    End,
    /// An operator says something.
    Reply {
        /// Who.
        by: Operator,
        /// Names the message.
        key: Key,
        /// What they say.
        text: String,
        /// The last offset that they had seen.
        seen: Option<Offset>,
        /// Say it although the visitor has said more.
        confirm: bool,
    },
    /// An operator leaves a remark for the others.
    Note {
        /// Who.
        by: Operator,
        /// Names the note.
        key: Key,
        /// What it says.
        text: String,
    },
    /// The bot answers a turn.
    Answer {
        /// The bot's display name.
        name: String,
        /// The epoch that it was asked under.
        epoch: Epoch,
        /// Which turn.
        turn: Offset,
        /// What it says.
        text: String,
        /// Follow-ups.
        choices: Vec<Choice>,
    },
    /// The bot does not answer a turn.
    FailTurn {
        /// The epoch that it was asked under.
        epoch: Epoch,
        /// Which turn.
        turn: Offset,
        /// Why.
        reason: BotFailure,
        /// What it said of it.
        detail: Option<String>,
    },
    /// An operator takes control.
    TakeOver {
        /// Who.
        by: Operator,
        /// Also from another operator.
        force: bool,
        /// Why.
        reason: Option<String>,
    },
    /// The holder hands back to the bot.
    Release {
        /// Who.
        by: Operator,
    },
    /// The holder hands over to another operator.
    Transfer {
        /// Who.
        by: Operator,
        /// To whom.
        to: Operator,
        /// Why.
        reason: Option<String>,
    },
    /// A supervisor hands an operator's session back to the bot.
    Revoke {
        /// Who.
        by: Operator,
        /// Why.
        reason: String,
    },
    /// The holder's connections have been gone for the grace time.
    ExpireLease {
        /// Whose.
        operator: OperatorId,
        /// The epoch that the lease was on.
        epoch: Epoch,
    },
    /// The session ends.
    Close {
        /// The operator who closes it; the engine itself if none.
        by: Option<Operator>,
    },
}

/// An operator as the server knows them: never from what a client says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// The operator.
    pub id: OperatorId,
    /// The display name.
    pub name: String,
    /// What they may do.
    pub rank: Rank,
}

/// What to append, and what to answer once it is appended.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// At the session's next offsets; none if there is nothing to change.
    pub events: Vec<Event>,
    /// The answer to whoever asked.
    pub done: Done,
}

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No event has started this session.
    #[error("there is no such session")]
    Unknown,
    /// Nothing more is appended.
    #[error("the session is closed")]
    Closed,
    /// The log is at its bound.
    #[error("the session's log is full")]
    Full,
    /// The command itself is wrong.
    #[error("{0}")]
    Invalid(&'static str),
    /// The operator's rank does not allow it.
    #[error("only a supervisor or an admin may do that")]
    Forbidden,
    /// Another operator is in control.
    #[error("{} is in control", holder_name(.0))]
    Held(Control),
    /// Whoever asks is not in control.
    #[error("you are not in control; {} is", holder_name(.0))]
    NotInControl(Control),
    /// Control has changed since the bot was asked.
    #[error("control has changed since; the epoch is {0} now")]
    StaleEpoch(Epoch),
    /// The turn is not open any more.
    #[error("that turn is no longer open")]
    StaleTurn(Option<Offset>),
    /// The visitor has said more since.
    #[error("the visitor has said more since ({count}); read it, then confirm")]
    Unseen {
        /// The session's last offset.
        head: Offset,
        /// How many messages.
        count: usize,
    },
    /// The visitor has rated the session as often as they may.
    #[error("a session is rated at most {RATINGS_MAX} times")]
    RatedOut,
    /// The key names something else.
    #[error("that key was used before, for another text")]
    KeyReused(Offset),
}

/// Decides a command on a session as it stands.
///
/// # Errors
/// A [`Refusal`]; nothing is to be appended then.
pub fn decide(session: &Session, command: Command, now: Millis) -> Result<Decision, Refusal> {
    if session.head() == 0 && !matches!(command, Command::Arrive { .. }) {
        return Err(Refusal::Unknown);
    }
    if let Some(done) = already_done(session, &command)? {
        return Ok(Decision { events: vec![], done });
    }
    // How it was is often said only when it is over.
    if session.closed() && !matches!(command, Command::Rate(_)) {
        return Err(Refusal::Closed);
    }
    // Nodes' clocks differ; a log's time goes on.
    let now = now.max(session.latest());
    let mut append = Append { session, now, events: vec![], epoch: session.epoch() };
    match command {
        Command::Arrive { visitor, ordinal, context, data } => {
            append.arrive(visitor, ordinal, context, data)?;
        }
        Command::Depart => append.depart(),
        Command::ViewPage(page) => append.view_page(page)?,
        Command::Ask { key, text } => append.ask(key, text)?,
        Command::RequestHuman => append.request_human()?,
        Command::SetData(data) => {
            append.room()?;
            append.set_data(data)?;
        }
        Command::Rate(rating) => append.rate(rating)?,
        Command::End => {
            let cause = CloseCause::Visitor;
            append.push(Author::Visitor {}, EventBody::SessionClosed { cause });
        }
        Command::Reply { by, key, text, seen, confirm } => {
            append.reply(by, key, text, seen, confirm)?;
        }
        Command::Note { by, key, text } => append.note(by, key, text)?,
        Command::Answer { name, epoch, turn, text, choices } => {
            append.answer(name, epoch, turn, text, choices)?;
        }
        Command::FailTurn { epoch, turn, reason, detail } => {
            append.fail_turn(epoch, turn, reason, detail)?;
        }
        Command::TakeOver { by, force, reason } => append.take_over(by, force, reason)?,
        Command::Release { by } => append.release(by)?,
        Command::Transfer { by, to, reason } => append.transfer(by, to, reason)?,
        Command::Revoke { by, reason } => append.revoke(by, reason)?,
        Command::ExpireLease { operator, epoch } => append.expire_lease(operator, epoch),
        Command::Close { by } => append.close(by)?,
    }
    Ok(append.decision())
}

/// The answer to a command that was carried out before, under the same key or turn.
fn already_done(session: &Session, command: &Command) -> Result<Option<Done>, Refusal> {
    let by_operator = |by: &Operator, key| session.said(Scope::Operator(Some(by.id.clone())), key);
    let (said, digest) = match command {
        Command::Ask { key, text } => {
            (session.said(Scope::Visitor, key), digest(Saying::Message, text))
        }
        Command::Reply { by, key, text, .. } => {
            (by_operator(by, key), digest(Saying::Message, text))
        }
        Command::Note { by, key, text } => (by_operator(by, key), digest(Saying::Note, text)),
        Command::Answer { turn, text, .. } => {
            let digest = digest(Saying::Message, text);
            let said = session.answer_to(*turn).filter(|said| said.digest == digest);
            return Ok(said.map(|said| said.done));
        }
        Command::Rate(rating) => {
            let latest = session.rated().filter(|(latest, _)| *latest == said_of(rating));
            return Ok(latest.map(|(_, done)| *done));
        }
        _ => return Ok(None),
    };
    match said {
        Some(said) if said.digest == digest => Ok(Some(said.done)),
        Some(said) => Err(Refusal::KeyReused(said.done.offset)),
        None => Ok(None),
    }
}

/// The fence of operators: only the one in control is heard by the visitor.
///
/// # Errors
/// [`Refusal::NotInControl`].
pub fn must_hold(session: &Session, by: &OperatorId) -> Result<(), Refusal> {
    if session.holder() == Some(by) {
        Ok(())
    } else {
        Err(Refusal::NotInControl(session.control().clone()))
    }
}

/// The fence of bots: their word counts only under the epoch and for the turn that they were asked.
///
/// # Errors
/// [`Refusal::StaleEpoch`] and [`Refusal::StaleTurn`].
pub fn must_be_open(session: &Session, epoch: Epoch, turn: Offset) -> Result<(), Refusal> {
    if epoch != session.epoch() || session.held() {
        return Err(Refusal::StaleEpoch(session.epoch()));
    }
    if session.turn() != Some(turn) {
        return Err(Refusal::StaleTurn(session.turn()));
    }
    Ok(())
}

/// Events in the making.
struct Append<'a> {
    session: &'a Session,
    now: Millis,
    events: Vec<Event>,
    epoch: Epoch,
}

impl Append<'_> {
    fn push(&mut self, author: Author, body: EventBody) {
        let offset = self.session.head() + 1 + self.events.len() as Offset;
        self.events.push(Event { offset, time: self.now, author, body });
    }

    fn decision(self) -> Decision {
        let offset = self.session.head() + self.events.len() as Offset;
        Decision { events: self.events, done: Done { offset, epoch: self.epoch } }
    }

    fn arrive(
        &mut self,
        visitor: VisitorId,
        ordinal: u32,
        context: VisitorContext,
        data: Option<CustomData>,
    ) -> Result<(), Refusal> {
        if self.session.head() == 0 {
            let body = EventBody::SessionStarted { visitor, ordinal, context };
            self.push(Author::System {}, body);
        } else if self.room().is_err() {
            // Nobody is kept out, but a log that is full does not grow by coming and going.
        } else if !self.session.present() {
            self.push(Author::System {}, EventBody::VisitorReturned { context });
        } else if let Some(page) = context.page
            && self.session.context().page.as_ref() != Some(&page)
        {
            self.push(Author::Visitor {}, EventBody::PageViewed { page });
        }
        match data {
            Some(data) if self.room().is_ok() => self.set_data(data),
            _ => Ok(()),
        }
    }

    fn set_data(&mut self, data: CustomData) -> Result<(), Refusal> {
        check_data(&data)?;
        if *self.session.data() != data {
            self.push(Author::Visitor {}, EventBody::DataChanged { data });
        }
        Ok(())
    }

    /// Ratings are few, so they need no room in a log that is full.
    fn rate(&mut self, rating: Rating) -> Result<(), Refusal> {
        let rating = said_of(&rating);
        if !(1..=RATING_SCORE_MAX).contains(&rating.score) {
            return Err(Refusal::Invalid("the score must be a whole number from 1 to 5"));
        }
        if let Some(comment) = &rating.comment {
            line(comment, "the comment must have at most 2,048 bytes")?;
        }
        if self.session.ratings() >= RATINGS_MAX {
            return Err(Refusal::RatedOut);
        }
        self.push(Author::Visitor {}, EventBody::SessionRated(rating));
        Ok(())
    }

    fn depart(&mut self) {
        if self.session.present() {
            self.push(Author::System {}, EventBody::VisitorLeft {});
        }
    }

    fn view_page(&mut self, mut page: Page) -> Result<(), Refusal> {
        self.room()?;
        line(&page.url, "the page's url must have 1 to 2,048 bytes")?;
        // Many pages have no title.
        page.title = page.title.filter(|title| !title.trim().is_empty());
        if let Some(title) = &page.title {
            line(title, "the page's title must have at most 2,048 bytes")?;
        }
        if self.session.context().page.as_ref() != Some(&page) {
            self.push(Author::Visitor {}, EventBody::PageViewed { page });
        }
        Ok(())
    }

    fn ask(&mut self, key: Key, text: String) -> Result<(), Refusal> {
        self.room()?;
        self.say(Author::Visitor {}, text, Some(key), None, vec![])
    }

    fn request_human(&mut self) -> Result<(), Refusal> {
        self.room()?;
        if self.session.waiting().is_none() && !self.session.held() {
            self.push(Author::Visitor {}, EventBody::HumanRequested {});
        }
        Ok(())
    }

    fn reply(
        &mut self,
        by: Operator,
        key: Key,
        text: String,
        seen: Option<Offset>,
        confirm: bool,
    ) -> Result<(), Refusal> {
        self.room()?;
        must_hold(self.session, &by.id)?;
        if let Some(seen) = seen.filter(|_| !confirm) {
            let count = self.session.said_by_visitor_after(seen);
            if count > 0 {
                return Err(Refusal::Unseen { head: self.session.head(), count });
            }
        }
        self.say(by.author(), text, Some(key), None, vec![])
    }

    fn note(&mut self, by: Operator, key: Key, text: String) -> Result<(), Refusal> {
        self.room()?;
        check_text(&text)?;
        self.push(by.author(), EventBody::Note { text, key: Some(key) });
        Ok(())
    }

    fn answer(
        &mut self,
        name: String,
        epoch: Epoch,
        turn: Offset,
        text: String,
        choices: Vec<Choice>,
    ) -> Result<(), Refusal> {
        self.room()?;
        must_be_open(self.session, epoch, turn)?;
        if choices.len() > CHOICES_MAX {
            return Err(Refusal::Invalid("there may be at most 10 choices"));
        }
        if choices.iter().any(|c| c.label.trim().is_empty() || c.label.len() > CHOICE_BYTES_MAX) {
            return Err(Refusal::Invalid("a choice's label must have 1 to 200 bytes"));
        }
        self.say(Author::Bot { name }, text, None, Some(turn), choices)
    }

    fn fail_turn(
        &mut self,
        epoch: Epoch,
        turn: Offset,
        reason: BotFailure,
        detail: Option<String>,
    ) -> Result<(), Refusal> {
        must_be_open(self.session, epoch, turn)?;
        let detail = detail.map(|detail| cut(detail, LINE_BYTES_MAX));
        self.push(Author::System {}, EventBody::BotFailed { epoch, turn, reason, detail });
        Ok(())
    }

    fn take_over(
        &mut self,
        by: Operator,
        force: bool,
        reason: Option<String>,
    ) -> Result<(), Refusal> {
        if self.session.holder() == Some(&by.id) {
            return Ok(());
        }
        let reason = check_reason(reason)?;
        let cause = match (self.session.held(), force) {
            (false, _) => ControlCause::TakeOver,
            (true, false) => return Err(Refusal::Held(self.session.control().clone())),
            (true, true) if by.rank < Rank::Supervisor => return Err(Refusal::Forbidden),
            (true, true) if reason.is_none() => {
                return Err(Refusal::Invalid("a forced take-over needs a reason"));
            }
            (true, true) => ControlCause::Forced,
        };
        self.room()?;
        let name = by.name.clone();
        self.change_control(by.author(), by.holder(), cause, reason, &name);
        Ok(())
    }

    fn release(&mut self, by: Operator) -> Result<(), Refusal> {
        must_hold(self.session, &by.id)?;
        let name = by.name.clone();
        self.change_control(by.author(), Holder::Bot {}, ControlCause::Release, None, &name);
        Ok(())
    }

    fn transfer(
        &mut self,
        by: Operator,
        to: Operator,
        reason: Option<String>,
    ) -> Result<(), Refusal> {
        must_hold(self.session, &by.id)?;
        let reason = check_reason(reason)?;
        if by.id != to.id {
            self.room()?;
            let name = to.name.clone();
            self.change_control(by.author(), to.holder(), ControlCause::Transfer, reason, &name);
        }
        Ok(())
    }

    fn revoke(&mut self, by: Operator, reason: String) -> Result<(), Refusal> {
        if by.rank < Rank::Supervisor {
            return Err(Refusal::Forbidden);
        }
        let reason = check_reason(Some(reason))?;
        if reason.is_none() {
            return Err(Refusal::Invalid("revoking control needs a reason"));
        }
        let Holder::Operator { name, .. } = self.session.control().holder.clone() else {
            return Err(Refusal::NotInControl(self.session.control().clone()));
        };
        self.change_control(by.author(), Holder::Bot {}, ControlCause::Revoke, reason, &name);
        Ok(())
    }

    /// A lease that is no longer the current one has nothing to expire.
    fn expire_lease(&mut self, operator: OperatorId, epoch: Epoch) {
        let Holder::Operator { id, name } = self.session.control().holder.clone() else { return };
        if id.as_ref() != Some(&operator) || self.session.epoch() != epoch {
            return;
        }
        let cause = ControlCause::LeaseExpired;
        self.change_control(Author::System {}, Holder::Bot {}, cause, None, &name);
        if self.session.settings().lease_end == LeaseEnd::Reoffer {
            self.push(Author::System {}, EventBody::HumanRequested {});
        }
    }

    fn close(&mut self, by: Option<Operator>) -> Result<(), Refusal> {
        let (author, cause) = match by {
            Some(by) if self.held_by_another(&by) && by.rank < Rank::Supervisor => {
                return Err(Refusal::Held(self.session.control().clone()));
            }
            Some(by) => (by.author(), CloseCause::Operator),
            // Who is back is not away.
            None if self.session.present() => return Ok(()),
            None => (Author::System {}, CloseCause::Away),
        };
        self.push(author, EventBody::SessionClosed { cause });
        Ok(())
    }

    fn held_by_another(&self, operator: &Operator) -> bool {
        self.session.holder().is_some_and(|holder| *holder != operator.id)
    }

    fn say(
        &mut self,
        author: Author,
        text: String,
        key: Option<Key>,
        turn: Option<Offset>,
        choices: Vec<Choice>,
    ) -> Result<(), Refusal> {
        check_text(&text)?;
        let message = ChatMessage { text, epoch: self.session.epoch(), key, turn, choices };
        self.push(author, EventBody::Message(message));
        Ok(())
    }

    fn change_control(
        &mut self,
        author: Author,
        holder: Holder,
        cause: ControlCause,
        reason: Option<String>,
        name: &str,
    ) {
        let session = self.session;
        self.epoch = session.epoch() + 1;
        let change = ControlChange {
            epoch: self.epoch,
            holder,
            previous: session.control().holder.clone(),
            cause,
            reason,
            notice: notice(session.settings(), session.context().language.as_deref(), cause, name),
        };
        self.push(author, EventBody::ControlChanged(change));
    }

    fn room(&self) -> Result<(), Refusal> {
        if self.session.head() < SESSION_EVENTS_MAX { Ok(()) } else { Err(Refusal::Full) }
    }
}

impl Operator {
    /// As the author of an event.
    pub fn author(&self) -> Author {
        Author::Operator { id: Some(self.id.clone()), name: self.name.clone() }
    }

    /// As the holder of control.
    pub fn holder(&self) -> Holder {
        Holder::Operator { id: Some(self.id.clone()), name: self.name.clone() }
    }
}

fn check_text(text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        Err(Refusal::Invalid("the text is empty"))
    } else if text.len() > TEXT_BYTES_MAX {
        Err(Refusal::Invalid("the text is longer than 16,384 bytes"))
    } else {
        Ok(())
    }
}

/// What a site's page tells of its visitor has its bounds, in `connect` as in `set_data`.
///
/// # Errors
/// [`Refusal::Invalid`].
pub fn check_data(data: &CustomData) -> Result<(), Refusal> {
    if data.len() > DATA_ENTRIES_MAX {
        return Err(Refusal::Invalid("data may have at most 16 entries"));
    }
    for (key, value) in data {
        if key.trim().is_empty() || key.len() > DATA_KEY_BYTES_MAX {
            return Err(Refusal::Invalid("a key of data must have 1 to 64 bytes"));
        }
        // What JavaScript clients cannot keep in an object would cut their operators off.
        if key == "__proto__" {
            return Err(Refusal::Invalid("a key of data must not be \"__proto__\""));
        }
        if value.len() > DATA_VALUE_BYTES_MAX {
            return Err(Refusal::Invalid("a value of data must have at most 256 bytes"));
        }
    }
    Ok(())
}

/// An empty comment says nothing.
fn said_of(rating: &Rating) -> Rating {
    let comment = rating.comment.clone().filter(|comment| !comment.trim().is_empty());
    Rating { score: rating.score, comment }
}

fn check_reason(reason: Option<String>) -> Result<Option<String>, Refusal> {
    let reason = reason.filter(|reason| !reason.trim().is_empty());
    if let Some(reason) = &reason {
        line(reason, "the reason must have at most 2,048 bytes")?;
    }
    Ok(reason)
}

fn line(text: &str, problem: &'static str) -> Result<(), Refusal> {
    if text.trim().is_empty() || text.len() > LINE_BYTES_MAX {
        return Err(Refusal::Invalid(problem));
    }
    Ok(())
}

/// At most `bytes` bytes of a text, cut between characters.
fn cut(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}

fn holder_name(control: &Control) -> &str {
    match &control.holder {
        Holder::Bot {} => "the bot",
        Holder::Operator { name, .. } => name,
    }
}

impl From<Refusal> for RpcError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        let error = |code| Self::new(code, message);
        match refusal {
            Refusal::Unknown => error(ErrorCode::UnknownSession),
            Refusal::Closed => error(ErrorCode::SessionClosed),
            Refusal::Full | Refusal::RatedOut => error(ErrorCode::SessionFull),
            Refusal::Invalid(_) => error(ErrorCode::InvalidParams),
            Refusal::Forbidden => error(ErrorCode::Forbidden),
            Refusal::Held(control) => error(ErrorCode::Held).with_data(json!(control)),
            Refusal::NotInControl(control) => {
                error(ErrorCode::NotInControl).with_data(json!(control))
            }
            Refusal::StaleEpoch(epoch) => {
                error(ErrorCode::StaleEpoch).with_data(json!({ "epoch": epoch }))
            }
            Refusal::StaleTurn(turn) => {
                error(ErrorCode::StaleTurn).with_data(json!({ "turn": turn }))
            }
            Refusal::Unseen { head, count } => {
                error(ErrorCode::Unseen).with_data(json!({ "head": head, "unseen": count }))
            }
            Refusal::KeyReused(offset) => {
                error(ErrorCode::KeyReused).with_data(json!({ "offset": offset }))
            }
        }
    }
}
