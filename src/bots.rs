//! Who answers while no human is in control.
//!
//! A bot that serves over a socket comes first; without one, the embedded knowledge bot answers if
//! the site wants it. Whoever answers, the answer passes the same fence in the core.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vigie_protocol::id::SessionId;

use crate::gateway::outbox::{ConnectionId, Outbox};

pub mod knowledge;

/// The bots that serve a site over sockets, and which sessions wait for them.
#[derive(Debug, Default)]
pub struct BotDesk(Mutex<Desk>);

#[derive(Debug, Default)]
struct Desk {
    peers: BTreeMap<ConnectionId, Arc<Outbox>>,
    /// Sessions with an open turn: with whom it is, or nobody.
    open: HashMap<SessionId, Option<ConnectionId>>,
}

impl BotDesk {
    /// A bot serves from now on. Returns the sessions whose turns nobody has taken yet.
    pub fn join(&self, outbox: Arc<Outbox>) -> Vec<SessionId> {
        let mut desk = self.lock();
        desk.peers.insert(outbox.id(), outbox);
        desk.open.iter().filter(|(_, peer)| peer.is_none()).map(|(session, _)| *session).collect()
    }

    /// A bot is gone. Returns the sessions whose turns it had.
    pub fn leave(&self, connection: ConnectionId) -> Vec<SessionId> {
        let mut desk = self.lock();
        desk.peers.remove(&connection);
        let left: BTreeSet<_> = desk
            .open
            .iter()
            .filter(|(_, peer)| **peer == Some(connection))
            .map(|(session, _)| *session)
            .collect();
        for session in &left {
            desk.open.insert(*session, None);
        }
        left.into_iter().collect()
    }

    /// A session has an open turn: who is to answer it? Without a bot it is remembered as waiting.
    /// `before` is the bot that had the session's last turn.
    pub fn assign(&self, session: SessionId, before: Option<ConnectionId>) -> Option<Arc<Outbox>> {
        let mut desk = self.lock();
        let peer = desk.bot_for(session, before);
        desk.open.insert(session, peer.as_ref().map(|outbox| outbox.id()));
        peer
    }

    /// A session's turn is no longer open.
    pub fn settle(&self, session: SessionId) {
        self.lock().open.remove(&session);
    }

    /// The bot that a session would be answered by.
    pub fn bot_for(&self, session: SessionId, before: Option<ConnectionId>) -> Option<Arc<Outbox>> {
        self.lock().bot_for(session, before)
    }

    /// The bot of a connection, if it still serves.
    pub fn peer(&self, connection: ConnectionId) -> Option<Arc<Outbox>> {
        self.lock().peers.get(&connection).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// A session sticks to its bot as long as that serves.
    fn bot_for(&self, session: SessionId, before: Option<ConnectionId>) -> Option<Arc<Outbox>> {
        let before = before.and_then(|connection| self.peers.get(&connection));
        before.cloned().or_else(|| self.favourite(session))
    }

    /// Rendezvous hashing: sessions spread over all bots, those of one that goes over the others.
    fn favourite(&self, session: SessionId) -> Option<Arc<Outbox>> {
        let weight = |connection: &ConnectionId| {
            let mut hasher = DefaultHasher::new();
            (session, connection).hash(&mut hasher);
            hasher.finish()
        };
        self.peers.iter().max_by_key(|(id, _)| weight(id)).map(|(_, outbox)| Arc::clone(outbox))
    }
}
