//! A take-over from its order to its end: the operator asks for control, says something, keeps it
//! for a while, and gives it back. What is asked is acknowledged, and stands in the log where the
//! acknowledgement says.

use tokio::time::{Duration, Instant};
use vigie_protocol::error::ErrorCode;
use vigie_protocol::event::Offset;
use vigie_protocol::method::Done;

use crate::tally::{Measure, Tally};

/// What is to be asked next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    TakeOver,
    /// The number keeps its key apart from others'.
    Reply(u32),
    Release,
}

/// One request of a take-over, and the event that follows from it.
#[derive(Debug, Clone, Copy, Default)]
struct Request {
    asked: Option<Instant>,
    acknowledged: Option<Offset>,
    /// Where it was seen in the log.
    seen: Option<Offset>,
    /// Asked more than once: then the answer may name another offset.
    is_repeated: bool,
    /// What asked for it is gone: it has to be asked again.
    is_open: bool,
}

impl Request {
    fn ask(&mut self) -> bool {
        if self.is_open || self.acknowledged.is_some() {
            return false;
        }
        self.is_repeated |= self.asked.is_some();
        self.asked.get_or_insert_with(Instant::now);
        self.is_open = true;
        true
    }

    fn is_done(&self) -> bool {
        self.acknowledged.is_some() && self.seen.is_some()
    }

    fn is_misplaced(&self) -> bool {
        !self.is_repeated && self.is_done() && self.acknowledged != self.seen
    }
}

/// A take-over.
#[derive(Debug)]
pub(super) struct Takeover {
    /// When it should have happened.
    pub(super) due: Instant,
    number: u32,
    held: Duration,
    control: Request,
    /// `None` if nothing is to be said.
    reply: Option<Request>,
    release: Request,
    /// When to give it back.
    until: Option<Instant>,
    /// Not before then, since the engine was too busy.
    not_before: Option<Instant>,
}

impl Takeover {
    pub(super) fn new(due: Instant, number: u32, held: Duration, reply: bool) -> Self {
        let none = Request::default();
        let reply = reply.then_some(none);
        let (control, release, until, not_before) = (none, none, None, None);
        Self { due, number, held, control, reply, release, until, not_before }
    }

    /// What to ask now, if anything. `at_once` if it is to come to its end.
    pub(super) fn next(&mut self, at_once: bool) -> Option<Ask> {
        let now = Instant::now();
        if self.not_before.is_some_and(|at| at > now) {
            return None;
        }
        if self.control.acknowledged.is_none() {
            return self.control.ask().then_some(Ask::TakeOver);
        }
        if let Some(reply) = &mut self.reply
            && reply.acknowledged.is_none()
        {
            return reply.ask().then_some(Ask::Reply(self.number));
        }
        let is_time = at_once || self.until.is_some_and(|until| until <= now);
        (is_time && self.release.ask()).then_some(Ask::Release)
    }

    /// When to look again.
    pub(super) fn wakes(&self) -> Option<Instant> {
        let now = Instant::now();
        self.not_before.filter(|at| *at > now).or(self.until.filter(|at| *at > now))
    }

    /// Whether all of it has happened.
    pub(super) fn is_over(&self) -> bool {
        self.control.is_done() && self.release.is_done() && self.reply.is_none_or(|it| it.is_done())
    }

    /// The connection is gone: what is not acknowledged has to be asked again.
    pub(super) fn cut_off(&mut self) {
        for request in [&mut self.control, &mut self.release].into_iter().chain(&mut self.reply) {
            request.is_open = false;
        }
    }

    /// What was asked is in the log. When the operator said something, tells when that was asked.
    pub(super) fn acknowledged(&mut self, ask: Ask, done: Done, tally: &Tally) -> Option<Instant> {
        match ask {
            Ask::TakeOver => {
                self.control.acknowledged = Some(done.offset);
                self.until = Some(Instant::now() + self.held);
                tally.took(Measure::TakenOver, self.due);
                tally.count(|counts| counts.taken_over += 1);
                self.judge(self.control, tally);
                None
            }
            Ask::Reply(_) => {
                let reply = self.reply.as_mut()?;
                reply.acknowledged = Some(done.offset);
                // Its offset is the same however often it is asked: whoever sees it proves it.
                reply.seen = Some(done.offset);
                tally.count(|counts| counts.replies += 1);
                reply.asked
            }
            Ask::Release => {
                self.release.acknowledged = Some(done.offset);
                tally.count(|counts| counts.released += 1);
                self.judge(self.release, tally);
                None
            }
        }
    }

