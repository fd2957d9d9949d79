//! `vigie export`: a session's log as it is, page by page; or as an archive has it.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use vigie_protocol::id::SessionId;

use super::{CliError, database};
use crate::config::Config;
use crate::log::{Log, READ_EVENTS_MAX};
use crate::retention::archive::{self, Archived};
use crate::retention::line;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The session's id, as operators see it
    #[arg(required_unless_present = "archive")]
    session: Option<SessionId>,
    /// A file of an archive, or its directory, instead of the log
    #[arg(long, value_name = "FILE")]
    archive: Option<PathBuf>,
}

pub(super) async fn run(config: &Config, args: Args) -> Result<(), CliError> {
    let out = BufWriter::new(io::stdout());
    let done = match (args.archive, args.session) {
        (None, Some(session)) => from_log(config, session, out).await,
        (Some(archive), Some(session)) => from_archive(&archive, session, out),
        (Some(archive), None) => list(&archive, out),
        (None, None) => Err(CliError::Refused("name a session, or an archive".into())),
    };
    match done {
        // Whoever reads has enough, as in `vigie export … | head`.
        Err(CliError::Io(_, error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

async fn from_log(config: &Config, session: SessionId, out: impl Write) -> Result<(), CliError> {
    let log = database::read_log(config).await?;
    if log.session(session).await?.is_none() {
        return Err(CliError::Refused(format!(
            "there is no session {session} in {}; operators see the ids of sessions in the live \
             list, and `vigie export --archive` finds those that were archived",
            database::place(config)
        )));
    }
    write(&*log, session, out).await
}

async fn write(log: &dyn Log, session: SessionId, mut out: impl Write) -> Result<(), CliError> {
    let mut after = 0;
    loop {
        let page = log.read(session, after, READ_EVENTS_MAX).await?;
        for event in &page {
            line::write_event(event, &mut out).map_err(unwritten)?;
        }
        match page.last() {
            Some(last) if page.len() >= READ_EVENTS_MAX as usize => after = last.offset,
            _ => break,
        }
    }
    out.flush().map_err(unwritten)
}

/// The events of a session; of two that a crash has left, those that are more.
fn from_archive(archive: &Path, session: SessionId, mut out: impl Write) -> Result<(), CliError> {
    let mut found: Option<Archived> = None;
    let wanted = |other| other == session;
    let whole = read_all(archive, wanted, |other, archived| {
        let longer = |found: &Archived| archived.events.len() > found.events.len();
        if wanted(other) && found.as_ref().is_none_or(longer) {
            found = Some(archived);
        }
        Ok(())
    });
    let Some(found) = found else {
        whole?;
        return Err(CliError::Refused(format!(
            "there is no session {session} in {}; without a session's id, `vigie export --archive` \
             lists those that are",
            archive.display()
        )));
    };
    for line in found.events {
        writeln!(out, "{line}").map_err(unwritten)?;
    }
    out.flush().map_err(unwritten)
}

fn list(archive: &Path, mut out: impl Write) -> Result<(), CliError> {
    let mut listed = BTreeSet::new();
    let whole = read_all(
        archive,
        |_| false,
        |session, archived| {
            if listed.insert(session) {
                writeln!(out, "{}", archived.record).map_err(unwritten)?;
            }
            Ok(())
        },
    );
    out.flush().map_err(unwritten)?;
    whole
}

/// Reads file after file; what is wrong with one is told once all were read.
fn read_all(
    archive: &Path,
    wanted: impl Fn(SessionId) -> bool,
    mut take: impl FnMut(SessionId, Archived) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let unreadable = |path: &Path, error| {
        CliError::Io(format!("the archive {} cannot be read", path.display()), error)
    };
    let mut whole = Ok(());
    for path in archive::files(archive).map_err(|error| unreadable(archive, error))? {
        let mut taken = Ok(());
        let read = archive::read(&path, &wanted, |session, archived| {
            if taken.is_ok() {
                taken = take(session, archived);
            }
        });
        taken?;
        if let Err(error) = read {
            whole = Err(unreadable(&path, error));
        }
    }
    whole
}

fn unwritten(error: io::Error) -> CliError {
    CliError::Io("cannot write".into(), error)
}
