//! What only the SQLite log promises: of its file, its disk, its queue and its process.
#![allow(clippy::unwrap_used)]

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tempfile::TempDir;
use vigie::core::site::Site;
use vigie::log::sqlite::{APPENDS_BATCHED_MAX, APPENDS_QUEUED_MAX, SqliteLog, SqliteLogOptions};
use vigie::log::{AppendError, Log, LogError, READ_EVENTS_MAX};
use vigie::store::Store;
use vigie::store::sqlite::SqliteStore;
use vigie_protocol::event::{CloseCause, EventBody, Offset};
use vigie_protocol::id::SessionId;

use self::events::*;

#[path = "log_contract/events.rs"]
mod events;

/// Names the file to the tests that run in a process of their own.
const CHILD_FILE: &str = "VIGIE_TEST_CHILD_FILE";

#[tokio::test]
async fn a_full_file_refuses_and_keeps_what_was_acknowledged_and_serves_again_with_room() {
    let (_dir, path) = place();
    let small = SqliteLogOptions { size_bytes_max: Some(400_000), ..Default::default() };
    let log = SqliteLog::open(&path, small).unwrap();
    log.append(start()).await.unwrap();
    let mut head = 1;
    let refused = loop {
        match log.append(append(head, [said("x".repeat(10_000))])).await {
            Ok(()) => head += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::Log(LogError::Full(_))), "{refused}");
    assert!(matches!(log.health(), Err(LogError::Full(_))));
    assert!(head > 10);
    assert_eq!(end(&log).await, head);
    drop(log);

    let log = open(&path);
    assert_eq!(end(&log).await, head);
    log.append(append(head, [said("room again")])).await.unwrap();
    assert_eq!(log.health(), Ok(()));
}

#[tokio::test]
async fn the_room_of_what_was_removed_is_used_again() {
    const ROUNDS: u32 = 20;
    let (_dir, path) = place();
    let small = SqliteLogOptions { size_bytes_max: Some(400_000), ..Default::default() };
    let log = SqliteLog::open(&path, small).unwrap();
    let much = || std::iter::repeat_n(said("x".repeat(10_000)), 18);
    // Twenty times what one round fills the file with to more than half.
    for ordinal in 1..=ROUNDS {
        let session = SessionId::nth(visitor(7), ordinal);
        let end = EventBody::SessionClosed { cause: CloseCause::Visitor };
        let bodies = [started(visitor(7), ordinal)].into_iter().chain(much()).chain([end]);
        log.append(append_to(session, 0, bodies.collect::<Vec<_>>())).await.unwrap();
        if ordinal == 1 {
            let another = SessionId::nth(visitor(8), 1);
            let full = append_to(another, 0, [started(visitor(8), 1)].into_iter().chain(much()));
            assert!(matches!(log.append(full).await, Err(AppendError::Log(LogError::Full(_)))));
            assert!(matches!(log.health(), Err(LogError::Full(_))));
        }
        assert_eq!(log.remove(session, Some(20)).await, Ok(true));
    }
    assert_eq!(log.health(), Ok(()), "a full log is well again once something was removed");
    assert!(fs::metadata(&path).unwrap().len() <= 400_000);
}

#[tokio::test]
async fn a_log_opened_for_reading_removes_nothing() {
    let (_dir, path) = place();
    let log = open(&path);
    log.append(append(0, [started(visitor(7), 1)])).await.unwrap();
    let export = SqliteLog::open_read_only(&path).unwrap();
    let refused = export.remove(session(), None).await;
    assert!(matches!(refused, Err(LogError::Failed(_))), "{refused:?}");
}

#[tokio::test]
async fn a_conflict_in_a_full_file_does_not_pass_for_health() {
    let (_dir, path) = place();
    let small = SqliteLogOptions { size_bytes_max: Some(400_000), ..Default::default() };
    let log = SqliteLog::open(&path, small).unwrap();
    log.append(start()).await.unwrap();
    let much = std::iter::repeat_n(said("x".repeat(10_000)), 50);
    assert!(log.append(append(1, much)).await.is_err());
    let late = log.append(append(0, [started(visitor(7), 1)])).await;
    assert_eq!(late, Err(AppendError::Conflict { missing: start().events }));
    assert!(matches!(log.health(), Err(LogError::Full(_))));
}

#[tokio::test]
async fn a_damaged_file_is_refused_when_opened() {
    let (_dir, path) = place();
    fill(&path).await;
    damage(&path);
    let error = SqliteLog::open(&path, SqliteLogOptions::default()).err().unwrap();
    assert!(matches!(error, LogError::Damaged(_)), "{error}");
    assert!(error.to_string().contains("vigie.db"), "{error}");
}

