//! Nothing is missed and nothing comes twice: subscriptions, restarts, and connections that end.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use vigie::core::site::BotKind;
use vigie::identity::Role;
use vigie_client::{Link, Wire, as_visitor, new_key, with_token};
use vigie_protocol::HISTORY_PAGE_MAX;
use vigie_protocol::error::{CloseCode, ErrorCode};
use vigie_protocol::event::{Event, EventBody, Offset};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{
    AddNote, Connect, Connected, Empty, History, HistoryPage, Identity, Method, Ping, Rank,
    Refresh, Say, Subscribe, Unsubscribe, ViewPage,
};
use vigie_protocol::push::{EventPush, Push};
use vigie_protocol::rpc::{self, Message};

use crate::support::{Person, Shop, Via, next_push, over_every_transport, refusal, text, within};

/// How many rounds of a message, a page view and a note make a log long.
const ROUNDS: usize = 200;

const THE_END: &str = "The end.";

/// Who is silent for so long is pinged: short, but longer than a machine may stall.
const HEARTBEAT_MS: u64 = 2000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rs1_from_every_offset_each_role_is_given_what_it_sees_once_and_in_order() {
    let shop = shop_without_bot().await;
    let (writer, session, resume) = visitor(&shop, None).await;
    let ann = operator(&shop, Via::Tcp).await;
    write(&writer, &ann, session, 0..ROUNDS).await;
    let head = ann.call(&History { session: Some(session), after: 0, limit: 1 }).await.unwrap();
    assert_eq!(head.events[0].offset, 1);

    // More is written while they read.
    let writing = async {
        write(&writer, &ann, session, ROUNDS..ROUNDS + 40).await;
        writer.call(&say(THE_END)).await.unwrap();
    };
    let reading = join_all([0, 1, 2, 299, 598].into_iter().flat_map(|after| {
        let (shop, resume) = (&shop, &resume);
        [Via::Tcp, Via::WebSocket, Via::Json].map(|via| async move {
            for role in [Role::Visitor, Role::Operator, Role::Bot] {
                let link = shop.link(via).await;
                let connect = match role {
                    Role::Visitor => {
                        Connect { resume: Some(resume.clone()), ..as_visitor(&*shop.site.key) }
                    }
                    Role::Operator => with_token(shop.operator_token("ben", Rank::Agent)),
                    Role::Bot => with_token(shop.token(Role::Bot, "helper", Some("H"), None, 60)),
                };
                link.call(&connect).await.unwrap();
                let given = read_to_the_end(&link, session, after).await;
                let all = history(&link, session, 100).await;
                prove(&given, after, &all);
                let roles_own = all.len();
                match role {
                    Role::Visitor => assert_eq!(roles_own, ROUNDS + 40 + 1),
                    Role::Bot => assert_eq!(roles_own, 1 + 2 * (ROUNDS + 40) + 1),
                    Role::Operator => assert_eq!(roles_own, 1 + 3 * (ROUNDS + 40) + 1),
                }
            }
        })
    }));
    tokio::join!(writing, reading);
}

/// That these are the events after an offset, each once, in order, and provably without gap.
fn prove(given: &[EventPush], after: Offset, all: &[Event]) {
    let expected: Vec<_> = all.iter().map(|event| event.offset).filter(|o| *o > after).collect();
    let offsets: Vec<_> = given.iter().map(|push| push.offset).collect();
    assert_eq!(offsets, expected, "after {after}");
    let mut last = after;
    for push in given {
        assert!(push.prev <= last, "RS3: nothing visible lies between: {push:?} after {last}");
        assert!(push.prev < push.offset);
        last = push.offset;
    }
    for pair in given.windows(2) {
        assert_eq!(pair[1].prev, pair[0].offset, "RS3");
    }
}

over_every_transport! {
    async fn rs4_an_offset_beyond_the_logs_end_is_refused_with_its_end(via) {
        let shop = shop_without_bot().await;
        let (writer, session, _) = visitor(&shop, None).await;
        let head = writer.call(&say("Hello.")).await.unwrap().offset;
        let ann = operator(&shop, via).await;
        let ahead = ann.call(&follow(session, head + 1)).await;
        let refused = refusal(ahead);
        assert_eq!(refused.code, ErrorCode::OffsetAhead);
        assert_eq!(refused.data, Some(serde_json::json!({ "head": head })));
        let subscribed = ann.call(&follow(session, head)).await.unwrap();
        assert_eq!(subscribed.offset, head);
        writer.call(&say("And now?")).await.unwrap();
        let push = sees_event(&ann).await;
        assert_eq!((push.prev, push.offset), (head, head + 1), "nothing of the past came");
    }
}

