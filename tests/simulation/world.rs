//! One world, made from one seed: its time is what is written on the next thing to happen.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use vigie::cluster::message::Message;
use vigie::core::cluster::NodeId;
use vigie::core::site::{BotKind, LeaseEnd, SiteSettings};

use crate::check::Check;
use crate::clients::{Client, ClientId, FromNode, ToNode};
use crate::node::{Input, Node};
use crate::plan::{ACTIVE, CANARY_EVERY, Plan, QUIET, Sabotage, Strike};
use crate::random::Random;
use crate::server::{Delivery, Request, Server, Told};

/// Simulated milliseconds since the world began.
pub type Time = u64;

/// Names a connection between a client and a node.
pub type Connection = u64;

/// How many steps are remembered when a run has failed.
const TRACE_MAX: usize = 400;

/// The most things that happen in one world: with more, it never comes to rest.
const STEPS_MAX: u64 = 400_000;

/// Something that happens.
pub enum Event {
    /// To a node.
    To(usize, Input),
    /// A request reaches the server.
    Arrives(Request),
    Answers(u64, Told),
    Expires(u64),
    Published {
        from: usize,
        to: NodeId,
        message: Message,
    },
    /// With its place among all that comes at one time.
    Delivered(Delivery, u64),
    CanaryFlies {
        node: usize,
        number: u64,
    },
    /// A client's words reach its node.
    Said(Connection, ToNode),
    /// A node's words reach its client.
    Heard(Connection, FromNode),
    Wakes(ClientId),
    Strikes(Strike),
    Resumes(usize),
    Starts,
}

struct Scheduled {
    at: Time,
    serial: u64,
    event: Event,
}

/// All but nodes and clients.
pub struct Outside {
    pub now: Time,
    pub random: Random,
    pub plan: Plan,
    pub server: Server,
    pub check: Check,
    /// Whether things still go wrong.
    pub faulty: bool,
    pub wires: BTreeMap<Connection, Wire>,
    connections: u64,
    queue: BinaryHeap<Reverse<Scheduled>>,
    serial: u64,
    told: Option<VecDeque<String>>,
}

/// A connection between a client and a node: what is said on it comes in order.
#[derive(Debug)]
pub struct Wire {
    pub client: ClientId,
    pub node: usize,
    there: Time,
    back: Time,
}

pub struct World {
    pub outside: Outside,
    pub nodes: Vec<Node>,
    pub clients: Vec<Client>,
}

/// Why a run is not right.
#[derive(Debug)]
pub struct Failure {
    pub at: Time,
    pub why: String,
    pub trace: Vec<String>,
}

/// What a run has seen.
#[derive(Debug, Default, Clone, Copy)]
pub struct Seen {
    pub steps: u64,
    pub events: u64,
    pub answers: u64,
    pub conflicts: u64,
    pub strikes: u64,
}

impl Seen {
    pub const fn add(&mut self, other: Self) {
        self.steps += other.steps;
        self.events += other.events;
        self.answers += other.answers;
        self.conflicts += other.conflicts;
        self.strikes += other.strikes;
    }
}

/// Runs one world to its end.
pub fn run(seed: u64, sabotage: Option<Sabotage>, trace: bool) -> Result<Seen, Failure> {
    let mut world = World::new(seed, sabotage, trace);
    world.run().map_err(|(at, why)| {
        let trace = world.outside.told.take().unwrap_or_default().into();
        Failure { at, why, trace }
    })
}

impl World {
    fn new(seed: u64, sabotage: Option<Sabotage>, trace: bool) -> Self {
        let mut random = Random::new(seed);
        let plan = Plan::of(&mut random, sabotage);
        let settings = SiteSettings {
            bot: if plan.knowledge { BotKind::Knowledge } else { BotKind::Peer },
            lease_end: if plan.reoffer { LeaseEnd::Reoffer } else { LeaseEnd::Bot },
            ..SiteSettings::default()
        };
        let outside = Outside {
            now: 1,
            random,
            server: Server::of(&plan, settings),
            check: Check::new(plan.node_timeout),
            faulty: true,
            wires: BTreeMap::new(),
            connections: 0,
            queue: BinaryHeap::new(),
            serial: 0,
            told: trace.then(VecDeque::new),
            plan,
        };
        let mut world = Self { outside, nodes: Vec::new(), clients: Vec::new() };
        world.outside.trace_plan(seed);
        for _ in 0..world.outside.plan.nodes {
            world.start_node();
        }
        world.clients = Client::all(&mut world.outside);
        for (at, strike) in world.outside.plan.strikes.clone() {
            world.outside.at(at, Event::Strikes(strike));
        }
        world
    }

