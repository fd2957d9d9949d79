//! The connections, shared by all lanes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool_redis::Runtime;
use deadpool_redis::sentinel::SentinelServerType;
use futures_util::future::join_all;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo, Slot};
use redis::{Arg, AsyncConnectionConfig, Cmd, Pipeline};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use super::address::Address;
use super::{Answers, RedisFault, fault};
use crate::config;

/// How long a connection to a Redis Cluster is kept at least, although it was late: all lanes of the
/// slot share it, and it may be one of the cluster's servers alone that does not answer.
const CLUSTER_KEPT_MIN: Duration = Duration::from_secs(5);

/// A few slots with a connection each; a lane always uses the same one.
pub(super) struct Links {
    pool: Arc<Pool>,
    slots: Vec<Place>,
    timeout: Duration,
    thread: Handle,
}

#[derive(Default)]
struct Place {
    held: Mutex<Option<Held>>,
    /// Who holds this connects; the others wait for that.
    connecting: tokio::sync::Mutex<()>,
}

/// A connection that stays checked out.
struct Held {
    checked_out: CheckedOut,
    since: Instant,
}

enum Pool {
    Server(deadpool_redis::Pool),
    Sentinel(deadpool_redis::sentinel::Pool),
    Cluster(deadpool_redis::cluster::Pool),
}

enum CheckedOut {
    Server(deadpool_redis::Connection),
    Sentinel(deadpool_redis::sentinel::Connection),
    Cluster(deadpool_redis::cluster::Connection),
}

#[derive(Clone)]
enum Link {
    /// To one server.
    Server(MultiplexedConnection),
    /// To all servers of a Redis Cluster.
    Cluster(ClusterConnection),
}

