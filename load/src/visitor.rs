//! One visitor: comes, listens, speaks when it is time, leaves.
//!
//! A visitor proves what the engine promises: events come in order, each once, without gap, and
//! what was said is acknowledged and seen at one and the same offset.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use vigie_client::{Closed, Endpoint, Options, as_visitor};
use vigie_protocol::event::{Author, EventBody, Offset};
use vigie_protocol::id::Key;
use vigie_protocol::method::{Connect, Done, Say, Subscribe};
use vigie_protocol::push::{EventPush, Push};

use crate::line::{Asked, Heard, Line};
use crate::people::Person;
use crate::tally::{Counts, Measure, Tally};
use crate::target::Target;

/// How many visitors are on their way at once; further ones wait, and their latency counts on.
pub(crate) const ARRIVING_MAX: usize = 256;

/// How long a visitor tries to come in, once it is their turn.
pub(crate) const ARRIVAL_MAX: Duration = Duration::from_secs(30);

/// How many messages of one visitor may be in work at once; what is to be said beyond that waits,
/// and its latency counts on. Fewer than the 64 at which an engine stops reading.
const PENDING_MAX: usize = 32;

/// How many messages may wait to be said by one visitor.
pub(crate) const MAILBOX_MAX: usize = 64;

/// How long saying goodbye may take.
pub(crate) const FAREWELL: Duration = Duration::from_secs(1);

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Visitors come.
    Arriving,
    /// All are there.
    Staying,
    /// Whoever has nothing to wait for leaves.
    Finishing,
    /// All leave.
    Leaving,
}

/// What all visitors of a run share.
pub(crate) struct Stage {
    pub(crate) target: Target,
    pub(crate) seed: u64,
    pub(crate) tally: Tally,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) arriving: Semaphore,
    /// Somebody is there, or will not come.
    pub(crate) settled: Notify,
}

/// Something to say.
#[derive(Debug, Clone)]
pub(crate) struct Remark {
    /// When it should be said.
    pub(crate) due: Instant,
    pub(crate) text: Arc<str>,
}

/// A visitor from the moment at which they should come until they have left.
pub(crate) async fn visit(
    stage: Arc<Stage>,
    number: u32,
    due: Instant,
    remarks: Option<mpsc::Receiver<Remark>>,
) {
    let tally = &stage.tally;
    tally.count(|counts| counts.started += 1);
    let mut phase = stage.phase.subscribe();
    let mut visitor = Visitor::new(tally);
    // What coming takes is let go before the long stay.
    let arrived = {
        let mut arrival = Box::pin(visitor.arrive(&stage, number));
        tokio::select! {
            arrived = &mut arrival => Some(arrived),
            _ = phase.wait_for(|phase| *phase >= Phase::Finishing) => None,
        }
    };
    let mut line = match arrived {
        Some(Ok(line)) => {
            tally.took(Measure::Arrived, due.elapsed());
            tally.count(|counts| counts.arrived += 1);
            stage.settled.notify_one();
            line
        }
        Some(Err(trouble)) => {
            tally.trouble(trouble);
            tally.count(|counts| counts.turned_away += 1);
            return stage.settled.notify_one();
        }
        None => return tally.count(|counts| counts.called_back += 1),
    };
    let mut leaving = stage.phase.subscribe();
    let stayed = tokio::select! {
        stayed = visitor.stay(&mut line, remarks, phase) => stayed,
        _ = leaving.wait_for(|phase| *phase == Phase::Leaving) => Ok(()),
    };
    if let Err(closed) = stayed {
        tally.trouble(format!("a connection was lost: {}", reason(&closed)));
        tally.count(|counts| counts.lost += 1);
        return;
    }
    // The engine notices without it, too.
    let _ = timeout(FAREWELL, line.close()).await;
}

