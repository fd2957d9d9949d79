//! What went wrong, and whether asking again makes sense.

use std::time::Duration;

use deadpool_redis::PoolError;
use redis::{ErrorKind, RedisError, ServerError, ServerErrorKind, Value};

/// Why Redis did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedisFault {
    /// It does not answer, or nobody of it who may write. Whether it was done, nobody knows; asking
    /// again makes sense.
    #[error("Redis does not answer: {0}")]
    Away(String),
    /// It has no room.
    #[error("Redis is full: {0}")]
    Full(String),
    /// It refuses.
    #[error("Redis refuses: {0}")]
    Failed(String),
}

impl From<RedisError> for RedisFault {
    fn from(error: RedisError) -> Self {
        let text = error.to_string();
        match error.kind() {
            ErrorKind::Io
            | ErrorKind::Parse
            | ErrorKind::ClusterConnectionNotFound
            | ErrorKind::MasterNameNotFoundBySentinel => Self::Away(text),
            _ => classify(error.code().unwrap_or_default(), text),
        }
    }
}

impl From<&ServerError> for RedisFault {
    fn from(error: &ServerError) -> Self {
        let text = match error.details() {
            Some(details) => format!("{} {details}", error.code()),
            None => error.code().to_owned(),
        };
        classify(error.code(), text)
    }
}

impl From<PoolError> for RedisFault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => error.into(),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// By the word that an error begins with. A script's error may carry the word within, as servers
/// before Redis 7 have it.
fn classify(code: &str, text: String) -> RedisFault {
    const AWAY: [&str; 9] = [
        "LOADING",
        "READONLY",
        "CLUSTERDOWN",
        "MASTERDOWN",
        "TRYAGAIN",
        "NOREPLICAS",
        "BUSY",
        "ASK",
        "UNBLOCKED",
    ];
    let is = |word: &str| code == word || text.contains(&format!("-{word} "));
    if is("OOM") || (is("MISCONF") && text.contains("No space")) {
        RedisFault::Full(text)
    } else if AWAY.into_iter().any(is) {
        RedisFault::Away(text)
    } else if is("MOVED") {
        RedisFault::Failed(format!(
            "{text}: this is a Redis Cluster; write its address as redis+cluster://…"
        ))
    } else {
        RedisFault::Failed(text)
    }
}

/// A server's error as what it is.
pub(super) fn server_answer(answer: Result<Value, RedisFault>) -> Result<Value, RedisFault> {
    match answer {
        Ok(Value::ServerError(error)) => Err(RedisFault::from(&error)),
        answer => answer,
    }
}

/// Whether an answer shows that this connection leads to where nothing can be written any more.
pub(super) fn demoted(value: &Value) -> bool {
    matches!(
        value,
        Value::ServerError(error) if matches!(
            error.kind(),
            Some(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)
        )
    )
}

pub(super) fn late(limit: Duration) -> RedisFault {
    RedisFault::Away(format!("no answer within {} ms", limit.as_millis()))
}

pub(super) fn no_answer() -> RedisFault {
    RedisFault::Away("it ended without an answer".into())
}

pub(super) fn stopped() -> RedisFault {
    RedisFault::Failed("the thread of its connections has stopped; start the engine again".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_away_and_what_has_no_room_is_full() {
        let of = |code: &str, text: &str| classify(code, text.into());
        let before_7 = "ERR Error running script: @user_script:1: -OOM command not allowed";
        assert!(matches!(of("ERR", before_7), RedisFault::Full(_)));
        assert!(matches!(of("OOM", "OOM command not allowed"), RedisFault::Full(_)));
        assert!(matches!(of("MISCONF", "MISCONF No space left on device"), RedisFault::Full(_)));
        assert!(matches!(of("MISCONF", "MISCONF RDB"), RedisFault::Failed(_)));
        assert!(matches!(of("LOADING", "LOADING the dataset"), RedisFault::Away(_)));
        assert!(matches!(of("READONLY", "READONLY replica"), RedisFault::Away(_)));
        assert!(matches!(of("WRONGTYPE", "WRONGTYPE of key"), RedisFault::Failed(_)));
        let moved = of("MOVED", "MOVED 1 127.0.0.1:1").to_string();
        assert!(moved.contains("redis+cluster://"), "{moved}");
    }
}