    fn run(&mut self) -> Result<Seen, (Time, String)> {
        let mut seen = Seen::default();
        self.run_until(ACTIVE, &mut seen)?;
        self.heal();
        self.run_until(ACTIVE + QUIET, &mut seen)?;
        crate::check::rest::all_is_well(self).map_err(|why| (self.outside.now, why))?;
        let sessions = self.outside.server.log.sessions.values();
        seen.events = sessions.map(|stored| stored.head()).sum();
        (seen.answers, seen.conflicts) = self.outside.check.counts();
        Ok(seen)
    }

    fn run_until(&mut self, end: Time, seen: &mut Seen) -> Result<(), (Time, String)> {
        while let Some(Reverse(next)) = self.outside.queue.peek()
            && next.at <= end
        {
            let Some(Reverse(next)) = self.outside.queue.pop() else { break };
            self.outside.now = next.at;
            seen.steps += 1;
            seen.strikes += u64::from(matches!(next.event, Event::Strikes(_)));
            self.happen(next.event);
            if let Some(why) = self.outside.check.broken() {
                return Err((self.outside.now, why));
            }
            if seen.steps > STEPS_MAX {
                return Err((self.outside.now, format!("more than {STEPS_MAX} steps")));
            }
        }
        self.outside.now = end;
        Ok(())
    }

    fn happen(&mut self, event: Event) {
        let outside = &mut self.outside;
        match event {
            Event::To(node, input) => self.nodes[node].take(input, outside),
            Event::Arrives(request) => outside.arrive(request),
            Event::Answers(id, told) => outside.answers(id, told),
            Event::Expires(id) => outside.expire(id),
            Event::Published { from, to, message } => {
                if self.nodes[from].alive {
                    outside.published(from, to, message);
                }
            }
            Event::Delivered(delivery, order) => outside.deliver(delivery, order),
            Event::CanaryFlies { node, number } => outside.send_canary(node, number),
            Event::Said(connection, said) => {
                if let Some(wire) = outside.wires.get(&connection) {
                    let input = Input::Client(connection, said);
                    self.nodes[wire.node].take(input, outside);
                }
            }
            Event::Heard(connection, heard) => {
                if let Some(client) = outside.wires.get(&connection).map(|wire| wire.client) {
                    self.clients[client].hear(connection, heard, outside);
                }
            }
            Event::Wakes(client) => {
                let live = self.live_nodes();
                self.clients[client].wake(&live, &mut self.outside);
            }
            Event::Strikes(strike) => self.strike(strike),
            Event::Resumes(node) => self.nodes[node].resume(outside),
            Event::Starts => self.start_node(),
        }
    }

    /// The nodes that a balancer would send a client to.
    fn live_nodes(&self) -> Vec<usize> {
        let open = |node: &&Node| node.alive && !node.core.draining;
        self.nodes.iter().filter(open).map(|node| node.index).collect()
    }

    fn start_node(&mut self) {
        let node = Node::start(self.nodes.len(), &mut self.outside);
        self.nodes.push(node);
    }

    fn strike(&mut self, strike: Strike) {
        let live = self.live_nodes();
        let outside = &mut self.outside;
        let Some(node) = outside.random.pick(&live) else { return };
        outside.trace(|| format!("STRIKE on node {node}: {strike:?}"));
        let now = outside.now;
        let until = |time: Time| (now + time).min(ACTIVE);
        match strike {
            Strike::Crash { back_after } => {
                self.crash(node);
                self.outside.at(now + back_after, Event::Starts);
            }
            Strike::Replace => {
                self.start_node();
                self.nodes[node].drain(&mut self.outside);
            }
            Strike::Pause { time, unsubscribed } => {
                if unsubscribed {
                    outside.unsubscribe(node);
                }
                self.nodes[node].paused_until = Some(until(time));
                outside.at(until(time), Event::Resumes(node));
                outside.lose_clients(node, (500, 4_000));
            }
            Strike::Cut { time } => outside.server.links[node].cut_until = until(time),
            Strike::Deafen => outside.server.links[node].deaf = true,
            Strike::Unsubscribe => {
                outside.unsubscribe(node);
                outside.input(node, Input::Unsubscribed);
            }
            Strike::Freeze { time } => outside.server.frozen_until = until(time),
        }
    }

