//! The one server that all nodes share: the log with its fence, and the bus.
//!
//! A request may fail before it takes effect, or after, or hang; what hung may take effect when
//! nobody waits for it any more. What is published reaches those who are subscribed, in its own
//! time, perhaps twice; it is lost only with the subscription, and then a gap follows.

use std::collections::BTreeMap;

use vigie::cluster::message::Message;
use vigie::core::cluster::{Attendance, NodeId};
use vigie_protocol::event::{Author, ChatMessage, Epoch, Event, EventBody, Offset};
use vigie_protocol::id::{SessionId, VisitorId};

use crate::node::{Heard, Input, To};
use crate::plan::{LATE_MAX, Plan, SERVER_TIMEOUT, Sabotage};
use crate::random::Random;
use crate::world::{Event as Happens, Outside, Time};

use bus::Bus;
use log::{Log, Verdict};

pub mod bus;
pub mod log;

/// The server, and the ways to it.
pub struct Server {
    pub log: Log,
    pub bus: Bus,
    pub links: Vec<Link>,
    pub frozen_until: Time,
    /// Requests that somebody waits for.
    waiting: BTreeMap<u64, (usize, To)>,
    /// When the latest request of a node about a session arrives: the next one does not overtake it.
    arrivals: BTreeMap<(usize, Option<SessionId>), Time>,
    requests: u64,
}

/// One node's way to the server.
#[derive(Debug)]
pub struct Link {
    pub id: NodeId,
    pub cut_until: Time,
    /// The number of the subscription; none while there is none.
    pub subscription: Option<u64>,
    /// Nothing is sent to it, and it does not know.
    pub deaf: bool,
    subscriptions: u64,
    /// When the last news of who attends arrives: those come in order, over one connection.
    attendance_at: Time,
}

/// A request on its way.
#[derive(Debug, Clone)]
pub struct Request {
    id: u64,
    node: usize,
    ask: Ask,
    deadline: Time,
    /// Nobody waits for it any more.
    late: bool,
    /// Of those that arrive together the one that was sent first comes first.
    order: u64,
}

/// Something published, on its way to one who has subscribed.
#[derive(Debug, Clone)]
pub struct Delivery {
    node: usize,
    subscription: u64,
    heard: Heard,
}

/// What is asked of the server.
#[derive(Debug, Clone)]
pub enum Ask {
    Append { session: SessionId, expected: Offset, events: Vec<Event> },
    Read { session: SessionId, after: Offset },
    LatestOf(VisitorId),
    Attend { session: SessionId, visitor: bool },
    Leave(SessionId),
    Adopt { dead: NodeId, live: Vec<NodeId> },
    Bury(NodeId),
    Depart,
    Beat { count: u64, tombstone: u64 },
}

/// What it answers.
#[derive(Debug, Clone)]
pub enum Told {
    Appended,
    Conflict,
    Refused(String),
    /// None if there is no such session.
    Events(Option<Vec<Event>>),
    Latest(Option<(u32, bool)>),
    Attendance(Attendance),
    Done,
    Adopted(Vec<SessionId>),
    Buried {
        tombstone: u64,
    },
    Roll(RollCalled),
}

/// The roll at a moment.
#[derive(Debug, Clone)]
pub struct RollCalled {
    /// How each node has counted.
    pub beats: Vec<(NodeId, u64)>,
    pub gone: Vec<NodeId>,
    pub at: Time,
}

/// The server has not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Away;

impl Server {
    pub fn new(log: Log) -> Self {
        Self {
            log,
            bus: Bus::default(),
            links: Vec::new(),
            frozen_until: 0,
            waiting: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            requests: 0,
        }
    }

    pub fn connect(&mut self, id: NodeId) {
        self.links.push(Link {
            id,
            cut_until: 0,
            subscription: Some(1),
            deaf: false,
            subscriptions: 1,
            attendance_at: 0,
        });
    }

    fn node(&self, id: NodeId) -> Option<usize> {
        self.links.iter().position(|link| link.id == id)
    }

