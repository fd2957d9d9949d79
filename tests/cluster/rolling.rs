//! A new version is rolled out: one node after another is shut down and started again, and nobody
//! notices but by a short pause.

use crate::checker::assert_sound;
use crate::harness::{Cluster, NODES, QUICK, soon};
use crate::load::{Load, Plan, assert_busy, summary};
use crate::support::random::Random;
use crate::support::raw::is_ready;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_after_another_is_restarted_and_nothing_is_lost_or_doubled() {
    let mut random = Random::seeded();
    let mut cluster = Cluster::open(QUICK).await;
    let load = Load::start(&cluster, Plan::default(), &mut random).await;
    for node in 0..NODES {
        load.acknowledges(40).await;
        let ended = cluster.shop.nodes[node].close().await;
        assert!(ended.success(), "node {node}: {ended}");
        // The others serve everybody meanwhile.
        load.acknowledges(40).await;
        cluster.shop.nodes[node].reopen().await;
        let http = cluster.nodes()[node].http;
        soon("the node to be ready", async || is_ready(http).await.unwrap_or(false)).await;
    }
    load.acknowledges(40).await;
    let history = load.finish(&cluster).await;
    println!("rolling restart: {}", summary(&history));
    assert_sound(&history);
    assert_busy(&history);
}
