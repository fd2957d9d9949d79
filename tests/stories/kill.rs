//! The engine, or one of several, is killed in the middle of everything, again and again: nothing
//! acknowledged is lost, doubled or out of order, and clients resume by themselves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::task::{JoinHandle, JoinSet};
use vigie_client::{Client, ClientEvent};
use vigie_protocol::event::{Author, Event, EventBody, Holder, Offset};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{History, Rank};

use crate::support::random::Random;
use crate::support::{Person, Shop, Via, by_bot, text, within};

const ROUNDS: u32 = 20;
const VISITORS: usize = 30;
const OBSERVERS: usize = 3;

/// How long all live in a round, in milliseconds.
const LIFE: std::ops::Range<u64> = 150..900;

/// `VIGIE_SEED=…` kills the same at the same moments again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_twenty_kills_once_and_in_order() {
    let mut random = Random::seeded();
    let mut shop = Shop::open().await;
    let over = Arc::new(AtomicBool::new(false));

    let bot = shop.bot(Via::WebSocket).await;
    tokio::spawn(answer_everything(bot.client.clone()));
    let mut talkers = JoinSet::new();
    let mut sessions = vec![];
    for n in 0..VISITORS {
        let visitor = shop.visitor([Via::Tcp, Via::WebSocket, Via::Json][n % 3]).await;
        visitor.client.subscribe_own(0).await.unwrap();
        sessions.push(visitor.session());
        talkers.spawn(talk(visitor, Arc::clone(&over)));
    }
    let mut observers = vec![];
    for n in 0..OBSERVERS {
        let id = format!("observer-{n}");
        let operator =
            shop.operator([Via::Tcp, Via::WebSocket, Via::Json][n % 3], &id, Rank::Agent);
        let operator = operator.await;
        let mine: Vec<_> = sessions.iter().skip(n).step_by(OBSERVERS).copied().collect();
        for session in &mine {
            operator.client.subscribe(*session, 0).await.unwrap();
        }
        observers.push(Observer::start(operator, mine));
    }
    let busy = shop.operator(Via::Tcp, "busy", Rank::Supervisor).await;
    let meddler = tokio::spawn(meddle(busy.client.clone(), sessions.clone(), Arc::clone(&over)));

    let began = Instant::now();
    for _ in 0..ROUNDS {
        tokio::time::sleep(random.millis(LIFE)).await;
        let victim = random.within(0..shop.nodes.len() as u64) as usize;
        shop.nodes[victim].kill().await;
        shop.nodes[victim].reopen().await;
    }
    over.store(true, Ordering::Relaxed);
    let talks = within("the visitors to finish", talkers.join_all()).await;
    within("the meddler to finish", meddler).await.unwrap();

    let reader = shop.operator(Via::Tcp, "reader", Rank::Agent).await;
    let mut logs = BTreeMap::new();
    for session in &sessions {
        logs.insert(*session, read_log(&reader.client, *session).await);
    }
    let mut acknowledged = 0;
    for talk in &talks {
        acknowledged += check_talk(talk, &logs[&talk.session]);
    }
    for log in logs.values() {
        check_control(log);
    }
    for observer in observers {
        observer.check(&logs).await;
    }
    let count = |wanted: fn(&Event) -> bool| logs.values().flatten().filter(|e| wanted(e)).count();
    let answers = count(by_bot);
    let changes = count(|event| matches!(event.body, EventBody::ControlChanged(_)));
    println!(
        "{ROUNDS} kills in {:.1} s: {acknowledged} messages acknowledged, {answers} answers of the \
         bot, {changes} changes of control",
        began.elapsed().as_secs_f32(),
    );
    assert!(acknowledged > u64::from(ROUNDS) * 10, "there must be a load: {acknowledged}");
    assert!(answers > 0 && changes > 0, "everybody must have had a part: {answers}, {changes}");
}

/// What a visitor said, was acknowledged, and saw.
struct Talk {
    session: SessionId,
    said: Vec<(String, Offset)>,
    seen: Vec<Event>,
}

/// Says one numbered message after another, each once it is acknowledged.
async fn talk(mut visitor: Person, over: Arc<AtomicBool>) -> Talk {
    let session = visitor.session();
    let speaker = {
        let client = visitor.client.clone();
        tokio::spawn(async move {
            let mut said = vec![];
            while !over.load(Ordering::Relaxed) {
                let message = format!("message {}", said.len());
                let done =
                    client.say(message.as_str()).await.expect("sent again until it is there");
                said.push((message, done.offset));
            }
            said
        })
    };
    // Whoever follows a session must take its events while they speak.
    let speaking = async {
        let abort = speaker.abort_handle();
        let _guard = Guard(abort);
        speaker.await.unwrap()
    };
    tokio::pin!(speaking);
    let said = loop {
        tokio::select! {
            said = &mut speaking => break said,
            event = visitor.client.next_event() => keep(&mut visitor, event.expect("the client goes on")),
        }
    };
    let last = said.last().map_or(0, |(_, offset)| *offset);
    if visitor.seen.last().is_none_or(|event| event.offset < last) {
        visitor.sees("the last acknowledged message", |event| event.offset >= last).await;
    }
    Talk { session, said, seen: visitor.seen }
}

struct Guard(tokio::task::AbortHandle);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn keep(person: &mut Person, event: ClientEvent) {
    if let ClientEvent::Event { event, .. } = event {
        person.seen.push(event);
    }
}

