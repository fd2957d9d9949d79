//! Sessions of dead nodes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use vigie::cluster::{Bus, Cluster, Heard, NodeId};
use vigie_protocol::id::SessionId;

use crate::deaf::Network;
use crate::node::{HASTY, Node, PATIENCE, nodes, session};
use crate::redis_server::{RedisServer, prefix, shared};

/// How long a count stands still before its node is taken for dead.
const NODE_TIMEOUT: Duration = Duration::from_millis(200);

/// Adopts until none are left.
async fn adopt_all(node: &Node, dead: NodeId, live: &[NodeId], limit: u32) -> Vec<SessionId> {
    let mut adopted = Vec::new();
    loop {
        let some = node.asks(|| node.bus.adopt(dead, live.to_vec(), limit)).await;
        assert!(some.len() <= limit as usize);
        let none_left = some.len() < limit as usize;
        adopted.extend(some);
        if none_left {
            return adopted;
        }
    }
}

async fn attend_all(node: &Node, sessions: &[SessionId]) {
    for attended in join_all(sessions.iter().map(|session| node.bus.attend(*session, true))).await {
        attended.unwrap();
    }
}

#[tokio::test]
async fn each_session_of_a_dead_node_goes_to_one_survivor_and_none_that_a_living_one_attends() {
    story_of_adoption(&shared().url(), 600).await;
}

pub async fn story_of_adoption(url: &str, orphans: usize) {
    let [dead, a, b, c] = nodes(url).await;
    let orphans: Vec<_> = (0..orphans).map(|_| session()).collect();
    let cared_for: Vec<_> = (0..60).map(|_| session()).collect();
    attend_all(&dead, &orphans).await;
    attend_all(&dead, &cared_for).await;
    attend_all(&a, &cared_for).await;
    let live = [a.id(), b.id(), c.id()];

    let survivors = [&a, &b, &c];
    let adopted =
        join_all(survivors.map(|survivor| adopt_all(survivor, dead.id(), &live, 50))).await;

    let mut heirs = BTreeMap::new();
    for (survivor, sessions) in survivors.into_iter().zip(adopted) {
        for session in sessions {
            assert_eq!(heirs.insert(session, survivor.id()), None, "{session} was given twice");
        }
    }
    let given: BTreeSet<_> = heirs.keys().copied().collect();
    assert_eq!(given, orphans.iter().copied().collect());
    for (session, heir) in heirs {
        let attendance = dead.attend(session).await;
        let nodes: Vec<_> = attendance.nodes.iter().map(|told| told.node).collect();
        assert_eq!(nodes, [heir, dead.id()], "the dead node did not attend any more");
        assert!(!attendance.nodes[0].visitor, "the visitor was connected to the dead node");
    }
    for session in cared_for {
        let attendance = dead.attend(session).await;
        assert_eq!(attendance.nodes[0].node, a.id());
    }
}

#[tokio::test]
async fn those_that_attend_hear_who_is_gone_and_so_does_one_that_was_not_dead() {
    let [mut a, mut zombie, b] = nodes(&shared().url()).await;
    let session = session();
    a.attend(session).await;
    let both = zombie.attend(session).await;
    assert_eq!(a.hears().await, Heard::Attendance(both));
    assert_eq!(b.bus.adopt(zombie.id(), vec![a.id(), b.id()], 10).await, Ok(vec![]));
    let alone = a.attend(session).await;
    assert_eq!(alone.nodes.len(), 1);
    assert_eq!(a.hears().await, Heard::Attendance(alone.clone()));
    assert_eq!(zombie.hears().await, Heard::Attendance(alone));
}

#[tokio::test]
async fn an_heir_that_attended_already_hears_who_is_gone_but_not_what_it_was_given() {
    let [mut heir, dead] = nodes(&shared().url()).await;
    let (attended, orphan) = (session(), session());
    heir.attend(attended).await;
    let both = dead.attend(attended).await;
    dead.attend(orphan).await;
    assert_eq!(heir.hears().await, Heard::Attendance(both));
    assert_eq!(heir.bus.adopt(dead.id(), vec![heir.id()], 10).await, Ok(vec![orphan]));
    let alone = heir.attend(attended).await;
    assert_eq!(alone.nodes.len(), 1);
    assert_eq!(heir.hears().await, Heard::Attendance(alone));
    heir.hears_nothing_before(&dead).await;
}

