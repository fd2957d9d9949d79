//! What visitors say of themselves and of how they were served, and how they end it.

use vigie_client::{ClientEvent, Options, as_visitor};
use vigie_protocol::error::ErrorCode;
use vigie_protocol::event::{Author, CloseCause, CustomData, Event, EventBody, Rating};
use vigie_protocol::method::{Close, Connect, Identity, Rank};

use crate::support::{Person, Shop, Via, over_every_transport, refusal};

over_every_transport! {
    async fn tk16_a_visitor_ends_their_session_and_rates_it_afterwards(via) {
        let shop = Shop::open().await;
        let (mut visitor, mut ann) = (shop.visitor(via).await, shop.operator(via, "ann", Rank::Agent).await);
        let session = visitor.session();
        visitor.client.subscribe_own(0).await.unwrap();
        ann.client.subscribe(session, 0).await.unwrap();
        let taken = ann.client.take_over(session).await.unwrap();
        visitor.client.rate(2, Some("slow".into())).await.unwrap();

        let ended = visitor.client.end_session().await.unwrap();
        assert_eq!(ended.epoch, taken.epoch, "the end changes nothing of who is in control");
        let end = EventBody::SessionClosed { cause: CloseCause::Visitor };
        for person in [&mut visitor, &mut ann] {
            let event = person.sees("the end", |event| event.body == end).await;
            assert_eq!((event.offset, event.author), (ended.offset, Author::Visitor {}));
        }
        let closed = |outcome| assert_eq!(refusal(outcome).code, ErrorCode::SessionClosed);
        closed(visitor.client.say("And another thing").await);
        closed(visitor.client.end_session().await);
        closed(ann.client.say_to(session, "Good bye", ended.offset).await);

        // The latest counts; said again it is said once.
        let rating = Rating { score: 5, comment: Some("Quick after all. 👍".into()) };
        let rated = visitor.client.rate(rating.score, rating.comment.clone()).await.unwrap();
        assert_eq!(rated.offset, ended.offset + 1);
        let again = visitor.client.rate(rating.score, rating.comment.clone()).await.unwrap();
        assert_eq!(again, rated);
        for person in [&mut visitor, &mut ann] {
            let is_rating = |event: &Event| event.body == EventBody::SessionRated(rating.clone());
            let event = person.sees("the rating", is_rating).await;
            assert_eq!((event.offset, event.author), (rated.offset, Author::Visitor {}));
        }
        let log = ann.client.history(Some(session), ended.offset, 100).await.unwrap().events;
        assert_eq!(log.len(), 1, "nothing follows the end but one rating: {log:?}");
    }
}

over_every_transport! {
    async fn sn12_what_the_page_tells_of_its_visitor_is_for_operators_and_bots(via) {
        let shop = Shop::open().await;
        let mut ann = shop.operator(via, "ann", Rank::Agent).await;
        let mut bot = shop.bot(via).await;
        let (pro, free) = (data(&[("plan", "pro"), ("name", "Zoë 👩‍🚀")]), data(&[("plan", "free")]));
        let connect = Connect { data: Some(pro.clone()), ..as_visitor(&*shop.site.key) };
        let mut visitor = shop.visitor_as(via, connect, Options::default()).await;
        let session = visitor.session();
        visitor.client.subscribe_own(0).await.unwrap();
        for person in [&mut ann, &mut bot] {
            person.client.subscribe(session, 0).await.unwrap();
            assert_eq!(sees_data(person).await, pro);
        }
        let changed = visitor.client.set_data(free.clone()).await.unwrap();
        let again = visitor.client.set_data(free.clone()).await.unwrap();
        assert_eq!(again, changed);
        visitor.client.say("That is me").await.unwrap();
        for person in [&mut ann, &mut bot] {
            assert_eq!(sees_data(person).await, free);
            person.sees_message("That is me").await;
        }
        visitor.sees_message("That is me").await;
        let told = |event: &Event| matches!(event.body, EventBody::DataChanged { .. });
        assert!(!visitor.seen.iter().any(told), "visitors are not told: {:?}", visitor.seen);
        assert_eq!(ann.seen.iter().filter(|event| told(event)).count(), 2, "each change once");
    }
}

