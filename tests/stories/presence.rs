//! Visitors come and go, and the live list shows it as it happens.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vigie::core::site::BotKind;
use vigie_client::{ClientEvent, ClientOptions, Options, as_visitor, with_token};
use vigie_protocol::card::{BotState, Card, Show, Sort, Speaker, Totals, Window};
use vigie_protocol::error::ErrorCode;
use vigie_protocol::event::{CloseCause, Device, Event, EventBody, Page};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Connect, Identity, Intent, Method, OperatorCard, Rank, Watch};
use vigie_protocol::push::Push;
use vigie_protocol::rpc::{self, Encoding};

use crate::support::{
    Person, Shop, Via, alone, known, next_push, over_every_transport, patient, refusal, text,
    within,
};

const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 \
                     (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";

over_every_transport! {
    async fn lv6_a_visitor_is_in_the_live_list_from_the_moment_they_connect(via) {
        let shop = Shop::open().await;
        let mut ann = watching(&shop, via, Window::default()).await;
        let visitor = shop.visitor(via).await;
        let card = ann.sees_card("the visitor", |_| true).await;
        assert_eq!(card.session, visitor.session());
        assert_eq!((card.messages, card.last, card.waiting), (0, None, None));
        assert_eq!((card.online, card.bot, card.control.epoch), (true, BotState::Idle, 1));
        assert_eq!(totals(&ann), Totals { all: 1, bot: 1, matching: 1, ..Totals::default() });
    }
}

over_every_transport! {
    async fn lv6_a_visitor_stays_offline_in_the_live_list_for_the_grace_time_then_goes(via) {
        let shop = Shop::open_with(&[("PRESENCE__VISITOR_GRACE_MS", "3000")]).await;
        let mut ann = watching(&shop, via, Window::default()).await;
        let visitor = shop.visitor(via).await;
        let session = visitor.session();
        ann.sees_card("the visitor", |card| card.online).await;
        drop(visitor);
        ann.sees_card("the visitor offline", |card| !card.online).await;
        assert_eq!(totals(&ann).all, 1, "within the grace time they are still there");
        sees_removal(&mut ann, session).await;
        assert_eq!(totals(&ann), Totals::default());
    }
}

#[tokio::test]
async fn a_page_change_does_not_flicker() {
    let shop = Shop::open().await;
    let mut ann = watching(&shop, Via::Tcp, Window::default()).await;
    let first = shop.visitor_as(Via::Json, on_page(&shop, "https://shop.example/"), page()).await;
    let (session, resume) = (first.session(), first.resume());
    ann.sees_card("the first page", |card| card.page.is_some()).await;
    drop(first);
    let connect = Connect { resume, ..on_page(&shop, "https://shop.example/bags") };
    let second = shop.visitor_as(Via::Json, connect, page()).await;
    assert_eq!(second.session(), session);
    let on_bags = |card: &Card| card.page.as_ref().is_some_and(|p| p.url.ends_with("/bags"));
    let card = ann.sees_card("the second page", on_bags).await;
    if !card.online {
        assert!(!alone(), "one engine knows both at once");
        ann.sees_card("the visitor, there", |card| on_bags(card) && card.online).await;
    }

    // Whoever comes now is behind all that could have flickered.
    let other = shop.visitor(Via::Tcp).await.session();
    ann.sees_card("another visitor", |card| card.session == other).await;
    assert!(!ann.heard.iter().any(|heard| removes(heard, session)), "{:?}", ann.heard);
    let log = ann.client.history(Some(session), 0, 100).await.unwrap().events;
    let went = |body: &EventBody| {
        matches!(body, EventBody::VisitorLeft {} | EventBody::VisitorReturned { .. })
    };
    assert!(!log.iter().any(|event| went(&event.body)), "{log:?}");
    let pages = log.iter().filter(|e| matches!(e.body, EventBody::PageViewed { .. }));
    assert_eq!(pages.count(), 1, "the change of page is in the log: {log:?}");
}

#[tokio::test]
async fn cn8_several_tabs_are_one_session_and_one_card() {
    let shop = Shop::open_with(&[("PRESENCE__VISITOR_GRACE_MS", "50")]).await;
    let mut ann = watching(&shop, Via::Json, Window::default()).await;
    let mut first = shop.visitor(Via::WebSocket).await;
    let session = first.session();
    first.client.subscribe_own(0).await.unwrap();
    let connect = Connect { resume: first.resume(), ..as_visitor(&*shop.site.key) };
    let second = Tab::open(&shop, connect.clone()).await;
    let third = shop.visitor_as(Via::Tcp, connect, Options::default()).await;
    assert_eq!(third.session(), session);

    // One tab goes; the others stay, and so does the visitor.
    second.close().await;
    third.client.say("Still here.").await.unwrap();
    first.sees_message("Still here.").await;
    ann.sees_card("the message", |card| card.last.is_some()).await;
    assert_eq!(totals(&ann).all, 1);

    // With the last tab goes the visitor, once.
    drop((first, third));
    sees_removal(&mut ann, session).await;
    let log = ann.client.history(Some(session), 0, 100).await.unwrap().events;
    let message = log.iter().position(|event| text(event) == "Still here.").unwrap();
    let left = log.iter().position(|event| event.body == EventBody::VisitorLeft {});
    assert!(left.is_none_or(|left| left > message), "one tab is enough to stay: {log:?}");
    let offline = ann.heard.iter().position(|heard| shows(heard, |card| !card.online));
    let spoke = ann.heard.iter().position(|heard| shows(heard, |c| c.last.is_some())).unwrap();
    assert!(offline.is_none_or(|offline| offline > spoke), "one tab is enough to be online");
}

#[tokio::test]
async fn a_visitor_who_left_and_returns_is_in_the_same_session() {
    let shop = Shop::open_with(&[("PRESENCE__VISITOR_GRACE_MS", "50")]).await;
    let mut ann = watching(&shop, Via::Tcp, Window::default()).await;
    let visitor = shop.visitor(Via::WebSocket).await;
    let (session, resume) = (visitor.session(), visitor.resume());
    visitor.client.say("I will be back.").await.unwrap();
    ann.client.subscribe(session, 0).await.unwrap();
    ann.sees_card("the visitor", |card| card.session == session).await;
    drop(visitor);
    ann.sees("visitor_left", |event| event.body == EventBody::VisitorLeft {}).await;
    sees_removal(&mut ann, session).await;

    let connect = Connect {
        resume,
        language: Some("fr".into()),
        ..on_page(&shop, "https://shop.example/back")
    };
    let mut visitor = shop.visitor_as(Via::Tcp, connect, Options::default()).await;
    assert_eq!(visitor.session(), session);
    let returned = |e: &_| matches!(e, EventBody::VisitorReturned { .. });
    let event = ann.sees("visitor_returned", |event| returned(&event.body)).await;
    let EventBody::VisitorReturned { context } = event.body else { unreachable!() };
    assert_eq!(context.language.as_deref(), Some("fr"));
    // The card may have come before the event.
    let there = |card: &Card| card.online && card.offset >= event.offset;
    let shown = ann.heard.iter().rev().find_map(|heard| match heard {
        ClientEvent::Live(live) => live.upsert.iter().find(|card| there(card)).cloned(),
        _ => None,
    });
    let card = match shown {
        Some(card) => card,
        None => ann.sees_card("the visitor back", there).await,
    };
    assert_eq!(card.page.unwrap().url, "https://shop.example/back");
    visitor.client.subscribe_own(0).await.unwrap();
    visitor.sees_message("I will be back.").await;
}

#[tokio::test]
async fn rs12_a_visitor_whose_session_was_closed_starts_another() {
    let shop = Shop::open().await;
    let mut ann = watching(&shop, Via::Json, Window::default()).await;
    let mut visitor = shop.visitor(Via::Tcp).await;
    let first = visitor.session();
    visitor.client.subscribe_own(0).await.unwrap();
    ann.sees_card("the session", |card| card.session == first).await;
    ann.client.close_session(first).await.unwrap();
    let by_operator = EventBody::SessionClosed { cause: CloseCause::Operator };
    visitor.sees("the close", |event| event.body == by_operator).await;
    sees_removal(&mut ann, first).await;
    let refused = refusal(visitor.client.say("Hello?").await);
    assert_eq!(refused.code, ErrorCode::SessionClosed);

    let who = visitor_id(&visitor);
    visitor.client.reconnect();
    let connected = |heard: &ClientEvent| match heard {
        ClientEvent::Connected(Identity::Visitor { session, .. }) if *session != first => Some(()),
        _ => None,
    };
    visitor.until("another session", connected).await;
    assert_eq!(visitor_id(&visitor), who);
    let card = ann.sees_card("the other session", |card| card.session != first).await;
    assert_eq!(card.session, visitor.session());
    let log = ann.client.history(Some(card.session), 0, 1).await.unwrap().events;
    let EventBody::SessionStarted { ordinal, .. } = &log[0].body else { panic!("{log:?}") };
    assert_eq!(*ordinal, 2);
}

#[tokio::test]
async fn rs12_the_session_of_a_visitor_who_stays_away_is_closed() {
    let settings = [("PRESENCE__VISITOR_GRACE_MS", "20"), ("SESSION__CLOSE_AFTER_MS", "200")];
    let shop = Shop::open_with(&settings).await;
    let mut ann = watching(&shop, Via::Tcp, Window::default()).await;
    let visitor = shop.visitor(Via::Tcp).await;
    let (session, resume) = (visitor.session(), visitor.resume());
    ann.client.subscribe(session, 0).await.unwrap();
    drop(visitor);
    let away = EventBody::SessionClosed { cause: CloseCause::Away };
    ann.sees("the close", |event| event.body == away).await;
    let visitor = shop.visitor_with(Via::Tcp, resume).await;
    assert_ne!(visitor.session(), session);
}

#[tokio::test]
async fn rs12_a_visitor_who_left_while_the_engine_was_down_is_away_as_well() {
    let settings = [("PRESENCE__VISITOR_GRACE_MS", "20"), ("SESSION__CLOSE_AFTER_MS", "200")];
    let mut shop = Shop::open_with(&settings).await;
    let visitor = shop.visitor(Via::Tcp).await;
    let session = visitor.session();
    shop.kill().await;
    drop(visitor);
    shop.reopen().await;
    let mut ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let closed = |event: &Event| matches!(event.body, EventBody::SessionClosed { .. });
    // Nobody may look: the engine finds them by itself.
    within("the close", async {
        while !ann.client.history(Some(session), 0, 100).await.unwrap().events.iter().any(closed) {}
    })
    .await;
    ann.client.subscribe(session, 0).await.unwrap();
    ann.sees("visitor_left", |event| event.body == EventBody::VisitorLeft {}).await;
    ann.sees("the close", closed).await;
}

#[tokio::test]
async fn whoever_goes_at_once_does_not_stay_as_a_ghost() {
    let shop = Shop::open_with(&[("PRESENCE__VISITOR_GRACE_MS", "20")]).await;
    let ann = watching(&shop, Via::Tcp, Window::default()).await;
    let connect = as_visitor(&*shop.site.key);
    let request = rpc::request(Encoding::MessagePack, 1, Connect::NAME, &connect);
    for _ in 0..40 {
        // One leaves politely, the other in the middle of being let in.
        let (mut polite, mut rude) = (
            TcpStream::connect(shop.tcp()).await.unwrap(),
            TcpStream::connect(shop.tcp()).await.unwrap(),
        );
        polite.write_all(&request).await.unwrap();
        rude.write_all(&request).await.unwrap();
        rude.set_zero_linger().unwrap();
        drop(rude);
        Tab(polite).close().await;
    }
    within("everybody's end", async {
        while ann.client.watch(Window::default()).await.unwrap().totals.all > 0 {}
    })
    .await;
    let visitor = shop.visitor(Via::Tcp).await;
    within("one visitor", async {
        loop {
            let list = ann.client.watch(Window::default()).await.unwrap();
            if list.totals.all == 1 && list.cards[0].session == visitor.session() {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_card_shows_from_where_and_on_what_the_visitor_comes() {
    let mut shop = Shop::open().await;
    shop.settle(|settings| settings.bot = BotKind::Peer).await;
    let mut ann = watching(&shop, Via::Tcp, Window::default()).await;
    let connect = Connect {
        language: Some("en-GB".into()),
        referrer: Some("https://search.example/?q=bags".into()),
        ..on_page(&shop, "https://shop.example/bags")
    };
    let wire = Options { user_agent: Some(PHONE.into()), ..page() };
    // The rules that tell browsers are read while the engine serves already: whoever is faster
    // comes without.
    let (visitor, card) = within("a browser", async {
        loop {
            let visitor = shop.visitor_as(Via::WebSocket, connect.clone(), wire.clone()).await;
            let own = |card: &Card| card.session == visitor.session() && card.online;
            let card = ann.sees_card("the visitor", own).await;
            if card.browser.is_some() {
                return (visitor, card);
            }
        }
    })
    .await;
    assert_eq!(card.visitor, visitor_id(&visitor));
    assert_eq!(card.device, Device::Mobile);
    assert!(card.browser.as_ref().is_some_and(|it| it.contains("Safari")), "{card:?}");
    assert!(card.os.as_ref().is_some_and(|it| it.contains("iOS")), "{card:?}");
    assert_eq!(card.language.as_deref(), Some("en-GB"));
    assert_eq!(card.referrer.as_deref(), Some("https://search.example/?q=bags"));
    let bags = Page { url: "https://shop.example/bags".into(), title: Some("Bags".into()) };
    assert_eq!(card.page, Some(bags));
    assert_eq!(card.country, None, "a loopback address has none");

    visitor.client.view_page("https://shop.example/cart", None).await.unwrap();
    let in_cart = |card: &Card| card.page.as_ref().is_some_and(|p| p.url.ends_with("/cart"));
    ann.sees_card("the next page", in_cart).await;
    visitor.client.say("How much is this?").await.unwrap();
    let card = ann.sees_card("the question", |card| card.messages == 1).await;
    let last = card.last.unwrap();
    assert_eq!((last.from, &*last.text), (Speaker::Visitor, "How much is this?"));
}

#[tokio::test]
async fn lv8_long_addresses_titles_and_messages_are_cut_in_cards() {
    let mut shop = Shop::open().await;
    shop.settle(|settings| settings.bot = BotKind::Peer).await;
    let mut ann = watching(&shop, Via::Tcp, Window::default()).await;
    let long = |start: &str| format!("{start}{}", "é".repeat(500));
    let connect = Connect {
        page: Some(Page { url: long("https://shop.example/"), title: Some(long("Sacs")) }),
        referrer: Some(long("https://search.example/")),
        ..as_visitor(&*shop.site.key)
    };
    let visitor = shop.visitor_as(Via::Tcp, connect, Options::default()).await;
    visitor.client.say(long("How")).await.unwrap();
    let card = ann.sees_card("the message", |card| card.last.is_some()).await;
    let page = card.page.unwrap();
    for line in [&page.url, page.title.as_ref().unwrap(), card.referrer.as_ref().unwrap()] {
        assert!((255..=256).contains(&line.len()), "{} bytes", line.len());
        assert!(line.ends_with('é'));
    }
    assert_eq!(card.last.unwrap().text.chars().count(), 120);
    let log = ann.client.history(Some(card.session), 0, 1).await.unwrap().events;
    let EventBody::SessionStarted { context, .. } = &log[0].body else { panic!("{log:?}") };
    assert_eq!(context.page.as_ref().unwrap().url, long("https://shop.example/"));
}

#[tokio::test]
async fn cn10_over_tcp_the_device_is_what_connect_says() {
    let shop = Shop::open().await;
    let mut ann = watching(&shop, Via::Tcp, Window::default()).await;
    let connect = Connect { device: Some(PHONE.into()), ..as_visitor(&*shop.site.key) };
    let _visitor = shop.visitor_as(Via::Tcp, connect, Options::default()).await;
    let card = ann.sees_card("the visitor", |_| true).await;
    assert_eq!(card.device, Device::Mobile);
}

#[tokio::test]
async fn cn10_over_websocket_the_header_says_the_device_whatever_connect_says() {
    let shop = Shop::open().await;
    let mut ann = watching(&shop, Via::Tcp, Window::default()).await;
    let connect = Connect { device: Some("curl/8.0".into()), ..as_visitor(&*shop.site.key) };
    let wire = Options { user_agent: Some(PHONE.into()), ..page() };
    let _visitor = shop.visitor_as(Via::Json, connect, wire).await;
    let card = ann.sees_card("the visitor", |_| true).await;
    assert_eq!(card.device, Device::Mobile);
}

#[tokio::test]
async fn cn10_without_a_language_of_its_own_the_browsers_counts() {
    let shop = Shop::open().await;
    let mut ann = watching(&shop, Via::Tcp, Window::default()).await;
    let browser = shop.proxy("Accept-Language: lv-LV,lv;q=0.9,en;q=0.8").await;
    let connect = as_visitor(&*shop.site.key);
    let visitor = vigie_client::Client::connect(browser, connect, patient()).await.unwrap();
    let card = ann.sees_card("the visitor", |_| true).await;
    assert_eq!(Some(card.session), visitor.session());
    assert_eq!(card.language.as_deref(), Some("lv-LV"));
}

#[tokio::test]
async fn a_trusted_proxy_tells_the_visitors_country() {
    let shop = Shop::open_with(&[("GATEWAY__TRUSTED_PROXIES", "127.0.0.1/32")]).await;
    assert_eq!(country_behind_proxy(&shop).await.as_deref(), Some("US"));
}

#[tokio::test]
async fn nobody_else_is_believed_about_the_visitors_address() {
    let shop = Shop::open_with(&[("GATEWAY__TRUSTED_PROXIES", "127.0.0.2/32")]).await;
    assert_eq!(country_behind_proxy(&shop).await, None);
}

async fn country_behind_proxy(shop: &Shop) -> Option<String> {
    let mut ann = watching(shop, Via::Tcp, Window::default()).await;
    let proxy = shop.proxy("X-Forwarded-For: 8.8.8.8").await;
    let connect = as_visitor(&*shop.site.key);
    let _visitor = vigie_client::Client::connect(proxy, connect, patient()).await.unwrap();
    ann.sees_card("the visitor", |_| true).await.country
}

#[tokio::test]
async fn lv4_a_window_shows_the_sessions_that_it_is_for() {
    let shop = Shop::open().await;
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let bea = shop.operator(Via::Json, "bea", Rank::Agent).await;
    let mut visitors = vec![];
    for name in ["bots", "anns", "beas", "waits"] {
        let connect = on_page(&shop, &format!("https://shop.example/{name}"));
        visitors.push(shop.visitor_as(Via::Tcp, connect, Options::default()).await);
    }
    let [bots, anns, beas, waits] = [0, 1, 2, 3].map(|at: usize| visitors[at].session());
    ann.client.take_over(anns).await.unwrap();
    bea.client.take_over(beas).await.unwrap();
    visitors[3].client.request_human().await.unwrap();

    // What is shown follows what was acknowledged; each window says when it has caught up.
    for (show, expected) in [
        (Show::All, vec![bots, anns, beas, waits]),
        (Show::Bot, vec![bots, waits]),
        (Show::Mine, vec![anns]),
        (Show::Others, vec![beas]),
        (Show::Waiting, vec![waits]),
    ] {
        let window = Window { show, sort: Sort::Oldest, ..Window::default() };
        let matching = expected.len() as u64;
        let totals = Totals { all: 4, waiting: 1, bot: 2, mine: 1, others: 1, matching };
        let list = known(
            format!("{totals:?}"),
            async || ann.client.watch(window.clone()).await.unwrap(),
            |list| list.totals == totals,
        );
        let list = list.await;
        let shown: Vec<_> = list.cards.iter().map(|card| card.session).collect();
        assert_eq!(sorted(&shown), sorted(&expected), "{show:?}");
        assert_eq!(list.totals, totals, "{show:?}");
    }
    for (search, expected) in
        [("BEAS", vec![beas]), ("shop.example waits", vec![waits]), ("nowhere", vec![])]
    {
        let window = Window { search: Some(search.into()), ..Window::default() };
        let list = ann.client.watch(window).await.unwrap();
        let shown: Vec<_> = list.cards.iter().map(|card| card.session).collect();
        assert_eq!(shown, expected, "{search}");
        assert_eq!((list.totals.all, list.totals.matching), (4, expected.len() as u64));
    }
}

#[tokio::test]
async fn lv4_a_window_holds_the_first_of_its_order_and_follows_their_changes() {
    let shop = Shop::open().await;
    let mut visitors = vec![];
    for _ in 0..4 {
        visitors.push(shop.visitor(Via::Tcp).await);
    }
    let sessions: Vec<_> = visitors.iter().map(Person::session).collect();
    let window = |sort, first| Window { sort, first, ..Window::default() };
    let mut ann = shop.operator(Via::Json, "ann", Rank::Agent).await;
    let by_start = |list: &[Card]| list.iter().map(|card| card.started).collect::<Vec<_>>();
    let newest = known(
        "all four",
        async || ann.client.watch(window(Sort::Newest, 0)).await.unwrap().cards,
        |cards| cards.len() == 4,
    );
    let newest = newest.await;
    assert!(by_start(&newest).is_sorted_by(|a, b| a >= b), "{newest:?}");
    let oldest = ann.client.watch(window(Sort::Oldest, 3)).await.unwrap();
    assert!(by_start(&oldest.cards).is_sorted(), "{:?}", oldest.cards);
    assert_eq!((oldest.cards.len(), oldest.totals.matching), (3, 4));

    // Whoever speaks comes into the first two by activity, and somebody goes out.
    visitors[0].client.say("First.").await.unwrap();
    visitors[1].client.say("Second.").await.unwrap();
    let shown = known(
        "the two who have spoken",
        async || ann.client.watch(window(Sort::Activity, 2)).await.unwrap(),
        |list| sorted(&ids(&list.cards)) == sorted(&sessions[..2]),
    );
    let shown = shown.await;
    ann.until("that window", |heard| match heard {
        ClientEvent::Snapshot(list) => (list.revision == shown.revision).then_some(()),
        _ => None,
    })
    .await;
    let mut shown = shown.cards;
    assert_eq!(sorted(&ids(&shown)), sorted(&sessions[..2]));
    visitors[3].client.say("Third.").await.unwrap();
    ann.until("the third in the window", |heard| {
        shows(heard, |card| card.session == sessions[3]).then_some(())
    })
    .await;
    let snapshot = ann.heard.iter().rposition(|h| matches!(h, ClientEvent::Snapshot(_))).unwrap();
    for heard in &ann.heard[snapshot + 1..] {
        if let ClientEvent::Live(live) = heard {
            let gone = |id: &SessionId| live.remove.contains(id);
            let again = |id: &SessionId| live.upsert.iter().any(|card| card.session == *id);
            shown.retain(|card| !gone(&card.session) && !again(&card.session));
            shown.extend(live.upsert.iter().cloned());
            assert_eq!(shown.len(), 2, "always exactly the first two: {live:?}");
        }
    }
    assert!(ids(&shown).contains(&sessions[3]));

    // Who waits for a human is on top.
    visitors[2].client.request_human().await.unwrap();
    let waiting = known(
        "who waits",
        async || ann.client.watch(window(Sort::Waiting, 1)).await.unwrap().cards,
        |cards| ids(cards) == [sessions[2]],
    );
    assert_eq!(ids(&waiting.await), [sessions[2]]);
}

over_every_transport! {
    async fn lv2_the_revisions_of_a_window_are_contiguous(via) {
        let shop = Shop::open_with(&[("PRESENCE__VISITOR_GRACE_MS", "10")]).await;
        let ann = shop.link(via).await;
        let token = shop.operator_token("ann", Rank::Agent);
        ann.call(&with_token(token)).await.unwrap();
        let mut revision = ann.call(&Watch::default()).await.unwrap().revision;
        let visitors = async {
            for n in 0..20 {
                let visitor = shop.visitor(Via::Tcp).await;
                visitor.client.say(format!("Hello {n}.")).await.unwrap();
            }
            let last = shop.visitor(Via::Tcp).await;
            last.client.request_human().await.unwrap();
            last
        };
        let watching = async {
            loop {
                let push = within("a delta", next_push(&ann)).await.unwrap();
                let Push::Live(live) = push else { panic!("only deltas were asked for: {push:?}") };
                revision += 1;
                assert_eq!(live.revision, revision);
                if live.totals.waiting == 1 {
                    return;
                }
            }
        };
        tokio::join!(visitors, watching);
    }
}

#[tokio::test]
async fn pr1_operators_see_one_another_once_whatever_their_connections() {
    let shop = Shop::open().await;
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let second = shop.operator(Via::Json, "ann", Rank::Agent).await;
    let visitor = shop.visitor(Via::Tcp).await;
    ann.client.take_over(visitor.session()).await.unwrap();
    let _bea = shop.operator(Via::WebSocket, "bea", Rank::Supervisor).await;
    let cards = operators_when(&ann, "both are there and ann has her session", |cards| {
        cards.len() == 2 && cards[0].sessions == 1
    })
    .await;
    let [ann_card, bea_card] = cards.as_slice() else { panic!("{cards:?}") };
    assert_eq!((ann_card.id.as_str(), &*ann_card.name), ("ann", "Ann"));
    assert_eq!((ann_card.rank, ann_card.connected), (Rank::Agent, true));
    assert_eq!((bea_card.id.as_str(), bea_card.rank), ("bea", Rank::Supervisor));
    drop(second);
    ann.client.set_intent(Intent::Away).await.unwrap();
    operators_when(&ann, "ann is away, and there", |cards| {
        cards[0].intent == Intent::Away && cards[0].connected
    })
    .await;
}

#[tokio::test]
async fn pr1_operators_are_seen_from_the_moment_that_they_are_connected() {
    let shop = Shop::open().await;
    let bea = shop.operator(Via::Tcp, "bea", Rank::Agent).await;
    for n in 0..20 {
        let ann = shop.operator(Via::Tcp, &format!("ann-{n}"), Rank::Agent).await;
        ann.client.set_intent(Intent::Away).await.unwrap();
        let away = |card: &OperatorCard| {
            card.id.as_str() == format!("ann-{n}") && card.connected && card.intent == Intent::Away
        };
        let seen = known(
            format!("ann-{n}"),
            async || bea.client.operators().await.unwrap().operators,
            |seen| seen.iter().any(away),
        );
        let seen = seen.await;
        assert!(seen.iter().any(away), "{seen:?}");
    }
}

#[tokio::test]
async fn pr2_an_intent_holds_until_the_operators_last_connection_is_gone() {
    let shop = Shop::open().await;
    // Of several nodes each must have heard that ann is gone.
    let mut lookers = Vec::new();
    for id in ["bea", "cid", "dan"] {
        lookers.push(shop.operator(Via::Tcp, id, Rank::Agent).await);
    }
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    ann.client.set_intent(Intent::Away).await.unwrap();
    for looker in &lookers {
        operators_when(looker, "ann is away", |cards| cards[0].intent == Intent::Away).await;
    }
    drop(ann);
    for looker in &lookers {
        operators_when(looker, "ann is gone", |cards| cards.len() == 3).await;
    }
    let _ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let cards = operators_when(&lookers[0], "ann is back", |cards| cards.len() == 4).await;
    assert_eq!(cards[0].intent, Intent::Available);
}

/// Asks for the operators until they are as expected.
async fn operators_when(
    asker: &Person,
    what: &str,
    expected: impl Fn(&[OperatorCard]) -> bool,
) -> Vec<OperatorCard> {
    within(what, async {
        loop {
            let cards = asker.client.operators().await.unwrap().operators;
            if expected(&cards) {
                return cards;
            }
        }
    })
    .await
}

async fn watching(shop: &Shop, via: Via, window: Window) -> Person {
    let ann = shop.operator(via, "ann", Rank::Agent).await;
    ann.client.watch(window).await.unwrap();
    ann
}

/// As a browser's page connects.
fn page() -> Options {
    Options { origin: Some("http://localhost:8080".into()), ..ClientOptions::default().wire }
}

fn on_page(shop: &Shop, url: &str) -> Connect {
    let page = Page { url: url.into(), title: Some("Bags".into()) };
    Connect { page: Some(page), ..as_visitor(&*shop.site.key) }
}

fn visitor_id(visitor: &Person) -> vigie_protocol::id::VisitorId {
    match visitor.client.identity() {
        Some(Identity::Visitor { visitor, .. }) => visitor,
        other => panic!("not a visitor: {other:?}"),
    }
}

/// Waits for a card's removal, unless it was heard while something else was waited for.
async fn sees_removal(operator: &mut Person, session: SessionId) {
    if operator.heard.iter().any(|heard| removes(heard, session)) {
        return;
    }
    operator.until("the card's removal", |heard| removes(heard, session).then_some(())).await;
}

fn removes(heard: &ClientEvent, session: SessionId) -> bool {
    matches!(heard, ClientEvent::Live(live) if live.remove.contains(&session))
}

fn shows(heard: &ClientEvent, wanted: impl Fn(&Card) -> bool) -> bool {
    matches!(heard, ClientEvent::Live(live) if live.upsert.iter().any(wanted))
}

/// The totals that were heard last.
fn totals(operator: &Person) -> Totals {
    let totals = operator.heard.iter().rev().find_map(|heard| match heard {
        ClientEvent::Live(live) => Some(live.totals),
        ClientEvent::Snapshot(list) => Some(list.totals),
        _ => None,
    });
    totals.expect("an operator who watches")
}

fn ids(cards: &[Card]) -> Vec<SessionId> {
    cards.iter().map(|card| card.session).collect()
}

fn sorted(sessions: &[SessionId]) -> Vec<SessionId> {
    let mut sessions = sessions.to_vec();
    sessions.sort_unstable();
    sessions
}

/// A connection of a visitor that can wait until the engine has noticed its end.
struct Tab(TcpStream);

impl Tab {
    async fn open(shop: &Shop, connect: Connect) -> Self {
        let mut socket = TcpStream::connect(shop.tcp()).await.unwrap();
        let request = rpc::request(Encoding::MessagePack, 1, Connect::NAME, &connect);
        socket.write_all(&request).await.unwrap();
        within("the answer to connect", socket.readable()).await.unwrap();
        Self(socket)
    }

    async fn close(mut self) {
        self.0.shutdown().await.unwrap();
        let mut rest = vec![];
        within("the engine's end", self.0.read_to_end(&mut rest)).await.unwrap();
    }
}
