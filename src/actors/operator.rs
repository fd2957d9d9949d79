//! One logged-in human over all tabs and devices.
//!
//! Their connectivity is the lease on the sessions that they control: once their last socket is
//! gone for the grace time, each of those sessions is told that its lease has expired. The same
//! operator on a new socket within the grace time goes on as if nothing had happened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actix::prelude::*;
use vigie_protocol::event::{Epoch, Millis};
use vigie_protocol::id::{OperatorId, SessionId};
use vigie_protocol::method::{Empty, Intent, OperatorCard, Rank};

use crate::actors::node::{Node, SiteHandle};
use crate::actors::noticeboard::Entry;
use crate::actors::session::{Answer, Do};
use crate::core::decide::{Command, Operator};
use crate::gateway::outbox::{ConnectionId, Reply};

/// One operator of one site.
pub struct OperatorActor {
    node: Arc<Node>,
    site: Arc<SiteHandle>,
    id: OperatorId,
    name: String,
    rank: Rank,
    intent: Intent,
    /// When they have said so.
    declared: Millis,
    connections: BTreeSet<ConnectionId>,
    held: BTreeMap<SessionId, Epoch>,
    grace: Option<SpawnHandle>,
}

/// A connection of the operator has opened.
#[derive(Message)]
#[rtype("()")]
pub struct Online {
    /// Which one.
    pub connection: ConnectionId,
    /// The operator as their token has them.
    pub operator: Operator,
}

/// A connection of the operator has closed.
#[derive(Message)]
#[rtype("()")]
pub struct Offline {
    /// Which one.
    pub connection: ConnectionId,
}

/// The operator says whether they are available.
#[derive(Message)]
#[rtype("()")]
pub struct Declare {
    /// What they say.
    pub intent: Intent,
    /// Whom to tell when it counts.
    pub reply: Reply,
}

/// The operator is in control of a session.
#[derive(Message)]
#[rtype("()")]
pub struct Hold {
    /// Which one.
    pub session: SessionId,
    /// Since which epoch.
    pub epoch: Epoch,
    /// The display name that they took control under.
    pub name: String,
}

/// The operator is no longer in control of a session.
#[derive(Message)]
#[rtype("()")]
pub struct LetGo {
    /// Which one.
    pub session: SessionId,
}

/// What other nodes have of the operator has changed.
#[derive(Message)]
#[rtype("()")]
pub struct Elsewhere;

/// How long at least until a lease that was told to expire is told so again.
const EXPIRE_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

/// How long until a lease is looked at again whose holder may be where this node does not hear.
const UNHEARD_RETRY: std::time::Duration = std::time::Duration::from_secs(1);

impl OperatorActor {
    /// An operator without a connection.
    pub fn new(node: Arc<Node>, site: Arc<SiteHandle>, id: OperatorId) -> Self {
        Self {
            node,
            site,
            name: id.to_string(),
            id,
            rank: Rank::Agent,
            intent: Intent::Available,
            declared: 0,
            connections: BTreeSet::new(),
            held: BTreeMap::new(),
            grace: None,
        }
    }

    /// Brings the grace timer, the roster and this actor's own life in line with its state.
    fn settle(&mut self, context: &mut Context<Self>) {
        let elsewhere = self.site.roster.elsewhere(self.node.me(), &self.id);
        let here = !self.connections.is_empty();
        match &elsewhere {
            // What they have said at another node counts here too.
            Some(entry) if entry.declared > self.declared => {
                self.intent = entry.card.intent;
                self.declared = entry.declared;
            }
            // Who comes back is there to work, until they say otherwise.
            None if !here => self.intent = Intent::Available,
            _ => {}
        }
        if here || elsewhere.is_some() || self.held.is_empty() {
            if let Some(timer) = self.grace.take() {
                context.cancel_future(timer);
            }
        } else if self.grace.is_none() {
            let grace = self.node.config.presence.operator_grace;
            self.grace = Some(context.run_later(grace, Self::grace_is_over));
        }
        let there = here || !self.held.is_empty();
        let entry = there.then(|| Entry {
            card: OperatorCard {
                id: self.id.clone(),
                name: self.name.clone(),
                rank: self.rank,
                intent: self.intent,
                connected: here,
                sessions: self.held.len() as u32,
            },
            declared: self.declared,
        });
        self.site.enter(&self.id, entry);
    }

    fn grace_is_over(&mut self, context: &mut Context<Self>) {
        if self.node.hears_others() {
            self.grace = None;
            self.expire(context);
        } else {
            // They may be at a node that cannot be heard.
            self.grace = Some(context.run_later(UNHEARD_RETRY, Self::grace_is_over));
        }
    }

    /// Tells every session that its lease has expired. They let go of it one by one, as it is
    /// appended; what could not be told is told again after another grace time.
    fn expire(&mut self, context: &mut Context<Self>) {
        for (session, epoch) in &self.held {
            let command = Command::ExpireLease { operator: self.id.clone(), epoch: *epoch };
            let expired = Do { site: self.site.site.id.clone(), command, answer: Answer::Nobody };
            if let Err(error) = self.node.session(*session).try_send(expired) {
                tracing::warn!(%session, %error, "a lease could not be expired yet");
            }
        }
        // Without any grace time, too, they are given time to let go.
        let again = self.node.config.presence.operator_grace.max(EXPIRE_AGAIN);
        self.grace = Some(context.run_later(again, Self::grace_is_over));
        self.settle(context);
    }
}

impl Actor for OperatorActor {
    type Context = Context<Self>;
}

impl Handler<Online> for OperatorActor {
    type Result = ();

    fn handle(&mut self, online: Online, context: &mut Self::Context) {
        if self.connections.is_empty() {
            let elsewhere = self.site.roster.elsewhere(self.node.me(), &self.id);
            self.declared = elsewhere.map_or_else(|| self.node.now(), |_| 0);
        }
        self.connections.insert(online.connection);
        self.name = online.operator.name;
        self.rank = online.operator.rank;
        self.settle(context);
    }
}

impl Handler<Offline> for OperatorActor {
    type Result = ();

    fn handle(&mut self, offline: Offline, context: &mut Self::Context) {
        self.connections.remove(&offline.connection);
        self.settle(context);
    }
}

impl Handler<Declare> for OperatorActor {
    type Result = ();

    fn handle(&mut self, declare: Declare, context: &mut Self::Context) {
        self.intent = declare.intent;
        self.declared = self.node.now().max(self.declared + 1);
        self.settle(context);
        declare.reply.send(&Ok(Empty {}));
    }
}

impl Handler<Elsewhere> for OperatorActor {
    type Result = ();

    fn handle(&mut self, _: Elsewhere, context: &mut Self::Context) {
        self.settle(context);
    }
}

impl Handler<Hold> for OperatorActor {
    type Result = ();

    fn handle(&mut self, hold: Hold, context: &mut Self::Context) {
        if self.declared == 0 && self.connections.is_empty() {
            // They may never have been at this node.
            self.name = hold.name;
        }
        self.held.insert(hold.session, hold.epoch);
        self.settle(context);
    }
}

impl Handler<LetGo> for OperatorActor {
    type Result = ();

    fn handle(&mut self, let_go: LetGo, context: &mut Self::Context) {
        self.held.remove(&let_go.session);
        self.settle(context);
    }
}
