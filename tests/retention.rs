//! Closed sessions leave the log by way of the archive: on real disks, read by real `zcat`.
#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use vigie::config;
use vigie::log::sqlite::{SqliteLog, SqliteLogOptions};
use vigie::log::{Append, AppendError, Log, LogError, LogFuture, READ_EVENTS_MAX, SessionRecord};
use vigie::retention::archive::{self, Archived};
use vigie::retention::{RUN_SESSIONS_MAX, Retention, Run};
use vigie_protocol::event::{CloseCause, Event, EventBody, Offset, Rating};
use vigie_protocol::id::{SessionId, SiteId, VisitorId};

use self::events::*;

#[allow(dead_code, reason = "other tests use what this one does not")]
#[path = "log_contract/events.rs"]
mod events;

/// Names the place to the test that runs in a process of its own.
const CHILD_DIR: &str = "VIGIE_TEST_CHILD_DIR";

/// Long after everything.
const LATER: u64 = 4_000_000_000_000;

/// Sessions are kept for a second.
const KEEP: Duration = Duration::from_secs(1);

/// A log, and a directory to archive it in.
struct Place {
    dir: TempDir,
    log: Arc<dyn Log>,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vigie.db");
        let log = Arc::new(SqliteLog::open(path, SqliteLogOptions::default()).unwrap());
        Self { dir, log }
    }

    fn archive(&self) -> PathBuf {
        self.dir.path().join("archive")
    }

    fn retention(&self) -> Retention {
        archiving_to(self.archive())
    }

    async fn run(&self) -> Run {
        self.retention().run(&*self.log, LATER).await.unwrap()
    }

    /// A session of visitor `n` with so many messages, closed at this moment; and its events.
    async fn closed(&self, n: u128, messages: usize, at: u64) -> (SessionId, Vec<Event>) {
        let session = nth(n);
        let said = (0..messages).map(|message| said(format!("{n}/{message}: «où?»\n")));
        let bodies = [started(visitor(n), 1)].into_iter().chain(said).chain([close()]);
        let mut append = append_to(session, 0, bodies.collect::<Vec<_>>());
        append.events.iter_mut().for_each(|event| event.time = at);
        let events = append.events.clone();
        self.log.append(append).await.unwrap();
        (session, events)
    }

    async fn has(&self, session: SessionId) -> bool {
        let there = self.log.session(session).await.unwrap().is_some();
        assert_eq!(there, !self.log.read(session, 0, 1).await.unwrap().is_empty());
        there
    }

    fn files(&self) -> Vec<String> {
        let files = archive::files(&self.archive()).unwrap();
        files.iter().map(|path| path.file_name().unwrap().to_str().unwrap().into()).collect()
    }
}

/// A log whose sessions are rated in the very moment before they would be removed, once.
struct RatedBeforeRemoval {
    log: Arc<dyn Log>,
    rated: AtomicBool,
}

impl Log for RatedBeforeRemoval {
    fn remove(&self, session: SessionId, at: Option<Offset>) -> LogFuture<Result<bool, LogError>> {
        let log = Arc::clone(&self.log);
        let rate = !self.rated.swap(true, Ordering::Relaxed);
        Box::pin(async move {
            if rate {
                let rating = EventBody::SessionRated(Rating { score: 5, comment: None });
                log.append(append_to(session, at.unwrap(), [rating])).await.unwrap();
            }
            log.remove(session, at).await
        })
    }

    fn append(&self, append: Append) -> LogFuture<Result<(), AppendError>> {
        self.log.append(append)
    }

    fn read(
        &self,
        session: SessionId,
        after: Offset,
        limit: u32,
    ) -> LogFuture<Result<Vec<Event>, LogError>> {
        self.log.read(session, after, limit)
    }

    fn session(&self, session: SessionId) -> LogFuture<Result<Option<SessionRecord>, LogError>> {
        self.log.session(session)
    }

    fn sessions_of(
        &self,
        site: SiteId,
        visitor: VisitorId,
        before: Option<u32>,
        limit: u32,
    ) -> LogFuture<Result<Vec<SessionRecord>, LogError>> {
        self.log.sessions_of(site, visitor, before, limit)
    }

    fn stale(&self, before: u64, limit: u32) -> LogFuture<Result<Vec<SessionRecord>, LogError>> {
        self.log.stale(before, limit)
    }

    fn expired(&self, before: u64, limit: u32) -> LogFuture<Result<Vec<SessionRecord>, LogError>> {
        self.log.expired(before, limit)
    }

    fn removed(&self, site: SiteId, visitor: VisitorId) -> LogFuture<Result<u32, LogError>> {
        self.log.removed(site, visitor)
    }

    fn shared(&self) -> bool {
        self.log.shared()
    }

    fn health(&self) -> Result<(), LogError> {
        self.log.health()
    }
}

