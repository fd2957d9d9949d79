//! Somebody stops reading: nobody else waits for them, and they miss nothing.

use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use vigie_client::{as_visitor, with_token};
use vigie_protocol::ANSWER_BYTES_MAX;
use vigie_protocol::card::Window;
use vigie_protocol::error::CloseCode;
use vigie_protocol::event::{Event, EventBody, Offset};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{
    Connect, Connected, History, Identity, Method, Rank, Subscribe, Watch,
};
use vigie_protocol::push::{EventPush, Push};
use vigie_protocol::rpc::{self, Encoding, Message};
use vigie_protocol::scan::Scanner;

use crate::support::{Person, Shop, Via, only_alone, within};

/// The smallest queue, so that it is soon full; and no close but that for slowness.
const SETTINGS: &[(&str, &str)] = &[
    ("GATEWAY__OUTBOUND_QUEUE_KIB", "64"),
    ("GATEWAY__HEARTBEAT_MS", "300000"),
    ("PRESENCE__VISITOR_GRACE_MS", "100"),
];

const TEXT_BYTES: usize = 8 * 1024;

/// How many round trips are measured before somebody stalls, and after they are gone.
const ROUNDS: usize = 60;

/// By then whatever the kernel keeps for a reader is full many times over.
const ROUNDS_MAX: usize = 4000;

