//! Parameters of a wrong type, out of bounds, or merely unusual (VL, ER6, Limits).

use serde_json::{Value, json};

use crate::support::raw::{Beside, Raw};
use crate::support::{Shop, Via, over_every_transport};

/// 2^53 - 1, the largest number of the protocol.
const MAX: u64 = (1 << 53) - 1;

over_every_transport! {
    async fn a_parameter_that_does_not_fit_is_named(via) {
        let shop = Shop::open().await;
        let beside = Beside::begin(&shop, via).await;
        let session = json!(beside.session);
        let mut visitor = Raw::connected(&shop, via, beside.tab(&shop.site)).await;
        let mut operator = shop.raw_operator(via, "ann").await;
        let mut bot = shop.raw_bot(via).await;
        operator.call("take_over", json!({ "session": session })).await.unwrap();
        for (client, cases) in [
            (&mut visitor, of_visitors()),
            (&mut operator, of_operators(&session)),
            (&mut bot, of_bots(&session)),
        ] {
            for (method, params, field) in cases {
                let error = client.refused(method, params.clone()).await;
                assert_eq!(error["code"], -32602, "{method} {params}: {error}");
                let message = error["message"].as_str().unwrap();
                assert!(message.contains(field), "{method} {params}: {message:?} lacks {field:?}");
            }
            client.is_usable().await;
        }
        beside.ends_unharmed(&shop).await;
    }
}

over_every_transport! {
    async fn texts_are_carried_as_they_are(via) {
        let shop = Shop::open().await;
        let (mut visitor, _) = Raw::visitor(&shop, via).await;
        visitor.call("subscribe", json!({})).await.unwrap();
        let longest = "é".repeat(8192);
        let texts = [
            "👩‍👩‍👧‍👦 🏳️‍🌈 e\u{301}",
            "שלום \u{202e}evil\u{202c} مرحبا",
            "nul \0, bell \u{7}, escape \u{1b}[31m, delete \u{7f}",
            "line\r\nline\u{2028}line\u{85}",
            "\u{feff}\u{fffe}\u{10ffff}",
            "<script>alert(1)</script> \"\\/ '; DROP TABLE events; --",
            longest.as_str(),
        ];
        for text in texts {
            // A key may hold anything but control characters.
            let key: String = text.chars().filter(|c| !c.is_control()).take(16).collect();
            let done = visitor.call("send", json!({ "key": key, "text": text })).await.unwrap();
            let body = visitor.event_at(&done["offset"]).await["body"].clone();
            assert_eq!((&body["text"], &body["key"]), (&json!(text), &json!(key)));
        }
        let page = visitor.call("history", json!({ "limit": 500 })).await.unwrap();
        let said: Vec<_> = page["events"].as_array().unwrap().iter()
            .filter(|event| event["author"]["kind"] == "visitor")
            .map(|event| event["body"]["text"].as_str().unwrap())
            .collect();
        assert_eq!(said, texts);
    }
}

over_every_transport! {
    async fn a_key_names_one_text(via) {
        let shop = Shop::open().await;
        let (mut visitor, _) = Raw::visitor(&shop, via).await;
        let first = visitor.call("send", json!({ "key": "k", "text": "one" })).await.unwrap();
        let again = visitor.call("send", json!({ "key": "k", "text": "one" })).await.unwrap();
        assert_eq!(first, again);
        let error = visitor.refused("send", json!({ "key": "k", "text": "two" })).await;
        assert_eq!(error["code"], 1040);
        assert_eq!(error["data"], json!({ "offset": first["offset"] }));
        let longest = json!({ "key": "k".repeat(64), "text": "three" });
        visitor.call("send", longest).await.unwrap();
        visitor.is_usable().await;
    }
}

over_every_transport! {
    async fn offsets_beyond_the_end_are_told_apart_from_the_end(via) {
        let shop = Shop::open().await;
        let (mut visitor, _) = Raw::visitor(&shop, via).await;
        let done = visitor.call("request_human", json!({})).await.unwrap();
        let head = done["offset"].as_u64().unwrap();
        for offset in [head + 1, MAX, MAX + 1, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
            let error = visitor.refused("subscribe", json!({ "offset": offset })).await;
            assert_eq!(error["code"], 1023, "{offset}: {error}");
            assert_eq!(error["data"], json!({ "head": head }), "{offset}");
            let page = visitor.call("history", json!({ "after": offset })).await.unwrap();
            assert_eq!(page, json!({ "events": [] }), "{offset}");
        }
        let at_the_end = visitor.call("subscribe", json!({ "offset": head })).await.unwrap();
        assert_eq!(at_the_end["offset"], head);
    }
}

