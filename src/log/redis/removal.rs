//! Sessions that go. What is left of one is its number, in its visitor's list: it is not given again.
//!
//! A session and its visitor's list are in different slots of a Redis Cluster, so that a removal has
//! three steps, each of which can be repeated: the session goes and leaves a mark, its number is
//! written down, and it goes from the list of closed sessions. Until then it is found there, and
//! whoever looks for expired sessions finishes what was broken off.

use std::time::Duration;

use redis::{Pipeline, Value};
use uuid::Uuid;
use vigie_protocol::event::Offset;
use vigie_protocol::id::{SessionId, SiteId, VisitorId};

use super::append::HIGHEST_REMOVED;
use super::{Shared, stored};
use crate::log::LogError;
use crate::redis::{bucket, visitor_lane};

/// How long the mark stays: longer than anybody can be about to append who knew the session. After
/// that its visitor's list alone refuses that it begins anew.
const MARK_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes a closed session; whether it is gone now.
pub(super) async fn remove(
    shared: &Shared,
    session: SessionId,
    at: Option<Offset>,
) -> Result<bool, LogError> {
    let names = shared.redis.names();
    let mut call = shared.scripts.remove.call(&[names.session(session), names.events(session)]);
    call.arg(at.map_or_else(String::new, |at| at.to_string()));
    let remove = |pipeline: &mut Pipeline| {
        pipeline.add_command(call);
    };
    let said = shared.ask(bucket(session), remove).await?;
    let Value::Array(said) = said else { return Err(stored::not_understood()) };
    let mut said = said.iter().map(stored::text);
    match said.next().flatten() {
        Some("none") => Ok(true),
        Some("elsewhere") => Ok(false),
        Some("open") => Err(LogError::Failed(format!(
            "{session:?} is open, and only closed sessions are removed"
        ))),
        Some("removed") => {
            let (site, visitor, ordinal) =
                (said.next().flatten(), said.next().flatten(), said.next().flatten());
            let site = site.and_then(|site| site.parse().ok());
            let visitor = visitor.and_then(|visitor| Uuid::parse_str(visitor).ok());
            let (Some(site), Some(visitor), Some(ordinal)) = (site, visitor, ordinal) else {
                return Err(stored::not_understood());
            };
            finish(shared, session, &site, visitor.into(), ordinal).await?;
            Ok(true)
        }
        _ => Err(stored::not_understood()),
    }
}

/// Finishes the removal of a session that is listed as closed still.
pub(super) async fn clear_away(shared: &Shared, session: SessionId) -> Result<(), LogError> {
    if remove(shared, session, None).await? {
        let list = shared.redis.names().closed(bucket(session));
        let forget = |pipeline: &mut Pipeline| {
            pipeline.cmd("ZREM").arg(list).arg(session.to_string());
        };
        shared.ask(bucket(session), forget).await?;
    }
    Ok(())
}

/// Writes its number down, and then forgets the session.
async fn finish(
    shared: &Shared,
    session: SessionId,
    site: &SiteId,
    visitor: VisitorId,
    ordinal: &str,
) -> Result<(), LogError> {
    let names = shared.redis.names();
    let list = names.visitor(site, visitor);
    let name = session.to_string();
    let mut pipeline = Pipeline::with_capacity(2);
    pipeline.cmd("ZADD").arg(&list).arg("GT").arg(ordinal).arg(HIGHEST_REMOVED);
    pipeline.cmd("ZREM").arg(&list).arg(&name);
    shared.ask_all(visitor_lane(visitor), &pipeline).await?;

    let mut pipeline = Pipeline::with_capacity(2);
    pipeline.cmd("EXPIRE").arg(names.session(session)).arg(MARK_KEPT.as_secs());
    pipeline.cmd("ZREM").arg(names.closed(bucket(session))).arg(&name);
    shared.ask_all(bucket(session), &pipeline).await.map(drop)
}

/// The highest ordinal of a visitor's sessions that were removed; 0 if none was.
pub(super) async fn highest(
    shared: &Shared,
    site: &SiteId,
    visitor: VisitorId,
) -> Result<u32, LogError> {
    let list = shared.redis.names().visitor(site, visitor);
    let score = |pipeline: &mut Pipeline| {
        pipeline.cmd("ZSCORE").arg(list).arg(HIGHEST_REMOVED);
    };
    match shared.ask(visitor_lane(visitor), score).await? {
        Value::Nil => Ok(0),
        score => stored::text(&score)
            .and_then(|score| score.parse().ok())
            .ok_or_else(stored::not_understood),
    }
}