#[tokio::test]
async fn what_is_removed_is_in_the_archive_of_its_day_to_its_last_event() {
    let place = Place::new();
    let (eve, midnight) = (1_763_769_599_999, 1_763_769_600_000);
    let (first, events) = place.closed(1, 3, eve).await;
    let (second, _) = place.closed(2, 0, eve).await;
    let (third, _) = place.closed(3, 1, midnight).await;
    assert_eq!(place.run().await, Run { removed: 3, more: false });

    assert_eq!(place.files(), ["2025-11-21.jsonl.gz", "2025-11-22.jsonl.gz"]);
    let of_eve = sessions(&place.archive().join("2025-11-21.jsonl.gz"));
    assert_eq!(of_eve.iter().map(|(session, _)| *session).collect::<Vec<_>>(), [first, second]);
    assert_eq!(parsed(&of_eve[0].1), events);
    let record: serde_json::Value = serde_json::from_str(&of_eve[0].1.record).unwrap();
    let expected = serde_json::json!({
        "session": first, "site": "shop", "visitor": visitor(1), "ordinal": 1,
        "started": eve, "closed": eve,
    });
    assert_eq!(record, expected);
    let of_midnight = sessions(&place.archive().join("2025-11-22.jsonl.gz"));
    assert_eq!(of_midnight[0].0, third);
    for session in [first, second, third] {
        assert!(!place.has(session).await);
    }
}

#[tokio::test]
async fn what_is_open_or_closed_of_late_stays() {
    let place = Place::new();
    place.log.append(append_to(nth(1), 0, [started(visitor(1), 1), said("open")])).await.unwrap();
    let (of_late, _) = place.closed(2, 1, 10_000).await;
    let (old, _) = place.closed(3, 1, 9_999).await;
    let run = place.retention().run(&*place.log, 11_000).await.unwrap();
    assert_eq!(run, Run { removed: 1, more: false });
    assert!(place.has(nth(1)).await && place.has(of_late).await && !place.has(old).await);
    assert!(Retention::new(&configured(Duration::ZERO, None)).is_none(), "0 is for ever");
}

#[tokio::test]
async fn without_an_archive_what_is_removed_is_gone() {
    let place = Place::new();
    let (session, _) = place.closed(1, 3, 5).await;
    let retention = Retention::new(&configured(KEEP, None)).unwrap();
    let run = retention.run(&*place.log, LATER).await.unwrap();
    assert_eq!(run, Run { removed: 1, more: false });
    assert!(!place.has(session).await);
    assert_eq!(fs::read_dir(place.dir.path()).unwrap().filter(is_directory).count(), 0);
}

#[tokio::test]
async fn zcat_reads_what_was_archived_in_many_runs_as_one() {
    let place = Place::new();
    let mut lines = Vec::new();
    let retention = place.retention();
    for n in 1..=5 {
        let (session, events) = place.closed(n, 20, 1000 * n as u64).await;
        assert_eq!(retention.run(&*place.log, LATER).await.unwrap().removed, 1);
        lines.push(session.to_string());
        lines.extend(events.iter().map(|event| serde_json::to_string(event).unwrap()));
    }
    let path = place.archive().join("1970-01-01.jsonl.gz");
    let zcat = Command::new("zcat").arg(&path).output().unwrap();
    assert!(zcat.status.success(), "{}", String::from_utf8_lossy(&zcat.stderr));
    let text = String::from_utf8(zcat.stdout).unwrap();
    assert_eq!(text.lines().count(), lines.len());
    for (printed, wanted) in text.lines().zip(&lines) {
        assert!(printed == wanted || printed.contains(&format!("\"session\":{wanted:?}")));
    }
    let members = fs::read(&path).unwrap();
    let gzip_heads = members.windows(4).filter(|bytes| bytes == &[0x1f, 0x8b, 8, 0]).count();
    assert_eq!(gzip_heads, 5, "each run wrote a member of its own");
}

#[tokio::test]
async fn more_sessions_and_longer_ones_than_one_step_holds_are_archived_whole() {
    const SESSIONS: u128 = 150;
    let place = Place::new();
    let (long, events) = place.closed(999, 2 * READ_EVENTS_MAX as usize + 7, 1).await;
    for n in 0..SESSIONS {
        place.closed(n, 2, 5 + n as u64 % 3).await;
    }
    assert_eq!(place.run().await, Run { removed: SESSIONS as u32 + 1, more: false });
    let archived = sessions(&place.archive().join("1970-01-01.jsonl.gz"));
    assert_eq!(archived.len(), SESSIONS as usize + 1);
    assert_eq!((archived[0].0, parsed(&archived[0].1)), (long, events));
    assert!(archived[1..].iter().all(|(_, archived)| archived.events.len() == 4));
    const { assert!(RUN_SESSIONS_MAX > 2 * SESSIONS as u32) };
}

