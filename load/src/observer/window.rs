//! The part of the live list that an operator has on the screen, and what must be so about it: no
//! change is missing, it holds as many cards as it should, and no card goes back.

use std::collections::HashMap;

use vigie_protocol::card::{Totals, Window};
use vigie_protocol::event::Offset;
use vigie_protocol::id::SessionId;
use vigie_protocol::method::Watching;
use vigie_protocol::push::Live;

use crate::tally::Tally;

/// A window, and the cards in it.
pub(super) struct Watched {
    pub(super) window: Window,
    /// `None` while it is asked for: what comes meanwhile is of the window before.
    revision: Option<u64>,
    /// Each with the last offset that it tells of.
    cards: HashMap<SessionId, Offset>,
    matching: u64,
}

impl Watched {
    pub(super) fn new(window: Window) -> Self {
        Self { window, revision: None, cards: HashMap::new(), matching: 0 }
    }

    /// It is asked for, once more or another one.
    pub(super) fn ask(&mut self) -> Window {
        self.revision = None;
        self.window.clone()
    }

    /// Whether it is there.
    pub(super) const fn is_there(&self) -> bool {
        self.revision.is_some()
    }

    /// Turns to the next stretch of the list; after the last to the first.
    pub(super) fn turn(&mut self) {
        let next = u64::from(self.window.skip) + u64::from(self.window.first);
        let next = if next < self.matching { next } else { 0 };
        self.window.skip = u32::try_from(next).unwrap_or(0);
    }

    /// It is there.
    pub(super) fn given(&mut self, watching: &Watching, tally: &Tally) {
        self.revision = Some(watching.revision);
        self.cards = watching.cards.iter().map(|card| (card.session, card.offset)).collect();
        tally.count(|counts| counts.windows += 1);
        self.count(&watching.totals, tally);
    }

    /// It changes; false if it has to be asked for again.
    pub(super) fn changes(&mut self, live: &Live, tally: &Tally) -> bool {
        let Some(revision) = &mut self.revision else { return true };
        if live.revision != *revision + 1 {
            tally.count(|counts| counts.deltas_missing += 1);
            return false;
        }
        *revision = live.revision;
        let mut wrong = 0;
        for session in &live.remove {
            self.cards.remove(session);
        }
        for card in &live.upsert {
            let before = self.cards.insert(card.session, card.offset);
            wrong += u64::from(before.is_some_and(|before| before > card.offset));
        }
        tally.count(|counts| {
            counts.deltas += 1;
            counts.cards_changed += live.upsert.len() as u64;
            counts.cards_removed += live.remove.len() as u64;
            counts.windows_wrong += wrong;
        });
        self.count(&live.totals, tally);
        true
    }

    /// Of those that match, as many must be there as the window has room for.
    fn count(&mut self, totals: &Totals, tally: &Tally) {
        self.matching = totals.matching;
        let after = totals.matching.saturating_sub(self.window.skip.into());
        let should = after.min(self.window.first.into());
        if self.cards.len() as u64 != should {
            tally.count(|counts| counts.windows_wrong += 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use vigie_protocol::card::{BotState, Card};
    use vigie_protocol::event::{Control, Device, Holder};
    use vigie_protocol::id::VisitorId;

    use super::*;

    fn card(number: u32, offset: Offset) -> Card {
        let id = format!("f845098c-869c-8899-911a-3bbea69f{number:04}");
        let visitor: VisitorId = id.parse().unwrap();
        Card {
            session: id.parse().unwrap(),
            visitor,
            ordinal: 1,
            started: 0,
            country: None,
            device: Device::Desktop,
            browser: None,
            os: None,
            language: None,
            referrer: None,
            page: None,
            messages: 0,
            asked: 0,
            last: None,
            control: Control { epoch: 1, holder: Holder::Bot {}, since: 0 },
            waiting: None,
            bot: BotState::Idle,
            online: true,
            offset,
        }
    }

    fn totals(matching: u64) -> Totals {
        Totals { all: matching, matching, ..Totals::default() }
    }

    fn live(revision: u64, upsert: Vec<Card>, remove: Vec<SessionId>, matching: u64) -> Live {
        let (alerts, quiet) = (vec![], vec![]);
        Live { revision, upsert, remove, totals: totals(matching), alerts, quiet }
    }

    fn watched(tally: &Tally) -> Watched {
        let mut watched = Watched::new(Window { first: 2, ..Window::default() });
        let cards = vec![card(1, 5), card(2, 5)];
        watched.given(&Watching { revision: 7, cards, totals: totals(3) }, tally);
        watched
    }

    #[test]
    fn a_window_that_is_as_it_should_be_is_not_complained_of() {
        let tally = Tally::new();
        let mut watched = watched(&tally);
        let gone = card(1, 5).session;
        assert!(watched.changes(&live(8, vec![card(3, 1), card(2, 6)], vec![gone], 9), &tally));
        let counts = tally.counts();
        assert_eq!((counts.windows, counts.deltas), (1, 1));
        assert_eq!((counts.cards_changed, counts.cards_removed), (2, 1));
        assert_eq!((counts.deltas_missing, counts.windows_wrong), (0, 0));
    }

    #[test]
    fn a_change_that_is_missing_is_noticed_and_what_comes_before_the_new_window_is_let_go() {
        let tally = Tally::new();
        let mut watched = watched(&tally);
        assert!(!watched.changes(&live(9, vec![], vec![], 3), &tally));
        watched.ask();
        assert!(watched.changes(&live(10, vec![], vec![], 0), &tally));
        assert_eq!((tally.counts().deltas_missing, tally.counts().deltas), (1, 0));
    }

    #[test]
    fn a_window_with_too_few_or_too_many_cards_and_a_card_that_goes_back_are_noticed() {
        let gone = card(1, 5).session;
        for wrong in [
            live(8, vec![], vec![gone], 3),
            live(8, vec![card(3, 1)], vec![], 3),
            live(8, vec![card(2, 4)], vec![], 3),
        ] {
            let tally = Tally::new();
            assert!(watched(&tally).changes(&wrong, &tally));
            assert_eq!(tally.counts().windows_wrong, 1);
        }
    }

    #[test]
    fn turning_goes_through_the_list_and_begins_again_at_its_end() {
        let tally = Tally::new();
        let mut watched = watched(&tally);
        let mut skips = vec![];
        for _ in 0..3 {
            watched.turn();
            skips.push(watched.window.skip);
        }
        assert_eq!(skips, [2, 0, 2]);
    }
}
