//! What a client may ask: every method with its parameters and its result.
//!
//! Parameters are maps with short full-word keys; unknown keys are ignored, except those that
//! only the server may say ([`STAMPED_KEYS`]), which are refused.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::card::{Card, LastMessage, Totals, Window};
use crate::error::{ErrorCode, RpcError};
use crate::event::{Choice, Control, CustomData, Epoch, Event, Millis, Offset, Page, Rating};
use crate::id::{Key, OperatorId, SessionId, SiteId, VisitorId};
use crate::rpc::Params;

/// Parameter names that no request but `connect` and `refresh` may carry: who says a thing,
/// where and when is stamped by the server.
pub const STAMPED_KEYS: &[&str] =
    &["author", "role", "site", "time", "operator", "visitor", "name"];

/// A method: its name, and the type of its result. Implemented by its parameters.
pub trait Method: Serialize + DeserializeOwned + Send + 'static {
    /// The name on the wire.
    const NAME: &'static str;
    /// What a successful answer holds.
    type Result: Serialize + DeserializeOwned + Send + 'static;
}

/// Defines [`Call`] and the [`Method`] implementations from one table.
macro_rules! methods {
    ($($(#[$doc:meta])* $params:ident = $name:literal -> $result:ty;)*) => {
        /// A request of a client, its parameters read.
        #[derive(Debug, Clone)]
        pub enum Call {
            $($(#[$doc])* $params($params),)*
        }

        $(impl Method for $params {
            const NAME: &'static str = $name;
            type Result = $result;
        })*

        impl Call {
            /// Every method's name.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// Reads a request, or says what is wrong with it.
            ///
            /// # Errors
            /// `method_not_found`, `invalid_params` (with serde's own words) or `forged_field`.
            pub fn decode(method: &str, params: &Params<'_>) -> Result<Self, RpcError> {
                match method {
                    $($name => {
                        if !matches!(method, "connect" | "refresh")
                            && let Some(forged) = params.stamped_key()
                        {
                            return Err(forged_field(forged));
                        }
                        params.decode().map(Self::$params).map_err(invalid_params)
                    })*
                    unknown => Err(method_not_found(unknown)),
                }
            }

            /// The method's name.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$params(_) => $name,)*
                }
            }
        }

        /// Calls `$visit` with each method's name, parameter and result schema.
        #[cfg(feature = "schema")]
        pub fn schemas(generator: &mut schemars::SchemaGenerator) -> Vec<(&'static str, schemars::Schema, schemars::Schema)> {
            vec![$(($name, generator.subschema_for::<$params>(), generator.subschema_for::<$result>())),*]
        }
    };
}

fn method_not_found(method: &str) -> RpcError {
    let short: String = method.chars().take(64).collect();
    RpcError::new(ErrorCode::MethodNotFound, format!("there is no method {short:?}"))
}

fn forged_field(field: &str) -> RpcError {
    RpcError::new(
        ErrorCode::ForgedField,
        format!("{field:?} is stamped by the server; leave it out"),
    )
    .with_data(serde_json::json!({ "field": field }))
}

fn invalid_params(problem: String) -> RpcError {
    RpcError::new(ErrorCode::InvalidParams, problem)
}

methods! {
    /// The first request of every connection.
    Connect = "connect" -> Connected;
    /// Asks for a sign of life; sent by both ends.
    Ping = "ping" -> Empty;
    /// Replaces an operator's or bot's token before it expires.
    Refresh = "refresh" -> Refreshed;
    /// Follows a session from an offset.
    Subscribe = "subscribe" -> Subscribed;
    /// Stops following a session.
    Unsubscribe = "unsubscribe" -> Empty;
    /// A page of a session's past.
    History = "history" -> HistoryPage;
    /// Says something: a visitor in their own session, an operator in one that they control.
    Say = "send" -> Done;
    /// Tells the others that somebody is typing.
    Typing = "typing" -> Empty;
    /// The visitor opened a page.
    ViewPage = "page" -> Done;
    /// The visitor asks for a human.
    RequestHuman = "request_human" -> Done;
    /// The site's page tells something of its visitor.
    SetData = "set_data" -> Done;
    /// The visitor says how they were served.
    Rate = "rate" -> Done;
    /// Watches a window of the live list.
    Watch = "watch" -> Watching;
    /// Stops watching.
    Unwatch = "unwatch" -> Empty;
    /// Takes control of a session.
    TakeOver = "take_over" -> Done;
    /// Hands control back to the bot.
    Release = "release" -> Done;
    /// Hands control over to another operator.
    Transfer = "transfer" -> Done;
    /// Hands another operator's session back to the bot.
    Revoke = "revoke" -> Done;
    /// Writes a remark that only operators see.
    AddNote = "note" -> Done;
    /// Closes a session.
    Close = "close" -> Done;
    /// The other sessions of a session's visitor.
    ReadPast = "past" -> Past;
    /// The site's operators.
    Operators = "operators" -> OperatorList;
    /// Says whether the operator is available.
    SetIntent = "set_intent" -> Empty;
    /// Serves the site as its bot.
    Serve = "serve" -> Empty;
    /// Shows what a bot's answer looks like so far.
    Draft = "draft" -> Empty;
    /// Answers a turn.
    Answer = "answer" -> Done;
    /// Gives a turn up.
    Fail = "fail" -> Done;
}

/// An empty map.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Empty {}

/// Parameters of `connect`: `token` for operators and bots, `site` for visitors.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Connect {
    /// The protocol version that the client speaks.
    pub protocol: u32,
    /// Optional behaviour that the client understands; the answer names what is in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// The client's own name and version, for the server's log: `acme-widget/2.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Operators and bots: a signed token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Visitors: the site's public key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Visitors: the private token of an earlier `connect`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
    /// Visitors: the page that they are on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<Page>,
    /// Visitors: the page that led to the site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
    /// Visitors: their language, BCP 47.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Visitors over TCP: their User-Agent. Over WebSocket the request's header counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Visitors: what the page tells of them, as with `set_data`; left out, what was told stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<CustomData>,
}

/// Result of `connect`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Connected {
    /// The protocol version in force.
    pub protocol: u32,
    /// The features in force: those of the request that the server knows.
    pub features: Vec<String>,
    /// The server's name and version.
    pub server: String,
    /// The server's clock.
    pub time: Millis,
    /// A client that has sent nothing for this long must send `ping`; one that is silent for
    /// twice as long is taken for dead. Milliseconds.
    pub heartbeat: u64,
    /// In a cluster: which lineage the log is of. If it is another than before, what the client
    /// has of any session, offsets above all, means nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// Who the server takes the client for.
    pub identity: Identity,
}