over_every_transport! {
    async fn rs10_history_comes_in_pages(via) {
        let shop = shop_without_bot().await;
        let (writer, session, resume) = visitor(&shop, None).await;
        let ann = operator(&shop, via).await;
        write(&writer, &ann, session, 0..10).await;
        let reader = shop.link(via).await;
        let connect = Connect { resume: Some(resume), ..as_visitor(&*shop.site.key) };
        reader.call(&connect).await.unwrap();
        for link in [&ann, &reader] {
            let whole = history(link, session, HISTORY_PAGE_MAX).await;
            assert!(whole.is_sorted_by(|a, b| a.offset < b.offset));
            for limit in [1, 7, 31, 32] {
                assert_eq!(history(link, session, limit).await, whole, "pages of {limit}");
            }
            let beyond = page(link, session, 1000, 10).await;
            assert_eq!(beyond, HistoryPage { events: vec![], next: None });
            let much = History { session: Some(session), after: 0, limit: HISTORY_PAGE_MAX + 1 };
            assert_eq!(refusal(link.call(&much).await).code, ErrorCode::InvalidParams);
        }
        assert_eq!(history(&reader, session, 100).await.len(), 10);
        assert_eq!(history(&ann, session, 100).await.len(), 31);
    }
}

over_every_transport! {
    async fn rs5_to_subscribe_again_replaces_the_subscription_before(via) {
        let shop = shop_without_bot().await;
        let (writer, session, _) = visitor(&shop, None).await;
        let first = writer.call(&say("One.")).await.unwrap().offset;
        let ann = operator(&shop, via).await;
        ann.call(&follow(session, 0)).await.unwrap();
        while sees_event(&ann).await.offset < first {}
        ann.call(&follow(session, first)).await.unwrap();
        ann.call(&follow(session, first)).await.unwrap();
        writer.call(&say("Two.")).await.unwrap();
        writer.call(&say("Three.")).await.unwrap();
        let offsets = [sees_event(&ann).await.offset, sees_event(&ann).await.offset];
        assert_eq!(offsets, [first + 1, first + 2]);
    }
}

over_every_transport! {
    async fn rs7_after_unsubscribe_no_more_events_come(via) {
        let shop = shop_without_bot().await;
        let (one, first, _) = visitor(&shop, None).await;
        let (other, second, _) = visitor(&shop, None).await;
        let ann = operator(&shop, via).await;
        ann.call(&follow(first, 1)).await.unwrap();
        ann.call(&follow(second, 1)).await.unwrap();
        one.call(&say("Heard.")).await.unwrap();
        assert_eq!(sees_event(&ann).await.session, first);
        ann.call(&Unsubscribe { session: first }).await.unwrap();
        one.call(&say("Not heard.")).await.unwrap();
        other.call(&say("Heard as well.")).await.unwrap();
        let push = sees_event(&ann).await;
        assert_eq!((push.session, text(&push.into_event())), (second, "Heard as well."));
        ann.call(&Unsubscribe { session: first }).await.unwrap();
    }
}

#[tokio::test]
async fn rs6_one_connection_follows_256_sessions_and_no_more() {
    let shop = shop_without_bot().await;
    let ann = operator(&shop, Via::Tcp).await;
    let visitors = join_all((0..257).map(|_| visitor(&shop, None))).await;
    for (_, session, _) in &visitors[..256] {
        ann.call(&follow(*session, 1)).await.unwrap();
    }
    let one_more = ann.call(&follow(visitors[256].1, 1)).await;
    assert_eq!(refusal(one_more).code, ErrorCode::Busy);
    join_all(visitors.iter().map(|(link, ..)| async { link.call(&say("Hello.")).await.unwrap() }))
        .await;
    let mut heard = BTreeSet::new();
    for _ in 0..256 {
        let push = sees_event(&ann).await;
        assert!(push.offset == 2 && heard.insert(push.session), "{push:?}");
    }
    assert!(!heard.contains(&visitors[256].1));
    ann.call(&Unsubscribe { session: visitors[0].1 }).await.unwrap();
    ann.call(&follow(visitors[256].1, 1)).await.unwrap();
    assert_eq!(sees_event(&ann).await.session, visitors[256].1);
}

