//! Many want control at once: exactly one gets it, and the bot never speaks after that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Barrier;
use vigie_client::{CallError, Client, ClientEvent, Link, Options, with_token};
use vigie_protocol::PROTOCOL_VERSION;
use vigie_protocol::error::ErrorCode;
use vigie_protocol::event::{Event, EventBody, Holder};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Done, History, Rank, TakeOver};

use crate::support::{PATIENCE, Person, Shop, Via, by_bot, within};

const CLAIMS: usize = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_operators_who_claim_a_session_at_once_one_gets_it() {
    let shop = Shop::open().await;
    let visitor = shop.visitor(Via::Tcp).await;
    let session = visitor.session();

    let mut operators = Vec::with_capacity(CLAIMS);
    while operators.len() < CLAIMS {
        let wave = (0..50).map(|n| connect_operator(&shop, operators.len() + n));
        operators.extend(join_all(wave).await);
    }

    let start = Arc::new(Barrier::new(CLAIMS));
    let claims = operators.into_iter().map(|(id, link)| {
        let start = Arc::clone(&start);
        tokio::spawn(async move {
            start.wait().await;
            let claim = TakeOver { session, force: false, reason: None };
            (id, link.call(&claim).await, link)
        })
    });
    let outcomes = within("every claim to be answered", join_all(claims)).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();

    let winners: Vec<_> = outcomes.iter().filter(|(_, outcome, _)| outcome.is_ok()).collect();
    assert_eq!(winners.len(), 1, "exactly one claim is granted");
    let (winner, granted, _) = winners[0];
    assert_eq!(granted.as_ref().unwrap().epoch, 2);
    for (id, outcome, _) in outcomes.iter().filter(|(id, ..)| id != winner) {
        let Err(CallError::Refused(refusal)) = outcome else { panic!("{id}: {outcome:?}") };
        assert_eq!(refusal.code, ErrorCode::Held, "{refusal}");
        let data = refusal.data.as_ref().unwrap();
        assert_eq!(data["holder"]["id"], *winner, "{data}");
        assert_eq!(data["epoch"], 2);
        assert!(data["since"].is_u64(), "{data}");
        assert!(refusal.message.contains(&crate::support::display_name(winner)), "{refusal}");
    }
    let log = read_log(&outcomes[0].2, session).await;
    let changes =
        log.iter().filter(|event| matches!(event.body, EventBody::ControlChanged(_))).count();
    assert_eq!(changes, 1, "one epoch was granted: {log:?}");
}

async fn connect_operator(shop: &Shop, n: usize) -> (String, Link) {
    let via = [Via::Tcp, Via::WebSocket, Via::Json][n % 3];
    let id = format!("operator-{n}");
    let link = Link::open(&shop.endpoint(via), &Options::default()).await.unwrap();
    let mut connect = with_token(shop.operator_token(&id, Rank::Agent));
    connect.protocol = PROTOCOL_VERSION;
    link.call(&connect).await.unwrap();
    (id, link)
}

async fn read_log(link: &Link, session: SessionId) -> Vec<Event> {
    let history = History { session: Some(session), after: 0, limit: 500 };
    link.call(&history).await.unwrap().events
}

const CONVERSATIONS: u64 = 25;
const TAKEOVERS_EACH: u64 = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_that_answers_late_never_speaks_after_a_takeover_was_acknowledged() {
    let shop = Shop::open().await;
    let bot = shop.bot(Via::Tcp).await;
    let over = Arc::new(AtomicBool::new(false));
    let late = Duration::from_millis(50);
    let answering = tokio::spawn(answer_late(bot.client.clone(), late, Arc::clone(&over)));

    let conversations = (0..CONVERSATIONS).map(|n| converse(&shop, n));
    let counts = join_all(conversations).await;
    over.store(true, Ordering::Relaxed);

    let takeovers: u64 = counts.iter().map(|count| count.takeovers).sum();
    let answers: u64 = counts.iter().map(|count| count.answers).sum();
    let (refused, accepted) = answering_stats(answering).await;
    println!("{takeovers} take-overs, {answers} bot answers seen, {refused} late ones refused");
    assert_eq!(takeovers, CONVERSATIONS * TAKEOVERS_EACH);
    assert!(refused > 0 && accepted > 0, "the race must go both ways: {refused} and {accepted}");
}

struct Count {
    takeovers: u64,
    answers: u64,
}

