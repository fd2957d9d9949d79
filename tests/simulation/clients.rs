//! Who talks to the nodes: visitors, operators, bots. They hop from node to node, lose their
//! connections, and say again what was not acknowledged.

use std::collections::BTreeMap;

use uuid::Uuid;
use vigie::core::decide::{Command, Operator, Refusal};
use vigie_protocol::event::{Epoch, Event, Offset};
use vigie_protocol::id::{SessionId, VisitorId};
use vigie_protocol::method::{Done, Rank};

use crate::world::{Connection, Event as Happens, Outside, Time};

use bot::Bot;
use operator::Desk;
use visitor::Visitor;

mod bot;
mod operator;
mod visitor;

pub type ClientId = usize;
pub type RequestId = u64;

/// How long a client waits for an answer before it takes its connection for dead.
const PATIENCE: Time = 5_000;

/// How a command was answered.
pub type Outcome = Result<Done, Error>;

/// Why it was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    Refused(Refusal),
    /// Try again.
    Busy,
    /// The log cannot be reached; try again.
    Unavailable,
    OffsetAhead,
}

/// What a client tells its node.
#[derive(Debug, Clone)]
pub enum ToNode {
    Hello(Who),
    Do { request: RequestId, session: SessionId, command: Command },
    Follow { session: SessionId, after: Offset },
    Bye,
}

/// As whom a client connects.
#[derive(Debug, Clone)]
pub enum Who {
    Visitor { visitor: VisitorId, request: RequestId },
    Operator(Operator),
    Bot,
}

/// What a node tells its client.
#[derive(Debug, Clone)]
pub enum FromNode {
    /// With the visitor's session.
    Welcome(Option<SessionId>),
    TurnedAway(Error),
    Answered(RequestId, Outcome),
    NotFollowing(SessionId, Error),
    Event {
        session: SessionId,
        prev: Offset,
        event: Box<Event>,
    },
    Turn {
        session: SessionId,
        epoch: Epoch,
        turn: Offset,
    },
    Revoked {
        turn: Offset,
    },
    Closed,
}

/// A client.
pub struct Client {
    id: ClientId,
    /// Whether it wants to be connected.
    pub here: bool,
    pub link: Option<Link>,
    /// What it has of the sessions that it follows.
    pub views: BTreeMap<SessionId, View>,
    pub kind: Kind,
    /// It starts nothing new any more.
    settled: bool,
}

pub enum Kind {
    Visitor(Visitor),
    Operator(Desk),
    Bot(Bot),
}

/// A connection, as its client has it.
#[derive(Debug)]
pub struct Link {
    pub connection: Connection,
    pub node: usize,
    since: Time,
    pub welcome: bool,
    /// Whether anything that was asked for over it has not been answered for too long.
    pub pending: BTreeMap<RequestId, Pending>,
}

/// A request without an answer.
#[derive(Debug, Clone)]
pub struct Pending {
    session: SessionId,
    command: Command,
    sent: Time,
}

/// What a client has of a session's log.
#[derive(Debug, Clone, Default)]
pub struct View {
    pub last: Offset,
    pub events: Vec<Event>,
    /// Over which connection it follows.
    follows: Option<Connection>,
}

impl Client {
    /// All of a world.
    pub fn all(outside: &mut Outside) -> Vec<Self> {
        let plan = outside.plan.clone();
        let operators: Vec<_> = (0..plan.operators).map(operator).collect();
        let mut kinds = Vec::new();
        for number in 0..plan.visitors {
            let visitor = VisitorId::from(Uuid::from_u128(0x7615_0000 + number as u128));
            kinds.push(Kind::Visitor(Visitor::new(visitor)));
        }
        for own in &operators {
            kinds.push(Kind::Operator(Desk::new(own.clone(), operators.clone())));
        }
        for _ in 0..plan.bots {
            kinds.push(Kind::Bot(Bot::default()));
        }
        let mut clients = Vec::new();
        for (id, kind) in kinds.into_iter().enumerate() {
            let views = BTreeMap::new();
            clients.push(Self { id, here: true, link: None, views, kind, settled: false });
            let first = outside.now + outside.random.between(1, 1_000);
            outside.at(first, Happens::Wakes(id));
        }
        clients
    }

    /// From now on it only finishes what it has begun.
    pub fn settle(&mut self, outside: &mut Outside) {
        self.settled = true;
        if outside.random.percent(30) {
            self.go(outside);
        }
        let (id, here) = (self.id, self.here);
        outside.trace(|| format!("client {id} is to stay {}", if here { "here" } else { "away" }));
    }

    fn go(&mut self, outside: &mut Outside) {
        self.here = false;
        self.hang_up(outside);
    }

    /// The connection is given up; its node hears of that in its own time.
    fn hang_up(&mut self, outside: &mut Outside) {
        let Some(link) = self.link.take() else { return };
        outside.say(link.connection, ToNode::Bye);
        for pending in link.pending.into_values() {
            self.unanswered(pending, outside);
        }
    }

    pub fn wake(&mut self, live: &[usize], outside: &mut Outside) {
        let pause = if self.settled { (200, 1_000) } else { (30, 900) };
        let next = outside.now + outside.random.between(pause.0, pause.1);
        outside.at(next, Happens::Wakes(self.id));
        if !self.here {
            if !self.settled && outside.random.percent(15) {
                self.here = true;
            }
            return;
        }
        let Some(link) = &self.link else { return self.connect(live, outside) };
        let late = outside.now.saturating_sub(PATIENCE);
        let silent = link.pending.values().any(|pending| pending.sent < late);
        if silent || (!link.welcome && link.since < late) {
            return self.hang_up(outside);
        }
        if !link.welcome {
            return;
        }
        if !self.settled && outside.random.percent(4) {
            // Another network: the old connection is noticed to be dead later, or never.
            return self.hang_up(outside);
        }
        if !self.settled && outside.random.percent(2) {
            return self.go(outside);
        }
        match self.kind {
            Kind::Visitor(_) => self.visit(outside),
            Kind::Operator(_) => self.operate(outside),
            Kind::Bot(_) => self.serve(outside),
        }
    }