over_every_transport! {
    async fn cl1_at_shutdown_every_client_is_told_to_connect_again(via) {
        let mut shop = shop_without_bot().await;
        let ann = operator(&shop, via).await;
        let stranger = shop.link(via).await;
        // By its answer it is surely let in.
        stranger.call(&Ping {}).await.unwrap();
        let status = shop.close().await;
        assert!(status.success(), "{status}");
        for link in [&ann, &stranger] {
            let closed = within("the end", next_push(link)).await.unwrap_err();
            assert_eq!(closed.code, Some(CloseCode::GoingAway), "{closed:?}");
            assert!(closed.reconnect);
        }
    }
}

/// How an engine ends.
#[derive(Clone, Copy)]
enum End {
    Terminated,
    Killed,
}

over_every_transport! {
    async fn over_a_shutdown_nothing_is_lost_or_doubled(via) {
        talk_over_a_restart(via, End::Terminated).await;
    }
}

over_every_transport! {
    async fn over_a_power_cut_nothing_is_lost_or_doubled(via) {
        talk_over_a_restart(via, End::Killed).await;
    }
}

async fn talk_over_a_restart(via: Via, end: End) {
    let mut shop = shop_without_bot().await;
    let mut visitor = shop.visitor(via).await;
    let session = visitor.session();
    let mut ann = shop.operator(via, "ann", Rank::Agent).await;
    ann.client.subscribe(session, 0).await.unwrap();
    visitor.client.subscribe_own(0).await.unwrap();
    let speaker = visitor.client.clone();
    let texts: Vec<_> = (0..200).map(|n| format!("Message {n}.")).collect();
    let speaking = async {
        // Several at once, as a client may: what is not answered is sent again under its key.
        for some in texts.chunks(10) {
            for said in join_all(some.iter().map(|text| speaker.say(text))).await {
                said.unwrap();
            }
        }
    };
    let restarting = async {
        ann.sees_message(&texts[50]).await;
        match end {
            End::Terminated => assert!(shop.close().await.success()),
            End::Killed => shop.kill().await,
        }
        shop.reopen().await;
    };
    tokio::join!(speaking, restarting);
    visitor.client.say(THE_END).await.unwrap();
    for person in [&mut visitor, &mut ann] {
        person.sees_message(THE_END).await;
        let mut said: Vec<_> =
            person.seen.iter().map(text).filter(|text| text.starts_with("Message")).collect();
        let offsets = person.seen.iter().map(|event| event.offset);
        assert!(offsets.is_sorted_by(|a, b| a < b), "once, in order");
        said.sort_unstable();
        let mut expected: Vec<_> = texts.iter().map(String::as_str).collect();
        expected.sort_unstable();
        assert_eq!(said, expected);
    }
    assert_eq!(visitor.session(), session, "a restart keeps sessions");
    let log = ann.client.history(Some(session), 0, HISTORY_PAGE_MAX).await.unwrap().events;
    assert_eq!(log.len(), 1 + texts.len() + 1, "nothing else happened: {log:?}");
}

#[tokio::test]
async fn sn4_a_retry_under_the_same_key_is_not_said_twice_not_even_after_a_power_cut() {
    let mut shop = shop_without_bot().await;
    let mut visitor = shop.visitor(Via::Tcp).await;
    let session = visitor.session();
    visitor.client.subscribe_own(0).await.unwrap();
    let once = say("Once.");
    let done = visitor.client.call(&once).await.unwrap();
    shop.kill().await;
    shop.reopen().await;
    assert_eq!(visitor.client.call(&once).await.unwrap(), done);
    let other = Say { text: "Twice.".into(), ..once };
    let refused = refusal(visitor.client.call(&other).await);
    assert_eq!(refused.code, ErrorCode::KeyReused);
    assert_eq!(refused.data, Some(serde_json::json!({ "offset": done.offset })));
    visitor.client.say(THE_END).await.unwrap();
    visitor.sees_message(THE_END).await;
    let texts: Vec<_> = visitor.seen.iter().map(text).collect();
    assert_eq!(texts, ["Once.", THE_END]);
    assert_eq!(visitor.session(), session);
}

