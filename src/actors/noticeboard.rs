//! What a site's actors leave for one another without waiting.
//!
//! A board keeps the first and the latest of each thing only, so it is bounded by the number of
//! things, however fast they change and however slow their reader is.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use actix::Addr;
use vigie_protocol::card::Card;
use vigie_protocol::id::{OperatorId, SessionId};
use vigie_protocol::method::{Intent, OperatorCard};

use crate::actors::site::{SiteActor, Wake};

/// The cards that have changed since the live list last looked.
#[derive(Debug, Default)]
pub struct Board {
    changed: Mutex<Changes>,
    reader: OnceLock<Addr<SiteActor>>,
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
        let first = {
            let mut changed = self.changed();
            let change = changed.entry(session).or_insert(Change { first: None, latest: None });
            change.first = change.first.take().or_else(|| card.clone());
            change.latest = card;
            changed.len() == 1
        };
        if first && let Some(reader) = self.reader.get() {
            // One wake for all that comes until the reader looks: there is never more than one in
            // its mailbox.
            reader.do_send(Wake);
        }
    }

    /// Takes what has changed.
    pub fn take(&self) -> HashMap<SessionId, Change> {
        std::mem::take(&mut *self.changed())
    }

    fn changed(&self) -> MutexGuard<'_, Changes> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A site's operators who are connected, or hold a session.
#[derive(Debug, Default)]
pub struct Roster(Mutex<BTreeMap<OperatorId, OperatorCard>>);

impl Roster {
    /// Enters an operator, or what has changed of them.
    pub fn put(&self, card: OperatorCard) {
        self.cards().insert(card.id.clone(), card);
    }

    /// Strikes an operator off.
    pub fn remove(&self, operator: &OperatorId) {
        self.cards().remove(operator);
    }

    /// Everybody, by id.
    pub fn list(&self) -> Vec<OperatorCard> {
        self.cards().values().cloned().collect()
    }

    /// The operator, if they are connected and available.
    pub fn available(&self, operator: &OperatorId) -> Option<OperatorCard> {
        self.cards()
            .get(operator)
            .filter(|card| card.connected && card.intent == Intent::Available)
            .cloned()
    }

    fn cards(&self) -> MutexGuard<'_, BTreeMap<OperatorId, OperatorCard>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
