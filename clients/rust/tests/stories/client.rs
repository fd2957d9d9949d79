//! A client over many connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::join;
use vigie_client::client::TokenSource;
use vigie_client::{
    CallError, Client, ClientEvent, ClientOptions, Options, as_visitor, with_token,
};
use vigie_protocol::card::{Show, Totals, Window};
use vigie_protocol::error::{CloseCode, ErrorCode, RpcError};
use vigie_protocol::event::{EventBody, Offset};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{
    Connect, Done, Empty, Refresh, Refreshed, Release, Say, Serve, Subscribe, Watch, Watching,
};
use vigie_protocol::push::Live;

use crate::fake::{ALL, Fake, HEARTBEAT, Peer, Transport, Visitor, operator, said};

fn options() -> ClientOptions {
    ClientOptions {
        retry_first: Duration::from_millis(1),
        retry_max: Duration::from_millis(5),
        ..ClientOptions::default()
    }
}

/// A visitor who is connected and follows their own session.
async fn following(fake: &Fake, visitor: &Visitor) -> (Client, Peer) {
    let serve = async {
        let (mut peer, _) = fake.accept_visitor(visitor).await;
        peer.expect_subscribe(visitor.session, 0).await;
        peer
    };
    let connect = async {
        let client = Client::connect(fake.endpoint(), as_visitor("demo"), options()).await.unwrap();
        client.subscribe_own(0).await.unwrap();
        client
    };
    let (client, peer) = join!(connect, serve);
    assert!(matches!(client.next_event().await, Some(ClientEvent::Connected(_))));
    (client, peer)
}

/// The offset of the next event, which must be of this session.
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

#[tokio::test]
async fn after_a_cut_the_visitor_resumes_from_the_last_event_over_every_transport() {
    for transport in ALL {
        let fake = Fake::listen(transport).await;
        let visitor = Visitor::new();
        let session = visitor.session;
        let (client, mut peer) = following(&fake, &visitor).await;
        peer.push(&said(session, 0, 2, "one")).await;
        peer.push(&said(session, 2, 3, "two")).await;
        assert_eq!(next_offset(&client, session).await, 2);
        assert_eq!(next_offset(&client, session).await, 3);
        peer.cut();

        let (mut peer, connect) = fake.accept_visitor(&visitor).await;
        assert_eq!(connect.resume.as_deref(), Some("private"));
        peer.expect_subscribe(session, 3).await;
        peer.push(&said(session, 3, 4, "three")).await;
        lost_and_connected(&client).await;
        assert_eq!(next_offset(&client, session).await, 4);
    }
}

#[tokio::test]
async fn a_message_whose_acknowledgement_was_lost_is_sent_again_under_the_same_key() {
    let fake = Fake::listen(Transport::Tcp).await;
    let visitor = Visitor::new();
    let serve = async {
        let (mut peer, _) = fake.accept_visitor(&visitor).await;
        let (_, first) = peer.expect::<Say>().await;
        peer.cut();
        let (mut peer, _) = fake.accept_visitor(&visitor).await;
        let (id, second) = peer.expect::<Say>().await;
        peer.refuse(&id, RpcError::new(ErrorCode::LogUnavailable, "disk full")).await;
        let (id, third) = peer.expect::<Say>().await;
        peer.answer(&id, Done { offset: 2, epoch: 1 }).await;
        assert_eq!(first, second);
        assert_eq!(first, third);
        peer
    };
    let speak = async {
        let client = Client::connect(fake.endpoint(), as_visitor("demo"), options()).await.unwrap();
        client.say("hello").await
    };
    let (done, _peer) = join!(speak, serve);
    assert_eq!(done.unwrap(), Done { offset: 2, epoch: 1 });
}