    fn crash(&mut self, node: usize) {
        self.nodes[node].alive = false;
        self.outside.unsubscribe(node);
        self.outside.lose_clients(node, (5, 3_000));
    }

    /// From now on nothing goes wrong any more.
    fn heal(&mut self) {
        self.outside.trace(|| "NOTHING GOES WRONG FROM HERE ON".to_owned());
        self.outside.faulty = false;
        for node in 0..self.nodes.len() {
            if self.nodes[node].paused_until.is_some() {
                self.nodes[node].resume(&mut self.outside);
            }
        }
        if self.live_nodes().is_empty() {
            self.start_node();
        }
        for client in &mut self.clients {
            client.settle(&mut self.outside);
        }
    }
}

impl Outside {
    pub fn at(&mut self, at: Time, event: Event) {
        let serial = self.order();
        self.at_in_order(at, serial, event);
    }

    /// Names a place among all that happens at one time.
    pub const fn order(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub fn at_in_order(&mut self, at: Time, serial: u64, event: Event) {
        self.queue.push(Reverse(Scheduled { at, serial, event }));
    }

    /// Something comes to a node now, after what is already on its way to it now.
    pub fn input(&mut self, node: usize, input: Input) {
        self.at(self.now, Event::To(node, input));
    }

    pub fn input_after(&mut self, node: usize, delay: Time, input: Input) {
        self.at(self.now + delay, Event::To(node, input));
    }

    /// What is remembered is told only of a run that is looked at.
    pub fn trace(&mut self, told: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.told {
            let line = format!("{:>6} {}", self.now, told());
            if std::env::var_os(crate::SEED).is_some() {
                println!("{line}");
            }
            if trace.len() == TRACE_MAX {
                trace.pop_front();
            }
            trace.push_back(line);
        }
    }

    fn trace_plan(&mut self, seed: u64) {
        let plan = format!("seed {seed}: {:?}", self.plan);
        self.trace(|| plan);
    }

    /// A client opens a connection to a node.
    pub fn open(&mut self, client: ClientId, node: usize, hello: ToNode) -> Connection {
        self.connections += 1;
        let connection = self.connections;
        self.wires.insert(connection, Wire { client, node, there: 0, back: 0 });
        self.say(connection, hello);
        connection
    }

    /// A client says something.
    pub fn say(&mut self, connection: Connection, said: ToNode) {
        let delay = self.random.between(1, 10);
        let Some(wire) = self.wires.get_mut(&connection) else { return };
        wire.there = wire.there.max(self.now + delay);
        let at = wire.there;
        self.at(at, Event::Said(connection, said));
    }

    /// A node says something to a client.
    pub fn reply(&mut self, connection: Connection, said: FromNode) {
        let delay = self.random.between(1, 10);
        let Some(wire) = self.wires.get_mut(&connection) else { return };
        wire.back = wire.back.max(self.now + delay);
        let at = wire.back;
        self.at(at, Event::Heard(connection, said));
    }

    /// The clients of a node find out by themselves that it does not answer.
    pub fn lose_clients(&mut self, node: usize, (soon, late): (Time, Time)) {
        let own = self.wires.iter().filter(|(_, wire)| wire.node == node);
        for connection in own.map(|(connection, _)| *connection).collect::<Vec<_>>() {
            let at = self.now + self.random.between(soon, late);
            self.at(at, Event::Heard(connection, FromNode::Closed));
        }
    }
}

/// When canaries fly is not the same on all nodes.
pub fn first_canary(random: &mut Random) -> Time {
    random.between(1, CANARY_EVERY)
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.serial).cmp(&(other.at, other.serial))
    }
}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.serial) == (other.at, other.serial)
    }
}

impl Eq for Scheduled {}
