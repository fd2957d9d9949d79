//! `vigie serve`: the engine itself.

use std::path::{Path, PathBuf};

use super::{CliError, database, demo, logging, print};
use crate::config::Config;

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
    let ready = |http| match &demo {
        Some(site) => print(&demo::what_next(site, http, file)),
        None => Ok(()),
    };
    let _ = (log, store, ready(config.http.listen));
    Err(CliError::Refused("serving is not built yet".into()))
}
