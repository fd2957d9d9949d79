//! Control behaves as one thing that one hand at a time takes hold of, whichever nodes the hands are
//! on: histories of concurrent claims are linearizable.

use std::fmt::Debug;

use futures_util::future::join_all;
use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};
use std::sync::{Arc, Mutex};
use vigie_client::{CallError, Link};
use vigie_protocol::error::ErrorCode;
use vigie_protocol::event::{Control, Epoch, Holder};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Done, Rank, Release, Revoke, Subscribe, TakeOver, Transfer};

use crate::harness::{CALM, Cluster, NODES, soon};
use crate::support::random::Random;
use crate::support::within;

/// How many histories are judged, and how many at once.
const HISTORIES: usize = 240;
const AT_ONCE: usize = 12;

/// How many hands there are in each, and how often each reaches out: to judge a history takes
/// exponentially long.
const HANDS: usize = 4;
const REACHES: usize = 4;

type Hand = usize;

/// What a hand does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Op {
    TakeOver { by: Hand, force: bool },
    Release { by: Hand },
    Transfer { by: Hand, to: Hand },
    Revoke,
}

/// What it is told: the epoch that is in force for it, or who holds control in which epoch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Ret {
    Granted(Epoch),
    Held(Epoch, Option<Hand>),
    NotInControl(Epoch, Option<Hand>),
}

/// Control of one session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Spec {
    epoch: Epoch,
    holder: Option<Hand>,
}

impl Spec {
    const fn new() -> Self {
        Self { epoch: 1, holder: None }
    }

    fn goes_to(&mut self, holder: Option<Hand>) -> Ret {
        (self.epoch, self.holder) = (self.epoch + 1, holder);
        Ret::Granted(self.epoch)
    }
}

