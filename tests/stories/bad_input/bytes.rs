//! Bytes that are no messages, and messages that come in pieces (RP, TR, ER7 to ER10).

use serde_json::{Value, json};

use crate::support::raw::{
    BINARY, Beside, Heard, PING, Raw, TEXT, encoded, fragments, frame, frame_head, framed, request,
};
use crate::support::{Shop, Via, over_every_transport};

/// What is to become of bad input.
#[derive(Debug)]
enum Fate {
    /// The connection is closed with this code.
    Closed(u64),
    /// An error is answered under this id; the connection stays.
    Refused(Value, i64),
    /// An `error` notification names this method; the connection stays.
    Told(&'static str),
    /// The request with this id is carried out.
    Answered(Value),
    /// Nothing comes of it; the connection stays.
    Ignored,
}

use Fate::{Answered, Closed, Ignored, Refused, Told};

over_every_transport! {
    async fn what_is_no_message_is_refused_and_harms_nobody_else(via) {
        let shop = Shop::open().await;
        let mut beside = Beside::begin(&shop, via).await;
        for (name, bytes, fate) in messages(via) {
            let mut raw = Raw::connected(&shop, via, beside.tab(&shop.site)).await;
            raw.write(&bytes).await;
            meets(&mut raw, name, fate).await;
            beside.goes_on().await;
        }
        beside.ends_unharmed(&shop).await;
    }
}

over_every_transport! {
    async fn a_message_may_come_in_pieces_with_silence_between(via) {
        let settings = [("GATEWAY__CONNECT_TIMEOUT_MS", "3000")];
        let shop = Shop::open_with(&settings).await;
        let (mut whole, _) = Raw::visitor(&shop, via).await;

        let message = framed(via, &request(via, 70, "ping", json!({})));
        let (half, rest) = message.split_at(message.len() / 2);
        whole.write(half).await;

        // Somebody who never finishes their first message is let go: the other outlives them.
        let mut stranger = Raw::open(&shop, via).await;
        let connect = json!({ "protocol": 1, "site": shop.site.key });
        let connect = framed(via, &request(via, 1, "connect", connect));
        stranger.write(&connect[..connect.len() - 1]).await;
        assert_eq!(stranger.closed().await, 4003);

        whole.write(rest).await;
        assert_eq!(whole.answer_to(70).await, Ok(json!({})));
        for byte in message {
            whole.write(&[byte]).await;
        }
        assert_eq!(whole.answer_to(70).await, Ok(json!({})));
    }
}

over_every_transport! {
    async fn a_client_that_vanishes_within_a_message_takes_nothing_with_it(via) {
        let shop = Shop::open().await;
        let mut beside = Beside::begin(&shop, via).await;
        let say = json!({ "key": "half", "text": "never said" });
        let message = framed(via, &request(via, 5, "send", say));
        for length in 1..message.len() {
            let mut raw = Raw::connected(&shop, via, beside.tab(&shop.site)).await;
            raw.write(&message[..length]).await;
            drop(raw);
        }
        beside.goes_on().await;
        let mut tab = Raw::connected(&shop, via, beside.tab(&shop.site)).await;
        let page = tab.call("history", json!({ "limit": 500 })).await.unwrap();
        assert!(!page.to_string().contains("never said"), "{page}");
        beside.ends_unharmed(&shop).await;
    }
}

async fn meets(raw: &mut Raw, name: &str, fate: Fate) {
    println!("{name}: {fate:?}");
    match fate {
        Closed(code) => {
            assert_eq!(raw.closed().await, code, "{name}");
            return;
        }
        Refused(id, code) => {
            let error = raw.answer_to(id).await.expect_err(name);
            assert_eq!(error["code"], code, "{name}: {error}");
            assert!(error["message"].as_str().unwrap().len() > 10, "{name}: {error}");
        }
        Told(method) => {
            let told = raw.told("error").await;
            assert_eq!(told["method"], method, "{name}: {told}");
            assert_eq!(told["error"]["code"], -32600, "{name}: {told}");
        }
        Answered(id) => drop(raw.answer_to(id).await.expect(name)),
        Ignored => {}
    }
    raw.is_usable().await;
}

type Case = (&'static str, Vec<u8>, Fate);

/// What goes over the socket, and what is to become of it.
fn messages(via: Via) -> Vec<Case> {
    let mut cases: Vec<Case> = match via {
        Via::Json => json_texts(),
        Via::Tcp | Via::WebSocket => messagepack_values(),
    };
    for (_, bytes, _) in &mut cases {
        *bytes = framed(via, bytes);
    }
    for (name, length, fate) in [
        ("as long as allowed", 65_536, Answered(json!(9))),
        ("a byte longer than allowed", 65_537, Closed(4501)),
        ("far longer than allowed", 1_000_000, Closed(4501)),
    ] {
        cases.push((name, framed(via, &padded(via, length)), fate));
    }
    match via {
        Via::Tcp => {}
        Via::WebSocket => {
            let ping = |id| request(via, id, "ping", json!({}));
            let half = &ping(9)[..4];
            cases.extend([
                ("two in one frame", framed(via, &[ping(8), ping(9)].concat()), Answered(json!(9))),
                (
                    "one and a half in one frame",
                    framed(via, &[&ping(8), half].concat()),
                    Closed(4500),
                ),
                ("half in one frame", framed(via, half), Closed(4500)),
                ("text", frame(TEXT, b"[0,9,\"ping\",[]]"), Closed(4500)),
            ]);
            cases.extend(frames(via));
        }
        Via::Json => {
            cases.push(("binary", frame(BINARY, &padded(via, 100)), Closed(4500)));
            cases.extend(frames(via));
        }
    }
    cases
}

/// A ping with the id 9 that is exactly this long, by a parameter that nobody knows.
fn padded(via: Via, length: usize) -> Vec<u8> {
    let of = |padding: usize| request(via, 9, "ping", json!({ "padding": "x".repeat(padding) }));
    let shell = of(70_000).len() - 70_000;
    let guess = of(length - shell);
    of(length - shell + length - guess.len())
}

/// Wrong WebSocket frames, and right ones that are rare.
fn frames(via: Via) -> Vec<Case> {
    let kind = if via == Via::Json { TEXT } else { BINARY };
    let other = if via == Via::Json { BINARY } else { TEXT };
    let ping = request(via, 9, "ping", json!({}));
    let in_pieces = |kind, message: &[u8], each| fragments(kind, message, each);
    let between = in_pieces(kind, &ping, 7).join(&frame(PING, b"alive?")[..]);
    let new_within = [in_pieces(kind, &ping, 7).remove(0), frame(kind, &ping)].concat();
    vec![
        ("in fragments", in_pieces(kind, &ping, 7).concat(), Answered(json!(9))),
        ("a fragment per byte", in_pieces(kind, &ping, 1).concat(), Answered(json!(9))),
        ("pings between fragments", between, Answered(json!(9))),
        ("a new message within a fragmented one", new_within, Closed(4500)),
        ("fragments of the other kind", in_pieces(other, &ping, 7).concat(), Closed(4500)),
        ("fragments that never end", in_pieces(kind, &[b' '; 70_000], 1000).concat(), Closed(4501)),
        ("the end of no message", frame(0x80, &ping), Closed(4500)),
        (
            "not masked",
            [frame_head(kind, 0, ping.len() as u64), ping.clone()].concat(),
            Closed(4500),
        ),
        ("a reserved opcode", frame(0x83, &ping), Closed(4500)),
        ("a reserved bit", frame(kind | 0x40, &ping), Closed(4500)),
        ("a long WebSocket ping", frame(PING, &[0; 126]), Closed(4500)),
        ("a frame that announces a gigabyte", head(kind, 1 << 30), Closed(4501)),
        ("a frame that announces everything", head(kind, u64::MAX), Closed(4501)),
        ("a pong that nobody asked for", frame(0x8a, b"x"), Ignored),
    ]
}

/// The head of a frame with its mask, and no more.
fn head(kind: u8, length: u64) -> Vec<u8> {
    [frame_head(kind, 0x80, length), vec![1, 2, 3, 4, 5]].concat()
}

fn messagepack_values() -> Vec<Case> {
    let value = |value: Value| encoded(Via::Tcp, &value);
    // The message, its parameters and their map are three levels.
    let deep = |levels: usize| json!([0, 9, "ping", [{ "x": nested_value(levels - 3) }]]);
    let nested = |levels: usize| [vec![0x91; levels], vec![1]].concat();
    vec![
        ("the reserved byte", vec![0xc1], Closed(4500)),
        ("the reserved byte within", vec![0x94, 0, 9, 0xc1], Closed(4500)),
        ("garbage", vec![0xff; 64], Closed(4500)),
        ("an HTTP request", b"GET / HTTP/1.1\r\n\r\n".to_vec(), Closed(4500)),
        ("nil", value(json!(null)), Closed(4500)),
        ("a map", value(json!({ "method": "ping" })), Closed(4500)),
        ("an empty array", value(json!([])), Closed(4500)),
        ("16 levels of nothing", nested(16), Closed(4500)),
        ("17 levels", nested(17), Closed(4501)),
        ("a million levels", nested(1_000_000), Closed(4501)),
        ("16 levels of a request", value(deep(16)), Answered(json!(9))),
        ("17 levels of a request", value(deep(17)), Closed(4501)),
        ("a text of a gigabyte", vec![0xdb, 0x40, 0, 0, 0], Closed(4501)),
        ("bytes of a gigabyte", vec![0xc6, 0x40, 0, 0, 0], Closed(4501)),
        ("an extension of a gigabyte", vec![0xc9, 0x40, 0, 0, 0, 1], Closed(4501)),
        ("an array of four billions", vec![0xdd, 0xff, 0xff, 0xff, 0xff], Closed(4501)),
        ("a map of four billions", vec![0xdf, 0xff, 0xff, 0xff, 0xff], Closed(4501)),
        ("a gigabyte within", vec![0x94, 0, 9, 0xdb, 0x40, 0, 0, 0], Closed(4501)),
        ("another type of message", value(json!([3, 9, "ping", []])), Closed(4500)),
        ("a type of message in text", value(json!(["0", 9, "ping", []])), Closed(4500)),
        ("too few elements", value(json!([0, 9])), Closed(4500)),
        ("an id in text", value(json!([0, "9", "ping", []])), Closed(4500)),
        ("a negative id", value(json!([0, -1, "ping", []])), Closed(4500)),
        ("an id of 33 bits", value(json!([0, 1_u64 << 32, "ping", []])), Closed(4500)),
        ("a fractional id", value(json!([0, 1.5, "ping", []])), Closed(4500)),
        ("an id of nil", value(json!([0, null, "ping", []])), Closed(4500)),
        ("the largest id", value(json!([0, u32::MAX, "ping", []])), Answered(json!(u32::MAX))),
        ("a number for a method", value(json!([0, 9, 7, []])), Refused(json!(9), -32600)),
        ("nil for a method", value(json!([0, 9, null, []])), Refused(json!(9), -32600)),
        ("a list for a method", value(json!([0, 9, ["ping"], []])), Refused(json!(9), -32600)),
        (
            "a method that is not UTF-8",
            vec![0x94, 0, 9, 0xa2, 0xff, 0xfe, 0x90],
            Refused(json!(9), -32600),
        ),
        ("a number for parameters", value(json!([0, 9, "ping", 5])), Refused(json!(9), -32600)),
        ("nil for parameters", value(json!([0, 9, "ping", null])), Refused(json!(9), -32600)),
        ("a bare map", value(json!([0, 9, "ping", {}])), Refused(json!(9), -32600)),
        ("a list of a number", value(json!([0, 9, "ping", [1]])), Refused(json!(9), -32600)),
        ("two maps", value(json!([0, 9, "ping", [{}, {}]])), Refused(json!(9), -32600)),
        ("no parameters", value(json!([0, 9, "ping", []])), Answered(json!(9))),
        (
            "a method as bytes",
            vec![0x94, 0, 9, 0xc4, 4, b'p', b'i', b'n', b'g', 0x90],
            Answered(json!(9)),
        ),
        ("an unknown method", value(json!([0, 9, "fly", [{}]])), Refused(json!(9), -32601)),
        ("a method without a name", value(json!([0, 9, "", [{}]])), Refused(json!(9), -32601)),
        (
            "an endless method",
            value(json!([0, 9, "\u{1}".repeat(60_000), [{}]])),
            Refused(json!(9), -32601),
        ),
        (
            "an unknown parameter",
            value(json!([0, 9, "ping", [{ "later": [1] }]])),
            Answered(json!(9)),
        ),
        ("a response to nothing", value(json!([1, 9, null, {}])), Ignored),
        ("an error to nothing", value(json!([1, 9, "oh", null])), Ignored),
        ("a response without id", value(json!([1, null, null, {}])), Closed(4500)),
        ("a notification of a number", value(json!([2, 7, []])), Closed(4500)),
        ("a greeting of another kind", value(json!([2, "hello", ["x", 7, {}]])), Told("hello")),
        ("a bare signal", value(json!([2, "typing", "x"])), Told("typing")),
        ("an unknown notification", value(json!([2, "fly", [{}]])), Told("fly")),
        (
            "a request as a notification",
            value(json!([2, "send", [{ "key": "n", "text": "no" }]])),
            Told("send"),
        ),
        (
            "a wrong request as a notification",
            value(json!([2, "send", [{ "key": 5 }]])),
            Told("send"),
        ),
    ]
}

fn nested_value(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!([inner]))
}

fn json_texts() -> Vec<Case> {
    let text = |text: &str| text.as_bytes().to_vec();
    let ping = |id: &str| text(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#));
    let with = |rest: &str| text(&format!(r#"{{"jsonrpc":"2.0","id":9,{rest}}}"#));
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let null = || json!(null);
    let long_id = |length: usize| format!("{:?}", "i".repeat(length));
    let endless = format!(r#""method":"{}""#, "\\u0001".repeat(10_000));
    vec![
        ("nothing", text(""), Refused(null(), -32700)),
        ("garbage", text("hello?"), Refused(null(), -32700)),
        ("half an object", text(r#"{"jsonrpc":"2.0","#), Refused(null(), -32700)),
        ("an object and more", text(r#"{"jsonrpc":"2.0","id":9} {}"#), Refused(null(), -32700)),
        ("not UTF-8", vec![b'"', 0xff, b'"'], Refused(null(), -32700)),
        ("a lone surrogate", with(r#""method":"\ud800""#), Refused(json!(9), -32600)),
        ("null", text("null"), Refused(null(), -32600)),
        ("a number", text("1e999"), Refused(null(), -32600)),
        ("an empty list", text("[]"), Refused(null(), -32600)),
        ("a batch", [b"[", &ping("9")[..], b"]"].concat(), Refused(null(), -32600)),
        ("a list of its fields", text(r#"["2.0",9,"ping",{}]"#), Refused(null(), -32600)),
        ("an empty object", text("{}"), Refused(null(), -32600)),
        ("17 levels", text(&nested(17)), Closed(4501)),
        ("30,000 levels", text(&nested(30_000)), Closed(4501)),
        (
            "14 levels in two",
            with(&format!(r#""method":"ping","params":{{"x":{}}}"#, nested(14))),
            Answered(json!(9)),
        ),
        (
            "15 levels in two",
            with(&format!(r#""method":"ping","params":{{"x":{}}}"#, nested(15))),
            Closed(4501),
        ),
        ("no version", text(r#"{"id":9,"method":"ping"}"#), Refused(json!(9), -32600)),
        (
            "an old version",
            text(r#"{"jsonrpc":"1.0","id":9,"method":"ping"}"#),
            Refused(json!(9), -32600),
        ),
        (
            "a version in numbers",
            text(r#"{"jsonrpc":2.0,"id":9,"method":"ping"}"#),
            Refused(json!(9), -32600),
        ),
        ("an id of null", ping("null"), Refused(null(), -32600)),
        ("a fractional id", ping("1.5"), Refused(null(), -32600)),
        ("a negative id", ping("-1"), Refused(null(), -32600)),
        ("an id with an exponent", ping("1e30"), Refused(null(), -32600)),
        ("an id that floats do not hold", ping("9007199254740992"), Refused(null(), -32600)),
        ("a huge id", ping("18446744073709551616"), Refused(null(), -32600)),
        ("the largest id", ping("9007199254740991"), Answered(json!(9_007_199_254_740_991_u64))),
        ("a true id", ping("true"), Refused(null(), -32600)),
        ("a list for an id", ping("[9]"), Refused(null(), -32600)),
        ("a long id", ping(&long_id(64)), Answered(json!("i".repeat(64)))),
        ("a longer id", ping(&long_id(65)), Refused(null(), -32600)),
        ("two ids", with(r#""id":8,"method":"ping""#), Refused(null(), -32600)),
        ("a number for a method", with(r#""method":7"#), Refused(json!(9), -32600)),
        ("a list for a method", with(r#""method":["ping"]"#), Refused(json!(9), -32600)),
        (
            "neither method nor result",
            text(r#"{"jsonrpc":"2.0","id":9}"#),
            Refused(json!(9), -32600),
        ),
        ("method and result", with(r#""method":"ping","result":{}"#), Refused(json!(9), -32600)),
        ("a list of parameters", with(r#""method":"ping","params":[]"#), Refused(json!(9), -32600)),
        (
            "a number for parameters",
            with(r#""method":"ping","params":5"#),
            Refused(json!(9), -32600),
        ),
        ("no parameters", with(r#""method":"ping""#), Answered(json!(9))),
        ("an unknown method", with(r#""method":"fly""#), Refused(json!(9), -32601)),
        ("a method without a name", with(r#""method":"""#), Refused(json!(9), -32601)),
        ("an endless method", with(&endless), Refused(json!(9), -32601)),
        (
            "an unknown parameter",
            with(r#""method":"ping","params":{"later":[1]}"#),
            Answered(json!(9)),
        ),
        ("an unknown field", with(r#""method":"ping","trace":{"a":1}"#), Answered(json!(9))),
        ("a response to nothing", with(r#""result":{}"#), Ignored),
        ("an error to nothing", with(r#""error":"oh""#), Ignored),
        (
            "a greeting of another kind",
            text(r#"{"jsonrpc":"2.0","method":"hello","params":["x"]}"#),
            Told("hello"),
        ),
        ("an unknown notification", text(r#"{"jsonrpc":"2.0","method":"fly"}"#), Told("fly")),
        (
            "a request as a notification",
            text(r#"{"jsonrpc":"2.0","method":"send","params":{"key":"n","text":"no"}}"#),
            Told("send"),
        ),
        (
            "a wrong request as a notification",
            text(r#"{"jsonrpc":"2.0","method":"send","params":{"key":5}}"#),
            Told("send"),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_websocket_ping_is_answered_with_what_it_held() {
    let shop = Shop::open().await;
    for via in [Via::WebSocket, Via::Json] {
        let mut raw = Raw::open(&shop, via).await;
        raw.write(&frame(PING, b"alive?")).await;
        assert!(matches!(raw.next().await, Heard::Pong(held) if held == b"alive?"));
    }
}
