//! What the server sends unasked: events, live-list deltas, signals and turns.
//!
//! Events and live-list deltas carry what a client needs to prove that nothing is missing. Signals
//! (`typing`, `draft`) are momentary and may be lost.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::card::{Alert, Card, Totals};
use crate::error::RpcError;
use crate::event::{Author, Epoch, Event, EventBody, Millis, Offset};
use crate::id::SessionId;
use crate::rpc::Params;

/// A notification: its name. Implemented by its parameters.
pub trait Notification: Serialize + DeserializeOwned + Send + 'static {
    /// The name on the wire.
    const NAME: &'static str;
}

/// Defines [`Push`] and the [`Notification`] implementations from one table.
macro_rules! notifications {
    ($($(#[$doc:meta])* $params:ident = $name:literal;)*) => {
        /// A notification of the server, its parameters read.
        #[derive(Debug, Clone)]
        pub enum Push {
            $($(#[$doc])* $params($params),)*
            /// One that this version does not know: to be ignored.
            Unknown(String),
        }

        $(impl Notification for $params {
            const NAME: &'static str = $name;
        })*

        impl Push {
            /// Every notification's name.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// Reads a notification.
            ///
            /// # Errors
            /// What serde says of parameters that do not fit.
            pub fn decode(method: &str, params: &Params<'_>) -> Result<Self, String> {
                match method {
                    $($name => params.decode().map(Self::$params),)*
                    unknown => Ok(Self::Unknown(unknown.to_owned())),
                }
            }
        }

        /// Each notification's name and parameter schema.
        #[cfg(feature = "schema")]
        pub fn schemas(generator: &mut schemars::SchemaGenerator) -> Vec<(&'static str, schemars::Schema)> {
            vec![$(($name, generator.subschema_for::<$params>())),*]
        }
    };
}

notifications! {
    /// An event of a session that the client follows.
    EventPush = "event";
    /// A change of the live list's window.
    Live = "live";
    /// Signal: somebody is typing.
    TypingSignal = "typing";
    /// Signal: the bot's answer so far. Operators only.
    DraftSignal = "draft";
    /// Bots: a visitor waits for an answer.
    Turn = "turn";
    /// Bots: stop working on a turn; an answer to it will be refused.
    TurnRevoked = "turn_revoked";
    /// Bots: a human handed the session back; this is what happened meanwhile.
    HandedBack = "handed_back";
    /// A notification of the client could not be followed.
    Problem = "error";
    /// How the client's node does in its cluster.
    Status = "status";
    /// The connection is about to be closed.
    Bye = "bye";
}

/// `event`: an event as this role sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventPush {
    /// Which session.
    pub session: SessionId,
    /// Its position.
    pub offset: Offset,
    /// No event that this role sees lies between `prev` and `offset`: if `prev` is greater than
    /// the last offset that the client has, something is missing.
    pub prev: Offset,
    /// When the server accepted it.
    pub time: Millis,
    /// Who did it.
    pub author: Author,
    /// What happened.
    pub body: EventBody,
}

impl EventPush {
    /// The event without its place in the push order.
    pub fn into_event(self) -> Event {
        Event { offset: self.offset, time: self.time, author: self.author, body: self.body }
    }
}

/// `live`: what changed in the window since the revision before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Live {
    /// One more than the revision that it changes; otherwise `watch` again.
    pub revision: u64,
    /// Cards that are new in the window or have changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upsert: Vec<Card>,
    /// Sessions that are no longer in the window.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<SessionId>,
    /// Counts over the whole site.
    pub totals: Totals,
    /// What rings, if the window asked for alerts: at most
    /// [`ALERTS_MAX`](crate::ALERTS_MAX); more are dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Alert>,
    /// If the window asked for alerts: sessions that an operator has taken control of, or that
    /// have left the live list. Whatever rang for them before stops; at most
    /// [`QUIET_MAX`](crate::QUIET_MAX), more follow in the next delta.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quiet: Vec<SessionId>,
}

/// `typing`: somebody is typing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TypingSignal {
    /// Which session.
    pub session: SessionId,
    /// Who.
    pub author: Author,
    /// For operators: what the visitor has typed so far; empty when they stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// `draft`: the bot's answer so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DraftSignal {
    /// Which session.
    pub session: SessionId,
    /// The turn that it will answer.
    pub turn: Offset,
    /// The whole answer so far.
    pub text: String,
}

/// `turn`: a visitor waits for an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Turn {
    /// Which session.
    pub session: SessionId,
    /// The epoch to answer under.
    pub epoch: Epoch,
    /// The turn to answer: the offset of the visitor's last message.
    pub turn: Offset,
    /// The visitor's language, BCP 47.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The latest messages and changes of control, oldest first, the visitor's last among them.
    /// A `control_changed` whose holder is the bot ends a human stretch.
    pub messages: Vec<Event>,
    /// How long the server waits for the answer. Milliseconds.
    pub timeout: u64,
}

/// `turn_revoked`: stop working on a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TurnRevoked {
    /// Which session.
    pub session: SessionId,
    /// Which turn.
    pub turn: Offset,
    /// The epoch in force now.
    pub epoch: Epoch,
    /// Why.
    pub reason: RevokeReason,
}

/// Why a turn was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RevokeReason {
    /// A human is in control now.
    TakenOver,
    /// The visitor said more; a newer turn follows.
    Superseded,
    /// The time limit has passed.
    Timeout,
    /// The session was closed.
    Closed,
    /// A reason that this version does not know.
    #[serde(other)]
    Unknown,
}

/// `handed_back`: a human handed the session back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HandedBack {
    /// Which session.
    pub session: SessionId,
    /// The epoch in force now.
    pub epoch: Epoch,
    /// The human stretch, oldest first: from the change of control that began it to the one that
    /// ended it.
    pub messages: Vec<Event>,
    /// Whether the stretch was longer than what is kept at hand, and lacks its beginning.
    #[serde(default)]
    pub truncated: bool,
}

/// `error`: a notification of the client could not be followed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// The notification's method.
    pub method: String,
    /// What is wrong with it.
    pub error: RpcError,
}

/// `status`: how the client's node does in its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Status {
    /// Whether the node does not hear the others or cannot store: what is shown may be behind,
    /// what is sent may be refused for now.
    #[serde(default)]
    pub degraded: bool,
}

/// `bye`: the connection is about to be closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Bye {
    /// The close code.
    pub code: u16,
    /// Its reason.
    pub reason: String,
    /// Whether connecting again can help.
    pub reconnect: bool,
}
