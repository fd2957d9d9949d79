//! One engine: what drives the pure room there, as the actors do.
//!
//! Each part stands for a part of `src/actors` and does what that does, step by step; all rules of
//! the conversation, of projections, of who lives and of tables are the real ones, called from here.
//!
//! - [`actor`], [`attend`] and [`perform`] stand for `SessionActor`
//! - [`operator`] stands for `OperatorActor`
//! - [`share`] stands for `Share`
//! - [`relay`]: signs of life, burials, what is heard from the others
//! - [`ear`]: the connection that hears, and its canaries
//! - [`gateway`]: clients' connections

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use vigie::actors::noticeboard::Roster;
use vigie::bots::BotDesk;
use vigie::cluster::message::Message;
use vigie::core::cluster::{Attendance, Members, NodeId};
use vigie::core::decide::Operator;
use vigie::core::end::LogEnd;
use vigie::core::site::SiteSettings;
use vigie_protocol::event::{Epoch, Event, Millis, Offset};
use vigie_protocol::id::{OperatorId, SessionId};

use crate::clients::{Error, ToNode};
use crate::plan::{CANARY_EVERY, Sabotage};
use crate::server::{Ask, Away, Told};
use crate::world::{Connection, Outside, Time, first_canary};

use actor::{Actor, ActorInput};
use ear::Ear;
use gateway::Guest;
use operator::OperatorActor;
use share::Share;

pub mod actor;
mod attend;
mod ear;
mod gateway;
pub mod operator;
mod perform;
mod relay;
pub mod share;

/// How long until what was refused or not answered is tried again.
const RETRY: Time = 1_000;

/// When all clocks began, for those that tell the date.
const EPOCH: Millis = 1_700_000_000_000;

/// How far two nodes' clocks may be apart.
const SKEW_MAX: u64 = 3_000;

/// Names an actor of one node.
pub type ActorId = u64;

/// One engine.
pub struct Node {
    pub index: usize,
    pub alive: bool,
    pub paused_until: Option<Time>,
    /// What comes while the process stands still.
    backlog: Vec<Input>,
    pub core: Core,
    pub actors: BTreeMap<ActorId, Actor>,
    started: ActorId,
}

/// What all actors of a node share.
pub struct Core {
    pub index: usize,
    pub id: NodeId,
    /// It takes nobody in any more.
    pub draining: bool,
    skew: u64,
    pub registry: BTreeMap<SessionId, ActorId>,
    pub members: Members,
    /// When the roll was last called.
    looked: Option<Time>,
    /// When the latest beat that was answered had been sent.
    beaten: Option<Time>,
    /// Whether the last beat was answered.
    answered: bool,
    pub ear: Ear,
    beats: Beats,
    pub share: Share,
    pub operators: BTreeMap<OperatorId, OperatorActor>,
    pub roster: Roster,
    pub bots: BotDesk,
    pub guests: BTreeMap<Connection, Guest>,
    leaves: VecDeque<Leave>,
    settings: Arc<SiteSettings>,
    sabotage: Option<Sabotage>,
    timers: u64,
}

/// What a node knows of its own beats.
#[derive(Debug, Default)]
struct Beats {
    count: u64,
    tombstone: u64,
    /// It has learned that it was buried, and not yet seen to it.
    buried: bool,
    /// When the latest one was sent.
    sent: Time,
    /// When the next one is due.
    next: Time,
    /// Nodes that have died and are not seen to yet.
    died: VecDeque<NodeId>,
    /// Those that could not be seen to.
    owed: Vec<NodeId>,
}

/// What comes to a node.
#[derive(Debug)]
pub enum Input {
    Client(Connection, ToNode),
    Told(To, Result<Told, Away>),
    Heard(Heard),
    Unsubscribed,
    Subscribe,
    CanaryFlies,
    Beats,
    Shares,
    Leaves,
    ToSession(SessionId, ActorInput),
    /// Only if the session's actor runs.
    IfRunning(SessionId, ActorInput),
    ToActor(ActorId, ActorInput),
    Ends(ActorId),
    ToOperator(OperatorId, OperatorInput),
    Arrived(Connection, Result<(), Error>),
    Followed(Connection, SessionId, Result<Followed, Error>),
    Departs,
    Stops,
    AdoptAgain(NodeId),
}

/// Whom an answer of the server is for.
#[derive(Debug, Clone, Copy)]
pub enum To {
    Actor(ActorId, Purpose),
    Arrival(Connection),
    Past(Connection, SessionId),
    Beat,
    Adopt(NodeId),
    AdoptAgain(NodeId),
    Bury(NodeId),
    Leave(Leave),
    Nobody,
}

