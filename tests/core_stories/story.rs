//! The harness: people who say and do things, and the conversation that they do it in.
//!
//! People make commands (`ann().takes_over()`); a [`Story`] accepts or refuses them and checks what
//! holds for every step of every story.

use std::sync::Arc;

use uuid::Uuid;
use vigie::core::decide::{Command, Operator, Refusal, decide};
use vigie::core::effect::{Effect, Wants, effects};
use vigie::core::session::Session;
use vigie::core::site::SiteSettings;
use vigie_protocol::event::{
    BotFailure, ChatMessage, Choice, Control, ControlChange, CustomData, Epoch, Event, EventBody,
    Millis, Offset, Page, Rating, VisitorContext,
};
use vigie_protocol::id::{Key, SessionId, VisitorId};
use vigie_protocol::method::{Done, Rank};

/// A conversation from its first event on.
#[derive(Clone)]
pub struct Story {
    pub session: Session,
    pub log: Vec<Event>,
    /// What the last command gave the engine to see to.
    pub effects: Vec<Effect>,
    now: Millis,
}

impl Story {
    /// Before anything has happened.
    pub fn untold(settings: SiteSettings) -> Self {
        let id = SessionId::nth(visitor_id(), 1);
        let session = Session::new(id, Arc::new(settings));
        Self { session, log: vec![], effects: vec![], now: 1_000 }
    }

    /// The visitor has arrived; the bot is in control.
    pub fn begins() -> Self {
        Self::begins_on(SiteSettings::default())
    }

    /// The same on a site with settings of its own.
    pub fn begins_on(settings: SiteSettings) -> Self {
        Self::untold(settings).then(visitor().arrives())
    }

    /// Goes on with a command that is accepted.
    pub fn then(mut self, command: Command) -> Self {
        self.accepts(command);
        self
    }

    /// Carries a command out and answers it as the engine would.
    pub fn accepts(&mut self, command: Command) -> Done {
        self.now += 1_000;
        let told = format!("{command:?}");
        let decision = decide(&self.session, command, self.now)
            .unwrap_or_else(|refusal| panic!("{told} is refused: {refusal}"));
        let before = Wants::of(&self.session);
        for (event, offset) in decision.events.into_iter().zip(self.session.head() + 1..) {
            assert_eq!(event.offset, offset, "{told} leaves no gap");
            assert_eq!(event.time, self.now, "{told} happens when it happens");
            self.session.apply(&event);
            self.log.push(event);
        }
        assert_eq!(decision.done.epoch.max(self.session.epoch()), self.session.epoch());
        self.effects = effects(&before, &self.session);
        decision.done
    }

    /// Carries out a command that has nothing to append.
    pub fn changes_nothing(&mut self, command: Command) -> Done {
        let head = self.session.head();
        let done = self.accepts(command);
        assert_eq!(self.session.head(), head, "nothing was to be appended");
        assert_eq!(self.effects, [], "nothing was to be seen to");
        done
    }

    /// The refusal of a command.
    pub fn refuses(&self, command: Command) -> Refusal {
        let told = format!("{command:?}");
        match decide(&self.session, command, self.now + 1_000) {
            Ok(decision) => panic!("{told} is accepted: {decision:?}"),
            Err(refusal) => refusal,
        }
    }

    /// A bot that was just asked: it knows the epoch and the turn, and keeps them however late it
    /// answers.
    pub fn asked_bot(&self) -> Bot {
        let turn = self.session.turn().expect("a turn is open");
        Bot { epoch: self.session.epoch(), turn }
    }

    pub fn last(&self) -> &Event {
        self.log.last().expect("something has happened")
    }

    /// The last event, a message.
    pub fn last_message(&self) -> &ChatMessage {
        let EventBody::Message(message) = &self.last().body else {
            panic!("not a message: {:?}", self.last())
        };
        message
    }

    /// The last event, a change of control.
    pub fn last_change(&self) -> &ControlChange {
        let EventBody::ControlChanged(change) = &self.last().body else {
            panic!("not a change of control: {:?}", self.last())
        };
        change
    }

    /// A log that grew to some length by things of no weight.
    pub fn grown_to(mut self, head: Offset) -> Self {
        let settings = Arc::new(self.session.settings().clone());
        let mut session = Session::new(self.session.id(), settings);
        for offset in self.session.head() + 1..=head {
            let url = format!("https://shop.example/{offset}");
            let body = EventBody::PageViewed { page: Page { url, title: None } };
            let author = vigie_protocol::event::Author::Visitor {};
            self.log.push(Event { offset, time: self.now, author, body });
        }
        self.log.iter().for_each(|event| session.apply(event));
        self.session = session;
        self
    }

    pub fn control(&self) -> &Control {
        self.session.control()
    }
}

pub fn visitor_id() -> VisitorId {
    VisitorId::from(Uuid::from_u128(0x1_0000_7000_8000_0000_0000_0000))
}

pub fn key(text: &str) -> Key {
    text.parse().expect("a key")
}

pub fn page(url: &str) -> Page {
    Page { url: url.into(), title: None }
}

