//! A visitor's side of a conversation: what to show, what to send. Knows no terminal, no socket
//! and no clock.

use std::collections::VecDeque;

use vigie_client::{CallError, ClientEvent};
use vigie_protocol::error::ErrorCode;
use vigie_protocol::event::{
    Author, ChatMessage, Choice, ChoiceAction, CloseCause, ControlCause, ControlChange, Event,
    EventBody, Holder, Offset,
};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Done, Identity};

/// What the visitor can type beside messages.
pub(super) const HELP: &str =
    "Write, then Enter. A number picks one of the choices. /human asks for a human, /quit leaves.";

/// Something to show, in the order in which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// The visitor's own words.
    Mine(String),
    /// The bot's words.
    Bot { name: String, text: String },
    /// A human's words.
    Agent { name: String, text: String },
    /// What the visitor may choose.
    Choice { number: usize, label: String },
    /// What happened around the conversation.
    Notice(String),
    /// What went wrong.
    Problem(String),
}

/// Something to carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    /// Say this.
    Say(String),
    /// Ask for a human.
    Human,
}

/// Whether a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Connecting,
    Connected,
    Lost,
}

/// A conversation as its visitor sees it.
#[derive(Debug)]
pub(super) struct Conversation {
    link: Link,
    /// The server does not hear the rest of its cluster.
    degraded: bool,
    session: Option<SessionId>,
    /// The session is over; the next wish starts another.
    closed: bool,
    /// The last event that there was when we began to follow, and the last that came.
    head: Option<Offset>,
    last: Offset,
    /// The follow-ups of the latest message.
    choices: Vec<Choice>,
    /// Who types, beside the visitor.
    typing: Option<String>,
    /// What is not acknowledged; the first may be on its way.
    outbox: VecDeque<Wish>,
    under_way: bool,
    /// The offset of the visitor's last words, and of the last that answered them.
    asked: Offset,
    answered: Offset,
}

impl Conversation {
    pub(super) fn new() -> Self {
        Self {
            link: Link::Connecting,
            degraded: false,
            session: None,
            closed: false,
            head: None,
            last: 0,
            choices: Vec::new(),
            typing: None,
            outbox: VecDeque::new(),
            under_way: false,
            asked: 0,
            answered: 0,
        }
    }

    /// Takes in what the client tells.
    pub(super) fn hear(&mut self, event: ClientEvent) -> Vec<Entry> {
        match event {
            ClientEvent::Connected(identity) => self.connected(&identity),
            ClientEvent::Disconnected(error) => {
                let before = std::mem::replace(&mut self.link, Link::Lost);
                self.degraded = false;
                self.typing = None;
                vec![Entry::Notice(match (error.code(), before) {
                    (Some(ErrorCode::Unauthorized | ErrorCode::TokenExpired), _) => {
                        "Your earlier conversation cannot be resumed; a new one starts.".into()
                    }
                    (_, Link::Connecting) => format!("Cannot connect yet: {error}. Trying again."),
                    _ => "The connection is lost. Trying again.".into(),
                })]
            }
            ClientEvent::Event { session, event } if Some(session) == self.session => {
                self.happened(event)
            }
            ClientEvent::Restarted { .. } | ClientEvent::Resync => {
                self.begin();
                self.head = None;
                vec![Entry::Notice(
                    "The server has lost what came last. The conversation is shown again from its \
                     beginning; look whether your last words are there."
                        .into(),
                )]
            }
            ClientEvent::Renewed(subscribed) if Some(subscribed.session) == self.session => {
                self.head = Some(subscribed.offset);
                vec![]
            }
            ClientEvent::Status(status) => {
                self.degraded = status.degraded;
                vec![]
            }
            ClientEvent::Typing(signal) => {
                if let Author::Operator { name, .. } | Author::Bot { name } = signal.author {
                    self.typing = Some(name);
                }
                vec![]
            }
            _ => vec![],
        }
    }

    /// Takes in a line of the visitor; `None` if they want to leave.
    pub(super) fn enter(&mut self, line: &str) -> Option<Vec<Entry>> {
        let line = line.trim();
        let wish = match line {
            "" => return Some(vec![]),
            "/quit" | "/q" => return None,
            "/human" => Wish::Human,
            "/help" => return Some(vec![Entry::Notice(HELP.into())]),
            command if command.starts_with('/') && !command.contains(char::is_whitespace) => {
                let problem = format!("There is no {command}. {HELP}");
                return Some(vec![Entry::Problem(problem)]);
            }
            line => self.chosen(line).unwrap_or_else(|| Wish::Say(line.to_owned())),
        };
        self.outbox.push_back(wish);
        Some(vec![])
    }

    /// What to carry out now, if anything: one thing at a time, so that they stay in order.
    pub(super) fn next_wish(&mut self) -> Option<Wish> {
        if self.under_way || self.closed {
            return None;
        }
        let wish = self.outbox.front()?;
        self.under_way = true;
        Some(wish.clone())
    }

    /// Takes in how it went.
    pub(super) fn carried_out(&mut self, result: Result<Done, CallError>) -> Vec<Entry> {
        self.under_way = false;
        let problem = match result {
            Ok(done) => {
                if let Some(Wish::Say(_)) = self.outbox.pop_front() {
                    self.asked = self.asked.max(done.offset);
                }
                return vec![];
            }
            // It goes into the next session.
            Err(error) if error.code() == Some(ErrorCode::SessionClosed) => {
                self.closed = true;
                return vec![];
            }
            Err(error) => error,
        };
        match self.outbox.pop_front() {
            Some(Wish::Say(text)) => {
                vec![Entry::Problem(format!("Not delivered ({problem}): {text}"))]
            }
            _ => vec![Entry::Problem(format!("That did not work: {problem}"))],
        }
    }