#[tokio::test]
async fn what_cannot_be_archived_is_not_removed_and_is_once_it_can() {
    let place = Place::new();
    let (session, events) = place.closed(1, 3, 5).await;
    fs::write(place.archive(), "in the way").unwrap();
    let error = place.retention().run(&*place.log, LATER).await.unwrap_err();
    let advice = error.advice(Some(&place.archive()));
    for part in ["cannot be written", "archive", "retention.archive_dir", "can be archived"] {
        assert!(advice.contains(part), "{advice}");
    }
    assert!(place.has(session).await);
    assert_eq!(fs::read_to_string(place.archive()).unwrap(), "in the way");

    fs::remove_file(place.archive()).unwrap();
    assert_eq!(place.run().await.removed, 1);
    assert_eq!(parsed(&only(&place).1), events);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_disk_without_room_keeps_the_log_as_it_is() {
    let place = Place::new();
    let (session, _) = place.closed(1, 3, 5).await;
    fs::create_dir(place.archive()).unwrap();
    let file = place.archive().join("1970-01-01.jsonl.gz");
    std::os::unix::fs::symlink("/dev/full", &file).unwrap();
    let error = place.retention().run(&*place.log, LATER).await.unwrap_err();
    assert!(error.to_string().contains("No space left on device"), "{error}");
    assert!(place.has(session).await);
    fs::remove_file(file).unwrap();
    assert_eq!(place.run().await.removed, 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_member_that_did_not_fit_leaves_the_file_as_it_was() {
    let place = Place::new();
    let mut child = Command::new("sh");
    let child = child
        .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "child_archives_more_than_fits", "--ignored", "--nocapture"])
        .env(CHILD_DIR, place.archive())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "runs in a process of its own"]
async fn child_archives_more_than_fits() {
    let Some(dir) = std::env::var_os(CHILD_DIR).map(PathBuf::from) else { return };
    let mut archive = archive::Archive::new(dir.clone());
    let day = time_of(0);
    archive.append(day, &session_lines(1, 10)).unwrap();
    let file = dir.join("1970-01-01.jsonl.gz");
    let before = fs::read(&file).unwrap();

    limit_file_sizes(&format!("{}:", before.len() + 20));
    for _ in 0..2 {
        let error = archive.append(day, &session_lines(2, 1000)).unwrap_err();
        assert!(error.to_string().contains("1970-01-01.jsonl.gz"), "{error}");
        assert_eq!(fs::read(&file).unwrap(), before, "what was written of it is taken back");
    }
    limit_file_sizes("unlimited:");
    archive.append(day, &session_lines(2, 1000)).unwrap();
    let archived = sessions(&file);
    assert_eq!(archived.iter().map(|(_, one)| one.events.len()).collect::<Vec<_>>(), [10, 1000]);
}

#[tokio::test]
async fn what_a_crash_has_left_half_written_is_left_alone_and_the_day_goes_on_in_another_file() {
    let place = Place::new();
    let (first, _) = place.closed(1, 200, 5).await;
    assert_eq!(place.run().await.removed, 1);
    let file = place.archive().join("1970-01-01.jsonl.gz");
    let whole = fs::read(&file).unwrap();
    // The next member stops anywhere; or its bytes have not come to the disk, but its length has.
    let torn = [&whole[..whole.len() / 2], &[0; 50], &whole[..5]];
    for (n, torn) in (2..).zip(torn) {
        let ends = [&whole[..], torn].concat();
        fs::write(&file, &ends).unwrap();
        let (session, events) = place.closed(n, 3, 5).await;
        assert_eq!(place.run().await.removed, 1);
        assert_eq!(fs::read(&file).unwrap(), ends, "it is left as it is");
        assert_eq!(place.files(), ["1970-01-01-2.jsonl.gz", "1970-01-01.jsonl.gz"]);
        let further = sessions(&place.archive().join("1970-01-01-2.jsonl.gz"));
        let (last, archived) = further.last().unwrap();
        assert_eq!((*last, parsed(archived)), (session, events));
        let mut before_the_tear = vec![];
        assert!(archive::read(&file, |_| true, |id, _| before_the_tear.push(id)).is_err());
        // Where it ends in zeros, the whole member before it may be given or not: gzip itself does.
        assert!(before_the_tear.is_empty() || before_the_tear == [first]);
    }
    assert_eq!(sessions(&place.archive().join("1970-01-01-2.jsonl.gz")).len(), 3);
}

#[tokio::test]
async fn a_crash_between_archive_and_removal_archives_twice_and_loses_nothing() {
    let place = Place::new();
    let (session, events) = place.closed(1, 3, 5).await;
    // As it would be, had the engine ended before the removal.
    let mut archive = archive::Archive::new(place.archive());
    archive.append(time_of(0), &session_lines(1, 3)).unwrap();
    assert_eq!(place.run().await.removed, 1);
    let both = sessions(&place.archive().join("1970-01-01.jsonl.gz"));
    assert_eq!(both.len(), 2);
    assert_eq!((both[1].0, parsed(&both[1].1)), (session, events));
}

#[tokio::test]
async fn a_session_that_is_rated_after_it_was_archived_stays_until_the_rating_is_archived_too() {
    let place = Place::new();
    let (session, _) = place.closed(1, 3, 5).await;
    let rated = RatedBeforeRemoval { log: Arc::clone(&place.log), rated: AtomicBool::new(false) };
    let retention = place.retention();
    let run = retention.run(&rated, LATER).await.unwrap();
    assert_eq!(run, Run { removed: 0, more: false });
    assert_eq!(place.log.read(session, 0, 10).await.unwrap().len(), 6);
    assert_eq!(retention.run(&rated, LATER).await.unwrap().removed, 1);
    let archived = sessions(&place.archive().join("1970-01-01.jsonl.gz"));
    assert_eq!(archived.iter().map(|(_, one)| one.events.len()).collect::<Vec<_>>(), [5, 6]);
}

#[tokio::test]
async fn an_archive_that_another_process_writes_is_left_to_it() {
    let place = Place::new();
    let (session, _) = place.closed(1, 3, 5).await;
    fs::create_dir(place.archive()).unwrap();
    let theirs = File::create(place.archive().join("1970-01-01.jsonl.gz")).unwrap();
    theirs.lock().unwrap();
    let error = place.retention().run(&*place.log, LATER).await.unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
    assert!(place.has(session).await);
    drop(theirs);
    assert_eq!(place.run().await.removed, 1);
}

#[cfg(unix)]
#[tokio::test]
async fn the_archive_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    place.closed(1, 3, 5).await;
    place.run().await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.archive()), 0o700);
    assert_eq!(mode(&place.archive().join("1970-01-01.jsonl.gz")), 0o600);
}

