//! What can happen between the nodes, the log and the clients, one thing at a time.

use stateright::{Model, Property, Representative};
use vigie::core::decide::{Command, Decision, decide};
use vigie::core::effect::Wants;
use vigie::core::session::Session;
use vigie_protocol::event::{Author, ChatMessage, Epoch, Event, EventBody, Offset};
use vigie_protocol::method::Done;

use crate::clients::{CLIENTS, Client, MOVES_MAX, Move};
use crate::log::Log;
use crate::rules;

/// The machine under check, whole or with a fault.
pub struct Machine {
    pub bounds: Bounds,
    pub fault: Option<Fault>,
}

/// How far a check goes: within these it is exhaustive.
pub struct Bounds {
    pub nodes: usize,
    /// How long the log may grow.
    pub events: Offset,
    /// How many nodes may crash.
    pub crashes: u8,
    /// How many leases may run out.
    pub expiries: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Events are appended wherever the log ends, under the next offsets.
    LogIgnoresExpectedOffset,
    /// Whatever the bot says is appended, at the expected offset.
    BotIsNotFenced,
    /// The epoch is not the one that the bot was asked under, but the one in force.
    GatewayStampsEpoch,
}

/// All that distinguishes one moment of the machine from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub log: Log,
    nodes: Vec<Node>,
    /// How each client's moves were answered.
    outcomes: [[Outcome; MOVES_MAX]; CLIENTS.len()],
    crashes: u8,
    expiries: u8,
    /// A move that was carried out, but whose answer a crash has swallowed.
    pub unheard: Option<Move>,
}

/// A node: how much of the log it has folded (0 after a crash), and what it is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    at: Offset,
    work: Option<(Request, Stage)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The append is on its way to the log, decided on the node's fold.
    Appending,
    /// It is in the log, and the answer on its way to the client.
    Answering(Receipt),
}

/// What a client is answered: where it stands in the log, under which epoch.
pub type Receipt = (Offset, Epoch);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    Open,
    Acknowledged(Receipt),
    Refused,
}

/// Something that a node is asked to do, by whomever; sent again it is the same request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request {
    /// The next move of a client's script.
    Move(Move),
    /// The bot's answer to a turn that it was asked under an epoch.
    Answer(Epoch, Offset),
    /// The lease on an epoch has run out.
    Expire(Epoch),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A node gets a request, decides it on its fold and sends what it appends on its way.
    Deliver(usize, Request),
    /// An append reaches the log: it is taken, or conflicts and is decided again.
    Append(usize),
    /// An answer reaches its client.
    Answer(usize),
    /// A node learns of the next event; after a crash, of all.
    Learn(usize),
    /// A node loses its fold and whatever it was at.
    Crash(usize),
}

