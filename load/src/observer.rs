//! An operator: observes visitors, takes over from the bot and gives back, has a part of the live
//! list on the screen, and some stop reading now and then.
//!
//! Whose message it is cannot be told here: its key is shown to its visitor only. So an operator
//! tells the visitor where in the log a message was seen, and when; the visitor knows which of
//! theirs stands there. What the operator does themselves is told in the same way, so that its
//! visitor sees to it that it happens once.

mod duties;
mod takeover;
mod window;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use vigie_client::{Closed, Options, with_token};
use vigie_protocol::card::Window;
use vigie_protocol::error::CloseCode;
use vigie_protocol::event::Offset;
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Connect, Subscribe, Watch};

use self::takeover::Takeover;
use self::window::Watched;
use crate::again::{Again, STEADY};
use crate::line::{Asked, Heard, Line, Refusal, reason};
use crate::stage::{ARRIVAL_MAX, CATCHING_UP, FAREWELL, Scene, Stage, Step};
use crate::tally::Tally;
use crate::visitor::Deed;

/// How many orders may wait for one operator; further visitors wait, further take-overs are lost.
pub(crate) const ORDERS_MAX: usize = 256;

/// How many take-overs of one session may wait for each other.
const TAKEOVERS_WAITING_MAX: usize = 16;

/// What an operator who stops reading leaves to the system: little, so that the engine notices.
const STALLING_RECEIVE_BUFFER: u32 = 16 * 1024;

/// Something that an operator has seen or done.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sighting {
    /// A message of the visitor, when it was seen.
    Message { offset: Offset, at: Instant },
    /// Something that the operator did, when it should have happened.
    Deed { offset: Offset, deed: Deed, due: Instant },
}

/// What an operator is to do.
pub(crate) enum Order {
    Follow(Follow),
    /// To take over from the bot the session of this visitor.
    TakeOver {
        number: u32,
        due: Instant,
    },
}

/// A session to be observed.
pub(crate) struct Follow {
    /// Whose it is.
    pub(crate) number: u32,
    pub(crate) session: SessionId,
    /// Where to tell what is seen and done, if anybody wants to know.
    pub(crate) sightings: Option<mpsc::Sender<Sighting>>,
    /// Told once it is.
    pub(crate) followed: oneshot::Sender<()>,
}

/// What an operator is there for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Job {
    /// What is on the screen.
    pub(crate) window: Option<Window>,
    /// How often to turn to the next stretch of the list.
    pub(crate) turn: Option<std::time::Duration>,
    /// Whether they stop reading now and then.
    pub(crate) stalls: bool,
}

/// An operator at their desk.
pub(crate) struct Observer {
    stage: Arc<Stage>,
    node: usize,
    token: Arc<str>,
    job: Job,
    orders: mpsc::Receiver<Order>,
    followed: Vec<Followed>,
    /// By session, and by visitor: which of the followed.
    sessions: HashMap<SessionId, usize>,
    visitors: HashMap<u32, usize>,
    watched: Option<Watched>,
    turns_at: Option<Instant>,
    /// When to look after a take-over, and which.
    agenda: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Take-overs that are not over.
    open: usize,
    takeovers: u32,
    /// At the end those who stall prove that they have everything: what is missing still.
    catching_up: Option<usize>,
    /// Take-overs of visitors who are not followed yet.
    early: HashMap<u32, VecDeque<Instant>>,
    is_at_work: bool,
    /// When they began to read again.
    stalled_until: Option<Instant>,
    again: Again,
}

struct Followed {
    session: SessionId,
    last: Offset,
    /// From where it is followed, or is asked to be, and whether it was held there.
    from: (Offset, bool),
    /// The engine was too busy to let it be followed.
    is_to_be_asked: bool,
    /// What there is at least.
    head: Option<Offset>,
    sightings: Option<mpsc::Sender<Sighting>>,
    followed: Option<oneshot::Sender<()>>,
    is_held: bool,
    takeover: Option<Takeover>,
    waiting: VecDeque<Instant>,
}

