//! `vigie serve`: the engine itself.

use std::io;
use std::path::{Path, PathBuf};

use tokio::signal::unix::{SignalKind, signal};

use super::{CliError, database, demo, logging, print};
use crate::config::Config;
use crate::server::{self, Listeners};

#[derive(clap::Args, Default)]
pub(super) struct Args {
    /// Import the demo site first; another directory than config/demo as --demo=DIR
    #[arg(
        long,
        value_name = "DIR",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = demo::DIR
    )]
    demo: Option<PathBuf>,
}

pub(super) async fn run(config: Config, args: Args, file: Option<&Path>) -> Result<(), CliError> {
    logging::install(&config.tracing);
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let (log, store) = database::serve(&config)?;
    let demo = match &args.demo {
        Some(dir) => Some(demo::import_demo(&*store, dir).await?),
        None => None,
    };
    let listeners = Listeners::bind(&config).map_err(refused)?;
    let http = listeners.http_address().map_err(refused)?;
    let tcp = listeners.tcp_address().map_err(refused)?;
    let stop = shutdown().map_err(refused)?;
    let serving = server::run(config, listeners, log, store, stop);
    print(&match tcp {
        Some(tcp) => format!("listening http={http} tcp={tcp}"),
        None => format!("listening http={http}"),
    })?;
    if let Some(site) = &demo {
        print(&demo::what_next(site, http, file))?;
    }
    serving.await.map_err(refused)
}

/// Resolves when the process is asked to end: SIGTERM, or Ctrl-C.
fn shutdown() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn refused(error: io::Error) -> CliError {
    CliError::Refused(error.to_string())
}