/// A session that this node attends no more.
#[derive(Debug, Clone, Copy)]
pub struct Leave {
    session: SessionId,
    /// Whether somebody must see to it, as far as is known.
    wants: bool,
}

/// What an actor asked the server for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    FirstRead,
    Refold,
    CatchUp,
    Append,
    Attend,
}

/// What is heard from the bus.
#[derive(Debug, Clone)]
pub enum Heard {
    Events { session: SessionId, after: LogEnd, events: Vec<Event> },
    Attendance(Attendance),
    Message { from: NodeId, message: Box<Message> },
    Gap,
    Canary(u64),
}

/// What an operator's actor is told.
#[derive(Debug, Clone)]
pub enum OperatorInput {
    Online(Connection, Operator),
    Offline(Connection),
    Hold { session: SessionId, epoch: Epoch, name: String },
    LetGo(SessionId),
    Elsewhere,
    GraceIsOver(u64),
}

/// Whether a follower is live.
#[derive(Debug, Clone, Copy)]
pub struct Followed {
    pub head: Offset,
    pub live: bool,
}

impl Node {
    /// A process starts, and joins the others.
    pub fn start(index: usize, outside: &mut Outside) -> Self {
        let id = NodeId(outside.random.next());
        outside.server.connect(id);
        outside.trace(|| format!("node {index} starts as {id}"));
        let timeout = Duration::from_millis(outside.plan.node_timeout);
        let core = Core {
            index,
            id,
            draining: false,
            skew: outside.random.between(0, SKEW_MAX),
            registry: BTreeMap::new(),
            members: Members::new(id, timeout),
            looked: None,
            beaten: None,
            answered: true,
            ear: Ear::default(),
            beats: Beats::default(),
            share: Share::new(id, outside.plan.sabotage),
            operators: BTreeMap::new(),
            roster: Roster::default(),
            bots: BotDesk::default(),
            guests: BTreeMap::new(),
            leaves: VecDeque::new(),
            settings: Arc::clone(outside.server.log.settings()),
            sabotage: outside.plan.sabotage,
            timers: 0,
        };
        outside.input(index, Input::Beats);
        outside.input(index, Input::Heard(Heard::Gap));
        let canary = first_canary(&mut outside.random);
        outside.input_after(index, canary, Input::CanaryFlies);
        outside.input(index, Input::Shares);
        Self {
            index,
            alive: true,
            paused_until: None,
            backlog: Vec::new(),
            core,
            actors: BTreeMap::new(),
            started: 0,
        }
    }

    /// Something comes to the process.
    pub fn take(&mut self, input: Input, outside: &mut Outside) {
        if !self.alive {
            return;
        }
        if self.paused_until.is_some() {
            return self.backlog.push(input);
        }
        self.handle(input, outside);
    }

    /// The process goes on; what has come meanwhile it finds now.
    pub fn resume(&mut self, outside: &mut Outside) {
        if self.paused_until.take().is_none() {
            return;
        }
        let index = self.index;
        outside.trace(|| format!("node {index} goes on"));
        if outside.server.links[index].subscription.is_none() {
            self.take(Input::Unsubscribed, outside);
        }
        // What comes from now on comes after it, be it at this very moment.
        for input in std::mem::take(&mut self.backlog) {
            self.take(input, outside);
        }
    }

    /// The process ends in order: it sends its clients to others, and says that it is gone.
    pub fn drain(&mut self, outside: &mut Outside) {
        self.core.draining = true;
        for connection in self.core.guests.keys() {
            outside.reply(*connection, crate::clients::FromNode::Closed);
        }
        outside.input_after(self.index, 200, Input::Departs);
    }

    fn handle(&mut self, input: Input, outside: &mut Outside) {
        match input {
            Input::Client(connection, said) => self.core.said(connection, said, outside),
            Input::Told(to, told) => self.told(to, told, outside),
            Input::Heard(heard) => self.hear(heard, outside),
            Input::Unsubscribed => self.core.lose_subscription(outside),
            Input::Subscribe => self.core.subscribe(outside),
            Input::CanaryFlies => {
                self.core.fly_canary(outside);
                outside.input_after(self.index, CANARY_EVERY, Input::CanaryFlies);
            }
            Input::Beats => self.beat(outside),
            Input::Shares => self.core.tick(outside),
            Input::Leaves => self.core.take_leaves(outside),
            Input::ToSession(session, input) => {
                let id = self.session(session, outside);
                self.act(id, input, outside);
            }
            Input::IfRunning(session, input) => {
                if let Some(id) = self.core.registry.get(&session) {
                    self.act(*id, input, outside);
                }
            }
            Input::ToActor(id, input) => self.act(id, input, outside),
            Input::Ends(id) => {
                if let Some(actor) = self.actors.remove(&id) {
                    actor.end(&self.core, outside);
                }
            }
            Input::ToOperator(id, input) => self.core.tell_operator(&id, input, outside),
            Input::Arrived(connection, arrived) => self.core.arrived(connection, arrived, outside),
            Input::Followed(connection, session, followed) => {
                self.core.followed(connection, session, followed, outside);
            }
            Input::AdoptAgain(dead) => self.adopt_again(dead, outside),
            Input::Departs => {
                outside.ask(self.index, To::Nobody, Ask::Depart);
                outside.input_after(self.index, 100, Input::Stops);
            }
            Input::Stops => {
                self.alive = false;
                outside.unsubscribe(self.index);
                outside.lose_clients(self.index, (5, 500));
                let index = self.index;
                outside.trace(|| format!("node {index} has departed"));
            }
        }
    }

