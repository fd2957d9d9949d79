//! What rings for operators, and what stops it.

use serde_json::json;
use vigie_client::{ClientEvent, Options, as_visitor};
use vigie_protocol::card::{Alert, AlertKind, Alerts, Show, Sort, Window};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Connect, Rank};

use crate::support::raw::{Raw, as_visitor as as_raw_visitor};
use crate::support::{Person, Shop, Via, known, over_every_transport};

over_every_transport! {
    async fn lv12_first_messages_further_ones_and_wishes_for_a_human_ring_for_who_wants_them(via) {
        let shop = Shop::open().await;
        // Alerts come whatever the window shows.
        let none = Window { show: Show::Mine, search: Some("nobody".into()), ..Window::default() };
        let mut ann = alerted(&shop, via, "ann", Window { alerts: Alerts::New, ..none.clone() }).await;
        let mut bob = alerted(&shop, via, "bob", Window { alerts: Alerts::All, ..none }).await;
        let visitor = shop.visitor(via).await;
        let session = visitor.session();
        // In one go, so that the live list may see but the last of it, or each for itself.
        for text in ["Hello", "Is anybody there?"] {
            visitor.client.say(text).await.unwrap();
        }
        for operator in [&mut ann, &mut bob] {
            let alert = rings(operator, AlertKind::New, session).await;
            assert!(alert.card.asked > 0 && alert.card.last.is_some(), "{alert:?}");
        }
        let before = has_rung_for(&mut bob, 2).await;
        visitor.client.say("I would like to return my shoes").await.unwrap();
        let alert = rings_anew(&mut bob, before, AlertKind::Message, session).await;
        assert_eq!(alert.card.asked, 3);
        visitor.client.request_human().await.unwrap();
        for operator in [&mut ann, &mut bob] {
            let alert = rings(operator, AlertKind::Waiting, session).await;
            assert!(alert.card.waiting.is_some());
        }
        let kinds: Vec<_> = rung(&ann).iter().map(|alert| alert.kind).collect();
        assert_eq!(kinds, [AlertKind::New, AlertKind::Waiting], "no further message for ann");
    }
}

over_every_transport! {
    async fn lv12_visitors_who_speak_the_moment_that_they_come_ring_as_well(via) {
        let shop = Shop::open().await;
        let new = Window { alerts: Alerts::New, ..Window::default() };
        let mut ann = alerted(&shop, via, "ann", new).await;
        // At once, so that most of them come and speak between two deltas.
        let mut visitors = vec![];
        for _ in 0..12 {
            let mut visitor = Raw::open(&shop, via).await;
            let connect = visitor.ask("connect", as_raw_visitor(&shop.site)).await;
            let send = visitor.ask("send", json!({ "key": "k", "text": "Hello" })).await;
            visitors.push((visitor, connect, send));
        }
        for (visitor, connect, send) in &mut visitors {
            let connected = visitor.answer_to(*connect).await.unwrap();
            visitor.answer_to(*send).await.unwrap();
            let session = connected["identity"]["session"].as_str().unwrap().parse().unwrap();
            rings(&mut ann, AlertKind::New, session).await;
        }
        assert_eq!(rung(&ann).len(), visitors.len());
    }
}

over_every_transport! {
    async fn lv15_what_rings_becomes_quiet_once_somebody_has_taken_it_or_it_is_over(via) {
        let shop = Shop::open().await;
        let all = Window { alerts: Alerts::All, ..Window::default() };
        let mut ann = alerted(&shop, via, "ann", all.clone()).await;
        let mut bob = alerted(&shop, via, "bob", all).await;
        let mut deaf = alerted(&shop, via, "cy", Window::default()).await;
        let (one, other) = (shop.visitor(via).await, shop.visitor(via).await);
        one.client.say("Hello").await.unwrap();
        rings(&mut bob, AlertKind::New, one.session()).await;
        ann.client.take_over(one.session()).await.unwrap();
        for operator in [&mut ann, &mut bob] {
            becomes_quiet(operator, one.session()).await;
        }
        // From now on it rings for ann alone. What comes for another session comes later.
        one.client.say("Are you there, Ann?").await.unwrap();
        rings(&mut ann, AlertKind::Message, one.session()).await;
        other.client.say("Hello").await.unwrap();
        rings(&mut bob, AlertKind::New, other.session()).await;
        let of_one = rung(&bob).into_iter().filter(|alert| alert.card.session == one.session());
        assert_eq!(of_one.map(|alert| alert.kind).collect::<Vec<_>>(), [AlertKind::New]);
        other.client.end_session().await.unwrap();
        for operator in [&mut ann, &mut bob] {
            becomes_quiet(operator, other.session()).await;
        }
        let over = |card: &vigie_protocol::card::Card| card.control.epoch == 2;
        deaf.sees_card("the session that ann has taken", over).await;
        let signals = |heard: &ClientEvent| match heard {
            ClientEvent::Live(live) => !live.alerts.is_empty() || !live.quiet.is_empty(),
            _ => false,
        };
        assert!(!deaf.heard.iter().any(signals), "who asks for no alerts gets none");
    }
}