impl Model for Machine {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let log = Log::started();
        vec![State {
            nodes: vec![Node { at: log.head(), work: None }; self.bounds.nodes],
            log,
            outcomes: [[Outcome::Open; MOVES_MAX]; CLIENTS.len()],
            crashes: 0,
            expiries: 0,
            unheard: None,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let moves: Vec<_> =
            CLIENTS.into_iter().filter_map(|client| state.next_move(client)).collect();
        let answers = state.log.asked();
        for (index, node) in state.nodes.iter().enumerate() {
            match node.work {
                Some((_, Stage::Appending)) => actions.push(Action::Append(index)),
                Some((_, Stage::Answering(_))) => actions.push(Action::Answer(index)),
                None if node.at == 0 => {}
                None => {
                    let lease = Wants::of(&state.log.at(node.at).session).lease;
                    let expired = lease.filter(|_| state.expiries < self.bounds.expiries);
                    let requests = moves
                        .iter()
                        .map(|step| Request::Move(*step))
                        .chain(answers.iter().map(|(epoch, turn)| Request::Answer(*epoch, *turn)))
                        .chain(expired.map(|(_, epoch)| Request::Expire(epoch)));
                    actions.extend(requests.map(|request| Action::Deliver(index, request)));
                }
            }
            if node.work.is_none() && node.at < state.log.head() {
                actions.push(Action::Learn(index));
            }
            if node.at > 0 && state.crashes < self.bounds.crashes {
                actions.push(Action::Crash(index));
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::Deliver(node, request) => {
                if let Request::Expire(_) = request {
                    next.expiries += 1;
                }
                self.decide(&mut next, node, request);
            }
            Action::Append(node) => {
                let (request, _) = next.nodes[node].work?;
                self.append(&mut next, node, request);
            }
            Action::Answer(node) => {
                let (request, Stage::Answering(done)) = next.nodes[node].work.take()? else {
                    return None;
                };
                next.hear(request, Outcome::Acknowledged(done));
            }
            Action::Learn(node) => {
                let Node { at, .. } = &mut next.nodes[node];
                *at = if *at == 0 { state.log.head() } else { *at + 1 };
            }
            Action::Crash(node) => {
                if let Some((Request::Move(step), Stage::Answering(_))) = next.nodes[node].work {
                    next.unheard = Some(step);
                }
                next.nodes[node] = Node { at: 0, work: None };
                next.crashes += 1;
            }
        }
        (next != *state).then_some(next)
    }

    fn within_boundary(&self, state: &State) -> bool {
        state.log.head() <= self.bounds.events
    }

    fn properties(&self) -> Vec<Property<Self>> {
        rules::all()
    }
}

impl Machine {
    /// A node decides a request on what it has folded.
    fn decide(&self, state: &mut State, node: usize, request: Request) {
        let prefix = state.log.at(state.nodes[node].at);
        let outcome = match self.decision(&prefix.session, request) {
            Ok(Decision { events, .. }) if !events.is_empty() => {
                state.nodes[node].work = Some((request, Stage::Appending));
                return;
            }
            Ok(Decision { done, .. }) => Outcome::Acknowledged((done.offset, done.epoch)),
            Err(_) => Outcome::Refused,
        };
        state.nodes[node].work = None;
        state.hear(request, outcome);
    }

    /// The fence: the log takes an append at the expected offset only. Whoever loses gets what they
    /// had missed, and decides again.
    fn append(&self, state: &mut State, node: usize, request: Request) {
        let (expected, head) = (state.nodes[node].at, state.log.head());
        if expected < head && self.fault != Some(Fault::LogIgnoresExpectedOffset) {
            state.nodes[node].at = head;
            self.decide(state, node, request);
            return;
        }
        let session = &state.log.at(expected).session;
        let Decision { mut events, done } =
            self.decision(session, request).expect("it was decided before");
        for (event, offset) in events.iter_mut().zip(head + 1..) {
            if self.fault == Some(Fault::LogIgnoresExpectedOffset) {
                event.offset = offset;
            }
        }
        state.log.append(events);
        let stage = Stage::Answering((done.offset, done.epoch));
        state.nodes[node] = Node { at: state.log.head(), work: Some((request, stage)) };
    }

    fn decision(&self, session: &Session, request: Request) -> Result<Decision, ()> {
        let command = match (request, self.fault) {
            (Request::Move((client, number)), _) => client.command(number),
            (Request::Answer(epoch, turn), Some(Fault::BotIsNotFenced)) => {
                return Ok(said_by_the_bot(session, epoch, turn));
            }
            (Request::Answer(asked, turn), fault) => {
                let text = answer(asked, turn);
                let epoch = match fault {
                    Some(Fault::GatewayStampsEpoch) => session.epoch(),
                    _ => asked,
                };
                Command::Answer { name: "Bot".into(), epoch, turn, text, choices: vec![] }
            }
            (Request::Expire(epoch), _) => {
                let operator =
                    session.holder().cloned().unwrap_or_else(|| Client::Ann.operator().id);
                Command::ExpireLease { operator, epoch }
            }
        };
        decide(session, command, 0).map_err(|_| ())
    }
}

/// What a bot says that asks nobody.
fn said_by_the_bot(session: &Session, asked: Epoch, turn: Offset) -> Decision {
    let (offset, epoch) = (session.head() + 1, session.epoch());
    let text = answer(asked, turn);
    let said = ChatMessage { text, epoch, key: None, turn: Some(turn), choices: vec![] };
    let (author, body) = (Author::Bot { name: "Bot".into() }, EventBody::Message(said));
    let events = vec![Event { offset, time: 0, author, body }];
    Decision { events, done: Done { offset, epoch } }
}

/// What the bot answers: it tells which turn it was asked, and under which epoch.
pub fn answer(epoch: Epoch, turn: Offset) -> String {
    format!("to turn {turn} of epoch {epoch}")
}

/// No node is unlike another: states that differ in their order only are one.
impl Representative for State {
    fn representative(&self) -> Self {
        let mut state = self.clone();
        state.nodes.sort_unstable();
        state
    }
}

impl State {
    /// The move that a client is at: it is sent, perhaps to several nodes, until it is answered. A
    /// client that is refused gives up.
    fn next_move(&self, client: Client) -> Option<Move> {
        let outcomes = &self.outcomes[client as usize][..client.script().len()];
        let number =
            outcomes.iter().position(|outcome| !matches!(outcome, Outcome::Acknowledged(_)))?;
        (outcomes[number] == Outcome::Open).then_some((client, number))
    }

    /// A client hears the first answer to each of its moves; what comes later is ignored.
    fn hear(&mut self, request: Request, outcome: Outcome) {
        if let Request::Move((client, number)) = request {
            let heard = &mut self.outcomes[client as usize][number];
            if *heard == Outcome::Open {
                *heard = outcome;
            }
        }
    }

    pub fn acknowledged(&self) -> impl Iterator<Item = (Move, Receipt)> {
        CLIENTS.into_iter().flat_map(move |client| {
            let outcomes = self.outcomes[client as usize].iter().enumerate();
            outcomes.filter_map(move |(number, outcome)| match outcome {
                Outcome::Acknowledged(receipt) => Some(((client, number), *receipt)),
                _ => None,
            })
        })
    }

    /// Appends on their way that come too late, and what stands in the log in their place.
    pub fn overtaken(&self) -> impl Iterator<Item = (Request, &Event)> {
        self.nodes.iter().filter_map(|node| match node.work {
            Some((request, Stage::Appending)) if node.at < self.log.head() => self
                .log
                .events()
                .find(|(before, _)| before.head() == node.at)
                .map(|(_, event)| (request, event)),
            _ => None,
        })
    }
}
