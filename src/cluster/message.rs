//! What nodes tell each other beside a session's events. A node of another version ignores what it
//! cannot read.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use vigie_protocol::card::Card;
use vigie_protocol::event::{Author, Millis, Offset};
use vigie_protocol::id::{OperatorId, SessionId, SiteId};
use vigie_protocol::method::OperatorCard;
use vigie_protocol::push::{HandedBack, Turn, TurnRevoked};

use crate::core::replica::Told;
use crate::gateway::outbox::{ConnectionId, Outbox};

/// Something for another node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Message {
    /// Show this to those who follow the session.
    Signal {
        /// Which session.
        session: SessionId,
        /// What to show.
        signal: Signal,
    },
    /// Of the sessions that the sender sees to.
    Cards {
        /// Of which site.
        site: SiteId,
        /// What has become of their cards.
        told: Told<SessionId, Arc<Card>>,
    },
    /// Of the operators and bots that are connected to the sender.
    People {
        /// Of which site.
        site: SiteId,
        /// What has become of them.
        told: Told<Who, Person>,
    },
    /// The sender wants what it lacks of a table, and to be told of its changes from then on.
    Wanted {
        /// Of which site.
        site: SiteId,
        /// Which table.
        table: Table,
        /// Up to which revision it has the table; 0: it has nothing.
        since: u64,
    },
    /// Tell one of your bots.
    Bot {
        /// Of which site.
        site: SiteId,
        /// Over which connection.
        connection: ConnectionId,
        /// What.
        told: BotTold,
    },
    /// The bot has been asked.
    BotHas {
        /// In which session.
        session: SessionId,
        /// Which turn.
        turn: Offset,
    },
}

/// Something momentary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Signal {
    /// Somebody is typing.
    Typing {
        /// Who.
        author: Author,
        /// What they have typed so far.
        text: Option<String>,
    },
    /// The bot's answer so far.
    Draft {
        /// To which turn.
        turn: Offset,
        /// The whole of it.
        text: String,
    },
}

/// A table that each node has of each site, and lets others read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Table {
    /// Cards of sessions.
    Cards,
    /// Operators and bots.
    People,
}

/// Somebody who is connected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Who {
    /// An operator, over however many connections.
    Operator(OperatorId),
    /// A bot's connection that serves.
    Bot(ConnectionId),
}

/// What is known of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Person {
    /// An operator.
    Operator {
        /// As they are at that node.
        card: OperatorCard,
        /// When they have said whether they are available.
        declared: Millis,
    },
    /// A bot.
    Bot {},
}

/// What a bot is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum BotTold {
    /// To answer.
    Turn(Turn),
    /// Not to answer any more.
    Revoked(TurnRevoked),
    /// What a human has done.
    HandedBack(HandedBack),
}

impl BotTold {
    /// Tells it over the bot's connection.
    pub fn notify(&self, outbox: &Outbox) {
        match self {
            Self::Turn(turn) => outbox.notify(turn),
            Self::Revoked(revoked) => outbox.notify(revoked),
            Self::HandedBack(handed_back) => outbox.notify(handed_back),
        }
    }
}

impl Message {
    /// As it is sent.
    ///
    /// # Errors
    /// The encoder's; none of these types gives it cause.
    pub fn encode(&self) -> Result<Bytes, rmp_serde::encode::Error> {
        rmp_serde::to_vec_named(self).map(Bytes::from)
    }

    /// What was sent.
    ///
    /// # Errors
    /// It is of another version, or damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, rmp_serde::decode::Error> {
        rmp_serde::from_slice(bytes)
    }
}
