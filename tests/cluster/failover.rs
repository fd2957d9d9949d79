//! Redis fails over to a replica that lacks the latest writes: what was acknowledged may be lost, and
//! everybody is told so, once, and comes to the new truth.

use std::time::Duration;

use vigie_protocol::error::CloseCode;
use vigie_protocol::event::EventBody;
use vigie_protocol::method::{Rank, Subscribe};

use crate::checker::assert_sound;
use crate::faults::generations;
use crate::harness::{Cluster, NODES, QUICK, address_of, soon};
use crate::history::{History, Outcome};
use crate::load::{Load, Plan, summary};
use crate::support::random::Random;
use crate::support::redis::RedisServer;
use crate::support::within;

/// How many messages the replica lacks at least.
const TAIL: usize = 40;

/// How long all nodes may take to notice.
const NOTICED_WITHIN: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failover_that_lost_the_tail_all_are_told_once_and_agree_again() {
    let mut random = Random::seeded();
    // The replica's first copy is made at once, and not in five seconds.
    let master = RedisServer::start_with(&["--repl-diskless-sync-delay", "0"]);
    let port = master.port().to_string();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port]);
    let mut cluster = Cluster::open_on(master, QUICK).await;
    let load = Load::start(&cluster, Plan::default(), &mut random).await;
    let mut looking = vec![];
    for node in 0..NODES {
        let connect = cluster.as_operator(&format!("looks-{node}"), Rank::Agent);
        let link = cluster.link(node, &connect).await;
        link.call(&Subscribe { session: Some(load.sessions[node]), offset: 0 }).await.unwrap();
        looking.push(link);
    }
    load.acknowledges(60).await;
    let written = offset_of(&cluster.redis().cli(&["info", "replication"]), "master_repl_offset");
    soon("the replica to have all that was written up to now", async || {
        let told = replica.cli(&["info", "replication"]);
        told.contains("master_link_status:up") && offset_of(&told, "slave_repl_offset") >= written
    })
    .await;

    let before = generations(&cluster).await;

    // From here on the replica goes its own way, and the nodes do not know it yet.
    replica.cli(&["replicaof", "no", "one"]);
    load.acknowledges(TAIL).await;
    cluster.redis().kill();
    let target = address_of(&replica);
    cluster.proxies.iter().for_each(|proxy| proxy.lead_to(target));
    let switched = load.recorder.now();

    for link in &looking {
        let closed = within("the end of the connection", async {
            loop {
                if let Err(closed) = link.next_push().await {
                    return closed;
                }
            }
        })
        .await;
        assert_eq!(closed.code, Some(CloseCode::Resync), "{closed:?}");
        assert!(closed.reconnect);
    }
    let raised = load.recorder.now();
    assert!(raised - switched <= NOTICED_WITHIN, "noticed after {:?}", raised - switched);
    let raised_to = generations(&cluster).await;
    assert!(raised_to[0] > before[0], "{raised_to:?} after {before:?}");
    assert_eq!(raised_to, vec![raised_to[0]; NODES]);
    load.acknowledges(60).await;
    assert_eq!(generations(&cluster).await, raised_to, "it is raised once");

    let mut history = load.finish(&cluster).await;
    println!("failover: noticed after {:.2?}; {}", raised - switched, summary(&history));
    let lost = lost(&history, switched);
    println!("{lost} acknowledged messages are lost");
    assert!(lost > 0, "a failover that loses nothing shows nothing");
    since_the_switch(&mut history, raised);
    assert_sound(&history);
    assert!(history.streams.len() > load_size(), "everybody was told: {}", history.streams.len());
    drop(replica);
}

/// How far a server has come, as it says.
fn offset_of(told: &str, key: &str) -> u64 {
    let mut lines = told.lines().filter_map(|line| line.trim().split_once(':'));
    let found = lines.find(|(name, _)| *name == key);
    found.map_or(0, |(_, offset)| offset.parse().unwrap())
}

/// How many messages were acknowledged before the switch and are in no log.
fn lost(history: &History, switched: Duration) -> usize {
    let there = |call: &&crate::history::Call| {
        let crate::history::What::Say(said) = &call.what else { return true };
        let Outcome::Done { at, .. } = call.outcome else { return true };
        at > switched
            || history.logs[&call.session][0].1.iter().any(|event| match &event.body {
                EventBody::Message(message) => message.text == *said,
                _ => false,
            })
    };
    history.calls.iter().filter(|call| !there(call)).count()
}

/// Leaves what was promised and seen of the log that is no more.
fn since_the_switch(history: &mut History, raised: Duration) {
    history.calls.retain(|call| call.began > raised);
    history.turns.clear();
    history.shown.clear();
    let mut kept: Vec<crate::history::Stream> = vec![];
    for stream in std::mem::take(&mut history.streams) {
        if stream.restarted {
            kept.retain(|old| old.who != stream.who || old.session != stream.session);
        }
        let begun =
            |old: &crate::history::Stream| old.who == stream.who && old.session == stream.session;
        if stream.restarted || kept.iter().any(begun) {
            kept.push(crate::history::Stream { restarted: false, ..stream });
        }
    }
    history.streams = kept;
}

/// Everybody who looks on follows at least one session anew.
fn load_size() -> usize {
    Plan::default().visitors
}