    /// When a node and the server can reach each other.
    fn open_at(&self, node: usize, now: Time) -> Time {
        self.frozen_until.max(self.links[node].cut_until).max(now)
    }
}

impl Ask {
    const fn session(&self) -> Option<SessionId> {
        match self {
            Self::Append { session, .. }
            | Self::Read { session, .. }
            | Self::Attend { session, .. }
            | Self::Leave(session) => Some(*session),
            Self::LatestOf(_)
            | Self::Adopt { .. }
            | Self::Bury(_)
            | Self::Depart
            | Self::Beat { .. } => None,
        }
    }
}

impl Outside {
    /// Asks the server; the answer, or that there was none, comes to `to`.
    pub fn ask(&mut self, node: usize, to: To, ask: Ask) {
        self.server.requests += 1;
        let id = self.server.requests;
        self.server.waiting.insert(id, (node, to));
        let deadline = self.now + SERVER_TIMEOUT;
        self.at(deadline, Happens::Expires(id));
        let arrives = self.now + self.random.between(1, 5);
        let lane = self.server.arrivals.entry((node, ask.session())).or_default();
        *lane = arrives.max(*lane);
        let arrives = *lane;
        let (late, order) = (false, self.order());
        let request = Request { id, node, ask, deadline, late, order };
        self.at_in_order(arrives, order, Happens::Arrives(request));
    }

    /// A request's time is over.
    pub fn expire(&mut self, id: u64) {
        self.answer(id, Err(Away));
    }

    /// A request reaches the server, if nothing is in its way.
    pub fn arrive(&mut self, mut request: Request) {
        if !request.late && !self.server.waiting.contains_key(&request.id) {
            return;
        }
        if request.late && self.is_forgotten(&request) {
            return;
        }
        let open = self.server.open_at(request.node, self.now);
        if open > self.now {
            return self.hold(request, open);
        }
        if !request.late && self.faulty && self.random.percent(self.plan.flaky) {
            return self.go_wrong(request);
        }
        request.late |= !self.server.waiting.contains_key(&request.id);
        let told = self.take_effect(&request);
        let at = self.now + self.random.between(1, 4);
        self.at(at, Happens::Answers(request.id, told));
    }

    /// An answer comes to the node, if nothing is in its way.
    pub fn answers(&mut self, id: u64, told: Told) {
        let Some((node, _)) = self.server.waiting.get(&id) else { return };
        let open = self.server.open_at(*node, self.now);
        if open > self.now {
            return self.at(open + 1, Happens::Answers(id, told));
        }
        self.answer(id, Ok(told));
    }

    fn answer(&mut self, id: u64, told: Result<Told, Away>) {
        if let Some((node, to)) = self.server.waiting.remove(&id) {
            self.input(node, Input::Told(to, told));
        }
    }

    /// A node that attends once more after it has left, and does not know, is left out here: nothing
    /// but the session's next event would show it.
    fn is_forgotten(&self, request: &Request) -> bool {
        let me = self.server.links[request.node].id;
        match request.ask {
            Ask::Attend { session, .. } => !self.server.bus.attendants(session).contains(&me),
            _ => false,
        }
    }

    /// A request waits on the wire: past its time it is dropped, or comes late.
    fn hold(&mut self, mut request: Request, at: Time) {
        if at > request.deadline {
            let too_late = at > request.deadline + LATE_MAX;
            if too_late || !self.random.percent(self.plan.late) {
                return;
            }
            request.late = true;
        }
        self.at_in_order(at, request.order, Happens::Arrives(request));
    }

    fn go_wrong(&mut self, mut request: Request) {
        let retried = matches!(request.ask, Ask::Append { .. });
        match self.random.between(0, 3) {
            // It does not arrive.
            0 => {}
            // It takes effect, and the answer is lost.
            1 => {
                self.take_effect(&request);
            }
            // It takes effect when nobody waits any more.
            2 if self.random.percent(self.plan.late) => {
                let at = request.deadline + self.random.between(1, LATE_MAX);
                request.late = true;
                return self.at(at, Happens::Arrives(request));
            }
            // The connection is lost: the node knows at once.
            _ if !retried => {
                let at = self.now + 1;
                return self.at(at, Happens::Expires(request.id));
            }
            _ => {}
        }
        // The log asks again for as long as somebody waits.
        if retried && self.random.percent(70) {
            let at = self.now + self.random.between(10, 700);
            if at < request.deadline {
                self.at(at, Happens::Arrives(request));
            }
        }
    }

