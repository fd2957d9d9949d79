//! What operators see of a visitor's other sessions.

use vigie::core::site::BotKind;
use vigie_client::{Options, as_visitor};
use vigie_protocol::card::Speaker;
use vigie_protocol::error::ErrorCode;
use vigie_protocol::event::Rating;
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Connect, Past, Rank};

use crate::support::{Person, Shop, Via, over_every_transport, refusal, text};

over_every_transport! {
    async fn rs15_the_past_of_a_visitor_is_told_latest_first_and_page_by_page(via) {
        let mut shop = Shop::open().await;
        shop.settle(|settings| settings.bot = BotKind::Peer).await;
        let ann = shop.operator(via, "ann", Rank::Agent).await;
        let (last, sessions) = visits(&shop, via, 6).await;
        let current = last.session();
        assert_eq!(current, sessions[5]);

        let past = ann.client.past(current, None, None).await.unwrap();
        assert_eq!(ordinals(&past), [5, 4, 3], "three unless said otherwise, without itself");
        assert_eq!(past.next, Some(3));
        let further = ann.client.past(current, past.next, None).await.unwrap();
        assert_eq!((ordinals(&further), further.next), (vec![2, 1], None));
        let all = ann.client.past(sessions[2], None, Some(20)).await.unwrap();
        assert_eq!((ordinals(&all), all.next), (vec![6, 5, 4, 2, 1], None), "all but itself");
        let exactly = ann.client.past(sessions[0], None, Some(5)).await.unwrap();
        assert_eq!((ordinals(&exactly), exactly.next), (vec![6, 5, 4, 3, 2], None));
        let none = ann.client.past(current, Some(1), None).await.unwrap();
        assert_eq!(none, Past { sessions: vec![], next: None });

        let open = &all.sessions[0];
        assert_eq!((open.session, open.closed, open.messages), (current, None, 1));
        let fifth = &all.sessions[1];
        assert_eq!(fifth.session, sessions[4]);
        assert!(fifth.closed.is_some_and(|closed| closed >= fifth.started));
        let said = fifth.last.as_ref().unwrap();
        assert_eq!((said.from, &*said.text), (Speaker::Visitor, "visit 5"));
        assert_eq!(fifth.rating, Some(Rating { score: 5, comment: Some("visit 5".into()) }));
        let log = ann.client.history(Some(fifth.session), 0, 100).await.unwrap().events;
        assert!(log.iter().any(|event| text(event) == "visit 5"), "{log:?}");
    }
}

#[tokio::test]
async fn a_card_tells_which_of_the_visitors_sessions_it_is_and_how_much_they_asked() {
    let shop = Shop::open().await;
    let ann = shop.operator(Via::Json, "ann", Rank::Agent).await;
    let (visitor, _) = visits(&shop, Via::WebSocket, 3).await;
    visitor.client.say("once more").await.unwrap();
    let card = ann.client.subscribe(visitor.session(), 0).await.unwrap().card.unwrap();
    assert_eq!((card.ordinal, card.asked), (3, 2));
}

#[tokio::test]
async fn id12_the_past_of_a_session_of_another_site_is_not_told() {
    let shop = Shop::open().await;
    let visitor = shop.visitor(Via::Tcp).await;
    let elsewhere = shop.neighbour().await;
    let token = crate::support::raw::signed(&elsewhere, vigie::identity::Role::Operator, "eve", 60);
    let client = vigie_client::Client::connect(
        shop.endpoint(Via::Tcp),
        vigie_client::with_token(token),
        crate::support::patient(),
    );
    let eve = Person::new("eve", client.await.unwrap());
    let refused = refusal(eve.client.past(visitor.session(), None, None).await);
    assert_eq!(refused.code, ErrorCode::UnknownSession);
}

/// One visitor, who comes so many times, says and rates something, and ends it but for the last.
async fn visits(shop: &Shop, via: Via, times: u8) -> (Person, Vec<SessionId>) {
    let (mut sessions, mut resume) = (vec![], None);
    for n in 1.. {
        let connect = Connect { resume, ..as_visitor(&*shop.site.key) };
        let visitor = shop.visitor_as(via, connect, Options::default()).await;
        sessions.push(visitor.session());
        resume = visitor.resume();
        visitor.client.say(format!("visit {n}")).await.unwrap();
        if n == times {
            return (visitor, sessions);
        }
        visitor.client.end_session().await.unwrap();
        visitor.client.rate(1, None).await.unwrap();
        visitor.client.rate(n, Some(format!("visit {n}"))).await.unwrap();
    }
    unreachable!("the last visit has come")
}

fn ordinals(past: &Past) -> Vec<u32> {
    past.sessions.iter().map(|session| session.ordinal).collect()
}
