//! Who may do what, where, and in whose name (ID1, ID4, ID11, ID12, ER5).

use serde_json::{Value, json};
use vigie::identity::Role;
use vigie_protocol::method::{Call, STAMPED_KEYS};

use crate::support::raw::{Beside, Raw, signed, with_token};
use crate::support::{Shop, Via, over_every_transport};

const VISITORS: &[&str] = &[
    "ping",
    "subscribe",
    "unsubscribe",
    "history",
    "send",
    "typing",
    "page",
    "request_human",
    "set_data",
    "rate",
    "close",
];
const OPERATORS: &[&str] = &[
    "ping",
    "refresh",
    "subscribe",
    "unsubscribe",
    "history",
    "send",
    "typing",
    "watch",
    "unwatch",
    "take_over",
    "release",
    "transfer",
    "revoke",
    "note",
    "close",
    "past",
    "operators",
    "set_intent",
];
const BOTS: &[&str] =
    &["ping", "refresh", "subscribe", "unsubscribe", "history", "serve", "draft", "answer", "fail"];

over_every_transport! {
    async fn each_role_may_call_its_own_methods_and_no_other(via) {
        let shop = Shop::open().await;
        let beside = Beside::begin(&shop, via).await;
        let (mut visitor, identity) = Raw::visitor(&shop, via).await;
        let own = identity["session"].as_str().unwrap();
        let mut operator = shop.raw_operator(via, "ann").await;
        let mut bot = shop.raw_bot(via).await;
        for (who, may, client) in [
            ("a visitor", VISITORS, &mut visitor),
            ("an operator", OPERATORS, &mut operator),
            ("a bot", BOTS, &mut bot),
        ] {
            for method in Call::NAMES.iter().filter(|method| **method != "connect") {
                let outcome = client.call(method, good(method, own)).await;
                let code = outcome.as_ref().err().map(|error| error["code"].as_i64().unwrap());
                assert_eq!(code == Some(1010), !may.contains(method), "{who}, {method}: {outcome:?}");
                assert_ne!(code, Some(-32602), "{who}, {method}: {outcome:?}");
            }
            client.is_usable().await;
        }
        beside.ends_unharmed(&shop).await;
    }
}

over_every_transport! {
    async fn a_session_of_another_site_is_not_even_told_to_exist(via) {
        let shop = Shop::open().await;
        let beside = Beside::begin(&shop, via).await;
        let next_door = shop.neighbour().await;
        let nowhere = "00000000-0000-4000-8000-000000000000";
        for (role, may) in [(Role::Operator, OPERATORS), (Role::Bot, BOTS)] {
            let token = signed(&next_door, role, "ann", 600);
            let mut stranger = Raw::connected(&shop, via, with_token(&token)).await;
            // Who may be given a session is looked at before the session.
            let others = ["unsubscribe", "transfer", "typing", "draft"];
            let methods = may.iter().filter(|method| {
                good(method, nowhere).get("session").is_some() && !others.contains(method)
            });
            for method in methods {
                let theirs = stranger.refused(method, good(method, &beside.session)).await;
                let none = stranger.refused(method, good(method, nowhere)).await;
                assert_eq!(theirs["code"], 1020, "{method}: {theirs}");
                assert_eq!(theirs, none, "{method}");
            }
            stranger.is_usable().await;
        }
        beside.ends_unharmed(&shop).await;
    }
}

over_every_transport! {
    async fn a_visitor_names_their_own_session_only(via) {
        let shop = Shop::open().await;
        let beside = Beside::begin(&shop, via).await;
        let (mut visitor, identity) = Raw::visitor(&shop, via).await;
        for method in ["subscribe", "history", "send", "typing", "close"] {
            let error = visitor.refused(method, good(method, &beside.session)).await;
            assert_eq!(error["code"], 1020, "{method}: {error}");
            visitor.call(method, good(method, identity["session"].as_str().unwrap())).await.unwrap();
        }
        beside.ends_unharmed(&shop).await;
    }
}

over_every_transport! {
    async fn nobody_says_who_speaks_or_when(via) {
        let shop = Shop::open().await;
        let beside = Beside::begin(&shop, via).await;
        let mut visitor = Raw::connected(&shop, via, beside.tab(&shop.site)).await;
        let mut operator = shop.raw_operator(via, "ann").await;
        let mut bot = shop.raw_bot(via).await;
        for (may, client) in
            [(VISITORS, &mut visitor), (OPERATORS, &mut operator), (BOTS, &mut bot)]
        {
            for method in may.iter().filter(|method| **method != "refresh") {
                for key in STAMPED_KEYS {
                    let mut params = good(method, &beside.session);
                    params[key] = json!("bot");
                    let error = client.refused(method, params).await;
                    assert_eq!(error["code"], 1012, "{method}, {key}: {error}");
                    assert_eq!(error["data"], json!({ "field": key }), "{method}");
                }
            }
            client.is_usable().await;
        }
        visitor.notify("typing", json!({ "text": "x", "author": { "kind": "bot" } })).await;
        let told = visitor.told("error").await;
        assert_eq!((&told["method"], &told["error"]["code"]), (&json!("typing"), &json!(1012)));
        beside.ends_unharmed(&shop).await;
    }
}

/// Parameters that fit the method.
fn good(method: &str, session: &str) -> Value {
    let key = format!("{method}-{session}");
    let key = &key[..key.len().min(40)];
    match method {
        "refresh" => json!({ "token": "x" }),
        "send" | "note" => json!({ "session": session, "key": key, "text": "hello" }),
        "typing" => json!({ "session": session, "text": "hel" }),
        "page" => json!({ "url": "https://shop.example/" }),
        "transfer" => json!({ "session": session, "to": "bob" }),
        "revoke" => json!({ "session": session, "reason": "why not" }),
        "set_intent" => json!({ "intent": "available" }),
        "draft" | "answer" => json!({ "session": session, "epoch": 1, "turn": 1, "text": "hi" }),
        "fail" => json!({ "session": session, "epoch": 1, "turn": 1 }),
        "set_data" => json!({ "data": { "name": "Zoe", "site": "told by the page" } }),
        "rate" => json!({ "score": 5, "comment": "good" }),
        "subscribe" | "unsubscribe" | "history" | "take_over" | "release" | "close" | "past" => {
            json!({ "session": session })
        }
        _ => json!({}),
    }
}
