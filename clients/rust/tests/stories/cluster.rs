//! A client of a cluster: its log may be of another generation than before, its node may be degraded.

use std::time::Duration;

use tokio::join;
use vigie_client::{CallError, Client, ClientEvent, ClientOptions, as_visitor, with_token};
use vigie_protocol::error::{CloseCode, ErrorCode, RpcError};
use vigie_protocol::event::Offset;
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Answer, Connect, Connected, Done, Say, Subscribe};
use vigie_protocol::push::{Status, Turn};

use crate::fake::{ALL, Fake, Peer, Transport, Visitor, operator, said};

fn options() -> ClientOptions {
    ClientOptions {
        retry_first: Duration::from_millis(1),
        retry_max: Duration::from_millis(5),
        ..ClientOptions::default()
    }
}

/// A visitor on a log of generation 1 who has the events 2 and 3 of their session.
async fn with_two_events(fake: &Fake, visitor: &Visitor) -> (Client, Peer) {
    let session = visitor.session;
    let serve = async {
        let mut peer = fake.accept_visitor_of(visitor, 1).await;
        peer.expect_subscribe(session, 0).await;
        peer.push(&said(session, 0, 2, "one")).await;
        peer.push(&said(session, 2, 3, "two")).await;
        peer
    };
    let connect = async {
        let client = Client::connect(fake.endpoint(), as_visitor("demo"), options()).await.unwrap();
        client.subscribe_own(0).await.unwrap();
        client
    };
    let (client, peer) = join!(connect, serve);
    assert!(matches!(client.next_event().await, Some(ClientEvent::Connected(_))));
    assert_eq!(next_offset(&client, session).await, 2);
    assert_eq!(next_offset(&client, session).await, 3);
    (client, peer)
}

/// What the session is now, and its first event, in either order.
async fn renewed(client: &Client, session: SessionId, first: Offset) {
    let next = [client.next_event().await.unwrap(), client.next_event().await.unwrap()];
    let event = |heard: &ClientEvent| match heard {
        ClientEvent::Event { session: of, event } => *of == session && event.offset == first,
        _ => false,
    };
    assert!(next.iter().any(event), "{next:?}");
    assert!(next.iter().any(|heard| matches!(heard, ClientEvent::Renewed(_))), "{next:?}");
}

async fn next_offset(client: &Client, session: SessionId) -> Offset {
    match client.next_event().await {
        Some(ClientEvent::Event { session: of, event }) if of == session => event.offset,
        other => panic!("{other:?}"),
    }
}

async fn lost_and_connected(client: &Client) {
    assert!(matches!(client.next_event().await, Some(ClientEvent::Disconnected(_))));
    assert!(matches!(client.next_event().await, Some(ClientEvent::Connected(_))));
}

/// The next connection, introduced as an operator's to a log of this generation.
async fn accept_operator(fake: &Fake, generation: u64) -> Peer {
    let mut peer = fake.accept().await;
    let (id, _) = peer.expect::<Connect>().await;
    let generation = Some(generation);
    peer.answer(&id, Connected { generation, ..operator(u64::from(u32::MAX)) }).await;
    peer
}

#[tokio::test]
async fn after_a_raised_generation_everything_comes_anew_and_the_user_is_told_before() {
    for transport in ALL {
        let fake = Fake::listen(transport).await;
        let visitor = Visitor::new();
        let session = visitor.session;
        let (client, peer) = with_two_events(&fake, &visitor).await;
        peer.close(CloseCode::Resync).await;

        let mut peer = fake.accept_visitor_of(&visitor, 2).await;
        peer.expect_subscribe(session, 0).await;
        peer.push(&said(session, 0, 1, "another one")).await;
        lost_and_connected(&client).await;
        assert!(matches!(client.next_event().await, Some(ClientEvent::Resync)));
        renewed(&client, session, 1).await;
    }
}

#[tokio::test]
async fn under_the_same_generation_a_client_resumes_whatever_the_close_code_was() {
    let fake = Fake::listen(Transport::Tcp).await;
    let visitor = Visitor::new();
    let session = visitor.session;
    let (client, peer) = with_two_events(&fake, &visitor).await;
    peer.close(CloseCode::Resync).await;

    let mut peer = fake.accept_visitor_of(&visitor, 1).await;
    peer.expect_subscribe(session, 3).await;
    peer.push(&said(session, 3, 4, "three")).await;
    lost_and_connected(&client).await;
    assert_eq!(next_offset(&client, session).await, 4);
}

#[tokio::test]
async fn a_generation_where_there_was_none_is_another_one() {
    let fake = Fake::listen(Transport::MessagePack).await;
    let visitor = Visitor::new();
    let session = visitor.session;
    let serve = async {
        let (mut peer, _) = fake.accept_visitor(&visitor).await;
        peer.expect_subscribe(session, 7).await;
        peer.cut();
        let mut peer = fake.accept_visitor_of(&visitor, 1).await;
        peer.expect_subscribe(session, 0).await;
        peer
    };
    let connect = async {
        let client = Client::connect(fake.endpoint(), as_visitor("demo"), options()).await.unwrap();
        client.subscribe_own(7).await.unwrap();
        client
    };
    let (client, _peer) = join!(connect, serve);
    assert!(matches!(client.next_event().await, Some(ClientEvent::Connected(_))));
    lost_and_connected(&client).await;
    assert!(matches!(client.next_event().await, Some(ClientEvent::Resync)));
}

