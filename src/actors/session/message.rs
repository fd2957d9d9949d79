//! What a session may be told and asked.

use std::sync::Arc;

use actix::prelude::*;
use tokio::sync::oneshot;
use vigie_protocol::error::RpcError;
use vigie_protocol::event::{Author, Control, CustomData, Epoch, Event, Offset, VisitorContext};
use vigie_protocol::id::{SiteId, VisitorId};
use vigie_protocol::method::Subscribed;

use crate::actors::node::SiteHandle;
use crate::cluster::message::Signal;
use crate::cluster::{Attendance, NodeId};
use crate::core::decide::Command;
use crate::core::end::LogEnd;
use crate::core::view::Audience;
use crate::gateway::outbox::{ConnectionId, Outbox, Reply};

/// Whom a command's outcome is told.
#[derive(Debug)]
pub enum Answer {
    /// A client.
    Client(Reply),
    /// A connection of the visitor that wants to come in.
    Visitor(ConnectionId, oneshot::Sender<Result<Arrived, RpcError>>),
    /// Nobody waits for it.
    Nobody,
}

impl Answer {
    pub(super) fn refuse(self, error: RpcError) {
        match self {
            Self::Client(reply) => reply.refuse(error),
            // Who no longer waits need not be told.
            Self::Visitor(_, arrived) => drop(arrived.send(Err(error))),
            Self::Nobody => {}
        }
    }
}

/// Carry out a command.
#[derive(Message)]
#[rtype("()")]
pub struct Do {
    /// The site that the session must belong to.
    pub site: SiteId,
    /// What to do.
    pub command: Command,
    /// Whom to tell.
    pub answer: Answer,
}

/// A connection of the visitor opens.
#[derive(Message)]
#[rtype(result = "Result<Arrived, RpcError>")]
pub struct Arrive {
    /// The session's site.
    pub site: Arc<SiteHandle>,
    /// The connection's outbox.
    pub outbox: Arc<Outbox>,
    /// Whose session it is.
    pub visitor: VisitorId,
    /// Which of the visitor's sessions.
    pub ordinal: u32,
    /// Whether the session is sure not to exist yet, so that the log need not be asked.
    pub new: bool,
    /// From where, on what.
    pub context: VisitorContext,
    /// What the site's page tells of them.
    pub data: Option<CustomData>,
}

/// A connection of the visitor has been taken in.
#[derive(Debug)]
pub struct Arrived {
    /// The last offset that visitors see.
    pub offset: Offset,
    /// Who is in control.
    pub control: Control,
}

/// Follow the session from an offset, if nothing lies between it and the present.
#[derive(Message)]
#[rtype(result = "Result<Followed, RpcError>")]
pub struct Follow {
    /// The site that the session must belong to.
    pub site: SiteId,
    /// Where its events go.
    pub outbox: Arc<Outbox>,
    /// As whom.
    pub audience: Audience,
    /// The last offset that the follower has.
    pub after: Offset,
}

/// Whether the follower is live.
#[derive(Debug)]
pub struct Followed {
    /// The state as the follower's audience sees it.
    pub subscribed: Subscribed,
    /// The last durable offset: if `live` is false, the follower lacks events up to here.
    pub head: Offset,
    /// Whether events are sent from now on.
    pub live: bool,
}

/// A connection follows no longer; with `visitor` it is the visitor's that has closed.
#[derive(Message)]
#[rtype("()")]
pub struct Leave {
    /// Which one.
    pub connection: ConnectionId,
    /// Whether it was one of the visitor's.
    pub visitor: bool,
}

/// Somebody is typing.
#[derive(Message)]
#[rtype("()")]
pub struct SomebodyTypes {
    /// The site that the session must belong to.
    pub site: SiteId,
    /// Who, by connection: it is not told of itself.
    pub connection: ConnectionId,
    /// Who, for the others.
    pub author: Author,
    /// What they have typed so far.
    pub text: Option<String>,
    /// Whom to tell whether it was shown.
    pub reply: Reply,
}

/// The bot shows what its answer looks like so far.
#[derive(Message)]
#[rtype("()")]
pub struct BotDrafts {
    /// The site that the session must belong to.
    pub site: SiteId,
    /// The epoch that it was asked under.
    pub epoch: Epoch,
    /// Which turn.
    pub turn: Offset,
    /// The whole answer so far.
    pub text: String,
    /// Whom to tell whether it was shown.
    pub reply: Reply,
}

/// Another bot may be there to ask, or the one that was asked is gone.
#[derive(Message)]
#[rtype("()")]
pub struct BotsChanged;

/// See to what the session wants, if that is this node's business.
#[derive(Message)]
#[rtype("()")]
pub struct Wake;

/// Another node has appended.
#[derive(Message)]
#[rtype("()")]
pub struct Heard {
    /// The event before them.
    pub after: LogEnd,
    /// What it has appended.
    pub events: Vec<Event>,
}

/// Which nodes attend the session has changed.
#[derive(Message)]
#[rtype("()")]
pub struct Attended(pub Attendance);

/// A node has died, or lives again.
#[derive(Clone, Copy, Message)]
#[rtype("()")]
pub struct LivesOrNot(pub NodeId);

/// Something of the other nodes may have been missed.
#[derive(Clone, Copy, Message)]
#[rtype("()")]
pub struct LookAnew;

/// The log has lost what was durable: clients begin anew.
#[derive(Clone, Copy, Message)]
#[rtype("()")]
pub struct Resync;

/// A signal from those who are in the session at another node.
#[derive(Message)]
#[rtype("()")]
pub struct Relayed(pub Signal);

/// The node of the bot that was asked has passed the question on.
#[derive(Message)]
#[rtype("()")]
pub struct BotHas {
    /// Which turn.
    pub turn: Offset,
}

/// The log is not what this actor believes it to be: it should be read anew.
#[derive(Message)]
#[rtype(result = "()")]
pub struct LookAgain;
