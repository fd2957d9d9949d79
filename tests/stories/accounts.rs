//! Operators sign in at the desk (DS): accounts, invitations, tokens.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vigie::accounts::throttle::{FAILURES_OF_ADDRESS_MAX, FAILURES_OF_LOGIN_MAX};
use vigie_protocol::method::Rank;

use crate::support::browser::{Browser, ORIGIN, PASSWORD, now};
use crate::support::raw::{HttpAnswer, Raw, with_token};
use crate::support::{PATIENCE, Shop, Via, within};

const DAY: u64 = 24 * 60 * 60 * 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_is_admin_of_every_site_also_of_later_ones() {
    let shop = Shop::open().await;
    let mut owner = shop.owner().await;
    let me = owner.get("/v1/me").await.json();
    assert_eq!(me["account"]["login"], "owner");
    let demo = json!({
        "site": "demo", "key": "demo", "name": shop.site.name, "rank": "admin",
        "display_name": "Owner", "language": "en",
    });
    assert_eq!(me["sites"], json!([demo]));
    shop.neighbour().await;
    let sites = owner.get("/v1/me").await.json()["sites"].clone();
    assert_eq!(sites[1]["site"], "next-door");
    assert_eq!((&sites[1]["rank"], &sites[1]["display_name"]), (&json!("admin"), &json!("Owner")));
    assert_eq!(owner.token("next-door").await.status, 200);
}