impl Links {
    pub(super) fn new(
        address: &Address,
        config: &config::Redis,
        thread: Handle,
    ) -> Result<Self, RedisFault> {
        if address.tls() {
            // Whoever came first has named the same one.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let pool = Arc::new(Pool::new(address, config)?);
        let slots = (0..config.connections.max(1)).map(|_| Place::default()).collect();
        Ok(Self { pool, slots, timeout: config.timeout, thread })
    }

    /// Asks all commands. A server's errors are among the answers, as values.
    pub(super) async fn ask(
        &self,
        until: Instant,
        lane: u8,
        pipeline: &Pipeline,
    ) -> Result<Answers, RedisFault> {
        let place = &self.slots[usize::from(lane) % self.slots.len()];
        let (link, since) = match timeout_at(until, self.link(place)).await {
            Ok(connected) => connected?,
            Err(_) => return Err(fault::late(self.timeout)),
        };
        match link {
            Link::Server(connection) => {
                let answers = self.ask_server(until, connection, pipeline).await;
                if breaks(&answers) {
                    place.drop_link(since);
                }
                answers
            }
            Link::Cluster(connection) => {
                let answers = self.ask_cluster(until, connection, pipeline).await;
                if answers.iter().any(|answer| matches!(answer, Err(RedisFault::Away(_))))
                    && since.elapsed() > CLUSTER_KEPT_MIN
                {
                    place.drop_link(since);
                }
                Ok(answers)
            }
        }
    }

    /// Asks every server that may write, of a Redis Cluster all that are known.
    pub(super) async fn ask_masters(
        &self,
        until: Instant,
        command: &Cmd,
    ) -> Result<Answers, RedisFault> {
        let place = &self.slots[0];
        let (link, _) = match timeout_at(until, self.link(place)).await {
            Ok(connected) => connected?,
            Err(_) => return Err(fault::late(self.timeout)),
        };
        let Link::Cluster(mut connection) = link else {
            let mut pipeline = Pipeline::with_capacity(1);
            pipeline.add_command(command.clone());
            return self.ask(until, 0, &pipeline).await;
        };
        let masters = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
        let asked = connection.route_command(command.clone(), masters);
        match timeout_at(until, asked).await {
            Ok(Ok(redis::Value::Map(answers))) => {
                Ok(answers.into_iter().map(|(_, answer)| Ok(answer)).collect())
            }
            Ok(Ok(answer)) => Ok(vec![Ok(answer)]),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(fault::late(self.timeout)),
        }
    }

    async fn ask_server(
        &self,
        until: Instant,
        mut connection: MultiplexedConnection,
        pipeline: &Pipeline,
    ) -> Result<Answers, RedisFault> {
        let asked = connection.req_packed_commands(pipeline, 0, pipeline.len());
        match timeout_at(until, asked).await {
            Ok(Ok(values)) => Ok(values.into_iter().map(Ok).collect()),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(fault::late(self.timeout)),
        }
    }

    /// A pipeline can only go to one slot of the cluster, so that it is parted by slots.
    async fn ask_cluster(
        &self,
        until: Instant,
        connection: ClusterConnection,
        pipeline: &Pipeline,
    ) -> Answers {
        let ask = |(part, places): (Pipeline, Vec<usize>)| {
            let mut connection = connection.clone();
            async move {
                let asked = connection.req_packed_commands(&part, 0, part.len());
                let answers: Answers = match timeout_at(until, asked).await {
                    Ok(Ok(values)) => values.into_iter().map(Ok).collect(),
                    Ok(Err(error)) => vec![Err(error.into()); part.len()],
                    Err(_) => vec![Err(fault::late(self.timeout)); part.len()],
                };
                places.into_iter().zip(answers)
            }
        };
        let mut answers: Answers = vec![Err(fault::no_answer()); pipeline.len()];
        for part in join_all(by_slot(pipeline).into_iter().map(ask)).await {
            for (place, answer) in part {
                answers[place] = answer;
            }
        }
        answers
    }

    async fn link(&self, place: &Place) -> Result<(Link, Instant), RedisFault> {
        if let Some(link) = place.link() {
            return Ok(link);
        }
        let _connecting = place.connecting.lock().await;
        if let Some(link) = place.link() {
            return Ok(link);
        }
        let pool = Arc::clone(&self.pool);
        let checkout = self.thread.spawn(async move { pool.check_out().await });
        let checked_out = checkout.await.map_err(|_| fault::stopped())??;
        Ok(place.hold(checked_out))
    }
}

impl Place {
    fn link(&self) -> Option<(Link, Instant)> {
        self.held().as_ref().map(|held| (held.checked_out.link(), held.since))
    }

    fn hold(&self, checked_out: CheckedOut) -> (Link, Instant) {
        let held = Held { checked_out, since: Instant::now() };
        let link = (held.checked_out.link(), held.since);
        *self.held() = Some(held);
        link
    }

