//! People and bots who go on whatever breaks: the load of a story.
//!
//! Everybody comes by the balancer and writes down what happens to them. What they choose follows
//! from the seed; when it happens is for the machine to say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use vigie_client::{CallError, Client, ClientEvent};
use vigie_protocol::event::{Event, EventBody, Offset};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Connect, Done, Rank};

use crate::checker::is_visible;
use crate::harness::{Cluster, NODES, soon};
use crate::history::{CallId, History, Outcome, Recorder, Sight, Stream, What};
use crate::support::random::Random;
use crate::support::{PATIENCE, Via, within};
use crate::witness::{Watching, Witness};

/// How many there are.
pub struct Plan {
    pub visitors: usize,
    pub operators: usize,
    pub bots: usize,
}

impl Default for Plan {
    fn default() -> Self {
        Self { visitors: 8, operators: 4, bots: 2 }
    }
}

/// How many milliseconds pass between what a visitor says, what an operator does, and before a bot
/// answers.
const VISITOR_PAUSE: std::ops::Range<u64> = 60..240;
const OPERATOR_PAUSE: std::ops::Range<u64> = 20..200;
const BOT_PAUSE: std::ops::Range<u64> = 0..60;

/// How many sessions are exported in the end: each is a start of the program.
const EXPORTS: usize = 3;

/// How long the logs must have been the same to be final.
const STILL: Duration = Duration::from_secs(1);

/// How many of the visitors have a second tab.
const SECOND_TABS: usize = 3;

const VIAS: [Via; 3] = [Via::WebSocket, Via::Tcp, Via::Json];

/// The load, from its start on.
pub struct Load {
    pub recorder: Recorder,
    pub sessions: Vec<SessionId>,
    over: Arc<AtomicBool>,
    /// Those who speak: they end once it is over.
    speaking: JoinSet<()>,
    /// Those who listen and answer: they go on for ever.
    listening: Vec<JoinHandle<()>>,
    watching: Vec<Watching>,
    /// Nobody leaves before the end.
    clients: Vec<Client>,
}

impl Load {
    pub async fn start(cluster: &Cluster, plan: Plan, random: &mut Random) -> Self {
        let mut load = Self {
            recorder: Recorder::new(),
            sessions: vec![],
            over: Arc::default(),
            speaking: JoinSet::new(),
            listening: vec![],
            watching: vec![],
            clients: vec![],
        };
        for n in 0..plan.bots {
            load.bot(cluster, n, random.another()).await;
        }
        // Whoever speaks before a node knows of the bots is answered by the engine's own.
        cluster.shop.all_know().await;
        for n in 0..plan.visitors {
            load.visitor(cluster, n, random.another()).await;
        }
        for n in 0..NODES {
            let connect = cluster.as_operator(&format!("eye-{n}"), Rank::Agent);
            load.witness(cluster, n, connect, Sight::Operator, load.sessions.clone());
        }
        for n in 0..plan.operators {
            let rank = if n == 0 { Rank::Supervisor } else { Rank::Agent };
            load.operator(cluster, n, plan.operators, rank, random.another()).await;
        }
        load
    }

    /// Waits until so many more calls were acknowledged.
    pub async fn acknowledges(&self, more: usize) {
        let wanted = self.recorder.acknowledged() + more;
        soon("more to be acknowledged", async || self.recorder.acknowledged() >= wanted).await;
    }

    /// Lets everybody finish what they are saying, and see it; returns all that has happened.
    pub async fn finish(mut self, cluster: &Cluster) -> History {
        self.over.store(true, Ordering::Relaxed);
        let speaking = std::mem::take(&mut self.speaking);
        within("everybody to finish what they say", speaking.join_all()).await;
        let logs = self.logs(cluster).await;
        self.catch_up(&logs).await;
        for task in &self.listening {
            assert!(!task.is_finished(), "somebody who listens has ended");
        }
        self.listening.iter().for_each(JoinHandle::abort);
        self.watching.clear();
        self.recorder.with(|history| {
            history.logs = logs;
            mark_the_last(&mut history.streams);
            history.clone()
        })
    }

    /// The logs by every way of reading them, once nothing moves any more.
    async fn logs(&self, cluster: &Cluster) -> BTreeMap<SessionId, Vec<(String, Vec<Event>)>> {
        let mut before = BTreeMap::new();
        let settling = async {
            loop {
                let logs = self.read(cluster).await;
                if logs == before {
                    return;
                }
                before = logs;
                sleep(STILL).await;
            }
        };
        // What never comes to rest, or differs for ever, is for the checker to judge.
        let _ = timeout(PATIENCE, settling).await;
        for session in self.sessions.iter().take(EXPORTS) {
            let exported = cluster.exported(*session).await;
            if let Some(readings) = before.get_mut(session) {
                readings.push(("vigie export".to_owned(), exported));
            }
        }
        before
    }