#[tokio::test]
async fn what_is_not_harmless_to_repeat_is_not_repeated() {
    let fake = Fake::listen(Transport::Tcp).await;
    let session = Visitor::new().session;
    let serve = async {
        let mut peer = fake.accept().await;
        let (id, _) = peer.expect::<Connect>().await;
        peer.answer(&id, operator(u64::from(u32::MAX))).await;
        peer.expect::<Release>().await;
        peer.cut();
    };
    let release = async {
        let client = Client::connect(fake.endpoint(), with_token("t"), options()).await.unwrap();
        client.release(session).await
    };
    let (released, ()) = join!(release, serve);
    assert!(matches!(released, Err(CallError::Unanswered(_))), "{released:?}");
}

#[tokio::test]
async fn repeats_are_ignored_and_a_gap_is_filled_before_anything_after_it() {
    let fake = Fake::listen(Transport::MessagePack).await;
    let visitor = Visitor::new();
    let session = visitor.session;
    let (client, mut peer) = following(&fake, &visitor).await;
    peer.push(&said(session, 0, 1, "one")).await;
    peer.push(&said(session, 0, 1, "one")).await;
    // Offset 2 is lost on the way.
    peer.push(&said(session, 2, 3, "three")).await;
    peer.push(&said(session, 3, 4, "four")).await;
    peer.expect_subscribe(session, 1).await;
    for offset in 2..=4 {
        peer.push(&said(session, offset - 1, offset, "again")).await;
    }
    for offset in 1..=4 {
        assert_eq!(next_offset(&client, session).await, offset);
    }
}

#[tokio::test]
async fn a_log_that_is_shorter_than_what_was_seen_is_followed_from_its_start() {
    let fake = Fake::listen(Transport::Tcp).await;
    let visitor = Visitor::new();
    let session = visitor.session;
    let (client, mut peer) = following(&fake, &visitor).await;
    peer.push(&said(session, 0, 9, "nine")).await;
    assert_eq!(next_offset(&client, session).await, 9);
    peer.cut();
    let (mut peer, _) = fake.accept_visitor(&visitor).await;
    let (id, subscribe) = peer.expect::<Subscribe>().await;
    assert_eq!(subscribe.offset, 9);
    peer.refuse(&id, RpcError::new(ErrorCode::OffsetAhead, "head is 1")).await;
    peer.expect_subscribe(session, 0).await;
    peer.push(&said(session, 0, 1, "one")).await;
    lost_and_connected(&client).await;
    assert!(matches!(client.next_event().await, Some(ClientEvent::Restarted { .. })));
    // What the session is now, and its first event, in either order.
    let next = [client.next_event().await.unwrap(), client.next_event().await.unwrap()];
    let first = |event: &ClientEvent| matches!(event, ClientEvent::Event { event, .. } if event.offset == 1);
    assert!(next.iter().any(first), "{next:?}");
    assert!(next.iter().any(|event| matches!(event, ClientEvent::Renewed(_))), "{next:?}");
}

#[tokio::test]
async fn a_visitor_who_comes_back_to_another_session_follows_that_one() {
    let fake = Fake::listen(Transport::Tcp).await;
    let mut visitor = Visitor::new();
    let (client, mut peer) = following(&fake, &visitor).await;
    peer.push(&said(visitor.session, 0, 5, "five")).await;
    assert_eq!(next_offset(&client, visitor.session).await, 5);
    visitor.session = SessionId::nth(visitor.id, 2);
    client.reconnect();
    peer.gone().await;
    let (mut peer, _) = fake.accept_visitor(&visitor).await;
    peer.expect_subscribe(visitor.session, 0).await;
    assert_eq!(client.session(), Some(visitor.session));
}

#[tokio::test]
async fn a_final_close_code_stops_the_client_and_all_its_calls() {
    for transport in ALL {
        let fake = Fake::listen(transport).await;
        let visitor = Visitor::new();
        let (client, mut peer) = following(&fake, &visitor).await;
        let serve = async {
            peer.expect::<Say>().await;
            peer.close(CloseCode::ProtocolError).await;
        };
        let (said, ()) = join!(client.say("hello"), serve);
        let code = |error: &CallError| error.closed().and_then(|closed| closed.code);
        assert_eq!(code(&said.unwrap_err()), Some(CloseCode::ProtocolError));
        let Some(ClientEvent::Closed(error)) = client.next_event().await else { panic!() };
        assert_eq!(code(&error), Some(CloseCode::ProtocolError));
        assert!(client.next_event().await.is_none());
        assert!(matches!(client.say("more").await, Err(CallError::NotSent(_))));
    }
}