    fn take_effect(&mut self, request: &Request) -> Told {
        let (node, me) = (request.node, self.server.links[request.node].id);
        self.trace(|| format!("server: {me} {:?}{}", request.ask, late(request)));
        match request.ask.clone() {
            Ask::Append { session, expected, events } => {
                self.append((session, request.id), expected, events, me)
            }
            Ask::Read { session, after } => Told::Events(self.server.log.read(session, after)),
            Ask::LatestOf(visitor) => Told::Latest(self.server.log.latest(visitor)),
            Ask::Attend { session, visitor } => {
                let changed = self.server.bus.attend(session, me, visitor, request.id);
                let attendance = self.attendance(session);
                if changed {
                    self.tell_attendants(&attendance, me);
                }
                Told::Attendance(attendance)
            }
            Ask::Leave(session) => {
                if self.server.bus.leave(session, me, request.id) {
                    let attendance = self.attendance(session);
                    self.tell_attendants(&attendance, me);
                }
                Told::Attendance(self.attendance(session))
            }
            Ask::Adopt { dead, live } => {
                let (given, lost) = self.server.bus.adopt(dead, me, &live);
                for session in lost {
                    let attendance = self.attendance(session);
                    // The heir too: it may be told of the dead one's coming by others before.
                    for node in self.server.bus.attendants(session).into_iter().chain([dead]) {
                        self.publish(node, &Heard::Attendance(attendance.clone()));
                    }
                }
                Told::Adopted(given)
            }
            Ask::Bury(dead) => {
                self.server.bus.bury(dead);
                Told::Done
            }
            Ask::Depart => {
                self.server.bus.depart(me);
                Told::Done
            }
            Ask::Beat { count, tombstone } => {
                let before = self.server.bus.count(me);
                match self.server.bus.beat(me, count, tombstone) {
                    Some(tombstone) => Told::Buried { tombstone },
                    None => {
                        // One that comes late tells nobody that the node lives.
                        if before < count {
                            self.check.beat(node, self.now);
                        }
                        let (beats, gone) = (self.server.bus.roll(), self.server.bus.gone());
                        Told::Roll(RollCalled { beats, gone, at: self.now })
                    }
                }
            }
        }
    }

    fn append(
        &mut self,
        (session, id): (SessionId, u64),
        expected: Offset,
        events: Vec<Event>,
        me: NodeId,
    ) -> Told {
        let verdict = self.server.log.append((session, id), expected, events, self.now);
        self.trace(|| format!("  {verdict:?}"));
        match verdict {
            Verdict::Made(events) => {
                self.check.appended(&self.server.log.sessions[&session], &events);
                let after = self.server.log.end(session, expected);
                for node in self.server.bus.attendants(session) {
                    if node != me {
                        let events = events.clone();
                        self.publish(node, &Heard::Events { session, after, events });
                    }
                }
                Told::Appended
            }
            Verdict::MadeBefore => Told::Appended,
            Verdict::Conflict => Told::Conflict,
            Verdict::Refused(why) => Told::Refused(why),
        }
    }

    fn attendance(&self, session: SessionId) -> Attendance {
        let log = &self.server.log;
        self.server.bus.attendance(session, log.end(session, log.head(session)))
    }

    fn tell_attendants(&mut self, attendance: &Attendance, but: NodeId) {
        for node in attendance.others(but).collect::<Vec<_>>() {
            self.publish(node, &Heard::Attendance(attendance.clone()));
        }
    }

    /// What one node sends another; it may be lost on its way to the server.
    pub fn send(&mut self, from: usize, to: NodeId, message: &Message) {
        if self.faulty && self.random.percent(self.plan.lost) {
            return;
        }
        let at = self.now + self.random.between(1, 3);
        self.at(at, Happens::Published { from, to, message: message.clone() });
    }