struct Visitor<'a> {
    tally: &'a Tally,
    connected: bool,
    /// The last offset when they began to follow their session.
    head: Option<Offset>,
    /// The last offset that came.
    last: Offset,
    /// The number of the next message.
    number: u32,
    pending: Vec<Pending>,
    /// When messages that are about to leave should have left.
    unsent: Vec<Instant>,
    /// The last message that was seen, and when it should have been said: what the bot answers.
    asked: Option<(Offset, Instant)>,
}

/// A message that is not acknowledged yet, or not seen.
struct Pending {
    number: u32,
    due: Instant,
    acknowledged: Option<Offset>,
    seen: Option<Offset>,
}

impl<'a> Visitor<'a> {
    fn new(tally: &'a Tally) -> Self {
        Self {
            tally,
            connected: false,
            head: None,
            last: 0,
            number: 1,
            pending: Vec::new(),
            unsent: Vec::new(),
            asked: None,
        }
    }

    async fn arrive(&mut self, stage: &Stage, number: u32) -> Result<Line, String> {
        let _turn = stage.arriving.acquire().await.map_err(|error| error.to_string())?;
        timeout(ARRIVAL_MAX, self.enter(stage, number))
            .await
            .unwrap_or_else(|_| Err(format!("the engine lets nobody in within {ARRIVAL_MAX:?}")))
    }

    async fn enter(&mut self, stage: &Stage, number: u32) -> Result<Line, String> {
        let person = Person::draw(stage.seed, number);
        let (options, connect) = introduce(&person, &stage.target);
        let opened = Line::open(&stage.target.endpoint, &options).await;
        let mut line = opened.map_err(|error| error.to_string())?;
        line.ask(Asked::Connect, &connect);
        line.ask(Asked::Subscribe, &Subscribe::default());
        while !self.is_there() {
            line.flush().await.map_err(|closed| reason(&closed))?;
            match line.next().await.map_err(|closed| reason(&closed))? {
                Heard::Refused(asked, error) => {
                    return Err(format!("{asked:?} is refused: {error}"));
                }
                heard => self.take(heard),
            }
        }
        Ok(line)
    }

    fn is_there(&self) -> bool {
        self.connected && self.head.is_some_and(|head| head <= self.last)
    }

    async fn stay(
        &mut self,
        line: &mut Line,
        mut remarks: Option<mpsc::Receiver<Remark>>,
        mut phase: watch::Receiver<Phase>,
    ) -> Result<(), Closed> {
        loop {
            line.flush().await?;
            self.left();
            let finishing = *phase.borrow_and_update() >= Phase::Finishing;
            if finishing && remarks.is_none() && self.pending.is_empty() {
                return Ok(());
            }
            let due = line.due();
            tokio::select! {
                heard = line.next() => self.take(heard?),
                remark = next(&mut remarks), if self.pending.len() < PENDING_MAX => match remark {
                    Some(remark) => self.say(&remark, line),
                    None => remarks = None,
                },
                () = sleep_until(due) => line.beat()?,
                _ = phase.changed() => {}
            }
        }
    }

    fn say(&mut self, remark: &Remark, line: &mut Line) {
        let number = self.number;
        self.number += 1;
        let text = remark.text.as_ref().to_owned();
        let say = Say { session: None, key: key(number), text, seen: None, confirm: false };
        line.ask(Asked::Say(number), &say);
        self.pending.push(Pending { number, due: remark.due, acknowledged: None, seen: None });
        self.unsent.push(remark.due);
    }

    /// What was said has left.
    fn left(&mut self) {
        for due in std::mem::take(&mut self.unsent) {
            self.tally.took(Measure::Sent, due.elapsed());
            self.tally.count(|counts| counts.said += 1);
        }
    }

