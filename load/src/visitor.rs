//! One visitor: comes, listens, speaks when it is time, comes back when the connection is lost,
//! leaves.

mod ledger;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use vigie_client::{Closed, Endpoint, Options, as_visitor};
use vigie_protocol::error::{CloseCode, ErrorCode};
use vigie_protocol::event::Offset;
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Connect, Connected, Identity, Subscribe};
use vigie_protocol::push::Push;

pub(crate) use self::ledger::Deed;
use self::ledger::Ledger;
use crate::again::{Again, STEADY};
use crate::line::{Asked, Heard, Line, Refusal, name, reason};
use crate::observer::{Follow, Order, Sighting};
use crate::people::{Person, chance};
use crate::stage::{ARRIVAL_MAX, FAREWELL, Scene, Stage, Step};
use crate::tally::Measure;
use crate::target::Target;

/// How many messages may wait to be said by one visitor.
pub(crate) const MAILBOX_MAX: usize = 64;

/// How much of what their operator saw and did may wait for a visitor: all that can be under way,
/// so that the operator never waits.
const SIGHTINGS_MAX: usize = 256;

/// Which of the uses of chance is about waits; persons and remarks have others.
const CHANCE_OF_WAITS: u64 = 1 << 40;

/// Something to say.
#[derive(Debug, Clone)]
pub(crate) struct Remark {
    /// When it should be said.
    pub(crate) due: Instant,
    pub(crate) text: Arc<str>,
}

/// What a visitor does.
pub(crate) struct Part {
    /// Which visitor.
    pub(crate) number: u32,
    /// Which of the nodes they come to.
    pub(crate) node: usize,
    /// When they should come.
    pub(crate) due: Instant,
    /// What they are to say, if anything.
    pub(crate) remarks: Option<mpsc::Receiver<Remark>>,
    /// Who follows their session.
    pub(crate) observers: Vec<mpsc::Sender<Order>>,
    /// Whether the first of those accounts for what they see.
    pub(crate) is_observed: bool,
}

/// Why a visitor does not stay.
enum Parting {
    /// There is nothing left to do.
    Done,
    /// They are not there for now.
    Absent,
    /// The scenario breaks the connection, and should have at this moment.
    Dropped(Instant),
    Lost(Closed),
}

/// A visitor from the moment at which they should come until they have left.
pub(crate) async fn visit(stage: Arc<Stage>, part: Part) {
    let Part { number, node, due, remarks, observers, is_observed } = part;
    let mut scene = stage.scene.subscribe();
    let drops = scene.borrow_and_update().drops;
    let mut visitor = Visitor::new(&stage, number, node, remarks, drops);
    visitor.is_observed = is_observed;
    let tally = &stage.tally;
    tally.count(|counts| counts.started += 1);
    // What coming takes is let go before the long stay.
    let arrived = {
        let mut arrival = Box::pin(async {
            let line = visitor.arrive().await?;
            tally.took(Measure::Arrived, due);
            visitor.be_observed(observers).await?;
            Ok::<_, String>(line)
        });
        tokio::select! {
            arrived = &mut arrival => Some(arrived),
            _ = scene.wait_for(|scene| scene.step >= Step::Finishing) => None,
        }
    };
    match arrived {
        Some(Ok(line)) => {
            tally.count(|counts| counts.arrived += 1);
            stage.settled.notify_one();
            let mut leaving = stage.scene.subscribe();
            tokio::select! {
                () = visitor.live(line, &mut scene) => {}
                _ = leaving.wait_for(|scene| scene.step == Step::Leaving) => {}
            }
            visitor.ledger.close(tally);
        }
        Some(Err(trouble)) => {
            tally.trouble(trouble);
            tally.count(|counts| counts.turned_away += 1);
            stage.settled.notify_one();
        }
        None => tally.count(|counts| counts.called_back += 1),
    }
}

