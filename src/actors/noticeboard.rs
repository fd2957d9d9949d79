//! What a site's actors leave for one another without waiting.
//!
//! A board keeps the first and the latest of each thing only, so it is bounded by the number of
//! things, however fast they change and however slow their reader is.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use actix::Addr;
use vigie_protocol::card::Card;
use vigie_protocol::event::Millis;
use vigie_protocol::id::{OperatorId, SessionId};
use vigie_protocol::method::{Intent, OperatorCard};

use crate::actors::site::{SiteActor, Wake};
use crate::core::cluster::NodeId;

/// The cards that have changed since the live list last looked.
#[derive(Debug, Default)]
pub struct Board {
    state: Mutex<State>,
    reader: OnceLock<Addr<SiteActor>>,
}

#[derive(Debug, Default)]
struct State {
    changed: Changes,
    /// Whether the reader looks again by itself, so that nobody has to wake it.
    awake: bool,
}

/// What has become of each session.
type Changes = HashMap<SessionId, Change>;

/// What has become of a session since the board was last read, whatever lay between.
#[derive(Debug)]
pub struct Change {
    /// The first card that was left, if any.
    pub first: Option<Arc<Card>>,
    /// The latest card, or its absence.
    pub latest: Option<Arc<Card>>,
}

impl Board {
    /// Says who reads the board.
    pub fn attach(&self, reader: Addr<SiteActor>) {
        // The board has one reader for its life; a second call changes nothing.
        let _ = self.reader.set(reader);
    }

    /// Leaves a session's card, or its absence.
    pub fn put(&self, session: SessionId, card: Option<Arc<Card>>) {
        let asleep = {
            let mut state = self.state();
            let none = Change { first: None, latest: None };
            let change = state.changed.entry(session).or_insert(none);
            change.first = change.first.take().or_else(|| card.clone());
            change.latest = card;
            !std::mem::replace(&mut state.awake, true)
        };
        if asleep && let Some(reader) = self.reader.get() {
            // One wake for all that comes until the reader rests: there is never more than one in
            // its mailbox.
            reader.do_send(Wake);
        }
    }

    /// Takes what has changed.
    pub fn take(&self) -> HashMap<SessionId, Change> {
        std::mem::take(&mut self.state().changed)
    }

    /// The reader looks no more until it is woken; false if there is something on the board.
    pub fn rest(&self) -> bool {
        let mut state = self.state();
        state.awake = !state.changed.is_empty();
        !state.awake
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A site's operators who are connected, or hold a session, at any node.
#[derive(Debug, Default)]
pub struct Roster(Mutex<BTreeMap<OperatorId, BTreeMap<NodeId, Entry>>>);

/// An operator as one node has them.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// With the sessions that this node watches over for them.
    pub card: OperatorCard,
    /// When they have said whether they are available.
    pub declared: Millis,
}

impl Roster {
    /// Enters an operator, or what has changed of them.
    pub fn put(&self, node: NodeId, entry: Entry) {
        self.entries().entry(entry.card.id.clone()).or_default().insert(node, entry);
    }

    /// Strikes an operator off.
    pub fn remove(&self, node: NodeId, operator: &OperatorId) {
        let mut entries = self.entries();
        if let Some(nodes) = entries.get_mut(operator) {
            nodes.remove(&node);
            if nodes.is_empty() {
                entries.remove(operator);
            }
        }
    }

    /// Everybody, by id.
    pub fn list(&self) -> Vec<OperatorCard> {
        self.entries().values().filter_map(merged).map(|entry| entry.card).collect()
    }

    /// The operator, if they are connected and available.
    pub fn available(&self, operator: &OperatorId) -> Option<OperatorCard> {
        let entry = self.entries().get(operator).and_then(merged)?;
        (entry.card.connected && entry.card.intent == Intent::Available).then_some(entry.card)
    }

    /// The operator as the other nodes have them, if they are connected to one.
    pub fn elsewhere(&self, me: NodeId, operator: &OperatorId) -> Option<Entry> {
        let mut entries = self.entries().get(operator)?.clone();
        entries.remove(&me);
        merged(&entries).filter(|entry| entry.card.connected)
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<OperatorId, BTreeMap<NodeId, Entry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One operator out of what the nodes have of them: what they last said counts.
fn merged(entries: &BTreeMap<NodeId, Entry>) -> Option<Entry> {
    let told = |entry: &&Entry| (entry.card.connected, entry.declared);
    let mut latest = entries.values().max_by_key(told)?.clone();
    latest.card.sessions = entries.values().map(|entry| entry.card.sessions).sum();
    Some(latest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;
    use vigie_protocol::card::BotState;
    use vigie_protocol::event::{Control, Device, Holder};
    use vigie_protocol::id::VisitorId;

    #[test]
    fn of_a_session_s_cards_the_first_and_the_latest_are_kept() {
        let session = SessionId::from(Uuid::from_u128(1));
        for (left, first, latest) in [
            (&[Some(0)][..], Some(0), Some(0)),
            (&[Some(0), Some(1), Some(2)], Some(0), Some(2)),
            (&[None, Some(4), Some(5)], Some(4), Some(5)),
            (&[Some(4), Some(5), None], Some(4), None),
            (&[None, None], None, None),
        ] {
            let board = Board::default();
            for asked in left {
                board.put(session, asked.map(|asked| Arc::new(card(session, asked))));
            }
            let taken = board.take().remove(&session).unwrap();
            let asked = |card: Option<Arc<Card>>| card.map(|card| card.asked);
            assert_eq!((asked(taken.first), asked(taken.latest)), (first, latest), "{left:?}");
            assert!(board.take().is_empty());
        }
    }

    #[test]
    fn a_reader_may_rest_only_while_there_is_nothing_on_the_board() {
        let (board, session) = (Board::default(), SessionId::from(Uuid::from_u128(1)));
        board.put(session, Some(Arc::new(card(session, 0))));
        assert!(!board.rest(), "who put it has seen the reader awake, and would not wake it again");
        board.take();
        assert!(board.rest());
    }

    fn card(session: SessionId, asked: u64) -> Card {
        Card {
            session,
            visitor: VisitorId::from(Uuid::from_u128(2)),
            ordinal: 1,
            started: 1,
            country: None,
            device: Device::Unknown,
            browser: None,
            os: None,
            language: None,
            referrer: None,
            page: None,
            messages: asked,
            asked,
            last: None,
            control: Control { epoch: 1, holder: Holder::Bot {}, since: 1 },
            waiting: None,
            bot: BotState::Idle,
            online: true,
            offset: 1 + asked,
        }
    }
}
