//! Who is let in, and what strangers may do (CN, ID).

use serde_json::{Value, json};
use vigie::identity::Role;

use crate::support::raw::{Beside, Heard, Raw, as_visitor, signed, with_token};
use crate::support::{Shop, Via, over_every_transport};

over_every_transport! {
    async fn whoever_cannot_be_let_in_is_told_why_and_let_go(via) {
        let shop = Shop::open().await;
        let beside = Beside::begin(&shop, via).await;
        for (name, params, code) in refused(&shop, &beside).await {
            let mut raw = Raw::open(&shop, via).await;
            let error = raw.refused("connect", params).await;
            assert_eq!(error["code"], code, "{name}: {error}");
            assert_eq!(error["retry"], false, "{name}: {error}");
            assert_eq!(error.get("data").is_some(), code == 1006, "{name}: {error}");
            assert_eq!(raw.closed().await, 4502, "{name}");
        }
        beside.ends_unharmed(&shop).await;
    }
}

over_every_transport! {
    async fn a_version_that_the_server_does_not_speak_is_answered_with_those_that_it_does(via) {
        let shop = Shop::open().await;
        let mut raw = Raw::open(&shop, via).await;
        let error = raw.refused("connect", json!({ "protocol": 2, "site": shop.site.key })).await;
        assert_eq!((&error["code"], &error["data"]), (&json!(1006), &json!({ "supported": [1] })));
    }
}

over_every_transport! {
    async fn a_stranger_may_only_connect_and_ping(via) {
        let shop = Shop::open().await;
        let mut raw = Raw::open(&shop, via).await;
        let session = "f845098c-869c-8899-911a-3bbea69f84d9";
        for (method, params) in [
            ("send", json!({ "key": "k", "text": "hi" })),
            ("subscribe", json!({ "session": session })),
            ("take_over", json!({ "session": session })),
            ("refresh", json!({ "token": "x" })),
            ("watch", json!({})),
            ("serve", json!({})),
        ] {
            let error = raw.refused(method, params).await;
            assert_eq!(error["code"], 1000, "{method}: {error}");
        }
        raw.notify("typing", json!({ "text": "h" })).await;
        assert_eq!(raw.told("error").await["error"]["code"], 1000);
        raw.is_usable().await;

        raw.call("connect", as_visitor(&shop.site)).await.unwrap();
        let again = raw.refused("connect", as_visitor(&shop.site)).await;
        assert_eq!(again["code"], 1001);
        raw.call("send", json!({ "key": "k", "text": "hi" })).await.unwrap();
    }
}

over_every_transport! {
    async fn requests_sent_before_connect_is_answered_wait_for_it(via) {
        let shop = Shop::open().await;
        let mut raw = Raw::open(&shop, via).await;
        let connect = raw.ask("connect", as_visitor(&shop.site)).await;
        let send = raw.ask("send", json!({ "key": "k", "text": "early" })).await;
        let history = raw.ask("history", json!({})).await;
        raw.answer_to(connect).await.unwrap();
        raw.answer_to(send).await.unwrap();
        raw.answer_to(history).await.unwrap();
    }
}

