//! How the scripts are called and what they answer.

use redis::{Cmd, FromRedisValue, Pipeline, Value};
use vigie_protocol::id::SessionId;

use super::{bucket, publish_command};
use crate::cluster::NodeId;
use crate::core::cluster::ATTENDANTS_MAX;
use crate::redis::{Redis, RedisFault, Script};

/// How long it is remembered that a node was buried.
const TOMBSTONE_SECONDS: u64 = 7 * 24 * 60 * 60;

/// How long the number of a node's latest leave in a bucket is remembered: an attend that it has
/// overtaken by more than that takes effect.
const LEFT_SECONDS: u64 = 60 * 60;

/// The lane of what belongs to no session.
const NODES_LANE: u8 = 0;

/// The scripts of the bus.
pub(super) struct Scripts {
    attend: Script,
    leave: Script,
    adopt: Script,
    adopted: Script,
    beat: Script,
    bury: Script,
    depart: Script,
    raise: Script,
}

/// What a beat was answered with.
pub(super) enum Beaten {
    /// Not counted: there is this tombstone, which was not known of.
    Buried(String),
    /// Not counted: an acknowledged beat is not there.
    Lost,
    /// Counted.
    Known { beats: Vec<(NodeId, u64)>, gone: Vec<NodeId>, generation: u64 },
}

/// Who changes that it attends something. The numbers rise with each change, so that one that comes
/// late is known by it.
#[derive(Clone, Copy)]
pub(super) struct By {
    pub(super) node: NodeId,
    pub(super) number: u64,
}

/// What is adopted at a time in one bucket.
pub(super) struct Quota {
    pub(super) bucket: u8,
    /// The most sessions to be given.
    pub(super) give: usize,
    /// The most to look at.
    pub(super) look_at: usize,
}

impl Scripts {
    pub(super) fn new(redis: &Redis) -> Self {
        macro_rules! attending {
            ($file:literal) => {
                redis.script(concat!(include_str!("attendance.lua"), "\n", include_str!($file)))
            };
        }
        Self {
            attend: attending!("attend.lua"),
            leave: attending!("leave.lua"),
            adopt: attending!("adopt.lua"),
            adopted: redis.script(include_str!("adopted.lua")),
            beat: redis.script(include_str!("beat.lua")),
            bury: redis.script(include_str!("bury.lua")),
            depart: redis.script(include_str!("depart.lua")),
            raise: redis.script(include_str!("raise.lua")),
        }
    }

    /// The attendance as it was then, encoded.
    pub(super) async fn attend(
        &self,
        redis: &Redis,
        By { node, number }: By,
        session: SessionId,
        visitor: bool,
    ) -> Result<Vec<u8>, RedisFault> {
        let publish = publish_command(redis).await?;
        let mut call = self.attend.call(&keys(redis, node, session));
        call.arg(node.to_string()).arg(number).arg(u8::from(visitor));
        about(&mut call, redis, session, publish);
        read(ask(redis, bucket(session), call).await?)
    }

    pub(super) async fn leave(
        &self,
        redis: &Redis,
        By { node, number }: By,
        session: SessionId,
    ) -> Result<Vec<u8>, RedisFault> {
        let publish = publish_command(redis).await?;
        let mut call = self.leave.call(&keys(redis, node, session));
        call.arg(node.to_string()).arg(number);
        about(&mut call, redis, session, publish);
        call.arg(LEFT_SECONDS);
        read(ask(redis, bucket(session), call).await?)
    }

    /// Of each quota: which sessions were given, and how many the dead node has left.
    pub(super) async fn adopt(
        &self,
        redis: &Redis,
        dead: NodeId,
        By { node: heir, number }: By,
        live: &[NodeId],
        quotas: &[Quota],
    ) -> Result<Vec<Result<(Vec<SessionId>, usize), RedisFault>>, RedisFault> {
        let publish = publish_command(redis).await?;
        let mut pipeline = Pipeline::with_capacity(quotas.len());
        for quota in quotas {
            let names = redis.names();
            let keys = [names.attended(quota.bucket, dead), names.attended(quota.bucket, heir)];
            let mut call = self.adopt.call(&keys);
            call.arg(dead.to_string()).arg(heir.to_string()).arg(number);
            call.arg(quota.give).arg(quota.look_at);
            call.arg(names.bucket(quota.bucket)).arg(names.inboxes(quota.bucket)).arg(publish);
            call.arg(ATTENDANTS_MAX);
            for node in live {
                call.arg(node.to_string());
            }
            pipeline.add_command(call);
        }
        let answers = redis.run(NODES_LANE, &pipeline).await?;
        Ok(answers
            .into_iter()
            .map(|answer| {
                let (given, left): (Vec<String>, usize) = read(answer?)?;
                Ok((sessions(given), left))
            })
            .collect())
    }