#[tokio::test]
async fn a_subscription_that_is_under_way_while_the_generation_is_raised_begins_at_the_first_event()
{
    let fake = Fake::listen(Transport::Tcp).await;
    let session = Visitor::new().session;
    let serve = async {
        let mut peer = accept_operator(&fake, 1).await;
        let (_, asked) = peer.expect::<Subscribe>().await;
        assert_eq!(asked.offset, 30);
        peer.close(CloseCode::Resync).await;
        let mut peer = accept_operator(&fake, 2).await;
        // Once by what is put back, once by the call that goes on.
        peer.expect_subscribe(session, 0).await;
        peer.expect_subscribe(session, 0).await;
        peer.push(&said(session, 0, 2, "one")).await;
        peer
    };
    let follow = async {
        let client = Client::connect(fake.endpoint(), with_token("t"), options()).await.unwrap();
        client.subscribe(session, 30).await.unwrap();
        client
    };
    let (client, _peer) = join!(follow, serve);
    assert!(matches!(client.next_event().await, Some(ClientEvent::Connected(_))));
    lost_and_connected(&client).await;
    assert!(matches!(client.next_event().await, Some(ClientEvent::Resync)));
    renewed(&client, session, 2).await;
}

#[tokio::test]
async fn what_is_not_acknowledged_goes_on_under_its_key_and_has_seen_nothing_of_the_new_log() {
    let fake = Fake::listen(Transport::Json).await;
    let session = Visitor::new().session;
    let serve = async {
        let mut peer = accept_operator(&fake, 1).await;
        let (id, first) = peer.expect::<Say>().await;
        assert_eq!(first.seen, Some(40));
        peer.refuse(&id, RpcError::new(ErrorCode::LogUnavailable, "the log is away")).await;
        let (_, again) = peer.expect::<Say>().await;
        assert_eq!(again, first);
        peer.close(CloseCode::Resync).await;
        let mut peer = accept_operator(&fake, 2).await;
        let (id, anew) = peer.expect::<Say>().await;
        assert_eq!(anew, Say { seen: Some(0), ..first });
        peer.answer(&id, Done { offset: 31, epoch: 2 }).await;
        peer
    };
    let speak = async {
        let client = Client::connect(fake.endpoint(), with_token("t"), options()).await.unwrap();
        client.say_to(session, "It leaves today.", 40).await
    };
    let (done, _peer) = join!(speak, serve);
    assert_eq!(done.unwrap(), Done { offset: 31, epoch: 2 });
}

#[tokio::test]
async fn an_answer_to_a_turn_of_a_log_that_is_no_more_is_not_sent_again() {
    let fake = Fake::listen(Transport::Tcp).await;
    let session = Visitor::new().session;
    let (language, messages) = (None, vec![]);
    let turn = Turn { session, epoch: 1, turn: 4, language, messages, timeout: 30_000 };
    let serve = async {
        let mut peer = accept_operator(&fake, 1).await;
        peer.expect::<Answer>().await;
        peer.close(CloseCode::Resync).await;
        accept_operator(&fake, 2).await
    };
    let answer = async {
        let client = Client::connect(fake.endpoint(), with_token("t"), options()).await.unwrap();
        client.answer(&turn, "Two to four days.", vec![]).await
    };
    let (refused, _peer) = join!(answer, serve);
    assert_eq!(refused.as_ref().unwrap_err().code(), Some(ErrorCode::StaleTurn), "{refused:?}");
}

#[tokio::test]
async fn that_a_node_is_degraded_and_well_again_is_told_in_order_with_the_events() {
    for transport in ALL {
        let fake = Fake::listen(transport).await;
        let visitor = Visitor::new();
        let session = visitor.session;
        let (client, mut peer) = with_two_events(&fake, &visitor).await;
        peer.push(&Status { degraded: true }).await;
        peer.push(&said(session, 3, 4, "late")).await;
        peer.push(&Status { degraded: false }).await;
        for degraded in [true, false] {
            let Some(ClientEvent::Status(status)) = client.next_event().await else { panic!() };
            assert_eq!(status, Status { degraded });
            if degraded {
                assert_eq!(next_offset(&client, session).await, 4);
            }
        }
    }
}

#[tokio::test]
async fn while_the_log_is_away_a_call_is_refused_only_for_good() {
    let fake = Fake::listen(Transport::Tcp).await;
    let visitor = Visitor::new();
    let serve = async {
        let mut peer = fake.accept_visitor_of(&visitor, 1).await;
        for _ in 0..3 {
            let (id, _) = peer.expect::<Say>().await;
            peer.refuse(&id, RpcError::new(ErrorCode::LogUnavailable, "away")).await;
        }
        let (id, _) = peer.expect::<Say>().await;
        peer.refuse(&id, RpcError::new(ErrorCode::SessionClosed, "closed")).await;
        peer
    };
    let speak = async {
        let client = Client::connect(fake.endpoint(), as_visitor("demo"), options()).await.unwrap();
        client.say("hello").await
    };
    let (refused, _peer) = join!(speak, serve);
    assert!(
        matches!(refused, Err(CallError::Refused(error)) if error.code == ErrorCode::SessionClosed)
    );
}
