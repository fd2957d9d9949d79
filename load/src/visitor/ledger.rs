//! What one visitor keeps in mind of their session, and what they hold the engine to: events come
//! in order, each once, without gap; what was said is acknowledged and seen at one and the same
//! offset; while an operator is in control the bot is silent; and what operators did is seen.
//!
//! Nothing here knows of connections: it lives on from one to the next.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;
use vigie_protocol::event::{Author, EventBody, Holder, Offset};
use vigie_protocol::id::Key;
use vigie_protocol::method::{Done, Say};
use vigie_protocol::push::EventPush;

use crate::observer::Sighting;
use crate::tally::{Measure, Tally};

/// How many messages of one visitor may be in work at once; what is to be said beyond that waits,
/// and its latency counts on. Fewer than the 64 at which an engine stops reading.
pub(super) const PENDING_MAX: usize = 32;

/// How much may have been seen that nobody has accounted for yet; more is counted at once.
const UNMATCHED_MAX: usize = 256;

/// What one visitor keeps in mind.
pub(crate) struct Ledger {
    /// The last offset that came.
    pub(super) last: Offset,
    /// The number of the next message.
    number: u32,
    pending: Vec<Pending>,
    /// The last message that was seen, and when it should have been said: what the bot answers.
    asked: Option<(Offset, Instant)>,
    /// Where messages were observed that nobody knows yet to stand there, and when.
    sighted: Vec<(Offset, Instant)>,
    /// What operators did; of a visitor whom nobody observes it is not kept.
    deeds: Option<Box<Deeds>>,
    is_held: bool,
}

/// What operators did, by where it stands in the log.
#[derive(Default)]
struct Deeds {
    /// What their operator has told of, and they have not seen.
    told: HashMap<Offset, (Deed, Instant)>,
    /// What they have seen, and nobody has told of.
    seen: HashMap<Offset, (Deed, Instant)>,
}

/// What an operator did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Takeover,
    Reply,
    Release,
}

/// A message that is not acknowledged yet, or not seen by all who should.
struct Pending {
    number: u32,
    text: Arc<str>,
    due: Instant,
    acknowledged: Option<Offset>,
    seen: Option<Offset>,
    is_observed: bool,
}

impl Ledger {
    pub(super) const fn new() -> Self {
        Self {
            last: 0,
            number: 1,
            pending: Vec::new(),
            asked: None,
            sighted: Vec::new(),
            deeds: None,
            is_held: false,
        }
    }

    /// From now on somebody observes them.
    pub(super) fn be_observed(&mut self) {
        self.deeds.get_or_insert_default();
    }

    /// They are in another session, or the log is another one: nothing has been seen of it.
    pub(super) fn begin_anew(&mut self) {
        self.last = 0;
        self.is_held = false;
    }

    /// Whether they can take on something more to say.
    pub(super) fn has_room(&self) -> bool {
        self.pending.len() < PENDING_MAX
    }

