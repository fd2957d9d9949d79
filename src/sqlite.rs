//! One SQLite file, shared by the log and the store: how it is opened, and what its errors mean.
//!
//! Both backends go through this room, so that durability, the schema and the reading of errors
//! are decided once. Their threads are in [`workers`].

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

pub(crate) mod column;
pub(crate) mod workers;

/// What each version adds to the schema. How many of them a file has is its `user_version`.
const SCHEMAS: [&str; 3] = [
    include_str!("sqlite/schema.sql"),
    include_str!("sqlite/schema_2.sql"),
    include_str!("sqlite/schema_3.sql"),
];

/// The schema that this version writes.
const SCHEMA_VERSION: u32 = SCHEMAS.len() as u32;

/// How long a connection waits for a lock that another one holds.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);

/// A commit that leaves so many pages in the write-ahead log has them brought into the main file. The
/// log's own thread does that sooner, beside the commits.
pub(crate) const WAL_PAGES_MAX: u32 = 16_384;

/// A write-ahead log that has grown beyond this is cut back to it once it was checkpointed.
const WAL_BYTES_KEPT_MAX: u64 = 64 * 1024 * 1024;

/// Why the file does not serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A queue in front of the file is at its bound.
    Busy,
    /// The disk, or the file's own size limit, is full.
    Full(String),
    /// The file is not what was written to it.
    Damaged(String),
    /// Anything else.
    Failed(String),
}

/// Opens the file for reading and writing; makes it, its directory and its schema as needed.
/// A commit on this connection is on disk when it returns.
pub(crate) fn open(path: &Path) -> Result<Connection, Fault> {
    let open = || {
        create(path).map_err(|error| Fault::Failed(error.to_string()))?;
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        set_up(&connection)?;
        bring_up_to_date(&mut connection)?;
        Ok(connection)
    };
    open().map_err(|fault: Fault| fault.of(path))
}

/// Opens the file for reading only; it must be there already. Another process may be writing it.
pub(crate) fn open_read_only(path: &Path) -> Result<Connection, Fault> {
    let open = || {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        match version(&connection)? {
            0 => Err(Fault::Failed("this is not a database of Vigie".into())),
            // What an earlier version wrote is read as it is: versions only add.
            1..=SCHEMA_VERSION => Ok(connection),
            newer => Err(too_new(newer)),
        }
    };
    open().map_err(|fault: Fault| fault.of(path))
}

/// A database in memory, with the schema of the file: for what is kept elsewhere and only looked
/// through here.
pub(crate) fn in_memory() -> Result<Connection, Fault> {
    let connection = Connection::open_in_memory()?;
    for schema in SCHEMAS {
        connection.execute_batch(schema)?;
    }
    Ok(connection)
}

/// Reads the whole file, and says whether its structure is sound.
pub(crate) fn check(connection: &Connection, path: &Path) -> Result<(), Fault> {
    let finding: rusqlite::Result<String> =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    let fault = match finding {
        Ok(finding) if finding == "ok" => return Ok(()),
        Ok(finding) => Fault::damaged(&finding.replace('\n', " ")),
        Err(error) => error.into(),
    };
    Err(fault.of(path))
}

/// Brings all that was committed into the main file, and empties the write-ahead log.
pub(crate) fn checkpoint(connection: &Connection) -> Result<(), Fault> {
    let blocked: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if blocked { Err(Fault::Failed("another process keeps reading it".into())) } else { Ok(()) }
}

/// The file holds secrets and conversations, so it is its owner's alone; SQLite gives the files
/// beside it the same mode.
///
/// A file that exists must not even be opened here: closing it again would drop every POSIX lock
/// that SQLite holds on it in this process.
fn create(path: &Path) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, Fault> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(LOCK_WAIT_MAX)?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> Result<(), Fault> {
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        let text = "its file system cannot keep a write-ahead log; put it on a local disk";
        return Err(Fault::Failed(text.into()));
    }
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", WAL_PAGES_MAX, |_| Ok(()))?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT_MAX)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(())
}

fn bring_up_to_date(connection: &mut Connection) -> Result<(), Fault> {
    match version(connection)? {
        SCHEMA_VERSION => Ok(()),
        0..SCHEMA_VERSION => add_schemas(connection),
        newer => Err(too_new(newer)),
    }
}

fn add_schemas(connection: &mut Connection) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another connection may have been first.
    let there = usize::try_from(version(&transaction)?).unwrap_or(usize::MAX);
    for schema in SCHEMAS.iter().skip(there) {
        transaction.execute_batch(schema)?;
    }
    if there < SCHEMAS.len() {
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    Ok(transaction.commit()?)
}

fn version(connection: &Connection) -> Result<u32, Fault> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn too_new(version: u32) -> Fault {
    Fault::Failed(format!(
        "its schema has version {version}, and this Vigie knows {SCHEMA_VERSION}: use a newer one"
    ))
}

impl Fault {
    fn damaged(finding: &str) -> Self {
        Self::Damaged(format!("{finding}; restore it from a backup, then start again"))
    }

    /// The same fault, naming the file.
    fn of(self, path: &Path) -> Self {
        let name = |text| format!("{}: {text}", path.display());
        match self {
            Self::Busy => Self::Busy,
            Self::Full(text) => Self::Full(name(text)),
            Self::Damaged(text) => Self::Damaged(name(text)),
            Self::Failed(text) => Self::Failed(name(text)),
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => {
                Self::Full(format!("{error}; make room on the disk, or raise the size limit"))
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::damaged(&error.to_string())
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}
