//! What the engine counts of itself: by exactly what was done, and for nobody but those who may know.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use saphyr::{LoadableYamlNode, Yaml};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use vigie::core::site::BotKind;
use vigie_client::ClientEvent;
use vigie_protocol::card::Window;
use vigie_protocol::error::{CloseCode, ErrorCode};
use vigie_protocol::method::Rank;

use self::exposition::Exposition;
use crate::support::engine::Engine;
use crate::support::raw::{HttpAnswer, Raw, exchange, get, http_request};
use crate::support::redis::RedisServer;
use crate::support::{Person, Shop, Via, refusal, within};

#[path = "metrics/exposition.rs"]
mod exposition;

/// Labels and by how much their series have grown.
type Grown<'a> = &'a [(&'a str, f64)];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_moves_the_numbers_by_exactly_what_was_done() {
    let mut shop = Shop::open().await;
    shop.settle(|settings| settings.bot = BotKind::Peer).await;
    let ann = shop.operator(Via::WebSocket, "ann", Rank::Agent).await;
    let bea = shop.operator(Via::Tcp, "bea", Rank::Agent).await;
    let mut bot = shop.bot(Via::Json).await;
    let before = with_connections(&shop, 3.0).await;

    let mut visitor = shop.visitor(Via::Tcp).await;
    let other = shop.visitor(Via::Json).await;
    visitor.client.subscribe_own(0).await.unwrap();
    visitor.client.say("Is the bag in stock?").await.unwrap();
    let turn = bot.until("a turn", |heard| match heard {
        ClientEvent::Turn(turn) => Some(turn.clone()),
        _ => None,
    });
    let turn = turn.await;
    bot.client.answer(&turn, "It is.", vec![]).await.unwrap();
    visitor.sees_message("It is.").await;
    let taken = ann.client.take_over(visitor.session()).await.unwrap();
    ann.client.say_to(visitor.session(), "Ann here.", taken.offset).await.unwrap();
    visitor.client.say("Good.").await.unwrap();
    let refused = refusal(bea.client.take_over(visitor.session()).await);
    assert_eq!(refused.code, ErrorCode::Held);
    ann.client.release(visitor.session()).await.unwrap();

    let events: Grown = &[
        ("{type=\"control_changed\"}", 2.0),
        ("{type=\"message\"}", 4.0),
        ("{type=\"session_started\"}", 2.0),
    ];
    let after = grown_to(&shop, &before, "vigie_events_total", events).await;
    let messages: Grown =
        &[("{author=\"bot\"}", 1.0), ("{author=\"operator\"}", 1.0), ("{author=\"visitor\"}", 2.0)];
    has_grown(&after, &before, "vigie_messages_total", messages);
    let control: Grown = &[("{cause=\"release\"}", 1.0), ("{cause=\"take_over\"}", 1.0)];
    has_grown(&after, &before, "vigie_control_changes_total", control);
    has_grown(&after, &before, "vigie_refusals_total", &[("{code=\"held\"}", 1.0)]);
    let connections: Grown = &[
        ("{role=\"visitor\",transport=\"tcp\"}", 1.0),
        ("{role=\"visitor\",transport=\"websocket\"}", 1.0),
    ];
    has_grown(&after, &before, "vigie_connections", connections);

    // All that was stored was stored by an append, which was in a commit, and measured as such.
    let stored = "vigie_appends_total{outcome=\"stored\"}";
    assert_eq!(after.sum(stored), after.sum("vigie_commit_appends_sum"));
    assert_eq!(after.sum("vigie_events_total"), after.sum("vigie_commit_events_sum"));
    assert_eq!(after.sum("vigie_appends_total"), after.sum("vigie_append_seconds_count"));
    assert!(after.sum("vigie_commit_seconds_count") <= after.sum(stored));
    assert!(after.sum("vigie_append_seconds_sum") > 0.0);
    assert!(after.sum("vigie_commit_seconds_sum") > 0.0);
    assert_eq!(after.sum("vigie_log_up"), shop.nodes.len() as f64);
    assert!(after.sum("vigie_sessions") >= 2.0);
    drop(other);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_counts_once_for_each_who_sees_it_and_nothing_waits_when_all_have_read() {
    let mut shop = Shop::open().await;
    shop.settle(|settings| settings.bot = BotKind::Peer).await;
    let mut visitor = shop.visitor(Via::WebSocket).await;
    visitor.client.subscribe_own(0).await.unwrap();
    let session = visitor.session();
    let mut operators = vec![];
    for id in ["ann", "bea", "cy"] {
        let operator = shop.operator(Via::Json, id, Rank::Agent).await;
        operator.client.subscribe(session, 0).await.unwrap();
        operators.push(operator);
    }
    operators[0].client.watch(Window::default()).await.unwrap();
    operators[0].client.take_over(session).await.unwrap();
    for person in operators.iter_mut().chain([&mut visitor]) {
        person.sees_control_change().await;
    }
    let before = settled(&shop).await;
    let seen = |now: &Exposition| now.sum(EVENTS) - before.sum(EVENTS);

    operators[1].client.note(session, "a remark").await.unwrap();
    until(&shop, "three operators to be given it", |now| seen(now) == 3.0).await;
    visitor.client.say("Hello?").await.unwrap();
    operators[0].sees_card("what was said", |card| card.messages == 1).await;
    until(&shop, "them and the visitor to be given it", |now| seen(now) == 3.0 + 4.0).await;
    let after = settled(&shop).await;
    assert_eq!(seen(&after), 3.0 + 4.0, "and nobody was given it twice");
    let lists = "vigie_deliveries_total{kind=\"live_list\"}";
    assert!(after.sum(lists) > before.sum(lists));
}

const EVENTS: &str = "vigie_deliveries_total{kind=\"event\"}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_counted_from_its_first_byte_until_it_ends_and_by_why() {
    let shop = Shop::open().await;
    let before = with_connections(&shop, 0.0).await;
    let mut strangers = vec![];
    for via in [Via::Tcp, Via::WebSocket, Via::Json] {
        strangers.push(Raw::open(&shop, via).await);
    }
    let open: Grown = &[
        ("{role=\"stranger\",transport=\"tcp\"}", 1.0),
        ("{role=\"stranger\",transport=\"websocket\"}", 2.0),
    ];
    grown_to(&shop, &before, "vigie_connections", open).await;
    for stranger in &mut strangers {
        let params = json!({ "protocol": 1, "site": "nowhere" });
        let error = stranger.refused("connect", params).await;
        assert_eq!(error["code"], ErrorCode::UnknownSite.number());
        assert_eq!(stranger.closed().await, u64::from(CloseCode::Refused.number()));
    }
    drop(strangers);
    let (visitor, _) = Raw::visitor(&shop, Via::WebSocket).await;
    drop(visitor);
    let closed: Grown = &[("{code=\"client\"}", 1.0), ("{code=\"refused\"}", 3.0)];
    let after = grown_to(&shop, &before, "vigie_connections_closed_total", closed).await;
    has_grown(&after, &before, "vigie_connections", &[]);
    let opened: Grown = &[("{transport=\"tcp\"}", 1.0), ("{transport=\"websocket\"}", 3.0)];
    has_grown(&after, &before, "vigie_connections_opened_total", opened);
    has_grown(&after, &before, "vigie_refusals_total", &[("{code=\"unknown_site\"}", 3.0)]);

    let missing = get(&shop, "/v1/sites/nowhere", &[]).await;
    assert_eq!(missing.status, 404);
    let with_http: Grown = &[("{code=\"unknown_site\"}", 4.0)];
    grown_to(&shop, &before, "vigie_refusals_total", with_http).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_seen_to_wait_and_then_to_be_dropped() {
    const TEXT_BYTES: usize = 16 * 1024;
    // More than whatever the kernel keeps for a reader.
    const MESSAGES_MAX: usize = 4000;
    let mut shop = Shop::open_with(&[("GATEWAY__OUTBOUND_QUEUE_KIB", "64")]).await;
    shop.settle(|settings| settings.bot = BotKind::Peer).await;
    let visitor = shop.visitor(Via::Tcp).await;
    let mut deaf = shop.raw_operator(Via::Tcp, "ann").await;
    deaf.call("subscribe", json!({ "session": visitor.session(), "offset": 0 })).await.unwrap();
    let before = with_connections(&shop, 2.0).await;

    // From here on she reads nothing more.
    let text = "x".repeat(TEXT_BYTES);
    let (mut most, mut said) = (0.0, 0);
    while closed_as_slow(&all(&shop).await) == closed_as_slow(&before) {
        visitor.client.say(&*text).await.unwrap();
        most = f64::max(most, all(&shop).await.sum("vigie_outbound_queue_bytes"));
        said += 1;
        assert!(said < MESSAGES_MAX, "she was never dropped");
    }
    assert!((TEXT_BYTES as f64..70_000.0).contains(&most), "{most} bytes waited at most");
    let slow: Grown = &[("{code=\"slow_consumer\"}", 1.0)];
    let after = with_connections(&shop, 1.0).await;
    has_grown(&after, &before, "vigie_connections_closed_total", slow);
    until(&shop, "nothing to wait", |now| now.sum("vigie_outbound_queue_bytes") == 0.0).await;
}

fn closed_as_slow(now: &Exposition) -> f64 {
    now.sum("vigie_connections_closed_total{code=\"slow_consumer\"}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_system_s_own_numbers_are_those_of_this_process() {
    let shop = Shop::open().await;
    for node in &shop.nodes {
        let told = read(node).await;
        let resident = crate::idle::resident_bytes(node.pid()) as f64;
        let said = told.sum("process_resident_memory_bytes");
        assert!((said - resident).abs() < 0.2 * resident, "{said} is not {resident}");
        let open = fs::read_dir(format!("/proc/{}/fd", node.pid())).unwrap().count() as f64;
        let said = told.sum("process_open_fds");
        assert!((said - open).abs() < 16.0, "{said} is not {open}");
        assert!(told.sum("process_max_fds") > said);
        assert!(told.sum("process_cpu_seconds_total") > 0.0);
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
        let age = now - told.sum("process_start_time_seconds");
        assert!((-2.0..600.0).contains(&age), "started {age} s ago");
        assert_eq!(told.sum("vigie_build_info"), 1.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_reads_the_numbers_but_from_where_they_may_be_read() {
    const PROMETHEUS: [u8; 4] = [127, 0, 0, 9];
    let shop = Shop::open_with(&[("METRICS__ALLOW", "127.0.0.9, 10.0.0.0/8")]).await;
    let nowhere = get(&shop, "/nowhere", &[]).await;
    for node in &shop.nodes {
        let elsewhere = exchange(node.http, ask(&[]).as_bytes()).await;
        is_not_found(&elsewhere, &nowhere);
        let allowed = exchange_from(PROMETHEUS.into(), node.http, &ask(&[])).await;
        assert_eq!(allowed.status, 200, "{allowed:?}");
        Exposition::read(&allowed.body);
        let head = allowed.head.to_lowercase();
        assert!(
            head.contains("content-type: application/openmetrics-text; version=1.0.0"),
            "{head}"
        );
        assert!(head.contains("cache-control: no-store"), "{head}");
        for header in [
            ("X-Forwarded-For", "127.0.0.9"),
            ("X-Forwarded-For", "nobody"),
            ("Forwarded", "for=127.0.0.9"),
            ("Via", "1.1 proxy"),
            ("X-Real-IP", "10.0.0.1"),
        ] {
            let by_proxy = exchange_from(PROMETHEUS.into(), node.http, &ask(&[header])).await;
            is_not_found(&by_proxy, &nowhere);
        }
    }

    let closed = Shop::open_with(&[("METRICS__ALLOW", "")]).await;
    is_not_found(&get(&closed, "/metrics", &[]).await, &nowhere);
    // By default this machine may, and whoever a trusted proxy of this machine speaks for may not.
    let open = Shop::open_with(&[("GATEWAY__TRUSTED_PROXIES", "127.0.0.1")]).await;
    assert_eq!(get(&open, "/metrics", &[]).await.status, 200);
    for client in ["203.0.113.9", "127.0.0.1", "::1"] {
        let by_proxy = get(&open, "/metrics", &[("X-Forwarded-For", client)]).await;
        is_not_found(&by_proxy, &nowhere);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_told_names_anybody() {
    let shop = Shop::open().await;
    let ann = shop.operator(Via::Json, "ann", Rank::Admin).await;
    let visitor = shop.visitor(Via::WebSocket).await;
    visitor.client.say("My name is Mercator.").await.unwrap();
    ann.client.take_over(visitor.session()).await.unwrap();
    for node in &shop.nodes {
        let told = exchange(node.http, ask(&[]).as_bytes()).await.body;
        let session = visitor.session().to_string();
        for word in ["Mercator", "ann", "Ann", "demo", "127.0.0.1", &session] {
            let named = told.lines().any(|line| !line.starts_with('#') && line.contains(word));
            assert!(!named, "{word} is in {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_tell_of_redis_and_of_each_other() {
    let redis = RedisServer::start();
    let urls = vec![redis.url(); 2];
    let mut shop = Shop::open_over(redis, urls, &[]).await;
    for node in &shop.nodes {
        let well = told_by(node, |told| {
            told.sum("vigie_cluster_nodes") == 2.0
                && told.sum("vigie_redis_up") == 1.0
                && told.sum("vigie_cluster_degraded") == 0.0
                && told.sum("vigie_bus_lag_seconds_count") >= 1.0
        });
        let well = well.await;
        assert_eq!(well.sum("vigie_cluster_generation"), 1.0);
        assert!(well.sum("vigie_bus_gaps_total") >= 1.0, "it looked anew when it came");
    }

    shop.nodes[1].kill().await;
    told_by(&shop.nodes[0], |told| told.sum("vigie_cluster_nodes") == 1.0).await;
    let redis = shop.redis.as_ref().unwrap();
    redis.stop();
    let away = told_by(&shop.nodes[0], |told| {
        told.sum("vigie_redis_up") == 0.0 && told.sum("vigie_cluster_degraded") == 1.0
    });
    away.await;
    redis.cont();
    let back = told_by(&shop.nodes[0], |told| {
        told.sum("vigie_redis_up") == 1.0 && told.sum("vigie_cluster_degraded") == 0.0
    });
    back.await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_are_taken_over_from_a_dead_node_are_counted() {
    let redis = RedisServer::start();
    let urls = vec![redis.url(); 2];
    // Their visitors are gone when the node dies; for ten minutes they may come back.
    let settings = [("PRESENCE__VISITOR_GRACE_MS", "600000")];
    let mut shop = Shop::open_over(redis, urls, &settings).await;
    let dying = shop.nodes[1].endpoint(Via::Tcp);
    for _ in 0..3 {
        let connect = vigie_client::as_visitor(&*shop.site.key);
        let client = vigie_client::Client::connect(dying.clone(), connect, Default::default());
        let visitor = Person::new("the visitor", client.await.unwrap());
        visitor.client.say("Hello?").await.unwrap();
    }
    told_by(&shop.nodes[1], |told| told.sum("vigie_sessions") == 3.0).await;
    shop.nodes[1].kill().await;
    let left = &shop.nodes[0];
    told_by(left, |told| told.sum("vigie_cluster_sessions_adopted_total") == 3.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dashboard_shows_all_that_is_measured_and_nothing_else() {
    let redis = RedisServer::start();
    let urls = vec![redis.url()];
    let shop = Shop::open_over(redis, urls, &[]).await;
    let told = read(&shop.nodes[0]).await;
    let dashboard: serde_json::Value =
        serde_json::from_str(&file("config/grafana/vigie.json")).unwrap();
    let mut shown = BTreeSet::new();
    let mut asked = 0;
    each_text(&dashboard, &mut |key, text| {
        if ["expr", "query"].contains(&key) {
            asked += 1;
            shown.extend(metric_names(text));
        }
    });
    assert!(asked > 40, "{asked} questions are asked");
    let unknown: Vec<_> = shown.difference(&told.names).collect();
    assert_eq!(unknown, Vec::<&String>::new(), "the dashboard asks for what is not there");
    let family = |name: &str| {
        let suffix = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        suffix.unwrap_or(name).to_owned()
    };
    let shown: BTreeSet<_> = shown.iter().map(|name| family(name)).collect();
    let told: BTreeSet<_> = told.names.iter().map(|name| family(name)).collect();
    let missing: Vec<_> = told.difference(&shown).collect();
    assert_eq!(missing, Vec::<&String>::new(), "the dashboard does not show what is measured");

    let rows = dashboard["panels"].as_array().unwrap().iter();
    let rows: Vec<_> = rows.filter(|panel| panel["type"] == "row").collect();
    let titles: Vec<_> = rows.iter().map(|row| row["title"].as_str().unwrap()).collect();
    let expected = ["Visitors and operators", "Conversations", "Latency", "Resources", "Cluster"];
    assert_eq!(titles, expected);
}

#[test]
fn the_example_for_prometheus_asks_where_an_engine_answers_by_default() {
    let text = file("config/prometheus/prometheus.yml");
    let yaml = Yaml::load_from_str(&text).unwrap();
    let job = &yaml[0]["scrape_configs"][0];
    assert_eq!(job["metrics_path"].as_str(), Some("/metrics"));
    let target: SocketAddr =
        job["static_configs"][0]["targets"][0].as_str().unwrap().parse().unwrap();
    let config = vigie::config::Config::load(None, std::iter::empty()).unwrap();
    assert_eq!(target, config.http.listen);
    assert!(config.metrics.allow.iter().any(|network| network.contains(&target.ip())));
}

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Every text in a document, with the key that it stands under.
fn each_text(value: &serde_json::Value, each: &mut impl FnMut(&str, &str)) {
    match value {
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                if let Some(text) = value.as_str() {
                    each(key, text);
                }
                each_text(value, each);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| each_text(item, each)),
        _ => {}
    }
}

fn metric_names(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = |word: &&str| word.starts_with("vigie_") || word.starts_with("process_");
    words.filter(ours).map(str::to_owned)
}

fn ask(headers: &[(&str, &str)]) -> String {
    http_request("GET", "/metrics", &[&[("Connection", "close")], headers].concat())
}

async fn read(node: &Engine) -> Exposition {
    let answer = exchange(node.http, ask(&[]).as_bytes()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    Exposition::read(&answer.body)
}

/// What all nodes tell, added up.
async fn all(shop: &Shop) -> Exposition {
    let mut sum = Exposition::default();
    for node in &shop.nodes {
        sum.add(read(node).await);
    }
    sum
}

/// Waits until all nodes together tell what is wanted.
async fn until(shop: &Shop, what: &str, wanted: impl Fn(&Exposition) -> bool) -> Exposition {
    within(what, async {
        loop {
            let now = all(shop).await;
            if wanted(&now) {
                return now;
            }
        }
    })
    .await
}

/// Waits until so many connections are open: in a cluster others come and go before, to show that
/// every node knows every other.
async fn with_connections(shop: &Shop, number: f64) -> Exposition {
    until(shop, "those to go who go", |now| now.sum("vigie_connections") == number).await
}

/// Waits until a node tells what is wanted.
async fn told_by(node: &Engine, wanted: impl Fn(&Exposition) -> bool) -> Exposition {
    within("the numbers of a node", async {
        loop {
            let told = read(node).await;
            if wanted(&told) {
                return told;
            }
        }
    })
    .await
}

/// Waits until nothing waits to be written, and nothing changes any more.
async fn settled(shop: &Shop) -> Exposition {
    within("quiet", async {
        let mut before = all(shop).await;
        loop {
            let now = all(shop).await;
            let quiet = ["vigie_deliveries_total", "vigie_events_total", "vigie_connections"];
            if quiet.iter().all(|name| now.since(&before, name).is_empty())
                && now.sum("vigie_outbound_queue_bytes") == 0.0
            {
                return now;
            }
            before = now;
        }
    })
    .await
}

/// Waits until the series of a name have grown to this, over all nodes: what is done may be answered
/// before it is counted.
async fn grown_to(shop: &Shop, before: &Exposition, name: &str, by: Grown<'_>) -> Exposition {
    let expected = expected(by);
    let mut last = BTreeMap::new();
    let grown = tokio::time::timeout(crate::support::PATIENCE, async {
        loop {
            let now = all(shop).await;
            last = now.since(before, name);
            if last == expected {
                return now;
            }
        }
    });
    let grown = grown.await;
    grown.unwrap_or_else(|_| panic!("{name} has grown by {last:?}, not by {expected:?}"))
}

#[track_caller]
fn has_grown(now: &Exposition, before: &Exposition, name: &str, by: Grown<'_>) {
    assert_eq!(now.since(before, name), expected(by), "{name}");
}

fn expected(by: Grown<'_>) -> BTreeMap<String, f64> {
    by.iter().map(|(labels, more)| ((*labels).to_owned(), *more)).collect()
}

#[track_caller]
fn is_not_found(answer: &HttpAnswer, nowhere: &HttpAnswer) {
    assert_eq!((answer.status, &answer.body), (404, &nowhere.body), "{answer:?}");
}

/// As [`exchange`], from another address of this machine.
async fn exchange_from(from: IpAddr, to: SocketAddr, request: &str) -> HttpAnswer {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from, 0)).unwrap();
    let mut stream = socket.connect(to).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within("the whole answer", stream.read_to_string(&mut answer)).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head[9..12].parse().unwrap();
    HttpAnswer { status, head: format!("{head}\r\n"), body: body.to_owned() }
}