#[tokio::test]
async fn cn11_who_connects_again_without_data_leaves_it_as_it_is() {
    let shop = Shop::open().await;
    let ann = shop.operator(Via::Json, "ann", Rank::Agent).await;
    let connect =
        |resume: Option<String>, data| Connect { resume, data, ..as_visitor(&*shop.site.key) };
    let pro = Some(data(&[("plan", "pro")]));
    let first = shop.visitor_as(Via::Tcp, connect(None, pro.clone()), Options::default()).await;
    let (session, resume) = (first.session(), first.resume());
    for data in [None, pro, Some(CustomData::new())] {
        let again = connect(resume.clone(), data);
        shop.visitor_as(Via::WebSocket, again, Options::default()).await;
    }
    let log = ann.client.history(Some(session), 0, 100).await.unwrap().events;
    let told: Vec<_> = log.into_iter().filter_map(told).collect();
    assert_eq!(told, [data(&[("plan", "pro")]), CustomData::new()]);
}

#[tokio::test]
async fn what_was_told_last_is_what_a_client_tells_again() {
    let shop = Shop::open().await;
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let (free, pro) = (data(&[("plan", "free")]), data(&[("plan", "pro")]));
    let connect = Connect { data: Some(free.clone()), ..as_visitor(&*shop.site.key) };
    let mut visitor = shop.visitor_as(Via::Json, connect, Options::default()).await;
    visitor.client.set_data(pro.clone()).await.unwrap();
    let long = data(&[("plan", &"x".repeat(257))]);
    assert_eq!(refusal(visitor.client.set_data(long).await).code, ErrorCode::InvalidParams);
    visitor.client.reconnect();
    let connected = |heard: &ClientEvent| matches!(heard, ClientEvent::Connected(_)).then_some(());
    visitor.until("the first connection", connected).await;
    visitor.until("another connection", connected).await;
    let log = ann.client.history(Some(visitor.session()), 0, 100).await.unwrap().events;
    assert_eq!(log.into_iter().filter_map(told).collect::<Vec<_>>(), [free, pro]);
}

#[tokio::test]
async fn rs12_who_ended_their_session_connects_again_for_another() {
    let shop = Shop::open().await;
    let mut visitor = shop.visitor(Via::WebSocket).await;
    let first = visitor.session();
    visitor.client.call(&Close { session: Some(first) }).await.unwrap();
    visitor.client.reconnect();
    let another = |heard: &ClientEvent| match heard {
        ClientEvent::Connected(Identity::Visitor { session, .. }) if *session != first => Some(()),
        _ => None,
    };
    visitor.until("another session", another).await;
    // The rating is for the session that the connection is in.
    let rated = visitor.client.rate(4, None).await.unwrap();
    assert_eq!((rated.offset, rated.epoch), (2, 1));
}

#[tokio::test]
async fn sn14_a_session_is_rated_a_few_times_only() {
    let shop = Shop::open().await;
    let visitor = shop.visitor(Via::Tcp).await;
    for n in 0..vigie_protocol::RATINGS_MAX {
        visitor.client.rate(1 + (n % 5) as u8, None).await.unwrap();
    }
    assert_eq!(refusal(visitor.client.rate(1, None).await).code, ErrorCode::SessionFull);
    visitor.client.say("I can still speak").await.unwrap();
}

#[tokio::test]
async fn what_was_rated_after_the_end_is_there_after_a_kill() {
    let mut shop = Shop::open().await;
    let visitor = shop.visitor(Via::Tcp).await;
    let session = visitor.session();
    visitor.client.end_session().await.unwrap();
    let rated = visitor.client.rate(3, Some("so so".into())).await.unwrap();
    shop.kill().await;
    drop(visitor);
    shop.reopen().await;
    let ann = shop.operator(Via::Json, "ann", Rank::Agent).await;
    let log = ann.client.history(Some(session), 0, 100).await.unwrap().events;
    let last = log.last().unwrap();
    let rating = Rating { score: 3, comment: Some("so so".into()) };
    assert_eq!((last.offset, &last.body), (rated.offset, &EventBody::SessionRated(rating)));
    assert!(matches!(log[log.len() - 2].body, EventBody::SessionClosed { .. }));
}

fn data(entries: &[(&str, &str)]) -> CustomData {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

async fn sees_data(person: &mut Person) -> CustomData {
    let changed = |event: &Event| matches!(event.body, EventBody::DataChanged { .. });
    let event = person.sees("what the page tells", changed).await;
    assert_eq!(event.author, Author::Visitor {});
    told(event).unwrap()
}

fn told(event: Event) -> Option<CustomData> {
    match event.body {
        EventBody::DataChanged { data } => Some(data),
        _ => None,
    }
}
