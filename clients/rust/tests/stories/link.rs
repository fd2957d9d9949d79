//! One connection.

use tokio::join;
use vigie_client::{CallError, Link, OpenError, Options, Wire, as_visitor};
use vigie_protocol::card::{Totals, Window};
use vigie_protocol::error::{CloseCode, ErrorCode, RpcError};
use vigie_protocol::method::{Connect, Done, History, Ping, Say, Watch, Watching};
use vigie_protocol::push::Push;
use vigie_protocol::rpc::{self, Encoding, Id, Message};

use crate::fake::{ALL, Fake, HEARTBEAT, Peer, Transport, Visitor, said};

async fn linked(transport: Transport) -> (Link, Peer) {
    linked_with(transport, Options::default()).await
}

async fn linked_with(transport: Transport, options: Options) -> (Link, Peer) {
    let fake = Fake::listen(transport).await;
    let endpoint = fake.endpoint();
    let (link, peer) = join!(Link::open(&endpoint, &options), fake.accept());
    (link.unwrap(), peer)
}

async fn introduced(link: &Link, peer: &mut Peer, heartbeat: u64) {
    let serve = async {
        let (id, connect) = peer.expect::<Connect>().await;
        assert_eq!(connect.site.as_deref(), Some("demo"));
        peer.answer(&id, Visitor::new().connected(heartbeat)).await;
    };
    let connect = as_visitor("demo");
    let (connected, ()) = join!(link.call(&connect), serve);
    assert_eq!(connected.unwrap().heartbeat, heartbeat);
}

fn say(text: &str) -> Say {
    let key = text.parse().unwrap();
    Say { session: None, key, text: text.to_owned(), seen: None, confirm: false }
}

#[tokio::test]
async fn answers_find_their_calls_in_any_order_over_every_transport() {
    for transport in ALL {
        let (link, mut peer) = linked(transport).await;
        introduced(&link, &mut peer, HEARTBEAT).await;
        let serve = async {
            let (first, _) = peer.expect::<Say>().await;
            let (second, _) = peer.expect::<Say>().await;
            peer.answer(&second, Done { offset: 2, epoch: 1 }).await;
            peer.refuse(&first, RpcError::new(ErrorCode::KeyReused, "another text")).await;
        };
        let (one, two) = (say("one"), say("two"));
        let (one, two, ()) = join!(link.call(&one), link.call(&two), serve);
        assert_eq!(one.unwrap_err().code(), Some(ErrorCode::KeyReused), "{transport:?}");
        assert_eq!(two.unwrap(), Done { offset: 2, epoch: 1 }, "{transport:?}");
    }
}

#[tokio::test]
async fn pushes_come_in_order_and_the_server_s_ping_is_answered() {
    for transport in ALL {
        let (link, mut peer) = linked(transport).await;
        let session = Visitor::new().session;
        for offset in 1..=50 {
            peer.push(&said(session, offset - 1, offset, "hello")).await;
        }
        let asked = peer.ask(&Ping {}).await;
        for offset in 1..=50 {
            let Push::EventPush(push) = link.next_push().await.unwrap() else { panic!() };
            assert_eq!(push.offset, offset);
        }
        let bytes = peer.receive().await.unwrap();
        let Message::Response { id, outcome: Ok(_) } =
            rpc::decode(link.encoding(), &bytes).unwrap()
        else {
            panic!()
        };
        assert_eq!(id, asked);
    }
}

#[tokio::test]
async fn several_messages_in_one_websocket_message_are_told_apart() {
    let (link, mut peer) = linked(Transport::MessagePack).await;
    let session = Visitor::new().session;
    let both = [said(session, 0, 1, "a"), said(session, 1, 2, "b")]
        .iter()
        .flat_map(|push| rpc::notification(Encoding::MessagePack, "event", push))
        .collect();
    peer.send(both).await;
    for offset in [1, 2] {
        let Push::EventPush(push) = link.next_push().await.unwrap() else { panic!() };
        assert_eq!(push.offset, offset);
    }
}