struct Visitor<'a> {
    stage: &'a Stage,
    number: u32,
    node: usize,
    ledger: Ledger,
    /// Their session, once they are in it.
    session: Option<SessionId>,
    /// What proves that they are the same one when they come back.
    resume: Option<Box<str>>,
    generation: Option<u64>,
    /// The last offset when they began to follow their session.
    head: Option<Offset>,
    remarks: Option<mpsc::Receiver<Remark>>,
    /// What their observer tells, if they have one.
    sightings: Option<mpsc::Receiver<Sighting>>,
    observers: Vec<mpsc::Sender<Order>>,
    is_observed: bool,
    /// When messages that are about to leave should have left.
    unsent: Vec<Instant>,
    /// Messages to be said again, and when: the engine was too busy.
    postponed: Vec<(Instant, u32)>,
    /// How many times the scenario had broken connections when they had theirs.
    drops: u32,
    again: Again,
}

impl<'a> Visitor<'a> {
    fn new(
        stage: &'a Stage,
        number: u32,
        node: usize,
        remarks: Option<mpsc::Receiver<Remark>>,
        drops: u32,
    ) -> Self {
        let waits = chance(stage.scenario.seed, CHANCE_OF_WAITS + u64::from(stage.person(number)));
        Self {
            stage,
            number,
            node,
            ledger: Ledger::new(),
            session: None,
            resume: None,
            generation: None,
            head: None,
            remarks,
            sightings: None,
            observers: Vec::new(),
            is_observed: false,
            unsent: Vec::new(),
            postponed: Vec::new(),
            drops,
            again: Again::new(waits),
        }
    }

    /// Comes in for the first time; tries again if the engine asks for it.
    async fn arrive(&mut self) -> Result<Line, String> {
        let _turn = self.stage.arriving.acquire().await.map_err(|error| error.to_string())?;
        let arrive = async {
            loop {
                match self.enter().await {
                    Ok(line) => return Ok(line),
                    Err(refusal) if refusal.busy => sleep(self.again.busy()).await,
                    Err(refusal) => return Err(refusal.why),
                }
            }
        };
        timeout(ARRIVAL_MAX, arrive)
            .await
            .unwrap_or_else(|_| Err(format!("the engine lets nobody in within {ARRIVAL_MAX:?}")))
    }

    async fn enter(&mut self) -> Result<Line, Refusal> {
        let stage = self.stage;
        let endpoint = &stage.target.endpoints[self.node];
        let person = Person::draw(stage.scenario.seed, stage.person(self.number));
        let (options, mut connect) = introduce(&person, &stage.target, endpoint);
        connect.resume = self.resume.as_deref().map(str::to_owned);
        let mut line = Line::open(endpoint, &options).await?;
        line.ask(Asked::Connect, &connect);
        let (known, generation) = (self.session, self.generation);
        self.head = None;
        if known.is_none() {
            line.ask(Asked::Subscribe, &Subscribe::default());
        }
        while !self.is_there() {
            line.flush().await?;
            match line.next().await? {
                Heard::Connected(connected) => {
                    self.connected(*connected);
                    if known.is_some() {
                        self.look_whether_anew(known, generation);
                        let subscribe = Subscribe { session: None, offset: self.ledger.last };
                        line.ask(Asked::Subscribe, &subscribe);
                    }
                }
                Heard::Refused(Asked::Subscribe, error) if error.code == ErrorCode::OffsetAhead => {
                    stage.tally.trouble(format!("what was seen is not in the log: {error}"));
                    stage.tally.count(|counts| counts.rolled_back += 1);
                    self.ledger.begin_anew();
                    line.ask(Asked::Subscribe, &Subscribe::default());
                }
                Heard::Refused(asked @ (Asked::Connect | Asked::Subscribe), error) => {
                    return Err(Refusal::of(asked, &error));
                }
                heard => self.take(heard),
            }
        }
        Ok(line)
    }