    pub fn published(&mut self, from: usize, to: NodeId, message: Message) {
        let open = self.server.open_at(from, self.now);
        if open == self.now {
            let from = self.server.links[from].id;
            self.publish(to, &Heard::Message { from, message: Box::new(message) });
        } else if open < self.now + SERVER_TIMEOUT {
            self.at(open + 1, Happens::Published { from, to, message });
        }
    }

    pub fn publish(&mut self, to: NodeId, heard: &Heard) {
        let Some(node) = self.server.node(to) else { return };
        let link = &mut self.server.links[node];
        let Some(subscription) = link.subscription.filter(|_| !link.deaf) else { return };
        let mut at = self.now + delay(&mut self.random, &self.plan, self.faulty);
        let in_order = matches!(heard, Heard::Attendance(_));
        if in_order {
            at = at.max(link.attendance_at);
            link.attendance_at = at;
        }
        let (delivery, order) =
            (Delivery { node, subscription, heard: heard.clone() }, self.order());
        self.at_in_order(at, order, Happens::Delivered(delivery.clone(), order));
        if !in_order && self.faulty && self.random.percent(self.plan.doubled) {
            let again = at + self.random.between(0, 300);
            let order = self.order();
            self.at_in_order(again, order, Happens::Delivered(delivery, order));
        }
    }

    /// A node sends itself a canary.
    pub fn send_canary(&mut self, node: usize, number: u64) {
        let id = self.server.links[node].id;
        let open = self.server.open_at(node, self.now);
        if open == self.now {
            self.publish(id, &Heard::Canary(number));
        } else if open < self.now + SERVER_TIMEOUT {
            self.at(open + 1, Happens::CanaryFlies { node, number });
        }
    }

    /// Appends what a bot says, whoever is in control.
    pub fn append_unasked(
        &mut self,
        session: SessionId,
        name: &str,
        (epoch, turn): (Epoch, Offset),
        text: &str,
    ) {
        let (author, offset) =
            (Author::Bot { name: name.into() }, self.server.log.head(session) + 1);
        let (text, turn) = (text.to_owned(), Some(turn));
        let message = ChatMessage { text, epoch, key: None, turn, choices: vec![] };
        let time = self.server.log.sessions.get(&session).map_or(0, |s| s.now().latest());
        let event = Event { offset, time, author, body: EventBody::Message(message) };
        self.append((session, 0), offset - 1, vec![event], NodeId(0));
    }

    /// Something that was published comes to the node, if nothing is in its way.
    pub fn deliver(&mut self, delivery: Delivery, order: u64) {
        let link = &self.server.links[delivery.node];
        if link.subscription != Some(delivery.subscription) {
            return;
        }
        let open = link.cut_until;
        if open > self.now {
            return self.at_in_order(open, order, Happens::Delivered(delivery, order));
        }
        self.input(delivery.node, Input::Heard(delivery.heard));
    }

    /// A node gives up the connection that it hears by.
    pub fn unsubscribe(&mut self, node: usize) {
        self.server.links[node].subscription = None;
    }

    /// A node tries to hear again; the number of its subscription if it does.
    pub fn subscribe(&mut self, node: usize) -> Option<u64> {
        if self.server.open_at(node, self.now) > self.now {
            return None;
        }
        let link = &mut self.server.links[node];
        link.subscriptions += 1;
        link.subscription = Some(link.subscriptions);
        link.deaf = false;
        link.attendance_at = 0;
        link.subscription
    }
}

fn delay(random: &mut Random, plan: &Plan, faulty: bool) -> Time {
    if faulty && random.percent(plan.slow) { random.between(20, 400) } else { random.between(1, 8) }
}

fn late(request: &Request) -> &'static str {
    if request.late { " (late)" } else { "" }
}

impl Server {
    pub fn of(plan: &Plan, settings: vigie::core::site::SiteSettings) -> Self {
        let unfenced = plan.sabotage == Some(Sabotage::FenceIgnoresOffset);
        Self::new(Log::new(std::sync::Arc::new(settings), unfenced))
    }
}
