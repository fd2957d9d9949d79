//! What must be true at every moment, of every event and every answer.

use std::collections::{BTreeMap, BTreeSet};

use vigie::core::decide::{Command, Refusal, decide};
use vigie_protocol::event::{Author, Epoch, Event, EventBody, Holder, Millis, Offset};
use vigie_protocol::id::{Key, OperatorId, SessionId, SiteId};

use crate::clients::{Error, Outcome, RequestId};
use crate::server::log::{Log, Stored};
use crate::world::{Outside, Time};

pub mod rest;

/// What has been seen, and the first thing that was not right.
pub struct Check {
    broken: Option<String>,
    requests: BTreeMap<RequestId, Asked>,
    named: RequestId,
    answers: u64,
    conflicts: u64,
    rules: BTreeMap<SessionId, Rules>,
    beats: BTreeMap<usize, Vec<Time>>,
    node_timeout: Time,
}

/// A command without an answer.
struct Asked {
    session: SessionId,
    command: Command,
    at: Time,
}

/// A session as an onlooker keeps it, who trusts no fold.
#[derive(Default)]
struct Rules {
    head: Offset,
    time: Millis,
    epoch: Epoch,
    holder: Option<OperatorId>,
    /// The visitor's last question.
    question: Offset,
    answered: BTreeSet<Offset>,
    /// Turns that the bot has given up: another epoch may open one again.
    failed: BTreeSet<(Epoch, Offset)>,
    keys: BTreeSet<(Option<OperatorId>, Key)>,
    closed: bool,
}

impl Check {
    pub const fn new(node_timeout: Time) -> Self {
        Self {
            broken: None,
            requests: BTreeMap::new(),
            named: 0,
            answers: 0,
            conflicts: 0,
            rules: BTreeMap::new(),
            beats: BTreeMap::new(),
            node_timeout,
        }
    }

    pub fn fail(&mut self, why: impl Into<String>) {
        self.broken.get_or_insert(why.into());
    }

    pub fn broken(&mut self) -> Option<String> {
        self.broken.take()
    }

    pub const fn counts(&self) -> (u64, u64) {
        (self.answers, self.conflicts)
    }

    pub const fn conflict(&mut self) {
        self.conflicts += 1;
    }

    /// Names a request.
    pub const fn request(&mut self) -> RequestId {
        self.named += 1;
        self.named
    }

    pub fn asked(&mut self, request: RequestId, session: SessionId, command: Command, at: Time) {
        self.requests.insert(request, Asked { session, command, at });
    }

    pub fn beat(&mut self, node: usize, at: Time) {
        self.beats.entry(node).or_default().push(at);
    }

    /// A node is taken for dead by a roll that was called at `at`. Only who has been silent may be.
    pub fn taken_for_dead(&mut self, node: Option<usize>, buried: bool, at: Time) {
        let beats = node.and_then(|node| self.beats.get(&node));
        let last = beats.into_iter().flatten().rfind(|beat| **beat < at).copied();
        let last = last.unwrap_or_default();
        // A look may count for two beats' time, however late it is made.
        let silent = self.node_timeout - 2 * self.node_timeout / 5;
        if !buried && at - last < silent {
            let ago = at - last;
            self.fail(format!("node {node:?} gave a sign of life {ago} ms before it was dead"));
        }
    }

    /// Events are in the log from now on.
    pub fn appended(&mut self, stored: &Stored, events: &[Event]) {
        let session = SessionId::nth(stored.visitor, stored.ordinal);
        let rules = self.rules.entry(session).or_default();
        for event in events {
            if let Err(why) = rules.follow(event) {
                self.broken.get_or_insert(format!("{session} {event:?}: {why}"));
            }
        }
    }

