//! The Redis of a cluster: one door for the log, the store and the bus.
//!
//! A few multiplexed connections are shared by all that this engine asks of Redis. They come from a
//! pool, which knows how to make them for one server, Sentinel and Redis Cluster; but the pool's
//! checks at each checkout cost a round trip, so a connection stays checked out until it fails.
//! All of them are driven by one thread, so that they outlive whichever thread asked first.
//!
//! # Layout
//!
//! - `address`: the forms of `redis.url`
//! - `names`: the names of all keys and channels
//! - `script`: Lua scripts, sent whole only where the server does not have them
//! - `link`: the connections
//! - `fault`: what went wrong, and whether asking again makes sense
//! - `subscriber`: a connection that listens to channels
//! - `thread`: where they are driven

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use redis::{Pipeline, Value};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use crate::config;

mod address;
mod fault;
mod link;
mod names;
mod script;
mod subscriber;
mod thread;

pub use fault::RedisFault;
pub use names::{BUCKETS, Names, bucket, visitor_lane};
pub use script::Script;
pub use subscriber::Subscriber;

use address::Address;
use link::Links;
use script::Scripts;
use thread::IoThread;

/// What each command of a pipeline was answered with.
pub type Answers = Vec<Result<Value, RedisFault>>;

/// The engine's connections to Redis. A clone is the same ones.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    address: Address,
    names: Names,
    timeout: Duration,
    links: Links,
    scripts: Scripts,
    sharded: OnceLock<bool>,
    thread: IoThread,
}

impl Redis {
    /// Reads the address and gets ready. Connects when something is first asked, and again whenever
    /// a connection has failed.
    ///
    /// # Errors
    /// The address is none, or the thread cannot be started.
    pub fn open(config: &config::Redis) -> Result<Self, RedisFault> {
        let url = config.url.as_deref().unwrap_or_default();
        let address = Address::parse(url).map_err(RedisFault::Failed)?;
        let thread = IoThread::start()?;
        let links = Links::new(&address, config, thread.handle().clone())?;
        Ok(Self(Arc::new(Inner {
            address,
            names: Names::new(&config.prefix),
            timeout: config.timeout,
            links,
            scripts: Scripts::default(),
            sharded: OnceLock::new(),
            thread,
        })))
    }

    /// The names of all keys and channels.
    pub fn names(&self) -> &Names {
        &self.0.names
    }

    /// How long an answer may take.
    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Whether it is a Redis Cluster: then one part of it may be away while the others serve.
    pub fn clustered(&self) -> bool {
        matches!(self.0.address, Address::Cluster(_))
    }

    /// The runtime whose thread drives the connections; others may work there too. It ends with the
    /// last clone of this, and what was spawned on it ends with it.
    pub fn handle(&self) -> &Handle {
        self.0.thread.handle()
    }

    /// A script to be called by the commands of a pipeline.
    pub fn script(&self, source: &'static str) -> Script {
        self.0.scripts.add(source)
    }

    /// Asks all commands of a pipeline, and answers each by itself: a command that fails does not
    /// hide what the others did. `Err` if nobody knows whether any of them was done. What is asked
    /// on one lane by one caller after another is done in that order. Can be called on any tokio
    /// runtime.
    ///
    /// The commands may be of any slots of a Redis Cluster; but the keys of each are in one. What
    /// was already done can be done again if the cluster moves at that moment, so commands must be
    /// harmless when they are repeated.
    ///
    /// # Errors
    /// Redis is away, or refuses the connection.
    pub async fn run(&self, lane: u8, pipeline: &Pipeline) -> Result<Answers, RedisFault> {
        self.run_until(Instant::now() + self.0.timeout, lane, pipeline).await
    }

    /// As [`Redis::run`], but answers until then.
    ///
    /// # Errors
    /// Redis is away, or refuses the connection.
    pub async fn run_until(
        &self,
        until: Instant,
        lane: u8,
        pipeline: &Pipeline,
    ) -> Result<Answers, RedisFault> {
        if pipeline.is_empty() {
            return Ok(Answers::new());
        }
        let mut answers = self.0.links.ask(until, lane, pipeline).await?;
        if let Some((whole, places)) = self.0.scripts.unknown(pipeline, &answers) {
            let again = self.0.links.ask(until, lane, &whole).await?;
            for (place, answer) in places.into_iter().zip(again) {
                answers[place] = answer;
            }
        }
        Ok(answers.into_iter().map(fault::server_answer).collect())
    }

    /// Whether the server answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), RedisFault> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("PING");
        self.run(0, &pipeline).await?.pop().unwrap_or_else(|| Err(fault::no_answer())).map(drop)
    }

    /// Whether the server has sharded channels (Redis 7), which a Redis Cluster delivers without
    /// telling every server. Asked once.
    ///
    /// # Errors
    /// The server could not be asked yet.
    pub async fn sharded(&self) -> Result<bool, RedisFault> {
        if let Some(sharded) = self.0.sharded.get() {
            return Ok(*sharded);
        }
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("COMMAND").arg("INFO").arg("SPUBLISH");
        let answer = self.run(0, &pipeline).await?.pop().unwrap_or_else(|| Err(fault::no_answer()));
        let known = |value| matches!(value, Value::Array(infos) if matches!(infos.first(), Some(Value::Array(_))));
        let sharded = known(answer?);
        Ok(*self.0.sharded.get_or_init(|| sharded))
    }

    /// Names the lineage of the data as the servers have it: another one after a failover, a restart
    /// or a change of which servers a Redis Cluster has.
    ///
    /// # Errors
    /// One of the servers is away.
    pub async fn lineage(&self) -> Result<String, RedisFault> {
        let mut info = redis::cmd("INFO");
        info.arg("replication");
        let until = Instant::now() + self.0.timeout;
        let mut lineages = Vec::new();
        for answer in self.0.links.ask_masters(until, &info).await? {
            let answer = fault::server_answer(answer)?;
            let info = redis::from_redis_value::<redis::InfoDict>(answer)
                .map_err(redis::RedisError::from)?;
            lineages.extend(info.get::<String>("master_replid"));
        }
        lineages.sort();
        Ok(lineages.join(","))
    }

    /// A connection of its own that listens to channels. What is heard goes to `push`, which must not
    /// wait; also that the connection has ended (`PushKind::Disconnection`).
    ///
    /// # Errors
    /// Redis is away, or refuses the connection.
    pub async fn subscriber(
        &self,
        push: impl redis::aio::AsyncPushSender,
    ) -> Result<Subscriber, RedisFault> {
        let until = Instant::now() + self.0.timeout;
        let connect = subscriber::connect(self.0.address.clone(), self.0.timeout, Arc::new(push));
        let connecting = self.handle().spawn(connect);
        match timeout_at(until, connecting).await {
            Ok(Ok(connected)) => connected,
            Ok(Err(_)) => Err(fault::stopped()),
            Err(_) => Err(fault::late(self.0.timeout)),
        }
    }
}

/// The address may hold a password.
impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("names", &self.0.names).finish_non_exhaustive()
    }
}

/// What is wrong with an address of `redis.url`, without what it says.
///
/// # Errors
/// It is none.
pub fn check_address(url: &str) -> Result<(), String> {
    Address::parse(url).map(drop)
}
