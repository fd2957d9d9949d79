//! What can go wrong between a client and the engine.

use std::io;

use vigie_protocol::error::{CloseCode, ErrorCode, RpcError};

/// Why a connection could not be opened.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OpenError {
    /// Nothing answers there.
    #[error("cannot reach {endpoint}: {problem}")]
    Unreachable {
        /// Where.
        endpoint: String,
        /// What the system says.
        problem: String,
    },
    /// What answers there does not take the WebSocket upgrade.
    #[error("{endpoint} answered the WebSocket upgrade with HTTP status {status}")]
    UpgradeRefused {
        /// Where.
        endpoint: String,
        /// The status of its answer.
        status: u16,
    },
    /// What answers there does not speak as it should.
    #[error("the handshake with {endpoint} failed: {problem}")]
    Handshake {
        /// Where.
        endpoint: String,
        /// What is wrong.
        problem: String,
    },
    /// The address, or a header to send to it, is malformed.
    #[error("cannot ask {endpoint}: {problem}")]
    Invalid {
        /// Where.
        endpoint: String,
        /// What is wrong.
        problem: String,
    },
    /// It took too long.
    #[error("{endpoint} did not answer in time")]
    TimedOut {
        /// Where.
        endpoint: String,
    },
}

impl OpenError {
    /// Whether trying again, unchanged, is of no use.
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Invalid { .. } => true,
            Self::UpgradeRefused { status, .. } => {
                matches!(status, 400..=499 if !matches!(status, 408 | 429))
            }
            Self::Unreachable { .. } | Self::Handshake { .. } | Self::TimedOut { .. } => false,
        }
    }
}

/// A connection has ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the connection is closed: {reason}")]
pub struct Closed {
    /// The server's close code; `None` if the connection ended without one.
    pub code: Option<CloseCode>,
    /// The server's words, or what was noticed.
    pub reason: String,
    /// Whether connecting again can help.
    pub reconnect: bool,
}

impl Closed {
    /// The server said why.
    pub(crate) fn by_server(code: u16, reason: impl Into<String>) -> Self {
        let code = CloseCode::from_number(code);
        Self { code: Some(code), reason: reason.into(), reconnect: code.reconnect() }
    }

    /// The connection went without a word.
    pub(crate) fn lost(reason: impl Into<String>) -> Self {
        Self { code: None, reason: reason.into(), reconnect: true }
    }

    /// The connection broke.
    pub(crate) fn broken(error: &io::Error) -> Self {
        Self::lost(error.to_string())
    }

    /// The server sends what this client cannot follow.
    pub(crate) fn nonsense(problem: impl std::fmt::Display) -> Self {
        Self::lost(format!("the server sent what is no message: {problem}"))
    }

    /// This end closed it.
    pub(crate) fn by_us() -> Self {
        Self { code: None, reason: "this end closed it".to_owned(), reconnect: false }
    }
}

/// Why a call has no result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// The server refused it.
    #[error(transparent)]
    Refused(RpcError),
    /// The connection ended before the request was handed to it: it was not carried out.
    #[error("not sent: {0}")]
    NotSent(Closed),
    /// The connection ended before the answer came: whether it was carried out is not known.
    #[error("no answer came: {0}")]
    Unanswered(Closed),
    /// The answer is not what the method promises.
    #[error("the answer could not be read: {0}")]
    Unreadable(String),
    /// No connection could be opened.
    #[error(transparent)]
    Open(OpenError),
}

impl CallError {
    /// The refusal's code, if it is a refusal.
    pub fn code(&self) -> Option<ErrorCode> {
        self.refusal().map(|refusal| refusal.code)
    }

    /// The refusal, if it is one.
    pub const fn refusal(&self) -> Option<&RpcError> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// How the connection ended, if that is the reason.
    pub const fn closed(&self) -> Option<&Closed> {
        match self {
            Self::NotSent(closed) | Self::Unanswered(closed) => Some(closed),
            _ => None,
        }
    }
}