#[tokio::test]
async fn a_visitor_is_known_to_a_restarted_engine() {
    let mut shop = shop_without_bot().await;
    let visitor = shop.visitor(Via::Json).await;
    let (session, resume) = (visitor.session(), visitor.resume());
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    ann.client.take_over(session).await.unwrap();
    drop(visitor);
    assert!(shop.close().await.success());
    shop.reopen().await;
    let mut visitor: Person = shop.visitor_with(Via::WebSocket, resume).await;
    assert_eq!(visitor.session(), session);
    let Some(Identity::Visitor { control, .. }) = visitor.client.identity() else { panic!() };
    assert_eq!(control.epoch, 2);
    visitor.client.subscribe_own(0).await.unwrap();
    assert_eq!(visitor.sees_control_change().await.as_deref(), Some("Ann"));
}

over_every_transport! {
    async fn id7_an_expired_token_closes_the_connection_and_a_fresh_one_keeps_it(via) {
        let shop = shop_without_bot().await;
        let token = |id, seconds| shop.token(Role::Operator, id, Some("Ann"), None, seconds);
        let [left, kept, mistaken] =
            [shop.link(via).await, shop.link(via).await, shop.link(via).await];
        for link in [&left, &kept, &mistaken] {
            link.call(&with_token(token("ann", 5))).await.unwrap();
        }
        let refreshed = kept.call(&Refresh { token: token("ann", 3600) }).await.unwrap();
        let others = mistaken.call(&Refresh { token: token("ben", 3600) }).await;
        assert_eq!(refusal(others).code, ErrorCode::Unauthorized);
        mistaken.call(&Ping {}).await.unwrap();
        for link in [&left, &mistaken] {
            let closed = within("the end", next_push(link)).await.unwrap_err();
            assert_eq!(closed.code, Some(CloseCode::TokenExpired), "{closed:?}");
            assert!(!closed.reconnect);
        }
        // By the time that a later one has expired, all were looked at.
        let later = shop.link(via).await;
        let connected: Connected = later.call(&with_token(token("ann", 3))).await.unwrap();
        let Identity::Operator { expires, .. } = connected.identity else { panic!() };
        assert!(refreshed.expires > expires);
        within("the later end", next_push(&later)).await.unwrap_err();
        kept.call(&Ping {}).await.unwrap();

        let late = refusal(shop.link(via).await.call(&with_token(token("ann", -1))).await);
        assert_eq!(late.code, ErrorCode::TokenExpired);
    }
}

over_every_transport! {
    async fn hb3_a_silent_client_is_pinged_and_then_closed(via) {
        let heartbeat = HEARTBEAT_MS.to_string();
        let shop = Shop::open_with(&[("GATEWAY__HEARTBEAT_MS", &heartbeat)]).await;
        let mut silent = connected_wire(&shop, via).await;
        let mut lively = connected_wire(&shop, via).await;
        let silence = async {
            assert!(matches!(hear(&mut silent).await, Heard::Ping(_)), "first it is asked");
            assert_eq!(hear(&mut silent).await, Heard::Bye(CloseCode::HeartbeatTimeout));
            let closed = within("the end", silent.receive()).await;
            closed.map(<[u8]>::to_vec).unwrap_err()
        };
        let answering = async {
            // No silence of three heartbeats is borne.
            for _ in 0..3 {
                let Heard::Ping(id) = hear(&mut lively).await else { panic!("not closed") };
                let answer = rpc::response(lively.encoding(), &id, &Ok(Empty {}));
                lively.send(answer).await.unwrap();
            }
        };
        let (closed, ()) = tokio::join!(silence, answering);
        if via != Via::Tcp {
            assert_eq!(closed.code, Some(CloseCode::HeartbeatTimeout), "CL2");
        }
    }
}

over_every_transport! {
    async fn cn1_who_does_not_say_who_they_are_is_closed(via) {
        let shop = Shop::open_with(&[("GATEWAY__CONNECT_TIMEOUT_MS", "3000")]).await;
        let known = operator(&shop, via).await;
        let stranger = shop.link(via).await;
        let first = refusal(stranger.call(&say("Hello?")).await);
        assert_eq!(first.code, ErrorCode::NotConnected, "CN2");
        let closed = within("the end", next_push(&stranger)).await.unwrap_err();
        assert_eq!(closed.code, Some(CloseCode::ConnectTimeout), "{closed:?}");
        known.call(&Ping {}).await.unwrap();
    }
}

/// A shop at whose site nobody answers but humans.
async fn shop_without_bot() -> Shop {
    let mut shop = Shop::open_with(&[("BOTS__TURN_TIMEOUT_MS", "600000")]).await;
    shop.settle(|settings| settings.bot = BotKind::Peer).await;
    shop
}