/// What the kernel is asked to keep for a reader.
const RECEIVE_BUFFER_BYTES: u32 = 4 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_who_stops_reading_delays_nobody_and_resumes_without_loss() {
    if only_alone("it measures one engine") {
        return;
    }
    let shop = Shop::open_with(SETTINGS).await;
    let mut visitor = shop.visitor(Via::WebSocket).await;
    let session = visitor.session();
    visitor.client.subscribe_own(0).await.unwrap();
    let mut ann = shop.operator(Via::WebSocket, "ann", Rank::Agent).await;
    ann.client.subscribe(session, 0).await.unwrap();
    ann.client.watch(Window::default()).await.unwrap();
    ann.client.take_over(session).await.unwrap();

    let mut without = vec![];
    for _ in 0..ROUNDS {
        without.push(talk(&mut visitor, &mut ann, session).await);
    }

    let connect = with_token(shop.operator_token("sam", Rank::Agent));
    let (mut sam, _) = Stalled::open(&shop, &connect).await;
    sam.ask(&Watch { window: Window::default() }).await;
    sam.follow(session).await;
    assert!(is_connected(&ann, "sam").await);
    let mut with = vec![];
    while is_connected(&ann, "sam").await {
        with.push(talk(&mut visitor, &mut ann, session).await);
        assert!(with.len() < ROUNDS_MAX, "sam was never dropped");
    }

    for _ in 0..ROUNDS {
        without.push(talk(&mut visitor, &mut ann, session).await);
    }
    compare("a visitor and an operator talk", &mut without, &mut with);
    let received = sam.rest().await;
    has_everything_once(&shop, &connect, session, received).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_who_stops_reading_delays_no_operator_and_resumes_without_loss() {
    if only_alone("it measures one engine") {
        return;
    }
    let shop = Shop::open_with(SETTINGS).await;
    let mut connect = as_visitor(&*shop.site.key);
    let (mut visitor, connected) = Stalled::open(&shop, &connect).await;
    let Identity::Visitor { session, resume, .. } = connected.identity else {
        panic!("not a visitor: {connected:?}");
    };
    connect.resume = Some(resume);
    let mut ann = shop.operator(Via::WebSocket, "ann", Rank::Agent).await;
    let mut bea = shop.operator(Via::Tcp, "bea", Rank::Agent).await;
    ann.client.subscribe(session, 0).await.unwrap();
    bea.client.subscribe(session, 0).await.unwrap();
    ann.client.take_over(session).await.unwrap();

    let mut without = vec![];
    // Whoever stalls while the past is sent is waited for: it must have joined those who follow live.
    visitor.follow(session).await;
    for _ in 0..ROUNDS {
        without.push(confer(&mut ann, &mut bea, session).await);
        visitor.reads_an_event().await;
    }
    let mut with = vec![];
    while !ann.seen.iter().any(|event| matches!(event.body, EventBody::VisitorLeft {})) {
        with.push(confer(&mut ann, &mut bea, session).await);
        assert!(with.len() < ROUNDS_MAX, "the visitor was never dropped");
    }
    for _ in 0..ROUNDS {
        without.push(confer(&mut ann, &mut bea, session).await);
    }
    compare("two operators confer", &mut without, &mut with);
    let received = visitor.rest().await;
    has_everything_once(&shop, &connect, session, received).await;
}

/// The visitor asks, and the operator answers as soon as they see it: how long until the visitor
/// sees the answer.
async fn talk(visitor: &mut Person, operator: &mut Person, session: SessionId) -> Duration {
    let n = visitor.seen.len();
    let (question, answer) = (long_text("question", n), long_text("answer", n));
    let began = Instant::now();
    visitor.client.say(&*question).await.unwrap();
    operator.sees_message(&question).await;
    operator.client.say_to(session, &*answer, Offset::MAX).await.unwrap();
    visitor.sees_message(&answer).await;
    let took = began.elapsed();
    visitor.heard.clear();
    operator.heard.clear();
    took
}

/// One operator tells the visitor something, and the other remarks on it: how long until the
/// first sees the remark.
async fn confer(ann: &mut Person, bea: &mut Person, session: SessionId) -> Duration {
    let (word, remark) = (long_text("word", ann.seen.len()), format!("remark {}", ann.seen.len()));
    let began = Instant::now();
    ann.client.say_to(session, &*word, Offset::MAX).await.unwrap();
    bea.sees_message(&word).await;
    bea.client.note(session, &*remark).await.unwrap();
    ann.sees(
        "the remark",
        |event| matches!(&event.body, EventBody::Note { text, .. } if *text == remark),
    )
    .await;
    let took = began.elapsed();
    ann.heard.clear();
    bea.heard.clear();
    took
}

fn long_text(what: &str, n: usize) -> String {
    let mut text = format!("{what} {n} ");
    text.extend(std::iter::repeat_n('x', TEXT_BYTES - text.len()));
    text
}

async fn is_connected(asker: &Person, id: &str) -> bool {
    let list = asker.client.operators().await.unwrap();
    list.operators.iter().any(|card| card.id.as_str() == id && card.connected)
}

/// A delay would be of the reader's making: seconds, or for ever. What machines do to each other
/// is less.
fn compare(what: &str, without: &mut [Duration], with: &mut [Duration]) {
    without.sort();
    with.sort();
    let (rounds, stalled_rounds) = (without.len(), with.len());
    assert!(stalled_rounds >= ROUNDS / 2, "too few round trips to judge: {stalled_rounds}");
    let slack = [Duration::from_millis(20), Duration::from_secs(2)];
    for ((name, percent), slack) in [("median", 50), ("p99", 99)].into_iter().zip(slack) {
        let of = |times: &[Duration]| times[(times.len() * percent / 100).min(times.len() - 1)];
        let (alone, beside) = (of(without), of(with));
        println!(
            "{what}: {name} {alone:?} of {rounds} without, {beside:?} of {stalled_rounds} with a \
             stalled reader"
        );
        assert!(beside <= 3 * alone + slack, "{what} is delayed");
    }
}

/// The reader connects again and follows from the last event that it has: with those before it
/// has all that its role may see, each once.
async fn has_everything_once(
    shop: &Shop,
    connect: &Connect,
    session: SessionId,
    mut received: Vec<EventPush>,
) {
    let before = received.len();
    let last = received.last().map_or(0, |event| event.offset);
    let link = shop.link(Via::Tcp).await;
    link.call(connect).await.unwrap();
    let subscribe = Subscribe { session: Some(session), offset: last };
    let head = link.call(&subscribe).await.unwrap().offset;
    assert!(head > last, "it was dropped before the end");
    within("all that was missed", async {
        while received.last().is_none_or(|event| event.offset < head) {
            if let Push::EventPush(event) = link.next_push().await.unwrap() {
                received.push(event);
            }
        }
    })
    .await;
    println!("{before} events before the drop, {} after", received.len() - before);

    let mut prev = 0;
    let mut events = vec![];
    for event in received {
        assert_eq!(event.prev, prev, "neither gap nor repeat at {}", event.offset);
        prev = event.offset;
        let EventPush { offset, time, author, body, .. } = event;
        events.push(Event { offset, time, author, body });
    }
    let (mut log, mut after) = (vec![], 0);
    loop {
        let history = History { session: Some(session), after, limit: 500 };
        let page = link.call(&history).await.unwrap();
        log.extend(page.events);
        let Some(next) = page.next else { break };
        after = next;
    }
    log.retain(|event| event.offset <= head);
    assert_eq!(events, log);
}

/// A client over plain TCP that reads until it has what it asked for, and then no more.
struct Stalled {
    socket: TcpStream,
    arrived: Vec<u8>,
    scanner: Scanner,
    /// The events that it has read.
    events: Vec<EventPush>,
}

impl Stalled {
    async fn open(shop: &Shop, connect: &Connect) -> (Self, Connected) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES).unwrap();
        let socket = socket.connect(shop.tcp()).await.unwrap();
        let (arrived, scanner) = (vec![], Scanner::default());
        let mut stalled = Self { socket, arrived, scanner, events: vec![] };
        let connected = stalled.ask(connect).await;
        (stalled, connected)
    }

    /// Reads up to the answer.
    async fn ask<M: Method>(&mut self, request: &M) -> M::Result {
        let bytes = rpc::request(Encoding::MessagePack, 1, M::NAME, request);
        self.socket.write_all(&bytes).await.unwrap();
        within(M::NAME, async {
            loop {
                let message = self.message().await.expect("an answer before the end");
                if let Some(answer) = self.take(&message) {
                    return answer;
                }
            }
        })
        .await
    }

    /// Follows a session from its start, and reads all that has happened so far.
    async fn follow(&mut self, session: SessionId) {
        let subscribe = Subscribe { session: Some(session), offset: 0 };
        let head = self.ask(&subscribe).await.offset;
        within("the past", async {
            while self.events.last().is_none_or(|event| event.offset < head) {
                let message = self.message().await.expect("the past before the end");
                assert!(self.take::<()>(&message).is_none(), "nothing was asked");
            }
        })
        .await;
    }

    /// Reads up to the next event.
    async fn reads_an_event(&mut self) {
        let read = self.events.len();
        within("the next event", async {
            while self.events.len() == read {
                let message = self.message().await.expect("the next event before the end");
                assert!(self.take::<()>(&message).is_none(), "nothing was asked");
            }
        })
        .await;
    }

    /// Reads again, up to the end that the server has made: every event that has come.
    async fn rest(mut self) -> Vec<EventPush> {
        within("the end of the connection", async {
            while let Some(message) = self.message().await {
                assert!(self.take::<()>(&message).is_none(), "nothing was asked");
            }
        })
        .await;
        self.events
    }

    /// Keeps an event; returns an answer.
    fn take<T: DeserializeOwned>(&mut self, message: &[u8]) -> Option<T> {
        match rpc::decode_within(Encoding::MessagePack, message, ANSWER_BYTES_MAX).unwrap() {
            Message::Response { outcome, .. } => return Some(outcome.unwrap().decode().unwrap()),
            Message::Notification { method, params } => {
                match Push::decode(&method, &params).unwrap() {
                    Push::EventPush(event) => self.events.push(event),
                    Push::Bye(bye) => assert_eq!(bye.code, CloseCode::SlowConsumer.number()),
                    _ => {}
                }
            }
            Message::Request { method, .. } => panic!("the server asks for {method}"),
        }
        None
    }

    /// The next whole message. Whoever is dropped may be left with part of one.
    async fn message(&mut self) -> Option<Vec<u8>> {
        loop {
            if !self.arrived.is_empty()
                && let Some(length) = self.scanner.scan(&self.arrived).unwrap()
            {
                return Some(self.arrived.drain(..length).collect());
            }
            match self.socket.read_buf(&mut self.arrived).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return None,
            }
        }
    }
}