impl Observer {
    /// Comes to the desk; returns also where to say what is to be done.
    pub(crate) async fn arrive(
        stage: Arc<Stage>,
        node: usize,
        token: Arc<str>,
        job: Job,
        again: Again,
    ) -> Result<(Self, Line, mpsc::Sender<Order>), String> {
        let (order, orders) = mpsc::channel(ORDERS_MAX);
        let watched = job.window.clone().map(Watched::new);
        let mut observer = Self {
            stage,
            node,
            token,
            job,
            orders,
            followed: Vec::new(),
            sessions: HashMap::new(),
            visitors: HashMap::new(),
            watched,
            turns_at: None,
            agenda: BinaryHeap::new(),
            open: 0,
            takeovers: 0,
            catching_up: None,
            early: HashMap::new(),
            is_at_work: false,
            stalled_until: None,
            again,
        };
        let line = observer.enter().await.map_err(|refusal| refusal.why)?;
        if observer.job.stalls {
            observer.stage.tally.count(|counts| counts.stalling += 1);
            // They have to prove in the end that they have everything.
            observer.works();
        }
        Ok((observer, line, order))
    }

    /// Works until all leave.
    pub(crate) async fn stay(mut self, line: Line) {
        let mut leaving = self.stage.scene.subscribe();
        tokio::select! {
            () = self.live(line) => {}
            _ = leaving.wait_for(|scene| scene.step == Step::Leaving) => {}
        }
        self.rests();
    }

    async fn live(&mut self, mut line: Line) {
        let stage = Arc::clone(&self.stage);
        let mut scene = stage.scene.subscribe();
        loop {
            let since = Instant::now();
            let Err(closed) = tokio::select! {
                worked = self.work(&mut line, &mut scene) => worked,
                _ = leave(&stage) => return drop(timeout(FAREWELL, line.close()).await),
            };
            // What the engine says at its end is not read either, if it has no room on the way.
            let has_stalled = self.stalled_until.is_some_and(|end| end.elapsed() < CATCHING_UP);
            if has_stalled || self.job.stalls && closed.code == Some(CloseCode::SlowConsumer) {
                stage.tally.count(|counts| counts.cut_off += 1);
            } else {
                lost(&stage.tally, "an operator", &closed);
            }
            if !closed.reconnect {
                return;
            }
            if since.elapsed() >= STEADY {
                self.again.reset();
            }
            drop(line);
            match self.come_back().await {
                Some(back) => line = back,
                None => return,
            }
            stage.tally.count(|counts| counts.resumed += 1);
        }
    }

    async fn enter(&mut self) -> Result<Line, Refusal> {
        let window = self.watched.as_mut().map(Watched::ask);
        let options = Options {
            receive_buffer: self.job.stalls.then_some(STALLING_RECEIVE_BUFFER),
            ..Options::default()
        };
        let (target, connect) = (&self.stage.target, with_token(&*self.token));
        let entered = arrive(&target.endpoints[self.node], &options, connect, |line| {
            if let Some(window) = window {
                line.ask(Asked::Watch, &Watch { window });
            }
        });
        entered.await
    }

    async fn come_back(&mut self) -> Option<Line> {
        loop {
            sleep(self.again.next()).await;
            self.node = (self.node + 1) % self.stage.target.endpoints.len();
            match self.enter().await {
                Ok(mut line) => {
                    self.resume(&mut line);
                    return Some(line);
                }
                Err(refusal) if !refusal.again => {
                    self.stage
                        .tally
                        .trouble(format!("an operator cannot come back: {}", refusal.why));
                    return None;
                }
                Err(_) => {}
            }
        }
    }

    /// Goes on with everything where it was.
    fn resume(&mut self, line: &mut Line) {
        self.catching_up = None;
        for place in 0..self.followed.len() {
            self.subscribe(place, line);
            if let Some(takeover) = &mut self.followed[place].takeover {
                takeover.cut_off();
                self.agenda.push(Reverse((Instant::now(), place)));
            }
        }
    }