/// Who the server takes a client for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Identity {
    /// A visitor, in their session.
    Visitor {
        /// The site.
        site: SiteId,
        /// The visitor.
        visitor: VisitorId,
        /// The session that they are in.
        session: SessionId,
        /// Private: names this visitor in later `connect`s. Keep it, show it to nobody.
        resume: String,
        /// The last offset of the session that visitors see.
        offset: Offset,
        /// Who is in control.
        control: Control,
    },
    /// An operator.
    Operator {
        /// The site.
        site: SiteId,
        /// The operator.
        id: OperatorId,
        /// The display name that visitors see.
        name: String,
        /// What they may do.
        rank: Rank,
        /// When the token expires.
        expires: Millis,
    },
    /// A bot.
    Bot {
        /// The site.
        site: SiteId,
        /// Its id.
        id: String,
        /// The display name that visitors see.
        name: String,
        /// When the token expires.
        expires: Millis,
    },
}

/// What an operator may do; each may do what those before it may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Rank {
    /// Observes, takes over from the bot, answers, releases, transfers.
    #[default]
    Agent,
    /// Also forces a take-over and revokes control, with a reason.
    Supervisor,
    /// Also administers the site.
    Admin,
}

/// Parameters of `ping`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ping {}

/// Parameters of `refresh`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Refresh {
    /// A new token for the same site, role and id.
    pub token: String,
}

/// Result of `refresh`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Refreshed {
    /// When the new token expires.
    pub expires: Millis,
}

/// Parameters of `subscribe`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Subscribe {
    /// Which session; visitors leave it out and mean their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The last offset that the client has; 0 for everything.
    #[serde(default)]
    pub offset: Offset,
}

/// Result of `subscribe`. The events follow as `event` notifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Subscribed {
    /// Which session.
    pub session: SessionId,
    /// The last offset that this role sees: when it has come, the client has caught up.
    pub offset: Offset,
    /// Who is in control.
    pub control: Control,
    /// Operators: the session's card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
}

/// Parameters of `unsubscribe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unsubscribe {
    /// Which session.
    pub session: SessionId,
}

/// Parameters of `history`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct History {
    /// Which session; visitors leave it out and mean their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Events after this offset.
    #[serde(default)]
    pub after: Offset,
    /// How many at most: 1 to [`HISTORY_PAGE_MAX`](crate::HISTORY_PAGE_MAX); 0 means 100.
    #[serde(default)]
    pub limit: u32,
}

/// Result of `history`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HistoryPage {
    /// The events that this role sees, in order.
    pub events: Vec<Event>,
    /// What to pass as `after` for the next page; absent at the log's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Offset>,
}

/// Parameters of `send`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Say {
    /// Which session; visitors leave it out and mean their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Names this message: sent again under the same key, it is not said again.
    pub key: Key,
    /// Plain text, 1 to [`TEXT_BYTES_MAX`](crate::TEXT_BYTES_MAX) bytes.
    pub text: String,
    /// Operators: the last offset that they had seen when they wrote this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Offset>,
    /// Operators: say it although the visitor has said more since `seen`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub confirm: bool,
}

