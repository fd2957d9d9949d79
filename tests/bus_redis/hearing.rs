//! A node that does not hear any more finds out, hears again, and says that it has missed something.
//!
//! A connection that was lost is noticed at once. One that stands and carries nothing is found within
//! three intervals of canaries: one until the next is sent, two that it has to come back.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use vigie::cluster::{Bus, BusError, Heard};

use crate::deaf::Network;
use crate::node::{HASTY, Node, PATIENT, SLACK, nodes, nodes_at, until};
use crate::redis_server::{RedisServer, prefix, shared};

/// Within this a hasty node knows that it does not hear.
const FOUND: Duration = Duration::from_millis(3 * HASTY.canary.as_millis() as u64);

/// Within this after its Redis is there again it hears: the longest pause between two attempts, an
/// attempt that had begun before, and the one that succeeds.
const HEALED: Duration = Duration::from_millis(1000 + 2 * HASTY.timeout.as_millis() as u64);

#[tokio::test]
async fn a_node_that_joins_hears_soon() {
    let began = Instant::now();
    let node = Node::enter(PATIENT, &shared().url(), &prefix());
    assert!(matches!(node.bus.health(), Err(BusError::Away(_))), "it has not heard anything yet");
    node.until_healthy().await;
    // A first canary that was lost would have cost it two intervals more.
    assert!(began.elapsed() < SLACK, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_connection_that_is_killed_is_made_anew_at_once() {
    let server = RedisServer::start();
    let [a, mut b] = nodes(&server.url()).await;
    for _ in 0..5 {
        let began = Instant::now();
        assert_ne!(server.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]), "0");
        assert_eq!(b.hears_until_gap().await, []);
        assert!(began.elapsed() < SLACK, "{:?}", began.elapsed());
        b.hears_nothing_before(&a).await;
        assert!(b.bus.health().is_ok(), "it was too short to be called unhealthy");
    }
}

#[tokio::test]
async fn a_redis_that_hangs_is_found_and_heard_again_when_it_goes_on() {
    let server = RedisServer::start();
    let [a, mut b] = nodes_at(HASTY, &server.url()).await;
    server.stop();
    let found = until("it is found", || b.bus.health().is_err()).await;
    assert!(found < FOUND + SLACK, "{found:?}");
    // On a machine that stood still as well it is the clock that says so; after this the canaries do,
    // and the subscription is given up.
    sleep(FOUND).await;
    server.cont();
    let healed = until("it is healed", || b.bus.health().is_ok()).await;
    assert!(healed < HEALED + SLACK, "{healed:?}");
    assert_eq!(b.hears_until_gap().await, []);
    a.until_healthy().await;
    b.hears_at_last(&a).await;
}

#[tokio::test]
async fn a_redis_that_is_killed_and_started_again_is_heard_again() {
    let mut server = RedisServer::start();
    let [a, mut b] = nodes_at(HASTY, &server.url()).await;
    server.kill();
    let found = until("it is found", || b.bus.health().is_err()).await;
    assert!(found < FOUND + SLACK, "{found:?}");
    server.restart();
    let healed = until("it is healed", || b.bus.health().is_ok()).await;
    assert!(healed < HEALED + SLACK, "{healed:?}");
    assert_eq!(b.hears_until_gap().await, []);
    a.until_healthy().await;
    b.hears_at_last(&a).await;
}

#[tokio::test]
async fn a_subscription_over_which_nothing_comes_any_more_is_found_and_made_anew() {
    let server = RedisServer::start();
    let network = Network::to(format!("127.0.0.1:{}", server.port()));
    let prefix = prefix();
    let a = Node::join(&server.url(), &prefix).await;
    let mut b = Node::join_at(HASTY, &network.url(), &prefix).await;
    for _ in 0..3 {
        let before = network.made();
        network.deafen_subscribers();
        let began = Instant::now();
        a.bus.send(b.id(), "into a deaf ear".into());
        assert_eq!(b.hears_until_gap().await, []);
        assert!(began.elapsed() < FOUND + SLACK, "{:?}", began.elapsed());
        assert!(network.made() > before, "another connection was made in its place");
        b.until_healthy().await;
        b.hears_at_last(&a).await;
    }
}

#[tokio::test]
async fn nothing_is_heard_after_the_bus_is_dropped() {
    let server = RedisServer::start();
    let [a, b] = nodes(&server.url()).await;
    let of_b = format!("*:@{}", b.id());
    assert_eq!(server.cli(&["PUBSUB", "SHARDCHANNELS", &of_b]).lines().count(), 256);
    drop(b);
    until("the subscription ends", || server.cli(&["PUBSUB", "SHARDCHANNELS", &of_b]).is_empty())
        .await;
    assert!(a.bus.health().is_ok());
}

#[tokio::test]
async fn a_new_listener_takes_the_place_of_the_one_before() {
    let [a, b] = nodes(&shared().url()).await;
    let mut earlier = b.bus.listen();
    let mut listener = b.bus.listen();
    a.bus.send(b.id(), "hello".into());
    assert_eq!(earlier.recv().await, None);
    let heard = Heard::Message { from: a.id(), bytes: "hello".into() };
    loop {
        match listener.recv().await.unwrap() {
            Heard::Gap => {}
            other => break assert_eq!(other, heard),
        }
    }
}
