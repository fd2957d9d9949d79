//! What rings for operators, and what stops ringing.
//!
//! Told from two cards of a session, so that whatever happened between them rings once: cards may
//! skip what lies between. Of a session's first card nothing is known of what is new, so it never
//! rings: neither when a visitor returns nor when the engine has started again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vigie_protocol::card::{AlertKind, Alerts, Card};
use vigie_protocol::event::Holder;
use vigie_protocol::id::{OperatorId, SessionId};
use vigie_protocol::{ALERTS_MAX, QUIET_MAX};

use super::Cards;

/// What has happened since the last flush that somebody may want to hear of.
#[derive(Debug, Default)]
pub(super) struct Ringing {
    raised: BTreeMap<SessionId, Raised>,
    /// Sessions to call quiet. What is raised of one of them was raised after that.
    quiet: BTreeSet<SessionId>,
}

/// Why a session rings.
#[derive(Debug, Default)]
struct Raised {
    waiting: bool,
    said: Option<AlertKind>,
}

/// Something that rings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    /// Why.
    pub kind: AlertKind,
    /// In which session.
    pub card: Arc<Card>,
}

/// What one flush lets ring, by who may hear it.
#[derive(Debug, Default)]
pub(super) struct Rung {
    /// Of sessions that the bot controls, for those who want everything and those who do not.
    all: Arc<[Ring]>,
    new: Arc<[Ring]>,
    /// Of sessions that an operator controls, for that operator.
    own: BTreeMap<OperatorId, Vec<Ring>>,
    quiet: Arc<[SessionId]>,
}

impl Ringing {
    pub(super) fn change(&mut self, old: Option<&Arc<Card>>, new: Option<&Arc<Card>>) {
        let Some(old) = old else { return };
        let Some(new) = new.filter(|new| !taken(old, new)) else {
            self.raised.remove(&old.session);
            self.quiet.insert(old.session);
            return;
        };
        let waits = new.waiting.is_some() && new.waiting != old.waiting;
        let said = (new.asked > old.asked).then_some(match old.asked {
            0 => AlertKind::New,
            _ => AlertKind::Message,
        });
        if waits || said.is_some() {
            let raised = self.raised.entry(new.session).or_default();
            raised.waiting |= waits;
            // The first message is more than those that follow it.
            raised.said = raised.said.or(said);
        }
    }

    /// Whether there was more than one flush may tell.
    pub(super) fn has_more(&self) -> bool {
        !self.quiet.is_empty()
    }

    pub(super) fn take(&mut self, cards: &Cards) -> Rung {
        let quiet = std::iter::from_fn(|| self.quiet.pop_first()).take(QUIET_MAX).collect();
        // What rings anew must not come before the quiet that it comes after.
        let later = self.raised.extract_if(.., |session, _| self.quiet.contains(session)).collect();
        let raised = std::mem::replace(&mut self.raised, later);

        let mut rung = Rung { quiet, ..Rung::default() };
        let mut common = Vec::new();
        for (session, Raised { waiting, said }) in raised {
            let Some(card) = cards.get(&session) else { continue };
            let heard_by = match &card.control.holder {
                Holder::Bot {} => &mut common,
                Holder::Operator { id: Some(id), .. } => rung.own.entry(id.clone()).or_default(),
                Holder::Operator { id: None, .. } => continue,
            };
            let kinds = waiting.then_some(AlertKind::Waiting).into_iter().chain(said);
            heard_by.extend(kinds.map(|kind| Ring { kind, card: Arc::clone(card) }));
        }
        most_urgent(&mut common);
        rung.own.values_mut().for_each(most_urgent);
        rung.new = common.iter().filter(|ring| wanted(Alerts::New, ring)).cloned().collect();
        rung.all = common.into();
        rung
    }
}

impl Rung {
    /// What an operator hears who wants these alerts.
    pub(super) fn for_operator(&self, operator: &OperatorId, alerts: Alerts) -> Arc<[Ring]> {
        let common = match alerts {
            Alerts::None => return Arc::default(),
            Alerts::New => &self.new,
            Alerts::All => &self.all,
        };
        let own = self.own.get(operator).into_iter().flatten();
        let mut own: Vec<Ring> = own.filter(|ring| wanted(alerts, ring)).cloned().collect();
        if own.is_empty() {
            return Arc::clone(common);
        }
        own.extend(common.iter().cloned());
        most_urgent(&mut own);
        own.into()
    }

    /// The sessions that have become quiet, for those who want alerts.
    pub(super) fn quiet(&self, alerts: Alerts) -> Arc<[SessionId]> {
        match alerts {
            Alerts::None => Arc::default(),
            Alerts::New | Alerts::All => Arc::clone(&self.quiet),
        }
    }
}

/// Whether an operator has taken control who was not in control before.
fn taken(old: &Card, new: &Card) -> bool {
    let holder = &new.control.holder;
    matches!(holder, Holder::Operator { .. }) && *holder != old.control.holder
}

fn wanted(alerts: Alerts, ring: &Ring) -> bool {
    match alerts {
        Alerts::None => false,
        Alerts::New => ring.kind != AlertKind::Message,
        Alerts::All => true,
    }
}

/// The most urgent first, and no more than one delta carries.
fn most_urgent(rings: &mut Vec<Ring>) {
    rings.sort_by_key(|ring| (ring.kind, ring.card.session));
    rings.truncate(ALERTS_MAX);
}
