//! What can go wrong, and what a client does about it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A refused request: the same four fields in both encodings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message} (code {})", code.number())]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RpcError {
    /// Which kind of refusal.
    pub code: ErrorCode,
    /// What happened and what to do, for a human.
    pub message: String,
    /// Whether the same request, unchanged, may succeed later.
    #[serde(default)]
    pub retry: bool,
    /// Details by code; the table in `SPEC.md` names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl RpcError {
    /// A refusal without details; `retry` follows from the code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry: code.retry(), data: None }
    }

    /// The same refusal with details.
    pub fn with_data(self, data: Value) -> Self {
        Self { data: Some(data), ..self }
    }
}

/// Defines [`ErrorCode`] once: its numbers, names and retry advice.
macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal, retry: $retry:literal;)*) => {
        /// Kinds of refusal. Negative numbers are JSON-RPC 2.0's own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
            /// A code that this version does not know.
            Other(i32),
        }

        impl ErrorCode {
            /// Every code that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The number on the wire.
            pub const fn number(self) -> i32 {
                match self {
                    $(Self::$name => $number,)*
                    Self::Other(number) => number,
                }
            }

            /// The name used in SPEC, logs and metrics.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(_) => "other",
                }
            }

            /// Whether the same request, unchanged, may succeed later.
            pub const fn retry(self) -> bool {
                match self {
                    $(Self::$name => $retry,)*
                    Self::Other(_) => false,
                }
            }

            /// The code of a number.
            pub const fn from_number(number: i32) -> Self {
                match number {
                    $($number => Self::$name,)*
                    other => Self::Other(other),
                }
            }
        }
    };
}

error_codes! {
    /// The message is not JSON (JSON-RPC only).
    ParseError = -32700, "parse_error", retry: false;
    /// The message is well formed, but not a request, response or notification.
    InvalidRequest = -32600, "invalid_request", retry: false;
    /// No such method, or not for this role's ears.
    MethodNotFound = -32601, "method_not_found", retry: false;
    /// Parameters are missing, of a wrong type or out of bounds.
    InvalidParams = -32602, "invalid_params", retry: false;
    /// The server failed; nothing was done that it knows of.
    Internal = -32603, "internal", retry: true;
    /// The first request must be `connect`.
    NotConnected = 1000, "not_connected", retry: false;
    /// `connect` was called a second time.
    AlreadyConnected = 1001, "already_connected", retry: false;
    /// The token is not valid here.
    Unauthorized = 1002, "unauthorized", retry: false;
    /// The token was valid, but no longer is.
    TokenExpired = 1003, "token_expired", retry: false;
    /// The page's origin is not one of the site's.
    OriginRefused = 1004, "origin_refused", retry: false;
    /// No site has this key.
    UnknownSite = 1005, "unknown_site", retry: false;
    /// The server does not speak this protocol version.
    UnsupportedVersion = 1006, "unsupported_version", retry: false;
    /// This role, or this operator's role, may not do that.
    Forbidden = 1010, "forbidden", retry: false;
    /// The parameters name something that only the server may say (author, role, site, time).
    ForgedField = 1012, "forged_field", retry: false;
    /// No such session on this site.
    UnknownSession = 1020, "unknown_session", retry: false;
    /// The session is closed: nothing more is appended to it.
    SessionClosed = 1021, "session_closed", retry: false;
    /// The session's log has reached its bound.
    SessionFull = 1022, "session_full", retry: false;
    /// The offset is beyond the log's end: the client knows another log; start again from 0.
    OffsetAhead = 1023, "offset_ahead", retry: false;
    /// Another operator is in control.
    Held = 1030, "held", retry: false;
    /// The caller is not in control.
    NotInControl = 1031, "not_in_control", retry: false;
    /// Control has changed since: the answer was asked for under an older epoch.
    StaleEpoch = 1032, "stale_epoch", retry: false;
    /// The turn is no longer open: superseded, answered or failed.
    StaleTurn = 1033, "stale_turn", retry: false;
    /// The visitor has said more since the offset that the message was written against.
    Unseen = 1034, "unseen", retry: false;
    /// The operator is not connected, or away.
    OperatorUnavailable = 1035, "operator_unavailable", retry: false;
    /// The key was used before, for something else.
    KeyReused = 1040, "key_reused", retry: false;
    /// A queue is at its bound; try again shortly.
    Busy = 1050, "busy", retry: true;
    /// The log cannot take appends now (disk full, damaged): nothing was acknowledged.
    LogUnavailable = 1051, "log_unavailable", retry: true;
    /// This node is shutting down; connect again.
    Draining = 1052, "draining", retry: true;
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(self.number())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i32::deserialize(deserializer).map(Self::from_number)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ErrorCode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ErrorCode".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let known = Self::ALL
            .iter()
            .map(|code| serde_json::json!({ "const": code.number(), "title": code.name() }));
        let later = serde_json::json!({ "title": "a code of a later version" });
        let codes: Vec<_> = known.chain([later]).collect();
        schemars::json_schema!({ "type": "integer", "anyOf": codes })
    }
}

/// Defines [`CloseCode`] once.
macro_rules! close_codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// Why the server closed a connection. 4000 to 4499: connect again and resume, with
        /// jitter. 4500 to 4999: final; connecting again in the same way will fail again.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum CloseCode {
            $($(#[$doc])* $name,)*
            /// A code that this version does not know.
            Other(u16),
        }

        impl CloseCode {
            /// Every code that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The number in the close frame and in `bye`.
            pub const fn number(self) -> u16 {
                match self {
                    $(Self::$name => $number,)*
                    Self::Other(number) => number,
                }
            }

            /// The reason in the close frame and in `bye`.
            pub const fn reason(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(_) => "other",
                }
            }

            /// The code of a number.
            pub const fn from_number(number: u16) -> Self {
                match number {
                    $($number => Self::$name,)*
                    other => Self::Other(other),
                }
            }
        }
    };
}

close_codes! {
    /// The node is shutting down.
    GoingAway = 4000, "going_away";
    /// The client did not read fast enough: its outbound queue reached the bound.
    SlowConsumer = 4001, "slow_consumer";
    /// Nothing was heard from the client for the time that `connect` stated.
    HeartbeatTimeout = 4002, "heartbeat_timeout";
    /// `connect` did not come in time.
    ConnectTimeout = 4003, "connect_timeout";
    /// The node has as many connections as it takes.
    Busy = 4004, "busy";
    /// The server failed, or its log does.
    Internal = 4005, "internal";
    /// The log's generation was raised: offsets of before mean nothing any more.
    Resync = 4009, "resync";
    /// What the client sent is not a message of this protocol.
    ProtocolError = 4500, "protocol_error";
    /// A message was longer or nested deeper than allowed.
    MessageTooLarge = 4501, "message_too_large";
    /// `connect` was refused.
    Refused = 4502, "refused";
    /// The token expired and was not refreshed.
    TokenExpired = 4503, "token_expired";
}

impl CloseCode {
    /// Whether connecting again can help.
    pub const fn reconnect(self) -> bool {
        self.number() < 4500
    }
}
