//! A connection that listens to channels. It speaks RESP3, in which what is heard comes between
//! answers, so that it can be asked whether it lives while it listens.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use redis::aio::{AsyncPushSender, ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{Client, Pipeline, ProtocolVersion, TlsMode};

use super::address::{Address, Sentinel};
use super::{RedisFault, link};

/// Dropped, it hears nothing more.
#[derive(Clone)]
pub struct Subscriber(Link);

#[derive(Clone)]
enum Link {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Subscriber {
    /// Listens to more channels; `sharded` if they are.
    ///
    /// # Errors
    /// The connection has failed; it may listen to some of them.
    pub async fn subscribe(
        &mut self,
        channels: impl IntoIterator<Item = String>,
        sharded: bool,
    ) -> Result<(), RedisFault> {
        match &mut self.0 {
            Link::Server(connection) => {
                let command = if sharded { "SSUBSCRIBE" } else { "SUBSCRIBE" };
                let mut pipeline = Pipeline::new();
                for channel in channels {
                    pipeline.cmd(command).arg(channel);
                }
                let count = pipeline.len();
                for answer in connection.req_packed_commands(&pipeline, 0, count).await? {
                    super::fault::server_answer(Ok(answer))?;
                }
            }
            Link::Cluster(connection) => {
                let subscribe = |channel: String| {
                    let mut connection = connection.clone();
                    async move {
                        if sharded {
                            connection.ssubscribe(channel).await
                        } else {
                            connection.subscribe(channel).await
                        }
                    }
                };
                try_join_all(channels.into_iter().map(subscribe)).await?;
            }
        }
        Ok(())
    }
}

pub(super) async fn connect(
    address: Address,
    timeout: Duration,
    push: Arc<dyn AsyncPushSender>,
) -> Result<Subscriber, RedisFault> {
    let limits = link::limits(timeout).set_push_sender(Arc::clone(&push));
    let server =
        async |client: Client| client.get_multiplexed_async_connection_with_config(&limits).await;
    Ok(Subscriber(match address {
        Address::Server(info) => {
            let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
            let client = Client::open(info.set_redis_settings(settings))?;
            Link::Server(server(client).await?)
        }
        Address::Sentinel(sentinel) => {
            let client = master(sentinel)?.async_get_client().await?;
            Link::Server(server(client).await?)
        }
        Address::Cluster(servers) => {
            let client = ClusterClientBuilder::new(servers)
                .use_protocol(ProtocolVersion::RESP3)
                .connection_timeout(timeout)
                .response_timeout(timeout)
                .push_sender(push)
                .build()?;
            Link::Cluster(client.get_async_connection().await?)
        }
    }))
}

fn master(sentinel: Sentinel) -> redis::RedisResult<SentinelClient> {
    let settings = sentinel.settings.clone().set_protocol(ProtocolVersion::RESP3);
    let mut servers = SentinelNodeConnectionInfo::default().set_redis_connection_info(settings);
    if sentinel.tls {
        servers = servers.set_tls_mode(TlsMode::Secure);
    }
    let Sentinel { sentinels, master, .. } = sentinel;
    SentinelClient::build(sentinels, master, Some(servers), SentinelServerType::Master)
}
