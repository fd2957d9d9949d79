//! Who answers while no human is in control.
//!
//! A bot that serves over a socket comes first; without one, the embedded knowledge bot answers if
//! the site wants it. Whoever answers, the answer passes the same fence in the core.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vigie_protocol::event::{Epoch, Offset};
use vigie_protocol::id::SessionId;

use crate::core::cluster::NodeId;
use crate::gateway::outbox::{ConnectionId, Outbox};

pub mod knowledge;

/// The bots that serve a site over sockets, here and at other nodes, and which sessions wait for
/// them.
#[derive(Debug, Default)]
pub struct BotDesk(Mutex<Desk>);

/// Names a bot: the node that it is connected to, and its connection there.
pub type BotId = (NodeId, ConnectionId);

/// A bot, and the way to it.
#[derive(Debug, Clone)]
pub struct Bot {
    /// Which one.
    pub id: BotId,
    /// Its connection, if it is connected to this node.
    pub outbox: Option<Arc<Outbox>>,
}

#[derive(Debug, Default)]
struct Desk {
    bots: BTreeMap<BotId, Option<Arc<Outbox>>>,
    /// Sessions with an open turn: with whom it is, or nobody.
    open: HashMap<SessionId, Option<BotId>>,
    /// The latest questions that other nodes have had passed on to bots of this one.
    passed_on: VecDeque<Question>,
}

/// One question to one bot.
pub type Question = (SessionId, Epoch, Offset, ConnectionId);

/// How many questions of other nodes are remembered, so that a bot is not asked the same twice.
const PASSED_ON_MAX: usize = 512;

impl BotDesk {
    /// A bot serves from now on. Returns the sessions whose turns nobody has taken yet.
    pub fn join(&self, bot: Bot) -> Vec<SessionId> {
        let mut desk = self.lock();
        desk.bots.insert(bot.id, bot.outbox);
        desk.open.iter().filter(|(_, bot)| bot.is_none()).map(|(session, _)| *session).collect()
    }

    /// A bot is gone. Returns the sessions whose turns it had.
    pub fn leave(&self, bot: BotId) -> Vec<SessionId> {
        let mut desk = self.lock();
        desk.bots.remove(&bot);
        let left: BTreeSet<_> = desk
            .open
            .iter()
            .filter(|(_, with)| **with == Some(bot))
            .map(|(session, _)| *session)
            .collect();
        for session in &left {
            desk.open.insert(*session, None);
        }
        left.into_iter().collect()
    }

    /// A session has an open turn: who is to answer it? Without a bot it is remembered as waiting.
    /// `before` is the bot that had the session's last turn.
    pub fn assign(&self, session: SessionId, before: Option<BotId>) -> Option<Bot> {
        let mut desk = self.lock();
        let bot = desk.bot_for(session, before);
        desk.open.insert(session, bot.as_ref().map(|bot| bot.id));
        bot
    }

    /// Another node has a question for a bot of this one; false if it was passed on before.
    pub fn pass_on(&self, question: Question) -> bool {
        let mut desk = self.lock();
        if desk.passed_on.contains(&question) {
            return false;
        }
        if desk.passed_on.len() == PASSED_ON_MAX {
            desk.passed_on.pop_front();
        }
        desk.passed_on.push_back(question);
        true
    }

    /// A session's turn is no longer open.
    pub fn settle(&self, session: SessionId) {
        self.lock().open.remove(&session);
    }

    /// The bot that a session would be answered by.
    pub fn bot_for(&self, session: SessionId, before: Option<BotId>) -> Option<Bot> {
        self.lock().bot_for(session, before)
    }

    /// A bot, if it still serves.
    pub fn bot(&self, id: BotId) -> Option<Bot> {
        self.lock().bots.get(&id).cloned().map(|outbox| Bot { id, outbox })
    }

    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// A session sticks to its bot as long as that serves.
    fn bot_for(&self, session: SessionId, before: Option<BotId>) -> Option<Bot> {
        let before = before.filter(|before| self.bots.contains_key(before));
        let id = before.or_else(|| self.favourite(session))?;
        self.bots.get(&id).cloned().map(|outbox| Bot { id, outbox })
    }

    /// Rendezvous hashing: sessions spread over all bots, those of one that goes over the others.
    fn favourite(&self, session: SessionId) -> Option<BotId> {
        let weight = |bot: &BotId| {
            let mut hasher = DefaultHasher::new();
            (session, bot).hash(&mut hasher);
            hasher.finish()
        };
        self.bots.keys().copied().max_by_key(weight)
    }
}