/// What a site's page tells of its visitor.
pub fn data(entries: &[(&str, &str)]) -> CustomData {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// The visitor.
pub struct Visitor;

pub fn visitor() -> Visitor {
    Visitor
}

impl Visitor {
    pub fn arrives(&self) -> Command {
        self.arrives_with(VisitorContext::default())
    }

    pub fn arrives_on(&self, url: &str) -> Command {
        self.arrives_with(VisitorContext { page: Some(page(url)), ..Default::default() })
    }

    pub fn arrives_with(&self, context: VisitorContext) -> Command {
        Command::Arrive { visitor: visitor_id(), ordinal: 1, context, data: None }
    }

    pub fn arrives_told(&self, data: CustomData) -> Command {
        let context = VisitorContext::default();
        Command::Arrive { visitor: visitor_id(), ordinal: 1, context, data: Some(data) }
    }

    /// The page tells something of them.
    pub fn is_told(&self, data: CustomData) -> Command {
        Command::SetData(data)
    }

    pub fn rates(&self, score: u8, comment: Option<&str>) -> Command {
        Command::Rate(Rating { score, comment: comment.map(Into::into) })
    }

    pub fn ends(&self) -> Command {
        Command::End
    }

    pub fn leaves(&self) -> Command {
        Command::Depart
    }

    pub fn views(&self, url: &str) -> Command {
        Command::ViewPage(page(url))
    }

    /// Says something under a key that follows from the text.
    pub fn says(&self, text: &str) -> Command {
        self.says_as(&format!("visitor: {text:.40}"), text)
    }

    pub fn says_as(&self, name: &str, text: &str) -> Command {
        Command::Ask { key: key(name), text: text.into() }
    }

    pub fn asks_for_a_human(&self) -> Command {
        Command::RequestHuman
    }
}

/// Somebody who works for the site.
pub struct Human(pub Operator);

/// An agent.
pub fn ann() -> Human {
    human("ann", "Ann", Rank::Agent)
}

/// Another agent.
pub fn ben() -> Human {
    human("ben", "Ben", Rank::Agent)
}

/// A supervisor.
pub fn sue() -> Human {
    human("sue", "Sue", Rank::Supervisor)
}

/// An admin.
pub fn ada() -> Human {
    human("ada", "Ada", Rank::Admin)
}

fn human(id: &str, name: &str, rank: Rank) -> Human {
    Human(Operator { id: id.parse().expect("an id"), name: name.into(), rank })
}

impl Human {
    pub fn takes_over(&self) -> Command {
        self.takes(false, None)
    }

    pub fn forces(&self, reason: &str) -> Command {
        self.takes(true, Some(reason))
    }

    pub fn takes(&self, force: bool, reason: Option<&str>) -> Command {
        Command::TakeOver { by: self.0.clone(), force, reason: reason.map(Into::into) }
    }

    pub fn releases(&self) -> Command {
        Command::Release { by: self.0.clone() }
    }

    pub fn transfers_to(&self, to: Human) -> Command {
        Command::Transfer { by: self.0.clone(), to: to.0, reason: None }
    }

    pub fn revokes(&self, reason: &str) -> Command {
        Command::Revoke { by: self.0.clone(), reason: reason.into() }
    }

    /// Says something under a key that follows from the text, having seen all.
    pub fn says(&self, text: &str) -> Command {
        self.says_as(&format!("{}: {text:.40}", self.0.id), text)
    }

    pub fn says_as(&self, name: &str, text: &str) -> Command {
        let by = self.0.clone();
        Command::Reply { by, key: key(name), text: text.into(), seen: None, confirm: false }
    }

    pub fn says_having_seen(&self, text: &str, seen: Offset) -> Command {
        let by = self.0.clone();
        let name = format!("{}: {text:.40}", by.id);
        Command::Reply { by, key: key(&name), text: text.into(), seen: Some(seen), confirm: false }
    }

    pub fn says_anyway(&self, text: &str, seen: Offset) -> Command {
        let by = self.0.clone();
        let name = format!("{}: {text:.40}", by.id);
        Command::Reply { by, key: key(&name), text: text.into(), seen: Some(seen), confirm: true }
    }

    pub fn notes(&self, text: &str) -> Command {
        self.notes_as(&format!("{} notes: {text:.40}", self.0.id), text)
    }

    pub fn notes_as(&self, name: &str, text: &str) -> Command {
        Command::Note { by: self.0.clone(), key: key(name), text: text.into() }
    }

    pub fn closes(&self) -> Command {
        Command::Close { by: Some(self.0.clone()) }
    }

    /// The engine finds this operator's connections gone for too long.
    pub fn is_lost(&self, epoch: Epoch) -> Command {
        Command::ExpireLease { operator: self.0.id.clone(), epoch }
    }

    pub fn hold(&self, epoch: Epoch) -> Effect {
        Effect::Hold { operator: self.0.id.clone(), epoch }
    }

    pub fn let_go(&self) -> Effect {
        Effect::LetGo { operator: self.0.id.clone() }
    }
}

/// The bot, as it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bot {
    pub epoch: Epoch,
    pub turn: Offset,
}

impl Bot {
    pub fn answers(self, text: &str) -> Command {
        self.answers_with(text, vec![])
    }

    pub fn answers_with(self, text: &str, choices: Vec<Choice>) -> Command {
        let Self { epoch, turn } = self;
        Command::Answer { name: "Assistant".into(), epoch, turn, text: text.into(), choices }
    }

    pub fn fails(self, reason: BotFailure) -> Command {
        let Self { epoch, turn } = self;
        Command::FailTurn { epoch, turn, reason, detail: None }
    }

    pub fn asked(self) -> Effect {
        let Self { epoch, turn } = self;
        Effect::AskBot { epoch, turn }
    }
}