#[tokio::test]
async fn a_refused_connect_is_final_and_says_why() {
    let fake = Fake::listen(Transport::Json).await;
    let serve = async {
        let mut peer = fake.accept().await;
        let (id, _) = peer.expect::<Connect>().await;
        peer.refuse(&id, RpcError::new(ErrorCode::UnknownSite, "no such site")).await;
        peer.close(CloseCode::Refused).await;
    };
    let connect = Client::connect(fake.endpoint(), as_visitor("nowhere"), options());
    let (refused, ()) = join!(connect, serve);
    assert_eq!(refused.unwrap_err().code(), Some(ErrorCode::UnknownSite));
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let fake = Fake::listen(Transport::Tcp).await;
    let endpoint = fake.endpoint();
    let address = fake.address();
    drop(fake);
    let client = Client::start(endpoint, as_visitor("demo"), options());
    let Some(ClientEvent::Disconnected(CallError::Open(_))) = client.next_event().await else {
        panic!()
    };
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let (_stream, _) = listener.accept().await.unwrap();
}

#[tokio::test]
async fn the_live_list_is_a_snapshot_and_then_only_what_changes_it() {
    let fake = Fake::listen(Transport::MessagePack).await;
    let totals = Totals::default();
    let watching = |revision| Watching { revision, cards: vec![], totals };
    let live = |revision| {
        let (upsert, remove, alerts, quiet) = Default::default();
        Live { revision, upsert, remove, totals, alerts, quiet }
    };
    let window = Window { show: Show::Waiting, first: 5, ..Window::default() };
    let serve = async {
        let mut peer = fake.accept().await;
        let (id, _) = peer.expect::<Connect>().await;
        peer.answer(&id, operator(u64::from(u32::MAX))).await;
        let (id, watch) = peer.expect::<Watch>().await;
        assert_eq!(watch.window, window);
        // A delta of nothing that we have, before the snapshot.
        peer.push(&live(10)).await;
        peer.answer(&id, watching(9)).await;
        peer.push(&live(10)).await;
        peer.push(&live(12)).await;
        let (id, _) = peer.expect::<Watch>().await;
        peer.push(&live(13)).await;
        peer.answer(&id, watching(20)).await;
        peer.push(&live(21)).await;
        peer.cut();
        let mut peer = fake.accept().await;
        let (id, _) = peer.expect::<Connect>().await;
        peer.answer(&id, operator(u64::from(u32::MAX))).await;
        let (id, watch) = peer.expect::<Watch>().await;
        assert_eq!(watch.window, window);
        peer.answer(&id, watching(1)).await;
        peer
    };
    let look = async {
        let client = Client::connect(fake.endpoint(), with_token("t"), options()).await.unwrap();
        assert_eq!(client.watch(window.clone()).await.unwrap().revision, 9);
        let mut seen = Vec::new();
        while seen.len() < 8 {
            seen.push(match client.next_event().await.unwrap() {
                ClientEvent::Connected(_) => "connected".to_owned(),
                ClientEvent::Disconnected(_) => "disconnected".to_owned(),
                ClientEvent::Snapshot(watching) => format!("snapshot {}", watching.revision),
                ClientEvent::Live(live) => format!("live {}", live.revision),
                other => panic!("{other:?}"),
            });
        }
        seen
    };
    let (seen, _peer) = join!(look, serve);
    let story = [
        "connected",
        "snapshot 9",
        "live 10",
        "snapshot 20",
        "live 21",
        "disconnected",
        "connected",
        "snapshot 1",
    ];
    assert_eq!(seen, story);
}

