//! Brings what was committed from the write-ahead log into the main file, beside the writer.
//!
//! SQLite would have the writer do it amid a commit, and whoever says something then waits for some
//! thousand pages. A thread of its own copies them while the writer goes on. What has come meanwhile is
//! little: that the writer adds between two commits, after which SQLite begins the write-ahead log anew.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rusqlite::Connection;

use crate::log::LogError;
use crate::log::health::Health;
use crate::sqlite::workers::{Link, Queue, Workers};
use crate::sqlite::{self, Fault, WAL_PAGES_MAX};

/// So many pages in the write-ahead log are brought in: as rarely as can be, so that a page that is
/// written again and again is copied once, and long before the writer has to.
const PAGES: u32 = WAL_PAGES_MAX / 2;

/// One is asked for at a time: it brings in all that there is.
const ASKED_MAX: usize = 1;

/// How many pages the write-ahead log had after the latest commit.
pub(super) type WalPages = Arc<AtomicU32>;

/// Has a writer's connection tell it, in place of bringing anything in by itself.
pub(super) fn watch(connection: &mut Connection, pages: &WalPages) -> rusqlite::Result<()> {
    let pages = Arc::clone(pages);
    connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, now| {
        pages.store(u32::try_from(now).unwrap_or(u32::MAX), Ordering::Relaxed);
        Ok(())
    }))
}

/// The thread, and what it is asked for.
pub(super) struct Checkpoints {
    thread: Workers<()>,
    pages: WalPages,
    asked: bool,
    /// Whether it has brought in all that there was when it was asked, as far as that went.
    done: Arc<AtomicBool>,
}

impl Checkpoints {
    /// Starts the thread on a connection of its own.
    pub(super) fn start(path: &Path, pages: WalPages, health: Arc<Health>) -> Result<Self, Fault> {
        let connection = sqlite::open(path)?;
        let path = path.to_owned();
        let mut link = Link::new(connection, move || sqlite::open(&path));
        let done = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&done);
        let work = move |queue: Queue<()>| {
            while queue.next().is_some() {
                bring_in(&mut link, &health);
                tell.store(true, Ordering::Release);
            }
        };
        let thread = Workers::start("log-checkpoint", ASKED_MAX, [work])?;
        Ok(Self { thread, pages, asked: false, done })
    }

    /// Between two commits: has the thread bring in what there is, once that is enough. Whether the
    /// writer is to do it now, since little is left, or since the thread does not keep up.
    pub(super) fn writer_is_due(&mut self) -> bool {
        if self.done.swap(false, Ordering::Acquire) {
            self.asked = false;
            return true;
        }
        let pages = self.pages.load(Ordering::Relaxed);
        if pages >= PAGES && !self.asked {
            self.asked = self.thread.tell(()).is_ok();
        }
        pages >= WAL_PAGES_MAX
    }
}

/// Copies as much as can be without waiting for anybody, and without making another writer wait;
/// whether that went well.
pub(super) fn bring_in(link: &mut Link, health: &Health) -> bool {
    let done = link
        .with(|connection| connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())));
    if let Err(error) = done.clone().map_err(LogError::from) {
        tracing::warn!(%error, "what was committed could not be brought into the file");
        if matches!(error, LogError::Damaged(_)) {
            health.failed(&error);
        }
    }
    done.is_ok()
}
