//! One node's projection of a session's log: what waits, what is on its way to the log, what is
//! durable.
//!
//! Bookkeeping without a wire: whoever owns a projection carries out its steps, one at a time, and
//! says how each went. So the same rules run under the actors and under a simulation of many nodes
//! over a log that conflicts and a bus that loses, doubles and reorders.
//!
//! A fold may run ahead of the log only while an append is on its way. If that does not succeed the
//! fold is in doubt, and is made anew from the log before anything else is decided. And nobody is
//! refused, or told that all is done already, on a fold that another node may have overtaken: with
//! others at the same log, such a batch is confirmed by a look at the log's end.

use std::collections::VecDeque;

use vigie_protocol::event::{Event, Millis, Offset};
use vigie_protocol::method::Done;

use crate::core::decide::{Command, Refusal, decide};
use crate::core::end::LogEnd;
use crate::core::session::Session;

/// How many commands may wait for the append before them.
pub const QUEUE_MAX: usize = 4096;

/// How many commands are decided for one append.
pub const BATCH_MAX: usize = 64;

/// A projection. `T` is whom a command's outcome is told.
#[derive(Debug)]
pub struct Projection<T> {
    /// Up to what has been appended or, while an append is on its way, what it will have.
    session: Session,
    /// The last event known to be durable.
    committed: LogEnd,
    /// The last offset that there is, as far as this node has heard.
    heard: Offset,
    /// What was heard when the log was last asked.
    asked: Offset,
    /// Whether others append to the same log.
    shared: bool,
    at: At,
    /// Whether the fold holds what may not be in the log.
    doubtful: bool,
    /// Whether the log could not be read: nothing is tried until somebody asks for it.
    stuck: bool,
    queue: VecDeque<(Command, T)>,
    /// What was decided last, until it is told.
    batch: Vec<Decided<T>>,
    /// What the batch appends.
    events: Vec<Event>,
}

#[derive(Debug)]
struct Decided<T> {
    command: Command,
    whom: T,
    outcome: Result<Done, Refusal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Rest,
    Append,
    Read,
    /// Nothing lies behind what the batch was decided on.
    Confirmed,
}

/// What the owner is to do next.
#[derive(Debug, PartialEq)]
pub enum Step<T> {
    /// Append; then [`Projection::appended`], [`Projection::conflicted`] or [`Projection::failed`].
    Append {
        /// The event before them.
        expected: LogEnd,
        /// At least one.
        events: Vec<Event>,
    },
    /// Read all after an offset, the one before the last durable event; then
    /// [`Projection::caught_up`] or [`Projection::unreadable`].
    ReadAfter(Offset),
    /// Fold the whole log; then [`Projection::refolded`] or [`Projection::unreadable`].
    ReadAnew,
    /// Tell outcomes.
    Tell(Vec<Outcome<T>>),
}

/// Whom to tell what.
pub type Outcome<T> = (T, Result<Done, Refusal>);

/// A batch that has become durable.
#[derive(Debug, PartialEq)]
pub struct Committed<T> {
    /// What everybody may know now.
    pub events: Vec<Event>,
    /// And who waits for it.
    pub outcomes: Vec<Outcome<T>>,
}

/// A whole log, folded again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refolded {
    /// It goes as far as it was known, or further.
    Whole,
    /// What was durable is not there any more.
    Lost,
}

impl<T> Projection<T> {
    /// A projection of a log that was folded whole.
    pub fn new(session: Session, shared: bool) -> Self {
        Self {
            committed: session.end(),
            heard: session.head(),
            asked: session.head(),
            session,
            shared,
            at: At::Rest,
            doubtful: false,
            stuck: false,
            queue: VecDeque::new(),
            batch: Vec::new(),
            events: Vec::new(),
        }
    }

    /// The fold: while an append is on its way, ahead of the log.
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// The last offset known to be durable.
    pub const fn committed(&self) -> Offset {
        self.committed.offset
    }