    async fn read(&self, cluster: &Cluster) -> BTreeMap<SessionId, Vec<(String, Vec<Event>)>> {
        let mut logs: BTreeMap<_, Vec<_>> = BTreeMap::new();
        // Bots are asked by visitors of the story's own as well.
        let called = self
            .recorder
            .with(|history| history.calls.iter().map(|call| call.session).collect::<BTreeSet<_>>());
        for node in 0..NODES {
            let link = cluster.link(node, &cluster.as_operator("reader", Rank::Agent)).await;
            for session in called.iter().chain(&self.sessions).collect::<BTreeSet<_>>() {
                let log = crate::harness::log_of(&link, *session).await;
                logs.entry(*session).or_default().push((format!("node {node}"), log));
            }
        }
        logs
    }

    /// Waits until everybody has seen all; who has not in the end is for the checker to find.
    async fn catch_up(&self, logs: &BTreeMap<SessionId, Vec<(String, Vec<Event>)>>) {
        let caught_up = || {
            self.recorder.with(|history| {
                mark_the_last(&mut history.streams);
                history.streams.iter().filter(|stream| stream.stays).all(|stream| {
                    let log = &logs[&stream.session][0].1;
                    let head = log.iter().rev().find(|event| is_visible(event, stream.sight));
                    let last = stream.seen.last().map_or(stream.after, |seen| seen.event.offset);
                    head.is_none_or(|head| last >= head.offset)
                })
            })
        };
        let catching_up = async {
            while !caught_up() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let _ = timeout(PATIENCE, catching_up).await;
    }

    async fn bot(&mut self, cluster: &Cluster, n: usize, mut random: Random) {
        let who = format!("bot-{n}");
        let client = cluster.client(VIAS[n % 3], cluster.as_bot(&who)).await;
        client.serve().await.unwrap();
        self.clients.push(client.clone());
        let recorder = self.recorder.clone();
        self.listening.push(tokio::spawn(async move {
            let mut asked = 0;
            while let Some(event) = client.next_event().await {
                let ClientEvent::Turn(turn) = event else { continue };
                asked += 1;
                recorder.is_asked(&who, &turn);
                let text = format!("{who} answers {}, its turn {asked}", turn.turn);
                let pause = random.millis(BOT_PAUSE);
                let (client, recorder, who) = (client.clone(), recorder.clone(), who.clone());
                tokio::spawn(async move {
                    sleep(pause).await;
                    let call = recorder.begins(&who, turn.session, What::Say(text.clone()));
                    recorder.ends(call, &client.answer(&turn, text, vec![]).await, false);
                });
            }
            panic!("a bot's client ended");
        }));
    }

    async fn visitor(&mut self, cluster: &Cluster, n: usize, mut random: Random) {
        let who = format!("visitor-{n}");
        let client = cluster.client(VIAS[n % 3], cluster.as_visitor()).await;
        client.subscribe_own(0).await.unwrap();
        let session = client.session().expect("a visitor has a session");
        self.sessions.push(session);
        self.clients.push(client.clone());
        self.listen(&who, client.clone(), session, Sight::Visitor);
        if n < SECOND_TABS {
            let connect = Connect { resume: client.resume_token(), ..cluster.as_visitor() };
            self.witness(cluster, NODES + n, connect, Sight::Visitor, vec![session]);
        }
        let (recorder, over) = (self.recorder.clone(), Arc::clone(&self.over));
        self.speaking.spawn(async move {
            for count in 0.. {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let text = format!("{who} says {count}");
                let call = recorder.begins(&who, session, What::Say(text.clone()));
                let outcome = client.say(text).await;
                recorder.ends(call, &outcome, false);
                assert!(outcome.is_ok(), "{who} says it until it is there: {outcome:?}");
                sleep(random.millis(VISITOR_PAUSE)).await;
            }
        });
    }

    /// Writes down what a client sees.
    fn listen(&mut self, who: &str, client: Client, session: SessionId, sight: Sight) {
        let (who, recorder) = (who.to_owned(), self.recorder.clone());
        let mut stream = recorder.follows(&who, session, sight, 0, 0);
        self.listening.push(tokio::spawn(async move {
            let mut connection = 0;
            while let Some(event) = client.next_event().await {
                match event {
                    ClientEvent::Event { event, .. } => recorder.sees(stream, None, event),
                    ClientEvent::Restarted { .. } | ClientEvent::Resync => {
                        connection += 1;
                        stream = recorder.follows(&who, session, sight, connection, 0);
                        recorder.restarts(stream);
                    }
                    ClientEvent::Unfollowed { error, .. } => panic!("{who} lost it: {error}"),
                    _ => {}
                }
            }
            panic!("the client of {who} ended");
        }));
    }

    fn witness(
        &mut self,
        cluster: &Cluster,
        n: usize,
        connect: Connect,
        sight: Sight,
        sessions: Vec<SessionId>,
    ) {
        let witness = Witness {
            who: format!("witness-{n}"),
            endpoint: cluster.balancer.endpoint(VIAS[n % 3]),
            connect,
            sight,
            sessions,
            recorder: self.recorder.clone(),
        };
        self.watching.push(witness.start());
    }

    async fn operator(
        &mut self,
        cluster: &Cluster,
        n: usize,
        count: usize,
        rank: Rank,
        random: Random,
    ) {
        let who = format!("op-{n}");
        let client = cluster.client(VIAS[n % 3], cluster.as_operator(&who, rank)).await;
        self.clients.push(client.clone());
        let busy = Busy {
            who,
            rank,
            others: (0..count)
                .filter(|other| *other != n)
                .map(|other| format!("op-{other}"))
                .collect(),
            client: client.clone(),
            sessions: self.sessions.clone(),
            recorder: self.recorder.clone(),
            random,
        };
        self.speaking.spawn(busy.meddle(Arc::clone(&self.over)));
        self.listening.push(tokio::spawn(async move {
            while client.next_event().await.is_some() {}
            panic!("an operator's client ended");
        }));
    }
}

/// The streams of each client's last connection, if it was there to the end.
fn mark_the_last(streams: &mut [Stream]) {
    let mut last: BTreeMap<(String, SessionId), u32> = BTreeMap::new();
    for stream in streams.iter() {
        let latest = last.entry((stream.who.clone(), stream.session)).or_default();
        *latest = (*latest).max(stream.connection);
    }
    for stream in streams {
        stream.stays = last[&(stream.who.clone(), stream.session)] == stream.connection;
    }
}

/// An operator who takes sessions over, speaks, and lets them go in one way or another.
struct Busy {
    who: String,
    rank: Rank,
    others: Vec<String>,
    client: Client,
    sessions: Vec<SessionId>,
    recorder: Recorder,
    random: Random,
}

impl Busy {
    async fn meddle(mut self, over: Arc<AtomicBool>) {
        for round in 0.. {
            if over.load(Ordering::Relaxed) {
                return;
            }
            let session = *self.random.of(&self.sessions);
            if self.take_over(session).await {
                for count in 0..self.random.within(0..3) {
                    self.say(session, format!("{} says {round}.{count}", self.who)).await;
                    sleep(self.random.millis(OPERATOR_PAUSE)).await;
                }
                self.let_go(session).await;
            }
            sleep(self.random.millis(OPERATOR_PAUSE)).await;
        }
    }