    fn subscribe(&mut self, place: usize, line: &mut Line) {
        let followed = &mut self.followed[place];
        followed.is_to_be_asked = false;
        followed.from = (followed.last, followed.is_held);
        let subscribe = Subscribe { session: Some(followed.session), offset: followed.from.0 };
        line.ask(Asked::Observe(number(place)), &subscribe);
    }

    async fn work(
        &mut self,
        line: &mut Line,
        scene: &mut watch::Receiver<Scene>,
    ) -> Result<Infallible, Closed> {
        loop {
            line.flush().await?;
            let now = *scene.borrow_and_update();
            if let Some(until) = self.stall(&now) {
                self.stage.tally.count(|counts| counts.stalls += 1);
                sleep_until(until).await;
                self.stalled_until = Some(Instant::now());
            }
            if now.step == Step::Settling {
                self.settle(line);
                line.flush().await?;
            }
            let due = self.due(line, &now);
            tokio::select! {
                heard = line.next() => self.take(heard?, line),
                Some(order) = self.orders.recv() => self.order(order, line),
                () = sleep_until(due) => {
                    line.beat()?;
                    self.look_after(now.step, line);
                    self.turn(line);
                }
                _ = scene.changed() => {}
            }
        }
    }

    /// If this is a time not to read: until when.
    fn stall(&self, scene: &Scene) -> Option<Instant> {
        let stalls = self.stage.scenario.stalls.as_ref().filter(|_| self.job.stalls)?;
        let since = scene.since.filter(|_| scene.step == Step::Staying)?;
        let elapsed = since.elapsed();
        let stop = since + self.stage.scenario.duration();
        let until = since + elapsed + stalls.until_change(elapsed);
        (stalls.is_stalled(elapsed) && Instant::now() < stop).then_some(until.min(stop))
    }

    /// When something is to be done next.
    fn due(&self, line: &Line, scene: &Scene) -> Instant {
        let agenda = self.agenda.peek().map(|Reverse((at, _))| *at);
        let stall = scene.since.filter(|_| self.job.stalls && scene.step == Step::Staying);
        let stall = stall.and_then(|since| {
            let stalls = self.stage.scenario.stalls.as_ref()?;
            let elapsed = since.elapsed();
            Some(since + elapsed + stalls.until_change(elapsed))
        });
        [agenda, stall, self.turns_at].into_iter().flatten().fold(line.due(), Instant::min)
    }
}

fn number(place: usize) -> u32 {
    u32::try_from(place).expect("a connection follows no more sessions than there are visitors")
}

/// Resolves when all leave.
pub(crate) async fn leave(stage: &Stage) {
    let _ = stage.scene.subscribe().wait_for(|scene| scene.step == Step::Leaving).await;
}

/// Opens a connection of somebody who works there. `begin` asks for what they need, and all of it has
/// to be granted.
pub(crate) async fn arrive(
    endpoint: &vigie_client::Endpoint,
    options: &Options,
    connect: Connect,
    begin: impl FnOnce(&mut Line),
) -> Result<Line, Refusal> {
    let arrive = async {
        let mut line = Line::open(endpoint, options).await?;
        line.ask(Asked::Connect, &connect);
        line.flush().await?;
        loop {
            match line.next().await? {
                Heard::Refused(asked, error) => return Err(Refusal::of(asked, &error)),
                Heard::Connected(_) => break,
                _ => {}
            }
        }
        begin(&mut line);
        line.flush().await?;
        Ok(line)
    };
    timeout(ARRIVAL_MAX, arrive).await.unwrap_or_else(|_| {
        let why = format!("the engine lets nobody in within {ARRIVAL_MAX:?}");
        Err(Refusal { why, again: true, busy: false })
    })
}

/// Somebody who works there has lost their connection.
pub(crate) fn lost(tally: &Tally, who: &str, closed: &Closed) {
    tally.trouble(format!("{who} has lost the connection: {}", reason(closed)));
    tally.count(|counts| counts.lost += 1);
}