    fn told(&mut self, to: To, told: Result<Told, Away>, outside: &mut Outside) {
        match to {
            To::Actor(id, purpose) => self.act(id, ActorInput::Told(purpose, told), outside),
            To::Arrival(connection) => self.core.latest_of(connection, told, outside),
            To::Past(connection, session) => self.core.past(connection, session, told, outside),
            To::Beat => self.beaten(told, outside),
            To::Adopt(dead) => self.adopted(dead, told, outside),
            To::AdoptAgain(dead) => self.adopted_again(dead, told, outside),
            To::Bury(dead) => self.buried(dead, told, outside),
            To::Leave(leave) => self.core.left(leave, told, outside),
            To::Nobody => {}
        }
    }

    /// The actor of a session, started if it does not run.
    fn session(&mut self, session: SessionId, outside: &mut Outside) -> ActorId {
        if let Some(id) = self.core.registry.get(&session) {
            return *id;
        }
        self.started += 1;
        let id = self.started;
        let index = self.index;
        outside.trace(|| format!("node {index}: actor {id} of {session} starts"));
        self.core.registry.insert(session, id);
        self.actors.insert(id, Actor::new(id, session));
        id
    }

    fn act(&mut self, id: ActorId, input: ActorInput, outside: &mut Outside) {
        // Taken out, so that it can reach all else of its node.
        if let Some(mut actor) = self.actors.remove(&id) {
            actor.take(input, &mut self.core, outside);
            self.actors.insert(id, actor);
        }
    }

    fn each_running(&self, outside: &mut Outside, input: impl Fn() -> ActorInput) {
        for id in self.core.registry.values().copied().collect::<BTreeSet<_>>() {
            outside.input(self.index, Input::ToActor(id, input()));
        }
    }
}

impl Core {
    /// The clock that tells the date.
    pub fn date(&self, now: Time) -> Millis {
        EPOCH + now + self.skew
    }

    pub fn lives(&self, node: NodeId) -> bool {
        self.members.lives(node)
    }

    pub fn others(&self) -> Vec<NodeId> {
        self.members.others().collect()
    }

    fn interval(&self) -> Time {
        self.members.interval().as_millis() as Time
    }

    /// Whether the silence of others can be believed.
    fn hears_others(&self, now: Time) -> bool {
        self.beats_are_fresh(now) && self.answered && self.ear.healthy
    }

    /// Whether the others can hardly have taken this node for dead.
    fn beats_are_fresh(&self, now: Time) -> bool {
        self.beaten.is_some_and(|at| now - at < 3 * self.interval())
    }

    /// Names a timer, so that it can be told from those that were cancelled.
    fn timer(&mut self) -> u64 {
        self.timers += 1;
        self.timers
    }

    fn leave(&mut self, leave: Leave, outside: &mut Outside) {
        self.leaves.push_back(leave);
        outside.input(self.index, Input::Leaves);
    }

    /// Carried out apart from the actors, one after the other.
    fn take_leaves(&mut self, outside: &mut Outside) {
        while let Some(leave) = self.leaves.pop_front() {
            // It may be needed again.
            if !self.registry.contains_key(&leave.session) {
                outside.ask(self.index, To::Leave(leave), Ask::Leave(leave.session));
            }
        }
    }

    fn left(&mut self, leave: Leave, told: Result<Told, Away>, outside: &mut Outside) {
        match told {
            Ok(Told::Attendance(left)) => {
                // Whoever was to see to it has died just now, and this node was taken for its heir.
                if leave.wants && left.steward(|node| self.lives(node)).is_none() {
                    let wake = Input::ToSession(leave.session, ActorInput::Wake);
                    outside.input_after(self.index, RETRY, wake);
                }
            }
            // Otherwise it would be taken for one that sees to the session, while nobody does.
            _ => {
                self.leaves.push_back(leave);
                outside.input_after(self.index, RETRY, Input::Leaves);
            }
        }
    }
}
