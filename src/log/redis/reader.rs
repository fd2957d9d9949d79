//! What is asked of the log.

use redis::{Pipeline, Value};
use vigie_protocol::event::{Event, Millis, Offset};
use vigie_protocol::id::{SessionId, SiteId, VisitorId};

use super::append::HIGHEST_REMOVED;
use super::{Shared, removal, stored};
use crate::log::{LogError, READ_EVENTS_MAX, SessionRecord};
use crate::redis::{BUCKETS, bucket, visitor_lane};

/// How many of a visitor's sessions are looked up at a time.
const SESSIONS_PAGE: usize = 64;

impl Shared {
    /// Asks one thing of a bucket, or of the lane of the same number.
    pub(super) async fn ask(
        &self,
        lane: u8,
        build: impl FnOnce(&mut Pipeline),
    ) -> Result<Value, LogError> {
        let mut pipeline = Pipeline::with_capacity(1);
        build(&mut pipeline);
        let mut answers = self.ask_all(lane, &pipeline).await?;
        answers.pop().ok_or_else(stored::not_understood)
    }

    /// Asks several things; any that fails fails all.
    pub(super) async fn ask_all(
        &self,
        lane: u8,
        pipeline: &Pipeline,
    ) -> Result<Vec<Value>, LogError> {
        let answers = self.redis.run(lane, pipeline).await;
        let answers = answers.and_then(|answers| answers.into_iter().collect());
        answers.map_err(|fault| self.failed(lane, fault))
    }
}

/// The events after an offset, in order.
pub(super) async fn events(
    shared: &Shared,
    session: SessionId,
    after: Offset,
    limit: u32,
) -> Result<Vec<Event>, LogError> {
    // Beyond what can be counted there are no events.
    let Some(first) = after.checked_add(1).filter(|_| limit > 0) else { return Ok(Vec::new()) };
    let key = shared.redis.names().events(session);
    let limit = limit.min(READ_EVENTS_MAX);
    let range = |pipeline: &mut Pipeline| {
        pipeline.cmd("XRANGE").arg(key).arg(format!("{first}-0")).arg("+");
        pipeline.arg("COUNT").arg(limit);
    };
    stored::events(shared.ask(bucket(session), range).await?, after)
}

pub(super) async fn session(
    shared: &Shared,
    session: SessionId,
) -> Result<Option<SessionRecord>, LogError> {
    Ok(records(shared, &[session]).await?.pop().flatten())
}

/// A visitor's sessions, latest first. The list holds also those that were never begun: they are
/// passed over.
pub(super) async fn sessions_of(
    shared: &Shared,
    site: &SiteId,
    visitor: VisitorId,
    before: Option<u32>,
    limit: u32,
) -> Result<Vec<SessionRecord>, LogError> {
    let list = shared.redis.names().visitor(site, visitor);
    let mut found = Vec::new();
    let mut below = before.map_or_else(|| "+inf".into(), |before| format!("({before}"));
    while found.len() < limit as usize {
        let range = |pipeline: &mut Pipeline| {
            pipeline.cmd("ZREVRANGEBYSCORE").arg(&list).arg(&below).arg("-inf");
            pipeline.arg("WITHSCORES").arg("LIMIT").arg(0).arg(SESSIONS_PAGE);
        };
        let members = shared.ask(visitor_lane(visitor), range).await?;
        let (members, count) = without_highest_removed(members)?;
        let listed = stored::scored(members)?;
        let sessions: Vec<_> = listed.iter().map(|(session, _)| *session).collect();
        let of_site = |record: &SessionRecord| record.site == *site && record.visitor == visitor;
        found.extend(records(shared, &sessions).await?.into_iter().flatten().filter(of_site));
        match listed.last() {
            Some((_, ordinal)) if count == SESSIONS_PAGE => below = format!("({ordinal}"),
            _ => break,
        }
    }
    found.truncate(limit as usize);
    Ok(found)
}

/// Open sessions whose last event is older than `before`, the oldest first.
pub(super) async fn stale(
    shared: &Shared,
    before: Millis,
    limit: u32,
) -> Result<Vec<SessionRecord>, LogError> {
    let names = shared.redis.names();
    let listed = oldest(shared, |bucket| names.open(bucket), before, limit).await?;
    Ok(records(shared, &listed).await?.into_iter().flatten().collect())
}

/// Sessions that were closed before, the first first. What is listed still although it was removed
/// is cleared away on the way.
pub(super) async fn expired(
    shared: &Shared,
    closed_before: Millis,
    limit: u32,
) -> Result<Vec<SessionRecord>, LogError> {
    let names = shared.redis.names();
    let listed = oldest(shared, |bucket| names.closed(bucket), closed_before, limit).await?;
    let mut found = Vec::with_capacity(listed.len());
    for (session, record) in listed.iter().zip(records(shared, &listed).await?) {
        match record {
            Some(record) => found.push(record),
            None => removal::clear_away(shared, *session).await?,
        }
    }
    Ok(found)
}

/// Of the sessions in the sorted sets of all buckets those with the lowest scores.
async fn oldest(
    shared: &Shared,
    key: impl Fn(u8) -> String,
    before: Millis,
    limit: u32,
) -> Result<Vec<SessionId>, LogError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let mut pipeline = Pipeline::with_capacity(BUCKETS);
    for bucket in 0..=u8::MAX {
        pipeline.cmd("ZRANGEBYSCORE").arg(key(bucket)).arg("-inf").arg(format!("({before}"));
        pipeline.arg("WITHSCORES").arg("LIMIT").arg(0).arg(limit);
    }
    let mut listed = Vec::new();
    for members in shared.ask_all(0, &pipeline).await? {
        listed.extend(stored::scored(members)?);
    }
    listed.sort_by(|(a, at), (b, bt)| at.total_cmp(bt).then(a.cmp(b)));
    listed.truncate(limit as usize);
    Ok(listed.into_iter().map(|(session, _)| session).collect())
}

/// What is known of each of these sessions.
async fn records(
    shared: &Shared,
    sessions: &[SessionId],
) -> Result<Vec<Option<SessionRecord>>, LogError> {
    let mut pipeline = Pipeline::with_capacity(sessions.len());
    for session in sessions {
        pipeline.cmd("HMGET").arg(shared.redis.names().session(*session)).arg(&stored::RECORD);
    }
    let lane = sessions.first().map_or(0, |session| bucket(*session));
    let answers = shared.ask_all(lane, &pipeline).await?;
    sessions.iter().zip(answers).map(|(session, fields)| stored::record(*session, fields)).collect()
}

/// The list without the member that is no session, and how many members there were with it.
fn without_highest_removed(members: Value) -> Result<(Value, usize), LogError> {
    let Value::Array(mut members) = members else { return Err(stored::not_understood()) };
    let count = members.len() / 2;
    let place =
        members.iter().step_by(2).position(|name| stored::text(name) == Some(HIGHEST_REMOVED));
    if let Some(place) = place {
        members.drain(2 * place..2 * place + 2);
    }
    Ok((Value::Array(members), count))
}