#[tokio::test]
async fn the_close_code_is_told_to_whoever_waits() {
    for transport in ALL {
        let (link, mut peer) = linked(transport).await;
        let serve = async {
            peer.expect::<Say>().await;
            peer.close(CloseCode::TokenExpired).await;
        };
        let hello = say("hello");
        let (answer, ()) = join!(link.call(&hello), serve);
        let Err(CallError::Unanswered(closed)) = answer else { panic!("{answer:?}") };
        assert_eq!(closed.code, Some(CloseCode::TokenExpired));
        assert!(!closed.reconnect);
        assert_eq!(link.next_push().await.unwrap_err(), closed);
        let Err(CallError::NotSent(again)) = link.call(&hello).await else { panic!() };
        assert_eq!(again, closed);
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_has_no_code_and_may_be_opened_again() {
    for transport in ALL {
        let (link, peer) = linked(transport).await;
        peer.cut();
        let closed = link.next_push().await.unwrap_err();
        assert_eq!((closed.code, closed.reconnect), (None, true));
        assert_eq!(link.closed(), Some(&closed));
    }
}

#[tokio::test]
async fn an_idle_link_pings_and_one_that_gets_no_answer_ends() {
    let (link, mut peer) = linked(Transport::Tcp).await;
    introduced(&link, &mut peer, 1000).await;
    let (id, _) = peer.expect::<Ping>().await;
    peer.answer(&id, Ping {}).await;
    // The second ping is heard, but the way back is lost.
    peer.expect::<Ping>().await;
    let closed = link.next_push().await.unwrap_err();
    assert_eq!((closed.code, closed.reconnect), (None, true), "{closed}");
    peer.gone().await;
}

#[tokio::test]
async fn bytes_that_come_do_not_hide_that_ours_are_lost() {
    let (link, mut peer) = linked(Transport::Tcp).await;
    introduced(&link, &mut peer, 1000).await;
    let session = Visitor::new().session;
    let chatter = async {
        let mut offset = 0;
        loop {
            offset += 1;
            peer.push(&said(session, offset - 1, offset, "still talking")).await;
            if let Err(closed) = link.next_push().await {
                return closed;
            }
        }
    };
    let closed = chatter.await;
    assert!(closed.reason.contains("ping was not answered"), "{closed}");
}

#[tokio::test]
async fn a_reader_that_is_slow_itself_does_not_take_the_server_for_dead() {
    let options = Options { pushes_max: 1, ..Options::default() };
    let (link, mut peer) = linked_with(Transport::Tcp, options).await;
    introduced(&link, &mut peer, 1000).await;
    let session = Visitor::new().session;
    for offset in 1..=3 {
        peer.push(&said(session, offset - 1, offset, "hello")).await;
    }
    // The queue is full, so nothing is read, and no ping is sent: the socket is left alone until
    // well after the time in which silence would count.
    let stalled = tokio::time::timeout(std::time::Duration::from_secs(3), peer.receive());
    assert!(stalled.await.is_err());
    for offset in 1..=3 {
        let Push::EventPush(push) = link.next_push().await.unwrap() else { panic!() };
        assert_eq!(push.offset, offset);
    }
    let (id, _) = peer.expect::<Ping>().await;
    peer.answer(&id, Ping {}).await;
    peer.expect::<Ping>().await;
    assert_eq!(link.closed(), None);
}

#[tokio::test]
async fn an_answer_longer_than_any_request_is_read_and_one_beyond_the_bound_ends_the_link() {
    for transport in ALL {
        let (link, mut peer) = linked(transport).await;
        let session = Visitor::new().session;
        let long = "x".repeat(16 * 1024);
        let page = |count| {
            let events = (1..=count).map(|n| said(session, n - 1, n, &long).into_event()).collect();
            vigie_protocol::method::HistoryPage { events, next: None }
        };
        let serve = async {
            let (id, _) = peer.expect::<History>().await;
            peer.answer(&id, page(32)).await;
            let (id, _) = peer.expect::<History>().await;
            peer.answer(&id, page(100)).await;
        };
        let ask = async {
            assert_eq!(link.call(&History::default()).await.unwrap().events.len(), 32);
            link.call(&History::default()).await.unwrap_err()
        };
        let (error, ()) = join!(ask, serve);
        assert!(error.closed().is_some_and(|closed| closed.reconnect), "{error}");
    }
}

#[tokio::test]
async fn what_was_sent_before_a_link_is_dropped_still_leaves() {
    for transport in ALL {
        let (link, mut peer) = linked(transport).await;
        link.notify("typing", &Ping {}).await.unwrap();
        drop(link);
        assert!(peer.receive().await.is_some());
        peer.gone().await;
    }
}

#[tokio::test]
async fn an_answer_to_nothing_that_could_be_read_comes_as_a_problem() {
    let (link, mut peer) = linked(Transport::Json).await;
    link.raw_send(b"{".to_vec()).await.unwrap();
    assert_eq!(peer.receive().await.unwrap(), b"{");
    peer.refuse(&Id::Null(()), RpcError::new(ErrorCode::ParseError, "not JSON")).await;
    let Push::Problem(problem) = link.next_push().await.unwrap() else { panic!() };
    assert_eq!(problem.error.code, ErrorCode::ParseError);
}

#[tokio::test]
async fn a_call_whose_caller_has_gone_leaves_nothing_behind() {
    let (link, mut peer) = linked(Transport::Tcp).await;
    let hello = say("hello");
    let id = tokio::select! {
        _ = link.call(&hello) => panic!("answered"),
        (id, _) = peer.expect::<Say>() => id,
    };
    peer.answer(&id, Done { offset: 1, epoch: 1 }).await;
    let serve = async {
        let (id, _) = peer.expect::<Watch>().await;
        let watching = Watching { revision: 7, cards: vec![], totals: Totals::default() };
        peer.answer(&id, watching).await;
    };
    let watch = Watch { window: Window::default() };
    let (watching, ()) = join!(link.call(&watch), serve);
    assert_eq!(watching.unwrap().revision, 7);
}

#[tokio::test]
async fn a_wire_sends_what_no_client_should_and_shows_what_comes_back() {
    let fake = Fake::listen(Transport::MessagePack).await;
    let endpoint = fake.endpoint();
    let options = Options::default();
    let (wire, mut peer) = join!(Wire::open(&endpoint, &options), fake.accept());
    let mut wire = wire.unwrap();
    wire.send(vec![0x01]).await.unwrap();
    assert_eq!(peer.receive().await.unwrap(), [0x01]);
    peer.close(CloseCode::ProtocolError).await;
    // The raw bye first, then the close frame.
    assert!(wire.receive().await.unwrap().windows(3).any(|bytes| bytes == b"bye"));
    assert_eq!(wire.receive().await.unwrap_err().code, Some(CloseCode::ProtocolError));
}

#[tokio::test]
async fn where_nobody_listens_opening_says_so() {
    let fake = Fake::listen(Transport::Tcp).await;
    let endpoint = fake.endpoint();
    drop(fake);
    let error = Link::open(&endpoint, &Options::default()).await.unwrap_err();
    assert!(
        matches!(&error, OpenError::Unreachable { endpoint: at, .. } if *at == endpoint.to_string())
    );
    assert!(!error.is_final());
}