/// Result of everything that is appended to a session's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Done {
    /// Where it stands in the log.
    pub offset: Offset,
    /// The epoch in force after it.
    pub epoch: Epoch,
}

/// Parameters of `typing`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Typing {
    /// Which session; visitors leave it out and mean their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Visitors: what they have typed so far, shown to operators; empty when they stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Parameters of `page`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ViewPage {
    /// Its address.
    pub url: String,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// Parameters of `request_human`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RequestHuman {}

/// Parameters of `set_data`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetData {
    /// All of it, in place of what was told before.
    pub data: CustomData,
}

/// Parameters of `rate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rate {
    /// 1 (bad) to [`RATING_SCORE_MAX`](crate::RATING_SCORE_MAX) (good).
    pub score: u8,
    /// What the visitor says of it; an empty one counts as none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// Parameters of `watch`; the window stands in its place if the client watches already.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Watch {
    /// Which part of the live list.
    #[serde(default)]
    pub window: Window,
}

/// Result of `watch`: the snapshot that `live` notifications change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Watching {
    /// The snapshot's revision.
    pub revision: u64,
    /// The window's cards, in its order.
    pub cards: Vec<Card>,
    /// Counts over the whole site.
    pub totals: Totals,
}

/// Parameters of `unwatch`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unwatch {}

/// Parameters of `take_over`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TakeOver {
    /// Which session.
    pub session: SessionId,
    /// Supervisors and admins: also from another operator.
    #[serde(default, skip_serializing_if = "is_false")]
    pub force: bool,
    /// Why; required with `force`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Parameters of `release`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Release {
    /// Which session.
    pub session: SessionId,
}

/// Parameters of `transfer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Transfer {
    /// Which session.
    pub session: SessionId,
    /// To whom: an operator of the site who is connected and available.
    pub to: OperatorId,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Parameters of `revoke`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Revoke {
    /// Which session.
    pub session: SessionId,
    /// Why.
    pub reason: String,
}

/// Parameters of `note`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AddNote {
    /// Which session.
    pub session: SessionId,
    /// Names this note, as `send`'s key does.
    pub key: Key,
    /// Plain text.
    pub text: String,
}

/// Parameters of `close`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Close {
    /// Which session; visitors leave it out and mean their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
}

/// Parameters of `past`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReadPast {
    /// A session of the visitor whose others are asked for.
    pub session: SessionId,
    /// Only sessions with a lower ordinal; left out, all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u32>,
    /// How many at most: 1 to [`PAST_PAGE_MAX`](crate::PAST_PAGE_MAX); left out or 0, 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Result of `past`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Past {
    /// The visitor's other sessions, latest first.
    pub sessions: Vec<PastSession>,
    /// What to pass as `before` for more; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u32>,
}

/// A summary of one of a visitor's sessions; `history` has its events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PastSession {
    /// Which session.
    pub session: SessionId,
    /// Which of the visitor's sessions: 1, 2, 3 …
    pub ordinal: u32,
    /// When it started.
    pub started: Millis,
    /// When it was closed; absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Millis>,
    /// How many messages were said, by anyone.
    pub messages: u64,
    /// The last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastMessage>,
    /// How the visitor rated it in the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<Rating>,
}

/// Parameters of `operators`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Operators {}

/// Result of `operators`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OperatorList {
    /// The operators that are connected, by id.
    pub operators: Vec<OperatorCard>,
}

/// One operator's presence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OperatorCard {
    /// The operator.
    pub id: OperatorId,
    /// The display name.
    pub name: String,
    /// What they may do.
    pub rank: Rank,
    /// What they say of themselves.
    pub intent: Intent,
    /// Whether a socket of theirs is alive.
    pub connected: bool,
    /// How many sessions they control.
    pub sessions: u32,
}

/// What an operator says of their own availability.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Intent {
    /// Takes sessions.
    #[default]
    Available,
    /// Does not.
    Away,
}

/// Parameters of `set_intent`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetIntent {
    /// The new intent.
    pub intent: Intent,
}

/// Parameters of `serve`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Serve {}

/// Parameters of `draft`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Draft {
    /// Which session.
    pub session: SessionId,
    /// The epoch that the turn was asked under.
    pub epoch: Epoch,
    /// Which turn.
    pub turn: Offset,
    /// The whole answer so far.
    pub text: String,
}

/// Parameters of `answer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Answer {
    /// Which session.
    pub session: SessionId,
    /// The epoch that the turn was asked under.
    pub epoch: Epoch,
    /// Which turn.
    pub turn: Offset,
    /// Plain text.
    pub text: String,
    /// Follow-ups for the visitor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
}

/// Parameters of `fail`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fail {
    /// Which session.
    pub session: SessionId,
    /// The epoch that the turn was asked under.
    pub epoch: Epoch,
    /// Which turn.
    pub turn: Offset,
    /// What went wrong, for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

fn is_false(flag: &bool) -> bool {
    !*flag
}
