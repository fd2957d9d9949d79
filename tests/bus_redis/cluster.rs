//! The same over a Redis Cluster, whose servers each have some of the buckets, and over servers that
//! a sentinel watches.

use vigie::cluster::{Bus, Heard, OwnBeat};

use crate::node::{HASTY, Node, nodes, nodes_at, retried, session, until};
use crate::redis_server::groups::{RedisCluster, RedisSentinel, shared_cluster};
use crate::redis_server::prefix;
use crate::{adoption, attendance, beats, events, messages};

#[tokio::test]
async fn a_cluster_has_the_order_of_attendance() {
    attendance::story_of_order(&shared_cluster().url()).await;
}

#[tokio::test]
async fn a_cluster_tells_changes_of_attendance() {
    attendance::story_of_changes(&shared_cluster().url()).await;
}

#[tokio::test]
async fn a_cluster_carries_events_to_those_that_attend() {
    events::story_of_events(&shared_cluster().url()).await;
}

#[tokio::test]
async fn a_cluster_loses_nothing_between_attending_and_the_first_event() {
    events::story_of_the_race(&shared_cluster().url(), 50).await;
}

#[tokio::test]
async fn a_cluster_carries_messages_in_order() {
    messages::story_of_messages(&shared_cluster().url()).await;
}

#[tokio::test]
async fn a_cluster_gives_each_session_of_a_dead_node_to_one_survivor() {
    adoption::story_of_adoption(&shared_cluster().url(), 300).await;
}

#[tokio::test]
async fn a_cluster_calls_the_roll_and_knows_the_buried() {
    let url = shared_cluster().url();
    beats::story_of_the_roll(&url).await;
    beats::story_of_burial(&url).await;
    beats::story_of_departure(&url).await;
    beats::story_of_generations(&url).await;
}

#[tokio::test]
async fn a_clusters_lineage_is_that_of_all_its_masters() {
    let [node] = nodes(&shared_cluster().url()).await;
    let lineage = node.bus.beat(1).await.unwrap().lineage;
    let each: Vec<_> = lineage.split(',').collect();
    assert_eq!(each.len(), 3, "{lineage}");
    assert!(each.is_sorted() && each.iter().all(|one| one.len() == 40), "{lineage}");
}

#[tokio::test]
async fn a_subscription_to_one_server_of_a_cluster_that_is_killed_is_made_anew() {
    let mut cluster = RedisCluster::start();
    let [a, mut b] = nodes(&cluster.url()).await;
    for server in cluster.servers() {
        server.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        assert_eq!(b.hears_until_gap().await, []);
        hears_again(&a, &mut b).await;
    }
}

#[tokio::test]
async fn a_server_of_a_cluster_that_is_killed_and_started_again_is_heard_again() {
    let mut cluster = RedisCluster::start();
    let [a, mut b] = nodes_at(HASTY, &cluster.url()).await;
    cluster.servers()[1].kill();
    until("it is found", || b.bus.health().is_err()).await;
    cluster.servers()[1].restart();
    b.until_healthy().await;
    assert_eq!(b.hears_until_gap().await, []);
    hears_again(&a, &mut b).await;
}

/// More gaps than a machine under load is the cause of.
const GAPS_MAX: usize = 10;

/// What another appends in any bucket arrives, or a gap says that it may not have: then it goes on
/// with another session. Only the first things that are asked of a bucket may go to connections that
/// are broken.
async fn hears_again(a: &Node, b: &mut Node) {
    a.until_healthy().await;
    let mut given_up = Vec::new();
    for bucket in (0..=u8::MAX).step_by(5) {
        loop {
            let mut bytes = session().uuid().into_bytes();
            bytes[15] = bucket;
            let session = uuid::Uuid::from_bytes(bytes).into();
            retried(|| b.bus.attend(session, false)).await;
            let appended = a.append_at_last(session, 0, 1).await;
            let mut heard = b.hears_or_gap().await;
            // It may have been heard after all.
            while given_up.contains(&heard) {
                heard = b.hears_or_gap().await;
            }
            if heard != Heard::Gap {
                break assert_eq!(heard, appended);
            }
            given_up.push(appended);
            assert!(given_up.len() < GAPS_MAX, "it does not go on hearing");
        }
    }
}

#[tokio::test]
async fn a_failover_is_told_by_another_lineage_and_healed() {
    let sentinel = RedisSentinel::start();
    let url = sentinel.url();
    let prefix = prefix();
    let a = Node::join(&url, &prefix).await;
    let mut b = Node::join(&url, &prefix).await;
    let before = a.bus.beat(1).await.unwrap();
    until("the replica has it", || {
        let beats = sentinel.second.cli(&["KEYS", "*beats"]);
        sentinel.second.cli(&["HEXISTS", &beats, &a.id().to_string()]) == "1"
    })
    .await;
    sentinel.fail_over();
    assert_eq!(b.hears_until_gap().await, []);
    a.until_healthy().await;
    b.until_healthy().await;
    let after = retried(|| a.bus.beat(2)).await;
    assert_ne!(after.lineage, before.lineage);
    assert_eq!(after.own, OwnBeat::Known, "the replica had all there was");
    hears_again(&a, &mut b).await;
}
