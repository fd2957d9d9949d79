//! One thing breaks at a time, under load: nothing that was acknowledged is lost, doubled or out of
//! order, and all come back to one truth.

use std::time::{Duration, Instant};

use tokio::time::sleep;
use vigie_client::{CallError, Link, new_key};
use vigie_protocol::error::ErrorCode;
use vigie_protocol::event::Offset;
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Answer, Done, Rank, Say, Serve, Subscribe, TakeOver};
use vigie_protocol::push::{Push, Turn};

use crate::checker::assert_sound;
use crate::harness::{Cluster, NODES, QUICK, REDIS_TIMEOUT, asked, soon};
use crate::load::{Load, Plan, assert_busy, summary};
use crate::proxy::Lane;
use crate::recovery::Recovery;
use crate::support::random::Random;
use crate::support::raw::is_ready;
use crate::support::redis::RedisServer;
use crate::support::{text, within};

/// How long everything may take to be well again after a fault has ended. Nodes wait 1.5 s for a
/// sign of life here, clients 5 s; the rest is for machines that are busy.
const RECOVERY_MAX: Duration = Duration::from_secs(15);

/// How long a fault lasts that does not say otherwise: nodes that cannot be heard are taken for dead.
const FAULT: Duration = Duration::from_secs(4);

/// What a machine that stalls may add to what has a bound.
const STALLS: Duration = Duration::from_secs(5);

/// How long a node sleeps.
const SLEEP: Duration = Duration::from_secs(15);

/// What must be acknowledged before a fault, and after it.
const BEFORE: usize = 60;
const AFTER: usize = 100;

/// A load, a fault that has ended when `fault` returns, and the judgement.
async fn under_load(
    what: &str,
    redis: RedisServer,
    fault: impl AsyncFnOnce(&mut Cluster, &Load, &mut Random),
) {
    let mut random = Random::seeded();
    let mut cluster = Cluster::open_on(redis, QUICK).await;
    let load = Load::start(&cluster, Plan::default(), &mut random).await;
    load.acknowledges(BEFORE).await;
    fault(&mut cluster, &load, &mut random).await;
    let recovery = Recovery::of(&cluster, &load.sessions).await;
    load.acknowledges(AFTER).await;
    let history = load.finish(&cluster).await;
    println!("{what}: {recovery}; {}", summary(&history));
    assert_sound(&history);
    assert_busy(&history);
    recovery.assert_within(RECOVERY_MAX);
}