over_every_transport! {
    async fn numbers_that_are_too_great_name_nothing_that_is_open(via) {
        let shop = Shop::open().await;
        let beside = Beside::begin(&shop, via).await;
        let session = &beside.session;
        let mut bot = shop.raw_bot(via).await;
        for number in [0, 2, MAX, u64::MAX] {
            let under = |epoch: u64, turn: u64| {
                json!({ "session": session, "epoch": epoch, "turn": turn, "text": "late" })
            };
            let error = bot.refused("answer", under(1, number)).await;
            assert_eq!((&error["code"], &error["data"]), (&json!(1033), &json!({ "turn": null })));
            let error = bot.refused("answer", under(number, 2)).await;
            assert_eq!((&error["code"], &error["data"]), (&json!(1032), &json!({ "epoch": 1 })));
            let error = bot.refused("fail", under(number, number)).await;
            assert_eq!(error["code"], 1032, "{error}");
        }
        bot.is_usable().await;
        beside.ends_unharmed(&shop).await;
    }
}

over_every_transport! {
    async fn the_choices_of_a_bot_are_few_and_short(via) {
        let shop = Shop::open().await;
        let mut bot = shop.raw_bot(via).await;
        bot.call("serve", json!({})).await.unwrap();
        // Otherwise the bot of the articles may answer, where nothing is known of this one yet.
        shop.all_know().await;
        let (mut visitor, _) = Raw::visitor(&shop, via).await;
        visitor.call("send", json!({ "key": "k", "text": "What now?" })).await.unwrap();
        let turn = bot.told("turn").await;
        let answer = |choices: Value| {
            json!({
                "session": turn["session"], "epoch": turn["epoch"], "turn": turn["turn"],
                "text": "Choose.", "choices": choices,
            })
        };
        let label = |label: &str| json!({ "label": label });
        for (choices, field) in [
            (json!(vec![label("one"); 11]), "choices"),
            (json!([label("")]), "choice"),
            (json!([label(" ")]), "choice"),
            (json!([label(&"é".repeat(101))]), "choice"),
            (json!([{ "action": "send" }]), "label"),
            (json!([{ "label": "x", "action": "explode" }]), "action"),
            (json!(["one"]), "choices"),
            (json!({ "label": "one" }), "choices"),
        ] {
            let error = bot.refused("answer", answer(choices.clone())).await;
            assert_eq!(error["code"], -32602, "{choices}: {error}");
            assert!(error["message"].as_str().unwrap().contains(field), "{choices}: {error}");
        }
        bot.call("answer", answer(json!(vec![label(&"é".repeat(100)); 10]))).await.unwrap();
    }
}

over_every_transport! {
    async fn what_the_page_tells_and_a_rating_may_be_as_long_as_allowed(via) {
        let shop = Shop::open().await;
        let (mut visitor, _) = Raw::visitor(&shop, via).await;
        let mut most = entries(15);
        most["é".repeat(32)] = json!("é".repeat(128));
        visitor.call("set_data", json!({ "data": most })).await.unwrap();
        visitor.call("set_data", json!({ "data": { "plan": "" } })).await.unwrap();
        let comment = "é".repeat(1024);
        let rated = visitor.call("rate", json!({ "score": 1, "comment": comment })).await.unwrap();
        let again = visitor.call("rate", json!({ "score": 1, "comment": comment })).await.unwrap();
        assert_eq!(rated, again);
        visitor.call("rate", json!({ "score": 1, "comment": " " })).await.unwrap();
        visitor.call("subscribe", json!({})).await.unwrap();
        assert_eq!(visitor.event_at(&rated["offset"]).await["body"]["comment"], json!(comment));
    }
}

over_every_transport! {
    async fn a_page_without_a_title_is_a_page(via) {
        let shop = Shop::open().await;
        let (mut visitor, identity) = Raw::visitor(&shop, via).await;
        let url = "https://shop.example/untitled";
        visitor.call("page", json!({ "url": url, "title": "" })).await.unwrap();
        let mut operator = shop.raw_operator(via, "ann").await;
        let subscribe = json!({ "session": identity["session"] });
        let card = operator.call("subscribe", subscribe).await.unwrap()["card"].clone();
        assert_eq!(card["page"], json!({ "url": url }));
    }
}

type Case = (&'static str, Value, &'static str);

