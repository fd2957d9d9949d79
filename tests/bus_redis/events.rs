//! What is appended to a session is heard by the nodes that attend it.

use tokio::sync::watch;
use vigie::cluster::{Bus, Heard};
use vigie::log::READ_EVENTS_MAX;
use vigie_protocol::event::Offset;

use crate::node::{Node, nodes, session};
use crate::redis_server::shared;

#[tokio::test]
async fn attending_nodes_hear_the_events_of_others_and_not_their_own() {
    story_of_events(&shared().url()).await;
}

pub async fn story_of_events(url: &str) {
    let [mut a, mut b, mut c, mut stranger] = nodes(url).await;
    let (session, other) = (session(), session());
    a.append(session, 0, 3).await;
    assert_eq!(a.attend(session).await.head.offset, 3);
    assert_eq!(b.attend(session).await.head.offset, 3);
    assert!(matches!(a.hears().await, Heard::Attendance(_)));
    assert_eq!(c.attend(session).await.head.offset, 3);
    for node in [&mut a, &mut b] {
        assert!(matches!(node.hears().await, Heard::Attendance(_)));
    }

    let first = a.append(session, 3, 2).await;
    let second = b.append(session, 5, 1).await;
    a.append(other, 0, 1).await;
    assert_eq!(a.hears().await, second);
    assert_eq!(b.hears().await, first);
    assert_eq!([c.hears().await, c.hears().await], [first, second]);
    a.hears_nothing_before(&b).await;
    b.hears_nothing_before(&a).await;
    c.hears_nothing_before(&a).await;
    stranger.hears_nothing_before(&a).await;
}

#[tokio::test]
async fn who_has_left_hears_nothing_more() {
    let [a, mut b] = nodes(&shared().url()).await;
    let session = session();
    b.attend(session).await;
    let first = a.append(session, 0, 1).await;
    b.bus.leave(session).await.unwrap();
    a.append(session, 1, 1).await;
    assert_eq!(b.hears().await, first);
    b.hears_nothing_before(&a).await;
}

#[tokio::test]
async fn events_of_every_bucket_are_heard() {
    let [a, mut b] = nodes(&shared().url()).await;
    for bucket in 0..=u8::MAX {
        let mut bytes = session().uuid().into_bytes();
        bytes[15] = bucket;
        let session = uuid::Uuid::from_bytes(bytes).into();
        b.attend(session).await;
        let appended = a.append(session, 0, 1).await;
        assert_eq!(b.hears().await, appended);
    }
}

#[tokio::test]
async fn nothing_is_missed_between_attending_and_the_first_event() {
    story_of_the_race(&shared().url(), 200).await;
}

/// One node appends while another begins to attend: whatever the head was then, all after it is
/// heard, each once.
pub async fn story_of_the_race(url: &str, rounds: usize) {
    const LAST: Offset = 8;
    let [writer, mut reader] = nodes(url).await;
    let mut attended_at = Vec::new();
    for round in 0..rounds {
        let session = session();
        let (done, mut seen) = watch::channel(0);
        let append = async {
            for after in 0..LAST {
                writer.append(session, after, 1).await;
                done.send_replace(after + 1);
            }
        };
        let attend = async {
            // At another moment in each round: before all of it, after all of it, and in between.
            let moment = round as Offset % (LAST + 1);
            drop(seen.wait_for(|done| *done >= moment).await.unwrap());
            reader.attend(session).await.head.offset
        };
        let ((), head) = tokio::join!(append, attend);
        attended_at.push(head);
        let mut known = head;
        while known < LAST {
            match reader.hears().await {
                Heard::Events { session: of, after, events } => {
                    assert_eq!((of, after.offset), (session, known), "in round {round}");
                    known += events.len() as u64;
                }
                heard => panic!("{heard:?} in round {round}"),
            }
        }
        assert_eq!(missing(&writer, session, head).await, LAST - head);
    }
    attended_at.sort_unstable();
    attended_at.dedup();
    assert!(attended_at.len() > 1, "the race was always won by the same: {attended_at:?}");
    reader.hears_nothing_before(&writer).await;
}

async fn missing(node: &Node, session: vigie_protocol::id::SessionId, after: Offset) -> u64 {
    node.log.read(session, after, READ_EVENTS_MAX).await.unwrap().len() as u64
}