    fn take(&mut self, heard: Heard) {
        match heard {
            Heard::Connected(connected) => {
                self.tally.met(connected.server);
                self.connected = true;
            }
            Heard::Subscribed(subscribed) => self.head = Some(subscribed.offset),
            Heard::Said(number, done) => self.acknowledged(number, done),
            Heard::Refused(asked, error) => {
                self.tally.trouble(format!("{} is refused: {error}", name(asked)));
                if let Asked::Say(number) = asked {
                    self.pending.retain(|pending| pending.number != number);
                    self.tally.count(|counts| counts.refused += 1);
                }
            }
            Heard::Push(push) => {
                if let Push::EventPush(event) = *push {
                    self.event(event);
                }
            }
            Heard::Nothing => {}
        }
    }

    fn event(&mut self, event: EventPush) {
        if event.offset <= self.last {
            return self.tally.count(|counts| counts.repeated += 1);
        }
        if event.prev > self.last {
            self.tally.count(|counts| counts.gaps += 1);
        }
        self.last = event.offset;
        match (event.author, event.body) {
            (Author::Visitor {}, EventBody::Message(message)) => {
                self.seen(message.key.as_ref().and_then(number), event.offset);
            }
            (Author::Bot { .. }, EventBody::Message(message)) => {
                self.tally.count(|counts| counts.answers += 1);
                let answered = self.asked.take_if(|(turn, _)| message.turn == Some(*turn));
                if let Some((_, due)) = answered {
                    self.tally.took(Measure::Answered, due.elapsed());
                }
            }
            (_, EventBody::BotFailed { .. }) => self.tally.count(|counts| counts.bot_failures += 1),
            _ => {}
        }
    }

    fn acknowledged(&mut self, number: u32, done: Done) {
        let pending = self.pending.iter_mut().find(|pending| pending.number == number);
        // An answer comes once: the line lets no second one through.
        let Some(pending) = pending else { return };
        pending.acknowledged = Some(done.offset);
        self.tally.took(Measure::Acknowledged, pending.due.elapsed());
        self.tally.count(|counts| counts.acknowledged += 1);
        self.settle(number);
    }

    fn seen(&mut self, number: Option<u32>, offset: Offset) {
        let pending = self
            .pending
            .iter_mut()
            .find(|pending| Some(pending.number) == number && pending.seen.is_none());
        let Some(pending) = pending else {
            return self.tally.count(|counts| counts.seen_again += 1);
        };
        pending.seen = Some(offset);
        self.asked = Some((offset, pending.due));
        self.tally.took(Measure::Seen, pending.due.elapsed());
        self.tally.count(|counts| counts.seen += 1);
        let number = pending.number;
        self.settle(number);
    }

    /// Lets go of a message that was both acknowledged and seen.
    fn settle(&mut self, number: u32) {
        let tally = self.tally;
        self.pending.retain(|pending| match (pending.acknowledged, pending.seen) {
            (Some(acknowledged), Some(seen)) if pending.number == number => {
                tally.count(|counts: &mut Counts| {
                    counts.misplaced += u64::from(acknowledged != seen)
                });
                false
            }
            _ => true,
        });
    }
}

/// What a person's browser sends of itself, and what the widget says.
fn introduce(person: &Person, target: &Target) -> (Options, Connect) {
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
    let over_tcp = matches!(target.endpoint, Endpoint::Tcp(_));
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

async fn next(remarks: &mut Option<mpsc::Receiver<Remark>>) -> Option<Remark> {
    match remarks {
        Some(remarks) => remarks.recv().await,
        None => std::future::pending().await,
    }
}

/// Names a message among those of its visitor.
fn key(number: u32) -> Key {
    format!("m{number}").parse().expect("a letter and a number have the shape of a key")
}

fn number(key: &Key) -> Option<u32> {
    key.as_str().strip_prefix('m')?.parse().ok()
}

fn name(asked: Asked) -> &'static str {
    match asked {
        Asked::Connect => "connect",
        Asked::Subscribe => "subscribe",
        Asked::Say(_) => "a message",
        Asked::Ping => "a ping",
    }
}

fn reason(closed: &Closed) -> String {
    match closed.code {
        Some(code) => format!("{} (close code {})", closed.reason, code.number()),
        None => closed.reason.clone(),
    }
}