fn any_node(random: &mut Random) -> usize {
    random.within(0..NODES as u64) as usize
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_killed_and_another_comes_in_its_place() {
    under_load("node SIGKILL", RedisServer::start(), async |cluster, load, random| {
        for _ in 0..2 {
            let node = any_node(random);
            cluster.shop.nodes[node].kill().await;
            // The others go on.
            load.acknowledges(BEFORE).await;
            cluster.shop.nodes[node].reopen().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_slept_for_long_writes_nothing_under_what_it_remembers() {
    under_load("node SIGSTOP 15 s", RedisServer::start(), async |cluster, load, random| {
        let node = any_node(random);
        let zombie = Zombie::prepare(cluster, node).await;
        let began = Instant::now();
        cluster.nodes()[node].freeze().await;
        let speaking = zombie.speaks_while_it_sleeps(cluster).await;
        load.acknowledges(BEFORE).await;
        sleep(SLEEP.saturating_sub(began.elapsed())).await;
        cluster.nodes()[node].thaw().await;
        speaking.nothing_was_written(cluster).await;
    })
    .await;
}

/// A session whose holder and bot are on a node that is about to sleep.
struct Zombie {
    node: usize,
    ann: Link,
    bot: Link,
    turn: Turn,
    held: SessionId,
}

/// What both said to the node while it slept, and who has control since.
struct Speaking {
    ann: tokio::task::JoinHandle<Result<Done, CallError>>,
    bot: tokio::task::JoinHandle<Result<Done, CallError>>,
    held: SessionId,
    asked: SessionId,
    elsewhere: usize,
}

impl Zombie {
    async fn prepare(cluster: &Cluster, node: usize) -> Self {
        let elsewhere = (node + 1) % NODES;
        let visitor = cluster.link(elsewhere, &cluster.as_visitor()).await;
        let held = started(&visitor).await;
        let ann = cluster.link(node, &cluster.as_operator("ann", Rank::Agent)).await;
        ann.call(&TakeOver { session: held, force: false, reason: None }).await.unwrap();
        // A turn is asked of one of the site's bots: of this one, if it is asked often enough.
        let bot = cluster.link(node, &cluster.as_bot("sleeper")).await;
        bot.call(&Serve {}).await.unwrap();
        let turn = within("a turn for the bot on that node", async {
            loop {
                let visitor = cluster.link(node, &cluster.as_visitor()).await;
                visitor.call(&say(None, "Hello?")).await.unwrap();
                let asked = async {
                    loop {
                        if let Push::Turn(turn) = bot.next_push().await.unwrap() {
                            return turn;
                        }
                    }
                };
                match tokio::time::timeout(Duration::from_millis(500), asked).await {
                    Ok(turn) => return turn,
                    Err(_) => drop(visitor),
                }
            }
        })
        .await;
        Self { node, ann, bot, turn, held }
    }

    /// Control goes to others while the node sleeps; what ann and the bot then say waits for it.
    async fn speaks_while_it_sleeps(self, cluster: &Cluster) -> Speaking {
        let elsewhere = (self.node + 1) % NODES;
        let sue = cluster.link(elsewhere, &cluster.as_operator("sue", Rank::Supervisor)).await;
        let (held, asked) = (self.held, self.turn.session);
        let reason = Some("Nobody answers.".to_owned());
        for (session, force) in [(held, true), (asked, false)] {
            let taken = TakeOver { session, force, reason: reason.clone() };
            within("the take-over", sue.call(&taken)).await.unwrap();
        }
        let Self { ann, bot, turn, .. } = self;
        let Turn { session, epoch, turn, .. } = turn;
        let ann = tokio::spawn(async move { ann.call(&say(Some(held), "It is still me.")).await });
        let bot = tokio::spawn(async move {
            let text = "Here is the answer.".to_owned();
            bot.call(&Answer { session, epoch, turn, text, choices: vec![] }).await
        });
        Speaking { ann, bot, held, asked, elsewhere }
    }
}

impl Speaking {
    async fn nothing_was_written(self, cluster: &Cluster) {
        for (who, speaking, codes) in [
            ("ann", self.ann, [ErrorCode::NotInControl, ErrorCode::StaleEpoch]),
            ("the bot", self.bot, [ErrorCode::StaleEpoch, ErrorCode::StaleTurn]),
        ] {
            match within("the node's answer", speaking).await.unwrap() {
                Ok(done) => panic!("{who} was told that it is at {done:?}"),
                Err(CallError::Refused(error)) => {
                    assert!(error.retry || codes.contains(&error.code), "{who}: {error}");
                }
                // The node has given them up while it was taken for dead.
                Err(CallError::NotSent(_) | CallError::Unanswered(_)) => {}
                Err(other) => panic!("{who}: {other}"),
            }
        }
        for (session, never) in
            [(self.held, "It is still me."), (self.asked, "Here is the answer.")]
        {
            let log = cluster.log_at(self.elsewhere, session).await;
            assert!(!log.iter().any(|event| text(event) == never), "{log:#?}");
        }
    }
}

/// The session of a visitor's connection.
async fn started(visitor: &Link) -> SessionId {
    let done = asked(visitor, &Subscribe { session: None, offset: 0 }).await.unwrap();
    done.session
}

fn say(session: Option<SessionId>, text: &str) -> Say {
    let seen = session.map(|_| Offset::MAX);
    Say { session, key: new_key(), text: text.into(), seen, confirm: session.is_some() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_shut_down_and_comes_back_with_its_file() {
    under_load("Redis SIGTERM and restart", RedisServer::start(), async |cluster, _, random| {
        let redis = cluster.redis();
        redis.cli(&["shutdown", "nosave"]);
        sleep(random.millis(200..2000)).await;
        redis.restart();
    })
    .await;
}

/// What is acknowledged is on the disk here: `appendfsync always`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_killed_and_comes_back_with_its_file() {
    let redis = RedisServer::start_with(&["--appendfsync", "always"]);
    under_load("Redis SIGKILL and restart", redis, async |cluster, load, random| {
        for _ in 0..2 {
            let redis = cluster.redis();
            redis.kill();
            sleep(random.millis(100..1500)).await;
            redis.restart();
            load.acknowledges(BEFORE / 2).await;
        }
        let generations = generations(cluster).await;
        assert!(
            generations.iter().all(|generation| *generation == generations[0]),
            "{generations:?}"
        );
        assert!(matches!(generations[0], None | Some(1)), "nothing was lost: {generations:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_stops_for_some_seconds_and_goes_on() {
    under_load("Redis SIGSTOP 4 s", RedisServer::start(), async |cluster, load, _| {
        let visitor = cluster.link(0, &cluster.as_visitor()).await;
        let session = started(&visitor).await;
        asked(&visitor, &say(None, "Before.")).await.unwrap();
        let ann = cluster.link(0, &cluster.as_operator("ann", Rank::Agent)).await;
        let quiet = cluster.link(0, &cluster.as_visitor()).await;
        let observed = Subscribe { session: Some(started(&quiet).await), offset: 0 };
        let offset = asked(&ann, &observed).await.unwrap().offset;
        assert_ne!(observed.session, Some(session));

        cluster.redis().stop();
        let stopped = Instant::now();
        let sent = Instant::now();
        let outcome = within("a refusal", visitor.call(&say(None, "Meanwhile."))).await;
        let Err(CallError::Refused(error)) = outcome else { panic!("not refused: {outcome:?}") };
        assert_eq!((error.code, error.retry), (ErrorCode::LogUnavailable, true), "{error}");
        assert!(
            sent.elapsed() < REDIS_TIMEOUT + STALLS,
            "refused within a bound: {:?}",
            sent.elapsed()
        );
        // What is folded can be observed, by whoever has its past.
        let bea = cluster.link(0, &cluster.as_operator("bea", Rank::Agent)).await;
        let follow = Subscribe { offset, ..observed };
        within("an observer to be served", bea.call(&follow)).await.unwrap();
        for node in cluster.nodes() {
            soon("the nodes to say so", async || !is_ready(node.http).await.unwrap_or(true)).await;
        }
        let before = load.recorder.acknowledged();
        sleep(FAULT.saturating_sub(stopped.elapsed())).await;
        assert_eq!(load.recorder.acknowledged(), before, "nothing can be acknowledged");
        cluster.redis().cont();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_cut_from_redis() {
    under_load("cut for 4 s", RedisServer::start(), async |cluster, load, random| {
        let node = any_node(random);
        let link = cluster.link(node, &cluster.as_operator("ann", Rank::Agent)).await;
        cluster.proxies[node].cut();
        let began = Instant::now();
        let http = cluster.nodes()[node].http;
        soon("the node to say so", async || !is_ready(http).await.unwrap_or(true)).await;
        hears_of(&link, true).await;
        load.acknowledges(BEFORE / 2).await;
        sleep(FAULT.saturating_sub(began.elapsed())).await;
        cluster.proxies[node].heal();
        hears_of(&link, false).await;
        soon("the node to say so", async || is_ready(http).await.unwrap_or(false)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_node_reaches_redis() {
    one_way("to Redis lost for 4 s", Lane::Lost, Lane::Open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_redis_reaches_a_node() {
    one_way("from Redis lost for 4 s", Lane::Open, Lane::Lost).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_says_reaches_redis_when_it_is_nearly_forgotten() {
    one_way("to Redis held for 4 s", Lane::Held, Lane::Open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_redis_says_reaches_a_node_when_it_is_nearly_forgotten() {
    one_way("from Redis held for 4 s", Lane::Open, Lane::Held).await;
}

async fn one_way(what: &str, up: Lane, down: Lane) {
    under_load(what, RedisServer::start(), async |cluster, load, random| {
        let proxy = &cluster.proxies[any_node(random)];
        proxy.lanes(up, down);
        let began = Instant::now();
        load.acknowledges(BEFORE / 2).await;
        sleep(FAULT.saturating_sub(began.elapsed())).await;
        proxy.heal();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_far_away_from_a_node() {
    under_load("150 ms each way for 4 s", RedisServer::start(), async |cluster, load, random| {
        let proxy = &cluster.proxies[any_node(random)];
        let late = Lane::Late(Duration::from_millis(150));
        proxy.lanes(late, late);
        let began = Instant::now();
        load.acknowledges(BEFORE).await;
        sleep(FAULT.saturating_sub(began.elapsed())).await;
        proxy.heal();
    })
    .await;
}

/// Waits until a client is told whether its node is degraded.
async fn hears_of(link: &Link, degraded: bool) {
    within("the status of the node", async {
        loop {
            if let Push::Status(status) = link.next_push().await.unwrap()
                && status.degraded == degraded
            {
                return;
            }
        }
    })
    .await;
}

/// The log's generation as each node tells it.
pub async fn generations(cluster: &Cluster) -> Vec<Option<u64>> {
    let mut told = vec![];
    for node in cluster.nodes() {
        let endpoint = node.endpoint(crate::support::Via::Tcp);
        let asking = async {
            let link = Link::open(&endpoint, &vigie_client::Options::default()).await.unwrap();
            link.call(&cluster.as_operator("auditor", Rank::Agent)).await.unwrap().generation
        };
        told.push(within("a node to say its generation", asking).await);
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_load_alone_is_sound() {
    under_load("no fault", RedisServer::start(), async |_, load, _| {
        load.acknowledges(BEFORE).await
    })
    .await;
}
