//! Closed sessions are not kept for ever: when their time has come they are archived, then removed.
//!
//! In that order, and each removal only at the offset up to which the session was archived: so what
//! is removed is in the archive, on disk, to its last event. A crash between the two archives a
//! session twice, and loses none.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use time::{Date, UtcDateTime};
use vigie_protocol::event::{Millis, Offset};
use vigie_protocol::id::SessionId;

use crate::config;
use crate::log::{Log, LogError, READ_EVENTS_MAX, SessionRecord};

pub mod archive;
pub mod line;

use archive::{Archive, ArchiveError};

/// The most sessions that one run removes.
pub const RUN_SESSIONS_MAX: u32 = 10_000;

/// The most sessions that are archived and removed together: a log that serves others beside is
/// not kept busy for long.
const STEP_SESSIONS_MAX: u32 = 64;

/// How many bytes of lines are gathered before they are archived as one member of a file. One
/// session more may be with them, which is as long as sessions are (RS14).
const MEMBER_BYTES: usize = 4 * 1024 * 1024;

/// How often it is looked for closed sessions, at most and at least.
const INTERVALS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));

/// What is done with closed sessions.
pub struct Retention {
    keep: Duration,
    /// Shared with the thread that writes.
    archive: Option<Arc<Mutex<Archive>>>,
}

/// What one run has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// How many sessions were removed.
    pub removed: u32,
    /// Whether it has ended at its bound, and there may be more.
    pub more: bool,
}

/// Why closed sessions are kept for longer than they should be.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// They could not be archived, and so were not removed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// They could not be read or removed.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Sessions that are archived as one member, and removed after.
struct Step {
    day: Date,
    lines: Vec<u8>,
    /// Each with the offset of its last line; without if it is not archived.
    sessions: Vec<(SessionId, Option<Offset>)>,
}

impl Retention {
    /// As configured; `None` if sessions are kept for ever.
    pub fn new(config: &config::Retention) -> Option<Self> {
        let archive = config.archive_dir.clone().map(|dir| Arc::new(Mutex::new(Archive::new(dir))));
        config.keep_closed.map(|keep| Self { keep, archive })
    }

    /// How often a run is due.
    pub fn interval(&self) -> Duration {
        self.keep.clamp(INTERVALS.0, INTERVALS.1)
    }

    /// Archives and removes sessions whose time has come, the oldest first.
    ///
    /// # Errors
    /// The first that is met; what was removed before it was archived before.
    pub async fn run(&self, log: &dyn Log, now: Millis) -> Result<Run, RetentionError> {
        let keep = Millis::try_from(self.keep.as_millis()).unwrap_or(Millis::MAX);
        let closed_before = now.saturating_sub(keep);
        let mut removed = 0;
        while removed < RUN_SESSIONS_MAX {
            let expired = log.expired(closed_before, STEP_SESSIONS_MAX).await?;
            let last = expired.len() < STEP_SESSIONS_MAX as usize;
            let gone = self.archive_and_remove(log, expired).await?;
            removed += gone;
            if last || gone == 0 {
                return Ok(Run { removed, more: false });
            }
        }
        Ok(Run { removed, more: true })
    }

    /// How many of them are gone then.
    async fn archive_and_remove(
        &self,
        log: &dyn Log,
        expired: Vec<SessionRecord>,
    ) -> Result<u32, RetentionError> {
        let mut gone = 0;
        let mut step: Option<Step> = None;
        for record in expired {
            let day = day(record.closed.unwrap_or_default());
            if let Some(full) = step.take_if(|step| step.is_full_for(day)) {
                gone += self.finish(log, full).await?;
            }
            let step = step.get_or_insert_with(|| Step::on(day));
            match self.archive {
                Some(_) => step.add(log, record).await?,
                None => step.sessions.push((record.session, None)),
            }
        }
        if let Some(step) = step {
            gone += self.finish(log, step).await?;
        }
        Ok(gone)
    }

    async fn finish(&self, log: &dyn Log, step: Step) -> Result<u32, RetentionError> {
        let Step { day, lines, sessions } = step;
        if let Some(archive) = &self.archive
            && !lines.is_empty()
        {
            let archive = Arc::clone(archive);
            let append =
                move || archive.lock().unwrap_or_else(PoisonError::into_inner).append(day, &lines);
            actix_rt::task::spawn_blocking(append).await.map_err(|_| ArchiveError::Stopped)??;
        }
        let removals = sessions.into_iter().map(|(session, at)| log.remove(session, at));
        let mut gone = 0;
        for removed in join_all(removals).await {
            // One that somebody has appended to since is found again, and archived again, whole.
            gone += u32::from(removed?);
        }
        Ok(gone)
    }
}

impl Step {
    fn on(day: Date) -> Self {
        Self { day, lines: Vec::new(), sessions: Vec::new() }
    }

    fn is_full_for(&self, day: Date) -> bool {
        self.day != day || self.lines.len() >= MEMBER_BYTES
    }

    /// Adds the lines of a whole session.
    async fn add(&mut self, log: &dyn Log, record: SessionRecord) -> Result<(), LogError> {
        let begun = self.lines.len();
        let unwritten = |error: std::io::Error| LogError::Failed(error.to_string());
        line::write_record(&record, &mut self.lines).map_err(unwritten)?;
        let mut end = 0;
        loop {
            let page = log.read(record.session, end, READ_EVENTS_MAX).await?;
            for event in &page {
                line::write_event(event, &mut self.lines).map_err(unwritten)?;
                end = event.offset;
            }
            if page.len() < READ_EVENTS_MAX as usize {
                break;
            }
        }
        if end == 0 {
            // Somebody else has removed it meanwhile, and archived it before.
            self.lines.truncate(begun);
        } else {
            self.sessions.push((record.session, Some(end)));
        }
        Ok(())
    }
}

impl RetentionError {
    /// What was met, and what to do, for whoever looks after the engine.
    pub fn advice(&self, archive_dir: Option<&Path>) -> String {
        match (self, archive_dir) {
            (Self::Archive(error), Some(dir)) => format!(
                "{error}; closed sessions are kept until they can be archived: see that {} can be \
                 written to and has room, or name another directory in retention.archive_dir",
                dir.display()
            ),
            _ => format!("{self}; closed sessions are kept until they can be removed"),
        }
    }
}

/// The day, in UTC, on which a moment is.
fn day(at: Millis) -> Date {
    let seconds = i64::try_from(at / 1000).unwrap_or(i64::MAX);
    // Beyond all calendars the last day stands for those that follow.
    UtcDateTime::from_unix_timestamp(seconds).map_or(Date::MAX, UtcDateTime::date)
}
