//! What an idle visitor costs.

use std::fs;

use vigie_client::Client;
use vigie_protocol::card::Window;
use vigie_protocol::method::Rank;

use crate::support::{Shop, Via, only_alone, patient};

/// A tenth of the real thing: enough to see that idle visitors are cheap in any build.
const VISITORS: usize = 1000;

/// What one may cost in a debug build, in bytes; a release build aims at 5 KiB.
const BYTES_MAX: u64 = 16 * 1024;

/// `VIGIE_IDLE=10000 VIGIE_BIN=target/release/vigie cargo test --test stories idle -- --nocapture`
/// measures the real thing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_visitors_cost_a_few_kilobytes_each() {
    if only_alone("it measures the memory of one process") {
        return;
    }
    let visitors = std::env::var("VIGIE_IDLE").map_or(VISITORS, |n| n.parse().unwrap());
    let shop = Shop::open().await;
    let ann = shop.operator(Via::WebSocket, "ann", Rank::Agent).await;
    // The engine's own fixed costs (rules, caches, threads) come before, the visitors after.
    let mut warm = connect(&shop, 50).await;
    while !rules_are_loaded(&ann.client).await {
        warm.extend(connect(&shop, 1).await);
    }
    let before = resident_bytes(shop.pid());
    let idle = connect(&shop, visitors).await;
    wait_for_total(&ann.client, (warm.len() + visitors) as u64).await;
    let after = resident_bytes(shop.pid());
    let each = (after - before) / visitors as u64;
    println!("{visitors} idle visitors over WebSocket: {each} bytes each ({before} -> {after})");
    assert!(each <= BYTES_MAX, "{each} bytes each");
    drop((warm, idle));
}

async fn connect(shop: &Shop, count: usize) -> Vec<Client> {
    const AT_ONCE: usize = 50;
    let mut clients = Vec::with_capacity(count);
    while clients.len() < count {
        let wave = (0..AT_ONCE.min(count - clients.len())).map(|_| async {
            let mut connect = vigie_client::as_visitor(&*shop.site.key);
            connect.language = Some("en".into());
            connect.page = Some(vigie_protocol::event::Page {
                url: "https://shop.example/bags/roll-top?colour=green".into(),
                title: Some("Roll-top bag — Mésange".into()),
            });
            let mut options = patient();
            options.events_max = 4;
            options.wire.pushes_max = 4;
            options.wire.user_agent = Some(
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into(),
            );
            let client = Client::connect(shop.endpoint(Via::WebSocket), connect, options).await;
            let client = client.unwrap();
            client.subscribe_own(0).await.unwrap();
            client
        });
        clients.extend(futures_util::future::join_all(wave).await);
    }
    clients
}

/// The User-Agent rules are read in the background: once they are there, cards name browsers.
async fn rules_are_loaded(operator: &Client) -> bool {
    let newest = operator.watch(Window { first: 1, ..Window::default() }).await.unwrap();
    newest.cards.first().is_some_and(|card| card.browser.is_some())
}

async fn wait_for_total(operator: &Client, total: u64) {
    crate::support::within("all visitors in the live list", async {
        while operator.watch(Window::default()).await.unwrap().totals.all != total {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

pub fn resident_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}
