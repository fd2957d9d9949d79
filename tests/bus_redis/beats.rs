//! Signs of life, tombstones and generations.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use futures_util::future::join_all;
use vigie::cluster::hub::Beat;
use vigie::cluster::{Bus, Cluster, OwnBeat, Roll};

use crate::deaf::Network;
use crate::node::{HASTY, Node, PATIENCE, SLACK, nodes, nodes_at, retried};
use crate::redis_server::{RedisServer, prefix, shared};

async fn beat(node: &Node, count: u64) -> Roll {
    node.asks(|| node.bus.beat(count)).await
}

fn sorted(mut roll: Roll) -> Vec<(u64, u64)> {
    roll.beats.sort();
    roll.beats.iter().map(|(node, count)| (node.0, *count)).collect()
}

#[tokio::test]
async fn the_roll_has_the_last_beat_of_each_node() {
    story_of_the_roll(&shared().url()).await;
}

pub async fn story_of_the_roll(url: &str) {
    let [a, b] = nodes(url).await;
    let first = beat(&a, 1).await;
    assert_eq!((first.own, first.generation), (OwnBeat::Known, 1));
    assert!(first.lineage.len() >= 40, "{first:?}");
    beat(&b, 1).await;
    beat(&b, 2).await;
    let roll = beat(&a, 2).await;
    assert_eq!((roll.own, &roll.lineage), (OwnBeat::Known, &first.lineage));
    assert_eq!(sorted(roll), [(a.id().0, 2), (b.id().0, 2)]);
}

#[tokio::test]
async fn the_buried_are_left_out_until_they_beat_again_and_learn_it_once() {
    story_of_burial(&shared().url()).await;
}

pub async fn story_of_burial(url: &str) {
    let [a, b] = nodes(url).await;
    for count in 1..=3 {
        beat(&a, count).await;
        beat(&b, count).await;
    }
    a.bus.bury(b.id()).await.unwrap();
    a.bus.bury(b.id()).await.unwrap();
    assert_eq!(sorted(beat(&a, 4).await), [(a.id().0, 4)]);
    let risen = beat(&b, 4).await;
    assert_eq!(risen.own, OwnBeat::Buried);
    assert_eq!(sorted(risen), [(a.id().0, 4), (b.id().0, 4)]);
    assert_eq!(beat(&b, 5).await.own, OwnBeat::Known);
    a.bus.bury(b.id()).await.unwrap();
    assert_eq!(beat(&b, 6).await.own, OwnBeat::Buried, "each burial is told");
}

#[tokio::test]
async fn a_burial_is_told_even_if_the_first_answer_that_tells_it_is_lost() {
    let server = RedisServer::start();
    let network = Network::to(format!("127.0.0.1:{}", server.port()));
    let prefix = prefix();
    let a = Node::join(&server.url(), &prefix).await;
    let b = Node::join_at(HASTY, &network.url(), &prefix).await;
    beat(&a, 1).await;
    beat(&b, 1).await;
    a.bus.bury(b.id()).await.unwrap();
    network.deafen_all();
    b.bus.beat(2).await.unwrap_err();
    assert_eq!(beat(&b, 3).await.own, OwnBeat::Buried);
    assert_eq!(beat(&b, 4).await.own, OwnBeat::Known);
}

#[tokio::test]
async fn who_has_departed_is_gone_until_it_is_buried() {
    story_of_departure(&shared().url()).await;
}

pub async fn story_of_departure(url: &str) {
    let [a, b] = nodes(url).await;
    beat(&a, 1).await;
    beat(&b, 1).await;
    b.bus.depart().await.unwrap();
    let roll = beat(&a, 2).await;
    assert_eq!(roll.gone, [b.id()]);
    assert_eq!(sorted(roll), [(a.id().0, 2)]);
    let late = beat(&b, 2).await;
    assert_eq!((late.own, late.gone), (OwnBeat::Known, vec![b.id()]), "nothing was lost by that");
    a.bus.bury(b.id()).await.unwrap();
    let roll = beat(&a, 3).await;
    assert_eq!(roll.gone, []);
    assert_eq!(sorted(roll), [(a.id().0, 3)]);
    b.bus.depart().await.unwrap();
    assert_eq!(beat(&a, 4).await.gone, [b.id()], "it may have attended since it was buried");
}

#[tokio::test]
async fn a_beat_that_comes_late_does_not_count_back_and_is_no_sign_of_a_loss() {
    let [a, b] = nodes(&shared().url()).await;
    beat(&a, 1).await;
    beat(&b, 3).await;
    beat(&b, 2).await;
    assert_eq!(sorted(beat(&a, 2).await), [(a.id().0, 2), (b.id().0, 3)]);
    assert_eq!(beat(&b, 4).await.own, OwnBeat::Known);
}

#[tokio::test]
async fn each_attempt_counts_also_one_whose_answer_is_lost() {
    let server = RedisServer::start();
    let network = Network::to(format!("127.0.0.1:{}", server.port()));
    let prefix = prefix();
    let a = Node::join(&server.url(), &prefix).await;
    let b = Node::join_at(HASTY, &network.url(), &prefix).await;
    let cluster = Cluster::new(Arc::clone(&b.bus) as Arc<dyn Bus>, HASTY.timeout);
    let mut attempts = 0;
    answered(&cluster, &mut attempts).await;
    network.deafen_all();
    cluster.beat().await.unwrap_err();
    attempts += 1;
    assert!(!cluster.hears());
    assert_eq!(sorted(beat(&a, 1).await), [(a.id().0, 1), (b.id().0, attempts)]);
    let again = answered(&cluster, &mut attempts).await;
    assert!(!again.lost && !again.buried, "{again:?}");
    assert_eq!(sorted(beat(&a, 2).await), [(a.id().0, 2), (b.id().0, attempts)]);
}