    /// The last event known to be durable.
    pub const fn end(&self) -> LogEnd {
        self.committed
    }

    /// Whether the fold is what the log says, as far as it is known here.
    pub fn settled(&self) -> bool {
        self.folds() && self.heard <= self.committed()
    }

    /// Whether the fold can take up what follows it.
    fn folds(&self) -> bool {
        self.at == At::Rest && !self.doubtful
    }

    /// Whether the fold holds what is not in the log, or not yet: nobody may be told of it.
    pub fn is_ahead(&self) -> bool {
        self.session.head() > self.committed()
    }

    /// Whether nothing waits and nothing is on its way.
    pub fn idle(&self) -> bool {
        self.at == At::Rest && self.queue.is_empty() && self.batch.is_empty()
    }

    /// Whether the log could not be read when it had to be.
    pub const fn is_stuck(&self) -> bool {
        self.stuck
    }

    /// Queues a command.
    ///
    /// # Errors
    /// Gives `whom` back at [`QUEUE_MAX`].
    pub fn push(&mut self, command: Command, whom: T) -> Result<(), T> {
        if self.queue.len() >= QUEUE_MAX {
            return Err(whom);
        }
        self.stuck = false;
        self.queue.push_back((command, whom));
        Ok(())
    }

    /// Lets a projection that is stuck try again.
    pub const fn retry(&mut self) {
        self.stuck = false;
    }

    /// What to do next; `None` until something comes, or the step before was answered.
    pub fn step(&mut self, now: Millis) -> Option<Step<T>> {
        match self.at {
            At::Append | At::Read => None,
            At::Confirmed => {
                self.at = At::Rest;
                Some(Step::Tell(self.take_outcomes()))
            }
            At::Rest if self.stuck => None,
            At::Rest if self.doubtful => {
                self.ask();
                Some(Step::ReadAnew)
            }
            At::Rest if self.heard > self.committed() => {
                self.ask();
                Some(Step::ReadAfter(self.before()))
            }
            At::Rest if self.queue.is_empty() => None,
            At::Rest => Some(self.decide(now)),
        }
    }

    /// Decides a batch, each command on what those before it make of the session.
    fn decide(&mut self, now: Millis) -> Step<T> {
        while self.batch.len() < BATCH_MAX
            && let Some((command, whom)) = self.queue.pop_front()
        {
            let outcome = decide(&self.session, command.clone(), now).map(|decision| {
                for event in decision.events {
                    self.session.apply(&event);
                    self.events.push(event);
                }
                decision.done
            });
            self.batch.push(Decided { command, whom, outcome });
        }
        if self.queue.is_empty() {
            // An idle session holds no buffer.
            self.queue = VecDeque::new();
        }
        if !self.events.is_empty() {
            self.at = At::Append;
            return Step::Append { expected: self.committed, events: self.events.clone() };
        }
        if self.shared {
            self.ask();
            return Step::ReadAfter(self.before());
        }
        Step::Tell(self.take_outcomes())
    }

    /// The append has succeeded.
    pub fn appended(&mut self) -> Committed<T> {
        self.at = At::Rest;
        let events = std::mem::take(&mut self.events);
        self.committed = self.session.end();
        self.heard = self.heard.max(self.committed());
        Committed { events, outcomes: self.take_outcomes() }
    }

    /// Somebody else has appended before: the batch is decided again on what is there.
    pub fn conflicted(&mut self) {
        self.at = At::Rest;
        self.decide_again();
    }

    /// Whether the append was made is not known, or it was not: returns whoever waited for it.
    pub fn failed(&mut self) -> Vec<(Command, T)> {
        self.at = At::Rest;
        self.doubtful = true;
        self.events = Vec::new();
        self.take_batch()
    }