fn with(params: &Value, field: &str, value: Value) -> Value {
    let mut params = params.clone();
    params[field] = value;
    params
}

fn entries(count: usize) -> Value {
    (0..count)
        .map(|n| (format!("entry {n}"), json!("told")))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn of_visitors() -> Vec<Case> {
    let data = |data: Value| json!({ "data": data });
    let say = json!({ "key": "k", "text": "hello" });
    let long = || json!("x".repeat(16_385));
    let line = || json!("x".repeat(2049));
    vec![
        ("send", json!({}), "key"),
        ("send", json!({ "key": "k" }), "text"),
        ("send", json!({ "text": "hello" }), "key"),
        ("send", with(&say, "text", json!("")), "text"),
        ("send", with(&say, "text", json!(" \t\n\u{a0}")), "text"),
        ("send", with(&say, "text", long()), "text"),
        ("send", with(&say, "text", json!(7)), "text"),
        ("send", with(&say, "text", json!(null)), "text"),
        ("send", with(&say, "text", json!(["hello"])), "text"),
        ("send", with(&say, "text", json!({ "a": 1 })), "text"),
        ("send", with(&say, "key", json!("")), "key"),
        ("send", with(&say, "key", json!("k".repeat(65))), "key"),
        ("send", with(&say, "key", json!("a\0b")), "key"),
        ("send", with(&say, "key", json!("a\nb")), "key"),
        ("send", with(&say, "key", json!(7)), "key"),
        ("send", with(&say, "key", json!(true)), "key"),
        ("send", with(&say, "session", json!("mine")), "session"),
        ("send", with(&say, "session", json!(7)), "session"),
        ("send", with(&say, "seen", json!(-1)), "seen"),
        ("send", with(&say, "seen", json!(1.5)), "seen"),
        ("send", with(&say, "seen", json!("1")), "seen"),
        ("send", with(&say, "confirm", json!("yes")), "confirm"),
        ("send", with(&say, "confirm", json!(1)), "confirm"),
        ("subscribe", json!({ "offset": -1 }), "offset"),
        ("subscribe", json!({ "offset": 0.5 }), "offset"),
        ("subscribe", json!({ "offset": "0" }), "offset"),
        ("subscribe", json!({ "offset": [0] }), "offset"),
        ("unsubscribe", json!({}), "session"),
        ("history", json!({ "limit": 501 }), "limit"),
        ("history", json!({ "limit": -1 }), "limit"),
        ("history", json!({ "limit": u64::MAX }), "limit"),
        ("history", json!({ "after": -1 }), "after"),
        ("typing", json!({ "text": 7 }), "text"),
        ("typing", json!({ "text": long() }), "text"),
        ("page", json!({}), "url"),
        ("page", json!({ "url": "" }), "url"),
        ("page", json!({ "url": " " }), "url"),
        ("page", json!({ "url": line() }), "url"),
        ("page", json!({ "url": 7 }), "url"),
        ("page", json!({ "url": "https://x", "title": line() }), "title"),
        ("page", json!({ "url": "https://x", "title": 7 }), "title"),
        ("set_data", json!({}), "data"),
        ("set_data", data(json!(null)), "data"),
        ("set_data", data(json!({ "__proto__": "pro" })), "__proto__"),
        ("set_data", data(json!("plan: pro")), "data"),
        ("set_data", data(json!(["plan", "pro"])), "data"),
        ("set_data", data(json!({ "plan": 7 })), "data"),
        ("set_data", data(json!({ "plan": null })), "data"),
        ("set_data", data(json!({ "plan": { "name": "pro" } })), "data"),
        ("set_data", data(json!({ "": "pro" })), "data"),
        ("set_data", data(json!({ " \t": "pro" })), "data"),
        ("set_data", data(json!({ "k".repeat(65): "pro" })), "data"),
        ("set_data", data(json!({ "plan": "é".repeat(129) })), "data"),
        ("set_data", data(entries(17)), "data"),
        ("rate", json!({}), "score"),
        ("rate", json!({ "comment": "good" }), "score"),
        ("rate", json!({ "score": 0 }), "score"),
        ("rate", json!({ "score": 6 }), "score"),
        ("rate", json!({ "score": 256 }), "score"),
        ("rate", json!({ "score": u64::MAX }), "score"),
        ("rate", json!({ "score": -1 }), "score"),
        ("rate", json!({ "score": 4.5 }), "score"),
        ("rate", json!({ "score": "5" }), "score"),
        ("rate", json!({ "score": 5, "comment": line() }), "comment"),
        ("rate", json!({ "score": 5, "comment": ["good"] }), "comment"),
        ("close", json!({ "session": "mine" }), "session"),
        ("close", json!({ "session": 7 }), "session"),
    ]
}

fn of_operators(session: &Value) -> Vec<Case> {
    let of = |field: &str, value: Value| with(&json!({ "session": session }), field, value);
    let window = |field: &str, value: Value| json!({ "window": { field: value } });
    let note = json!({ "session": session, "key": "k", "text": "remark" });
    let line = || json!("x".repeat(2049));
    let mut cases = vec![
        ("send", json!({ "key": "k", "text": "hello" }), "session"),
        ("send", with(&note, "text", json!(" ")), "text"),
        ("note", with(&note, "text", json!("")), "text"),
        ("note", with(&note, "text", json!("x".repeat(16_385))), "text"),
        ("note", with(&note, "key", json!("")), "key"),
        ("subscribe", json!({}), "session"),
        ("history", json!({}), "session"),
        ("typing", json!({}), "session"),
        ("take_over", of("force", json!("yes")), "force"),
        ("take_over", of("reason", json!(7)), "reason"),
        ("transfer", of("to", json!("")), "to"),
        ("transfer", of("to", json!("o".repeat(65))), "to"),
        ("transfer", of("to", json!(7)), "to"),
        ("transfer", json!({ "session": session }), "to"),
        ("revoke", json!({ "session": session }), "reason"),
        ("revoke", of("reason", json!("")), "reason"),
        ("revoke", of("reason", json!("\u{2003}")), "reason"),
        ("revoke", of("reason", line()), "reason"),
        ("set_intent", json!({}), "intent"),
        ("set_intent", json!({ "intent": "asleep" }), "intent"),
        ("set_intent", json!({ "intent": true }), "intent"),
        ("refresh", json!({}), "token"),
        ("refresh", json!({ "token": 7 }), "token"),
        ("watch", json!({ "window": 5 }), "window"),
        ("watch", window("first", json!(501)), "window"),
        ("watch", window("first", json!(u32::MAX)), "window"),
        ("watch", window("first", json!(-1)), "window.first"),
        ("watch", window("first", json!("50")), "window.first"),
        ("watch", window("show", json!("none")), "window.show"),
        ("watch", window("sort", json!("random")), "window.sort"),
        ("watch", window("search", json!("s".repeat(257))), "search"),
        ("watch", window("search", json!(7)), "window.search"),
        ("watch", window("skip", json!(100_001)), "skip"),
        ("watch", window("skip", json!(u64::MAX)), "window.skip"),
        ("watch", window("skip", json!(-1)), "window.skip"),
        ("watch", window("skip", json!("0")), "window.skip"),
        ("watch", window("alerts", json!("some")), "window.alerts"),
        ("watch", window("alerts", json!(true)), "window.alerts"),
        ("past", of("limit", json!(21)), "limit"),
        ("past", of("limit", json!(-1)), "limit"),
        ("past", of("limit", json!(u64::MAX)), "limit"),
        ("past", of("before", json!(-1)), "before"),
        ("past", of("before", json!("3")), "before"),
    ];
    for method in
        ["take_over", "release", "transfer", "revoke", "note", "close", "past", "unsubscribe"]
    {
        cases.push((method, json!({}), ""));
        cases.push((method, with(&of("to", json!("bob")), "session", json!("none")), "session"));
        cases.push((method, with(&of("to", json!("bob")), "session", json!(7)), "session"));
        cases.push((method, with(&of("to", json!("bob")), "session", json!(null)), "session"));
    }
    cases
}

fn of_bots(session: &Value) -> Vec<Case> {
    let answer = json!({ "session": session, "epoch": 1, "turn": 1, "text": "hi" });
    let mut cases = vec![];
    for method in ["draft", "answer", "fail"] {
        cases.extend([
            (method, with(&answer, "session", json!("none")), "session"),
            (method, with(&answer, "epoch", json!(-1)), "epoch"),
            (method, with(&answer, "epoch", json!("1")), "epoch"),
            (method, with(&answer, "turn", json!(1.5)), "turn"),
            (method, with(&answer, "turn", json!(null)), "turn"),
        ]);
    }
    cases.extend([
        ("draft", with(&answer, "text", json!(null)), "text"),
        ("answer", with(&answer, "text", json!(5)), "text"),
        ("answer", with(&answer, "choices", json!("none")), "choices"),
        ("fail", with(&answer, "reason", json!(5)), "reason"),
    ]);
    cases
}