async fn answer_everything(bot: Client) {
    while let Some(event) = bot.next_event().await {
        if let ClientEvent::Turn(turn) = event {
            let bot = bot.clone();
            tokio::spawn(async move {
                // A refusal is as good: the visitor has said more, or a human is there.
                let _ = bot.answer(&turn, format!("answer to {}", turn.turn), vec![]).await;
            });
        }
    }
}

/// Takes sessions over, says something, and hands them back.
async fn meddle(operator: Client, sessions: Vec<SessionId>, over: Arc<AtomicBool>) {
    for n in 0.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let session = sessions[n % sessions.len()];
        // Whether a take-over that the kill cut off was carried out is for the log to tell.
        if operator.take_over(session).await.is_ok() {
            let _ = operator.say_to(session, format!("human {n}"), Offset::MAX).await;
            let _ = operator.release(session).await;
        }
    }
}

async fn read_log(operator: &Client, session: SessionId) -> Vec<Event> {
    let mut log = vec![];
    let mut after = 0;
    loop {
        let page = History { session: Some(session), after, limit: 500 };
        let page = operator.call(&page).await.unwrap();
        log.extend(page.events);
        match page.next {
            Some(next) => after = next,
            None => return log,
        }
    }
}

/// Every acknowledged message is in the log, at its offset, once, in order; and the visitor has
/// seen the log as it is. Returns how many were acknowledged.
fn check_talk(talk: &Talk, log: &[Event]) -> u64 {
    let offsets: Vec<_> = log.iter().map(|event| event.offset).collect();
    let expected: Vec<_> = (1..=log.len() as Offset).collect();
    assert_eq!(offsets, expected, "offsets without gap");
    let in_log: Vec<(String, Offset)> = log
        .iter()
        .filter(|event| matches!(event.author, Author::Visitor {}) && !text(event).is_empty())
        .map(|event| (text(event).to_owned(), event.offset))
        .collect();
    assert_eq!(in_log, talk.said, "acknowledged messages: once, in order, where it was said");
    let last = talk.seen.last().map_or(0, |event| event.offset);
    let visible: Vec<_> = log
        .iter()
        .filter(|event| event.offset <= last && !hidden_from_visitors(event))
        .map(|event| (event.offset, text(event)))
        .collect();
    let seen: Vec<_> = talk.seen.iter().map(|event| (event.offset, text(event))).collect();
    assert_eq!(seen, visible, "the visitor saw everything once, in order");
    talk.said.len() as u64
}

fn hidden_from_visitors(event: &Event) -> bool {
    matches!(
        event.body,
        EventBody::SessionStarted { .. }
            | EventBody::VisitorReturned { .. }
            | EventBody::VisitorLeft {}
            | EventBody::PageViewed { .. }
            | EventBody::Note { .. }
    )
}

/// At most one holder per epoch, and no bot under a human's.
fn check_control(log: &[Event]) {
    let (mut epoch, mut human) = (1, false);
    for event in log {
        match &event.body {
            EventBody::ControlChanged(change) => {
                assert_eq!(change.epoch, epoch + 1, "{event:?}");
                epoch = change.epoch;
                human = matches!(change.holder, Holder::Operator { .. });
            }
            EventBody::Message(message) => {
                assert_eq!(message.epoch, epoch, "{event:?}");
                assert!(!(human && by_bot(event)), "the bot spoke under a human: {event:?}");
            }
            _ => {}
        }
    }
}

/// An operator who follows several sessions through all kills.
struct Observer {
    client: Client,
    sessions: Vec<SessionId>,
    watching: JoinHandle<BTreeMap<SessionId, Vec<Event>>>,
    until: tokio::sync::watch::Sender<Option<BTreeMap<SessionId, Offset>>>,
}

impl Observer {
    fn start(operator: Person, sessions: Vec<SessionId>) -> Self {
        let (until, mut heads) = tokio::sync::watch::channel(None);
        let client = operator.client.clone();
        let watching = tokio::spawn(async move {
            let mut seen: BTreeMap<SessionId, Vec<Event>> = BTreeMap::new();
            loop {
                if has_all(&seen, heads.borrow().as_ref()) {
                    return seen;
                }
                tokio::select! {
                    _ = heads.changed() => {}
                    event = operator.client.next_event() => match event.expect("the client goes on") {
                        ClientEvent::Event { session, event } => {
                            seen.entry(session).or_default().push(event);
                        }
                        other @ (ClientEvent::Restarted { .. } | ClientEvent::Unfollowed { .. }) => {
                            panic!("an observer lost its place: {other:?}")
                        }
                        _ => {}
                    }
                }
            }
        });
        Self { client, sessions, watching, until }
    }

    /// What it saw is the log, event by event.
    async fn check(self, logs: &BTreeMap<SessionId, Vec<Event>>) {
        let heads = self.sessions.iter().map(|session| (*session, logs[session].len() as Offset));
        self.until.send(Some(heads.collect())).unwrap();
        let seen = within("an observer to catch up", self.watching).await.unwrap();
        for session in &self.sessions {
            let log = &logs[session];
            assert_eq!(
                seen[session][..log.len()],
                log[..],
                "the observer saw the log of {session}"
            );
        }
        drop(self.client);
    }
}

fn has_all(
    seen: &BTreeMap<SessionId, Vec<Event>>,
    heads: Option<&BTreeMap<SessionId, Offset>>,
) -> bool {
    heads.is_some_and(|heads| {
        heads.iter().all(|(session, head)| {
            seen.get(session).and_then(|events| events.last()).is_some_and(|e| e.offset >= *head)
        })
    })
}