    /// The last durable event and those after it, as read; returns those that were not known yet. If
    /// that one is not there, the log has lost it, and is read anew.
    pub fn caught_up(&mut self, events: Vec<Event>) -> Vec<Event> {
        self.at = At::Rest;
        let first = events.first().map_or_else(LogEnd::default, LogEnd::of);
        if self.committed.offset > 0 && first != self.committed {
            self.decide_again();
            return Vec::new();
        }
        let news = self.take_up(events);
        self.answered();
        if !self.batch.is_empty() {
            if news.is_empty() {
                self.at = At::Confirmed;
            } else {
                self.decide_again();
                // Nothing of the batch was folded.
                self.doubtful = false;
            }
        }
        news
    }

    /// The whole log, folded again; `there`: which event stands where [`Self::end`] was, if one does.
    pub fn refolded(&mut self, session: Session, there: LogEnd) -> Refolded {
        self.at = At::Rest;
        self.doubtful = false;
        let before = std::mem::replace(&mut self.committed, session.end());
        self.session = session;
        self.answered();
        if there == before { Refolded::Whole } else { Refolded::Lost }
    }

    /// The log could not be read: returns whoever waits for anything. Nothing more is read until
    /// somebody asks again.
    pub fn unreadable(&mut self) -> Vec<(Command, T)> {
        self.at = At::Rest;
        self.stuck = true;
        let mut waiting = self.take_batch();
        waiting.extend(std::mem::take(&mut self.queue));
        waiting
    }

    /// Another node has appended these after an event; returns those that were not known yet. What
    /// cannot be taken up now is read by a later step.
    pub fn hear(&mut self, after: LogEnd, events: Vec<Event>) -> Vec<Event> {
        self.hear_of(after);
        for event in &events {
            self.hear_of(LogEnd::of(event));
        }
        if self.folds() && self.batch.is_empty() && after.offset <= self.committed.offset {
            self.take_up(events)
        } else {
            Vec::new()
        }
    }

    /// The log goes at least as far as this.
    pub fn hear_of(&mut self, end: LogEnd) {
        self.heard = self.heard.max(end.offset);
        if end.parts_from(self.committed) {
            self.doubt();
        }
    }

    /// Where to read from, so that what follows the last durable event is known to follow it.
    pub const fn before(&self) -> Offset {
        self.committed.offset.saturating_sub(1)
    }

    /// The log is not what the fold says: it is made anew. An append on its way finds out by itself.
    pub fn doubt(&mut self) {
        if self.folds() {
            self.doubtful = true;
        }
    }

    /// Folds what follows the committed offset.
    fn take_up(&mut self, events: Vec<Event>) -> Vec<Event> {
        let mut news = Vec::new();
        for event in events {
            if event.offset == self.committed.offset + 1 {
                self.session.apply(&event);
                self.committed = self.session.end();
                news.push(event);
            }
        }
        news
    }

    fn ask(&mut self) {
        self.at = At::Read;
        self.asked = self.heard;
    }

    /// What was heard of before the log was asked is there now, or nowhere.
    fn answered(&mut self) {
        if self.heard == self.asked {
            self.heard = self.committed.offset;
        }
    }

    fn decide_again(&mut self) {
        self.doubtful = true;
        self.events = Vec::new();
        for (command, whom) in self.take_batch().into_iter().rev() {
            self.queue.push_front((command, whom));
        }
    }

    fn take_batch(&mut self) -> Vec<(Command, T)> {
        let batch = std::mem::take(&mut self.batch);
        batch.into_iter().map(|decided| (decided.command, decided.whom)).collect()
    }