    /// Whether another session must be started for what is in the outbox.
    pub(super) fn wants_new_session(&self) -> bool {
        self.closed && !self.outbox.is_empty() && self.link == Link::Connected
    }

    /// Another session is being started.
    pub(super) const fn leaves_session(&mut self) {
        self.link = Link::Lost;
    }

    /// The mark of somebody typing is down.
    pub(super) fn stopped_typing(&mut self) {
        self.typing = None;
    }

    /// We follow; what was said before reaches up to this offset.
    pub(super) const fn follows_up_to(&mut self, head: Offset) {
        self.head = Some(head);
    }

    /// All that was said before has been shown.
    pub(super) fn is_caught_up(&self) -> bool {
        self.head.is_some_and(|head| head <= self.last)
    }

    /// Everything that was entered is acknowledged.
    pub(super) fn is_delivered(&self) -> bool {
        self.outbox.is_empty()
    }

    /// Everything is delivered and answered.
    pub(super) fn is_settled(&self) -> bool {
        self.is_delivered() && self.asked <= self.answered
    }

    /// How things stand, for a line below the conversation.
    pub(super) fn status(&self) -> String {
        match (self.link, self.outbox.len(), &self.typing) {
            (Link::Connecting, ..) => "connecting …".into(),
            (Link::Lost, 0, _) => "offline, connecting again …".into(),
            (Link::Lost, waiting, _) => {
                format!("offline, connecting again … {waiting} not delivered yet, kept")
            }
            (Link::Connected, 0, _) if self.degraded => "some messages may be late".into(),
            (Link::Connected, waiting, _) if self.degraded => {
                format!("some messages may be late; {waiting} not delivered yet, kept")
            }
            (Link::Connected, 0, Some(name)) => format!("{name} is typing …"),
            (Link::Connected, 0, None) if self.closed => "closed; write to start again".into(),
            (Link::Connected, 0, None) => "/human asks for a human, /quit leaves".into(),
            (Link::Connected, ..) => "sending …".into(),
        }
    }

    fn connected(&mut self, identity: &Identity) -> Vec<Entry> {
        let before = std::mem::replace(&mut self.link, Link::Connected);
        let Identity::Visitor { session, .. } = identity else { return vec![] };
        let same = self.session.replace(*session) == Some(*session);
        if !same {
            self.begin();
            self.head = self.head.map(|_| 0);
        }
        match before {
            Link::Lost if same => vec![Entry::Notice("Connected again.".into())],
            _ => vec![],
        }
    }

    /// What comes is a log from its first event.
    fn begin(&mut self) {
        self.closed = false;
        self.choices.clear();
        (self.asked, self.answered, self.last) = (0, 0, 0);
    }

    fn happened(&mut self, event: Event) -> Vec<Entry> {
        self.last = event.offset;
        match (&event.author, &event.body) {
            (Author::Visitor {}, EventBody::Message(_)) => self.asked = event.offset,
            (_, EventBody::Message(_)) => {
                self.answered = event.offset;
                self.typing = None;
            }
            (_, EventBody::BotFailed { .. } | EventBody::SessionClosed { .. }) => {
                self.answered = event.offset;
            }
            _ => {}
        }
        match event.body {
            EventBody::Message(message) => self.said(event.author, message),
            EventBody::HumanRequested {} => match event.author {
                Author::Visitor {} => vec![Entry::Notice("You asked for a human.".into())],
                _ => vec![Entry::Notice("A human will be with you as soon as one is free.".into())],
            },
            EventBody::ControlChanged(change) => {
                self.typing = None;
                vec![Entry::Notice(control(&change))]
            }
            EventBody::BotFailed { .. } => {
                vec![Entry::Notice("There is no answer at the moment. Try /human.".into())]
            }
            EventBody::SessionClosed { cause } => {
                self.closed = true;
                self.choices.clear();
                let why = match cause {
                    CloseCause::Away => "This conversation was closed while you were away",
                    _ => "This conversation was closed",
                };
                vec![Entry::Notice(format!("{why}. Write to start another."))]
            }
            _ => vec![],
        }
    }

    fn said(&mut self, author: Author, message: ChatMessage) -> Vec<Entry> {
        let ChatMessage { text, choices, .. } = message;
        let first = match author {
            Author::Visitor {} => Entry::Mine(text),
            Author::Operator { name, .. } => Entry::Agent { name, text },
            Author::Bot { name } => Entry::Bot { name, text },
            Author::System {} | Author::Unknown => Entry::Notice(text),
        };
        self.choices = choices;
        let offered = self.choices.iter().enumerate();
        let offered = offered
            .map(|(at, choice)| Entry::Choice { number: at + 1, label: choice.label.clone() });
        std::iter::once(first).chain(offered).collect()
    }

    fn chosen(&self, line: &str) -> Option<Wish> {
        let number: usize = line.parse().ok()?;
        let choice = self.choices.get(number.checked_sub(1)?)?;
        Some(match choice.action {
            ChoiceAction::Send => Wish::Say(choice.label.clone()),
            ChoiceAction::RequestHuman => Wish::Human,
        })
    }
}

/// What a change of control means for the visitor: in the site's words if there are any.
fn control(change: &ControlChange) -> String {
    if let Some(notice) = &change.notice {
        return notice.clone();
    }
    match (&change.holder, change.cause) {
        (Holder::Operator { name, .. }, _) => format!("{name}, a live agent, is with you now."),
        (Holder::Bot {}, ControlCause::LeaseExpired) => {
            "The agent is gone; the bot goes on.".into()
        }
        (Holder::Bot {}, _) => "The bot goes on.".into(),
    }
}

#[cfg(test)]
mod tests;
