//! How many sessions there are of each kind, and which.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vigie_protocol::card::{Card, Totals};
use vigie_protocol::event::Holder;
use vigie_protocol::id::{OperatorId, SessionId};

use super::Cards;
use super::filter::Scope;

/// Counts that every totals are made of, and the sets that a lane of few is filled from without a
/// look at all the rest.
#[derive(Debug, Default)]
pub(super) struct Census {
    all: usize,
    waiting: BTreeSet<SessionId>,
    held: BTreeMap<OperatorId, BTreeSet<SessionId>>,
    /// How many operators hold together, those included whose card does not say who it is.
    held_by_all: usize,
}

impl Census {
    pub(super) fn change(&mut self, old: Option<&Arc<Card>>, new: Option<&Arc<Card>>) {
        if let (Some(old), Some(new)) = (old, new)
            && old.waiting.is_some() == new.waiting.is_some()
            && old.control.holder == new.control.holder
        {
            return;
        }
        if let Some(old) = old {
            self.leave(old);
        }
        if let Some(new) = new {
            self.enter(new);
        }
    }

    pub(super) fn totals(&self, operator: &OperatorId, matching: usize) -> Totals {
        let mine = self.held_by(operator);
        Totals {
            all: self.all as u64,
            waiting: self.waiting.len() as u64,
            bot: (self.all - self.held_by_all) as u64,
            mine: mine as u64,
            others: (self.held_by_all - mine) as u64,
            matching: matching as u64,
        }
    }

    pub(super) fn held_by(&self, operator: &OperatorId) -> usize {
        self.held.get(operator).map_or(0, BTreeSet::len)
    }

    /// Every card that a scope may hold. Where that is most of them, simply all.
    pub(super) fn candidates<'a>(
        &'a self,
        scope: &'a Scope,
        cards: &'a Cards,
    ) -> Box<dyn Iterator<Item = &'a Arc<Card>> + 'a> {
        let card = |session| cards.get(session);
        match scope {
            Scope::All | Scope::Bot | Scope::Others(_) => Box::new(cards.values()),
            Scope::Waiting => Box::new(self.waiting.iter().filter_map(card)),
            Scope::Mine(me) => Box::new(self.held.get(me).into_iter().flatten().filter_map(card)),
        }
    }

    fn enter(&mut self, card: &Card) {
        self.all += 1;
        if card.waiting.is_some() {
            self.waiting.insert(card.session);
        }
        if let Holder::Operator { id, .. } = &card.control.holder {
            self.held_by_all += 1;
            if let Some(id) = id {
                self.held.entry(id.clone()).or_default().insert(card.session);
            }
        }
    }

    fn leave(&mut self, card: &Card) {
        self.all -= 1;
        self.waiting.remove(&card.session);
        if let Holder::Operator { id, .. } = &card.control.holder {
            self.held_by_all -= 1;
            if let Some(id) = id
                && let Some(sessions) = self.held.get_mut(id)
            {
                sessions.remove(&card.session);
                if sessions.is_empty() {
                    self.held.remove(id);
                }
            }
        }
    }
}