    /// Whether there is nothing that they wait for.
    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty()
            && self.sighted.is_empty()
            && self.deeds.as_ref().is_none_or(|deeds| deeds.told.is_empty())
    }

    /// Takes on a message; what to ask for it.
    pub(super) fn say(&mut self, text: Arc<str>, due: Instant) -> (u32, Say) {
        let number = self.number;
        self.number += 1;
        let say = message(number, &text);
        self.pending.push(Pending {
            number,
            text,
            due,
            acknowledged: None,
            seen: None,
            is_observed: self.deeds.is_none(),
        });
        (number, say)
    }

    /// What to ask again on a new connection: what is not acknowledged, in order.
    pub(super) fn to_say_again(&self) -> Vec<(u32, Say)> {
        let open = self.pending.iter().filter(|pending| pending.acknowledged.is_none());
        open.map(|pending| (pending.number, message(pending.number, &pending.text))).collect()
    }

    /// What to ask again for this message, if it is not acknowledged.
    pub(super) fn say_again(&self, number: u32) -> Option<Say> {
        let open = |pending: &&Pending| pending.number == number && pending.acknowledged.is_none();
        self.pending.iter().find(open).map(|pending| message(number, &pending.text))
    }

    /// A message was refused for good.
    pub(super) fn refused(&mut self, number: u32, tally: &Tally) {
        self.pending.retain(|pending| pending.number != number);
        tally.count(|counts| counts.refused += 1);
    }

    pub(super) fn acknowledged(&mut self, number: u32, done: Done, tally: &Tally) {
        let pending = self.pending.iter_mut().find(|pending| pending.number == number);
        // Sent again, it may be acknowledged again.
        let Some(pending) = pending.filter(|pending| pending.acknowledged.is_none()) else {
            return;
        };
        pending.acknowledged = Some(done.offset);
        tally.took(Measure::Acknowledged, pending.due);
        tally.count(|counts| counts.acknowledged += 1);
        self.look_back(done.offset, tally);
        self.settle(number, tally);
    }

    /// Something has come. `stalled` tells whether operators did not read at this moment.
    pub(super) fn event(
        &mut self,
        event: EventPush,
        stalled: impl FnOnce(Instant) -> Option<bool>,
        tally: &Tally,
    ) {
        if event.offset <= self.last {
            return tally.count(|counts| counts.repeated += 1);
        }
        if event.prev > self.last {
            tally.count(|counts| counts.gaps += 1);
        }
        self.last = event.offset;
        match (event.author, event.body) {
            (Author::Visitor {}, EventBody::Message(message)) => {
                self.seen(message.key.as_ref().and_then(number), event.offset, stalled, tally);
            }
            (Author::Bot { .. }, EventBody::Message(message)) => {
                tally.count(|counts| {
                    counts.answers += 1;
                    counts.spoken_over += u64::from(self.is_held);
                });
                let answered = self.asked.take_if(|(turn, _)| message.turn == Some(*turn));
                if let Some((_, due)) = answered {
                    tally.took(Measure::Answered, due);
                }
            }
            (Author::Operator { .. }, EventBody::Message(_)) => {
                self.noticed(event.offset, Deed::Reply, tally);
            }
            (_, EventBody::ControlChanged(change)) => {
                self.is_held = matches!(change.holder, Holder::Operator { .. });
                let deed = if self.is_held { Deed::Takeover } else { Deed::Release };
                self.noticed(event.offset, deed, tally);
            }
            (_, EventBody::BotFailed { .. }) => tally.count(|counts| counts.bot_failures += 1),
            _ => {}
        }
    }

    fn seen(
        &mut self,
        number: Option<u32>,
        offset: Offset,
        stalled: impl FnOnce(Instant) -> Option<bool>,
        tally: &Tally,
    ) {
        let unseen =
            |pending: &&mut Pending| Some(pending.number) == number && pending.seen.is_none();
        let Some(pending) = self.pending.iter_mut().find(unseen) else {
            return tally.count(|counts| counts.seen_again += 1);
        };
        pending.seen = Some(offset);
        self.asked = Some((offset, pending.due));
        tally.took(Measure::Seen, pending.due);
        match stalled(pending.due) {
            Some(true) => tally.took(Measure::SeenStalled, pending.due),
            Some(false) => tally.took(Measure::SeenUnstalled, pending.due),
            None => {}
        }
        tally.count(|counts| counts.seen += 1);
        let number = pending.number;
        self.look_back(offset, tally);
        self.settle(number, tally);
    }

    /// Their operator has seen or done something.
    pub(super) fn told(&mut self, sighting: Sighting, tally: &Tally) {
        match sighting {
            Sighting::Message { offset, at } => self.observed(offset, at, tally),
            Sighting::Deed { offset, deed, due } => {
                let Some(deeds) = &mut self.deeds else { return };
                match deeds.seen.remove(&offset) {
                    Some((seen, at)) => witness(deed, seen, due, at, tally),
                    None => drop(deeds.told.insert(offset, (deed, due))),
                }
            }
        }
    }

    fn observed(&mut self, offset: Offset, at: Instant, tally: &Tally) {
        let stands =
            |pending: &&mut Pending| [pending.acknowledged, pending.seen].contains(&Some(offset));
        let Some(pending) = self.pending.iter_mut().find(stands) else {
            // It was seen over there before it was acknowledged here.
            if self.sighted.len() >= UNMATCHED_MAX {
                return tally.trouble("messages are observed that were never acknowledged");
            }
            return self.sighted.push((offset, at));
        };
        pending.is_observed = true;
        let (number, due) = (pending.number, pending.due);
        tally.lasted(Measure::Observed, due, at.saturating_duration_since(due));
        tally.count(|counts| counts.observed += 1);
        self.settle(number, tally);
    }

    /// Whether their observer has seen what stands there.
    fn look_back(&mut self, offset: Offset, tally: &Tally) {
        let place = self.sighted.iter().position(|(sighted, _)| *sighted == offset);
        if let Some(place) = place {
            let (offset, at) = self.sighted.swap_remove(place);
            self.observed(offset, at, tally);
        }
    }

    /// They see what an operator did.
    fn noticed(&mut self, offset: Offset, deed: Deed, tally: &Tally) {
        let Some(deeds) = &mut self.deeds else { return };
        match deeds.told.remove(&offset) {
            Some((told, due)) => witness(told, deed, due, Instant::now(), tally),
            None if deeds.seen.len() < UNMATCHED_MAX => {
                deeds.seen.insert(offset, (deed, Instant::now()));
            }
            None => tally.count(|counts| counts.unexplained += 1),
        }
    }

    /// Lets go of a message that was acknowledged, and seen by all who should.
    fn settle(&mut self, number: u32, tally: &Tally) {
        self.pending.retain(|pending| match (pending.acknowledged, pending.seen) {
            (Some(acknowledged), Some(seen)) if pending.number == number && pending.is_observed => {
                tally.count(|counts| counts.misplaced += u64::from(acknowledged != seen));
                false
            }
            _ => true,
        });
    }

    /// They leave for good: what they have seen and nobody accounts for is told.
    pub(super) fn close(&mut self, tally: &Tally) {
        let unexplained = self.deeds.take().map_or(0, |deeds| deeds.seen.len());
        tally.count(|counts| counts.unexplained += unexplained as u64);
    }
}

