//! What nodes send one another.

use bytes::Bytes;
use tokio::time::{interval, timeout};
use vigie::cluster::redis::{MESSAGE_MAX, OUTBOX_MAX};
use vigie::cluster::{Bus, Heard, INBOX_MAX};

use crate::node::{AGAIN, Node, PATIENCE, nodes, until};
use crate::redis_server::{RedisServer, shared};

/// Sends numbered messages, no faster than Redis takes them.
async fn send_all(from: &Node, to: &Node, count: usize) {
    for number in 0..count {
        from.bus.send(to.id(), number.to_string().into());
        if number % 1024 == 1023 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn messages_arrive_in_the_order_in_which_they_were_sent() {
    story_of_messages(&shared().url()).await;
}

pub async fn story_of_messages(url: &str) {
    const COUNT: usize = 2000;
    let [a, mut b, mut c] = nodes(url).await;
    for (from, to) in [(&a, &mut b), (&a, &mut c)] {
        send_all(from, to, COUNT).await;
        for number in 0..COUNT {
            let bytes = Bytes::from(number.to_string());
            assert_eq!(to.hears().await, Heard::Message { from: from.id(), bytes });
        }
    }
    assert_eq!((a.bus.dropped().sent, b.bus.dropped().heard), (0, 0));
}

#[tokio::test]
async fn any_bytes_can_be_sent_and_none_but_too_many() {
    let [a, mut b] = nodes(&shared().url()).await;
    let every: Vec<u8> = (0..=u8::MAX).collect();
    a.bus.send(b.id(), Bytes::new());
    a.bus.send(b.id(), every.clone().into());
    a.bus.send(b.id(), vec![0; MESSAGE_MAX + 1].into());
    let from = a.id();
    assert_eq!(b.hears().await, Heard::Message { from, bytes: Bytes::new() });
    assert_eq!(b.hears().await, Heard::Message { from, bytes: every.into() });
    b.hears_nothing_before(&a).await;
    assert_eq!(a.bus.dropped().sent, 1);
}

#[tokio::test]
async fn sending_waits_for_nobody_and_drops_at_its_bound() {
    let server = RedisServer::start();
    let [a, mut b] = nodes(&server.url()).await;
    server.stop();
    let count = OUTBOX_MAX + 2000;
    for number in 0..count {
        a.bus.send(b.id(), number.to_string().into());
    }
    assert!(a.bus.dropped().sent > 0, "what is beyond the bound is dropped at once");
    server.cont();
    until("what waited was published or dropped", || a.bus.health().is_ok()).await;
    // Whatever was lost: what is sent from now on arrives.
    hears_the_last(&a, &mut b).await;
}

#[tokio::test]
async fn a_slow_listener_is_told_of_a_gap_as_soon_as_there_is_room() {
    let [a, mut b] = nodes(&shared().url()).await;
    while b.bus.dropped().heard == 0 {
        send_all(&a, &b, 1000).await;
        tokio::task::yield_now().await;
    }
    let before = b.hears_until_gap().await;
    assert!(before.len() >= INBOX_MAX, "nothing that had room was dropped: {}", before.len());
    // What is sent from now on is heard: nothing was stuck.
    hears_the_last(&a, &mut b).await;
}

/// What one sends last, the other hears, after messages alone.
async fn hears_the_last(from: &Node, to: &mut Node) {
    let last = Bytes::from("the last");
    let heard = async {
        // It may be lost as any message: what is sent again is told again.
        let mut again = interval(AGAIN);
        loop {
            tokio::select! {
                _ = again.tick() => from.bus.send(to.id(), last.clone()),
                heard = to.hears() => match heard {
                    Heard::Message { bytes, .. } if bytes == last => return,
                    heard => assert!(matches!(heard, Heard::Message { .. }), "{heard:?}"),
                }
            }
        }
    };
    timeout(PATIENCE, heard).await.expect("it hears again");
}

#[tokio::test]
async fn what_nobody_of_ours_has_written_is_ignored() {
    let [a, mut b] = nodes(&shared().url()).await;
    let channel = shared().cli(&["PUBSUB", "SHARDCHANNELS", &format!("*{{7}}:@{}", b.id())]);
    assert!(!channel.is_empty() && !channel.contains('\n'), "{channel:?}");
    for garbage in
        ["", "E", "Exyz", "A", "Asixteen bytes of.", "M", "C", "C1234", "Zlater", "\u{1F980}"]
    {
        assert_eq!(shared().cli(&["SPUBLISH", &channel, garbage]), "1");
    }
    b.hears_nothing_before(&a).await;
    assert!(b.bus.health().is_ok());
}

#[tokio::test]
async fn events_that_cannot_be_read_are_a_gap() {
    let [a, mut b] = nodes(&shared().url()).await;
    let channel = shared().cli(&["PUBSUB", "SHARDCHANNELS", &format!("*{{7}}:@{}", b.id())]);
    let script = "return redis.call('SPUBLISH', KEYS[1], 'E' .. string.rep('s', 16) .. \
                  struct.pack('>I8I8I4', 4, 5, 3) .. 'bad')";
    assert_eq!(shared().cli(&["EVAL", script, "1", &channel]), "1");
    assert_eq!(b.hears_until_gap().await, []);
    b.hears_nothing_before(&a).await;
}
