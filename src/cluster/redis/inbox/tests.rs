use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::cluster::NodeId;

fn message() -> Heard {
    Heard::Message { from: NodeId(1), bytes: Bytes::new() }
}

fn inbox() -> Arc<Inbox> {
    let inbox = Arc::new(Inbox::default());
    tokio::spawn({
        let inbox = Arc::clone(&inbox);
        async move { inbox.give_gaps().await }
    });
    inbox
}

#[tokio::test]
async fn a_full_inbox_drops_and_owes_a_gap_until_there_is_room() {
    let inbox = inbox();
    let mut listener = inbox.listen();
    for _ in 0..INBOX_MAX + 3 {
        inbox.hear(message());
    }
    assert_eq!(inbox.dropped(), 3);
    for _ in 0..INBOX_MAX {
        assert_eq!(listener.recv().await, Some(message()));
    }
    assert_eq!(listener.recv().await, Some(Heard::Gap));
    inbox.hear(message());
    assert_eq!(listener.recv().await, Some(message()));
}

#[tokio::test]
async fn an_earlier_listener_hears_nothing_more() {
    // There is room for the gap just as the listener is replaced: either may be seen first.
    for _ in 0..20 {
        let inbox = inbox();
        let mut earlier = inbox.listen();
        for _ in 0..INBOX_MAX + 1 {
            inbox.hear(message());
        }
        tokio::task::yield_now().await;
        let mut listener = inbox.listen();
        inbox.hear(message());
        for _ in 0..INBOX_MAX {
            assert_eq!(earlier.recv().await, Some(message()));
        }
        assert_eq!(earlier.recv().await, None, "it is closed");
        let heard = [listener.recv().await, listener.recv().await];
        assert!(heard.contains(&Some(Heard::Gap)) && heard.contains(&Some(message())), "{heard:?}");
    }
}

#[tokio::test]
async fn what_nobody_listens_to_does_not_pile_up() {
    let inbox = inbox();
    for _ in 0..INBOX_MAX * 2 {
        inbox.hear(message());
    }
    assert_eq!(inbox.dropped(), 0);
}
