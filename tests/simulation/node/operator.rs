//! One human over all their connections: as `src/actors/operator.rs`.

use std::collections::{BTreeMap, BTreeSet};

use vigie::actors::noticeboard::Entry;
use vigie::cluster::message::{Person, Who};
use vigie::core::decide::{Command, Operator};
use vigie_protocol::event::{Epoch, Millis};
use vigie_protocol::id::{OperatorId, SessionId};
use vigie_protocol::method::{Intent, OperatorCard, Rank};

use super::actor::{ActorInput, Answer};
use super::{Core, Input, OperatorInput, RETRY};
use crate::world::{Connection, Outside};

/// One operator at one node.
#[derive(Debug)]
pub struct OperatorActor {
    name: String,
    rank: Rank,
    intent: Intent,
    declared: Millis,
    connections: BTreeSet<Connection>,
    pub held: BTreeMap<SessionId, Epoch>,
    grace: Option<u64>,
}

impl Core {
    pub(super) fn tell_operator(
        &mut self,
        id: &OperatorId,
        input: OperatorInput,
        outside: &mut Outside,
    ) {
        let mut operator = self.operators.remove(id).unwrap_or_else(|| OperatorActor::new(id));
        operator.take(id, input, self, outside);
        self.operators.insert(id.clone(), operator);
    }
}

impl OperatorActor {
    fn new(id: &OperatorId) -> Self {
        Self {
            name: id.to_string(),
            rank: Rank::Agent,
            intent: Intent::Available,
            declared: 0,
            connections: BTreeSet::new(),
            held: BTreeMap::new(),
            grace: None,
        }
    }

    fn take(
        &mut self,
        id: &OperatorId,
        input: OperatorInput,
        core: &mut Core,
        outside: &mut Outside,
    ) {
        match input {
            OperatorInput::Online(connection, Operator { name, rank, .. }) => {
                if self.connections.is_empty() {
                    let elsewhere = core.roster.elsewhere(core.id, id);
                    self.declared = elsewhere.map_or_else(|| core.date(outside.now), |_| 0);
                }
                self.connections.insert(connection);
                self.name = name;
                self.rank = rank;
            }
            OperatorInput::Offline(connection) => {
                self.connections.remove(&connection);
            }
            OperatorInput::Hold { session, epoch, name } => {
                if self.declared == 0 && self.connections.is_empty() {
                    self.name = name;
                }
                self.held.insert(session, epoch);
            }
            OperatorInput::LetGo(session) => {
                self.held.remove(&session);
            }
            OperatorInput::Elsewhere => {}
            OperatorInput::GraceIsOver(timer) => {
                if self.grace != Some(timer) {
                    return;
                }
                return self.grace_is_over(id, core, outside);
            }
        }
        self.settle(id, core, outside);
    }

    /// Brings the grace timer and the roster in line.
    fn settle(&mut self, id: &OperatorId, core: &mut Core, outside: &mut Outside) {
        let elsewhere = core.roster.elsewhere(core.id, id);
        let here = !self.connections.is_empty();
        match &elsewhere {
            Some(entry) if entry.declared > self.declared => {
                self.intent = entry.card.intent;
                self.declared = entry.declared;
            }
            None if !here => self.intent = Intent::Available,
            _ => {}
        }
        if here || elsewhere.is_some() || self.held.is_empty() {
            self.grace = None;
        } else if self.grace.is_none() {
            let grace = outside.plan.operator_grace;
            self.wait(id, grace, core, outside);
        }
        let there = here || !self.held.is_empty();
        let entry = there.then(|| Entry {
            card: OperatorCard {
                id: id.clone(),
                name: self.name.clone(),
                rank: self.rank,
                intent: self.intent,
                connected: here,
                sessions: self.held.len() as u32,
            },
            declared: self.declared,
        });
        let person =
            entry.clone().map(|Entry { card, declared }| Person::Operator { card, declared });
        core.share.enter(Who::Operator(id.clone()), person);
        match entry {
            Some(entry) => core.roster.put(core.id, entry),
            None => core.roster.remove(core.id, id),
        }
    }

    fn wait(&mut self, id: &OperatorId, time: u64, core: &mut Core, outside: &mut Outside) {
        let timer = core.timer();
        self.grace = Some(timer);
        let over = Input::ToOperator(id.clone(), OperatorInput::GraceIsOver(timer));
        outside.input_after(core.index, time, over);
    }

    fn grace_is_over(&mut self, id: &OperatorId, core: &mut Core, outside: &mut Outside) {
        if !core.hears_others(outside.now) {
            // They may be at a node that cannot be heard.
            return self.wait(id, RETRY, core, outside);
        }
        self.grace = None;
        for (session, epoch) in &self.held {
            let command = Command::ExpireLease { operator: id.clone(), epoch: *epoch };
            let expired = ActorInput::Do { command, answer: Answer::Nobody };
            outside.input(core.index, Input::ToSession(*session, expired));
        }
        self.settle(id, core, outside);
    }
}