/// A visitor's plain connection, their session and their private token.
async fn visitor(shop: &Shop, resume: Option<String>) -> (Link, SessionId, String) {
    let link = shop.link(Via::Tcp).await;
    let connect = Connect { resume, ..as_visitor(&*shop.site.key) };
    match link.call(&connect).await.unwrap().identity {
        Identity::Visitor { session, resume, .. } => (link, session, resume),
        other => panic!("not a visitor: {other:?}"),
    }
}

async fn operator(shop: &Shop, via: Via) -> Link {
    let link = shop.link(via).await;
    let token = shop.operator_token("ann", Rank::Agent);
    link.call(&with_token(token)).await.unwrap();
    link
}

fn say(text: &str) -> Say {
    Say { session: None, key: new_key(), text: text.into(), seen: None, confirm: false }
}

fn follow(session: SessionId, offset: Offset) -> Subscribe {
    Subscribe { session: Some(session), offset }
}

/// Three events a round, of which visitors see one and bots two.
async fn write(visitor: &Link, ann: &Link, session: SessionId, rounds: std::ops::Range<usize>) {
    let rounds = rounds.map(|round| async move {
        let url = format!("https://shop.example/{round}");
        let note = AddNote { session, key: new_key(), text: format!("Note {round}.") };
        let message = say(&format!("Message {round}."));
        let view = ViewPage { url, title: None };
        let (said, viewed, noted) =
            tokio::join!(visitor.call(&message), visitor.call(&view), ann.call(&note));
        said.and(viewed).and(noted).unwrap();
    });
    join_all(rounds).await;
}

async fn sees_event(link: &Link) -> EventPush {
    match within("an event", next_push(link)).await.unwrap() {
        Push::EventPush(push) => push,
        other => panic!("only events were asked for: {other:?}"),
    }
}

async fn read_to_the_end(link: &Link, session: SessionId, after: Offset) -> Vec<EventPush> {
    link.call(&follow(session, after)).await.unwrap();
    let mut given = vec![];
    loop {
        let push = sees_event(link).await;
        let end = matches!(&push.body, EventBody::Message(message) if message.text == THE_END);
        given.push(push);
        if end {
            return given;
        }
    }
}

/// All that a role sees of a session's past, page by page.
async fn history(link: &Link, session: SessionId, limit: u32) -> Vec<Event> {
    let (mut events, mut after) = (vec![], Some(0));
    while let Some(from) = after {
        let page = page(link, session, from, limit).await;
        events.extend(page.events);
        after = page.next;
    }
    events
}

async fn page(link: &Link, session: SessionId, after: Offset, limit: u32) -> HistoryPage {
    link.call(&History { session: Some(session), after, limit }).await.unwrap()
}

/// What a client that does nothing by itself hears.
#[derive(Debug, PartialEq)]
enum Heard {
    Ping(rpc::Id),
    Bye(CloseCode),
}

/// A connection that has said who it is, and then says nothing more by itself.
async fn connected_wire(shop: &Shop, via: Via) -> Wire {
    let mut wire =
        Wire::open(&shop.endpoint(via), &vigie_client::Options::default()).await.unwrap();
    let connect = with_token(shop.operator_token("ann", Rank::Agent));
    let request = rpc::request(wire.encoding(), 1, Connect::NAME, &connect);
    wire.send(request).await.unwrap();
    let encoding = wire.encoding();
    let answer = within("the answer to connect", wire.receive()).await.unwrap();
    match rpc::decode(encoding, answer).unwrap() {
        Message::Response { outcome: Ok(result), .. } => {
            let connected: Connected = result.decode().unwrap();
            assert_eq!(connected.heartbeat, HEARTBEAT_MS, "HB2");
        }
        other => panic!("connect was not answered: {other:?}"),
    }
    wire
}

async fn hear(wire: &mut Wire) -> Heard {
    let encoding = wire.encoding();
    loop {
        let bytes = within("something to hear", wire.receive()).await.unwrap();
        match rpc::decode(encoding, bytes).unwrap() {
            Message::Request { id, method, .. } if method == Ping::NAME => return Heard::Ping(id),
            Message::Notification { method, params } => match Push::decode(&method, &params) {
                Ok(Push::Bye(bye)) => return Heard::Bye(CloseCode::from_number(bye.code)),
                Ok(Push::Status(_)) => {}
                other => panic!("unexpected: {other:?}"),
            },
            other => panic!("unexpected: {other:?}"),
        }
    }
}