    /// By bucket: how many sessions a node attends.
    pub(super) async fn attended(
        &self,
        redis: &Redis,
        node: NodeId,
    ) -> Result<Vec<usize>, RedisFault> {
        let mut pipeline = Pipeline::new();
        for bucket in 0..=u8::MAX {
            pipeline.cmd("SCARD").arg(redis.names().attended(bucket, node));
        }
        let answers = redis.run(NODES_LANE, &pipeline).await?;
        answers.into_iter().map(|answer| read(answer?)).collect()
    }

    /// The sessions that a node was given of a dead one and has not attended anew since.
    pub(super) async fn adopted(
        &self,
        redis: &Redis,
        (dead, heir): (NodeId, NodeId),
    ) -> Result<Vec<SessionId>, RedisFault> {
        let mut pipeline = Pipeline::new();
        for bucket in 0..=u8::MAX {
            let mut call = self.adopted.call(&[redis.names().attended(bucket, heir)]);
            call.arg(dead.to_string()).arg(heir.to_string()).arg(redis.names().bucket(bucket));
            pipeline.add_command(call);
        }
        let mut adopted = Vec::new();
        for answer in redis.run(NODES_LANE, &pipeline).await? {
            adopted.extend(sessions(read(answer?)?));
        }
        Ok(adopted)
    }

    pub(super) async fn beat(
        &self,
        redis: &Redis,
        me: NodeId,
        count: u64,
        acknowledged: u64,
        tombstone: &str,
    ) -> Result<Beaten, RedisFault> {
        let mut call = self.beat.call(&[redis.names().beats(), redis.names().generation()]);
        call.arg(me.to_string()).arg(count).arg(acknowledged).arg(tombstone);
        call.arg(TOMBSTONE_SECONDS);
        let mut answer: Vec<Value> = read(ask(redis, NODES_LANE, call).await?)?;
        answer.resize(4, Value::Nil);
        let [state, detail, beats, gone]: [Value; 4] =
            answer.try_into().map_err(|_| unreadable("a roll"))?;
        match read::<String>(state)?.as_str() {
            "buried" => Ok(Beaten::Buried(read(detail)?)),
            "lost" => Ok(Beaten::Lost),
            _ => {
                let beats: Vec<(String, String)> = read(beats)?;
                // What nobody of this version has written is no node.
                let beat = |(node, count): (String, String)| {
                    Some((NodeId::parse(&node)?, count.parse().ok()?))
                };
                let beats = beats.into_iter().filter_map(beat).collect();
                let gone: Vec<String> = read(gone)?;
                let gone = gone.iter().filter_map(|node| NodeId::parse(node)).collect();
                Ok(Beaten::Known { beats, gone, generation: read(detail)? })
            }
        }
    }

    pub(super) async fn bury(&self, redis: &Redis, dead: NodeId) -> Result<(), RedisFault> {
        let mut call = self.bury.call(&[redis.names().beats()]);
        call.arg(dead.to_string());
        ask(redis, NODES_LANE, call).await.map(drop)
    }

    pub(super) async fn depart(&self, redis: &Redis, me: NodeId) -> Result<(), RedisFault> {
        let mut call = self.depart.call(&[redis.names().beats()]);
        call.arg(me.to_string());
        ask(redis, NODES_LANE, call).await.map(drop)
    }

    pub(super) async fn raise(&self, redis: &Redis, from: u64) -> Result<u64, RedisFault> {
        let mut call = self.raise.call(&[redis.names().generation()]);
        call.arg(from);
        read(ask(redis, NODES_LANE, call).await?)
    }
}

/// The keys of a session that the scripts of attendance touch.
fn keys(redis: &Redis, node: NodeId, session: SessionId) -> [String; 4] {
    let (names, bucket) = (redis.names(), bucket(session));
    [
        names.session(session),
        names.attendance(session),
        names.attended(bucket, node),
        names.left(bucket, node),
    ]
}

/// The arguments by which the other nodes are told.
fn about(call: &mut Cmd, redis: &Redis, session: SessionId, publish: &str) {
    call.arg(session.to_string()).arg(session.uuid().as_bytes());
    call.arg(redis.names().inboxes(bucket(session))).arg(publish).arg(ATTENDANTS_MAX);
}

async fn ask(redis: &Redis, lane: u8, call: Cmd) -> Result<Value, RedisFault> {
    let mut pipeline = Pipeline::with_capacity(1);
    pipeline.add_command(call);
    let answer = redis.run(lane, &pipeline).await?.pop();
    answer.unwrap_or_else(|| Err(unreadable("an answer")))
}

fn read<T: FromRedisValue>(value: Value) -> Result<T, RedisFault> {
    T::from_redis_value(value).map_err(|error| RedisFault::Failed(error.to_string()))
}

/// What nobody of ours has written is no session.
fn sessions(names: Vec<String>) -> Vec<SessionId> {
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

fn unreadable(what: &str) -> RedisFault {
    RedisFault::Failed(format!("{what} cannot be read"))
}