    /// An answer must have been true at some moment between the request and now.
    fn judge(&mut self, log: &Log, request: RequestId, outcome: &Outcome) {
        let Some(asked) = self.requests.remove(&request) else {
            return self.fail(format!("request {request} was answered twice"));
        };
        self.answers += 1;
        let outcome = match outcome {
            Ok(done) => Ok(*done),
            Err(Error::Refused(refusal)) => Err(refusal.clone()),
            Err(_) => return,
        };
        let Some(stored) = log.sessions.get(&asked.session) else {
            if outcome != Err(Refusal::Unknown) {
                self.fail(format!("{:?} was answered with {outcome:?}", asked.command));
            }
            return;
        };
        let true_at = |offset: Offset| {
            let decided = decide(&stored.folds[offset as usize], asked.command.clone(), 0);
            match (&outcome, decided) {
                (Ok(done), Ok(decision)) => {
                    let events = &stored.events[offset as usize..];
                    let same = |(mine, there): (&Event, &Event)| {
                        mine.author == there.author && mine.body == there.body
                    };
                    decision.done == *done
                        && decision.events.len() <= events.len()
                        && decision.events.iter().zip(events).all(same)
                }
                (Err(refusal), Err(refused)) => *refusal == refused,
                _ => false,
            }
        };
        let mut moments = stored.head_at(asked.at)..=stored.head();
        if !moments.any(true_at) {
            let (from, to) = (stored.head_at(asked.at), stored.head());
            self.fail(format!(
                "{:?} of {} was answered with {outcome:?}: at no moment from {from} to {to} was that so",
                asked.command, asked.session
            ));
        }
    }
}

impl Outside {
    pub fn judge(&mut self, request: RequestId, outcome: &Outcome) {
        self.check.judge(&self.server.log, request, outcome);
    }
}

impl Rules {
    fn follow(&mut self, event: &Event) -> Result<(), &'static str> {
        must(event.offset == self.head + 1, "offsets have no gap")?;
        must(event.time >= self.time, "a log's time goes on")?;
        (self.head, self.time) = (event.offset, event.time);
        let last = matches!(event.body, EventBody::SessionRated(_));
        must(!self.closed || last, "nothing follows the end")?;
        match &event.body {
            EventBody::SessionStarted { .. } => {
                must(event.offset == 1, "a session starts once")?;
                self.epoch = 1;
            }
            EventBody::ControlChanged(change) => {
                must(change.epoch == self.epoch + 1, "epochs rise one by one")?;
                let previous = operator_of(&change.previous);
                must(previous == self.holder, "control goes on from who had it")?;
                self.epoch = change.epoch;
                self.holder = operator_of(&change.holder);
            }
            EventBody::Message(message) => {
                must(message.epoch == self.epoch, "what is said is under the epoch in force")?;
                match &event.author {
                    Author::Visitor {} => self.question = event.offset,
                    Author::Operator { id, .. } => {
                        must(id.is_some() && *id == self.holder, "only the holder replies")?;
                    }
                    Author::Bot { .. } => {
                        must(self.holder.is_none(), "the bot is silent under a human's epoch")?;
                        let turn = message.turn.unwrap_or_default();
                        must(turn == self.question, "the bot answers the last question")?;
                        must(self.answered.insert(turn), "a turn is answered once")?;
                        let failed = self.failed.contains(&(self.epoch, turn));
                        must(!failed, "a turn that was given up is not answered")?;
                    }
                    Author::System {} | Author::Unknown => return Err("nobody has said it"),
                }
                self.use_key(&event.author, message.key.as_ref())?;
            }
            EventBody::Note { key, .. } => self.use_key(&event.author, key.as_ref())?,
            EventBody::BotFailed { epoch, turn, .. } => {
                must(self.holder.is_none() && *epoch == self.epoch, "the bot was in control")?;
                must(!self.answered.contains(turn), "a turn that was answered does not fail")?;
                must(self.failed.insert((*epoch, *turn)), "a turn fails once")?;
            }
            EventBody::SessionClosed { .. } => self.closed = true,
            _ => {}
        }
        Ok(())
    }

    fn use_key(&mut self, author: &Author, key: Option<&Key>) -> Result<(), &'static str> {
        let id = match author {
            Author::Operator { id, .. } => id.clone(),
            _ => None,
        };
        match key {
            Some(key) => must(self.keys.insert((id, key.clone())), "nothing is said twice"),
            None => Ok(()),
        }
    }
}

fn operator_of(holder: &Holder) -> Option<OperatorId> {
    match holder {
        Holder::Operator { id, .. } => id.clone(),
        Holder::Bot {} => None,
    }
}

fn must(so: bool, rule: &'static str) -> Result<(), &'static str> {
    if so { Ok(()) } else { Err(rule) }
}

/// The one site of all worlds.
pub fn site() -> SiteId {
    "shop".parse().unwrap_or_else(|_| panic!("a site's name"))
}