    fn connect(&mut self, live: &[usize], outside: &mut Outside) {
        let Some(node) = outside.random.pick(live) else { return };
        let who = match &self.kind {
            Kind::Visitor(visitor) => {
                Who::Visitor { visitor: visitor.visitor, request: outside.check.request() }
            }
            Kind::Operator(desk) => Who::Operator(desk.operator.clone()),
            Kind::Bot(_) => Who::Bot,
        };
        let id = self.id;
        outside.trace(|| format!("client {id} connects to node {node}: {who:?}"));
        let connection = outside.open(self.id, node, ToNode::Hello(who));
        let pending = BTreeMap::new();
        self.link = Some(Link { connection, node, since: outside.now, welcome: false, pending });
    }

    pub fn hear(&mut self, connection: Connection, heard: FromNode, outside: &mut Outside) {
        let id = self.id;
        let Some(link) = self.link.as_mut().filter(|link| link.connection == connection) else {
            return;
        };
        outside.trace(|| format!("client {id} hears {heard:?}"));
        match heard {
            FromNode::Welcome(session) => {
                link.welcome = true;
                self.welcome(session, outside);
            }
            FromNode::TurnedAway(_) | FromNode::Closed => self.hang_up(outside),
            FromNode::Answered(request, outcome) => {
                if let Some(pending) = link.pending.remove(&request) {
                    self.answered(pending, outcome, outside);
                }
            }
            FromNode::NotFollowing(session, error) => {
                if !matches!(error, Error::Busy | Error::Unavailable) {
                    let why = format!("client {id} may not follow {session}: {error:?}");
                    outside.check.fail(why);
                }
                self.views.entry(session).or_default().follows = None;
            }
            FromNode::Event { session, prev, event } => {
                let view = self.views.entry(session).or_default();
                if prev > view.last || event.offset <= view.last {
                    let (last, offset) = (view.last, event.offset);
                    let why =
                        format!("client {id} has {last} of {session}; comes {offset} after {prev}");
                    outside.check.fail(why);
                }
                view.last = event.offset;
                view.events.push(*event);
            }
            FromNode::Turn { session, epoch, turn } => self.asked((session, epoch, turn), outside),
            FromNode::Revoked { .. } => {}
        }
    }

    /// Follows a session over the present connection.
    fn follow(&mut self, session: SessionId, outside: &mut Outside) {
        let Some(link) = &self.link else { return };
        let view = self.views.entry(session).or_default();
        if view.follows != Some(link.connection) {
            view.follows = Some(link.connection);
            outside.say(link.connection, ToNode::Follow { session, after: view.last });
        }
    }

    /// Whether it follows a session as far as it knows.
    pub fn follows(&self, session: SessionId) -> bool {
        let connection = self.link.as_ref().map(|link| link.connection);
        connection.is_some() && self.views.get(&session).is_some_and(|v| v.follows == connection)
    }

    fn request(&mut self, session: SessionId, command: Command, outside: &mut Outside) {
        let Some(link) = &mut self.link else { return };
        let request = outside.check.request();
        outside.check.asked(request, session, command.clone(), outside.now);
        let id = self.id;
        outside.trace(|| format!("client {id} asks ({request}) {session}: {command:?}"));
        let sent = outside.now;
        link.pending.insert(request, Pending { session, command: command.clone(), sent });
        outside.say(link.connection, ToNode::Do { request, session, command });
    }

    fn welcome(&mut self, session: Option<SessionId>, outside: &mut Outside) {
        if let (Kind::Visitor(visitor), Some(session)) = (&mut self.kind, session) {
            visitor.enter(session);
            self.follow(session, outside);
        }
    }

    fn answered(&mut self, pending: Pending, outcome: Outcome, outside: &mut Outside) {
        match (&mut self.kind, outcome) {
            (_, Err(Error::Busy | Error::Unavailable)) => self.unanswered(pending, outside),
            (Kind::Visitor(visitor), outcome) => {
                visitor.answered(&pending.command);
                // The session has ended: the next connection begins another.
                if outcome == Err(Error::Refused(Refusal::Closed)) {
                    self.hang_up(outside);
                }
            }
            (Kind::Operator(desk), _) => desk.unsent = None,
            (Kind::Bot(_), _) => {}
        }
    }

    /// Nobody knows whether it was carried out.
    fn unanswered(&mut self, pending: Pending, outside: &mut Outside) {
        match &mut self.kind {
            // They keep what they say until it is acknowledged.
            Kind::Visitor(_) | Kind::Operator(_) => {}
            Kind::Bot(bot) => bot.again(pending, outside),
        }
    }

    /// Whether something that was said is not acknowledged.
    pub fn unsent(&self) -> bool {
        let pending = self.link.as_ref().is_some_and(|link| !link.pending.is_empty());
        pending
            || match &self.kind {
                Kind::Visitor(visitor) => visitor.unsent.is_some(),
                Kind::Operator(desk) => desk.unsent.is_some(),
                Kind::Bot(bot) => !bot.answers.is_empty(),
            }
    }
}

fn operator(number: usize) -> Operator {
    let name = ["ann", "ben", "cat"][number];
    let rank = if number == 0 { Rank::Supervisor } else { Rank::Agent };
    let id = name.parse().unwrap_or_else(|_| panic!("{name} names an operator"));
    Operator { id, name: name.into(), rank }
}
