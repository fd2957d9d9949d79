//! Every input of the fuzz targets' corpora, through the same functions, on any compiler.
//!
//! A corpus holds the seeds made here and, beside them, what fuzzing has found wrong since: put
//! such an input into `protocol/fuzz/corpus/<target>/` under a name that says what it is. After a
//! change of the seeds write them anew:
//!
//!     VIGIE_WRITE_SEEDS=1 cargo test -p vigie-protocol --test corpus

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Value, json};
use vigie_protocol::MESSAGE_DEPTH_MAX;
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::rpc::{Encoding, Id, notification, request, response};

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

type Seed = (String, Vec<u8>);

#[test]
fn every_input_of_every_corpus_is_taken_as_promised() {
    for (target, run) in fuzz::TARGETS {
        let inputs: Vec<_> = fs::read_dir(corpus(target)).expect("a corpus").collect();
        assert!(inputs.len() >= 10, "the corpus of {target} is nearly empty");
        for input in inputs {
            let path = input.expect("a file").path();
            println!("{}", path.display());
            run(&fs::read(path).expect("a readable file"));
        }
    }
}

#[test]
fn the_seeds_in_the_corpora_are_those_that_are_made_here() {
    let write = std::env::var_os("VIGIE_WRITE_SEEDS").is_some();
    for (target, seeds) in seeds() {
        for (name, bytes) in seeds {
            let path = corpus(target).join(&name);
            if write {
                fs::create_dir_all(corpus(target)).expect("a corpus");
                fs::write(&path, &bytes).expect("a writable file");
            }
            let kept = fs::read(&path).unwrap_or_default();
            assert!(kept == bytes, "{target}/{name} is stale: see the head of this file");
        }
    }
}