#[tokio::test]
async fn lv14_who_returns_rings_for_nothing_that_they_said_before() {
    let mut shop = Shop::open_with(&[("PRESENCE__VISITOR_GRACE_MS", "50")]).await;
    let all = Window { alerts: Alerts::All, ..Window::default() };
    let mut ann = alerted(&shop, Via::Tcp, "ann", all.clone()).await;
    let visitor = shop.visitor(Via::WebSocket).await;
    let (session, resume) = (visitor.session(), visitor.resume());
    visitor.client.say("I will be back").await.unwrap();
    visitor.client.request_human().await.unwrap();
    rings(&mut ann, AlertKind::New, session).await;
    rings(&mut ann, AlertKind::Waiting, session).await;
    // Ann looks on while the visitor is away, which keeps the session's actor.
    ann.client.subscribe(session, 0).await.unwrap();
    drop(visitor);
    becomes_quiet(&mut ann, session).await;

    for round in ["back at once", "back after a restart"] {
        let connect = Connect { resume: resume.clone(), ..as_visitor(&*shop.site.key) };
        let visitor = shop.visitor_as(Via::Json, connect, Options::default()).await;
        assert_eq!(visitor.session(), session);
        let before = rung(&ann).len();
        ann.sees_card("the visitor, back", |card| card.online).await;
        visitor.client.say(round).await.unwrap();
        rings_anew(&mut ann, before, AlertKind::Message, session).await;
        let kinds: Vec<_> = rung(&ann)[before..].iter().map(|alert| alert.kind).collect();
        assert_eq!(kinds, [AlertKind::Message], "{round}");
        drop(visitor);
        shop.kill().await;
        shop.reopen().await;
        ann = alerted(&shop, Via::Tcp, "ann", all.clone()).await;
    }
}

#[tokio::test]
async fn lv11_a_window_further_down_follows_what_happens_before_it() {
    let shop = Shop::open().await;
    let mut visitors = vec![];
    for _ in 0..6 {
        visitors.push(shop.visitor(Via::Tcp).await);
    }
    let all = Window { sort: Sort::Oldest, ..Window::default() };
    let mut ann = shop.operator(Via::Json, "ann", Rank::Agent).await;
    let whole = known(
        "the whole list",
        async || ann.client.watch(all.clone()).await.unwrap(),
        |list| list.cards.len() == 6,
    );
    let order: Vec<_> = whole.await.cards.iter().map(|card| card.session).collect();
    assert_eq!(order.len(), 6);
    let stretch = ann.client.watch(Window { skip: 2, first: 2, ..all }).await.unwrap();
    assert_eq!(stretch.cards.iter().map(|card| card.session).collect::<Vec<_>>(), order[2..4]);
    let is_stretch = |heard: &ClientEvent| match heard {
        ClientEvent::Snapshot(list) => (list.revision == stretch.revision).then_some(()),
        _ => None,
    };
    ann.until("the stretch", is_stretch).await;
    let first = visitors.iter().find(|visitor| visitor.session() == order[0]).unwrap();
    first.client.end_session().await.unwrap();
    let shifted = ann.until("the shift", |heard| match heard {
        ClientEvent::Live(live) if !live.upsert.is_empty() => Some(live.clone()),
        _ => None,
    });
    let shifted = shifted.await;
    assert_eq!(shifted.upsert.iter().map(|card| card.session).collect::<Vec<_>>(), [order[4]]);
    assert_eq!((shifted.remove, shifted.totals.matching), (vec![order[2]], 5));
}

/// An operator who watches, and has heard what there was.
async fn alerted(shop: &Shop, via: Via, id: &str, window: Window) -> Person {
    let operator = shop.operator(via, id, Rank::Agent).await;
    operator.client.watch(window).await.unwrap();
    operator
}

/// Everything that has rung, in order.
fn rung(operator: &Person) -> Vec<Alert> {
    let alerts = operator.heard.iter().filter_map(|heard| match heard {
        ClientEvent::Live(live) => Some(live.alerts.clone()),
        _ => None,
    });
    alerts.flatten().collect()
}

/// Waits until something rings, unless it did so already.
async fn rings(operator: &mut Person, kind: AlertKind, session: SessionId) -> Alert {
    rings_anew(operator, 0, kind, session).await
}

/// Waits until something rings for a session after so many alerts.
async fn rings_anew(
    operator: &mut Person,
    after: usize,
    kind: AlertKind,
    session: SessionId,
) -> Alert {
    loop {
        let found = rung(operator).into_iter().skip(after);
        let mut found = found.filter(|alert| alert.card.session == session && alert.kind == kind);
        if let Some(alert) = found.next() {
            assert_eq!(found.next(), None, "it rings once");
            return alert;
        }
        operator.until(&format!("{kind:?}"), has_alerts).await;
    }
}

/// Waits until something has rung for so many messages; says how often it rang for that.
async fn has_rung_for(operator: &mut Person, asked: u64) -> usize {
    while rung(operator).last().is_none_or(|alert| alert.card.asked < asked) {
        operator.until("a further alert", has_alerts).await;
    }
    rung(operator).len()
}

fn has_alerts(heard: &ClientEvent) -> Option<()> {
    match heard {
        ClientEvent::Live(live) if !live.alerts.is_empty() => Some(()),
        _ => None,
    }
}

/// Waits until a session is called quiet, unless it was already.
async fn becomes_quiet(operator: &mut Person, session: SessionId) {
    let quiet = |heard: &ClientEvent| match heard {
        ClientEvent::Live(live) if live.quiet.contains(&session) => Some(()),
        _ => None,
    };
    if operator.heard.iter().find_map(quiet).is_none() {
        operator.until("quiet", quiet).await;
    }
}
