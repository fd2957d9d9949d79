//! `vigie export`: a session's log as it is, page by page.

use std::io::{BufWriter, ErrorKind, Write};

use vigie_protocol::event::Event;
use vigie_protocol::id::SessionId;

use super::{CliError, database};
use crate::config::Config;
use crate::log::{Log, READ_EVENTS_MAX};

pub(super) async fn run(config: &Config, session: SessionId) -> Result<(), CliError> {
    let log = database::read_log(config)?;
    if log.session(session).await?.is_none() {
        return Err(CliError::Refused(format!(
            "there is no session {session} in {}; operators see the ids of sessions in the live \
             list",
            config.data.database().display()
        )));
    }
    match write(&*log, session, BufWriter::new(std::io::stdout())).await {
        // Whoever reads has enough, as in `vigie export … | head`.
        Err(CliError::Io(_, error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

async fn write(log: &dyn Log, session: SessionId, mut out: impl Write) -> Result<(), CliError> {
    let mut after = 0;
    loop {
        let page = log.read(session, after, READ_EVENTS_MAX).await?;
        for event in &page {
            write_line(event, &mut out)
                .map_err(|error| CliError::Io("cannot write".into(), error))?;
        }
        match page.last() {
            Some(last) if page.len() >= READ_EVENTS_MAX as usize => after = last.offset,
            _ => break,
        }
    }
    out.flush().map_err(|error| CliError::Io("cannot write".into(), error))
}

fn write_line(event: &Event, out: &mut impl Write) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, event)?;
    out.write_all(b"\n")
}