    /// The next who asks connects anew, unless somebody has already.
    fn drop_link(&self, since: Instant) {
        let mut held = self.held();
        if held.as_ref().is_some_and(|held| held.since == since)
            && let Some(failed) = held.take()
        {
            failed.checked_out.discard();
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    fn new(address: &Address, config: &config::Redis) -> Result<Self, RedisFault> {
        let size = config.connections.max(1);
        let failed = |error: deadpool_redis::BuildError| RedisFault::Failed(error.to_string());
        Ok(match address {
            Address::Server(server) => {
                let limits = limits(config.timeout);
                let manager = deadpool_redis::Manager::new_with_config(server.clone(), limits)?;
                let pool = deadpool_redis::Pool::builder(manager).max_size(size);
                Self::Server(pool.runtime(Runtime::Tokio1).build().map_err(failed)?)
            }
            Address::Sentinel(sentinel) => {
                let manager = deadpool_redis::sentinel::Manager::new(
                    sentinel.sentinels.clone(),
                    sentinel.master.clone(),
                    Some(sentinel.servers()),
                    SentinelServerType::Master,
                )?;
                let pool = deadpool_redis::sentinel::Pool::builder(manager).max_size(size);
                Self::Sentinel(pool.runtime(Runtime::Tokio1).build().map_err(failed)?)
            }
            Address::Cluster(servers) => {
                let manager = deadpool_redis::cluster::Manager::new(servers.clone(), false)?;
                let pool = deadpool_redis::cluster::Pool::builder(manager).max_size(size);
                Self::Cluster(pool.runtime(Runtime::Tokio1).build().map_err(failed)?)
            }
        })
    }

    async fn check_out(&self) -> Result<CheckedOut, RedisFault> {
        Ok(match self {
            Self::Server(pool) => CheckedOut::Server(pool.get().await?),
            Self::Sentinel(pool) => CheckedOut::Sentinel(pool.get().await?),
            Self::Cluster(pool) => CheckedOut::Cluster(pool.get().await?),
        })
    }
}

impl CheckedOut {
    fn link(&self) -> Link {
        // Whoever asks has a limit of their own, and would not know of another.
        let unlimited = |connection: &MultiplexedConnection| {
            let mut connection = connection.clone();
            connection.set_response_timeout(Duration::MAX);
            Link::Server(connection)
        };
        match self {
            Self::Server(connection) => unlimited(connection),
            Self::Sentinel(connection) => unlimited(connection),
            Self::Cluster(connection) => Link::Cluster((**connection).clone()),
        }
    }

    /// Makes room for a new one in the pool.
    fn discard(self) {
        match self {
            Self::Server(connection) => drop(deadpool_redis::Connection::take(connection)),
            Self::Sentinel(connection) => {
                drop(deadpool_redis::sentinel::Connection::take(connection));
            }
            Self::Cluster(connection) => {
                drop(deadpool_redis::cluster::Connection::take(connection));
            }
        }
    }
}

/// How long connecting may take.
pub(super) fn limits(timeout: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(timeout))
        .set_response_timeout(Some(timeout))
}

/// Whether a connection is not to be used any more.
fn breaks(answers: &Result<Answers, RedisFault>) -> bool {
    match answers {
        Ok(answers) => {
            answers.iter().any(|answer| matches!(answer, Ok(value) if fault::demoted(value)))
        }
        Err(_) => true,
    }
}

/// The parts of a pipeline that go to one slot each, with where their commands stood. Commands
/// without a key go by themselves.
fn by_slot(pipeline: &Pipeline) -> Vec<(Pipeline, Vec<usize>)> {
    let mut parts: Vec<(Option<Slot>, Pipeline, Vec<usize>)> = Vec::new();
    for (place, command) in pipeline.cmd_iter().enumerate() {
        let slot = key(command).map(Slot::for_key);
        let known = parts.iter().position(|(of, ..)| slot.is_some() && *of == slot);
        let known = known.unwrap_or_else(|| {
            parts.push((slot, Pipeline::new(), Vec::new()));
            parts.len() - 1
        });
        parts[known].1.add_command(command.clone());
        parts[known].2.push(place);
    }
    parts.into_iter().map(|(_, part, places)| (part, places)).collect()
}

/// The first key of a command.
fn key(command: &Cmd) -> Option<&[u8]> {
    let mut arguments = command.args_iter().filter_map(|argument| match argument {
        Arg::Simple(argument) => Some(argument),
        _ => None,
    });
    let at = match arguments.next()? {
        b"PING" | b"COMMAND" | b"INFO" | b"TIME" => return None,
        b"EVAL" | b"EVALSHA" => 2,
        _ => 0,
    };
    arguments.nth(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_is_parted_by_slots_and_keeps_its_order_within() {
        let mut pipeline = Pipeline::new();
        pipeline.cmd("GET").arg("{a}1").cmd("GET").arg("{b}1").cmd("PING");
        pipeline.cmd("EVALSHA").arg("digest").arg(1).arg("{a}2").cmd("PING");
        let parts: Vec<_> = by_slot(&pipeline).into_iter().map(|(_, places)| places).collect();
        assert_eq!(parts, [vec![0, 3], vec![1], vec![2], vec![4]]);
    }
}
