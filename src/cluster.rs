//! Several engines as one: who is there, who attends which session, and what nodes tell each other.
//!
//! Nothing here decides about a session: that is the log's fence alone. What nodes tell one another
//! may be late, doubled or lost; what it costs then is time, never a message.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use tokio::sync::mpsc;
use vigie_protocol::event::Event;
use vigie_protocol::id::SessionId;

pub mod hub;
pub mod message;
pub mod redis;

use crate::core::end::LogEnd;

pub use crate::core::cluster::{Attendance, Attendant, NodeId, OwnBeat, Roll};
pub use hub::Cluster;

/// What a bus's methods return: they outlive the borrow of the bus.
pub type BusFuture<T> = Pin<Box<dyn Future<Output = Result<T, BusError>> + Send + 'static>>;

/// How much heard from the bus may wait to be taken; beyond that it is dropped and
/// [`Heard::Gap`] follows.
pub const INBOX_MAX: usize = 8192;

/// How nodes reach each other. Delivery is at most once, in no promised order.
pub trait Bus: Send + Sync + 'static {
    /// Which node this is.
    fn me(&self) -> NodeId;

    /// What is heard, from now on. There is one listener: an earlier one hears nothing more.
    fn listen(&self) -> mpsc::Receiver<Heard>;

    /// Gives a sign of life, counted 1, 2, 3 …, and calls the roll. The count rises with every
    /// attempt, also after one that nobody answered: one that comes late does not count back.
    fn beat(&self, count: u64) -> BusFuture<Roll>;

    /// This node attends a session from now on: it hears of its events. `visitor`: whether one of
    /// the visitor's connections is here. Called again to change that.
    ///
    /// Overtaken by a later [`attend`](Self::attend) or [`leave`](Self::leave) of this node, it
    /// changes nothing, and tells who attends without it; seldom also by a leave of another session.
    /// So who still wants to attend and does not find itself asks again.
    fn attend(&self, session: SessionId, visitor: bool) -> BusFuture<Attendance>;

    /// This node does not attend the session any more; who still does is told. Overtaken by a later
    /// [`attend`](Self::attend), it changes nothing.
    fn leave(&self, session: SessionId) -> BusFuture<Attendance>;

    /// Takes over sessions, at most `limit`, that a dead node attended and that none of the `live`
    /// ones attends: this node attends them now. The dead node attends them no more in any case.
    /// Fewer than `limit` means that none are left.
    fn adopt(&self, dead: NodeId, live: Vec<NodeId>, limit: u32) -> BusFuture<Vec<SessionId>>;

    /// Writes down that a node is dead and its sessions are taken care of; one that is not dead
    /// learns it by its next beat.
    fn bury(&self, dead: NodeId) -> BusFuture<()>;

    /// Writes down that this node is gone, and that nobody has taken care yet of what it attends:
    /// whoever lives, or comes, is to do so, and to bury it. It gives no sign of life any more.
    fn depart(&self) -> BusFuture<()>;

    /// Sends bytes to a node, or drops them.
    fn send(&self, to: NodeId, bytes: Bytes);

    /// Raises the generation, if it still is `from`; returns what it is now.
    fn raise_generation(&self, from: u64) -> BusFuture<u64>;

    /// `Ok` while what is sent to this node is heard: a canary that is sent to oneself every second
    /// has come back of late.
    fn health(&self) -> Result<(), BusError>;
}

/// What a node hears.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// Another node has appended to a session that this one attends.
    Events {
        /// Which session.
        session: SessionId,
        /// The event before them.
        after: LogEnd,
        /// They.
        events: Vec<Event>,
    },
    /// Who attends a session that this node attends has changed.
    Attendance(Attendance),
    /// What another node has sent.
    Message {
        /// Which node.
        from: NodeId,
        /// What it has sent.
        bytes: Bytes,
    },
    /// Something may have been missed: whatever lives of the bus must be looked at anew.
    Gap,
}

/// Why the bus does not serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// Nobody answers.
    #[error("the cluster's Redis does not answer: {0}")]
    Away(String),
    /// Another fault.
    #[error("the cluster's Redis failed: {0}")]
    Failed(String),
}