/// DS4, DS9
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_signs_in_and_out() {
    let shop = Shop::open().await;
    shop.account("ana", Rank::Agent).await;
    let mut browser = Browser::new(&shop);
    is_refused(&browser.get("/v1/me").await, 401, 1002);
    let welcome = browser.signs_in(" ANA ", PASSWORD).await;
    assert_eq!(welcome.status, 200, "{welcome:?}");
    let cookie = welcome.header("set-cookie").unwrap();
    let (secret, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(secret.strip_prefix("vigie_desk=").unwrap().len(), 64);
    assert_eq!(attributes, "HttpOnly; SameSite=Strict; Path=/; Max-Age=43200");
    assert_eq!(welcome.header("cache-control"), Some("no-store"));
    let expires = welcome.json()["expires"].as_u64().unwrap();
    assert!(expires.abs_diff(now() + DAY / 2) < 60_000, "{expires}");

    let me = browser.get("/v1/me").await;
    assert_eq!(me.json(), welcome.json());
    assert_eq!(me.header("set-cookie"), None, "nothing has changed");
    let copy = browser.cookie.clone();
    let out = browser.post("/v1/sign-out", &json!({})).await;
    assert_eq!((out.status, out.body.as_str(), &browser.cookie), (204, "", &None));
    browser.cookie = copy;
    is_refused(&browser.get("/v1/me").await, 401, 1002);
    is_refused(&browser.token("demo").await, 401, 1002);
    // Signing out twice is no mistake.
    assert_eq!(browser.post("/v1/sign-out", &json!({})).await.status, 204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_outlives_the_engine_and_a_browser_has_one() {
    let mut shop = Shop::open().await;
    let mut ana = shop.account("ana", Rank::Agent).await;
    let first = ana.cookie.clone();
    assert_eq!(ana.signs_in("ana", PASSWORD).await.status, 200);
    assert_ne!(ana.cookie, first);
    shop.kill().await;
    shop.reopen().await;
    assert_eq!(ana.get("/v1/me").await.status, 200);
    ana.cookie = first;
    is_refused(&ana.get("/v1/me").await, 401, 1002);
}

/// DS5
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_is_put_off_while_it_is_used_and_ends_when_it_is_not() {
    let shop = Shop::open_with(&[("DESK__SIGN_IN_MS", "5000")]).await;
    let mut ana = shop.account("ana", Rank::Agent).await;
    let mut idle = Browser::new(&shop);
    let first = idle.signs_in("ana", PASSWORD).await.json()["expires"].as_u64().unwrap();
    // Used all the time, it is good beyond where it would have ended.
    let mut renewed = 0;
    let until = Instant::now() + PATIENCE;
    while now() < first + 500 {
        assert!(Instant::now() < until);
        let me = ana.get("/v1/me").await;
        assert_eq!(me.status, 200, "{me:?}");
        renewed += u32::from(me.header("set-cookie").is_some());
    }
    assert!((2..=40).contains(&renewed), "{renewed} times in 5.5 s");
    is_refused(&idle.get("/v1/me").await, 401, 1002);
}

/// DS7
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_login_looks_like_a_wrong_password_and_takes_as_long() {
    let shop = Shop::open().await;
    shop.account("ana", Rank::Agent).await;
    let mut browser = Browser::new(&shop);
    let (mut answers, mut shortest) = (vec![], vec![]);
    for login in ["ana", "nobody"] {
        let mut took = Duration::MAX;
        for _ in 0..4 {
            let began = Instant::now();
            let answer = browser.signs_in(login, "wrong horse battery").await;
            took = took.min(began.elapsed());
            is_refused(&answer, 401, 1002);
            answers.push(answer.body);
        }
        shortest.push(took);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(shortest[1] * 3 > shortest[0], "{shortest:?}");
    assert_eq!(browser.cookie, None);
}

/// DS8
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_at_one_login_is_throttled_wherever_it_comes_from() {
    let shop = Shop::open_with(&[("GATEWAY__TRUSTED_PROXIES", "127.0.0.1")]).await;
    shop.account("ana", Rank::Agent).await;
    shop.account("zoe", Rank::Agent).await;
    for n in 0..FAILURES_OF_LOGIN_MAX {
        let mut guesser = Browser::from(&shop, &format!("192.0.2.{n}"));
        is_refused(&guesser.signs_in("ana", "wrong horse battery").await, 401, 1002);
    }
    let mut ana = Browser::from(&shop, "198.51.100.7");
    let throttled = ana.signs_in("Ana", PASSWORD).await;
    is_refused(&throttled, 429, 1062);
    let wait = throttled.json()["data"]["retry_after"].as_u64().unwrap();
    assert!((200..=300).contains(&wait), "{wait}");
    assert_eq!(throttled.header("retry-after"), Some(wait.to_string().as_str()));
    assert_eq!(throttled.json()["retry"], true);
    assert_eq!(Browser::new(&shop).signs_in("zoe", PASSWORD).await.status, 200);
}

/// DS8
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_from_one_address_is_throttled_whomever_it_is_at() {
    let shop = Shop::open_with(&[("GATEWAY__TRUSTED_PROXIES", "127.0.0.1")]).await;
    shop.account("ana", Rank::Agent).await;
    let mut guesser = Browser::from(&shop, "192.0.2.1");
    for n in 0..FAILURES_OF_ADDRESS_MAX {
        let answer = guesser.signs_in(&format!("login-{n}"), "wrong horse battery").await;
        is_refused(&answer, 401, 1002);
    }
    is_refused(&guesser.signs_in("ana", PASSWORD).await, 429, 1062);
    let mut elsewhere = Browser::from(&shop, "192.0.2.2");
    assert_eq!(elsewhere.signs_in("ana", PASSWORD).await.status, 200);
}

/// DS10
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_lets_an_operator_in_over_the_socket_as_what_they_are_now() {
    let shop = Shop::open().await;
    let mut ana = shop.account("ana", Rank::Supervisor).await;
    let answer = ana.token("demo").await.json();
    let expires = answer["expires"].as_u64().unwrap();
    assert!(expires.abs_diff(now() + 15 * 60 * 1000) < 60_000, "{expires}");
    let token = answer["token"].as_str().unwrap();
    let mut raw = Raw::open(&shop, Via::Json).await;
    let connected = raw.call("connect", with_token(token)).await.unwrap();
    let identity = &connected["identity"];
    let id = ana.get("/v1/me").await.json()["account"]["id"].clone();
    let expected = json!({
        "role": "operator", "site": "demo", "id": id, "name": "Ana", "rank": "supervisor",
        "expires": expires,
    });
    assert_eq!(*identity, expected);

    let body = json!({ "site": "demo", "display_name": "  Ana Bērziņa " });
    let renamed = ana.post("/v1/display-name", &body).await;
    assert_eq!(renamed.json(), json!({ "display_name": "Ana Bērziņa" }));
    let fresh = ana.token("demo").await.json()["token"].clone();
    raw.call("refresh", json!({ "token": fresh })).await.unwrap();
    within("the new name", async {
        while !raw.call("operators", json!({})).await.unwrap().to_string().contains("Ana Bērziņa")
        {
        }
    })
    .await;
    assert_eq!(ana.get("/v1/me").await.json()["sites"][0]["display_name"], "Ana Bērziņa");
}

/// DS10, DS11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_ones_own_site_is_closed() {
    let shop = Shop::open().await;
    let mut ana = shop.account("ana", Rank::Admin).await;
    shop.neighbour().await;
    for site in ["next-door", "nowhere"] {
        is_refused(&ana.token(site).await, 403, 1010);
        let body = json!({ "site": site, "display_name": "Ana" });
        is_refused(&ana.post("/v1/display-name", &body).await, 403, 1010);
        let body = json!({ "site": site, "rank": "agent" });
        is_refused(&ana.post("/v1/invitations", &body).await, 403, 1010);
    }
    // Taken from the site, they get no more.
    let store = shop.store();
    let id = store.account_by_login("ana".into()).await.unwrap().unwrap().id;
    assert_eq!(ana.token("demo").await.status, 200);
    store.remove_operator("demo".parse().unwrap(), id.clone()).await.unwrap();
    is_refused(&ana.token("demo").await, 403, 1010);
    assert_eq!(ana.get("/v1/me").await.json()["sites"], json!([]));
    store.remove_account(id).await.unwrap();
    is_refused(&ana.token("demo").await, 401, 1002);
    is_refused(&ana.signs_in("ana", PASSWORD).await, 401, 1002);
}

/// DS11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_is_called_what_they_like_at_each_site() {
    let shop = Shop::open().await;
    let mut owner = shop.owner().await;
    shop.neighbour().await;
    let body = json!({ "site": "next-door", "display_name": "The neighbour" });
    assert_eq!(owner.post("/v1/display-name", &body).await.status, 200);
    let sites = owner.get("/v1/me").await.json()["sites"].clone();
    assert_eq!(sites[0]["display_name"], "Owner");
    assert_eq!(sites[1]["display_name"], "The neighbour");
    assert_eq!(sites[1]["rank"], "admin");
}

/// DS13, DS14, DS15
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_invites_and_the_link_is_good_once() {
    let shop = Shop::open().await;
    let mut owner = shop.owner().await;
    let body = json!({ "site": "demo", "rank": "supervisor" });
    let made = owner.post("/v1/invitations", &body).await.json();
    let link = made["link"].as_str().unwrap();
    let base = format!("http://{}/desk#invitation=", owner.at);
    let code = link.strip_prefix(&base).unwrap_or_else(|| panic!("{link}"));
    let expires = made["expires"].as_u64().unwrap();
    assert!(expires.abs_diff(now() + 7 * DAY) < 60_000, "{expires}");

    let mut zoe = Browser::new(&shop);
    let path = format!("/v1/invitations/{code}");
    let shown = zoe.get(&path).await.json();
    let expected = json!({ "rank": "supervisor", "sites": [shop.site.name], "expires": expires });
    assert_eq!(shown, expected);
    let me = zoe.accepts(link, "Zoe@Shop.Example").await;
    assert_eq!(me["account"]["login"], "zoe@shop.example");
    assert_eq!(me["sites"][0]["rank"], "supervisor");
    assert_eq!(zoe.get("/v1/me").await.json(), me);
    is_refused(&zoe.get(&path).await, 404, 1060);
    let again = json!({
        "invitation": code, "login": "eve", "password": PASSWORD, "display_name": "Eve",
    });
    is_refused(&zoe.post("/v1/invitations/accept", &again).await, 404, 1060);

    let body = json!({ "site": "demo", "rank": "agent" });
    is_refused(&zoe.post("/v1/invitations", &body).await, 403, 1010);
}

/// DS15
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acceptance_that_is_refused_uses_nothing_up() {
    let shop = Shop::open().await;
    shop.account("ana", Rank::Agent).await;
    let link = shop.invitation(Rank::Agent).await;
    let code = link.split_once('=').unwrap().1;
    let good = json!({
        "invitation": code, "login": "zoe", "password": PASSWORD, "display_name": "Zoe",
    });
    let mut zoe = Browser::new(&shop);
    for (field, value, status, said) in [
        ("password", json!("nine char"), 422, "10 characters"),
        ("password", json!(""), 422, "10 characters"),
        ("password", json!("x".repeat(1025)), 422, "1024 bytes"),
        ("login", json!(""), 422, "without spaces"),
        ("login", json!("z o e"), 422, "without spaces"),
        ("login", json!("z".repeat(65)), 422, "without spaces"),
        ("display_name", json!(" "), 422, "1 to 64"),
        ("display_name", json!("x".repeat(65)), 422, "1 to 64"),
        ("display_name", Value::Null, 422, "1 to 64"),
        ("login", json!("ANA"), 409, "choose another"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let refused = zoe.post("/v1/invitations/accept", &body).await;
        let error = refused.json();
        assert_eq!(refused.status, status, "{body} {refused:?}");
        assert!(error["message"].as_str().unwrap().contains(said), "{body}: {error}");
        let named = if status == 422 { json!(field) } else { Value::Null };
        assert_eq!(error["data"]["field"], named, "{error}");
        assert_eq!(zoe.cookie, None);
    }
    assert_eq!(zoe.post("/v1/invitations/accept", &good).await.status, 200);
}

/// DS15
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_all_who_accept_one_invitation_at_once_one_is_let_in() {
    let shop = Shop::open().await;
    let link = shop.invitation(Rank::Agent).await;
    let code = link.split_once('=').unwrap().1;
    let attempts = (0..8).map(|n| {
        let mut browser = Browser::new(&shop);
        let login = format!("op-{n}");
        let body = json!({
            "invitation": code, "login": login, "password": PASSWORD, "display_name": login,
        });
        async move { browser.post("/v1/invitations/accept", &body).await.status }
    });
    let mut statuses = futures_util::future::join_all(attempts).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404, 404, 404, 404, 404, 404, 404]);
    assert_eq!(shop.store().accounts().await.unwrap().len(), 1);
}

/// DS16
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_link_sets_another_password_and_ends_every_sign_in() {
    let shop = Shop::open().await;
    let mut ana = shop.account("ana", Rank::Agent).await;
    let link = shop.password_link("ana").await;
    let code = link.split_once('=').unwrap().1;
    let mut elsewhere = Browser::new(&shop);
    let shown = elsewhere.get(&format!("/v1/invitations/{code}")).await.json();
    assert_eq!((&shown["login"], &shown["sites"]), (&json!("ana"), &json!([shop.site.name])));
    assert_eq!(shown["rank"], "agent");
    let new = "another horse battery";
    let other = json!({ "invitation": code, "login": "zoe", "password": new });
    let refused = elsewhere.post("/v1/invitations/accept", &other).await;
    assert_eq!((refused.status, &refused.json()["data"]["field"]), (422, &json!("login")));

    let body = json!({ "invitation": code, "login": "Ana", "password": new });
    let me = elsewhere.post("/v1/invitations/accept", &body).await.json();
    assert_eq!(me["sites"][0]["display_name"], "Ana");
    is_refused(&ana.get("/v1/me").await, 401, 1002);
    is_refused(&ana.signs_in("ana", PASSWORD).await, 401, 1002);
    assert_eq!(ana.signs_in("ana", new).await.status, 200);
}

/// DS12
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_knows_a_password_changes_it_and_stays_signed_in_alone() {
    let shop = Shop::open().await;
    let mut ana = shop.account("ana", Rank::Agent).await;
    let mut elsewhere = Browser::new(&shop);
    assert_eq!(elsewhere.signs_in("ana", PASSWORD).await.status, 200);
    let change = |old: &str, new: &str| json!({ "password": old, "new_password": new });
    let new = "another horse battery";
    is_refused(&ana.post("/v1/password", &change("wrong horse battery", new)).await, 401, 1002);
    let weak = ana.post("/v1/password", &change(PASSWORD, "short")).await;
    assert_eq!((weak.status, &weak.json()["data"]["field"]), (422, &json!("password")));
    assert_eq!(elsewhere.get("/v1/me").await.status, 200);

    assert_eq!(ana.post("/v1/password", &change(PASSWORD, new)).await.status, 204);
    assert_eq!(ana.get("/v1/me").await.status, 200);
    is_refused(&elsewhere.get("/v1/me").await, 401, 1002);
    is_refused(&elsewhere.signs_in("ana", PASSWORD).await, 401, 1002);
    assert_eq!(elsewhere.signs_in("ana", new).await.status, 200);
}

/// DS4, DS13: behind a proxy that ends TLS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_proxy_links_and_cookies_are_those_of_the_public_address() {
    let shop = Shop::open_with(&[("HTTP__PUBLIC_URL", "https://Chat.example/")]).await;
    let mut owner = shop.owner().await;
    let body = json!({ "site": "demo", "rank": "agent" });
    let made = owner.post("/v1/invitations", &body).await.json();
    assert!(made["link"].as_str().unwrap().starts_with("https://chat.example/desk#invitation="));
    let headers = [("Origin", "https://chat.example"), ("Content-Type", "application/json")];
    let body = json!({ "login": "owner", "password": PASSWORD }).to_string();
    let welcome = owner.ask("POST", "/v1/sign-in", &headers, &body).await;
    assert_eq!(welcome.status, 200, "{welcome:?}");
    assert!(welcome.header("set-cookie").unwrap().contains("; Secure"), "{welcome:?}");
}