over_every_transport! {
    async fn a_token_that_expires_ends_its_connection(via) {
        let shop = Shop::open().await;
        let others = [
            (signed(&shop.site, Role::Operator, "eve", 60), 1002),
            (signed(&shop.site, Role::Bot, "ann", 60), 1002),
            (signed(&shop.neighbour().await, Role::Operator, "ann", 60), 1002),
            (signed(&shop.site, Role::Operator, "ann", -60), 1003),
        ];
        let token = signed(&shop.site, Role::Operator, "ann", 5);
        let mut ann = Raw::connected(&shop, via, with_token(&token)).await;
        // One that differs changes nothing.
        for (other, code) in others {
            let error = ann.refused("refresh", json!({ "token": other })).await;
            assert_eq!(error["code"], code, "{error}");
        }
        assert_eq!(ann.closed().await, 4503);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visitors_come_from_the_pages_of_the_site() {
    let shop = Shop::open().await;
    let next_door = shop.neighbour().await;
    let home = "https://next.example";
    for via in [Via::Tcp, Via::WebSocket, Via::Json] {
        for (origin, site, let_in) in [
            (None, &shop.site, true),
            (Some("http://localhost:8080"), &shop.site, true),
            (Some("https://evil.example"), &shop.site, false),
            (Some("null"), &shop.site, false),
            (None, &next_door, false),
            (Some(home), &next_door, true),
            (Some("https://next.example.evil.example"), &next_door, false),
            (Some("http://next.example"), &next_door, false),
        ] {
            if via == Via::Tcp && origin.is_some() {
                continue;
            }
            let mut raw = Raw::open_from(&shop, via, origin).await;
            match raw.call("connect", as_visitor(site)).await {
                Ok(_) => assert!(let_in, "{origin:?} at {}", site.id),
                Err(error) => {
                    assert!(!let_in, "{origin:?} at {}: {error}", site.id);
                    assert_eq!(error["code"], 1004, "{error}");
                    assert_eq!(raw.closed().await, 4502);
                }
            }
        }
        // Where an operator's page lies does not matter.
        let mut ann = Raw::open_from(&shop, via, Some("https://desk.example")).await;
        let token = signed(&next_door, Role::Operator, "ann", 60);
        ann.call("connect", with_token(&token)).await.unwrap();
    }
}

over_every_transport! {
    async fn nothing_is_heard_after_the_goodbye(via) {
        let shop = Shop::open().await;
        let mut raw = Raw::open(&shop, via).await;
        let connect = raw.ask("connect", json!({ "protocol": 1, "site": "nowhere" })).await;
        for _ in 0..100 {
            raw.ask("ping", json!({})).await;
        }
        raw.answer_to(connect).await.unwrap_err();
        raw.told("bye").await;
        loop {
            match raw.next().await {
                Heard::Ended => break,
                Heard::CloseFrame { code, .. } => assert_eq!(code, 4502),
                other => panic!("{other:?} after bye"),
            }
        }
    }
}

async fn refused(shop: &Shop, beside: &Beside) -> Vec<(&'static str, Value, i64)> {
    let (site, next_door) = (&shop.site, shop.neighbour().await);
    let key = &site.key;
    let token = signed(site, Role::Operator, "ann", 60);
    let forger = vigie::core::site::Site { secret: "guessed".into(), ..site.clone() };
    let nowhere = vigie::core::site::Site { id: "nowhere".parse().unwrap(), ..site.clone() };
    let visitor = "6f1d3c52-9a0b-4e57-8c11-2f5a7d9e0b34";
    let resume = |token: &str| json!({ "protocol": 1, "site": key, "resume": token });
    let visiting = |field: &str, value: Value| {
        let mut params = json!({ "protocol": 1, "site": key });
        params[field] = value;
        params
    };
    let long = json!("x".repeat(2049));
    let page = |url: &str, title: &str| json!({ "url": url, "title": title });
    // {"alg":"none"} and {"alg":"HS512"} over the claims of a good one.
    let claims = token.split('.').nth(1).unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIn0.{claims}.");
    let other_algorithm = format!("eyJhbGciOiJIUzUxMiJ9.{claims}.{}", "A".repeat(86));
    let tampered = token.replacen(claims, &format!("{}A", &claims[..claims.len() - 1]), 1);
    vec![
        ("both", json!({ "protocol": 1, "site": key, "token": token }), -32602),
        ("neither", json!({ "protocol": 1 }), -32602),
        ("no parameters", json!({}), -32602),
        ("no version", json!({ "site": key }), -32602),
        ("a version in text", json!({ "protocol": "1", "site": key }), -32602),
        ("a negative version", json!({ "protocol": -1, "site": key }), -32602),
        ("version 0", json!({ "protocol": 0, "site": key }), 1006),
        ("a later version", json!({ "protocol": 2, "site": key }), 1006),
        ("an unknown key", json!({ "protocol": 1, "site": "nowhere" }), 1005),
        ("an empty key", json!({ "protocol": 1, "site": "" }), 1005),
        ("a long key", json!({ "protocol": 1, "site": "k".repeat(60_000) }), 1005),
        ("a number for a key", json!({ "protocol": 1, "site": 7 }), -32602),
        ("an expired token", with_token(&signed(site, Role::Operator, "ann", -1)), 1003),
        ("an expired bot", with_token(&signed(site, Role::Bot, "bo", -1)), 1003),
        (
            "a token by another secret",
            with_token(&signed(&forger, Role::Operator, "ann", 60)),
            1002,
        ),
        ("a token of no site", with_token(&signed(&nowhere, Role::Operator, "ann", 60)), 1002),
        ("an unsigned token", with_token(&unsigned), 1002),
        ("another algorithm", with_token(&other_algorithm), 1002),
        ("a token that was changed", with_token(&tampered), 1002),
        ("no token at all", with_token("let me in"), 1002),
        ("an empty token", with_token(""), 1002),
        ("a long token", with_token(&token.repeat(50)), 1002),
        ("a visitor's token", with_token(&beside.resume), 1002),
        ("a number for a token", json!({ "protocol": 1, "token": 7 }), -32602),
        ("an operator's token to resume", resume(&token), 1002),
        ("a bot's token to resume", resume(&signed(site, Role::Bot, "bo", 60)), 1002),
        ("an expired resume", resume(&signed(site, Role::Visitor, visitor, -1)), 1003),
        ("another site's resume", resume(&signed(&next_door, Role::Visitor, visitor, 60)), 1002),
        ("a resume by another secret", resume(&signed(&forger, Role::Visitor, visitor, 60)), 1002),
        ("the public session id to resume", resume(&beside.session), 1002),
        ("an empty resume", resume(""), 1002),
        ("a long agent", visiting("agent", long.clone()), -32602),
        ("a long referrer", visiting("referrer", long.clone()), -32602),
        ("a long language", visiting("language", long.clone()), -32602),
        ("a long device", visiting("device", long), -32602),
        ("a long address", visiting("page", page(&"x".repeat(2049), "")), -32602),
        ("a long title", visiting("page", page("https://x", &"x".repeat(2049))), -32602),
        ("an empty address", visiting("page", page(" ", "")), -32602),
        ("a text for a page", visiting("page", json!("https://x")), -32602),
        ("a text for data", visiting("data", json!("plan: pro")), -32602),
        ("data with a number", visiting("data", json!({ "plan": 7 })), -32602),
        ("data without a key", visiting("data", json!({ "": "pro" })), -32602),
        ("data that is long", visiting("data", json!({ "plan": "x".repeat(257) })), -32602),
        ("features that are no list", visiting("features", json!("all")), -32602),
    ]
}
