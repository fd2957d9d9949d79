//! Who is there, merged over the nodes: seen by all, gone with their node, never a ghost.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::timeout as bounded;
use vigie_client::{Link, new_key};
use vigie_protocol::card::{AlertKind, Alerts, Sort, Window};
use vigie_protocol::event::{ControlCause, EventBody};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{
    Close, Operators, Rank, RequestHuman, Say, Subscribe, TakeOver, Watch, Watching,
};
use vigie_protocol::push::{Live, Push};

use crate::harness::{CALM, Cluster, MORTAL, NODES, asked, soon, until};
use crate::support::within;

/// After how long a node is dead, unless it is configured otherwise.
fn default_node_timeout() -> String {
    let defaults: toml::Table = include_str!("../../config/default.toml").parse().unwrap();
    defaults["cluster"]["node_timeout_ms"].to_string()
}

/// By then nobody of a dead node is shown any more.
const GONE_WITHIN: Duration = Duration::from_secs(6);

/// What a machine that stalls may add to that.
const STALLS: Duration = Duration::from_secs(6);

/// How long is looked for ghosts.
const HAUNTED: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_on_a_dead_node_is_gone_within_six_seconds_and_does_not_come_back_as_a_ghost() {
    // Visitors who are gone are gone: nobody waits for them to be back.
    let timeout = default_node_timeout();
    // It has just been looked at when it dies; the others are sure at the sixth look after that.
    assert!(7 * timeout.parse::<u32>().unwrap() / 5 < GONE_WITHIN.as_millis() as u32);
    let settings =
        [("CLUSTER__NODE_TIMEOUT_MS", timeout.as_str()), ("PRESENCE__VISITOR_GRACE_MS", "0")];
    let mut cluster = Cluster::open(&settings).await;
    let mut dead = vec![];
    let mut sessions = vec![];
    for _ in 0..5 {
        let (link, session) = visitor(&cluster, 0).await;
        dead.push(link);
        sessions.push(session);
    }
    for n in 0..3 {
        dead.push(cluster.link(0, &cluster.as_operator(&format!("gone-{n}"), Rank::Agent)).await);
    }
    let (_stays, staying) = visitor(&cluster, 1).await;
    let ann = cluster.link(1, &cluster.as_operator("ann", Rank::Agent)).await;
    let bea = cluster.link(2, &cluster.as_operator("bea", Rank::Agent)).await;
    for operator in [&ann, &bea] {
        soon("all to be seen", async || {
            list(operator).await.totals.all == 6 && names(operator).await.len() == 5
        })
        .await;
    }

    let killed = Instant::now();
    cluster.shop.nodes[0].kill().await;
    for operator in [&ann, &bea] {
        until("who was on the dead node to be gone", GONE_WITHIN + STALLS, async || {
            let seen = list(operator).await;
            ids(&seen) == [staying]
                && seen.totals.all == 1
                && names(operator).await == ["ann", "bea"]
        })
        .await;
    }
    let gone = killed.elapsed();
    println!("gone {gone:.2?} after the node was killed");
    assert!(gone <= GONE_WITHIN + STALLS, "{gone:?}");

    // Nothing of them is shown from then on, also when another node comes in its place.
    let haunted = async {
        loop {
            if let Push::Live(Live { upsert, .. }) = ann.next_push().await.unwrap() {
                let ghost = upsert.iter().find(|card| sessions.contains(&card.session));
                assert!(ghost.is_none(), "a ghost: {ghost:?}");
            }
        }
    };
    while bounded(Duration::from_millis(1), ann.next_push()).await.is_ok() {}
    let reopening = async {
        cluster.shop.nodes[0].reopen().await;
        tokio::time::sleep(HAUNTED).await;
    };
    tokio::select! {
        () = haunted => {}
        () = reopening => {}
    }
    let cy = cluster.link(0, &cluster.as_operator("cy", Rank::Agent)).await;
    soon("the new node to see the same", async || ids(&list(&cy).await) == [staying]).await;
    for operator in [&ann, &bea, &cy] {
        soon("cy to be seen", async || names(operator).await == ["ann", "bea", "cy"]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_expires_also_when_the_nodes_of_holder_and_visitor_both_die() {
    let settings = [MORTAL, &[("PRESENCE__OPERATOR_GRACE_MS", "500")]].concat();
    let mut cluster = Cluster::open(&settings).await;
    let (_visitor, session) = visitor(&cluster, 0).await;
    let ann = cluster.link(1, &cluster.as_operator("ann", Rank::Agent)).await;
    ann.call(&TakeOver { session, force: false, reason: None }).await.unwrap();
    let [first, second, _] = cluster.shop.nodes.as_mut_slice() else { panic!("three nodes") };
    tokio::join!(first.kill(), second.kill());
    // Nobody on the last node looks at the session.
    let reader = cluster.link(2, &cluster.as_operator("reader", Rank::Agent)).await;
    let took = soon("the lease to expire", async || {
        let log = crate::harness::log_of(&reader, session).await;
        log.iter().any(|event| lease_expired(&event.body))
    })
    .await;
    println!("the lease expired {took:.2?} after both nodes were killed");
    let log = crate::harness::log_of(&reader, session).await;
    assert_eq!(log.iter().filter(|event| lease_expired(&event.body)).count(), 1, "once: {log:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_expires_also_when_all_nodes_were_shut_down_and_one_comes_back() {
    let settings = [MORTAL, &[("PRESENCE__OPERATOR_GRACE_MS", "3000")]].concat();
    let mut cluster = Cluster::open(&settings).await;
    let (_visitor, session) = visitor(&cluster, 0).await;
    let ann = cluster.link(1, &cluster.as_operator("ann", Rank::Agent)).await;
    ann.call(&TakeOver { session, force: false, reason: None }).await.unwrap();
    let closing = cluster.shop.nodes.iter_mut().map(|node| node.close());
    for ended in join_all(closing).await {
        assert!(ended.success(), "{ended}");
    }
    cluster.shop.nodes[0].reopen().await;
    // Nobody on that node looks at the session.
    let reader = cluster.link(0, &cluster.as_operator("reader", Rank::Agent)).await;
    let expirations = async || {
        let log = crate::harness::log_of(&reader, session).await;
        log.iter().filter(|event| lease_expired(&event.body)).count()
    };
    let took = soon("the lease to expire", async || expirations().await > 0).await;
    println!("the lease expired {took:.2?} after a node had come back");
    assert_eq!(expirations().await, 1);
}

fn lease_expired(body: &EventBody) -> bool {
    match body {
        EventBody::ControlChanged(change) => change.cause == ControlCause::LeaseExpired,
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_who_comes_back_on_another_node_keeps_control() {
    let settings = [MORTAL, &[("PRESENCE__OPERATOR_GRACE_MS", "5000")]].concat();
    let mut cluster = Cluster::open(&settings).await;
    let (visitor, session) = visitor(&cluster, 2).await;
    let ann = cluster.link(0, &cluster.as_operator("ann", Rank::Agent)).await;
    let taken = ann.call(&TakeOver { session, force: false, reason: None }).await.unwrap();
    cluster.shop.nodes[0].kill().await;
    let ann = cluster.link(1, &cluster.as_operator("ann", Rank::Agent)).await;
    let say = Say { session: Some(session), confirm: true, ..said("Still me.") };
    let done = within("the word", ann.call(&say)).await.unwrap();
    assert_eq!(done.epoch, taken.epoch);
    // By the time that another lease of as long has run out, hers would have.
    let (_other, short) = self::visitor(&cluster, 2).await;
    let ben = cluster.link(2, &cluster.as_operator("ben", Rank::Agent)).await;
    ben.call(&TakeOver { session: short, force: false, reason: None }).await.unwrap();
    drop(ben);
    soon("ben's lease to expire", async || {
        let log = crate::harness::log_of(&ann, short).await;
        log.iter().filter(|e| matches!(e.body, EventBody::ControlChanged(_))).count() == 2
    })
    .await;
    let done = visitor.call(&said("Are you there, Ann?")).await.unwrap();
    assert_eq!(done.epoch, taken.epoch);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_shows_the_same_windows_over_the_sessions_of_all() {
    let cluster = Cluster::open(CALM).await;
    let mut visitors = vec![];
    for n in 0..12 {
        visitors.push(visitor(&cluster, n % NODES).await);
    }
    let mut operators = vec![];
    for node in 0..NODES {
        let connect = cluster.as_operator(&format!("op-{node}"), Rank::Agent);
        operators.push(cluster.link(node, &connect).await);
    }
    for operator in &operators {
        soon("all to be seen", async || list(operator).await.totals.all == 12).await;
    }
    for (sort, skip) in [(Sort::Oldest, 0), (Sort::Oldest, 5), (Sort::Newest, 10)] {
        let window = Window { sort, skip, first: 5, ..Window::default() };
        let mut shown = vec![];
        for operator in &operators {
            let seen = operator.call(&Watch { window: window.clone() }).await.unwrap();
            assert_eq!((seen.totals.all, seen.totals.matching), (12, 12));
            shown.push(ids(&seen));
        }
        assert_eq!(shown[0].len(), 5.min(12 - skip as usize), "{sort:?} from {skip}");
        assert!(shown.iter().all(|list| *list == shown[0]), "{sort:?} from {skip}: {shown:?}");
    }
    // Somebody goes to the front of everybody's window, whichever node they are on.
    for (n, (link, session)) in visitors.iter().enumerate().take(6) {
        for operator in &operators {
            let window = Window { sort: Sort::Activity, first: 3, ..Window::default() };
            operator.call(&Watch { window }).await.unwrap();
        }
        link.call(&said(&format!("It is my turn, the {n}th."))).await.unwrap();
        link.call(&RequestHuman {}).await.unwrap();
        for operator in &operators {
            within("who has spoken to come to the front", async {
                loop {
                    let push = operator.next_push().await.unwrap();
                    if matches!(push, Push::Live(live) if live.upsert.iter().any(
                        |card| card.session == *session && card.waiting.is_some()
                    )) {
                        return;
                    }
                }
            })
            .await;
        }
    }
    for operator in &operators {
        soon("six who wait", async || list(operator).await.totals.waiting == 6).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rings_rings_once_at_each_desk_and_stops_at_all_of_them() {
    let cluster = Cluster::open(CALM).await;
    let mut desks = vec![];
    for node in 0..NODES {
        for n in 0..2 {
            let connect = cluster.as_operator(&format!("desk-{node}-{n}"), Rank::Agent);
            let link = cluster.link(node, &connect).await;
            let window = Window { alerts: Alerts::All, ..Window::default() };
            link.call(&Watch { window }).await.unwrap();
            desks.push(Desk { who: format!("desk-{node}-{n}"), link, heard: vec![] });
        }
    }
    let mut visitors = vec![];
    for node in 0..NODES {
        let (link, session) = visitor(&cluster, node).await;
        link.call(&said("Hello?")).await.unwrap();
        visitors.push((link, session));
    }
    for desk in &mut desks {
        for (_, session) in &visitors {
            desk.hears(&format!("{session} rings"), |live| {
                live.alerts.iter().any(|alert| alert.card.session == *session)
            })
            .await;
        }
    }
    // Each is taken by a desk of another node.
    for (n, (_, session)) in visitors.iter().enumerate() {
        let taker = &desks[(2 * n + 2) % desks.len()];
        let claim = TakeOver { session: *session, force: false, reason: None };
        taker.link.call(&claim).await.unwrap();
    }
    for desk in &mut desks {
        for (_, session) in &visitors {
            desk.hears("it is quiet", |live| live.quiet.contains(session)).await;
        }
    }
    // What comes now rings at one desk; what comes behind it, at all: so all that rings has rung.
    for (link, _) in &visitors {
        link.call(&said("Are you there?")).await.unwrap();
    }
    let (last, end) = visitor(&cluster, 0).await;
    last.call(&said("And I?")).await.unwrap();
    for (n, (_, session)) in visitors.iter().enumerate() {
        let at = (2 * n + 2) % desks.len();
        desks[at]
            .hears("their own rings", |live| {
                live.alerts
                    .iter()
                    .any(|alert| alert.kind == AlertKind::Message && alert.card.session == *session)
            })
            .await;
    }
    for (at, desk) in desks.iter_mut().enumerate() {
        desk.hears("the last one", |live| live.alerts.iter().any(|a| a.card.session == end)).await;
        for (n, (_, session)) in visitors.iter().enumerate() {
            let of_it = desk.heard.iter().flat_map(|live| &live.alerts);
            let kinds: Vec<_> = of_it
                .filter(|alert| alert.card.session == *session)
                .map(|alert| alert.kind)
                .collect();
            let own = at == (2 * n + 2) % 6;
            let expected: &[_] =
                if own { &[AlertKind::New, AlertKind::Message] } else { &[AlertKind::New] };
            assert_eq!(kinds, expected, "desk {at}, visitor {n}");
        }
    }
    last.call(&Close { session: None }).await.unwrap();
    for desk in &mut desks {
        desk.hears("the last is quiet", |live| live.quiet.contains(&end)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rings_while_a_node_sleeps_rings_at_its_desks_once_it_is_awake() {
    let cluster = Cluster::open(MORTAL).await;
    let link = cluster.link(0, &cluster.as_operator("ann", Rank::Agent)).await;
    let window = Window { alerts: Alerts::New, ..Window::default() };
    link.call(&Watch { window }).await.unwrap();
    let mut ann = Desk { who: "ann".into(), link, heard: vec![] };
    let bea = cluster.link(1, &cluster.as_operator("bea", Rank::Agent)).await;
    soon("both to be seen", async || names(&bea).await == ["ann", "bea"]).await;

    cluster.nodes()[0].freeze().await;
    let (early, before) = visitor(&cluster, 1).await;
    early.call(&said("Hello?")).await.unwrap();
    soon("the node to be taken for dead", async || names(&bea).await == ["bea"]).await;
    // Of this one the others tell it nothing until it asks.
    let (late, after) = visitor(&cluster, 1).await;
    late.call(&said("Hello?")).await.unwrap();
    cluster.nodes()[0].thaw().await;

    for session in [before, after] {
        let of_it = |live: &Live| {
            let of_it = live.alerts.iter().filter(|alert| alert.card.session == session);
            of_it.map(|alert| alert.kind).collect::<Vec<_>>()
        };
        ann.hears("what rang meanwhile", |live| !of_it(live).is_empty()).await;
        let kinds: Vec<_> = ann.heard.iter().flat_map(of_it).collect();
        assert_eq!(kinds, [AlertKind::New]);
    }
}

/// One that rings.
struct Desk {
    who: String,
    link: Link,
    heard: Vec<Live>,
}

impl Desk {
    /// Waits for it, unless it was heard already.
    async fn hears(&mut self, what: &str, wanted: impl Fn(&Live) -> bool) {
        let who = &self.who;
        within(format!("{what}, at {who}"), async {
            while !self.heard.iter().any(&wanted) {
                if let Push::Live(live) = self.link.next_push().await.unwrap() {
                    self.heard.push(live);
                }
            }
        })
        .await;
    }
}

/// A visitor on a node, and their session.
async fn visitor(cluster: &Cluster, node: usize) -> (Link, SessionId) {
    let link = cluster.link(node, &cluster.as_visitor()).await;
    let followed = asked(&link, &Subscribe { session: None, offset: 0 }).await.unwrap();
    (link, followed.session)
}

fn said(text: &str) -> Say {
    Say { session: None, key: new_key(), text: text.into(), seen: None, confirm: false }
}

async fn list(operator: &Link) -> Watching {
    within("the live list", operator.call(&Watch::default())).await.unwrap()
}

async fn names(operator: &Link) -> Vec<String> {
    let list = within("the operators", operator.call(&Operators {})).await.unwrap();
    list.operators
        .into_iter()
        .filter(|card| card.connected)
        .map(|card| card.id.as_str().to_owned())
        .collect()
}

fn ids(list: &Watching) -> Vec<SessionId> {
    list.cards.iter().map(|card| card.session).collect()
}