impl SequentialSpec for Spec {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        let (epoch, holder) = (self.epoch, self.holder);
        match *op {
            Op::TakeOver { by, .. } if holder == Some(by) => Ret::Granted(epoch),
            Op::TakeOver { force: false, .. } if holder.is_some() => Ret::Held(epoch, holder),
            Op::TakeOver { by, .. } => self.goes_to(Some(by)),
            Op::Release { by } | Op::Transfer { by, .. } if holder != Some(by) => {
                Ret::NotInControl(epoch, holder)
            }
            Op::Release { .. } => self.goes_to(None),
            Op::Transfer { to, .. } => self.goes_to(Some(to)),
            Op::Revoke if holder.is_none() => Ret::NotInControl(epoch, None),
            Op::Revoke => self.goes_to(None),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_on_three_nodes_are_linearizable() {
    let mut random = Random::seeded();
    let cluster = Cluster::open(CALM).await;
    let mut hands = vec![];
    for hand in 0..HANDS {
        let connect = cluster.as_operator(&name(hand), Rank::Supervisor);
        hands.push(cluster.link(hand % NODES, &connect).await);
    }
    for hand in &hands {
        soon("all hands to be seen by all", async || {
            let seen = hand.call(&vigie_protocol::method::Operators {}).await.unwrap().operators;
            seen.iter().filter(|card| card.connected).count() == HANDS
        })
        .await;
    }
    let (mut granted, mut refused) = (0, 0);
    for wave in 0..HISTORIES / AT_ONCE {
        let histories = (0..AT_ONCE).map(|n| {
            let (random, cluster, hands) = (random.another(), &cluster, &hands);
            async move { history(cluster, hands, (wave * AT_ONCE + n) % NODES, random).await }
        });
        for (session, recorded, tester) in join_all(histories).await {
            assert!(
                tester.is_consistent(),
                "no order of these claims on {session} explains their answers:\n{}",
                recorded.join("\n")
            );
            granted += recorded.iter().filter(|line| line.contains("Granted")).count();
            refused += recorded
                .iter()
                .filter(|line| line.contains("NotIn") || line.contains("Held"))
                .count();
        }
    }
    println!("{HISTORIES} histories are linearizable: {granted} granted, {refused} refused");
    assert!(granted > HISTORIES && refused > HISTORIES, "{granted} granted, {refused} refused");
}

type Tester = LinearizabilityTester<Hand, Spec>;

/// One session for which all hands reach at the same time.
async fn history(
    cluster: &Cluster,
    hands: &[Link],
    node: usize,
    mut random: Random,
) -> (SessionId, Vec<String>, Tester) {
    let visitor = cluster.link(node, &cluster.as_visitor()).await;
    let session = visitor.call(&Subscribe { session: None, offset: 0 }).await.unwrap().session;
    let recorded = Arc::new(Mutex::new((Tester::new(Spec::new()), vec![])));
    let reaching = hands.iter().enumerate().map(|(hand, link)| {
        let (mut random, recorded) = (random.another(), Arc::clone(&recorded));
        async move {
            for _ in 0..REACHES {
                let op = choose(hand, &mut random);
                {
                    let (tester, lines) = &mut *recorded.lock().unwrap();
                    tester.on_invoke(hand, op.clone()).unwrap();
                    lines.push(format!("{} invokes {op:?}", name(hand)));
                }
                let outcome = within("an answer", reach(link, session, &op)).await;
                let ret = answer(outcome);
                let (tester, lines) = &mut *recorded.lock().unwrap();
                lines.push(format!("{} is told {ret:?}", name(hand)));
                tester.on_return(hand, ret).unwrap();
            }
        }
    });
    join_all(reaching).await;
    let (tester, lines) = recorded.lock().unwrap().clone();
    (session, lines, tester)
}

fn choose(by: Hand, random: &mut Random) -> Op {
    match random.within(0..10) {
        0..4 => Op::TakeOver { by, force: false },
        4 => Op::TakeOver { by, force: true },
        5..8 => Op::Release { by },
        8 => {
            let others: Vec<_> = (0..HANDS).filter(|other| *other != by).collect();
            Op::Transfer { by, to: *random.of(&others) }
        }
        _ => Op::Revoke,
    }
}

async fn reach(link: &Link, session: SessionId, op: &Op) -> Result<Done, CallError> {
    let reason = Some("For the test.".to_owned());
    match *op {
        Op::TakeOver { force, .. } => {
            let reason = reason.filter(|_| force);
            link.call(&TakeOver { session, force, reason }).await
        }
        Op::Release { .. } => link.call(&Release { session }).await,
        Op::Transfer { to, .. } => {
            link.call(&Transfer { session, to: name(to).parse().unwrap(), reason }).await
        }
        Op::Revoke => link.call(&Revoke { session, reason: "For the test.".into() }).await,
    }
}

fn answer(outcome: Result<Done, CallError>) -> Ret {
    let error = match outcome {
        Ok(done) => return Ret::Granted(done.epoch),
        Err(CallError::Refused(error)) => error,
        Err(other) => panic!("{other}"),
    };
    let data = error.data.clone().unwrap_or_default();
    let control: Control =
        serde_json::from_value(data).unwrap_or_else(|_| panic!("who holds it is told: {error:?}"));
    let holder = match control.holder {
        Holder::Bot {} => None,
        Holder::Operator { id, .. } => {
            let id = id.expect("operators are told who");
            Some(id.as_str().strip_prefix("hand-").unwrap().parse().unwrap())
        }
    };
    match error.code {
        ErrorCode::Held => Ret::Held(control.epoch, holder),
        ErrorCode::NotInControl => Ret::NotInControl(control.epoch, holder),
        _ => panic!("{error}"),
    }
}

fn name(hand: Hand) -> String {
    format!("hand-{hand}")
}

#[test]
fn a_history_in_which_two_are_granted_the_same_epoch_is_not_linearizable() {
    let mut tester = Tester::new(Spec::new());
    for hand in [0, 1] {
        tester.on_invoke(hand, Op::TakeOver { by: hand, force: false }).unwrap();
    }
    for hand in [0, 1] {
        tester.on_return(hand, Ret::Granted(2)).unwrap();
    }
    assert!(!tester.is_consistent());

    // Nor one in which a claim is refused in favour of a holder who had let go before it.
    let mut tester = Tester::new(Spec::new());
    for (op, ret) in [
        (Op::TakeOver { by: 0, force: false }, Ret::Granted(2)),
        (Op::Release { by: 0 }, Ret::Granted(3)),
    ] {
        tester.on_invoke(0, op).unwrap();
        tester.on_return(0, ret).unwrap();
    }
    tester.on_invoke(1, Op::TakeOver { by: 1, force: false }).unwrap();
    tester.on_return(1, Ret::Held(2, Some(0))).unwrap();
    assert!(!tester.is_consistent());
}
