//! Many at once: whoever asks for too much waits or is turned away, and nobody else notices.

use futures_util::future::join_all;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::idle::resident_bytes;
use crate::support::raw::{
    Beside, Heard, Raw, exchange, framed, http_request, request, upgrade_request,
};
use crate::support::{Shop, Via, only_alone, over_every_transport, within};

/// How many bad connections each kind of badness makes.
const BAD_CONNECTIONS: usize = 2000;

/// How many of them are open at once.
const AT_ONCE: usize = 50;

/// What the engine may keep of them all, in bytes: less than what one kind of them has sent in a
/// few hundred, and less than their connections would cost.
const KEPT_BYTES_MAX: u64 = 16 * 1024 * 1024;

over_every_transport! {
    async fn a_thousand_requests_sent_without_waiting_are_all_answered(via) {
        let shop = Shop::open().await;
        let (mut visitor, _) = Raw::visitor(&shop, via).await;
        // Those that are refused at once among those that wait for the disk.
        let ask = |id: u32| match id % 3 {
            0 => request(via, id, "send", json!({ "key": format!("k{id}"), "text": "hello" })),
            1 => request(via, id, "take_over", json!({})),
            _ => request(via, id, "history", json!({ "limit": 1 })),
        };
        let ids = 1000..2000;
        let all: Vec<u8> = ids.clone().flat_map(|id| framed(via, &ask(id))).collect();
        visitor.write(&all).await;
        let mut open: std::collections::BTreeSet<_> = ids.collect();
        let mut offsets = vec![];
        while !open.is_empty() {
            if let Heard::Answer { id, outcome } = visitor.next().await {
                let id = id.as_u64().unwrap() as u32;
                assert!(open.remove(&id), "{id} was answered twice");
                match id % 3 {
                    0 => offsets.push(outcome.unwrap()["offset"].as_u64().unwrap()),
                    1 => assert_eq!(outcome.unwrap_err()["code"], -32602),
                    _ => drop(outcome.unwrap()),
                }
            }
        }
        assert!(offsets.is_sorted(), "in the order in which they were sent: {offsets:?}");
        visitor.is_usable().await;
    }
}

over_every_transport! {
    async fn thousands_of_bad_connections_leave_nothing_behind(via) {
        if only_alone("it measures the memory of one process") {
            return;
        }
        let shop = Shop::open().await;
        let mut beside = Beside::begin(&shop, via).await;
        // Half a message of nearly the greatest length, abandoned; one that is closed for what it
        // sent; one that is refused.
        let long = json!({ "text": "x".repeat(60_000) });
        let half = framed(via, &request(via, 1, "typing", long))[..50_000].to_vec();
        let garbage = framed(via, &vec![0xc1; 1000]);
        let stranger = framed(via, &request(via, 1, "connect", json!({ "site": "nowhere" })));
        let bad = [half, garbage, stranger];
        let crowd = |bytes: Vec<u8>, count: usize| {
            let shop = &shop;
            async move {
                for _ in 0..count / AT_ONCE {
                    let wave = (0..AT_ONCE).map(|_| async {
                        let mut raw = Raw::open(shop, via).await;
                        raw.write(&bytes).await;
                    });
                    join_all(wave).await;
                }
            }
        };
        for bytes in &bad {
            crowd(bytes.clone(), 4 * AT_ONCE).await;
        }
        let before = resident_bytes(shop.pid());
        for bytes in &bad {
            crowd(bytes.clone(), BAD_CONNECTIONS).await;
            beside.goes_on().await;
        }
        within("the engine to forget them", async {
            while resident_bytes(shop.pid()) > before + KEPT_BYTES_MAX {
                tokio::task::yield_now().await;
            }
        })
        .await;
        beside.ends_unharmed(&shop).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_one_too_many_is_turned_away_until_another_leaves() {
    if only_alone("each engine bounds its own connections") {
        return;
    }
    let shop = Shop::open_with(&[("GATEWAY__CONNECTIONS_MAX", "3")]).await;
    let mut beside = Beside::begin(&shop, Via::Tcp).await;
    let (mut second, _) = Raw::visitor(&shop, Via::Json).await;
    let third = Raw::visitor(&shop, Via::WebSocket).await;

    let mut surplus = Raw::open(&shop, Via::Tcp).await;
    assert_eq!(surplus.closed().await, 4004);
    let subprotocol = [("Sec-WebSocket-Protocol", "vigie.v1.json")];
    let answer = exchange(shop.http(), upgrade_request("/ws", &subprotocol).as_bytes()).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.body.contains("as many connections"), "{answer:?}");
    // Those who watch over the engine are let in all the same.
    let health = http_request("GET", "/healthz", &[("Connection", "close")]);
    assert_eq!(exchange(shop.http(), health.as_bytes()).await.status, 200);
    beside.goes_on().await;
    second.is_usable().await;

    drop((second, third));
    within("a place to be free", async {
        loop {
            let mut next = Raw::open(&shop, Via::Tcp).await;
            next.ask("ping", json!({})).await;
            if matches!(next.next().await, Heard::Answer { .. }) {
                break;
            }
        }
    })
    .await;
    beside.goes_on().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_never_ends_is_dropped() {
    let shop = Shop::open_with(&[("GATEWAY__HANDSHAKE_TIMEOUT_MS", "2000")]).await;
    let mut beside = Beside::begin(&shop, Via::WebSocket).await;
    let whole = upgrade_request("/ws", &[("Sec-WebSocket-Protocol", "vigie.v1.json")]);
    for length in [0, 1, 20, whole.len() / 2, whole.len() - 1] {
        let mut socket = TcpStream::connect(shop.http()).await.unwrap();
        socket.write_all(&whole.as_bytes()[..length]).await.unwrap();
        let mut answer = vec![];
        let _ = within("the socket to be dropped", socket.read_to_end(&mut answer)).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{length}: {answer}");
        beside.goes_on().await;
    }
    beside.ends_unharmed(&shop).await;
}
