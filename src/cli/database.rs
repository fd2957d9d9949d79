//! How commands come to the database: each opens as little of it as it needs, so that they work
//! beside an engine that runs.

use std::sync::Arc;

use vigie_protocol::id::SiteId;

use super::CliError;
use crate::config::Config;
use crate::core::site::Site;
use crate::log::Log;
use crate::log::sqlite::{SqliteLog, SqliteLogOptions};
use crate::store::Store;
use crate::store::sqlite::SqliteStore;

/// The log, to serve from; made if it is missing.
pub(super) fn open_log(config: &Config) -> Result<Arc<dyn Log>, CliError> {
    let options = SqliteLogOptions { size_bytes_max: config.data.size_max, ..Default::default() };
    Ok(Arc::new(SqliteLog::open(config.data.database(), options)?))
}

/// The log, to read from, also while an engine serves from it.
pub(super) fn read_log(config: &Config) -> Result<Arc<dyn Log>, CliError> {
    exists(config)?;
    Ok(Arc::new(SqliteLog::open_read_only(config.data.database())?))
}

/// The store; made if it is missing.
pub(super) fn open(config: &Config) -> Result<Arc<dyn Store>, CliError> {
    Ok(Arc::new(SqliteStore::open(config.data.database())?))
}

/// The store; a missing one is not made, because there would be nothing in it.
pub(super) fn open_existing(config: &Config) -> Result<Arc<dyn Store>, CliError> {
    exists(config)?;
    open(config)
}

/// A site that must be there.
pub(super) async fn site(store: &dyn Store, id: &SiteId) -> Result<Site, CliError> {
    if let Some(site) = store.site(id.clone()).await? {
        return Ok(site);
    }
    let known: Vec<_> = store.sites().await?.iter().map(|site| site.id.to_string()).collect();
    Err(CliError::Refused(if known.is_empty() {
        format!("there is no site {id}, nor any other; add it with `vigie site add {id}`")
    } else {
        format!("there is no site {id}; there is {}", known.join(", "))
    }))
}

fn exists(config: &Config) -> Result<(), CliError> {
    let file = config.data.database();
    if file.exists() {
        return Ok(());
    }
    Err(CliError::Refused(format!(
        "there is no database at {}; name the right one with -c or VIGIE__DATA__DIR, or make it \
         with `vigie site add` or `vigie serve --demo`",
        file.display()
    )))
}
