//! HTTP beside the sockets, and what the engine keeps to itself.

use serde_json::{Value, json};
use vigie::identity::Role;

use crate::support::raw::{
    Beside, HttpAnswer, Raw, as_visitor, exchange, get, http_request, signed, upgrade_request,
    with_token,
};
use crate::support::{Shop, Via, known};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_and_readiness_are_told() {
    let shop = Shop::open().await;
    let health = get(&shop, "/healthz", &[]).await;
    assert_eq!((health.status, health.body.trim()), (200, "ok"));
    let ready =
        known("readiness", async || get(&shop, "/readyz", &[]).await, |ready| ready.status == 200);
    let ready = ready.await;
    assert_eq!((ready.status, ready.json()), (200, json!({ "ready": true, "reasons": [] })));
    let index = get(&shop, "/", &[]).await;
    assert!(index.status == 200 && index.body.contains("/ws"), "{index:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_not_found() {
    let shop = Shop::open().await;
    for path in
        ["/nowhere", "/healthz/", "/v1", "/v1/sites/", "/../etc/passwd", "/%00", "/v2/sites/demo"]
    {
        let answer = get(&shop, path, &[]).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
    }
    let post =
        http_request("POST", "/healthz", &[("Connection", "close"), ("Content-Length", "0")]);
    assert_eq!(exchange(shop.http(), post.as_bytes()).await.status, 404);
    let nonsense = exchange(shop.http(), b"\xc1\xc1\xc1\r\n\r\n").await;
    assert_eq!(nonsense.status, 400, "{nonsense:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_is_refused_with_what_to_mend() {
    let shop = Shop::open().await;
    let offer = |value| [("Sec-WebSocket-Protocol", value)];
    let hint = "offer Sec-WebSocket-Protocol: vigie.v1.msgpack or vigie.v1.json";
    let handshake = "not a WebSocket handshake";
    let good = upgrade_request("/ws", &offer("vigie.v1.json"));
    let without = |header: &str| {
        let lines = good.split_inclusive("\r\n").filter(|line| !line.starts_with(header));
        lines.collect::<String>()
    };
    for (name, request, status, problem) in [
        ("another path", upgrade_request("/wss", &offer("vigie.v1.json")), 404, "/ws"),
        ("no subprotocol", upgrade_request("/ws", &[]), 400, hint),
        ("an unknown one", upgrade_request("/ws", &offer("graphql-ws, vigie.v2.json")), 400, hint),
        ("an empty one", upgrade_request("/ws", &offer("")), 400, hint),
        ("one in capitals", upgrade_request("/ws", &offer("VIGIE.V1.JSON")), 400, hint),
        ("no key", without("Sec-WebSocket-Key"), 400, handshake),
        ("no version", without("Sec-WebSocket-Version"), 400, handshake),
        ("an old version", good.replace("Version: 13", "Version: 8"), 400, handshake),
        ("another upgrade", good.replace("websocket", "h2c"), 400, handshake),
        ("no upgrade", http_request("GET", "/ws", &[("Connection", "close")]), 400, handshake),
    ] {
        let answer = exchange(shop.http(), request.as_bytes()).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        assert!(answer.body.contains(problem), "{name}: {answer:?}");
    }
    for (offered, taken) in [
        ("vigie.v1.json", "vigie.v1.json"),
        ("vigie.v2.json,vigie.v1.msgpack, vigie.v1.json", "vigie.v1.msgpack"),
    ] {
        let answer =
            exchange(shop.http(), upgrade_request("/ws", &offer(offered)).as_bytes()).await;
        assert_eq!(answer.status, 101, "{answer:?}");
        let head = answer.head.to_lowercase();
        assert!(head.contains(&format!("sec-websocket-protocol: {taken}\r\n")), "{head}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_widget_learns_of_its_site_from_any_page() {
    let shop = Shop::open().await;
    let site = get(&shop, "/v1/sites/demo", &[("Origin", "https://any.example")]).await;
    assert_eq!(site.status, 200);
    assert!(site.head.to_lowercase().contains("access-control-allow-origin: *"), "{site:?}");
    let bot = &shop.site.settings.bot_name;
    let widget = &shop.site.settings.widget;
    let expected = json!({
        "site": "demo", "name": shop.site.name, "language": "en", "bot_name": bot, "widget": widget,
    });
    assert_eq!(site.json(), expected);
    let widget = &expected["widget"];
    assert_eq!((&widget["position"], &widget["scheme"]), (&json!("right"), &json!("auto")));
    assert!(widget["accent"].as_str().is_some_and(|accent| accent.starts_with('#')), "{widget}");
    for language in ["en", "fr", "lv"] {
        assert!(widget["greeting"][language].as_str().is_some_and(|text| text.contains("Plume")));
    }
    for key in ["nowhere", "Demo", "demo%00", "%27%20or%201=1", &"k".repeat(5000)] {
        is_refused(&get(&shop, &format!("/v1/sites/{key}"), &[]).await, 404, 1005);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_is_read_by_those_who_may_see_it() {
    let shop = Shop::open().await;
    let beside = Beside::begin(&shop, Via::Json).await;
    let mut ann = shop.raw_operator(Via::Json, "ann").await;
    let note = json!({ "session": beside.session, "key": "n", "text": "a remark" });
    ann.call("note", note).await.unwrap();
    let mut visitor = Raw::connected(&shop, Via::Json, beside.tab(&shop.site)).await;
    visitor.call("send", json!({ "key": "k", "text": "hello" })).await.unwrap();

    let operator = signed(&shop.site, Role::Operator, "ann", 60);
    let bot = signed(&shop.site, Role::Bot, "bo", 60);
    for (token, sees_note, sees_start) in
        [(&operator, true, true), (&bot, false, true), (&beside.resume, false, false)]
    {
        let page = read(&shop, &beside.session, "limit=500", token).await;
        assert_eq!(page.status, 200, "{page:?}");
        assert_eq!(page.body.contains("a remark"), sees_note, "{page:?}");
        assert_eq!(page.body.contains("session_started"), sees_start, "{page:?}");
        assert!(page.body.contains("hello"), "{page:?}");
    }
    // The same page as over the socket.
    let params = json!({ "session": beside.session, "after": 1, "limit": 1 });
    let over_socket = ann.call("history", params).await.unwrap();
    let over_http = read(&shop, &beside.session, "after=1&limit=1", &operator).await;
    assert_eq!(over_http.json(), over_socket);
    assert_eq!(over_http.json()["events"][0]["offset"], 2);
    for after in [1_u64 << 60, u64::MAX] {
        let beyond = read(&shop, &beside.session, &format!("after={after}"), &operator).await;
        assert_eq!((beyond.status, beyond.json()), (200, json!({ "events": [] })));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_is_refused_to_all_others() {
    let shop = Shop::open().await;
    let beside = Beside::begin(&shop, Via::Json).await;
    let next_door = shop.neighbour().await;
    let (_stranger, stranger) = Raw::visitor(&shop, Via::Json).await;
    let stranger = stranger["resume"].as_str().unwrap().to_owned();
    let visitor = "6f1d3c52-9a0b-4e57-8c11-2f5a7d9e0b34";
    let good = signed(&shop.site, Role::Operator, "ann", 60);
    for (name, token, status, code) in [
        ("another visitor", stranger, 404, 1020),
        ("another site's operator", signed(&next_door, Role::Operator, "ann", 60), 404, 1020),
        ("another site's bot", signed(&next_door, Role::Bot, "bo", 60), 404, 1020),
        ("another site's visitor", signed(&next_door, Role::Visitor, visitor, 60), 404, 1020),
        ("an expired token", signed(&shop.site, Role::Operator, "ann", -1), 401, 1003),
        ("nonsense", "let me in".to_owned(), 401, 1002),
        ("nothing", String::new(), 401, 1002),
    ] {
        let answer = read(&shop, &beside.session, "", &token).await;
        println!("{name}: {answer:?}");
        is_refused(&answer, status, code);
    }
    let path = format!("/v1/sessions/{}/events", beside.session);
    is_refused(&get(&shop, &path, &[]).await, 401, 1002);
    is_refused(&get(&shop, &path, &[("Authorization", "Basic YTpi")]).await, 401, 1002);
    let lower = format!("bearer {good}");
    assert_eq!(get(&shop, &path, &[("Authorization", &lower)]).await.status, 200);

    for query in
        ["limit=501", "limit=-1", "limit=x", "limit=99999999999999999999", "limit=4294967396"]
    {
        let answer = read(&shop, &beside.session, query, &good).await;
        is_refused(&answer, 400, -32602);
        assert!(answer.body.contains("limit"), "{answer:?}");
    }
    for query in ["after=-1", "after=1.5", "after="] {
        let answer = read(&shop, &beside.session, query, &good).await;
        is_refused(&answer, 400, -32602);
        assert!(answer.body.contains("after"), "{answer:?}");
    }
    is_refused(&read(&shop, "none", "", &good).await, 400, -32602);
    is_refused(&read(&shop, visitor, "", &good).await, 404, 1020);
    beside.ends_unharmed(&shop).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_ever_told() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut shop = Shop::open_verbose(&log).await;
    let operator = signed(&shop.site, Role::Operator, "ann", 600);
    let bot = signed(&shop.site, Role::Bot, "bo", 600);
    let fresh = signed(&shop.site, Role::Operator, "ann", 900);
    let forged = signed(&shop.neighbour().await, Role::Operator, "ann", 600);
    let mut secrets = vec![
        shop.site.secret.clone(),
        operator.clone(),
        bot.clone(),
        fresh.clone(),
        forged.clone(),
    ];
    let mut told: Vec<Value> = vec![];
    for via in [Via::Tcp, Via::WebSocket, Via::Json] {
        let (mut visitor, identity) = Raw::visitor(&shop, via).await;
        let session = json!({ "session": identity["session"] });
        let resume = identity["resume"].as_str().unwrap().to_owned();
        let mut ann = Raw::open(&shop, via).await;
        let mut bo = Raw::open(&shop, via).await;
        let tab = json!({ "protocol": 1, "site": shop.site.key, "resume": resume });
        let mut again = Raw::open(&shop, via).await;
        told.push(ann.call("connect", with_token(&operator)).await.unwrap());
        told.push(bo.call("connect", with_token(&bot)).await.unwrap());
        // Their own is theirs to know.
        again.call("connect", tab).await.unwrap();
        told.push(
            Raw::open(&shop, via)
                .await
                .refused("connect", with_token(&(operator.clone() + "x")))
                .await,
        );
        let both = json!({ "protocol": 1, "site": shop.site.key, "token": operator });
        told.push(Raw::open(&shop, via).await.refused("connect", both).await);
        told.push(ann.refused("refresh", json!({ "token": forged })).await);
        told.push(ann.call("refresh", json!({ "token": fresh })).await.unwrap());
        told.push(ann.call("watch", json!({})).await.unwrap());
        told.push(ann.call("subscribe", session.clone()).await.unwrap());
        told.push(bo.call("serve", json!({})).await.unwrap());
        shop.all_know().await;
        visitor.call("send", json!({ "key": "k", "text": "hello" })).await.unwrap();
        let turn = bo.told("turn").await;
        let answer = json!({ "session": turn["session"], "epoch": turn["epoch"], "turn": turn["turn"], "text": "hi" });
        told.push(bo.call("answer", answer).await.unwrap());
        told.push(ann.call("take_over", session.clone()).await.unwrap());
        told.push(ann.call("release", session.clone()).await.unwrap());
        told.push(ann.call("history", session.clone()).await.unwrap());
        told.push(ann.call("operators", json!({})).await.unwrap());
        for token in [&operator, &bot, &resume, &forged] {
            let page = read(&shop, identity["session"].as_str().unwrap(), "", token).await;
            told.push(json!([page.head, page.body]));
        }
        for client in [&visitor, &ann, &bo, &again] {
            told.extend(client.told.iter().map(|(_, params)| params.clone()));
        }
        secrets.push(resume);
    }
    let site = get(&shop, "/v1/sites/demo", &[]).await;
    told.push(json!([site.head, site.body]));
    let in_query = get(&shop, &format!("/v1/sites/demo?token={operator}"), &[]).await;
    told.push(json!([in_query.head, in_query.body]));
    told.push(Raw::open(&shop, Via::Json).await.refused("send", as_visitor(&shop.site)).await);
    shop.close().await;

    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the log says all there is to say");
    let told = Value::from(told).to_string();
    for secret in secrets {
        assert!(!told.contains(&secret), "told: {}", around(&told, &secret));
        assert!(!log.contains(&secret), "logged: {}", around(&log, &secret));
    }
}

fn around<'a>(text: &'a str, secret: &str) -> &'a str {
    let at = text.find(secret).unwrap_or_default();
    &text[text.floor_char_boundary(at.saturating_sub(300))..at]
}

async fn read(shop: &Shop, session: &str, query: &str, token: &str) -> HttpAnswer {
    let bearer = format!("Bearer {token}");
    let path = format!("/v1/sessions/{session}/events?{query}");
    get(shop, &path, &[("Authorization", &bearer)]).await
}

#[track_caller]
fn is_refused(answer: &HttpAnswer, status: u16, code: i64) {
    let error = answer.json();
    assert_eq!((answer.status, error["code"].as_i64()), (status, Some(code)), "{answer:?}");
    assert!(error["message"].is_string() && error["retry"].is_boolean(), "{answer:?}");
}
