//! The limit of what can be durable on this machine: the rows that the engine would write, in batches
//! of a given size, and nothing else. No socket, no decision, nobody who waits.
//!
//! `sqlite` writes them as the engine's log does, schema and settings included; `fdatasync` appends
//! the same bytes to a file, which is the floor below that.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use uuid::Uuid;
use vigie_protocol::event::{Author, ChatMessage, Event, EventBody};

/// What each version of the engine has added to the schema.
const SCHEMAS: [&str; 3] = [
    include_str!("../../../../../src/sqlite/schema.sql"),
    include_str!("../../../../../src/sqlite/schema_2.sql"),
    include_str!("../../../../../src/sqlite/schema_3.sql"),
];

/// As the engine has them. What it brings into the main file beside its commits is brought in amid them
/// here, as rarely.
const WAL_PAGES_MAX: u32 = 16_384;
const WAL_BYTES_KEPT_MAX: u64 = 64 * 1024 * 1024;

/// The longest batch: that of the engine's log.
const BATCH_MAX: i64 = 256;

/// The key of each message.
const KEY: &str = "bench-00000000";

/// Insert rows in batches, and print as JSON how many in which time, and what processor time they cost
#[derive(Debug, Parser)]
struct Args {
    /// How they are written
    into: Into,
    /// Rows in each batch
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=BATCH_MAX))]
    batch: u32,
    /// Batches each second, evenly; as many as can be if it is left out
    #[arg(long)]
    per_second: Option<f64>,
    /// For how long, in seconds
    #[arg(long)]
    seconds: f64,
    /// The text of each message
    #[arg(long)]
    text: String,
    /// Directory for the file, on the disk that is measured
    #[arg(long)]
    directory: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Into {
    Sqlite,
    Fdatasync,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    let folder = tempfile::tempdir_in(&args.directory)?;
    let (rows, took) = match args.into {
        Into::Sqlite => sqlite(&folder.path().join("vigie.db"), &args)?,
        Into::Fdatasync => fdatasync(&folder.path().join("rows"), &args)?,
    };
    let (seconds, processor) = (took.as_secs_f64(), processor()?.as_secs_f64());
    println!("{}", serde_json::json!({ "rows": rows, "seconds": seconds, "processor": processor }));
    Ok(())
}

/// The processor time of this program's only thread, user and kernel.
fn processor() -> Result<Duration, Box<dyn std::error::Error>> {
    let told = std::fs::read_to_string("/proc/self/schedstat")?;
    Ok(Duration::from_nanos(told.split(' ').next().unwrap_or_default().parse()?))
}

/// When batches are due.
struct Beat {
    start: Instant,
    length: Duration,
    every: Duration,
    done: u32,
}

impl Beat {
    fn new(args: &Args) -> Self {
        let every = args.per_second.map_or(0.0, f64::recip);
        let [length, every] = [args.seconds, every].map(Duration::from_secs_f64);
        Self { start: Instant::now(), length, every, done: 0 }
    }

    /// Waits until the next batch is due; false once the time is over.
    fn next(&mut self) -> bool {
        let due = self.start + self.every * self.done;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        self.done += 1;
        self.start.elapsed() < self.length
    }
}

/// The engine gives every visitor a session, so a batch holds one row of each of as many sessions.
fn sqlite(path: &Path, args: &Args) -> rusqlite::Result<(u64, Duration)> {
    let mut connection = open(path)?;
    let sessions = begin_sessions(&mut connection, args.batch)?;
    let mut beat = Beat::new(args);
    let mut offset = 1;
    while beat.next() {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        offset += 1;
        insert(&transaction, &sessions, offset, &args.text)?;
        transaction.commit()?;
    }
    Ok(((offset - 1) * u64::from(args.batch), beat.start.elapsed()))
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", WAL_PAGES_MAX, |_| Ok(()))?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT_MAX)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    for schema in SCHEMAS {
        connection.execute_batch(schema)?;
    }
    Ok(connection)
}

fn begin_sessions(connection: &mut Connection, count: u32) -> rusqlite::Result<Vec<i64>> {
    let transaction = connection.transaction()?;
    let mut sids = Vec::new();
    for number in 0..u128::from(count) {
        let sid = transaction
            .prepare_cached(
                "INSERT INTO sessions (session, site, visitor, ordinal, started)
                 VALUES (?, 'bench', ?, 1, 1)",
            )?
            .insert(params![Uuid::from_u128(number), Uuid::from_u128(number)])?;
        sids.push(sid);
    }
    insert(&transaction, &sids, 1, "")?;
    transaction.commit()?;
    Ok(sids)
}

fn insert(
    transaction: &Transaction<'_>,
    sessions: &[i64],
    offset: u64,
    text: &str,
) -> rusqlite::Result<()> {
    let mut insert = transaction
        .prepare_cached("INSERT INTO events (sid, offset, time, data) VALUES (?, ?, ?, ?)")?;
    for sid in sessions {
        let event = event(offset, text);
        insert.execute(params![sid, offset, event.time, event.to_stored()])?;
    }
    Ok(())
}

fn fdatasync(path: &Path, args: &Args) -> std::io::Result<(u64, Duration)> {
    let mut file = File::create_new(path)?;
    let mut beat = Beat::new(args);
    let mut offset = 1;
    while beat.next() {
        offset += 1;
        let row = event(offset, &args.text).to_stored();
        file.write_all(&row.repeat(args.batch as usize))?;
        file.sync_data()?;
    }
    Ok(((offset - 1) * u64::from(args.batch), beat.start.elapsed()))
}

fn event(offset: u64, text: &str) -> Event {
    let body = EventBody::Message(ChatMessage {
        text: text.to_owned(),
        epoch: 1,
        key: KEY.parse().ok(),
        turn: None,
        choices: Vec::new(),
    });
    Event { offset, time: 1_700_000_000_000, author: Author::Visitor {}, body }
}
