//! How commands come to what an engine keeps: a file, or the Redis of its cluster. Each opens as
//! little of it as it needs, so that they work beside engines that run.

use std::sync::Arc;

use vigie_protocol::id::SiteId;

use super::CliError;
use crate::config::Config;
use crate::core::cluster::NodeId;
use crate::core::site::Site;
use crate::log::Log;
use crate::log::redis::RedisLog;
use crate::log::sqlite::{SqliteLog, SqliteLogOptions};
use crate::redis::{Redis, RedisFault};
use crate::store::Store;
use crate::store::redis::RedisStore;
use crate::store::sqlite::SqliteStore;

/// The Redis of the cluster, if this engine is of one. It answers.
pub(super) async fn redis(config: &Config) -> Result<Option<Redis>, CliError> {
    if config.redis.url.is_none() {
        return Ok(None);
    }
    let answering = async {
        let redis = Redis::open(&config.redis)?;
        redis.ping().await?;
        Ok(redis)
    };
    answering.await.map(Some).map_err(|fault: RedisFault| {
        CliError::Refused(format!("{fault}; see to it, or set redis.url to where it is"))
    })
}

/// The log to serve from, made if it is missing; `node` is who appends to that of a cluster.
pub(super) fn log(
    config: &Config,
    redis: Option<&Redis>,
    node: NodeId,
) -> Result<Arc<dyn Log>, CliError> {
    if let Some(redis) = redis {
        return Ok(Arc::new(RedisLog::open(redis.clone(), Some(node))?));
    }
    let options = SqliteLogOptions { size_bytes_max: config.data.size_max, ..Default::default() };
    Ok(Arc::new(SqliteLog::open(config.data.database(), options)?))
}

/// The store, made if it is missing.
pub(super) fn store(config: &Config, redis: Option<&Redis>) -> Result<Arc<dyn Store>, CliError> {
    Ok(match redis {
        Some(redis) => Arc::new(RedisStore::open(redis.clone())?),
        None => Arc::new(SqliteStore::open(config.data.database())?),
    })
}

/// The log, to change it beside engines that may serve from it; it must be there.
pub(super) async fn change_log(config: &Config) -> Result<Arc<dyn Log>, CliError> {
    if let Some(redis) = redis(config).await? {
        return Ok(Arc::new(RedisLog::open(redis, None)?));
    }
    exists(config)?;
    // Whoever serves has checked it, and would wait for it to be checked again.
    let options = SqliteLogOptions { check: false, ..Default::default() };
    Ok(Arc::new(SqliteLog::open(config.data.database(), options)?))
}

/// The log, to read from, also while engines serve from it.
pub(super) async fn read_log(config: &Config) -> Result<Arc<dyn Log>, CliError> {
    if let Some(redis) = redis(config).await? {
        return Ok(Arc::new(RedisLog::open(redis, None)?));
    }
    exists(config)?;
    Ok(Arc::new(SqliteLog::open_read_only(config.data.database())?))
}

/// The store; made if it is missing.
pub(super) async fn open(config: &Config) -> Result<Arc<dyn Store>, CliError> {
    store(config, redis(config).await?.as_ref())
}

/// The store; a missing file is not made, because there would be nothing in it.
pub(super) async fn open_existing(config: &Config) -> Result<Arc<dyn Store>, CliError> {
    exists(config)?;
    open(config).await
}

/// Where this engine's data is, for people.
pub(super) fn place(config: &Config) -> String {
    match config.redis.url {
        Some(_) => format!("the Redis of redis.url under the prefix {:?}", config.redis.prefix),
        None => config.data.database().display().to_string(),
    }
}

/// Whether there may be data: a file is made first.
pub(super) fn is_there(config: &Config) -> bool {
    config.redis.url.is_some() || config.data.database().exists()
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
    if is_there(config) {
        return Ok(());
    }
    Err(CliError::Refused(format!(
        "there is no database at {}; name the right one with -c or VIGIE__DATA__DIR, or make it \
         with `vigie site add` or `vigie serve --demo`",
        config.data.database().display()
    )))
}