#[tokio::test]
async fn a_file_that_is_no_archive_is_told_apart() {
    let place = Place::new();
    fs::create_dir(place.archive()).unwrap();
    let path = place.archive().join("2026-01-01.jsonl.gz");
    let mut gzip = flate2::write::GzEncoder::new(File::create(&path).unwrap(), Default::default());
    gzip.write_all(b"{\"offset\":1}\n").unwrap();
    gzip.finish().unwrap();
    let error = archive::read(&path, |_| true, |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("not an archive of sessions"), "{error}");
}

fn archiving_to(dir: PathBuf) -> Retention {
    Retention::new(&configured(KEEP, Some(dir))).unwrap()
}

fn configured(keep: Duration, archive_dir: Option<PathBuf>) -> config::Retention {
    config::Retention { keep_closed: Some(keep).filter(|keep| !keep.is_zero()), archive_dir }
}

fn nth(n: u128) -> SessionId {
    SessionId::nth(visitor(n), 1)
}

fn close() -> EventBody {
    EventBody::SessionClosed { cause: CloseCause::Visitor }
}

fn time_of(seconds: i64) -> time::Date {
    time::UtcDateTime::from_unix_timestamp(seconds).unwrap().date()
}

/// The archived form of a session of visitor `n`.
fn session_lines(n: u128, events: u64) -> Vec<u8> {
    let mut lines = format!("{{\"session\":\"{}\"}}\n", nth(n)).into_bytes();
    for offset in 1..=events {
        // Not the same twice, so that it does not become next to nothing.
        let body = said(format!("{:x}", u128::from(offset).pow(7) ^ (n << 64)));
        serde_json::to_writer(&mut lines, &event(offset, body)).unwrap();
        lines.push(b'\n');
    }
    lines
}

/// All sessions of a file that is sound.
fn sessions(path: &Path) -> Vec<(SessionId, Archived)> {
    let mut sessions = Vec::new();
    archive::read(path, |_| true, |session, archived| sessions.push((session, archived))).unwrap();
    sessions
}

/// The one session of the first day.
fn only(place: &Place) -> (SessionId, Archived) {
    let mut sessions = sessions(&place.archive().join("1970-01-01.jsonl.gz"));
    assert_eq!(sessions.len(), 1);
    sessions.remove(0)
}

fn parsed(archived: &Archived) -> Vec<Event> {
    archived.events.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn is_directory(entry: &std::io::Result<fs::DirEntry>) -> bool {
    entry.as_ref().unwrap().file_type().unwrap().is_dir()
}

/// Sets how long a file this process may write: `soft:hard`.
fn limit_file_sizes(limit: &str) {
    let id = std::process::id().to_string();
    let limit = format!("--fsize={limit}");
    assert!(Command::new("prlimit").args(["--pid", &id, &limit]).status().unwrap().success());
}