    async fn take_over(&mut self, session: SessionId) -> bool {
        let call = self.begins(session, What::TakeOver(self.who.clone()));
        let force = self.rank >= Rank::Supervisor && self.random.within(0..4) == 0;
        let outcome = match force {
            true => self.client.take_over_by_force(session, "It is urgent.").await,
            false => self.client.take_over(session).await,
        };
        self.ends(call, outcome)
    }

    async fn say(&mut self, session: SessionId, text: String) {
        let call = self.begins(session, What::Say(text.clone()));
        let outcome = self.client.say_to(session, text, Offset::MAX).await;
        self.ends(call, outcome);
    }

    /// Whoever cannot let go keeps it until somebody takes it from them.
    async fn let_go(&mut self, session: SessionId) {
        if self.random.within(0..4) == 0 {
            let to = self.random.of(&self.others).clone();
            let call = self.begins(session, What::Transfer(to.clone()));
            let outcome = self.client.transfer(session, to.parse().unwrap(), None).await;
            if self.ends(call, outcome) {
                return;
            }
        }
        let call = self.begins(session, What::HandBack);
        let revoked = self.rank >= Rank::Supervisor && self.random.within(0..2) == 0;
        let outcome = match revoked {
            true => self.client.revoke(session, "It is enough.").await,
            false => self.client.release(session).await,
        };
        self.ends(call, outcome);
    }

    fn begins(&self, session: SessionId, what: What) -> CallId {
        self.recorder.begins(&self.who, session, what)
    }

    fn ends(&self, call: CallId, outcome: Result<Done, CallError>) -> bool {
        self.recorder.ends(call, &outcome, false);
        outcome.is_ok()
    }
}

/// What came of a load, in numbers.
pub fn summary(history: &History) -> String {
    let count = |wanted: fn(&Outcome) -> bool| {
        history.calls.iter().filter(|call| wanted(&call.outcome)).count()
    };
    let events = || history.logs.values().flat_map(|readings| &readings[0].1);
    let changes = events().filter(|e| matches!(e.body, EventBody::ControlChanged(_))).count();
    format!(
        "{} calls acknowledged, {} refused, {} unknown; {} events in {} sessions, {changes} changes of \
         control; {} streams",
        count(|outcome| matches!(outcome, Outcome::Done { .. })),
        count(|outcome| matches!(outcome, Outcome::Refused { .. })),
        count(|outcome| matches!(outcome, Outcome::Unknown(_) | Outcome::Open)),
        events().count(),
        history.logs.len(),
        history.streams.len(),
    )
}

/// A load that shows nothing is no load.
pub fn assert_busy(history: &History) {
    let bot = |event: &&Event| crate::support::by_bot(event);
    let changed = |event: &&Event| matches!(event.body, EventBody::ControlChanged(_));
    let events = || history.logs.values().flat_map(|readings| &readings[0].1);
    let (answers, changes) = (events().filter(bot).count(), events().filter(changed).count());
    assert!(answers > 10 && changes > 10, "{answers} answers, {changes} changes of control");
    let (turns, shown) = (history.turns.len(), history.shown.len());
    assert!(turns > 10 && shown > 10, "{turns} turns, {shown} cards");
}