/// A visitor asks, an operator takes over at some moment around the bot's answer, says something,
/// and hands back; again and again.
async fn converse(shop: &Shop, n: u64) -> Count {
    let via = [Via::Tcp, Via::WebSocket, Via::Json][n as usize % 3];
    let mut visitor = shop.visitor(via).await;
    let session = visitor.session();
    visitor.client.subscribe_own(0).await.unwrap();
    let mut operator = shop.operator(via, &format!("operator-{n}"), Rank::Agent).await;
    operator.client.subscribe(session, 0).await.unwrap();
    let mut grants: Vec<Done> = vec![];
    for round in 0..TAKEOVERS_EACH {
        visitor.client.say(format!("question {round}")).await.unwrap();
        // Around the bot's 50 ms: now before its answer, now behind, now at the same moment.
        tokio::time::sleep(Duration::from_millis((n * 7 + round * 13) % 70)).await;
        grants.push(operator.client.take_over(session).await.unwrap());
        let heard_at_grant = visitor.seen.len();
        let word = format!("human {round}");
        operator.client.call(&confirmed(session, &word)).await.unwrap();
        visitor.sees_message(&word).await;
        no_bot_between(&visitor, heard_at_grant, grants.last().unwrap());
        operator.sees_message(&word).await;
        operator.client.release(session).await.unwrap();
    }
    visitor.client.say("the end").await.unwrap();
    visitor.sees_message("the end").await;
    check_epochs(&visitor.seen, &grants);
    let answers = visitor.seen.iter().filter(|event| by_bot(event)).count() as u64;
    Count { takeovers: grants.len() as u64, answers }
}

fn confirmed(session: SessionId, text: &str) -> vigie_protocol::method::Say {
    vigie_protocol::method::Say {
        session: Some(session),
        key: vigie_client::new_key(),
        text: text.into(),
        seen: None,
        confirm: true,
    }
}

/// Nothing of the bot lies behind the take-over that was acknowledged, up to the human's word.
fn no_bot_between(visitor: &Person, from: usize, grant: &Done) {
    for event in visitor.seen[from..].iter().filter(|event| event.offset > grant.offset) {
        assert!(!by_bot(event), "the bot spoke after the take-over at {}: {event:?}", grant.offset);
    }
}

/// In the whole log, the bot speaks only under epochs in which it is in control.
fn check_epochs(log: &[Event], grants: &[Done]) {
    let mut epoch = 1;
    let mut human = false;
    for event in log {
        match &event.body {
            EventBody::ControlChanged(change) => {
                assert_eq!(change.epoch, epoch + 1, "epochs grow by one");
                epoch = change.epoch;
                human = matches!(change.holder, Holder::Operator { .. });
                if human {
                    assert!(grants.iter().any(|g| g.epoch == epoch && g.offset == event.offset));
                }
            }
            EventBody::Message(message) => {
                assert_eq!(message.epoch, epoch);
                assert!(!(human && by_bot(event)), "{event:?}");
            }
            _ => {}
        }
    }
}

/// Answers every turn a while after it was asked, taken over or not; how many were refused and
/// accepted is told once it is over and no more are asked.
async fn answer_late(bot: Client, late: Duration, over: Arc<AtomicBool>) -> (u64, u64) {
    let mut answers = tokio::task::JoinSet::new();
    let patience = Duration::from_secs(3);
    loop {
        match tokio::time::timeout(patience, bot.next_event()).await {
            Ok(Some(ClientEvent::Turn(turn))) => {
                let bot = bot.clone();
                answers.spawn(async move {
                    tokio::time::sleep(late).await;
                    bot.answer(&turn, format!("answer to {}", turn.turn), vec![]).await
                });
            }
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(_) if over.load(Ordering::Relaxed) => break,
            Err(_) => {}
        }
    }
    let (mut refused, mut accepted) = (0, 0);
    while let Some(outcome) = answers.join_next().await {
        match outcome.unwrap() {
            Ok(_) => accepted += 1,
            Err(CallError::Refused(refusal)) => {
                assert!(
                    matches!(refusal.code, ErrorCode::StaleEpoch | ErrorCode::StaleTurn),
                    "{refusal}"
                );
                refused += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    (refused, accepted)
}

async fn answering_stats(answering: tokio::task::JoinHandle<(u64, u64)>) -> (u64, u64) {
    tokio::time::timeout(PATIENCE, answering).await.expect("the bot to end").unwrap()
}
