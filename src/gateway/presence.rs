//! Being known to others: undone when dropped, wherever that happens.
//!
//! A connection may end at any moment, even between being let in and hearing of it. Whatever it
//! has entered is tied to one value here, so that nobody stays as a ghost.

use std::sync::Arc;

use vigie_protocol::id::{OperatorId, SessionId};

use crate::actors::node::{Node, SiteHandle};
use crate::actors::operator::Offline;
use crate::actors::session::{BotsChanged, Leave};
use crate::actors::site::Unwatch;
use crate::gateway::outbox::ConnectionId;

/// One connection's entries with a site, a session or an operator.
pub(super) struct Presence {
    node: Arc<Node>,
    site: Arc<SiteHandle>,
    connection: ConnectionId,
    of: Of,
}

/// Whose connection it is.
pub(super) enum Of {
    Visitor(SessionId),
    Operator(OperatorId),
    Bot,
}

impl Presence {
    pub(super) fn new(
        node: &Arc<Node>,
        site: &Arc<SiteHandle>,
        connection: ConnectionId,
        of: Of,
    ) -> Self {
        Self { node: Arc::clone(node), site: Arc::clone(site), connection, of }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let connection = self.connection;
        match &self.of {
            Of::Visitor(session) => {
                leave(&self.node, *session, Leave { connection, visitor: true });
            }
            Of::Operator(operator) => {
                self.site.actor.do_send(Unwatch { connection, reply: None });
                self.node.operator(&self.site, operator).do_send(Offline { connection });
            }
            Of::Bot => bots_changed(&self.node, &self.site.serve_no_more(connection)),
        }
    }
}

/// Takes leave of a session, if its actor still runs. It is sent at most once for each follower and
/// connection that the actor has let in, so it may queue without bound of its own.
pub(super) fn leave(node: &Node, session: SessionId, message: Leave) {
    if let Some(actor) = node.sessions.get(&session) {
        actor.do_send(message);
    }
}

/// Has sessions look for a bot again.
pub(super) fn bots_changed(node: &Node, sessions: &[SessionId]) {
    for session in sessions {
        if let Some(actor) = node.sessions.get(session) {
            actor.do_send(BotsChanged);
        }
    }
}