    fn connected(&mut self, connected: Connected) {
        self.stage.tally.met(connected.server);
        self.generation = connected.generation;
        if let Identity::Visitor { session, resume, .. } = connected.identity {
            self.session = Some(session);
            self.resume = Some(resume.into());
        }
    }

    /// They are in another session than before, or the log is another one.
    fn look_whether_anew(&mut self, session: Option<SessionId>, generation: Option<u64>) {
        if self.generation != generation {
            self.stage.tally.trouble("the log has a new generation");
            self.stage.tally.count(|counts| counts.rolled_back += 1);
            self.ledger.begin_anew();
        } else if self.session != session {
            self.stage.tally.count(|counts| counts.renewed += 1);
            self.ledger.begin_anew();
        }
    }

    /// Waits until an operator observes them; whoever only follows does so when they come to it.
    async fn be_observed(&mut self, observers: Vec<mpsc::Sender<Order>>) -> Result<(), String> {
        let session = self.session.ok_or("a visitor has no session")?;
        let number = self.number;
        self.observers = observers;
        for observer in self.observers.iter().skip(usize::from(self.is_observed)) {
            let (followed, _) = oneshot::channel();
            let follow = Follow { number, session, sightings: None, followed };
            if observer.try_send(Order::Follow(follow)).is_err() {
                self.stage.tally.trouble("an operator who stalls takes no more sessions");
            }
        }
        let Some(observer) = self.observers.first().filter(|_| self.is_observed) else {
            return Ok(());
        };
        let (sightings, seen) = mpsc::channel(SIGHTINGS_MAX);
        let (followed, following) = oneshot::channel();
        self.sightings = Some(seen);
        self.ledger.be_observed();
        let follow = Follow { number, session, sightings: Some(sightings), followed };
        let follow = async {
            observer.send(Order::Follow(follow)).await.ok()?;
            following.await.ok()
        };
        match timeout(ARRIVAL_MAX, follow).await {
            Ok(Some(())) => Ok(()),
            Ok(None) => Err("a visitor's observer cannot observe them".into()),
            Err(_) => Err(format!("a visitor is not observed within {ARRIVAL_MAX:?}")),
        }
    }

    fn is_there(&self) -> bool {
        self.session.is_some() && self.head.is_some_and(|head| head <= self.ledger.last)
    }

    /// From one connection to the next, until they have nothing left to do here.
    async fn live(&mut self, mut line: Line, scene: &mut watch::Receiver<Scene>) {
        loop {
            let since = Instant::now();
            let parting = self.stay(&mut line, scene).await.unwrap_or_else(Parting::Lost);
            if since.elapsed() >= STEADY {
                self.again.reset();
            }
            let lost_at = match parting {
                Parting::Done => {
                    // The engine notices without it, too.
                    return drop(timeout(FAREWELL, line.close()).await);
                }
                Parting::Absent => {
                    let _ = timeout(FAREWELL, line.close()).await;
                    drop(line);
                    match self.be_absent(scene).await {
                        Some(back) => line = back,
                        None => return,
                    }
                    continue;
                }
                Parting::Dropped(due) => {
                    self.stage.tally.count(|counts| counts.dropped += 1);
                    due
                }
                Parting::Lost(closed) => {
                    let tally = &self.stage.tally;
                    tally.trouble(format!("a connection was lost: {}", reason(&closed)));
                    tally.count(|counts| counts.lost += 1);
                    if !closed.reconnect {
                        return;
                    }
                    if closed.code == Some(CloseCode::Resync) {
                        self.again.hurry();
                    }
                    Instant::now()
                }
            };
            drop(line);
            self.stage.gone_away();
            let away = Away(self.stage, false);
            let wait = self.again.next();
            match Box::pin(self.come_back(wait)).await {
                Some(back) => line = back,
                None => return,
            }
            away.ends();
            self.drops = scene.borrow().drops;
            self.stage.tally.took(Measure::Resumed, lost_at);
            self.stage.tally.count(|counts| counts.resumed += 1);
        }
    }