    fn take_outcomes(&mut self) -> Vec<Outcome<T>> {
        let batch = std::mem::take(&mut self.batch);
        batch.into_iter().map(|decided| (decided.whom, decided.outcome)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;
    use vigie_protocol::event::VisitorContext;
    use vigie_protocol::id::{SessionId, VisitorId};

    use super::*;
    use crate::core::site::SiteSettings;

    fn new() -> Projection<()> {
        let id = SessionId::from(Uuid::from_u128(1));
        Projection::new(Session::new(id, Arc::new(SiteSettings::default())), true)
    }

    #[test]
    fn what_was_heard_of_and_could_not_be_read_leaves_the_fold_unsettled_until_it_is() {
        let mut projection = new();
        projection.hear_of(LogEnd::at(1));
        assert!(!projection.settled());
        assert_eq!(projection.step(1), Some(Step::ReadAfter(0)));
        projection.unreadable();
        assert_eq!(projection.step(1), None);
        assert!(projection.is_stuck() && !projection.settled(), "it is behind, and knows it");
        projection.retry();
        assert_eq!(projection.step(1), Some(Step::ReadAfter(0)));
        projection.caught_up(vec![]);
        assert!(projection.settled(), "there is nothing");
    }

    fn arrives() -> Command {
        let visitor = VisitorId::from(Uuid::from_u128(7));
        let context = VisitorContext::default();
        Command::Arrive { visitor, ordinal: 1, context, data: None }
    }

    fn asks(text: &str) -> Command {
        Command::Ask { key: text.parse().unwrap(), text: text.into() }
    }

    /// What another node appends at the end of this projection's log.
    fn of_another(projection: &Projection<&str>, command: Command) -> Vec<Event> {
        decide(projection.session(), command, 1).unwrap().events
    }

    /// A session that has begun here.
    fn begun() -> Projection<&'static str> {
        let id = SessionId::from(Uuid::from_u128(1));
        let mut projection =
            Projection::new(Session::new(id, Arc::new(SiteSettings::default())), true);
        projection.push(arrives(), "the visitor").unwrap();
        assert!(matches!(
            projection.step(1),
            Some(Step::Append { expected: LogEnd { offset: 0, .. }, .. })
        ));
        let committed = projection.appended();
        assert_eq!(committed.outcomes.len(), 1);
        projection
    }

    #[test]
    fn the_fold_is_ahead_of_the_log_until_the_append_was_made_or_is_undone() {
        let mut projection = begun();
        assert!(!projection.is_ahead());
        projection.push(asks("a"), "a").unwrap();
        assert!(matches!(projection.step(1), Some(Step::Append { .. })));
        assert!(projection.is_ahead());
        projection.appended();
        assert!(!projection.is_ahead());
        let as_logged = projection.session().clone();
        projection.push(asks("b"), "b").unwrap();
        assert!(matches!(projection.step(1), Some(Step::Append { .. })));
        projection.conflicted();
        assert!(projection.is_ahead(), "what was not appended is in the fold still");
        let there = projection.end();
        projection.refolded(as_logged, there);
        assert!(!projection.is_ahead());
    }

    #[test]
    fn while_an_append_is_on_its_way_commands_gather_for_the_next() {
        let mut projection = begun();
        projection.push(asks("a"), "a").unwrap();
        assert!(matches!(
            projection.step(1),
            Some(Step::Append { expected: LogEnd { offset: 1, .. }, .. })
        ));
        for whom in ["b", "c"] {
            projection.push(asks(whom), whom).unwrap();
        }
        assert_eq!(projection.step(1), None);
        projection.appended();
        let Some(Step::Append { expected: LogEnd { offset: 2, .. }, events }) = projection.step(1)
        else {
            panic!("the next batch")
        };
        assert_eq!(events.len(), 2);
    }

    #[test]
    fn nobody_is_refused_or_told_that_all_is_done_before_the_log_s_end_was_looked_at() {
        let mut projection = begun();
        let wished = of_another(&projection, Command::RequestHuman);
        projection.hear(projection.end(), wished.clone());
        projection.push(Command::RequestHuman, "the visitor").unwrap();
        assert_eq!(projection.step(1), Some(Step::ReadAfter(1)), "it would be nothing to append");
        assert_eq!(projection.caught_up(wished), vec![]);
        let Some(Step::Tell(outcomes)) = projection.step(1) else { panic!("now it is sure") };
        assert!(outcomes[0].1.is_ok());
    }

    #[test]
    fn what_lost_a_race_is_decided_again_on_what_is_there() {
        let mut projection = begun();
        let others = of_another(&projection, Command::End);
        projection.push(asks("hello"), "the visitor").unwrap();
        assert!(matches!(
            projection.step(1),
            Some(Step::Append { expected: LogEnd { offset: 1, .. }, .. })
        ));
        projection.conflicted();
        assert_eq!(projection.step(1), Some(Step::ReadAnew));
        let mut session = begun().session().clone();
        others.iter().for_each(|event| session.apply(event));
        let there = projection.end();
        assert_eq!(projection.refolded(session, there), Refolded::Whole);
        assert_eq!(projection.step(1), Some(Step::ReadAfter(1)));
        projection.caught_up(others);
        let Some(Step::Tell(outcomes)) = projection.step(1) else { panic!("it is told") };
        assert_eq!(outcomes, [("the visitor", Err(Refusal::Closed))]);
    }

    #[test]
    fn after_an_append_that_may_have_been_made_the_fold_is_made_anew() {
        let mut projection = begun();
        projection.push(asks("hello"), "the visitor").unwrap();
        projection.step(1);
        assert_eq!(projection.failed().len(), 1, "who waited is told that it is not known");
        assert!(!projection.settled());
        assert_eq!(projection.step(1), Some(Step::ReadAnew));
    }

    #[test]
    fn events_of_others_are_taken_once_and_in_order_and_gaps_are_read() {
        let mut projection = begun();
        let events = of_another(&projection, asks("hello"));
        let after = projection.end();
        assert_eq!(projection.hear(after, events.clone()), events);
        assert_eq!(projection.hear(after, events), vec![], "told twice");
        let later = Event { offset: 4, ..of_another(&projection, asks("again"))[0].clone() };
        let between = LogEnd { offset: 3, mark: 5 };
        assert_eq!(projection.hear(between, vec![later]), vec![], "there is one before it");
        assert_eq!(projection.step(1), Some(Step::ReadAfter(1)));
    }

    #[test]
    fn a_log_that_has_become_shorter_has_lost_something() {
        let mut projection = begun();
        projection.doubt();
        assert_eq!(projection.step(1), Some(Step::ReadAnew));
        let nothing = Session::new(projection.session().id(), Arc::new(SiteSettings::default()));
        assert_eq!(projection.refolded(nothing, LogEnd::default()), Refolded::Lost);
    }

    /// A session that has begun and where this was said, as a log has it.
    fn said(text: &str) -> (Projection<&'static str>, Vec<Event>) {
        let mut projection = begun();
        let events = of_another(&projection, asks(text));
        projection.hear(projection.end(), events.clone());
        (projection, events)
    }

    #[test]
    fn a_log_that_has_lost_its_end_and_grown_again_is_not_taken_for_the_one_that_is_known() {
        let (_, others) = said("what has taken its place");
        let end = LogEnd::of(others.last().unwrap());

        let (mut heard_of, _) = said("what was lost");
        heard_of.hear_of(end);
        assert_eq!(heard_of.step(1), Some(Step::ReadAnew), "it ends with another event");

        let (mut grown, known) = said("what was lost");
        let (mut longer, _) = said("what has taken its place");
        let more = of_another(&longer, asks("more"));
        longer.hear(end, more.clone());
        assert_eq!(grown.hear(end, more.clone()), vec![], "what follows another event");
        assert_eq!(grown.step(1), Some(Step::ReadAnew));
        assert_eq!(grown.refolded(longer.session().clone(), end), Refolded::Lost);
        assert_ne!(end, LogEnd::of(known.last().unwrap()));

        let (mut read, _) = said("what was lost");
        read.hear_of(LogEnd::at(3));
        assert_eq!(read.step(1), Some(Step::ReadAfter(1)));
        let after = [others, more].concat();
        assert_eq!(read.caught_up(after), vec![], "they do not follow what is known");
        assert_eq!(read.step(1), Some(Step::ReadAnew));
    }
}