/// What an operator did was seen by their visitor.
fn witness(told: Deed, seen: Deed, due: Instant, at: Instant, tally: &Tally) {
    let latency = at.saturating_duration_since(due);
    tally.count(|counts| {
        counts.misplaced += u64::from(told != seen);
        match told {
            Deed::Takeover => counts.takeovers_seen += 1,
            Deed::Reply => counts.replies_seen += 1,
            Deed::Release => counts.releases_seen += 1,
        }
    });
    match told {
        Deed::Takeover => tally.lasted(Measure::TakeoverSeen, due, latency),
        Deed::Reply => tally.lasted(Measure::ReplySeen, due, latency),
        Deed::Release => {}
    }
}

fn message(number: u32, text: &Arc<str>) -> Say {
    let text = text.as_ref().to_owned();
    Say { session: None, key: key(number), text, seen: None, confirm: false }
}

/// Names a message among those of its visitor.
fn key(number: u32) -> Key {
    format!("m{number}").parse().expect("a letter and a number have the shape of a key")
}

fn number(key: &Key) -> Option<u32> {
    key.as_str().strip_prefix('m')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use vigie_protocol::event::{ChatMessage, ControlCause, ControlChange};
    use vigie_protocol::id::SessionId;

    use super::*;
    use crate::tally::Counts;

    /// A visitor and a log that does to them what a faulty engine might.
    struct Story {
        ledger: Ledger,
        tally: Tally,
        offset: Offset,
    }

    impl Story {
        fn new() -> Self {
            let mut ledger = Ledger::new();
            ledger.be_observed();
            Self { ledger, tally: Tally::new(), offset: 0 }
        }

        fn says(&mut self) -> u32 {
            self.ledger.say("Hello".into(), Instant::now()).0
        }

        fn comes(&mut self, author: Author, body: EventBody) -> Offset {
            let prev = self.offset;
            self.offset += 1;
            self.comes_at(self.offset, prev, author, body);
            self.offset
        }

        fn comes_at(&mut self, offset: Offset, prev: Offset, author: Author, body: EventBody) {
            let session: SessionId = "f845098c-869c-8899-911a-3bbea69f84d9".parse().unwrap();
            let event = EventPush { session, offset, prev, time: 0, author, body };
            self.ledger.event(event, |_| None, &self.tally);
        }

        fn is_acknowledged(&mut self, number: u32, offset: Offset) {
            self.ledger.acknowledged(number, Done { offset, epoch: 1 }, &self.tally);
        }

        fn is_observed(&mut self, offset: Offset) {
            let sighting = Sighting::Message { offset, at: Instant::now() };
            self.ledger.told(sighting, &self.tally);
        }

        fn is_told(&mut self, offset: Offset, deed: Deed) {
            let due = Instant::now();
            self.ledger.told(Sighting::Deed { offset, deed, due }, &self.tally);
        }

        fn ends(mut self) -> Counts {
            self.ledger.close(&self.tally);
            self.tally.counts()
        }
    }

    fn said(number: u32) -> EventBody {
        message_of(Some(key(number)))
    }

    fn message_of(key: Option<Key>) -> EventBody {
        let (text, turn, choices) = ("Hello".to_owned(), None, vec![]);
        EventBody::Message(ChatMessage { text, epoch: 1, key, turn, choices })
    }

    fn control(holder: Holder, cause: ControlCause) -> EventBody {
        let (previous, epoch) = (Holder::Bot {}, 2);
        let (reason, notice) = (None, None);
        EventBody::ControlChanged(ControlChange { epoch, holder, previous, cause, reason, notice })
    }

    fn taken() -> EventBody {
        control(Holder::Operator { id: None, name: "Ann".into() }, ControlCause::TakeOver)
    }

    fn released() -> EventBody {
        control(Holder::Bot {}, ControlCause::Release)
    }

    fn ann() -> Author {
        Author::Operator { id: None, name: "Ann".into() }
    }

    fn bot() -> Author {
        Author::Bot { name: "Bo".into() }
    }

    #[test]
    fn a_message_is_settled_in_whatever_order_its_signs_come() {
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut story = Story::new();
            let number = story.says();
            for sign in order {
                assert!(!story.ledger.is_settled());
                match sign {
                    0 => story.is_acknowledged(number, 1),
                    1 => drop(story.comes(Author::Visitor {}, said(number))),
                    _ => story.is_observed(1),
                }
            }
            assert!(story.ledger.is_settled(), "{order:?}");
            let counts = story.ends();
            assert_eq!((counts.acknowledged, counts.seen, counts.observed), (1, 1, 1));
            assert_eq!((counts.seen_again, counts.misplaced, counts.gaps), (0, 0, 0));
        }
    }

    #[test]
    fn a_message_that_is_dropped_is_waited_for_in_vain() {
        let mut story = Story::new();
        let number = story.says();
        story.is_acknowledged(number, 1);
        story.is_observed(1);
        assert!(!story.ledger.is_settled());
        assert_eq!(story.ends().seen, 0);
    }

    #[test]
    fn a_message_that_is_doubled_is_noticed() {
        let mut story = Story::new();
        let number = story.says();
        story.comes(Author::Visitor {}, said(number));
        story.is_acknowledged(number, 1);
        story.comes(Author::Visitor {}, said(number));
        assert_eq!(story.ends().seen_again, 1);
    }

    #[test]
    fn an_event_that_comes_again_and_one_that_is_missing_are_noticed() {
        let mut story = Story::new();
        story.comes_at(1, 0, bot(), message_of(None));
        story.comes_at(1, 0, bot(), message_of(None));
        story.comes_at(4, 3, bot(), message_of(None));
        story.comes_at(9, 4, bot(), message_of(None));
        let counts = story.ends();
        assert_eq!((counts.repeated, counts.gaps, counts.answers), (1, 1, 3));
    }

    #[test]
    fn a_message_that_stands_elsewhere_than_acknowledged_is_noticed() {
        let mut story = Story::new();
        let number = story.says();
        story.is_acknowledged(number, 7);
        story.comes(Author::Visitor {}, said(number));
        story.is_observed(7);
        assert_eq!(story.ends().misplaced, 1);
    }

    #[test]
    fn what_is_not_acknowledged_is_said_again_under_its_key_and_counts_once() {
        let mut story = Story::new();
        let (first, second) = (story.says(), story.says());
        story.is_acknowledged(first, 1);
        let again = story.ledger.to_say_again();
        assert_eq!(again.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [second]);
        assert_eq!(again[0].1.key, key(second));
        assert!(story.ledger.say_again(first).is_none());
        story.is_acknowledged(second, 2);
        story.is_acknowledged(second, 2);
        assert_eq!(story.ends().acknowledged, 2);
    }

    #[test]
    fn a_bot_that_speaks_while_an_operator_is_in_control_is_noticed() {
        let mut story = Story::new();
        story.comes(bot(), message_of(None));
        story.comes(ann(), taken());
        story.comes(bot(), message_of(None));
        story.comes(ann(), released());
        story.comes(bot(), message_of(None));
        assert_eq!(story.ends().spoken_over, 1);
    }

    #[test]
    fn what_operators_do_is_seen_once_whoever_hears_of_it_first() {
        let mut story = Story::new();
        let taken_at = story.comes(ann(), taken());
        story.is_told(taken_at, Deed::Takeover);
        story.is_told(2, Deed::Reply);
        assert!(!story.ledger.is_settled());
        story.comes(ann(), message_of(None));
        let released_at = story.comes(ann(), released());
        story.is_told(released_at, Deed::Release);
        assert!(story.ledger.is_settled());
        let counts = story.ends();
        assert_eq!((counts.takeovers_seen, counts.replies_seen, counts.releases_seen), (1, 1, 1));
        assert_eq!((counts.unexplained, counts.misplaced), (0, 0));
    }

    #[test]
    fn words_of_an_operator_that_come_twice_are_not_explained() {
        let mut story = Story::new();
        story.is_told(1, Deed::Reply);
        story.comes(ann(), message_of(None));
        story.comes(ann(), message_of(None));
        assert_eq!(story.ends().unexplained, 1);
    }
}
