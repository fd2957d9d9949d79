//! `vigie serve`: the engine itself.

use std::path::{Path, PathBuf};

use actix_rt::signal::unix::{SignalKind, signal};

use super::{CliError, database, demo, logging, now, print};
use crate::accounts::{self, FirstLink};
use crate::cluster::redis::{RedisBus, RedisBusOptions};
use crate::config::Config;
use crate::core::cluster::NodeId;
use crate::server::{self, Keeps, Listeners};

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
    // Before the database: a second engine started by mistake ends here.
    let listeners = Listeners::bind(&config).map_err(|error| {
        CliError::Refused(format!("{error}; stop what uses it, or configure another address"))
    })?;
    let redis = database::redis(&config).await?;
    let me = new_node()?;
    let log = database::log(&config, redis.as_ref(), me)?;
    let store = database::store(&config, redis.as_ref())?;
    let shutdown =
        shutdown().map_err(|error| CliError::Io("cannot await signals".into(), error))?;
    let unreadable = |error| CliError::Io("cannot listen".into(), error);
    let base = listeners.base(&config).map_err(unreadable)?;
    let demo = match &args.demo {
        Some(dir) => {
            let origins = demo::own_origins(listeners.http_address().map_err(unreadable)?, &base);
            Some(demo::import_demo(&*store, dir, origins).await?)
        }
        None => None,
    };
    let cluster = match redis {
        Some(redis) => {
            let bus = RedisBus::open(redis, me, RedisBusOptions::default());
            let joined = server::join(&config, bus).await;
            Some(joined.map_err(|error| CliError::Io("cannot join the cluster".into(), error))?)
        }
        None => None,
    };
    // Only ever printed, here: a log may be read by many.
    let first = if log.shared() {
        accounts::offer_first(&*store, &base, now()).await?
    } else {
        let link = accounts::invite_first(&*store, &base, now()).await?;
        link.map_or(FirstLink::NotNeeded, FirstLink::Made)
    };
    print(&listening(&listeners).map_err(unreadable)?)?;
    let first = match first {
        FirstLink::Made(link) => {
            print(&format!("first admin: {link}\n"))?;
            Some(link)
        }
        FirstLink::Elsewhere => {
            print(
                "first admin: the engine of this cluster that started first has printed the link \
                 (`vigie operator first` prints another in its place)\n",
            )?;
            None
        }
        FirstLink::NotNeeded => None,
    };
    if let Some(site) = demo {
        print(&demo::what_next(&site, &base, first.as_deref(), file))?;
    }
    let keeps = Keeps { log, store, cluster };
    server::run(config, listeners, keeps, args.demo, shutdown)
        .await
        .map_err(|error| CliError::Io("cannot serve".into(), error))
}

/// Who this engine is in a cluster, for as long as it runs.
fn new_node() -> Result<NodeId, CliError> {
    let random = |error: getrandom::Error| CliError::Io("no random numbers".into(), error.into());
    getrandom::u64().map(NodeId).map_err(random)
}

/// One line for people and for programs that start the engine: the ports in use, also when any
/// free port was asked for.
fn listening(listeners: &Listeners) -> std::io::Result<String> {
    let http = listeners.http_address()?;
    Ok(match listeners.tcp_address()? {
        Some(tcp) => format!("listening http={http} tcp={tcp}\n"),
        None => format!("listening http={http}\n"),
    })
}

/// Resolves when the engine is told to stop. Told a second time, it does not finish in order.
fn shutdown() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut told = async move || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(async move {
        told().await;
        actix_rt::spawn(async move {
            told().await;
            std::process::exit(1);
        });
    })
}