    /// Tries, after a wait, until they are in their session again; `None` if that is of no use.
    async fn come_back(&mut self, mut wait: Duration) -> Option<Line> {
        let session = self.session;
        loop {
            sleep(wait).await;
            // Any node serves any client.
            self.node = (self.node + 1) % self.stage.target.endpoints.len();
            let turn = self.stage.arriving.acquire().await.ok()?;
            let entered = timeout(ARRIVAL_MAX, self.enter()).await;
            drop(turn);
            match entered {
                Ok(Ok(mut line)) => {
                    let again = self.ledger.to_say_again();
                    self.postponed.clear();
                    for (number, say) in again {
                        self.stage.tally.count(|counts| counts.said_again += 1);
                        line.ask(Asked::Say(number), &say);
                    }
                    if session != self.session
                        && let Err(why) = self.be_observed(self.observers.clone()).await
                    {
                        self.stage.tally.trouble(why);
                    }
                    return Some(line);
                }
                Ok(Err(refusal)) if !refusal.again => {
                    self.stage
                        .tally
                        .trouble(format!("a visitor cannot come back: {}", refusal.why));
                    return None;
                }
                Ok(Err(_)) | Err(_) => wait = self.again.next(),
            }
        }
    }

    /// Waits until they are there again; `None` if the day ends before.
    async fn be_absent(&mut self, scene: &mut watch::Receiver<Scene>) -> Option<Line> {
        let number = self.number;
        let wanted = |scene: &Scene| scene.step >= Step::Finishing || scene.present > number;
        let is_over = scene.wait_for(wanted).await.ok()?.step >= Step::Finishing;
        self.hear_out();
        let has_said_all = self.remarks.as_ref().is_none_or(mpsc::Receiver::is_empty);
        if is_over && has_said_all && self.ledger.is_settled() {
            return None;
        }
        self.again.reset();
        let back = Box::pin(self.come_back(Duration::ZERO)).await;
        self.drops = scene.borrow().drops;
        back
    }

    async fn stay(
        &mut self,
        line: &mut Line,
        scene: &mut watch::Receiver<Scene>,
    ) -> Result<Parting, Closed> {
        loop {
            line.flush().await?;
            self.left();
            let now = *scene.borrow_and_update();
            if let Some(due) = self.is_dropped(&now) {
                return Ok(Parting::Dropped(due));
            }
            let is_absent = now.present <= self.number && now.step == Step::Staying;
            let is_over = now.step >= Step::Finishing;
            if is_over {
                self.hear_out();
            }
            // In the end the mailbox is closed, and has to be empty.
            let is_through = self.ledger.is_settled()
                && match &self.remarks {
                    Some(remarks) => remarks.is_empty() && is_absent,
                    None => true,
                };
            if is_through && (is_over || is_absent) {
                return Ok(if is_over { Parting::Done } else { Parting::Absent });
            }
            let due = self.postponed.iter().map(|(at, _)| *at).min();
            let due = due.map_or(line.due(), |at| at.min(line.due()));
            tokio::select! {
                heard = line.next() => self.take(heard?),
                sighting = next(&mut self.sightings) => match sighting {
                    Some(sighting) => self.ledger.told(sighting, &self.stage.tally),
                    None => self.sightings = None,
                },
                remark = next(&mut self.remarks), if self.ledger.has_room() => match remark {
                    Some(Remark { text, due }) => {
                        let (number, say) = self.ledger.say(text, due);
                        line.ask(Asked::Say(number), &say);
                        self.unsent.push(due);
                    }
                    None => self.remarks = None,
                },
                () = sleep_until(due) => {
                    line.beat()?;
                    self.say_again(line);
                }
                _ = scene.changed() => {}
            }
        }
    }