/// The endpoints that are posted to, each with a body that it takes from somebody who may.
fn posts() -> [(&'static str, Value); 7] {
    let code = "0".repeat(64);
    [
        ("/v1/sign-in", json!({ "login": "owner", "password": PASSWORD })),
        ("/v1/token", json!({ "site": "demo" })),
        ("/v1/display-name", json!({ "site": "demo", "display_name": "Ana" })),
        ("/v1/password", json!({ "password": PASSWORD, "new_password": PASSWORD })),
        ("/v1/invitations", json!({ "site": "demo", "rank": "agent" })),
        (
            "/v1/invitations/accept",
            json!({ "invitation": code, "login": "x", "password": PASSWORD, "display_name": "X" }),
        ),
        ("/v1/sign-out", json!({})),
    ]
}

/// DS1, DS2
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_posted_in_a_wrong_way_is_refused_and_changes_nothing() {
    const JSON: (&str, &str) = ("Content-Type", "application/json");
    const OWN: (&str, &str) = ("Origin", ORIGIN);
    let shop = Shop::open().await;
    let mut owner = shop.owner().await;
    for (path, good) in posts() {
        let good = good.to_string();
        let padded = format!("{}{good}", " ".repeat(16 * 1024));
        let deep = "[".repeat(5000);
        for (name, headers, body, status, code) in [
            ("no origin", vec![JSON], good.as_str(), 403, 1004),
            ("another origin", vec![JSON, ("Origin", "http://evil.example")], &good, 403, 1004),
            ("no page's origin", vec![JSON, ("Origin", "null")], &good, 403, 1004),
            (
                "a longer origin",
                vec![JSON, ("Origin", "http://shop.example.evil")],
                &good,
                403,
                1004,
            ),
            ("another port", vec![JSON, ("Origin", "http://shop.example:81")], &good, 403, 1004),
            ("no content type", vec![OWN], &good, 415, -32600),
            ("a form", vec![OWN, ("Content-Type", "text/plain")], &good, 415, -32600),
            ("too long", vec![OWN, JSON], &padded, 413, -32600),
            ("no body", vec![OWN, JSON], "", 400, -32700),
            ("cut off", vec![OWN, JSON], &good[..good.len() - 1], 400, -32700),
            ("more than one", vec![OWN, JSON], "{}{}", 400, -32700),
            ("no letter", vec![OWN, JSON], "\u{0}", 400, -32700),
            ("too deep", vec![OWN, JSON], &deep, 400, -32700),
            ("another kind", vec![OWN, JSON], "\"x\"", 400, -32602),
            ("nothing", vec![OWN, JSON], "null", 400, -32602),
            ("an unknown field", vec![OWN, JSON], "{\"colour\":1}", 400, -32602),
        ] {
            let answer = owner.ask("POST", path, &headers, body).await;
            println!("{path}, {name}");
            is_refused(&answer, status, code);
        }
        for method in ["GET", "PUT", "DELETE"] {
            let answer = owner.ask(method, path, &[OWN, JSON], &good).await;
            is_refused(&answer, 405, -32601);
        }
    }
    assert_eq!(owner.get("/v1/me").await.json()["sites"][0]["display_name"], "Owner");
}

/// DS1
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_is_missing_or_of_a_wrong_type_is_named() {
    let shop = Shop::open().await;
    let mut owner = shop.owner().await;
    for (path, good) in posts() {
        for field in good.as_object().unwrap().keys() {
            let mut without = good.clone();
            without.as_object_mut().unwrap().remove(field);
            let mut wrong = good.clone();
            wrong[field] = json!([1]);
            for (name, body) in [("missing", without), ("wrong", wrong)] {
                let answer = owner.post(path, &body).await;
                if (name, field.as_str()) == ("missing", "display_name") {
                    continue; // Told as 404 or 422: it may be left out for a new password.
                }
                is_refused(&answer, 400, -32602);
                let expected = if name == "missing" { field.as_str() } else { "invalid type" };
                assert!(answer.body.contains(expected), "{path} {body}: {answer:?}");
            }
        }
    }
    for body in [json!({ "site": "Demo!" }), json!({ "site": "x".repeat(65) })] {
        is_refused(&owner.post("/v1/token", &body).await, 400, -32602);
    }
    let body = json!({ "site": "demo", "rank": "owner" });
    is_refused(&owner.post("/v1/invitations", &body).await, 400, -32602);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cookie_or_a_code_that_is_none_opens_nothing() {
    let shop = Shop::open().await;
    let mut owner = shop.owner().await;
    let good = owner.cookie.clone().unwrap();
    let other = format!("vigie_desk={}", "0".repeat(64));
    let cut = &good[..good.len() - 1];
    let long = format!("vigie_desk={}", "a".repeat(6000));
    for cookie in
        ["", "vigie_desk=", "vigie_desk", &other, cut, &long, "vigie_desk=%00'--", "other=1"]
    {
        owner.cookie = Some(cookie.to_owned());
        is_refused(&owner.get("/v1/me").await, 401, 1002);
        is_refused(&owner.token("demo").await, 401, 1002);
    }
    for code in ["x", "0", &"0".repeat(64), &"f".repeat(6000), "%00", "'%20or%201=1"] {
        is_refused(&owner.get(&format!("/v1/invitations/{code}")).await, 404, 1060);
    }
    owner.cookie = Some(format!("other=1; {good}; more=2"));
    assert_eq!(owner.get("/v1/me").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_never_arrives_is_not_waited_for() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let shop = Shop::open_with(&[("GATEWAY__HANDSHAKE_TIMEOUT_MS", "200")]).await;
    let mut socket = tokio::net::TcpStream::connect(shop.http()).await.unwrap();
    let head = format!(
        "POST /v1/sign-in HTTP/1.1\r\nHost: shop.example\r\nOrigin: {ORIGIN}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{{"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = tokio::time::timeout(PATIENCE, socket.read_to_string(&mut answer)).await;
    read.expect("an answer in time").unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_code_or_password_is_ever_logged_or_stored_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut shop = Shop::open_verbose(&log).await;
    let mut owner = shop.owner().await;
    let body = json!({ "site": "demo", "rank": "agent" });
    let made = owner.post("/v1/invitations", &body).await.json();
    let open = made["link"].as_str().unwrap().split_once('=').unwrap().1.to_owned();
    let link = shop.invitation(Rank::Agent).await;
    let used = link.split_once('=').unwrap().1.to_owned();
    owner.get(&format!("/v1/invitations/{used}")).await;
    let mut ana = Browser::new(&shop);
    ana.accepts(&link, "ana").await;
    ana.signs_in("ana", "wrong horse battery").await;
    let token = ana.token("demo").await.json()["token"].as_str().unwrap().to_owned();
    let cookies = [&owner, &ana].map(|browser| {
        browser.cookie.as_ref().unwrap().strip_prefix("vigie_desk=").unwrap().to_owned()
    });
    shop.close().await;
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the log says all there is to say");
    let stored = String::from_utf8_lossy(&shop.kept_on_disk()).into_owned();
    assert!(stored.contains("$argon2id$") && stored.contains("ana"));
    let [first, second] = cookies;
    let wrong = "wrong horse battery".to_owned();
    for secret in [open, used, token, first, second, PASSWORD.to_owned(), wrong] {
        assert!(!log.contains(&secret), "logged: {secret}");
        assert!(!stored.contains(&secret), "stored: {secret}");
    }
}

#[track_caller]
fn is_refused(answer: &HttpAnswer, status: u16, code: i64) {
    let error = answer.json();
    assert_eq!((answer.status, error["code"].as_i64()), (status, Some(code)), "{answer:?}");
    assert!(error["message"].as_str().is_some_and(|m| !m.is_empty()), "{answer:?}");
    assert!(error["retry"].is_boolean(), "{answer:?}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}
