//! `vigie retention`: what the engine does by itself once a minute, done now.

use clap::Subcommand;

use super::{CliError, database, now, print};
use crate::config::Config;
use crate::retention::Retention;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Archive and remove the closed sessions whose time has come
    #[command(after_help = "\
Example:
  VIGIE__RETENTION__KEEP_CLOSED_MS=2592000000 vigie retention run

The engine does this by itself once a minute; it may run meanwhile. How long closed sessions are kept
and where they are archived is in [retention] of the configuration.")]
    Run,
}

pub(super) async fn run(config: &Config, command: Command) -> Result<(), CliError> {
    let Command::Run = command;
    let Some(retention) = Retention::new(&config.retention) else {
        return Err(CliError::Refused(
            "retention.keep_closed_ms is 0, so closed sessions are kept for ever; set it, as in \
             VIGIE__RETENTION__KEEP_CLOSED_MS=2592000000 for 30 days"
                .into(),
        ));
    };
    let log = database::change_log(config).await?;
    let archive_dir = config.retention.archive_dir.as_deref();
    let mut removed: u64 = 0;
    loop {
        let run = retention.run(&*log, now()).await;
        let run = run.map_err(|error| CliError::Refused(error.advice(archive_dir)))?;
        removed += u64::from(run.removed);
        if !run.more {
            break;
        }
    }
    let sessions = if removed == 1 { "session" } else { "sessions" };
    print(&match archive_dir {
        Some(dir) => format!("{removed} {sessions} archived in {} and removed\n", dir.display()),
        None => format!("{removed} {sessions} removed\n"),
    })
}