/// Beats until it is answered, and counts how often: seldom more than once, but a hasty node may be
/// answered too late at any time.
async fn answered(cluster: &Cluster, attempts: &mut u64) -> Beat {
    let began = tokio::time::Instant::now();
    loop {
        *attempts += 1;
        match cluster.beat().await {
            Ok(beat) => return beat,
            Err(fault) => assert!(began.elapsed() < PATIENCE, "{fault}"),
        }
    }
}

#[tokio::test]
async fn tombstones_are_kept_for_a_week() {
    let [a, b, c] = nodes(&shared().url()).await;
    for node in [&a, &b, &c] {
        beat(node, 1).await;
    }
    let of_a = a.id().to_string();
    let keys = shared().cli(&["KEYS", "*beats"]);
    let beats = keys
        .lines()
        .find(|key| shared().cli(&["HEXISTS", key, &of_a]) == "1")
        .expect("the beats are there");
    let now: u64 = shared().cli(&["TIME"]).lines().next().unwrap().parse().unwrap();
    let week = 7 * 24 * 60 * 60;
    for (node, age) in [(&b, week + 2), (&c, week - 60)] {
        let tombstone = format!("dead:{}", now - age);
        shared().cli(&["HSET", beats, &node.id().to_string(), &tombstone]);
    }
    beat(&a, 2).await;
    assert_eq!(shared().cli(&["HEXISTS", beats, &b.id().to_string()]), "0");
    assert_eq!(shared().cli(&["HEXISTS", beats, &c.id().to_string()]), "1");
}

#[tokio::test]
async fn a_server_that_was_wiped_has_lost_a_beat() {
    let server = RedisServer::start();
    let [a, b] = nodes(&server.url()).await;
    beat(&a, 1).await;
    beat(&b, 1).await;
    beat(&a, 2).await;
    server.cli(&["FLUSHALL"]);
    assert_eq!(beat(&a, 3).await.own, OwnBeat::Lost);
    assert_eq!(beat(&a, 4).await.own, OwnBeat::Known);
    assert_eq!(beat(&b, 2).await.own, OwnBeat::Lost, "each node finds out for itself");
}

#[tokio::test]
async fn a_server_that_went_back_in_time_has_lost_a_beat() {
    // Killed, it loses nothing.
    let mut server = RedisServer::start_with(&["--appendfsync", "always"]);
    let [a] = nodes(&server.url()).await;
    let first = beat(&a, 1).await;
    beat(&a, 2).await;
    server.kill();
    let aof = server.folder().join("appendonlydir");
    let earlier = server.folder().join("earlier");
    copy(&aof, &earlier);
    server.restart();
    let restarted = retried(|| a.bus.beat(3)).await;
    assert_eq!(restarted.own, OwnBeat::Known, "a restart that loses nothing");
    assert_ne!(restarted.lineage, first.lineage);
    beat(&a, 4).await;
    server.kill();
    fs::remove_dir_all(&aof).unwrap();
    copy(&earlier, &aof);
    server.restart();
    assert_eq!(retried(|| a.bus.beat(5)).await.own, OwnBeat::Lost);
    assert_eq!(beat(&a, 6).await.own, OwnBeat::Known);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[tokio::test]
async fn a_beat_that_nobody_answers_is_an_error_within_the_time_allowed() {
    let server = RedisServer::start();
    let [a] = nodes_at(HASTY, &server.url()).await;
    beat(&a, 1).await;
    server.stop();
    let began = tokio::time::Instant::now();
    a.bus.beat(2).await.unwrap_err();
    assert!(began.elapsed() < HASTY.timeout + SLACK, "{:?}", began.elapsed());
    server.cont();
    a.until_healthy().await;
    assert_eq!(beat(&a, 3).await.own, OwnBeat::Known);
}

#[tokio::test]
async fn racing_nodes_raise_the_generation_once() {
    let server = RedisServer::start();
    story_of_generations(&server.url()).await;
    let [a] = nodes(&server.url()).await;
    let before = a.bus.raise_generation(1).await.unwrap();
    server.cli(&["FLUSHALL"]);
    let again = a.bus.raise_generation(before).await.unwrap();
    assert!(again > before, "one that was lost is not given again: {again} after {before}");
}

pub async fn story_of_generations(url: &str) {
    let nodes: [Node; 4] = nodes(url).await;
    let racing = join_all(nodes.iter().map(|node| node.bus.raise_generation(1))).await;
    let raised = racing[0].clone().unwrap();
    assert!(raised > 1, "{raised}");
    assert_eq!(racing, vec![Ok(raised); nodes.len()]);
    assert_eq!(nodes[0].bus.raise_generation(1).await, Ok(raised));
    assert_eq!(beat(&nodes[1], 1).await.generation, raised);
    assert!(nodes[2].bus.raise_generation(raised).await.unwrap() > raised);
}