#[tokio::test]
async fn a_bot_serves_again_on_every_connection() {
    let fake = Fake::listen(Transport::Tcp).await;
    let serve = async {
        for _ in 0..2 {
            let mut peer = fake.accept().await;
            let (id, _) = peer.expect::<Connect>().await;
            peer.answer(&id, operator(u64::from(u32::MAX))).await;
            let (id, _) = peer.expect::<Serve>().await;
            peer.answer(&id, Empty {}).await;
            peer.close(CloseCode::GoingAway).await;
        }
    };
    let bot = async {
        let client = Client::connect(fake.endpoint(), with_token("t"), options()).await.unwrap();
        client.serve().await.unwrap();
        client
    };
    join!(bot, serve);
}

fn tokens() -> (TokenSource, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let source = TokenSource::new(move || {
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        async move { Ok(format!("fresh {number}")) }
    });
    (source, asked)
}

#[tokio::test]
async fn an_expired_token_is_replaced_by_a_fresh_one() {
    let fake = Fake::listen(Transport::Tcp).await;
    let (source, _) = tokens();
    let serve = async {
        let mut peer = fake.accept().await;
        let (id, connect) = peer.expect::<Connect>().await;
        assert_eq!(connect.token.as_deref(), Some("old"));
        peer.answer(&id, operator(u64::from(u32::MAX))).await;
        peer.close(CloseCode::TokenExpired).await;
        let mut peer = fake.accept().await;
        let (id, connect) = peer.expect::<Connect>().await;
        assert_eq!(connect.token.as_deref(), Some("fresh 1"));
        peer.answer(&id, operator(u64::from(u32::MAX))).await;
        peer
    };
    let stay = async {
        let options = ClientOptions { token: Some(source), ..options() };
        let client = Client::connect(fake.endpoint(), with_token("old"), options).await.unwrap();
        assert!(matches!(client.next_event().await, Some(ClientEvent::Connected(_))));
        lost_and_connected(&client).await;
    };
    join!(stay, serve);
}

