//! One logged-in human over all tabs and devices.
//!
//! Their connectivity is the lease on the sessions that they control: once their last socket is
//! gone for the grace time, each of those sessions is told that its lease has expired. The same
//! operator on a new socket within the grace time goes on as if nothing had happened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actix::prelude::*;
use vigie_protocol::event::Epoch;
use vigie_protocol::id::{OperatorId, SessionId};
use vigie_protocol::method::{Empty, Intent, OperatorCard, Rank};

use crate::actors::node::{Node, SiteHandle};
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
}

/// The operator is no longer in control of a session.
#[derive(Message)]
#[rtype("()")]
pub struct LetGo {
    /// Which one.
    pub session: SessionId,
}

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
            connections: BTreeSet::new(),
            held: BTreeMap::new(),
            grace: None,
        }
    }

    /// Brings the grace timer, the roster and this actor's own life in line with its state.
    fn settle(&mut self, context: &mut Context<Self>) {
        let connected = !self.connections.is_empty();
        if !connected {
            // Who comes back is there to work, until they say otherwise.
            self.intent = Intent::Available;
        }
        if connected || self.held.is_empty() {
            if let Some(timer) = self.grace.take() {
                context.cancel_future(timer);
            }
        } else if self.grace.is_none() {
            let grace = self.node.config.presence.operator_grace;
            self.grace = Some(context.run_later(grace, |this, context| {
                this.grace = None;
                this.expire(context);
            }));
        }
        if connected || !self.held.is_empty() {
            self.site.roster.put(OperatorCard {
                id: self.id.clone(),
                name: self.name.clone(),
                rank: self.rank,
                intent: self.intent,
                connected,
                sessions: self.held.len() as u32,
            });
        } else {
            self.site.roster.remove(&self.id);
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
        self.settle(context);
    }
}

impl Actor for OperatorActor {
    type Context = Context<Self>;
}

impl Handler<Online> for OperatorActor {
    type Result = ();

    fn handle(&mut self, online: Online, context: &mut Self::Context) {
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
        self.settle(context);
        declare.reply.send(&Ok(Empty {}));
    }
}

impl Handler<Hold> for OperatorActor {
    type Result = ();

    fn handle(&mut self, hold: Hold, context: &mut Self::Context) {
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
