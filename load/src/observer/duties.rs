//! What an operator does about what comes and what is ordered: each session's take-over goes its way,
//! what is seen is told, and in the end everything is brought to its end.

use std::cmp::Reverse;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::{Author, EventBody, Holder};
use vigie_protocol::id::Key;
use vigie_protocol::method::{Done, Release, Say, TakeOver, Watch};
use vigie_protocol::push::{EventPush, Push};

use super::takeover::{Ask, Takeover};
use super::{Follow, Followed, Observer, Order, Sighting, TAKEOVERS_WAITING_MAX, number};
use crate::line::{Asked, Heard, Line, name};
use crate::stage::Step;
use crate::tally::Tally;
use crate::visitor::Deed;

/// What operators say.
const REPLY: &str = "Hello, I have looked into it: your parcel leaves us tomorrow.";

impl Observer {
    /// Brings everything to its end; when nothing is left, says so.
    pub(super) fn settle(&mut self, line: &mut Line) {
        while let Ok(order) = self.orders.try_recv() {
            self.order(order, line);
        }
        if self.open > 0 {
            for place in 0..self.followed.len() {
                self.advance(place, true, line);
            }
        }
        if self.job.stalls && self.catching_up.is_none() {
            self.catching_up = Some(self.followed.len());
            for place in 0..self.followed.len() {
                self.followed[place].head = None;
                self.subscribe(place, line);
            }
        }
        let has_all = |followed: &Followed| followed.head.is_some_and(|head| head <= followed.last);
        let caught_up = self.job.stalls && self.followed.iter().all(has_all);
        if self.is_at_work && self.open == 0 && (caught_up || !self.job.stalls) {
            self.stage.tally.count(|counts| counts.caught_up += u64::from(caught_up));
            self.rests();
        }
    }

    pub(super) fn order(&mut self, order: Order, line: &mut Line) {
        match order {
            Order::Follow(Follow { number, session, sightings, followed }) => {
                let place = self.followed.len();
                self.sessions.insert(session, place);
                self.visitors.insert(number, place);
                self.followed.push(Followed {
                    session,
                    last: 0,
                    from: (0, false),
                    is_to_be_asked: false,
                    head: None,
                    sightings,
                    followed: Some(followed),
                    is_held: false,
                    takeover: None,
                    waiting: self.early.remove(&number).unwrap_or_default(),
                });
                self.subscribe(place, line);
                self.advance(place, false, line);
            }
            Order::TakeOver { number, due } => {
                let place = self.visitors.get(&number).copied();
                let waiting = match place {
                    Some(place) => &mut self.followed[place].waiting,
                    None => self.early.entry(number).or_default(),
                };
                if waiting.len() >= TAKEOVERS_WAITING_MAX {
                    return self.stage.tally.trouble("too many take-overs of one session wait");
                }
                waiting.push_back(due);
                self.open += 1;
                self.works();
                if let Some(place) = place {
                    self.advance(place, false, line);
                }
            }
        }
    }

    /// Asks what a session's take-over needs next.
    fn advance(&mut self, place: usize, at_once: bool, line: &mut Line) {
        let Some(takeovers) = &self.stage.scenario.takeovers else { return };
        let (held, reply) = (takeovers.held(), takeovers.reply);
        let followed = &mut self.followed[place];
        if followed.takeover.as_ref().is_some_and(Takeover::is_over) {
            followed.takeover = None;
            self.open -= 1;
        }
        if followed.takeover.is_none()
            && let Some(due) = followed.waiting.pop_front()
        {
            self.takeovers += 1;
            followed.takeover = Some(Takeover::new(due, self.takeovers, held, reply));
        }
        let Some(takeover) = &mut followed.takeover else { return };
        let session = followed.session;
        let asked = number(place);
        match takeover.next(at_once) {
            Some(Ask::TakeOver) => {
                let take_over = TakeOver { session, force: false, reason: None };
                line.ask(Asked::TakeOver(asked), &take_over);
            }
            Some(Ask::Reply(number)) => {
                let (session, text) = (Some(session), REPLY.to_owned());
                let say = Say { session, key: key(number), text, seen: None, confirm: false };
                line.ask(Asked::Reply(asked), &say);
            }
            Some(Ask::Release) => line.ask(Asked::Release(asked), &Release { session }),
            None => {}
        }
        if let Some(at) = takeover.wakes() {
            self.agenda.push(Reverse((at, place)));
        }
    }

    /// Looks after what is due.
    pub(super) fn look_after(&mut self, step: Step, line: &mut Line) {
        let now = Instant::now();
        while let Some(Reverse((at, place))) = self.agenda.peek().copied()
            && at <= now
        {
            self.agenda.pop();
            if self.followed[place].is_to_be_asked {
                self.subscribe(place, line);
            }
            self.advance(place, step >= Step::Settling, line);
        }
    }

    /// Turns to the next stretch of the list, or asks for this one again, if it is time.
    pub(super) fn turn(&mut self, line: &mut Line) {
        let (Some(at), Some(watched)) = (self.turns_at, &mut self.watched) else { return };
        let now = Instant::now();
        if at > now {
            return;
        }
        self.turns_at = self.job.turn.map(|every| (at + every).max(now));
        if watched.is_there() {
            watched.turn();
        }
        line.ask(Asked::Watch, &Watch { window: watched.ask() });
    }