#[tokio::test]
async fn a_fresh_token_that_is_refused_is_the_end() {
    let fake = Fake::listen(Transport::Tcp).await;
    let (source, asked) = tokens();
    let serve = async {
        for _ in 0..2 {
            let mut peer = fake.accept().await;
            let (id, _) = peer.expect::<Connect>().await;
            peer.refuse(&id, RpcError::new(ErrorCode::Unauthorized, "no")).await;
            peer.close(CloseCode::Refused).await;
        }
    };
    let options = ClientOptions { token: Some(source), ..options() };
    let connect = Client::connect(fake.endpoint(), with_token("old"), options);
    let (refused, ()) = join!(connect, serve);
    assert_eq!(refused.unwrap_err().code(), Some(ErrorCode::Unauthorized));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_visitor_whose_resume_token_is_refused_comes_as_a_new_one() {
    let fake = Fake::listen(Transport::MessagePack).await;
    let serve = async {
        let mut peer = fake.accept().await;
        let (id, connect) = peer.expect::<Connect>().await;
        assert_eq!(connect.resume.as_deref(), Some("of another secret"));
        peer.refuse(&id, RpcError::new(ErrorCode::Unauthorized, "no")).await;
        peer.close(CloseCode::Refused).await;
        let (peer, connect) = fake.accept_visitor(&Visitor::new()).await;
        assert_eq!(connect.resume, None);
        peer
    };
    let mut connect = as_visitor("demo");
    connect.resume = Some("of another secret".to_owned());
    let connect = Client::connect(fake.endpoint(), connect, options());
    let (client, _peer) = join!(connect, serve);
    assert_eq!(client.unwrap().resume_token().as_deref(), Some("private"));
}

#[tokio::test]
async fn a_busy_server_is_asked_again_to_follow_on_the_same_connection() {
    let fake = Fake::listen(Transport::Tcp).await;
    let visitor = Visitor::new();
    let (client, peer) = following(&fake, &visitor).await;
    peer.cut();
    let (mut peer, _) = fake.accept_visitor(&visitor).await;
    let (id, _) = peer.expect::<Subscribe>().await;
    peer.refuse(&id, RpcError::new(ErrorCode::Busy, "later")).await;
    peer.expect_subscribe(visitor.session, 0).await;
    lost_and_connected(&client).await;
}

#[tokio::test]
async fn a_token_is_refreshed_before_it_expires() {
    let fake = Fake::listen(Transport::Tcp).await;
    let (source, _) = tokens();
    let serve = async {
        let mut peer = fake.accept().await;
        let (id, _) = peer.expect::<Connect>().await;
        peer.answer(&id, operator(1_600)).await;
        let (id, refresh) = peer.expect::<Refresh>().await;
        assert_eq!(refresh.token, "fresh 1");
        peer.answer(&id, Refreshed { expires: u64::from(u32::MAX) }).await;
        peer
    };
    let options = ClientOptions { token: Some(source), ..options() };
    let connect = Client::connect(fake.endpoint(), with_token("old"), options);
    let (client, _peer) = join!(connect, serve);
    client.unwrap();
}

#[tokio::test]
async fn a_server_that_falls_silent_is_left_for_another_connection() {
    let fake = Fake::listen(Transport::MessagePack).await;
    let visitor = Visitor::new();
    let serve = async {
        let mut silent = fake.accept().await;
        let (id, _) = silent.expect::<Connect>().await;
        silent.answer(&id, visitor.connected(50)).await;
        // The old connection stays open, but nothing comes from it any more.
        let (mut peer, _) = fake.accept_visitor(&visitor).await;
        let (id, say) = peer.expect::<Say>().await;
        assert_eq!(say.text, "is anybody there?");
        peer.answer(&id, Done { offset: 2, epoch: 1 }).await;
        (silent, peer)
    };
    let speak = async {
        let client = Client::connect(fake.endpoint(), as_visitor("demo"), options()).await.unwrap();
        client.say("is anybody there?").await.unwrap();
    };
    join!(speak, serve);
}

#[tokio::test]
async fn a_user_who_does_not_read_loses_nothing_and_holds_the_server_back() {
    let fake = Fake::listen(Transport::Tcp).await;
    let visitor = Visitor::new();
    let session = visitor.session;
    let options = ClientOptions {
        events_max: 1,
        wire: Options { pushes_max: 1, ..Options::default() },
        ..options()
    };
    let serve = async {
        let mut peer = fake.accept().await;
        let (id, _) = peer.expect::<Connect>().await;
        peer.answer(&id, visitor.connected(HEARTBEAT)).await;
        peer.expect_subscribe(session, 0).await;
        for offset in 1..=200 {
            peer.push(&said(session, offset - 1, offset, &"x".repeat(10_000))).await;
        }
        peer
    };
    let read = async {
        let client = Client::connect(fake.endpoint(), as_visitor("demo"), options).await.unwrap();
        client.subscribe_own(0).await.unwrap();
        let mut next = 1;
        while next <= 200 {
            match client.next_event().await.unwrap() {
                ClientEvent::Event { event, .. } => {
                    assert_eq!(event.offset, next);
                    assert!(matches!(event.body, EventBody::Message(_)));
                    next += 1;
                }
                ClientEvent::Connected(_) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    let (_peer, ()) = join!(serve, read);
}

#[test]
fn every_call_may_run_on_a_task_of_its_own() {
    fn on_a_task<T: Send>(_: impl FnOnce(Client) -> T) {}
    on_a_task(|client| async move {
        let session = client.session().unwrap();
        client.subscribe(session, 0).await.unwrap();
        client.unsubscribe(session).await.unwrap();
        client.watch(Window::default()).await.unwrap();
        client.unwatch().await.unwrap();
        client.serve().await.unwrap();
        client.take_over(session).await.unwrap();
        client.typing(Some(session), None).await;
        client.next_event().await
    });
}

#[tokio::test]
async fn when_the_last_clone_goes_the_connection_is_closed() {
    let fake = Fake::listen(Transport::Tcp).await;
    let visitor = Visitor::new();
    let (client, mut peer) = following(&fake, &visitor).await;
    let other = client.clone();
    drop(client);
    assert!(other.is_connected());
    drop(other);
    peer.gone().await;
}