fn corpus(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

fn seeds() -> Vec<(&'static str, Vec<Seed>)> {
    vec![
        ("scanner", streams()),
        ("messagepack", [messages(Encoding::MessagePack), bad_messagepack()].concat()),
        ("json", [messages(Encoding::Json), bad_json()].concat()),
        ("event", [events(), bad_events()].concat()),
    ]
}

fn seed(name: &str, bytes: impl Into<Vec<u8>>) -> Seed {
    (name.to_owned(), bytes.into())
}

fn pack(value: &impl Serialize) -> Vec<u8> {
    rmp_serde::to_vec_named(value).expect("a value can be packed")
}

/// Arrays of one within each other.
fn nested(depth: usize) -> Vec<u8> {
    [vec![0x91; depth], vec![0xc0]].concat()
}

/// Streams, each behind the sizes less one of the pieces that it arrives in.
fn streams() -> Vec<Seed> {
    let ping = request(Encoding::MessagePack, 1, "ping", &json!({}));
    let typing = notification(Encoding::MessagePack, "typing", &json!({ "text": "hel" }));
    let send = request(Encoding::MessagePack, 2, "send", &json!({ "key": "k", "text": "hello" }));
    let three = [ping.clone(), typing, send.clone()].concat();
    let heads: Vec<u8> = [
        &[0xc0, 0xc2, 0xc3, 0x7f, 0xe0, 0x80, 0x90, 0xa0, 0xcc, 1, 0xcd, 1, 2][..],
        &[0xce, 1, 2, 3, 4, 0xcf, 1, 2, 3, 4, 5, 6, 7, 8, 0xca, 0, 0, 0, 0, 0xd0, 1, 0xd1, 1, 2],
        &[0xcb, 0, 0, 0, 0, 0, 0, 0, 0, 0xd4, 1, 1, 0xd5, 1, 1, 2, 0xd6, 1, 1, 2, 3, 4],
        &[0xc4, 1, 9, 0xc5, 0, 1, 9, 0xc6, 0, 0, 0, 1, 9, 0xc7, 1, 5, 9, 0xc8, 0, 1, 5, 9],
        &[0xd9, 1, b'a', 0xda, 0, 1, b'a', 0xdb, 0, 0, 0, 1, b'a', 0xdc, 0, 1, 0xc0],
        &[0xdd, 0, 0, 0, 1, 0xc0, 0xde, 0, 1, 0xa1, b'a', 0xc0, 0xdf, 0, 0, 0, 0],
    ]
    .concat();
    // The longest map, array and string whose length stands in their first byte.
    let full = pack(&(["a"; 15], "b".repeat(31), BTreeMap::from_iter((0..15).map(|n| (n, n)))));
    let after = |pieces: &[u8], stream: &[u8]| [&[pieces.len() as u8], pieces, stream].concat();
    vec![
        seed("empty", []),
        seed("three-at-once", after(&[255], &three)),
        seed("three-byte-by-byte", after(&[], &three)),
        seed("three-in-odd-pieces", after(&[0, 6, 2, 12], &three)),
        seed("truncated", after(&[4], &send[..send.len() - 3])),
        seed("truncated-in-a-head", after(&[0], &[0x93, 0xdb, 0, 0])),
        seed("every-head", after(&[1, 2, 0], &heads)),
        seed("full-short-forms", after(&[16], &full)),
        seed("announces-a-long-string", after(&[], &[0xdb, 0x40, 0, 0, 0])),
        seed("announces-long-bytes", after(&[], &[0xc6, 0xff, 0xff, 0xff, 0xff])),
        seed("announces-a-long-extension", after(&[], &[0xc9, 0xff, 0xff, 0xff, 0xff, 1])),
        seed("announces-a-long-array", after(&[], &[0xdd, 0xff, 0xff, 0xff, 0xff])),
        seed("announces-a-long-map", after(&[], &[0xdf, 0x80, 0, 0, 0])),
        seed("announces-just-too-much", after(&[], &[0xdd, 0, 0, 0xff, 0xfc])),
        seed("as-deep-as-allowed", after(&[3], &nested(MESSAGE_DEPTH_MAX))),
        seed("too-deep", after(&[3], &nested(MESSAGE_DEPTH_MAX + 1))),
        seed("the-unused-byte", after(&[9], &[ping, vec![0xc1]].concat())),
    ]
}

/// Messages as they should be, and with contents that should not be.
fn messages(encoding: Encoding) -> Vec<Seed> {
    let session = "018f3c9a-7b1e-7d2a-9c4e-5f6a7b8c9d0e";
    let calls = [
        (
            "connect-visitor",
            "connect",
            json!({ "protocol": 1, "site": "demo", "language": "fr",
            "page": { "url": "https://shop.example/", "title": "Chaises" }, "features": ["x"] }),
        ),
        ("connect-operator", "connect", json!({ "protocol": 1, "token": "a.b.c" })),
        ("send", "send", json!({ "key": "k1", "text": "Où est ma commande ?" })),
        (
            "send-as-operator",
            "send",
            json!({ "session": session, "key": "k", "text": "Bonjour",
            "seen": 7, "confirm": true }),
        ),
        ("send-forged", "send", json!({ "key": "k", "text": "t", "author": "operator" })),
        ("send-wrong-types", "send", json!({ "key": 5, "text": ["t"], "seen": -1 })),
        ("subscribe", "subscribe", json!({ "session": session, "offset": 12 })),
        (
            "watch",
            "watch",
            json!({ "window": { "show": "waiting", "sort": "activity",
            "search": "firefox lv", "first": 50 } }),
        ),
        ("take-over", "take_over", json!({ "session": session, "force": true, "reason": "r" })),
        (
            "answer",
            "answer",
            json!({ "session": session, "epoch": 3, "turn": 9, "text": "Yes.",
            "choices": [{ "label": "A human", "action": "request_human" }] }),
        ),
        (
            "connect-with-data",
            "connect",
            json!({ "protocol": 1, "site": "demo", "data": { "plan": "pro", "name": "Ann" } }),
        ),
        ("set-data", "set_data", json!({ "data": { "cart": "3 items", "": "é" } })),
        ("set-data-wrong-types", "set_data", json!({ "data": { "n": 5, "in": [{}] } })),
        ("rate", "rate", json!({ "score": 5, "comment": "Merci" })),
        ("rate-beyond-a-byte", "rate", json!({ "score": 256 })),
        ("close-own", "close", json!({})),
        ("past", "past", json!({ "session": session, "before": 300, "limit": 20 })),
        (
            "watch-further-down",
            "watch",
            json!({ "window": { "skip": 9950, "first": 50, "alerts": "all" } }),
        ),
        ("unknown-method", "fly_to_the_moon", json!({ "when": "now" })),
        ("unknown-field", "ping", json!({ "later": [1.5, null, { "x": false }] })),
    ];
    let author = json!({ "kind": "operator", "id": "ann", "name": "Ann" });
    let pushes = [
        (
            "push-event",
            "event",
            json!({ "session": session, "offset": 5, "prev": 3, "time": 1,
            "author": author, "body": { "type": "message", "text": "Hi", "epoch": 2 } }),
        ),
        (
            "push-unknown-event",
            "event",
            json!({ "session": session, "offset": 5, "prev": 3,
            "time": 1, "author": { "kind": "alien" }, "body": { "type": "landed", "n": [1] } }),
        ),
        (
            "push-live",
            "live",
            json!({ "revision": 2, "upsert": [card(session)],
            "remove": [session], "totals": totals() }),
        ),
        (
            "push-live-with-alerts",
            "live",
            json!({ "revision": 3, "totals": totals(), "quiet": [session],
            "alerts": [{ "kind": "new", "card": card(session) },
                { "kind": "moon_landed", "card": card(session) }] }),
        ),
        (
            "push-turn",
            "turn",
            json!({ "session": session, "epoch": 1, "turn": 4, "messages": [],
            "timeout": 30000 }),
        ),
        ("push-status", "status", json!({ "degraded": true })),
        ("push-bye", "bye", json!({ "code": 4001, "reason": "slow", "reconnect": true })),
        ("typing", "typing", json!({ "text": "He" })),
    ];
    let refusal = RpcError::new(ErrorCode::Busy, "later").with_data(json!({ "n": 1 }));
    let watching = json!({ "revision": 1, "cards": [card(session)], "totals": totals() });
    let mut seeds = vec![
        seed("result", response(encoding, &Id::Number(7), &Ok(watching))),
        seed("refusal", response(encoding, &Id::Number(7), &Err::<Value, _>(refusal))),
    ];
    for (name, method, params) in calls {
        seeds.push(seed(name, request(encoding, 7, method, &params)));
    }
    for (name, method, params) in pushes {
        seeds.push(seed(name, notification(encoding, method, &params)));
    }
    let send = request(encoding, 7, "send", &json!({ "key": "k1", "text": "hello" }));
    seeds.push(seed("truncated", &send[..send.len() - 4]));
    seeds.push(seed("two-at-once", [send.clone(), send].concat()));
    seeds
}

fn card(session: &str) -> Value {
    json!({
        "session": session, "visitor": session, "started": 1, "country": "LV",
        "device": "mobile", "browser": "Firefox 140", "messages": 1, "bot": "idle",
        "last": { "from": "visitor", "text": "Hi", "time": 2, "offset": 2 }, "online": true,
        "control": { "epoch": 1, "holder": { "kind": "bot" }, "since": 1 }, "offset": 2,
    })
}

fn totals() -> Value {
    json!({ "all": 1, "waiting": 0, "bot": 1, "mine": 0, "others": 0, "matching": 1 })
}

fn bad_messagepack() -> Vec<Seed> {
    let map = json!({});
    vec![
        seed("no-message", [0x01]),
        seed("empty-array", [0x90]),
        seed("unknown-kind", pack(&(9, 1, "ping", [&map]))),
        seed("id-is-text", pack(&(0, "a", "ping", [&map]))),
        seed("id-too-large", pack(&(0, u64::MAX, "ping", [&map]))),
        seed("method-is-a-number", pack(&(0, 1, 5, [&map]))),
        seed("method-is-bytes", [&[0x94, 0, 1, 0xc4, 4][..], b"ping", &[0x90]].concat()),
        seed("method-is-not-utf8", [0x94, 0, 1, 0xa2, 0xff, 0xfe, 0x90]),
        seed("params-absent", pack(&(0, 1, "ping", Vec::<u8>::new()))),
        seed("params-are-two", pack(&(0, 1, "ping", [&map, &map]))),
        seed("params-are-a-map", pack(&(0, 1, "ping", &map))),
        seed("params-of-a-list", pack(&(0, 1, "ping", [[1, 2]]))),
        seed("a-key-is-a-number", [&[0x94, 0, 1, 0xa4][..], b"send", &[0x91, 0x81, 5, 6]].concat()),
        seed(
            "long-forms",
            [
                &[0xdd, 0, 0, 0, 4, 0xcc, 0, 0xce, 0, 0, 0, 1, 0xdb, 0, 0, 0, 4][..],
                b"ping",
                &[0xdc, 0, 1, 0xdf, 0, 0, 0, 0],
            ]
            .concat(),
        ),
        seed(
            "announces-a-gigabyte",
            [
                &[0x94, 0, 1, 0xa4][..],
                b"send",
                &[0x91, 0x81, 0xa4, b't', b'e', b'x', b't', 0xdb, 0x40, 0, 0, 0],
            ]
            .concat(),
        ),
        seed("too-deep", [&[0x93, 2, 0xa4][..], b"ping", &nested(MESSAGE_DEPTH_MAX)].concat()),
        seed("the-unused-byte", [0x93, 2, 0xa1, b'x', 0xc1]),
    ]
}

fn bad_json() -> Vec<Seed> {
    let deep = |open: &str, close: &str| {
        let (open, close) = (open.repeat(MESSAGE_DEPTH_MAX), close.repeat(MESSAGE_DEPTH_MAX));
        format!(r#"{{"jsonrpc":"2.0","method":"typing","params":{open}1{close}}}"#)
    };
    let rpc = |rest: &str| format!(r#"{{"jsonrpc":"2.0",{rest}}}"#);
    vec![
        seed("empty", []),
        seed("not-json", "{'a': 1}"),
        seed("not-utf8", b"\"\xff\""),
        seed("batch", r#"[{"jsonrpc":"2.0","id":1,"method":"ping","params":{}}]"#),
        seed("another-version", r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#),
        seed("id-is-null", rpc(r#""id":null,"method":"ping""#)),
        seed("id-is-text", rpc(r#""id":"a","method":"ping""#)),
        seed("id-is-long", rpc(&format!(r#""id":"{}","method":"ping""#, "x".repeat(65)))),
        seed("id-is-negative", rpc(r#""id":-1,"method":"ping""#)),
        seed("id-is-a-fraction", rpc(r#""id":1.5,"method":"ping""#)),
        seed("method-is-escaped", rpc(r#""id":1,"method":"\u0070ing","params":{}"#)),
        seed("method-twice", rpc(r#""id":1,"method":"ping","method":"send""#)),
        seed("params-are-a-list", rpc(r#""id":1,"method":"ping","params":[{}]"#)),
        seed("half-a-surrogate", rpc(r#""id":1,"method":"typing","params":{"text":"\ud800"}"#)),
        seed("great-numbers", rpc(r#""id":1,"method":"subscribe","params":{"offset":1e999}"#)),
        seed("result-is-null", rpc(r#""id":1,"result":null"#)),
        seed("result-and-error", rpc(r#""id":1,"result":{},"error":{}"#)),
        seed("foreign-error", rpc(r#""id":null,"error":"no""#)),
        seed("too-deep-in-lists", deep("[", "]")),
        seed("too-deep-in-objects", deep(r#"{"a":"#, "}")),
        seed("brackets-in-a-string", rpc(r#""method":"typing","params":{"text":"[[[{{{\"[["}"#)),
    ]
}

/// One of every type of event.
fn events() -> Vec<Seed> {
    let context = json!({ "country": "LV", "device": "desktop", "language": "lv",
        "page": { "url": "https://shop.example/" } });
    let (bot, ann) = (json!({ "kind": "bot" }), json!({ "kind": "operator", "name": "Ann" }));
    let visitor = "018f3c9a-7b1e-7d2a-9c4e-5f6a7b8c9d0e";
    let bodies = [
        json!({ "type": "session_started", "visitor": visitor, "ordinal": 1, "context": context }),
        json!({ "type": "visitor_returned", "context": context }),
        json!({ "type": "visitor_left" }),
        json!({ "type": "page_viewed", "page": { "url": "https://shop.example/a", "title": "A" } }),
        json!({ "type": "message", "text": "Hi", "epoch": 1, "key": "k", "turn": 4,
            "choices": [{ "label": "More" }] }),
        json!({ "type": "note", "text": "VIP", "key": "n1" }),
        json!({ "type": "human_requested" }),
        json!({ "type": "control_changed", "epoch": 2, "holder": ann, "previous": bot,
            "cause": "take_over", "reason": "r", "notice": "n" }),
        json!({ "type": "bot_failed", "epoch": 1, "turn": 4, "reason": "timeout" }),
        json!({ "type": "session_closed", "cause": "away" }),
        json!({ "type": "data_changed", "data": { "plan": "pro", "panier": "é" } }),
        json!({ "type": "session_rated", "score": 4, "comment": "Merci" }),
        json!({ "type": "moon_landed", "crew": ["a", "b"], "height": 1.25, "n": { "x": null } }),
    ];
    let mut seeds = Vec::new();
    for body in bodies {
        let name = body["type"].as_str().expect("a type").replace('_', "-");
        let event = event(json!({ "kind": "system" }), body);
        seeds.push(seed(&name, pack(&event)));
    }
    seeds
}

fn event(author: Value, body: Value) -> Value {
    json!({ "offset": 3, "time": 1_700_000_000_000_u64, "author": author, "body": body })
}

fn bad_events() -> Vec<Seed> {
    let system = json!({ "kind": "system" });
    let message = json!({ "type": "message", "text": "Hi", "epoch": 1 });
    let whole = pack(&event(system.clone(), message.clone()));
    let deep = (0..MESSAGE_DEPTH_MAX - 2).fold(json!(1), |inner, _| json!([inner]));
    // An event up to where the value of a field that nobody knows begins.
    let head = b"\x84\xa4body\x82\xa4type\xa1x\xa2in".to_vec();
    vec![
        seed("empty", []),
        seed("truncated", &whole[..whole.len() - 5]),
        seed("unknown-author", pack(&event(json!({ "kind": "alien", "x": 1 }), message.clone()))),
        seed("author-without-kind", pack(&event(json!({}), message))),
        seed("wrong-types", pack(&event(system.clone(), json!({ "type": "note", "text": 5 })))),
        seed("type-is-a-number", pack(&event(system.clone(), json!({ "type": 5 })))),
        seed("no-type", pack(&event(system.clone(), json!({})))),
        seed("body-is-a-list", pack(&event(system.clone(), json!(["visitor_left"])))),
        seed("as-deep-as-allowed", pack(&event(system, json!({ "type": "deep", "in": deep })))),
        seed("endlessly-deep", [head.clone(), vec![0x91; 2000]].concat()),
        seed("announces-a-gigabyte", [head, vec![0xdd, 0x40, 0, 0, 0]].concat()),
        seed("as-a-list", pack(&(3, 4, ("system",), ("visitor_left",)))),
    ]
}