#[tokio::test]
async fn what_the_only_node_attended_when_it_departed_is_the_next_ones() {
    let (url, prefix) = (shared().url(), prefix());
    let only = Node::join(&url, &prefix).await;
    let gone = only.id();
    let orphan = session();
    only.bus.beat(1).await.unwrap();
    only.attend(orphan).await;
    only.bus.depart().await.unwrap();
    drop(only);

    let newcomer = Node::join(&url, &prefix).await;
    let cluster = Cluster::new(Arc::clone(&newcomer.bus) as Arc<dyn Bus>, NODE_TIMEOUT);
    let beat = cluster.beat().await.unwrap();
    assert_eq!((&beat.call.died, &beat.gone), (&vec![gone], &vec![gone]));
    assert!(!cluster.lives(gone), "what comes late of it is adopted as well");
    assert_eq!(newcomer.bus.adopt(gone, vec![newcomer.id()], 10).await, Ok(vec![orphan]));
    assert_eq!(cluster.beat().await.unwrap().gone, [gone], "it is told until it is buried");
    newcomer.bus.bury(gone).await.unwrap();
    assert_eq!(cluster.beat().await.unwrap().gone, []);
}

#[tokio::test]
async fn what_the_only_node_attended_when_it_was_killed_is_the_next_ones_after_the_timeout() {
    let (url, prefix) = (shared().url(), prefix());
    let only = Node::join(&url, &prefix).await;
    let killed = only.id();
    let orphan = session();
    only.bus.beat(7).await.unwrap();
    only.attend(orphan).await;
    drop(only);

    let newcomer = Node::join(&url, &prefix).await;
    let cluster = Cluster::new(Arc::clone(&newcomer.bus) as Arc<dyn Bus>, NODE_TIMEOUT);
    assert_eq!(cluster.beat().await.unwrap().call.came, [killed]);
    let mut beats = tokio::time::interval(cluster.interval());
    let looking = async {
        loop {
            beats.tick().await;
            if cluster.beat().await.unwrap().call.died == [killed] {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("it is found dead");
    assert_eq!(newcomer.bus.adopt(killed, cluster.others(), 10).await, Ok(vec![orphan]));
}

#[tokio::test]
async fn nothing_is_adopted_of_a_node_that_attends_nothing() {
    let [a] = nodes(&shared().url()).await;
    assert_eq!(a.bus.adopt(NodeId(1), vec![], 10).await, Ok(vec![]));
}

#[tokio::test]
async fn what_was_adopted_is_told_even_if_the_answer_was_lost() {
    let server = RedisServer::start();
    let network = Network::to(format!("127.0.0.1:{}", server.port()));
    let prefix = prefix();
    let dead = Node::join(&server.url(), &prefix).await;
    let heir = Node::join_at(HASTY, &network.url(), &prefix).await;
    let orphans: Vec<_> = (0..20).map(|_| session()).collect();
    attend_all(&dead, &orphans).await;
    // The server knows the script by now, and the node attends something by itself.
    let forerunner = Node::join(&server.url(), &prefix).await;
    let before = session();
    forerunner.attend(before).await;
    assert_eq!(adopt_all(&heir, forerunner.id(), &[heir.id()], 10).await, [before]);
    heir.attend(session()).await;

    // Only scripts are answered no more: how many there are to adopt is still learned.
    network.deafen_scripts();
    heir.bus.adopt(dead.id(), vec![heir.id()], 1000).await.unwrap_err();
    let left = join_all(orphans.iter().map(|orphan| dead.bus.attend(*orphan, false))).await;
    let given = left.iter().filter(|attendance| {
        attendance.as_ref().unwrap().nodes.first().is_some_and(|first| first.node == heir.id())
    });
    assert_eq!(given.count(), orphans.len(), "the server had given them");

    let again = adopt_all(&heir, dead.id(), &[heir.id(), dead.id()], 7).await;
    let told: BTreeSet<_> = again.iter().copied().collect();
    assert_eq!(told, orphans.iter().copied().collect());
    assert_eq!(again.len(), told.len(), "each of them once");
}
