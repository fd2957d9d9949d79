//! Who attends a session.

use vigie::cluster::{Attendance, Attendant, Bus, Heard};

use crate::node::{Node, nodes, session};
use crate::redis_server::shared;

fn attendants(nodes: &[(&Node, bool)], attendance: &Attendance) -> bool {
    let told: Vec<_> = attendance.nodes.iter().map(|told| (told.node, told.visitor)).collect();
    let since: Vec<_> = attendance.nodes.iter().map(|told| told.since).collect();
    told == nodes.iter().map(|(node, visitor)| (node.id(), *visitor)).collect::<Vec<_>>()
        && since.is_sorted_by(|one, other| one < other)
}

#[tokio::test]
async fn whoever_has_attended_longest_comes_first() {
    story_of_order(&shared().url()).await;
}

pub async fn story_of_order(url: &str) {
    let [a, b, c] = nodes(url).await;
    let session = session();
    assert!(attendants(&[(&b, false)], &b.attend(session).await));
    assert!(attendants(&[(&b, false), (&a, false)], &a.attend(session).await));
    let all = c.bus.attend(session, true).await.unwrap();
    assert_eq!((all.session, all.head.offset), (session, 0));
    assert!(attendants(&[(&b, false), (&a, false), (&c, true)], &all), "{all:?}");
    b.bus.leave(session).await.unwrap();
    let again = b.attend(session).await;
    assert!(attendants(&[(&a, false), (&c, true), (&b, false)], &again), "{again:?}");
}

#[tokio::test]
async fn a_change_is_heard_by_the_others_and_by_nobody_else() {
    story_of_changes(&shared().url()).await;
}

pub async fn story_of_changes(url: &str) {
    let [mut a, mut b, mut stranger] = nodes(url).await;
    let session = session();
    a.attend(session).await;
    let with_b = b.bus.attend(session, true).await.unwrap();
    assert_eq!(a.hears().await, Heard::Attendance(with_b));

    let without_visitor = b.bus.attend(session, false).await.unwrap();
    assert_eq!(a.hears().await, Heard::Attendance(without_visitor.clone()));

    b.bus.leave(session).await.unwrap();
    let alone = a.attend(session).await;
    assert!(attendants(&[(&a, false)], &alone), "{alone:?}");
    assert_eq!(a.hears().await, Heard::Attendance(alone));

    b.hears_nothing_before(&a).await;
    stranger.hears_nothing_before(&a).await;
}

#[tokio::test]
async fn what_changes_nothing_is_not_told() {
    let [mut a, b] = nodes(&shared().url()).await;
    let session = session();
    a.attend(session).await;
    let first = b.attend(session).await;
    assert_eq!(b.attend(session).await, first);
    assert_eq!(a.hears().await, Heard::Attendance(first));
    b.bus.leave(session).await.unwrap();
    b.bus.leave(session).await.unwrap();
    assert!(matches!(a.hears().await, Heard::Attendance(_)));
    a.hears_nothing_before(&b).await;
}

#[tokio::test]
async fn a_session_that_all_have_left_leaves_nothing_behind() {
    let [a, b] = nodes(&shared().url()).await;
    let session = session();
    for node in [&a, &b] {
        node.attend(session).await;
    }
    for node in [&a, &b] {
        node.bus.leave(session).await.unwrap();
    }
    let keys = shared().cli(&["KEYS", &format!("*{session}*")]);
    assert_eq!(keys, "", "no key of the session is left");
    for node in [&a, &b] {
        assert_eq!(shared().cli(&["KEYS", &format!("*:of:{}", node.id())]), "");
    }
}

#[tokio::test]
async fn more_nodes_than_can_be_told_of_harm_nobody() {
    let [a] = nodes(&shared().url()).await;
    let session = session();
    let Attendant { node, .. } = a.attend(session).await.nodes[0];
    let key = shared().cli(&["KEYS", &format!("*:n:{session}")]);
    let fields: Vec<_> = (0..2000u64).map(|n| format!("{n:016x}")).collect();
    let mut command = vec!["HSET", &key];
    for field in &fields {
        command.extend([field.as_str(), "5000:0"]);
    }
    command.extend(["not a node", "1:0", "ffffffffffffffff", "not an attendance"]);
    shared().cli(&command);
    let told = a.attend(session).await;
    assert_eq!(told.nodes.len(), 1024);
    assert_eq!(told.nodes[0].node, node, "those that have attended longest are told of");
}