#[tokio::test]
async fn damage_that_an_append_meets_ends_all_appends() {
    let (_dir, path) = place();
    fill(&path).await;
    damage(&path);
    let log = SqliteLog::open(&path, unchecked()).unwrap();
    assert_eq!(log.health(), Ok(()));
    for n in 1000..1010 {
        let begin = append_to(SessionId::nth(visitor(n), 1), 0, [started(visitor(n), 1)]);
        let refused = log.append(begin).await;
        assert!(matches!(refused, Err(AppendError::Log(LogError::Damaged(_)))), "{refused:?}");
    }
    assert!(matches!(log.health(), Err(LogError::Damaged(_))));
}

#[tokio::test]
async fn damage_that_a_read_meets_ends_all_appends() {
    let (_dir, path) = place();
    fill(&path).await;
    damage(&path);
    let log = SqliteLog::open(&path, unchecked()).unwrap();
    let reads = (0..200).map(|n| log.read(SessionId::nth(visitor(n), 1), 0, READ_EVENTS_MAX));
    let met = join_all(reads).await.into_iter().filter_map(Result::err).next().unwrap();
    assert!(matches!(met, LogError::Damaged(_)), "{met}");
    assert_eq!(log.health(), Err(met.clone()));
    assert_eq!(log.append(start()).await, Err(AppendError::Log(met)));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_by_name_and_left_alone() {
    let (_dir, path) = place();
    fs::create_dir(path.parent().unwrap()).unwrap();
    let text = "Dear diary, this is not a database. ".repeat(500);
    fs::write(&path, &text).unwrap();
    let error = SqliteLog::open(&path, SqliteLogOptions::default()).err().unwrap();
    assert!(matches!(error, LogError::Damaged(_)), "{error}");
    assert!(error.to_string().contains("vigie.db: file is not a database"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_file_of_a_newer_vigie_is_refused() {
    let (_dir, path) = place();
    drop(open(&path));
    sqlite(&path).pragma_update(None, "user_version", 99).unwrap();
    for opened in
        [SqliteLog::open(&path, SqliteLogOptions::default()), SqliteLog::open_read_only(&path)]
    {
        let error = opened.err().unwrap().to_string();
        assert!(error.contains("version 99") && error.contains("use a newer one"), "{error}");
    }
}

#[tokio::test]
async fn a_file_of_an_earlier_vigie_is_brought_up_to_date_and_keeps_what_it_holds() {
    let (_dir, path) = place();
    let log = open(&path);
    log.append(start()).await.unwrap();
    drop(log);
    // As version 1 left it.
    sqlite(&path)
        .execute_batch(
            "DROP TABLE sign_ins; DROP TABLE invitations; DROP TABLE accounts;
             DROP INDEX operators_by_id; DROP INDEX sessions_closed; DROP TABLE removed;
             PRAGMA user_version = 1;",
        )
        .unwrap();
    let read_only = SqliteLog::open_read_only(&path).unwrap();
    assert_eq!(read_only.read(start().session, 0, 10).await.unwrap().len(), 1);
    drop(read_only);
    let (log, also) = (open(&path), open(&path));
    assert_eq!(log.read(start().session, 0, 10).await, also.read(start().session, 0, 10).await);
    drop((log, also));
    let tables = "SELECT count(*) FROM accounts, sign_ins, invitations, removed";
    assert_eq!(sqlite(&path).query_row(tables, [], |row| row.get(0)), Ok(0));
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, path) = place();
    let log = open(&path);
    log.append(start()).await.unwrap();
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn a_log_opened_for_reading_follows_the_one_that_writes() {
    let (_dir, path) = place();
    let error = SqliteLog::open_read_only(&path).err().unwrap();
    assert!(error.to_string().contains("vigie.db"), "{error}");

    let log = open(&path);
    let export = SqliteLog::open_read_only(&path).unwrap();
    log.append(start()).await.unwrap();
    assert_eq!(end(&export).await, 1);
    log.append(append(1, [said("hello")])).await.unwrap();
    assert_eq!(end(&export).await, 2);
    let refused = export.append(append(2, [said("hello")])).await;
    assert!(matches!(refused, Err(AppendError::Log(LogError::Failed(_)))), "{refused:?}");
}

#[tokio::test]
async fn an_append_that_nobody_waits_for_is_made_all_the_same() {
    let (_dir, path) = place();
    let log = open(&path);
    drop(log.append(start()));
    log.append(append(1, [said("second")])).await.unwrap();
}

#[tokio::test]
async fn a_log_that_is_dropped_first_commits_what_is_queued() {
    let (_dir, path) = place();
    let log = open(&path);
    drop(log.append(start()));
    for head in 1..500 {
        drop(log.append(append(head, [said("queued")])));
    }
    drop(log);
    assert_eq!(end(&open(&path)).await, 500);
}

#[tokio::test]
async fn what_was_committed_is_brought_into_the_file_before_the_writer_has_to() {
    /// More than the log's thread waits for, and less than the writer does.
    const PAGES: u64 = 12_000;
    const PAGE_BYTES: u64 = 4096;
    let (_dir, path) = place();
    let log = open(&path);
    log.append(start()).await.unwrap();
    let (each, bytes) = (100, 60_000);
    let batches = PAGES * PAGE_BYTES / (each * bytes);
    for batch in 0..batches {
        let much = std::iter::repeat_n(said("x".repeat(bytes as usize)), each as usize);
        log.append(append(1 + batch * each, much)).await.unwrap();
    }
    let brought_in = async {
        while fs::metadata(&path).unwrap().len() < PAGES / 2 * PAGE_BYTES {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), brought_in).await.expect("a thread does it");
    assert_eq!(end(&log).await, 1 + batches * each);
}

#[tokio::test]
async fn a_closed_log_leaves_one_file() {
    let (_dir, path) = place();
    fill(&path).await;
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_full_queue_refuses_as_busy_and_is_worked_off() {
    let (_dir, path) = place();
    let log = open(&path);
    log.append(start()).await.unwrap();
    let blocker = sqlite(&path);
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let more_than_fits = (1..).take(2 * APPENDS_QUEUED_MAX);
    let asked: Vec<_> = more_than_fits.map(|head| log.append(append(head, [said("x")]))).collect();
    blocker.execute_batch("COMMIT").unwrap();

    let answers = join_all(asked).await;
    let taken = answers.iter().take_while(|answer| answer.is_ok()).count();
    assert!(taken >= APPENDS_QUEUED_MAX);
    // A writer that takes its first batch late makes room once more: what is taken then cannot follow
    // what was refused.
    let busy =
        |answer: &&Result<(), AppendError>| **answer == Err(AppendError::Log(LogError::Busy));
    let (refused, too_late): (Vec<_>, Vec<_>) = answers[taken..].iter().partition(busy);
    assert!(busy(&&answers[taken]));
    assert!(refused.len() >= APPENDS_QUEUED_MAX - APPENDS_BATCHED_MAX, "{}", refused.len());
    for answer in too_late {
        let Err(AppendError::Log(LogError::Failed(why))) = answer else { panic!("{answer:?}") };
        assert!(why.contains(&format!("ends at {}, before", 1 + taken)), "{why}");
    }
    assert_eq!(end(&log).await, 1 + taken as Offset);
    assert_eq!(log.health(), Ok(()));
}

#[tokio::test]
async fn the_store_gets_its_turn_while_the_log_is_busy() {
    // It is about turns, and on a slow disk the log leaves a gap between two of its own too seldom.
    let (_dir, path) = place_in_memory();
    let log = Arc::new(open(&path));
    let store = SqliteStore::open(&path).unwrap();
    let appending = join_all((0..64).map(|n| {
        let log = Arc::clone(&log);
        async move {
            let session = SessionId::nth(visitor(n), 1);
            log.append(append_to(session, 0, [started(visitor(n), 1)])).await.unwrap();
            for head in 1.. {
                log.append(append_to(session, head, [said("busy")])).await.unwrap();
            }
        }
    }));
    let storing = async {
        for n in 0..20 {
            store.put_site(site(n)).await.unwrap();
        }
    };
    tokio::select! {
        _ = appending => unreachable!("it never ends"),
        () = storing => {}
    }
    assert_eq!(store.sites().await.unwrap().len(), 20);
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_killed_process() {
    let (_dir, path) = place();
    let mut child =
        child("child_appends_until_it_is_killed", &path).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let acknowledged = lines.map_while(Result::ok).filter_map(|line| {
        line.rsplit_once("acknowledged ").map(|(_, offset)| offset.parse::<Offset>().unwrap())
    });
    let last = acknowledged.take(300).last().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();

    let export = SqliteLog::open_read_only(&path).unwrap();
    assert!(end(&export).await >= last, "no engine need be there to read what it left");
    drop(export);

    let events = open(&path).read(session(), 0, READ_EVENTS_MAX).await.unwrap();
    assert!(events.len() as Offset >= last && last >= 300);
    assert!(events.iter().map(|event| event.offset).eq(1..=events.len() as Offset));
    let texts = texts(&events);
    assert!(texts.into_iter().map(str::to_owned).eq((2..=events.len()).map(|n| n.to_string())));
}

#[tokio::test]
#[ignore = "runs in a process of its own"]
async fn child_appends_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD_FILE) else { return };
    let log = open(Path::new(&path));
    log.append(start()).await.unwrap();
    for head in 1.. {
        log.append(append(head, [said((head + 1).to_string())])).await.unwrap();
        println!("acknowledged {}", head + 1);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_disk_that_fails_is_not_lied_about_and_heals() {
    let (_dir, path) = place();
    let child = child("child_appends_to_a_disk_that_fails", &path).output().unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
}

#[tokio::test]
#[ignore = "runs in a process of its own"]
async fn child_appends_to_a_disk_that_fails() {
    let Some(path) = std::env::var_os(CHILD_FILE) else { return };
    let log = open(Path::new(&path));
    log.append(start()).await.unwrap();

    // Every write to a file now fails.
    limit_file_sizes("0:");
    for _ in 0..3 {
        let racing = [append(1, [said("lost")]), append(1, [said("lost too")])];
        for refused in join_all(racing.map(|append| log.append(append))).await {
            assert!(matches!(refused, Err(AppendError::Log(LogError::Failed(_)))), "{refused:?}");
        }
        assert!(matches!(log.health(), Err(LogError::Failed(_))));
        assert_eq!(end(&log).await, 1, "what was committed before can be read");
    }
    limit_file_sizes("unlimited:");
    log.append(append(1, [said("kept")])).await.unwrap();
    assert_eq!(log.health(), Ok(()));

    limit_file_sizes("0:");
    assert!(log.append(append(2, [said("lost")])).await.is_err());
    limit_file_sizes("unlimited:");
    let asking = async {
        while log.health().is_err() {
            end(&log).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asking).await.expect("asking alone heals");
    log.append(append(2, [said("kept as well")])).await.unwrap();
    drop(log);
    let events = open(Path::new(&path)).read(session(), 0, 10).await.unwrap();
    assert_eq!(texts(&events), ["kept", "kept as well"]);
}

fn place() -> (TempDir, PathBuf) {
    place_in(tempfile::tempdir().unwrap())
}

/// A place on no disk, where the system has one.
fn place_in_memory() -> (TempDir, PathBuf) {
    place_in(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap())
}

fn place_in(dir: TempDir) -> (TempDir, PathBuf) {
    let path = dir.path().join("data").join("vigie.db");
    (dir, path)
}

fn open(path: &Path) -> SqliteLog {
    SqliteLog::open(path, SqliteLogOptions::default()).unwrap()
}

fn unchecked() -> SqliteLogOptions {
    SqliteLogOptions { check: false, ..Default::default() }
}

/// A plain connection to the log's file, as any tool would have it.
fn sqlite(path: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path).unwrap()
}

/// Where [`session`] ends.
async fn end(log: &dyn Log) -> Offset {
    let mut end = 0;
    loop {
        let events = log.read(session(), end, READ_EVENTS_MAX).await.unwrap();
        match events.last() {
            Some(last) => end = last.offset,
            None => return end,
        }
    }
}

/// Makes a log of 200 sessions and some hundred pages, and closes it.
async fn fill(path: &Path) {
    let log = open(path);
    let appends = (0..200).map(|n| {
        let bodies = [started(visitor(n), 1), said("x".repeat(3000)), said("y".repeat(3000))];
        log.append(append_to(SessionId::nth(visitor(n), 1), 0, bodies))
    });
    assert!(join_all(appends).await.iter().all(Result::is_ok));
}

/// Overwrites the second half of the file.
fn damage(path: &Path) {
    let length = fs::metadata(path).unwrap().len();
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(length / 2)).unwrap();
    file.write_all(&vec![0xAA; (length - length / 2) as usize]).unwrap();
}

fn site(n: u32) -> Site {
    let site = serde_json::json!({
        "id": format!("site-{n}"), "name": "Shop", "key": format!("key-{n}"), "secret": "secret",
    });
    serde_json::from_value(site).unwrap()
}

/// One of these tests, in a process of its own where writing too much is an error, not a signal.
fn child(test: &str, path: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(CHILD_FILE, path);
    command
}

/// Sets how long a file this process may write: `soft:hard`.
fn limit_file_sizes(limit: &str) {
    let id = std::process::id().to_string();
    let limit = format!("--fsize={limit}");
    assert!(Command::new("prlimit").args(["--pid", &id, &limit]).status().unwrap().success());
}