    /// Whether the scenario breaks their connection now, and when it should have.
    fn is_dropped(&mut self, scene: &Scene) -> Option<Instant> {
        if scene.drops == std::mem::replace(&mut self.drops, scene.drops) {
            return None;
        }
        let (share, due) = scene.dropped?;
        // Others each time, by the seed.
        let of = CHANCE_OF_WAITS * u64::from(scene.drops + 1);
        let seed = self.stage.scenario.seed;
        let drawn = chance(seed, of + u64::from(self.stage.person(self.number))).f64();
        (drawn < share).then_some(due)
    }

    /// Takes in what their operator has told already.
    fn hear_out(&mut self) {
        let Some(sightings) = &mut self.sightings else { return };
        while let Ok(sighting) = sightings.try_recv() {
            self.ledger.told(sighting, &self.stage.tally);
        }
    }

    /// What was said has left.
    fn left(&mut self) {
        for due in self.unsent.drain(..) {
            self.stage.tally.took(Measure::Sent, due);
            self.stage.tally.count(|counts| counts.said += 1);
        }
    }

    /// Says again what the engine was too busy for, if it is time.
    fn say_again(&mut self, line: &mut Line) {
        let now = Instant::now();
        let Self { postponed, ledger, stage, .. } = self;
        postponed.retain(|(at, number)| {
            if *at > now {
                return true;
            }
            if let Some(say) = ledger.say_again(*number) {
                stage.tally.count(|counts| counts.said_again += 1);
                line.ask(Asked::Say(*number), &say);
            }
            false
        });
    }

    fn take(&mut self, heard: Heard) {
        let tally = &self.stage.tally;
        match heard {
            Heard::Connected(connected) => self.connected(*connected),
            Heard::Subscribed(subscribed) => self.head = Some(subscribed.offset),
            Heard::Said(number, done) => self.ledger.acknowledged(number, done, tally),
            Heard::Refused(Asked::Say(number), error) if error.retry => {
                tally.trouble(format!("a message is to be said again: {error}"));
                self.postponed.push((Instant::now() + self.again.busy(), number));
            }
            Heard::Refused(asked, error) => {
                tally.trouble(format!("{} is refused: {error}", name(asked)));
                if let Asked::Say(number) = asked {
                    self.ledger.refused(number, tally);
                }
            }
            Heard::Push(push) => {
                if let Push::EventPush(event) = *push {
                    self.ledger.event(event, |due| self.stage.is_stalled(due), tally);
                }
            }
            _ => {}
        }
    }
}

/// A visitor without a connection, who is one fewer however that ends.
struct Away<'a>(&'a Stage, bool);

impl Away<'_> {
    fn ends(mut self) {
        self.1 = true;
    }
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        self.0.back_again(!self.1);
    }
}

/// What a person's browser sends of itself, and what the widget says.
fn introduce(person: &Person, target: &Target, endpoint: &Endpoint) -> (Options, Connect) {
    let options = Options {
        origin: target.origin.clone(),
        user_agent: Some(person.user_agent.to_owned()),
        headers: vec![
            ("x-forwarded-for".to_owned(), person.address.to_string()),
            ("accept-language".to_owned(), person.accept_language()),
        ],
        ..Options::default()
    };
    // Without HTTP there are no headers to say it.
    let over_tcp = matches!(endpoint, Endpoint::Tcp(_));
    let connect = Connect {
        agent: Some(concat!("vigie-load/", env!("CARGO_PKG_VERSION")).to_owned()),
        page: Some(person.page(&target.shop)),
        referrer: person.referrer.clone(),
        language: over_tcp.then(|| person.language.to_owned()),
        device: over_tcp.then(|| person.user_agent.to_owned()),
        ..as_visitor(&*target.site)
    };
    (options, connect)
}

async fn next<T>(queue: &mut Option<mpsc::Receiver<T>>) -> Option<T> {
    match queue {
        Some(queue) => queue.recv().await,
        None => std::future::pending().await,
    }
}