    /// What was asked is refused; whether the take-over has come to nothing.
    pub(super) fn refused(
        &mut self,
        ask: Ask,
        code: ErrorCode,
        wait: Option<Duration>,
        tally: &Tally,
    ) -> bool {
        let request = match ask {
            Ask::TakeOver => Some(&mut self.control),
            Ask::Reply(_) => self.reply.as_mut(),
            Ask::Release => Some(&mut self.release),
        };
        let Some(request) = request else { return true };
        request.is_open = false;
        if let Some(wait) = wait {
            self.not_before = Some(Instant::now() + wait);
            return false;
        }
        // It was done before the connection was lost, and only the answer is missing.
        if ask == Ask::Release && request.is_repeated && code == ErrorCode::NotInControl {
            request.acknowledged = Some(0);
            tally.count(|counts| counts.released += 1);
            return false;
        }
        true
    }

    /// The log says that control has changed.
    pub(super) fn changed(&mut self, to_operator: bool, offset: Offset, tally: &Tally) {
        let request = if to_operator { &mut self.control } else { &mut self.release };
        // A second one would be none of this take-over's.
        if request.asked.is_some() && request.seen.is_none() {
            request.seen = Some(offset);
            let request = *request;
            self.judge(request, tally);
        }
    }

    fn judge(&self, request: Request, tally: &Tally) {
        tally.count(|counts| counts.misplaced += u64::from(request.is_misplaced()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(offset: Offset) -> Done {
        Done { offset, epoch: 2 }
    }

    #[test]
    fn it_asks_for_control_speaks_and_gives_it_back() {
        let tally = Tally::new();
        let mut takeover = Takeover::new(Instant::now(), 4, Duration::ZERO, true);
        assert_eq!(takeover.next(false), Some(Ask::TakeOver));
        assert_eq!(takeover.next(false), None, "it is asked already");
        takeover.changed(true, 7, &tally);
        takeover.acknowledged(Ask::TakeOver, done(7), &tally);
        assert_eq!(takeover.next(false), Some(Ask::Reply(4)));
        assert!(takeover.acknowledged(Ask::Reply(4), done(8), &tally).is_some());
        assert_eq!(takeover.next(false), Some(Ask::Release));
        takeover.acknowledged(Ask::Release, done(9), &tally);
        assert!(!takeover.is_over(), "the log has not said so");
        takeover.changed(false, 9, &tally);
        assert!(takeover.is_over());
        let counts = tally.counts();
        assert_eq!((counts.taken_over, counts.replies, counts.released), (1, 1, 1));
        assert_eq!(counts.misplaced, 0);
    }

    #[test]
    fn control_that_changes_elsewhere_than_acknowledged_is_noticed() {
        let tally = Tally::new();
        let mut takeover = Takeover::new(Instant::now(), 1, Duration::ZERO, false);
        takeover.next(false);
        takeover.acknowledged(Ask::TakeOver, done(7), &tally);
        takeover.changed(true, 8, &tally);
        assert_eq!(tally.counts().misplaced, 1);
    }

    #[test]
    fn what_is_not_answered_when_the_connection_is_lost_is_asked_again() {
        let tally = Tally::new();
        let mut takeover = Takeover::new(Instant::now(), 1, Duration::from_secs(60), false);
        assert_eq!(takeover.next(false), Some(Ask::TakeOver));
        takeover.cut_off();
        assert_eq!(takeover.next(false), Some(Ask::TakeOver));
        takeover.changed(true, 7, &tally);
        takeover.acknowledged(Ask::TakeOver, done(12), &tally);
        assert_eq!(
            tally.counts().misplaced,
            0,
            "the answer to a repeated request may name the end"
        );
        assert_eq!(takeover.next(false), None, "it is kept for a minute");
        assert_eq!(takeover.next(true), Some(Ask::Release), "unless all comes to its end");
        takeover.cut_off();
        assert_eq!(takeover.next(true), Some(Ask::Release));
        takeover.changed(false, 13, &tally);
        assert!(!takeover.refused(Ask::Release, ErrorCode::NotInControl, None, &tally));
        assert!(takeover.is_over());
    }

    #[test]
    fn a_busy_engine_is_asked_again_and_one_that_refuses_is_not() {
        let tally = Tally::new();
        let mut takeover = Takeover::new(Instant::now(), 1, Duration::ZERO, false);
        takeover.next(false);
        let wait = Some(Duration::from_secs(60));
        assert!(!takeover.refused(Ask::TakeOver, ErrorCode::Busy, wait, &tally));
        assert_eq!(takeover.next(false), None);
        assert!(takeover.wakes().is_some());
        assert!(takeover.refused(Ask::TakeOver, ErrorCode::Held, None, &tally));
    }
}