    pub(super) fn take(&mut self, heard: Heard, line: &mut Line) {
        let stage = Arc::clone(&self.stage);
        let tally = &stage.tally;
        match heard {
            Heard::Observing(number, subscribed) => {
                let followed = &mut self.followed[number as usize];
                followed.head = Some(subscribed.offset);
                // What came since it was asked for comes again, now by this subscription.
                (followed.last, followed.is_held) = followed.from;
                if let Some(told) = followed.followed.take() {
                    // A visitor who has left does not wait for it.
                    let _ = told.send(());
                }
            }
            Heard::Watching(watching) => {
                if let Some(watched) = &mut self.watched {
                    watched.given(&watching, tally);
                    self.turns_at =
                        self.turns_at.or(self.job.turn.map(|every| Instant::now() + every));
                }
            }
            Heard::Done(asked, done) => self.done(asked, done, line),
            Heard::Refused(asked, error) => self.refused(asked, &error, line),
            Heard::Push(push) => match *push {
                Push::EventPush(event) => self.event(event, line),
                Push::Live(live) => {
                    if let Some(watched) = &mut self.watched
                        && !watched.changes(&live, tally)
                    {
                        line.ask(Asked::Watch, &Watch { window: watched.ask() });
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn done(&mut self, asked: Asked, done: Done, line: &mut Line) {
        let Some((place, ask)) = self.which(asked) else { return };
        let followed = &mut self.followed[place];
        let Some(takeover) = &mut followed.takeover else { return };
        if let Some(due) = takeover.acknowledged(ask, done, &self.stage.tally) {
            let deed = Sighting::Deed { offset: done.offset, deed: Deed::Reply, due };
            tell(followed, deed, &self.stage.tally);
        }
        self.advance(place, false, line);
    }

    fn refused(&mut self, asked: Asked, error: &RpcError, line: &mut Line) {
        let tally = &self.stage.tally;
        if error.retry {
            tally.trouble(format!("{} is to be asked again: {error}", name(asked)));
        } else {
            tally.trouble(format!("{} is refused: {error}", name(asked)));
        }
        let wait = error.retry.then(|| self.again.busy());
        match asked {
            Asked::Observe(number) if error.code == ErrorCode::OffsetAhead => {
                tally.count(|counts| counts.rolled_back += 1);
                self.followed[number as usize].last = 0;
                self.followed[number as usize].is_held = false;
                self.subscribe(number as usize, line);
            }
            Asked::Observe(number) => match wait {
                Some(wait) => {
                    self.followed[number as usize].is_to_be_asked = true;
                    self.agenda.push(Reverse((Instant::now() + wait, number as usize)));
                }
                None => drop(self.followed[number as usize].followed.take()),
            },
            Asked::Watch => self.turns_at = wait.map(|wait| Instant::now() + wait),
            _ => {
                let Some((place, ask)) = self.which(asked) else { return };
                let Some(takeover) = &mut self.followed[place].takeover else { return };
                if takeover.refused(ask, error.code, wait, tally) {
                    self.followed[place].takeover = None;
                    self.open -= 1;
                }
                self.advance(place, false, line);
            }
        }
    }

    fn which(&self, asked: Asked) -> Option<(usize, Ask)> {
        match asked {
            Asked::TakeOver(number) => Some((number as usize, Ask::TakeOver)),
            Asked::Reply(number) => Some((number as usize, Ask::Reply(0))),
            Asked::Release(number) => Some((number as usize, Ask::Release)),
            _ => None,
        }
    }

    fn event(&mut self, event: EventPush, line: &mut Line) {
        let tally = &self.stage.tally;
        let Some(&place) = self.sessions.get(&event.session) else {
            return tally.trouble("an operator is sent what they do not observe");
        };
        let followed = &mut self.followed[place];
        if event.offset <= followed.last {
            return tally.count(|counts| counts.repeated += 1);
        }
        if event.prev > followed.last {
            tally.count(|counts| counts.gaps += 1);
        }
        followed.last = event.offset;
        let offset = event.offset;
        match (event.author, event.body) {
            (Author::Visitor {}, EventBody::Message(_)) => {
                tell(followed, Sighting::Message { offset, at: Instant::now() }, tally);
            }
            (Author::Bot { .. }, EventBody::Message(_)) if followed.is_held => {
                tally.count(|counts| counts.spoken_over += 1);
            }
            (_, EventBody::ControlChanged(change)) => {
                followed.is_held = matches!(change.holder, Holder::Operator { .. });
                let is_held = followed.is_held;
                // What nobody here has asked for is left for the visitor to wonder at.
                if let Some(takeover) = &mut followed.takeover {
                    takeover.changed(is_held, offset, tally);
                    let deed = if is_held { Deed::Takeover } else { Deed::Release };
                    let due = takeover.due;
                    tell(followed, Sighting::Deed { offset, deed, due }, tally);
                    self.advance(place, false, line);
                }
            }
            _ => {}
        }
    }

    /// There is something that has to be brought to its end.
    pub(super) fn works(&mut self) {
        if !std::mem::replace(&mut self.is_at_work, true) {
            self.stage.begins_work();
        }
    }

    pub(super) fn rests(&mut self) {
        if std::mem::take(&mut self.is_at_work) {
            self.stage.ends_work();
        }
    }
}

fn tell(followed: &Followed, sighting: Sighting, tally: &Tally) {
    let Some(sightings) = &followed.sightings else { return };
    // One who is gone does not count what they said any more.
    if let Err(mpsc::error::TrySendError::Full(_)) = sightings.try_send(sighting) {
        tally.trouble("a session has more messages than its visitor has under way");
    }
}

/// Names what an operator says among all of theirs in the session.
fn key(number: u32) -> Key {
    let process = std::process::id();
    format!("r{process}-{number}").parse().expect("a letter and numbers have the shape of a key")
}
